// SPDX-License-Identifier: Apache-2.0
// E2M1 elements as bytes of rows that share an exponent, see aligned_rows.h.

#if defined(ZEROULP_KERNELS_ALIGNED_SCALES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_ALIGNED_SCALES_INL_H_
#undef ZEROULP_KERNELS_ALIGNED_SCALES_INL_H_
#else
#define ZEROULP_KERNELS_ALIGNED_SCALES_INL_H_
#endif

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/aligned_rows.h"
#include "kernels/tile-inl.h"
#include "zeroulp/codec.h"
#include "zeroulp/packed.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3_DL

inline constexpr int kLargestTwice = 12;  // twice 6

// The scales of 16 rows.
class AlignedScales {
 public:
  // None: nothing is shifted.
  AlignedScales() : quads_(~size_t{0}) { lowest_.fill(127); }
  AlignedScales(const PackedMatrix& matrix, size_t group)
      : quads_(static_cast<size_t>(matrix.quads())) {
    lowest_.fill(127);
    const auto block = static_cast<size_t>(matrix.scale_block());
    if (block == 0) return;
    AlignRows(matrix, group, lowest_.data());
    quads_ = hwy::DivCeil(block, static_cast<size_t>(PackedMatrix::kQuad));
    codes_ = matrix.scales() +
             group * static_cast<size_t>(matrix.scale_cols()) * kPanelRows;
  }

  // Quads of a scale, all if there are none.
  size_t quads() const { return quads_; }
  // In the high half of every byte of a row. Those of zeros are any.
  VI Shifts(size_t scale) const {
    const DI di;
    if (codes_ == nullptr) return hn::Zero(di);
    const hn::Rebind<uint8_t, DI> d8;
    const auto above = hn::Sub(hn::LoadU(d8, codes_ + scale * kPanelRows),
                               hn::LoadU(d8, lowest_.data()));
    const VI shifts =
        hn::PromoteTo(di, hn::And(above, hn::Set(d8, kMostShift)));
    return hn::Mul(shifts, hn::Set(di, 0x10101010));
  }
  // Codes.
  VI lowest() const {
    return hn::PromoteTo(DI(),
                         hn::LoadU(hn::Rebind<uint8_t, DI>(), lowest_.data()));
  }
  // The powers of two that these are, if none is 2^-127.
  VF powers() const { return hn::BitCast(DF(), hn::ShiftLeft<23>(lowest())); }

 private:
  static_assert((kMostShift & (kMostShift + 1)) == 0);  // a mask
  std::array<uint8_t, kPanelRows> lowest_;
  const uint8_t* codes_ = nullptr;
  size_t quads_;
};

// Of codes with Shifts: 4 times 16 values, each 16 twice as large as those
// before.
struct ShiftedTable {
  // value(twice what a code means, shifted)
  template <class Value>
  explicit constexpr ShiftedTable(const Value& value) : bytes() {
    for (uint32_t i = 0; i < 64; ++i) {
      const auto twice = static_cast<int>(2 * Decode(Format::kE2M1FN, i % 16));
      bytes[i] = static_cast<uint8_t>(value(twice * (1 << (i / 16))));
    }
  }

  alignas(64) uint8_t bytes[64];
};

#endif  // HWY_TARGET == HWY_AVX3_DL

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_ALIGNED_SCALES_INL_H_
