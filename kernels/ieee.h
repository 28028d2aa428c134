// SPDX-License-Identifier: Apache-2.0
// The kernels of models made of IEEE 754 operations.
#ifndef ZEROULP_KERNELS_IEEE_H_
#define ZEROULP_KERNELS_IEEE_H_

#include <cstddef>

#include "kernels/gemm_call.h"

namespace zeroulp::kernels {

// Rows of Model::kChain, kPairTree, kSystolic and kDotPairs within these
// limits.
constexpr bool IeeeComputes(const ArithInfo& row) {
  const bool is_f32 =
      row.accumulator == Format::kF32 && row.output == Format::kF32;
  const bool is_narrow = TakesOnly(row, kNarrowFormats);
  switch (row.model) {
    case Model::kChain:
      return is_f32 && TakesOnly(row, kChainFormats);
    case Model::kDotPairs:
      return is_f32;
    case Model::kPairTree:
      return is_f32 && (row.chunk == 2 || row.chunk == 4);
    case Model::kSystolic:
      // Sums of several products, all of one scale, in two binary64 numbers.
      return !row.flush_results && (row.group == 1 || is_narrow) &&
             (row.scales.empty() || (row.interleaved && is_narrow)) &&
             row.scale_block % row.group == 0 &&
             (row.scales.empty() || row.chunk % row.scale_block == 0) &&
             !row.scales.contains(Format::kUE4M3) &&
             !row.scales.contains(Format::kF32);
    default:
      return false;
  }
}

void Ieee(const GemmCall& call, std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_IEEE_H_
