// SPDX-License-Identifier: Apache-2.0
// The loops around a sparse kernel of 512-bit targets.
//
// A Kernel has, beside what SparseKernel gives it,
//   void DecodeSparse(pass, group, panel)
//   void DecodeDense(pass, group, rows, panel), through row-major memory
// Its Tiles computes 16 dense rows by up to kSparseNV panels; each half of the
// rows brings the lines of its Fetch to L2.

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
inline HWY_NOINLINE void LoadEdge(const float* from, int64_t dense_step,
                                  int64_t sparse_step, const Corner& corner,
                                  float* edge) {
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

inline HWY_NOINLINE void StoreEdge(float* to, int64_t dense_step,
                                   int64_t sparse_step, const Corner& corner,
                                   const float* edge) {
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
               const Fetch* ahead, float* edge) {
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

// What half the tiles of each square of a block bring to L2, for the next block
// of tiles.
struct Ahead {
  const uint8_t* of_square[kDenseGroups];
};
static_assert(kDenseGroups == 4);

// Two panels, which come from L3.
inline Ahead AheadOfPanels(const uint8_t* panels, size_t panel_bytes,
                           const SparsePass& pass) {
  const uint8_t* second = panels + panel_bytes;
  const size_t half = pass.steps * kStepBytes;
  return {{panels, panels + half, second, second + half}};
}

// What two panels are decoded from. At most a line a step, of bytes half: then
// other squares fetch the same, or what comes after.
template <class Kernel>
Ahead AheadOfCodes(const Kernel& kernel, const PackedSparse& sparse,
                   const SparsePass& pass, size_t group) {
  const size_t k = pass.first_window * kernel.window().stored;
  const size_t second =
      std::min(group + 1, static_cast<size_t>(sparse.stored().groups()) - 1);
  return {{kernel.QuadAt(sparse.stored(), group, k),
           kernel.QuadAt(sparse.stored(), second, k),
           kernel.PositionsAt(group, k), kernel.PositionsAt(second, k)}};
}

// The codes of the 64 dense rows that a pass decodes next: half the tiles of
// the second half of the squares bring a share of them to L2 each. What came
// earlier, panels would drive out again.
template <class Kernel>
class DenseAhead {
 public:
  DenseAhead(const Kernel& kernel, const PackedMatrix& dense,
             const SparsePass& pass, size_t squares)
      : from_(
            kernel.QuadAt(dense, 0, pass.first_window * kernel.window().cols)),
        group_bytes_(static_cast<size_t>(dense.quads()) * kStepBytes),
        rows_(static_cast<size_t>(dense.rows())),
        first_square_(squares / 2) {
    const size_t k = pass.first_window * kernel.window().cols;
    const size_t cols = std::min(pass.windows * kernel.window().cols,
                                 static_cast<size_t>(dense.cols()) - k);
    const size_t lines =
        hwy::DivCeil(cols, static_cast<size_t>(dense.quad_cols()));
    share_ = hwy::DivCeil(lines, squares - first_square_) * kStepBytes;
    stride_ =
        hwy::DivCeil(share_, std::max<size_t>(Kernel::StepsOfHalf(pass), 1));
  }

  // Of the 16 rows from `row` on, the last ones if there are none.
  Fetch At(size_t row, size_t square) const {
    const size_t group = std::min(row, rows_ - 1) / kSparseRows;
    const uint8_t* codes = from_ + group * group_bytes_;
    if (square < first_square_) return {codes, 0};
    return {codes + (square - first_square_) * share_, stride_};
  }

 private:
  const uint8_t* from_;
  size_t group_bytes_, rows_, first_square_;
  size_t share_, stride_;  // bytes
};

// A pass over K for a block of sparse rows: 64 dense rows at a time, and of
// those 16 after 16 for each pair of panels.
template <class Kernel>
void RunSparsePass(const Kernel& kernel, const SparseCall& call,
                   const SparsePart& part, const SparsePass& pass,
                   size_t sparse_begin, size_t sparse_end,
                   const SparseMemory& memory) {
  const size_t panel = kernel.sizes().panel();
  const size_t dense = kernel.sizes().dense();
  const HeldPanels needed = {call.sparse, sparse_begin, sparse_end,
                             pass.first_window, Kernel::kIsAligned};
  bool held = *memory.held == needed;  // an earlier part left them
  *memory.held = needed;
  const SparseOutput out = OutputOf(call);
  const DenseAhead<Kernel> dense_ahead(
      kernel, *call.dense, pass,
      hwy::DivCeil(sparse_end - sparse_begin, kSparseEdgeStride));
  const auto dense_end = static_cast<size_t>(part.dense_end);
  // Half a panel is a line for each step.
  const size_t half_stride =
      pass.steps == 0 ? 0 : kStepBytes * pass.steps / Kernel::StepsOfHalf(pass);
  constexpr size_t kBlockRows = kDenseGroups * kSparseRows;
  for (auto block = static_cast<size_t>(part.dense_begin); block < dense_end;
       block += kBlockRows) {
    const size_t block_end = std::min(block + kBlockRows, dense_end);
    for (size_t i = block; i < block_end; i += kSparseRows) {
      kernel.DecodeDense(pass, i / kSparseRows, memory.rows,
                         memory.dense + (i - block) / kSparseRows * dense);
    }
    for (size_t j = sparse_begin; j < sparse_end; j += kSparseEdgeStride) {
      Corner corner = {};
      corner.sparse = j;
      corner.sparse_rows = std::min(kSparseEdgeStride, sparse_end - j);
      corner.vectors = hwy::DivCeil(corner.sparse_rows, kSparseRows);
      uint8_t* first = memory.panels + (j - sparse_begin) / kSparseRows * panel;
      const uint8_t* panels[kSparseNV] = {first, first + panel};
      // Between tiles, which hide how slow memory is.
      for (size_t v = 0; !held && v < corner.vectors; ++v) {
        kernel.DecodeSparse(pass, j / kSparseRows + v, first + v * panel);
      }
      const size_t next = j + kSparseEdgeStride;
      Ahead ahead = AheadOfPanels(
          next < sparse_end ? first + kSparseNV * panel : memory.panels, panel,
          pass);
      if (!held && next < sparse_end) {
        ahead = AheadOfCodes(kernel, *call.sparse, pass, next / kSparseRows);
      }
      for (size_t i = block; i < block_end; i += kSparseRows) {
        corner.dense = i;
        corner.dense_rows = std::min(kSparseRows, block_end - i);
        const size_t square = (i - block) / kSparseRows;
        const Fetch fetches[] = {
            {ahead.of_square[square], half_stride},
            dense_ahead.At(i + kBlockRows,
                           (j - sparse_begin) / kSparseEdgeStride)};
        RunSquare(kernel, out, pass, corner, memory.dense + square * dense,
                  panels, fetches, memory.edge);
      }
    }
    held = true;
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
