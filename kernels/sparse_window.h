// SPDX-License-Identifier: Apache-2.0
// Windows: whole groups of K that one 512-bit vector of a dense row holds.
#ifndef ZEROULP_KERNELS_SPARSE_WINDOW_H_
#define ZEROULP_KERNELS_SPARSE_WINDOW_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

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

// What stands before the group of a stored element in its window, for quads of
// such elements: made once a part, without divisions.
class GroupBases {
 public:
  explicit constexpr GroupBases(const SparseWindow& window)
      : period_(window.stored) {
    size_t base = 0, in_group = 0;
    for (size_t k = 0; k < 4 * period_; ++k) {
      words_[k / 4] |= static_cast<uint32_t>(base) << (k % 4 * 8);
      if (++in_group < window.keep) continue;
      in_group = 0;
      base = base + window.group < window.cols ? base + window.group : 0;
    }
  }

  // Of quad 0 of a row on, one after another.
  class Cursor {
   public:
    Cursor(const GroupBases& bases, size_t quad)
        : bases_(bases), at_(quad % bases.period_) {}
    int32_t Next() {
      const uint32_t word = bases_.words_[at_];
      at_ = at_ + 1 == bases_.period_ ? 0 : at_ + 1;
      return static_cast<int32_t>(word);
    }

   private:
    const GroupBases& bases_;
    size_t at_;
  };
  Cursor From(size_t quad) const { return Cursor(*this, quad); }

 private:
  // Stored elements of a window are fewer than its lanes.
  static constexpr size_t kMaxStored = 64;

  size_t period_;  // quads, after which an element stands as before
  uint32_t words_[kMaxStored] = {};
};

// 16 rows of an operand are a group of PackedMatrix, and of D.
inline constexpr size_t kSparseRows = 16;
inline constexpr size_t kStepBytes = 64;  // of a step or window of 16 or 1 rows
inline constexpr size_t kPanelStepBytes = 2 * kStepBytes;

// A range of K, for a block of sparse rows.
struct SparsePass {
  size_t first_window, windows;
  size_t steps;      // of the pass
  size_t stored;     // elements of a sparse row
  bool first, last;  // of K
};

// Windows of a pass of at most `max_steps` steps, which take `per_step` stored
// elements each. Even, so that every pass begins with a quad; and no more than
// where a window has four steps, for patterns that have fewer.
constexpr size_t MostWindows(size_t max_steps, const SparseWindow& window,
                             size_t per_step) {
  const size_t steps = window.stored / per_step;
  return std::min(max_steps / 4, max_steps / steps / 2 * 2);
}

// Memory of decoded operands.
struct SparseSizes {
  size_t windows, steps;  // of the longest pass
  size_t blocks;          // of scales, in such a pass

  // 16 sparse rows: for each step values, then indices; for each block what its
  // sum begins with, then scales; and one line so that panels side by side do
  // not fall on the same cache sets.
  constexpr size_t scales() const { return steps * kPanelStepBytes; }
  constexpr size_t panel() const {
    return scales() + blocks * kPanelStepBytes + kStepBytes;
  }
  // 16 dense rows in windows, then their scales.
  constexpr size_t dense_scales() const {
    return kSparseRows * windows * kStepBytes;
  }
  constexpr size_t dense() const {
    return dense_scales() + blocks * kStepBytes;
  }
  // The same rows before, row-major.
  constexpr size_t row() const { return (windows + 1) * kStepBytes; }
};

// For the passes that K takes, `block_steps` steps a block.
constexpr SparseSizes SizesOf(size_t stored, size_t max_steps,
                              const SparseWindow& window, size_t per_step,
                              size_t block_steps) {
  const size_t all = (stored + window.stored - 1) / window.stored;
  SparseSizes sizes = {};
  sizes.windows = std::min(MostWindows(max_steps, window, per_step),
                           std::max((all + 1) / 2 * 2, size_t{2}));
  sizes.steps = sizes.windows * (window.stored / per_step);
  sizes.blocks = (sizes.steps + block_steps - 1) / block_steps;
  return sizes;
}

// Dense rows decoded at once: up to half of 1M of L2, of which every panel of
// sparse rows meets all.
inline constexpr size_t kDenseGroups = 4;
// Sparse rows decoded at once. They are read once for each 64 dense rows, and
// may come from L3.
inline constexpr size_t kMaxSparseGroups = 128;

// Vectors of sparse rows of a tile, and its edge buffer: [16 dense rows][32].
inline constexpr size_t kSparseNV = 2;
inline constexpr size_t kSparseEdgeStride = kSparseNV * kSparseRows;
inline constexpr size_t kSparseEdgeFloats = kSparseRows * kSparseEdgeStride;

// At the beginning of a strand's memory: what its panels hold.
struct HeldPanels {
  const PackedSparse* sparse;  // null: nothing
  size_t sparse_begin, sparse_end;
  size_t first_window;
  bool aligned;  // see aligned_rows.h

  friend bool operator==(const HeldPanels&, const HeldPanels&) = default;
};
static_assert(sizeof(HeldPanels) <= kStrandBytes);

// Where a strand's memory begins to hold what.
struct SparseLayout {
  size_t sparse_groups;  // decoded at once, an even number
  size_t panels, dense, rows, edge, end;
};
constexpr SparseLayout LayoutOf(const SparseSizes& sizes, size_t sparse_rows) {
  SparseLayout layout = {};
  const size_t groups = (sparse_rows + kSparseRows - 1) / kSparseRows;
  layout.sparse_groups = std::min((groups + 1) / 2 * 2, kMaxSparseGroups);
  layout.panels = kStrandBytes;
  layout.dense = layout.panels + layout.sparse_groups * sizes.panel();
  layout.rows = layout.dense + kDenseGroups * sizes.dense();
  layout.edge = layout.rows + kSparseRows * sizes.row();
  layout.end = layout.edge + kSparseEdgeFloats * sizeof(float);
  return layout;
}

// Whether all sparse rows and all of K are one set of panels.
inline bool KeepsPanels(const SparseCall& call, size_t lanes, size_t per_step,
                        size_t max_steps) {
  const SparseWindow window = WindowOf(call.sparse->sparsity(), lanes);
  return std::cmp_less_equal(call.sparse->rows(),
                             kMaxSparseGroups * kSparseRows) &&
         std::cmp_less_equal(
             call.sparse->stored().cols(),
             MostWindows(max_steps, window, per_step) * window.stored);
}

// Bytes that such a kernel needs for a part of so many sparse rows.
inline size_t WorkspaceOf(const SparseCall& call, size_t lanes, size_t per_step,
                          size_t max_steps, size_t block_steps,
                          int64_t sparse_rows) {
  const SparseWindow window = WindowOf(call.sparse->sparsity(), lanes);
  const auto stored = static_cast<size_t>(call.sparse->stored().cols());
  return LayoutOf(SizesOf(stored, max_steps, window, per_step, block_steps),
                  static_cast<size_t>(sparse_rows))
      .end;
}

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SPARSE_WINDOW_H_
