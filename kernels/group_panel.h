// SPDX-License-Identifier: Apache-2.0
// Panels of group_dot.cc: 16 rows of A or of B, chunk after chunk.
#ifndef ZEROULP_KERNELS_GROUP_PANEL_H_
#define ZEROULP_KERNELS_GROUP_PANEL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/group_dot.h"

namespace zeroulp::kernels {

inline constexpr size_t kGroupLanes = 16;  // PackedMatrix::kRows
inline constexpr size_t kGroupSteps = 4;   // of 4 products in a group

// One chunk of 16 rows.
struct alignas(64) GroupChunk {
  // Twice the values, four bytes a lane; those of A are made unsigned by
  // adding kByteOffset.
  int32_t bytes[kGroupCount][kGroupSteps][kGroupLanes];
  // Of B: what the offset of A adds to each group's sum, negated.
  int32_t begin[kGroupCount][kGroupLanes];
  // Of A a quarter of it, for sums are of twice the values twice.
  float scales[kGroupCount][kGroupLanes];
  // A bit for each element of a group: not zero.
  int32_t nonzero[kGroupCount][kGroupLanes];
  // Exponents of the scales as an aligner sees them, the largest and the
  // smallest of the groups, as exponent fields without a bias.
  int32_t highest[kGroupLanes], lowest[kGroupLanes];
  // Their difference, of B the largest of all lanes; kNeverFast where a sum
  // might leave the normal range of binary32, or a scale is NaN.
  int32_t spread[kGroupLanes];
};

// Twice the largest value.
inline constexpr int kByteOffset = 12;
inline constexpr int32_t kNeverFast = 1 << 20;

// Chunks of a pass over K: a panel of B, 16 KB, stays in the L1 cache beside
// the panel of A while it meets all its rows.
inline constexpr size_t kGroupPassChunks = 8;
// Panels of B of a block of columns: 24 * 16 KB in an L2 cache of 1M.
inline constexpr size_t kGroupBPanels = 24;

using GroupPanel = GroupChunk[kGroupPassChunks];

struct GroupWorkspace {
  GroupPanel a;
  GroupPanel b[kGroupBPanels];
  alignas(64) float tile[kGroupLanes * kGroupLanes];
};

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_GROUP_PANEL_H_
