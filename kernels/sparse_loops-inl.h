// SPDX-License-Identifier: Apache-2.0
// The loops around a sparse kernel of 512-bit targets.
//
// A Kernel has
//   kLanes      elements of K a vector holds
//   kPerStep    stored elements of a step
//   kPanelBytes, kDenseBytes   memory of 16 decoded rows of an operand
//   void DecodeSparse(pass, group, panel)
//   void DecodeDense(pass, group, panel)
//   void Tiles(pass, vectors, dense panel, sparse panels, out)
// where Tiles computes 16 dense rows by up to kSparseNV panels.

#if defined(ZEROULP_KERNELS_SPARSE_LOOPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_SPARSE_LOOPS_INL_H_
#undef ZEROULP_KERNELS_SPARSE_LOOPS_INL_H_
#else
#define ZEROULP_KERNELS_SPARSE_LOOPS_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/sparse-inl.h"
#include "kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

#if ZEROULP_TARGET_HAS_512

// Where a rectangle of D begins, of dense rows by sparse ones.
struct Corner {
  size_t dense, sparse;        // rows of the operands
  size_t dense_rows, vectors;  // of 16 sparse rows
  size_t sparse_rows;
};

// Reads C, or what earlier passes left in D, into `edge`.
inline void LoadEdge(const float* from, int64_t dense_step, int64_t sparse_step,
                     const Corner& corner, float* edge) {
  std::fill_n(edge, kSparseEdgeFloats, 0.0f);
  if (from == nullptr) return;
  if (dense_step == 1 && corner.dense_rows == kSparseRows &&
      corner.sparse_rows == corner.vectors * kSparseRows) {
    for (size_t v = 0; v < corner.vectors; ++v) {
      TransposeWords(from + static_cast<int64_t>(v * kSparseRows) * sparse_step,
                     static_cast<size_t>(sparse_step), edge + v * kSparseRows,
                     kSparseEdgeStride);
    }
    return;
  }
  for (size_t i = 0; i < corner.dense_rows; ++i) {
    for (size_t j = 0; j < corner.sparse_rows; ++j) {
      edge[i * kSparseEdgeStride + j] =
          from[static_cast<int64_t>(i) * dense_step +
               static_cast<int64_t>(j) * sparse_step];
    }
  }
}

inline void StoreEdge(float* to, int64_t dense_step, int64_t sparse_step,
                      const Corner& corner, const float* edge) {
  if (dense_step == 1 && corner.dense_rows == kSparseRows &&
      corner.sparse_rows == corner.vectors * kSparseRows) {
    for (size_t v = 0; v < corner.vectors; ++v) {
      TransposeWords(edge + v * kSparseRows, kSparseEdgeStride,
                     to + static_cast<int64_t>(v * kSparseRows) * sparse_step,
                     static_cast<size_t>(sparse_step));
    }
    return;
  }
  for (size_t i = 0; i < corner.dense_rows; ++i) {
    for (size_t j = 0; j < corner.sparse_rows; ++j) {
      to[static_cast<int64_t>(i) * dense_step +
         static_cast<int64_t>(j) * sparse_step] =
          edge[i * kSparseEdgeStride + j];
    }
  }
}

// The memory of a task.
template <class Kernel>
struct SparseMemory {
  explicit SparseMemory(std::byte* memory)
      : blocks(reinterpret_cast<uint8_t*>(memory)),
        dense(blocks +
              SparseBlockGroups(Kernel::kPanelBytes) * Kernel::kPanelBytes),
        edge(reinterpret_cast<float*>(dense + Kernel::kDenseBytes)) {}

  uint8_t* blocks;  // of sparse rows, kPanelBytes each
  uint8_t* dense;   // 16 rows
  float* edge;      // [16][kSparseEdgeStride] of D
};

