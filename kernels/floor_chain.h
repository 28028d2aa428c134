// SPDX-License-Identifier: Apache-2.0
// Products cut to one grid by binary64 multiply-adds: see floor_tile-inl.h.
#ifndef ZEROULP_KERNELS_FLOOR_CHAIN_H_
#define ZEROULP_KERNELS_FLOOR_CHAIN_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/gemm_call.h"

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
  const bool even_odd = row.model == Model::kEvenOdd;
  if (row.model != Model::kFusedDot && !split && !even_odd) return false;
  if (row.normalise_products || row.accumulator != row.output ||
      row.flush_inputs) {
    return false;
  }
  const bool binary32 =
      row.output == Format::kF32 &&
      row.out_rounding ==
          (even_odd ? Rounding::kNearestEven : Rounding::kTowardZero) &&
      row.out_fraction_bits == 23;
  const bool binary16 = row.output == Format::kF16 &&
                        row.out_rounding == Rounding::kNearestEven &&
                        row.out_fraction_bits == 10 && HasNarrowExponents(row);
  if (!binary32 && !binary16) return false;
  // Signs of a step's products are bits of a word. 2^(30 - align_bits) keeps a
  // product off the grid, which no subnormal accumulator is off.
  if (row.chunk < 1 || row.chunk > 32 ||
      kFloorK % static_cast<size_t>(row.chunk) != 0 ||
      row.align_bits < row.out_fraction_bits || row.align_bits > 27) {
    return false;
  }
  if (split) return row.chunk == 32 && HasNarrowExponents(row);
  if (even_odd) {
    // Of two groups no product may overflow binary32: see floor_chain.cc.
    return binary32 && row.align_bits == 24 && row.scales.empty() &&
           !row.exponent_floor &&
           (row.group == 1 ? !row.a.contains(Format::kF32)
                           : row.group == 2 && row.chunk % 2 == 0 &&
                                 HasNarrowExponents(row));
  }
  if (row.scales.empty()) return !row.a.contains(Format::kF32);
  return row.scale_block == row.chunk &&
         row.scales.first() == Format::kE8M0FNU &&
         !row.scales.contains(Format::kUE4M3) &&
         !row.scales.contains(Format::kF32) && TakesOnly(row, kNarrowFormats);
}

constexpr bool FloorChainF32Computes(const ArithInfo& row) {
  return FloorChainComputes(row) && row.output == Format::kF32;
}
constexpr bool FloorChainF16Computes(const ArithInfo& row) {
  return FloorChainComputes(row) && row.output == Format::kF16;
}

// Of any target: columns of B side by side, steps of kFloorK products,
// elements of a tile, bytes of its exponents.
inline constexpr size_t kFloorMaxStrip = 32;
inline constexpr size_t kFloorMaxSteps = kFloorK;
inline constexpr size_t kFloorMinTile = 8;
inline constexpr size_t kFloorLargestBytes = 4 * 32 * sizeof(uint16_t);

// Rows of A decoded at once. With the columns of B they fit L2.
inline constexpr size_t kFloorPanelRows = 128;

// A block of D. For each of them A is decoded again, so it is wide; for each
// range of rows B is, so it is tall. Its accumulators come from L3 once per
// kFloorK products, a stream that costs nothing.
struct FloorBlock {
  static constexpr size_t kMaxRows = 1024, kMaxCols = 512;
  size_t rows, cols;

  // Blocks of about one size: a small last one would decode for little.
  static FloorBlock Of(const GemmCall& call) {
    const auto even = [](size_t size, size_t most, size_t unit) {
      const size_t count = std::max((size + most - 1) / most, size_t{1});
      return RoundUp((size + count - 1) / count, unit);
    };
    return {even(static_cast<size_t>(call.m_end - call.m_begin), kMaxRows,
                 kFloorPanelRows),
            even(static_cast<size_t>(call.n_end - call.n_begin), kMaxCols,
                 kFloorMaxStrip)};
  }
  // At least as large as that of any rectangle of the call.
  static FloorBlock Largest(const GemmCall& call) {
    return {std::min(RoundUp(static_cast<size_t>(call.m_end), kFloorPanelRows),
                     kMaxRows),
            std::min(RoundUp(static_cast<size_t>(call.n_end), kFloorMaxStrip),
                     kMaxCols)};
  }
  static constexpr size_t RoundUp(size_t size, size_t unit) {
    return (size + unit - 1) / unit * unit;
  }
};

// A panel of `columns`, each part in whole cache lines.
constexpr size_t FloorPanelBytes(size_t columns, size_t exponent_bytes) {
  constexpr size_t kParts = 5, kLine = 64;
  return columns * kFloorK * (sizeof(double) + exponent_bytes) +
         columns * kFloorMaxSteps * (sizeof(uint64_t) + 2 * sizeof(uint32_t)) +
         kParts * kLine;
}

// Hands out parts of the workspace, each on its own cache lines.
class FloorArena {
 public:
  explicit FloorArena(std::byte* memory) : at_(memory) {}
  template <class T>
  T* Take(size_t count) {
    T* const result = reinterpret_cast<T*>(at_);
    at_ += (count * sizeof(T) + 63) / 64 * 64;
    return result;
  }

 private:
  std::byte* at_;
};

// Calls with promote_every need a row of FloorChainF32Computes.
size_t FloorChainWorkspaceBytes(const GemmCall& call);
void FloorChain(const GemmCall& call, std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_FLOOR_CHAIN_H_
