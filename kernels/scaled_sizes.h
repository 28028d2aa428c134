// SPDX-License-Identifier: Apache-2.0
// Sizes and kinds shared by the kernels with block scales.
#ifndef ZEROULP_KERNELS_SCALED_SIZES_H_
#define ZEROULP_KERNELS_SCALED_SIZES_H_

#include <algorithm>
#include <cstddef>

#include "kernels/block.h"
#include "kernels/gemm_call.h"
#include "kernels/scale_range.h"

namespace zeroulp::kernels {

// As in chain.cc: a panel of 16 rows that the L1 cache holds, room for the rows
// of one long block's fold, and an odd number of lines, so that panels read
// side by side do not fall on the same cache sets.
inline constexpr size_t kScaledPanelFloats = (512 + 3) * 16;
// B panels of a block of columns, in an L2 cache of 1M beside A and D.
inline constexpr size_t kScaledBGroups = 24;
// Steps of K that 16 x 48 elements of D take at a time: in all their tiles the
// L1 cache holds those of three B panels, 24K. Of 88, 128, 176, 256 and 512,
// measured once each on Zen 4, none stood out by more than 2 points of peak.
inline constexpr size_t kScaledL1Steps = 128;
// 16 rows of D of the width of a tile.
inline constexpr size_t kSumFloats = 16 * 3 * 16;

inline size_t ScaledBytes(const ArithInfo& row) {
  constexpr size_t kFloats =
      (1 + kScaledBGroups) * kScaledPanelFloats + kSumFloats;
  return std::max(kFloats * sizeof(float), BlockWorkspaceBytes(row));
}

inline bool HasScales(const PackedMatrix& x, Format format) {
  return x.scale_block() != 0 && x.scale_format() == format;
}

// Whether every block scale is a power of two.
inline bool OnlyPowersOfTwo(const GemmCall& call) {
  const auto power = [](const PackedMatrix& x) {
    return x.scale_block() == 0 || x.scale_format() == Format::kE8M0FNU;
  };
  return power(*call.a) && power(*call.b_t);
}

// `range` for the E8M0 scales of an operand; none where the product of both
// scales rounds to binary32.
inline ScaleRange RangeOf(const GemmCall& call, const PackedMatrix& x,
                          const ScaleRange& range) {
  const bool rounds =
      HasScales(*call.a, Format::kF32) || HasScales(*call.b_t, Format::kF32);
  return HasScales(x, Format::kE8M0FNU) && !rounds ? range : ScaleRange{};
}

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SCALED_SIZES_H_
