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

// Panels of 16 rows hold at most K = 2048 of NVFP4, the rows of folds included:
// 512 steps, and two rows for each of 128 blocks. Every pass over K reads and
// writes all of D: with two, MXFP4 and NVFP4 of 2048^3 lose 2 to 3 points of
// peak on Zen 4. And one line, see OddLines.
inline constexpr size_t kScaledPanelFloats = (768 + 1) * 16;
// Panels of B of a block of columns: 15 of the longest, more of shorter ones,
// in an L2 cache of 1M beside those of A, and D.
inline constexpr size_t kScaledBFloats = 15 * kScaledPanelFloats;
inline constexpr size_t kScaledAGroups = 2;
// Steps of K that 32 x 48 elements of D take at a time: in all their tiles the
// L1 cache holds those of three B panels, 12K and folds. With 4 or 8 groups of
// A, or 96 steps, Zen 4 is no faster; with 1 and 128, 2 points slower.
inline constexpr size_t kScaledL1Steps = 64;
// The A groups' rows of D of the width of a tile.
inline constexpr size_t kSumFloats = kScaledAGroups * 16 * 3 * 16;

inline size_t ScaledBytes(const ArithInfo& row) {
  constexpr size_t kFloats =
      kScaledAGroups * kScaledPanelFloats + kScaledBFloats + kSumFloats;
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