// 16 dense rows by a block of sparse rows.
template <class Kernel>
void RowOfTiles(const Kernel& kernel, const SparseOutput& out,
                const SparsePass& pass, size_t dense_row, size_t dense_end,
                size_t sparse_row, size_t sparse_end,
                const SparseMemory<Kernel>& memory) {
  for (size_t j = sparse_row; j < sparse_end; j += kSparseEdgeStride) {
    Corner corner = {};
    corner.dense_rows = std::min(kSparseRows, dense_end - dense_row);
    corner.sparse_rows = std::min(kSparseEdgeStride, sparse_end - j);
    corner.vectors = hwy::DivCeil(corner.sparse_rows, kSparseRows);
    const uint8_t* panels[kSparseNV] = {};
    for (size_t v = 0; v < corner.vectors; ++v) {
      panels[v] = memory.blocks +
                  ((j - sparse_row) / kSparseRows + v) * Kernel::kPanelBytes;
    }
    const auto at = [&](int64_t dense_step, int64_t sparse_step) {
      return static_cast<int64_t>(dense_row) * dense_step +
             static_cast<int64_t>(j) * sparse_step;
    };
    const bool first = pass.first;
    const float* from = first ? out.c : out.d;
    const int64_t from_dense = first ? out.c_dense_step : out.d_dense_step;
    const int64_t from_sparse = first ? out.c_sparse_step : out.d_sparse_step;
    if (from != nullptr) from += at(from_dense, from_sparse);
    float* to = out.d + at(out.d_dense_step, out.d_sparse_step);
    if (out.d_sparse_step == 1 && corner.dense_rows == kSparseRows &&
        corner.sparse_rows == corner.vectors * kSparseRows) {
      kernel.Tiles(pass, corner.vectors, memory.dense, panels,
                   {from, static_cast<size_t>(from_dense), to,
                    static_cast<size_t>(out.d_dense_step), pass.last});
      continue;
    }
    LoadEdge(from, from_dense, from_sparse, corner, memory.edge);
    kernel.Tiles(pass, corner.vectors, memory.dense, panels,
                 {memory.edge, kSparseEdgeStride, memory.edge,
                  kSparseEdgeStride, pass.last});
    StoreEdge(to, out.d_dense_step, out.d_sparse_step, corner, memory.edge);
  }
}

template <class Kernel>
void RunSparseBlock(const Kernel& kernel, const SparseCall& call,
                    const SparsePart& part, const SparsePass& pass,
                    size_t sparse_row, size_t sparse_end,
                    const SparseMemory<Kernel>& memory) {
  for (size_t j = sparse_row; j < sparse_end; j += kSparseRows) {
    kernel.DecodeSparse(
        pass, j / kSparseRows,
        memory.blocks + (j - sparse_row) / kSparseRows * Kernel::kPanelBytes);
  }
  const SparseOutput out = OutputOf(call);
  const auto dense_end = static_cast<size_t>(part.dense_end);
  for (auto i = static_cast<size_t>(part.dense_begin); i < dense_end;
       i += kSparseRows) {
    kernel.DecodeDense(pass, i / kSparseRows, memory.dense);
    RowOfTiles(kernel, out, pass, i, dense_end, sparse_row, sparse_end, memory);
  }
}

// Loops, outermost first: blocks of sparse rows; passes over K; 16 dense rows;
// 32 sparse ones.
template <class Kernel>
void RunSparse(const Kernel& kernel, const SparseCall& call,
               const SparsePart& part, std::byte* workspace) {
  const SparseMemory<Kernel> memory(workspace);
  const SparseWindow window = WindowOf(call.sparse->sparsity(), Kernel::kLanes);
  const auto stored = static_cast<size_t>(call.sparse->stored().cols());
  const size_t windows = hwy::DivCeil(stored, window.stored);
  const size_t at_once = WindowsOfPass(window, Kernel::kPerStep);
  const auto sparse_end = static_cast<size_t>(part.sparse_end);
  constexpr size_t kBlockRows =
      SparseBlockGroups(Kernel::kPanelBytes) * kSparseRows;
  for (auto j = static_cast<size_t>(part.sparse_begin); j < sparse_end;
       j += kBlockRows) {
    size_t w = 0;
    do {  // at least once: K = 0 copies C
      SparsePass pass = {};
      pass.first_window = w;
      pass.windows = std::min(at_once, windows - w);
      pass.stored =
          std::min(stored - w * window.stored, pass.windows * window.stored);
      pass.steps = hwy::DivCeil(pass.stored, Kernel::kPerStep);
      pass.first = w == 0;
      w += pass.windows;
      pass.last = w == windows;
      RunSparseBlock(kernel, call, part, pass, j,
                     std::min(j + kBlockRows, sparse_end), memory);
    } while (w < windows);
  }
}

#endif  // ZEROULP_TARGET_HAS_512

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_SPARSE_LOOPS_INL_H_
