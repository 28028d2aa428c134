// SPDX-License-Identifier: Apache-2.0
#include "kernels/aligned_parts.h"

#include <algorithm>
#include <array>

#include "kernels/aligned_rows.h"
#include "kernels/scaled.h"

namespace zeroulp::kernels {
namespace {

constexpr int64_t kRows = PackedMatrix::kRows;
constexpr int64_t kMostUnits = int64_t{1} << 24;
constexpr int kLargestElement = 12;  // twice 6

// For every shift or room, how many groups between two rows have it.
using GroupCounts = std::array<int64_t, kMostShift + 1>;

int64_t At(const GroupCounts& counts, int i) {
  return counts[static_cast<size_t>(i)];
}

// At most that shift.
GroupCounts CountShifts(const PackedMatrix& matrix, int64_t begin,
                        int64_t end) {
  GroupCounts counts = {};
  for (int64_t row = begin; row < end; row += kRows) {
    const int shift = AlignedShiftOf(matrix, static_cast<size_t>(row / kRows));
    if (shift < 0) continue;
    for (int s = shift; s <= kMostShift; ++s) ++counts[static_cast<size_t>(s)];
  }
  return counts;
}

// At least that room.
GroupCounts CountRoom(const PackedMatrix& matrix, int64_t begin, int64_t end,
                      RoomOf room_of) {
  GroupCounts counts = {};
  for (int64_t row = begin; row < end; row += kRows) {
    const auto group = static_cast<size_t>(row / kRows);
    if (AlignedShiftOf(matrix, group) < 0) continue;
    const int room = room_of(matrix, group);
    for (int r = 0; r <= room; ++r) ++counts[static_cast<size_t>(r)];
  }
  return counts;
}

// The first of those that take most groups.
struct Best {
  AlignedLimits limits;
  int64_t groups = 0;  // of A times of B

  void Offer(int64_t with, const AlignedLimits& offered) {
    if (with > groups) *this = {offered, with};
  }
};

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

int RoomBeside(int64_t magnitudes) {
  int room = kMostShift;
  while (room >= 0 && magnitudes > kMostUnits / (kLargestElement << room)) {
    --room;
  }
  return room;
}

bool AlignedLimit::Admits(const PackedMatrix& matrix, size_t group,
                          RoomOf room_of) const {
  const int needed = AlignedShiftOf(matrix, group);
  if (needed < 0 || needed > shift) return false;
  return room < 0 || room_of(matrix, group) >= room;
}

AlignedLimits LimitsOfMost(const GemmCall& call, RoomOf room_of) {
  if (call.c.rows != 0) return {};
  const GroupCounts a = CountShifts(*call.a, call.m_begin, call.m_end);
  const GroupCounts b = CountShifts(*call.b_t, call.n_begin, call.n_end);
  Best best;
  for (int i = 0; i <= kMostShift; ++i) {
    for (int j = 0; j <= kMostShift; ++j) {
      // K of the largest elements on both sides.
      if (call.a->cols() << (i + j) > kMaxExactFp4K) continue;
      best.Offer(At(a, i) * At(b, j), {{i}, {j}});
    }
  }
  if (best.groups == At(a, kMostShift) * At(b, kMostShift)) return best.limits;
  // One side's largest elements, and those that the other has.
  const GroupCounts a_room =
      CountRoom(*call.a, call.m_begin, call.m_end, room_of);
  const GroupCounts b_room =
      CountRoom(*call.b_t, call.n_begin, call.n_end, room_of);
  for (int i = 0; i <= kMostShift; ++i) {
    best.Offer(At(a_room, i) * At(b, i), {{kMostShift, i}, {i}});
    best.Offer(At(a, i) * At(b_room, i), {{i}, {kMostShift, i}});
  }
  return best.limits;
}

}  // namespace zeroulp::kernels
