// SPDX-License-Identifier: Apache-2.0
// Products cut to one grid by binary64 multiply-adds: see floor_tile-inl.h.
#ifndef ZEROULP_KERNELS_FLOOR_CHAIN_H_
#define ZEROULP_KERNELS_FLOOR_CHAIN_H_

#include <cstddef>
#include <string_view>

#include "kernels/gemm_call.h"
#include "kernels/kernel_table.h"

namespace zeroulp::kernels {

// Elements of K decoded at once: a strip of B's columns then fits L1.
inline constexpr size_t kFloorK = 64;

// Exponents of products within -60 ... 30, so that they fit a byte.
constexpr bool HasNarrowExponents(const ArithInfo& row) {
  FormatSet formats = kNarrowFormats;
  return row.scales.empty() &&
         (TakesOnly(row, formats) || TakesOnly(row, {Format::kF16}));
}

// Fused dot products and halves of them. 53 bits hold a chain of products of
// at most 2 * 11 bits and what makes none of them end on the grid.
constexpr bool FloorChainComputes(const ArithInfo& row) {
  const bool split = row.model == Model::kSplitFused;
  if (row.model != Model::kFusedDot && !split) return false;
  if (row.zero_sign != ZeroSign::kPlus || row.accumulator != row.output ||
      row.flush_inputs) {
    return false;
  }
  const bool binary32 = row.output == Format::kF32 &&
                        row.out_rounding == Rounding::kTowardZero &&
                        row.out_fraction_bits == 23;
  const bool binary16 = row.output == Format::kF16 &&
                        row.out_rounding == Rounding::kNearestEven &&
                        row.out_fraction_bits == 10 && HasNarrowExponents(row);
  if (!binary32 && !binary16) return false;
  // Signs of a step's products are bits of a word. 2^(30 - align_bits) keeps a
  // product off the grid.
  if (row.chunk < 1 || row.chunk > 32 || kFloorK % row.chunk != 0 ||
      row.align_bits < 1 || row.align_bits > 27) {
    return false;
  }
  if (split) return row.chunk == 32 && HasNarrowExponents(row);
  if (row.scales.empty()) return !row.a.contains(Format::kF32);
  return row.scale_block == row.chunk &&
         row.scales.first() == Format::kE8M0FNU &&
         !row.scales.contains(Format::kUE4M3) &&
         !row.scales.contains(Format::kF32) && TakesOnly(row, kNarrowFormats);
}

// Of any target.
inline constexpr size_t kFloorWorkspaceBytes = size_t{1} << 20;

size_t FloorChainWorkspaceBytes();
void FloorChain(const GemmCall& call, std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_FLOOR_CHAIN_H_
