// SPDX-License-Identifier: Apache-2.0
// The loops around a sparse kernel of 512-bit targets.
//
// A Kernel has, beside what SparseKernel gives it,
//   void DecodeSparse(pass, group, panel)
//   void DecodeDense(pass, group, rows, panel), through row-major memory
// Its Tiles computes 16 dense rows by up to kSparseNV panels, and brings a line
// a step from `ahead` on to L2.

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
  size_t dense, sparse;  // rows of the operands
  size_t dense_rows, sparse_rows;
  size_t vectors;  // of 16 sparse rows
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

// The memory of a strand.
struct SparseMemory {
  SparseMemory(const SparseLayout& layout, std::byte* memory)
      : sparse_groups(layout.sparse_groups),
        held(reinterpret_cast<HeldPanels*>(memory)),
        panels(reinterpret_cast<uint8_t*>(memory + layout.panels)),
        dense(reinterpret_cast<uint8_t*>(memory + layout.dense)),
        rows(reinterpret_cast<uint8_t*>(memory + layout.rows)),
        edge(reinterpret_cast<float*>(memory + layout.edge)) {}

  size_t sparse_groups;
  HeldPanels* held;
  uint8_t* panels;  // of 16 sparse rows each
  uint8_t* dense;   // of 16 dense rows each
  uint8_t* rows;    // 16 dense rows before
  float* edge;      // [16][kSparseEdgeStride] of D
};

// 16 dense rows by 32 sparse ones.
template <class Kernel>
void RunSquare(const Kernel& kernel, const SparseOutput& out,
               const SparsePass& pass, const Corner& corner,
               const uint8_t* dense, const uint8_t* const* panels,
               const uint8_t* ahead, float* edge) {
  const auto at = [&](int64_t dense_step, int64_t sparse_step) {
    return static_cast<int64_t>(corner.dense) * dense_step +
           static_cast<int64_t>(corner.sparse) * sparse_step;
  };
  const float* from = pass.first ? out.c : out.d;
  const int64_t from_dense = pass.first ? out.c_dense_step : out.d_dense_step;
  const int64_t from_sparse =
      pass.first ? out.c_sparse_step : out.d_sparse_step;
  if (from != nullptr) from += at(from_dense, from_sparse);
  float* to = out.d + at(out.d_dense_step, out.d_sparse_step);
  if (out.d_sparse_step == 1 && corner.dense_rows == kSparseRows &&
      corner.sparse_rows == corner.vectors * kSparseRows) {
    kernel.Tiles(pass, corner.vectors, dense, panels, ahead,
                 {from, static_cast<size_t>(from_dense), to,
                  static_cast<size_t>(out.d_dense_step), pass.last});
    return;
  }
  LoadEdge(from, from_dense, from_sparse, corner, edge);
  kernel.Tiles(pass, corner.vectors, dense, panels, ahead,
               {edge, kSparseEdgeStride, edge, kSparseEdgeStride, pass.last});
  StoreEdge(to, out.d_dense_step, out.d_sparse_step, corner, edge);
}

// Panels of a block of sparse rows, if an earlier part did not leave them.
template <class Kernel>
void DecodePanels(const Kernel& kernel, const SparseCall& call,
                  const SparsePass& pass, size_t sparse_begin,
                  size_t sparse_end, const SparseMemory& memory) {
  const HeldPanels needed = {call.sparse, sparse_begin, sparse_end,
                             pass.first_window, Kernel::kIsAligned};
  if (*memory.held == needed) return;
  *memory.held = needed;
  for (size_t j = sparse_begin; j < sparse_end; j += kSparseRows) {
    kernel.DecodeSparse(pass, j / kSparseRows,
                        memory.panels + (j - sparse_begin) / kSparseRows *
                                            kernel.sizes().panel());
  }
}

// A pass over K for a block of sparse rows: 64 dense rows at a time, and of
// those 16 after 16 for each pair of panels.
template <class Kernel>
void RunSparsePass(const Kernel& kernel, const SparseCall& call,
                   const SparsePart& part, const SparsePass& pass,
                   size_t sparse_begin, size_t sparse_end,
                   const SparseMemory& memory) {
  const size_t panel = kernel.sizes().panel();
  const size_t dense = kernel.sizes().dense();
  DecodePanels(kernel, call, pass, sparse_begin, sparse_end, memory);
  const SparseOutput out = OutputOf(call);
  const auto dense_end = static_cast<size_t>(part.dense_end);
  for (auto block = static_cast<size_t>(part.dense_begin); block < dense_end;
       block += kDenseGroups * kSparseRows) {
    const size_t block_end =
        std::min(block + kDenseGroups * kSparseRows, dense_end);
    for (size_t i = block; i < block_end; i += kSparseRows) {
      kernel.DecodeDense(pass, i / kSparseRows, memory.rows,
                         memory.dense + (i - block) / kSparseRows * dense);
    }
    for (size_t j = sparse_begin; j < sparse_end; j += kSparseEdgeStride) {
      Corner corner = {};
      corner.sparse = j;
      corner.sparse_rows = std::min(kSparseEdgeStride, sparse_end - j);
      corner.vectors = hwy::DivCeil(corner.sparse_rows, kSparseRows);
      const uint8_t* first =
          memory.panels + (j - sparse_begin) / kSparseRows * panel;
      const uint8_t* panels[kSparseNV] = {first, first + panel};
      const uint8_t* next = j + kSparseEdgeStride < sparse_end
                                ? first + kSparseNV * panel
                                : memory.panels;
      for (size_t i = block; i < block_end; i += kSparseRows) {
        corner.dense = i;
        corner.dense_rows = std::min(kSparseRows, block_end - i);
        // Panels come from L3: each of the four squares of a block fetches half
        // of one of the two that the next block of tiles reads.
        const size_t square = (i - block) / kSparseRows;
        const uint8_t* ahead = next + square / kSparseNV * panel +
                               square % kSparseNV * pass.steps * kStepBytes;
        RunSquare(kernel, out, pass, corner,
                  memory.dense + (i - block) / kSparseRows * dense, panels,
                  ahead, memory.edge);
      }
    }
  }
}

// Loops, outermost first: blocks of sparse rows; passes over K.
template <class Kernel>
void RunSparse(const Kernel& kernel, const SparseCall& call,
               const SparsePart& part, std::byte* workspace) {
  const auto sparse_begin = static_cast<size_t>(part.sparse_begin);
  const auto sparse_end = static_cast<size_t>(part.sparse_end);
  const SparseMemory memory(LayoutOf(kernel.sizes(), sparse_end - sparse_begin),
                            workspace);
  const SparseWindow& window = kernel.window();
  const auto stored = static_cast<size_t>(call.sparse->stored().cols());
  const size_t windows = hwy::DivCeil(stored, window.stored);
  const size_t block_rows = memory.sparse_groups * kSparseRows;
  for (size_t j = sparse_begin; j < sparse_end; j += block_rows) {
    size_t w = 0;
    do {  // at least once: K = 0 copies C
      SparsePass pass = {};
      pass.first_window = w;
      pass.windows = std::min(kernel.sizes().windows, windows - w);
      pass.stored =
          std::min(stored - w * window.stored, pass.windows * window.stored);
      pass.steps = hwy::DivCeil(pass.stored, Kernel::kPerStep);
      pass.first = w == 0;
      w += pass.windows;
      pass.last = w == windows;
      RunSparsePass(kernel, call, part, pass, j,
                    std::min(j + block_rows, sparse_end), memory);
    } while (w < windows);
  }
}

#endif  // ZEROULP_TARGET_HAS_512

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_SPARSE_LOOPS_INL_H_
