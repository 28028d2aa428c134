// SPDX-License-Identifier: Apache-2.0
// Packed E2M1 operands -> the panels of group_panel.h.

#if defined(ZEROULP_KERNELS_GROUP_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_GROUP_PANEL_INL_H_
#undef ZEROULP_KERNELS_GROUP_PANEL_INL_H_
#else
#define ZEROULP_KERNELS_GROUP_PANEL_INL_H_
#endif

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/group_panel.h"
#include "kernels/ops-inl.h"
#include "zeroulp/codec.h"
#include "zeroulp/packed.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// What fast chunks are allowed. Products of scales are multiples of
// 2^(exponent - fraction bits), and sums of products of quarters.
struct GroupLimits {
  explicit GroupLimits(const GemmCall& call)
      : spread(call.row->align_bits - 2 -
               Info(call.a->scale_format()).mantissa_bits -
               Info(call.b_t->scale_format()).mantissa_bits),
        narrow_spread(24 - 2 - std::bit_width(LargestSum(call))) {}

  // A group is never cut unless its exponent is further below the largest.
  int spread;
  // The sum of all four groups fits 24 bits unless their exponents differ by
  // more.
  int narrow_spread;
  // Exponents of each scale within which sums, and their parts, are normal
  // binary32 numbers.
  static constexpr int kHighest = 45, kLowest = -45;

 private:
  // Of a group, in units of its last place.
  static uint32_t LargestSum(const GemmCall& call) {
    constexpr uint32_t kLargestProduct = kByteOffset * kByteOffset;
    const auto significand = [](const PackedMatrix& x) {
      return (2u << Info(x.scale_format()).mantissa_bits) - 1;
    };
    return kGroupProducts * kLargestProduct * significand(*call.a) *
           significand(*call.b_t);
  }
};

class GroupPanelFiller {
 public:
  GroupPanelFiller(const PackedMatrix& matrix, bool is_a)
      : matrix_(matrix),
        is_a_(is_a),
        block_(static_cast<size_t>(matrix.scale_block())),
        blocks_(static_cast<size_t>(matrix.scale_cols())),
        quads_(static_cast<size_t>(matrix.quads())) {
    for (uint32_t code = 0; code < 16; ++code) {
      const int twice =
          static_cast<int>(2 * Decode(Info(matrix.format()), code));
      bytes_[code] = static_cast<uint8_t>(is_a ? twice + kByteOffset : twice);
    }
    const FormatInfo& f = Info(matrix.scale_format());
    for (uint32_t code = 0; code < 256; ++code) {
      const float scale = Decode(f, code & (f.bits == 8 ? 0xFFu : 0x7Fu));
      const auto field = static_cast<int>(std::bit_cast<uint32_t>(scale) >> 23);
      scales_[code] = is_a ? 0.25f * scale : scale;
      exponents_[code] =
          static_cast<int16_t>(std::max(field - 127, f.min_exponent()));
    }
  }

  // Chunks `first` ... of the 16 rows of `group`.
  void operator()(size_t group, size_t first, size_t count,
                  GroupChunk* chunks) const {
    for (size_t i = 0; i < count; ++i) {
      Codes(group, first + i, chunks[i]);
      Scales(group, first + i, chunks[i]);
    }
  }

 private:
  static constexpr size_t kQuads = kGroupCount * kGroupSteps;  // of a chunk

  void Codes(size_t group, size_t chunk, GroupChunk& to) const {
    const hn::ScalableTag<uint8_t> d8;
    const DI di;
    const size_t quad = chunk * kQuads;
    const auto table = hn::LoadDup128(d8, bytes_);
    const uint8_t* codes =
        matrix_.data() + (group * quads_ + quad) * kQuadBytes;
    for (size_t q = 0; q < kQuads; ++q) {
      auto* bytes = reinterpret_cast<uint8_t*>(
          to.bytes[q / kGroupSteps][q % kGroupSteps]);
      for (size_t i = 0; i < kQuadBytes; i += hn::Lanes(d8)) {
        // Past the end of K: zeros.
        const auto code = quad + q < quads_
                              ? hn::Load(d8, codes + q * kQuadBytes + i)
                              : hn::Zero(d8);
        hn::Store(hn::TableLookupBytes(table, code), d8, bytes + i);
      }
    }
    for (size_t g = 0; g < kGroupCount; ++g) {
      for (size_t lane = 0; lane < kGroupLanes; lane += hn::Lanes(di)) {
        Group(to, g, lane);
      }
    }
  }

  // What a group's bytes say of it.
  HWY_INLINE void Group(GroupChunk& to, size_t g, size_t lane) const {
    const DI di;
    const hn::Repartition<uint8_t, DI> d8;
    const auto zero =
        hn::Set(d8, static_cast<uint8_t>(is_a_ ? kByteOffset : 0));
    const VI offsets = hn::Set(di, kByteOffset * 0x01010101);
    VI sum = hn::Zero(di), nonzero = hn::Zero(di);
    for (size_t step = 0; step < kGroupSteps; ++step) {
      const VI bytes = hn::Load(di, to.bytes[g][step] + lane);
      if (!is_a_) sum = DotSmallBytes(sum, offsets, bytes);
      // Step s of byte b is bit 8 * b + s.
      const VI is_zero = hn::BitCast(
          di, hn::VecFromMask(d8, hn::Eq(hn::BitCast(d8, bytes), zero)));
      const VI bit = hn::Set(di, static_cast<int32_t>(0x01010101u << step));
      nonzero = hn::Or(nonzero, hn::AndNot(is_zero, bit));
    }
    hn::Store(hn::Neg(sum), di, to.begin[g] + lane);
    hn::Store(nonzero, di, to.nonzero[g] + lane);
  }

  void Scales(size_t group, size_t chunk, GroupChunk& to) const {
    int highest[kGroupLanes], lowest[kGroupLanes];
    std::fill_n(highest, kGroupLanes, -kNeverFast);
    std::fill_n(lowest, kGroupLanes, kNeverFast);
    for (size_t g = 0; g < kGroupCount; ++g) {
      // Past the end of K: any scale of these rows.
      const size_t k = (chunk * kGroupCount + g) * kGroupProducts;
      const size_t block = std::min(k / block_, blocks_ - 1);
      const uint8_t* codes =
          matrix_.scales() + (group * blocks_ + block) * kGroupLanes;
      for (size_t lane = 0; lane < kGroupLanes; ++lane) {
        const uint8_t code = codes[lane];
        to.scales[g][lane] = scales_[code];
        const int exponent = exponents_[code];
        highest[lane] = std::max(highest[lane], exponent);
        lowest[lane] = std::min(lowest[lane], exponent);
      }
    }
    int most = 0;
    for (size_t lane = 0; lane < kGroupLanes; ++lane) {
      to.highest[lane] = highest[lane] * (1 << 23);
      to.lowest[lane] = lowest[lane] * (1 << 23);
      const bool inside = highest[lane] <= GroupLimits::kHighest &&
                          lowest[lane] >= GroupLimits::kLowest;
      to.spread[lane] = inside ? highest[lane] - lowest[lane] : kNeverFast;
      most = std::max(most, to.spread[lane]);
    }
    if (!is_a_) std::fill_n(to.spread, kGroupLanes, most);
  }

  const PackedMatrix& matrix_;
  bool is_a_;
  size_t block_, blocks_, quads_;
  alignas(16) uint8_t bytes_[16];
  float scales_[256];
  int16_t exponents_[256];

  static constexpr size_t kQuadBytes = 64;
};

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_GROUP_PANEL_INL_H_
