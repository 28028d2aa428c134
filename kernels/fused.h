// SPDX-License-Identifier: Apache-2.0
// The kernels of products cut to one grid: tensor cores and CDNA3.
#ifndef ZEROULP_KERNELS_FUSED_H_
#define ZEROULP_KERNELS_FUSED_H_

#include <cstddef>

#include "kernels/gemm_call.h"

namespace zeroulp::kernels {

// Rows of Model::kFusedDot, kSplitFused and kEvenOdd within these limits.
constexpr bool FusedComputes(const ArithInfo& row) {
  switch (row.model) {
    case Model::kFusedDot:
    case Model::kSplitFused:
      break;
    case Model::kEvenOdd:
      // The final sum has 31 bits below its largest exponent, c and the
      // products 24; c alone is not rounded.
      if (row.align_bits != 24 || row.group > 2 ||
          row.out_fraction_bits != Info(row.output).mantissa_bits) {
        return false;
      }
      break;
    default:
      return false;
  }
  // Addends below 4 * 2^align_bits in int32, their sum in binary64; E8M0
  // scales have no significand.
  return row.align_bits <= 27 && row.chunk <= 1024 && !row.normalise_products &&
         !row.scales.contains(Format::kUE4M3) &&
         !row.scales.contains(Format::kF32) &&
         (row.model == Model::kFusedDot || row.scales.empty());
}

void Fused(const GemmCall& call, std::byte* workspace) noexcept;

// Rows of Model::kGroupFused whose sums of products are exact in binary32.
constexpr bool GroupFusedComputes(const ArithInfo& row) {
  return row.model == Model::kGroupFused && TakesOnly(row, {Format::kE2M1FN}) &&
         row.group <= 32 && row.chunk % row.group == 0 &&
         row.chunk / row.group <= 8 && row.align_bits <= 36 &&
         row.scale_block != 0 && row.scale_block % row.group == 0 &&
         row.chunk % row.scale_block == 0 && !row.scales.contains(Format::kF32);
}

void GroupFused(const GemmCall& call, std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_FUSED_H_
