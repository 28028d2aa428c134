// SPDX-License-Identifier: Apache-2.0
// Fused dots of narrow products whose steps fit binary32: FP8 tensor cores
// that keep 13 bits.
#ifndef ZEROULP_KERNELS_FLOOR32_H_
#define ZEROULP_KERNELS_FLOOR32_H_

#include <cstddef>

#include "kernels/gemm_call.h"

namespace zeroulp::kernels {

// Rows whose every step floor32_tile-inl.h computes exactly, with FP8 operands.
constexpr bool IsFloor32(const ArithInfo& row) {
  if (row.model != Model::kFusedDot || !row.scales.empty() || row.widen ||
      row.flush_inputs || row.flush_results || row.normalise_products ||
      !TakesOnly(row, {Format::kE4M3FN, Format::kE5M2})) {
    return false;
  }
  // Signs of a chunk are the bits of a word; passes are of whole chunks.
  if (row.chunk != 16 && row.chunk != 32) return false;
  // The sum of a chunk of products and C, each below 2^(align_bits + 2) units,
  // stays within half the distance from 1.5 * 2^23 to either power of two.
  if (row.align_bits < 7 || (row.chunk + 1) << (row.align_bits + 2) > 1 << 21) {
    return false;
  }
  // C is cut to the fraction of D before it is cut to the grid, which must be
  // the same where C is the largest.
  return row.accumulator == row.output &&
         row.out_fraction_bits < Info(row.output).mantissa_bits + 1 &&
         (row.output != Format::kF32 ||
          row.align_bits == row.out_fraction_bits);
}

// Toward zero to less than binary32, whatever the exponent.
constexpr bool Floor32CutComputes(const ArithInfo& row) {
  return IsFloor32(row) && row.output == Format::kF32 &&
         row.out_rounding == Rounding::kTowardZero &&
         row.out_fraction_bits < 23 &&
         row.exponent_floor.value_or(-126) <= -126;
}

// To nearest even to binary16.
constexpr bool Floor32F16Computes(const ArithInfo& row) {
  return IsFloor32(row) && row.output == Format::kF16 &&
         row.out_rounding == Rounding::kNearestEven &&
         row.out_fraction_bits == 10 && !row.exponent_floor;
}

size_t Floor32WorkspaceBytes(const GemmCall& call);

// Calls with promote_every need a row of Floor32CutComputes.
void Floor32(const GemmCall& call, std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_FLOOR32_H_
