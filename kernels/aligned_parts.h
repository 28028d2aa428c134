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

// The most bits by which groups of A and of B are shifted (see AlignRows).
struct AlignedShifts {
  int a = -1, b = -1;  // -1: none are

  bool any() const { return a >= 0; }
};

// Of the 16 rows of a group, which may have no scales. -1: cannot be aligned,
// or the lowest scale of a row is outside kRangeOfAligned.
int AlignedShiftOf(const PackedMatrix& matrix, size_t group);

// Sums of K products of which groups with at most these shifts are exact: those
// shifts that most of the call's D has. None if it starts from C, whose values
// need not be multiples of a unit.
AlignedShifts ShiftsOfMost(const GemmCall& call);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_ALIGNED_PARTS_H_
