// SPDX-License-Identifier: Apache-2.0
#include "kernels/sparse_fma.h"

#include <algorithm>
#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_fma.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/operand-inl.h"

#ifndef ZEROULP_KERNELS_SPARSE_FMA_ONCE_
#define ZEROULP_KERNELS_SPARSE_FMA_ONCE_
namespace zeroulp::kernels {

// Elements of K in a pass: a panel of 16 dense rows fills L1 and no more.
inline constexpr size_t kFmaPassCols = 512;
// And where four groups, which begin quads whatever they keep, have more.
inline constexpr size_t kFmaMaxCols = 4 * 256;
// Groups of 16 sparse rows decoded at once: 256K of L2 at 2:4.
inline constexpr size_t kFmaBlockGroups = 4;
inline constexpr size_t kFmaPanelWords = 16 * kFmaMaxCols;

}  // namespace zeroulp::kernels
#endif  // ZEROULP_KERNELS_SPARSE_FMA_ONCE_

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

constexpr size_t kVectors = kGroupRows / kLanesF32;  // of 16 dense rows
// Sparse rows at a time: 8 chains hide the latency of a multiply-add.
constexpr size_t kRows = kVectors >= 8 ? 1 : 8 / kVectors;
static_assert(kGroupRows % kRows == 0);

struct Memory {
  explicit Memory(std::byte* memory)
      : dense(reinterpret_cast<float*>(memory)),
        values(dense + 16 * kFmaMaxCols),
        offsets(reinterpret_cast<uint32_t*>(values +
                                            kFmaBlockGroups * kFmaPanelWords)),
        tile(reinterpret_cast<float*>(offsets +
                                      kFmaBlockGroups * kFmaPanelWords)) {}

  float* dense;       // [k][16]
  float* values;      // [group][k][16]
  uint32_t* offsets;  // the same: of a row in `dense`
  float* tile;        // [16 sparse][16 dense] of D
};

// A range of K: whole groups and whole quads of both operands.
struct Range {
  size_t k, cols;        // of the dense operand
  size_t stored, count;  // of the sparse one
};

void DecodeSparse(const SparseCall& call, const Range& range, size_t group,
                  float* values, uint32_t* offsets) {
  DecodeValues(*call.row, call.sparse->stored(), group, range.stored,
               range.count, values);
  const auto quads = static_cast<size_t>(call.sparse->position_quads());
  const uint8_t* positions = call.sparse->positions() + group * quads * 64;
  const auto keep = static_cast<size_t>(call.sparse->sparsity().keep);
  const auto size = static_cast<size_t>(call.sparse->sparsity().group);
  for (size_t i = 0; i < range.count; ++i) {
    const size_t k = range.stored + i;
    const uint8_t* quad = positions + k / 4 * 64 + k % 4;
    for (size_t lane = 0; lane < kGroupRows; ++lane) {
      offsets[i * kGroupRows + lane] = static_cast<uint32_t>(
          (k / keep * size + quad[4 * lane] - range.k) * kGroupRows);
    }
  }
}

// kRows sparse rows from `row` by 16 dense ones.
template <bool kNarrow>
void Tile(const Memory& memory, const float* HWY_RESTRICT values,
          const uint32_t* HWY_RESTRICT offsets, size_t count, size_t row) {
  const DF df;
  float* HWY_RESTRICT tile = memory.tile + row * kGroupRows;
  VF acc[kRows][kVectors];
  ZEROULP_UNROLL
  for (size_t i = 0; i < kRows; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      acc[i][v] = hn::Load(df, tile + i * kGroupRows + v * kLanesF32);
    }
  }
  for (size_t k = 0; k < count; ++k) {
    const size_t at = k * kGroupRows + row;
    ZEROULP_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
      const float* dense = memory.dense + offsets[at + i];
      const VF value = hn::Set(df, values[at + i]);
      ZEROULP_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        const VF x = hn::Load(df, dense + v * kLanesF32);
        acc[i][v] = kNarrow ? MulAddExactProduct(acc[i][v], value, x)
                            : MulAddOnce(value, x, acc[i][v]);
      }
    }
  }
  ZEROULP_UNROLL
  for (size_t i = 0; i < kRows; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      hn::Store(acc[i][v], df, tile + i * kGroupRows + v * kLanesF32);
    }
  }
}

// Where 16 x 16 elements of D are.
struct Square {
  size_t dense, dense_rows;
  size_t sparse, sparse_rows;
};

