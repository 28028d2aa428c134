// SPDX-License-Identifier: Apache-2.0
// The memory of the floor chain: operands taken apart, accumulators, and the
// elements of D that it cannot compute. No SIMD.
#ifndef ZEROULP_KERNELS_FLOOR32_BLOCK_H_
#define ZEROULP_KERNELS_FLOOR32_BLOCK_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/gemm_call.h"

namespace zeroulp::kernels {

// A tile of D: 4 rows of A, broadcast, times 64 rows of B, 4 vectors of 512
// bits of binary32 and 1 of exponents. 2 x 128 reads more vectors of B for as
// many products, which the load units do not hide.
inline constexpr size_t kFloor32TileRows = 4;
inline constexpr size_t kFloor32TileCols = 64;
inline constexpr size_t kFloor32TileWords = kFloor32TileCols / 4;
inline constexpr size_t kFloor32Tile = kFloor32TileRows * kFloor32TileCols;
inline constexpr size_t kFloor32Group = 16;  // PackedMatrix::kRows

// Products of a pass: a panel of B, 10K, stays in an L1 cache of 32K while the
// rows of A stream past it.
inline constexpr size_t kFloor32PassK = 32;
inline constexpr size_t kFloor32MinChunk = 16;
inline constexpr size_t kFloor32PassChunks = kFloor32PassK / kFloor32MinChunk;

// A block of D: its accumulators (512K) and the panels of its rows of A (132K)
// share an L2 cache of 1M. Codes of A are taken apart once per 256 columns of
// D, codes of B once per 512 rows.
inline constexpr size_t kFloor32Rows = 512;
inline constexpr size_t kFloor32Cols = 256;
inline constexpr size_t kFloor32Block = kFloor32Rows * kFloor32Cols;
inline constexpr size_t kFloor32Groups = kFloor32Rows / kFloor32Group;

// Exponents of products are bytes biased as binary32 is, by the sum of these
// two. Below the least of them, and above the sum of a zero's byte and any
// other: what a step without products aligns to, 2^-47.
inline constexpr int kFloor32BiasA = 64;
inline constexpr int kFloor32BiasB = 63;
inline constexpr int kFloor32NoProduct = 80;

// 16 rows of A: [k][16 values, 16 exponents, four times in their word], and the
// signs of a chunk as the lowest bits of a word, in any order.
struct alignas(64) Floor32PanelA {
  float values[kFloor32PassK * 2 * kFloor32Group];
  uint32_t signs[kFloor32PassChunks * kFloor32Group];
};
// 128 rows of B: [k][128]. Exponents are bytes of words: byte b of word w is of
// row w % 16 + 16 * b in the group of 64 that w / 16 is.
struct alignas(64) Floor32PanelB {
  float values[kFloor32PassK * kFloor32TileCols];
  int32_t exponents[kFloor32PassK * kFloor32TileWords];
  uint32_t signs[kFloor32PassChunks * kFloor32TileCols];
};

// A rectangle of D, at most kFloor32Rows x kFloor32Cols.
struct Floor32Block {
  size_t m, n, rows, cols;

  // Of a tile of accumulators; of an element, counted from m and n.
  static constexpr size_t TileAt(size_t tile_row, size_t tile_col) {
    return (tile_col * (kFloor32Rows / kFloor32TileRows) + tile_row) *
           kFloor32Tile;
  }
  static constexpr size_t At(size_t row, size_t col) {
    return TileAt(row / kFloor32TileRows, col / kFloor32TileCols) +
           row % kFloor32TileRows * kFloor32TileCols + col % kFloor32TileCols;
  }
};

// Values of C that the chain can start from: zero, and magnitudes in
//   [kFloor32Least, kFloor32Most).
// Larger ones no product reaches: D is C, cut. Smaller ones are lost beside any
// product but zero.
inline constexpr float kFloor32Least = 0x1p-47f;
inline constexpr float kFloor32Most = 0x1p60f;

// The elements of a block of D that infinities, NaN or C decide. They run
// through the chain like the others, as finite numbers, and are replaced when
// it is done: one of them costs its row or column nothing.
class Floor32Verdicts {
 public:
  // Both memories have kFloor32Block elements.
  Floor32Verdicts(const GemmCall& call, float* verdicts, float* accumulators);

  void Begin(const Floor32Block& block) {
    block_ = block;
    any_ = false;
  }
  bool any() const { return any_; }

  // An accumulator that the chain cannot start from: it starts from zero.
  void SetAside(size_t row, size_t col);

  // Products k_begin ... k_end - 1 that are infinite or NaN, of all rows and
  // columns `col` ... of a tile. Before the chain adds the others: an
  // accumulator that overflowed meets them as infinity.
  void AddProducts(size_t col, size_t k_begin, size_t k_end);

  // Puts the infinities and NaN into the accumulators and forgets them.
  void MoveToSums();
  // Writes to D what is decided.
  void Write() const;

 private:
  void Add(size_t row, size_t col, float product);
  uint32_t CodeOf(const PackedMatrix& matrix, size_t row, size_t k) const;
  void WriteOne(size_t row, size_t col) const;
  bool AnyProduct(size_t row, size_t col) const;
  float Cut(float c) const;

  const GemmCall& call_;
  float* verdicts_;  // 0: the chain decides
  float* accumulators_;
  std::array<float, 256> a_values_, b_values_;
  float largest_;  // finite result
  Floor32Block block_ = {};
  bool any_ = false;
};

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_FLOOR32_BLOCK_H_
