// SPDX-License-Identifier: Apache-2.0
// Windows: whole groups of K that one 512-bit vector of a dense row holds.
#ifndef ZEROULP_KERNELS_SPARSE_WINDOW_H_
#define ZEROULP_KERNELS_SPARSE_WINDOW_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/sparse_call.h"

namespace zeroulp::kernels {

struct SparseWindow {
  size_t keep, group;
  size_t cols;    // elements of K
  size_t stored;  // of them
};

// Of `lanes` elements a vector; stored is 0 if no group fits.
constexpr SparseWindow WindowOf(Sparsity sparsity, size_t lanes) {
  const auto keep = static_cast<size_t>(sparsity.keep);
  const auto group = static_cast<size_t>(sparsity.group);
  const size_t groups = lanes / group;
  return {keep, group, groups * group, groups * keep};
}

// Where stored element `k` of a row stands in its window, without its position
// in its group.
constexpr size_t GroupBase(const SparseWindow& window, size_t k) {
  return k % window.stored / window.keep * window.group;
}

// 16 rows of an operand are a group of PackedMatrix, and of D.
inline constexpr size_t kSparseRows = 16;
inline constexpr size_t kStepBytes = 64;  // of a step or window of 16 or 1 rows

// A range of K, for a block of sparse rows.
struct SparsePass {
  size_t first_window, windows;
  size_t steps;      // of the pass
  size_t stored;     // elements of a sparse row
  bool first, last;  // of K
};

// Sizes of a pass: the panels of 32 sparse rows and 16 dense ones share L1,
// the block of sparse rows fits L2 (1M on Zen 4) beside what streams through.
inline constexpr size_t kSparsePassSteps = 64;
inline constexpr size_t kSparsePassWindows = 16;
inline constexpr size_t kSparseBlockBytes = 768 << 10;
// Index and value of a step for 16 rows, and one line so that panels side by
// side do not fall on the same cache sets.
inline constexpr size_t kSparsePanelBytes =
    2 * kSparsePassSteps * kStepBytes + kStepBytes;
// Groups of 16 sparse rows in a block, an even number.
constexpr size_t SparseBlockGroups(size_t panel_bytes) {
  return kSparseBlockBytes / panel_bytes / 2 * 2;
}
// 16 dense rows in windows, and behind them row-major on the way there.
inline constexpr size_t kDenseRowBytes = (kSparsePassWindows + 1) * kStepBytes;
inline constexpr size_t kDenseWindowBytes =
    kSparseRows * kSparsePassWindows * kStepBytes;
inline constexpr size_t kSparseDenseBytes =
    kDenseWindowBytes + kSparseRows * kDenseRowBytes;

// Vectors of sparse rows of a tile, and its edge buffer: [16 dense rows][32].
inline constexpr size_t kSparseNV = 2;
inline constexpr size_t kSparseEdgeStride = kSparseNV * kSparseRows;
inline constexpr size_t kSparseEdgeFloats = kSparseRows * kSparseEdgeStride;

constexpr size_t SparseWorkspaceBytes(size_t panel_bytes, size_t dense_bytes) {
  return SparseBlockGroups(panel_bytes) * panel_bytes + dense_bytes +
         kSparseEdgeFloats * sizeof(float);
}

// Windows of a pass whose steps take `per_step` stored elements each. Even, so
// that every pass begins with a quad.
constexpr size_t WindowsOfPass(const SparseWindow& window, size_t per_step) {
  const size_t steps = window.stored / per_step;
  return std::min(kSparsePassWindows, kSparsePassSteps / steps / 2 * 2);
}

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SPARSE_WINDOW_H_
