// SPDX-License-Identifier: Apache-2.0
// Block scales of packed operands as rows of 16 binary32 lanes.

#if defined(ZEROULP_KERNELS_SCALE_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_SCALE_ROWS_INL_H_
#undef ZEROULP_KERNELS_SCALE_ROWS_INL_H_
#else
#define ZEROULP_KERNELS_SCALE_ROWS_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/decode-inl.h"
#include "kernels/scale_range.h"
#include "kernels/tile-inl.h"
#include "zeroulp/packed.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// The scales of one operand. With a range, E8M0 codes outside it are read as 1:
// right where all elements of their blocks are zero.
class ScaleRows {
 public:
  ScaleRows(const PackedMatrix& matrix, const ScaleRange& range)
      : matrix_(matrix),
        range_(range),
        block_(static_cast<size_t>(matrix.scale_block())),
        blocks_(static_cast<size_t>(matrix.scale_cols())),
        ue4m3_(Info(Format::kE4M3FN)) {}

  // Whether Fill gives the scales of these 16 rows: every code outside the
  // range belongs to zeros, and is no NaN.
  bool AllInRange(size_t group) const {
    if (block_ == 0 || range_.unlimited()) return true;
    const hn::ScalableTag<uint8_t> d8;
    const size_t lanes = hn::Lanes(d8);
    const size_t count = blocks_ * kPanelRows;
    const uint8_t* codes = matrix_.scales() + group * count;
    const auto low = hn::Set(d8, range_.min_code);
    const auto high = hn::Set(d8, range_.max_code);
    auto outside = hn::Zero(d8);
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      const auto code = hn::LoadU(d8, codes + i);
      outside =
          hn::Or(outside, hn::Xor(code, hn::Min(hn::Max(code, low), high)));
    }
    bool inside = hn::AllTrue(d8, hn::Eq(outside, hn::Zero(d8)));
    for (; i < count; ++i) inside = inside && range_.contains(codes[i]);
    return inside || OnlyZerosOutside(matrix_, group, range_);
  }

  // Of the 16 rows for the blocks that element k is in.
  HWY_INLINE void Fill(size_t group, size_t k, float* HWY_RESTRICT row) const {
    const DI di;
    const DF df;
    if (block_ == 0) {
      std::fill_n(row, kPanelRows, 1.0f);
      return;
    }
    const size_t at = (group * blocks_ + k / block_) * kPanelRows;
    const uint8_t* codes = matrix_.scales();
    switch (matrix_.scale_format()) {
      case Format::kE8M0FNU:
        for (size_t lane = 0; lane < kPanelRows; lane += kLanes) {
          hn::Store(PowerOfTwo(Load(codes + at + lane)), df, row + lane);
        }
        break;
      case Format::kUE4M3:  // E4M3FN without the sign bit, which is ignored
        for (size_t lane = 0; lane < kPanelRows; lane += kLanes) {
          const VI code = hn::And(Load(codes + at + lane), hn::Set(di, 0x7F));
          hn::Store(ue4m3_(code), df, row + lane);
        }
        break;
      default:  // kF32
        std::copy_n(reinterpret_cast<const float*>(codes) + at, kPanelRows,
                    row);
    }
  }

 private:
  static HWY_INLINE VI Load(const uint8_t* codes) {
    const DI di;
    return hn::PromoteTo(di, hn::LoadU(hn::Rebind<uint8_t, DI>(), codes));
  }
  HWY_INLINE VF PowerOfTwo(VI code) const {
    const DI di;
    const auto outside =
        hn::Or(hn::Lt(code, hn::Set(di, int32_t{range_.min_code})),
               hn::Gt(code, hn::Set(di, int32_t{range_.max_code})));
    code = hn::IfThenElse(outside, hn::Set(di, 127), code);
    VI bits = hn::ShiftLeft<23>(code);
    // 2^-127 is subnormal; 0xFF is NaN.
    bits = hn::IfThenElse(hn::Eq(code, hn::Zero(di)), hn::Set(di, 0x00400000),
                          bits);
    bits = hn::IfThenElse(hn::Eq(code, hn::Set(di, 255)),
                          hn::Set(di, 0x7FC00000), bits);
    return hn::BitCast(DF(), bits);
  }

  const PackedMatrix& matrix_;
  ScaleRange range_;
  size_t block_, blocks_;
  Decoder ue4m3_;
};

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_SCALE_ROWS_INL_H_
