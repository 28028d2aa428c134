// SPDX-License-Identifier: Apache-2.0
#include "kernels/aligned_parts.h"

#include <algorithm>
#include <array>

#include "kernels/aligned_rows.h"
#include "kernels/scaled.h"

namespace zeroulp::kernels {
namespace {

constexpr int64_t kRows = PackedMatrix::kRows;

// For every shift, how many groups from row `begin` to row `end` need at most
// that.
using GroupCounts = std::array<int64_t, kMostShift + 1>;

GroupCounts CountGroups(const PackedMatrix& matrix, int64_t begin,
                        int64_t end) {
  GroupCounts counts = {};
  for (int64_t row = begin; row < end; row += kRows) {
    const int shift = AlignedShiftOf(matrix, static_cast<size_t>(row / kRows));
    if (shift < 0) continue;
    for (int s = shift; s <= kMostShift; ++s) ++counts[static_cast<size_t>(s)];
  }
  return counts;
}

}  // namespace

int AlignedShiftOf(const PackedMatrix& matrix, size_t group) {
  if (matrix.scale_block() == 0) return 0;
  std::array<uint8_t, kRows> lowest;
  const int shift = AlignRows(matrix, group, lowest.data());
  const bool in_range =
      shift >= 0 && std::all_of(lowest.begin(), lowest.end(), [](uint8_t code) {
        return kRangeOfAligned.contains(code);
      });
  return in_range ? shift : -1;
}

AlignedShifts ShiftsOfMost(const GemmCall& call) {
  AlignedShifts best;
  if (call.c.rows != 0) return best;
  const GroupCounts a = CountGroups(*call.a, call.m_begin, call.m_end);
  const GroupCounts b = CountGroups(*call.b_t, call.n_begin, call.n_end);
  int64_t most = 0;
  for (int i = 0; i <= kMostShift; ++i) {
    for (int j = 0; j <= kMostShift; ++j) {
      const int64_t groups =
          a[static_cast<size_t>(i)] * b[static_cast<size_t>(j)];
      if (call.a->cols() << (i + j) > kMaxExactFp4K || groups <= most) continue;
      most = groups;
      best = {i, j};
    }
  }
  return best;
}

}  // namespace zeroulp::kernels
