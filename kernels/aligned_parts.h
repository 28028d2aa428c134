// SPDX-License-Identifier: Apache-2.0
// Which parts of a product of E2M1 with E8M0 scales are sums of integers.
#ifndef ZEROULP_KERNELS_ALIGNED_PARTS_H_
#define ZEROULP_KERNELS_ALIGNED_PARTS_H_

#include <cstddef>
#include <cstdint>

#include "kernels/gemm_call.h"
#include "kernels/scale_range.h"
#include "zeroulp/packed.h"

namespace zeroulp::kernels {

// For each of two operands: 2^-2 times two such scales, the unit of their
// products, is a binary32 number, and 2^24 units do not overflow.
inline constexpr ScaleRange kRangeOfAligned = {127 - 73, 127 + 52};

// Of the 16 rows of a group, which may have no scales, the most bits by which a
// block is shifted (see AlignRows). -1: they cannot be aligned, or the lowest
// scale of one is outside kRangeOfAligned.
int AlignedShiftOf(const PackedMatrix& matrix, size_t group);

// By how many bits, at most kMostShift, elements of the other operand may be
// shifted, whatever they are: products with any of the 16 rows, which can be
// aligned, then have exact sums. -1: not even by none.
using RoomOf = int (*)(const PackedMatrix& matrix, size_t group);

// The room that elements leave whose magnitudes, in units, have this sum.
int RoomBeside(int64_t magnitudes);

// Which groups of an operand take part: those that are shifted at most so much
// and, unless it is -1, leave as much room.
struct AlignedLimit {
  int shift = -1, room = -1;

  bool Admits(const PackedMatrix& matrix, size_t group, RoomOf room_of) const;
};

struct AlignedLimits {
  AlignedLimit a, b;

  bool any() const { return a.shift >= 0; }
};

// With them sums are exact, in any order, and most of the call's D takes part.
// None where it starts from C, whose values need not be multiples of a unit.
AlignedLimits LimitsOfMost(const GemmCall& call, RoomOf room_of);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_ALIGNED_PARTS_H_