void LoadTile(const SparseOutput& out, bool first, const Square& at,
              float* tile) {
  std::fill_n(tile, kGroupRows * kGroupRows, 0.0f);
  const float* from = first ? out.c : out.d;
  if (from == nullptr) return;
  const int64_t dense = first ? out.c_dense_step : out.d_dense_step;
  const int64_t sparse = first ? out.c_sparse_step : out.d_sparse_step;
  for (size_t j = 0; j < at.sparse_rows; ++j) {
    const float* row = from + static_cast<int64_t>(at.sparse + j) * sparse +
                       static_cast<int64_t>(at.dense) * dense;
    for (size_t i = 0; i < at.dense_rows; ++i) {
      tile[j * kGroupRows + i] = row[static_cast<int64_t>(i) * dense];
    }
  }
}

void StoreTile(const SparseCall& call, const SparseOutput& out, bool last,
               const Square& at, const float* tile) {
  const float nan = std::bit_cast<float>(call.row->nan_word);
  for (size_t j = 0; j < at.sparse_rows; ++j) {
    float* row = out.d +
                 static_cast<int64_t>(at.sparse + j) * out.d_sparse_step +
                 static_cast<int64_t>(at.dense) * out.d_dense_step;
    for (size_t i = 0; i < at.dense_rows; ++i) {
      const float x = tile[j * kGroupRows + i];
      row[static_cast<int64_t>(i) * out.d_dense_step] =
          last && x != x ? nan : x;
    }
  }
}

void RunRange(const SparseCall& call, const SparsePart& part,
              const Range& range, size_t sparse_begin, size_t sparse_end,
              bool last, const Memory& memory) {
  const SparseOutput out = OutputOf(call);
  for (size_t j = sparse_begin; j < sparse_end; j += kGroupRows) {
    const size_t at = (j - sparse_begin) / kGroupRows * kFmaPanelWords;
    DecodeSparse(call, range, j / kGroupRows, memory.values + at,
                 memory.offsets + at);
  }
  const bool narrow = kNarrowFormats.contains(call.sparse->format()) &&
                      kNarrowFormats.contains(call.dense->format());
  const auto tile = narrow ? Tile<true> : Tile<false>;
  const auto dense_end = static_cast<size_t>(part.dense_end);
  for (auto i = static_cast<size_t>(part.dense_begin); i < dense_end;
       i += kGroupRows) {
    DecodeValues(*call.row, *call.dense, i / kGroupRows, range.k, range.cols,
                 memory.dense);
    for (size_t j = sparse_begin; j < sparse_end; j += kGroupRows) {
      const size_t at = (j - sparse_begin) / kGroupRows * kFmaPanelWords;
      const Square square = {i, std::min(kGroupRows, dense_end - i), j,
                             std::min(kGroupRows, sparse_end - j)};
      LoadTile(out, range.k == 0, square, memory.tile);
      for (size_t row = 0; row < kGroupRows; row += kRows) {
        tile(memory, memory.values + at, memory.offsets + at, range.count, row);
      }
      StoreTile(call, out, last, square, memory.tile);
    }
  }
}

void SparseFmaTarget(const SparseCall& call, const SparsePart& part,
                     std::byte* workspace) {
  const Memory memory(workspace);
  const auto keep = static_cast<size_t>(call.sparse->sparsity().keep);
  const auto group = static_cast<size_t>(call.sparse->sparsity().group);
  const auto k_end = static_cast<size_t>(call.dense->cols());
  const size_t step =
      std::max(kFmaPassCols / (4 * group), size_t{1}) * 4 * group;
  const auto sparse_end = static_cast<size_t>(part.sparse_end);
  constexpr size_t kBlockRows = kFmaBlockGroups * kGroupRows;
  for (auto j = static_cast<size_t>(part.sparse_begin); j < sparse_end;
       j += kBlockRows) {
    size_t k = 0;
    do {  // at least once: K = 0 copies C
      Range range = {};
      range.k = k;
      range.cols = std::min(step, k_end - k);
      range.stored = k / group * keep;
      range.count = range.cols / group * keep;
      k += range.cols;
      RunRange(call, part, range, j, std::min(j + kBlockRows, sparse_end),
               k == k_end, memory);
    } while (k < k_end);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {
HWY_EXPORT(SparseFmaTarget);
}  // namespace

size_t SparseFmaWorkspaceBytes() {
  return (16 * kFmaMaxCols + 2 * kFmaBlockGroups * kFmaPanelWords + 16 * 16) *
         sizeof(float);
}

void SparseFma(const SparseCall& call, const SparsePart& part,
               std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(SparseFmaTarget)(call, part, workspace);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
