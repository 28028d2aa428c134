// SPDX-License-Identifier: Apache-2.0
// Rows whose E8M0 scales lie close together, so that all their elements can be
// integers of one unit.
//
// A chain adds the sums of blocks times their scales, rounding each time. If
// every scale of a row is 2^0 ... 2^kMostShift times the row's lowest, elements
// times that power of two are still small integers, and products of two such
// rows are multiples of one power of two. While the sum of their magnitudes is
// at most 2^24 of it, no partial sum rounds: the chain is the sum of integers,
// in any order, times that power.
#ifndef ZEROULP_KERNELS_ALIGNED_ROWS_H_
#define ZEROULP_KERNELS_ALIGNED_ROWS_H_

#include <cstddef>
#include <cstdint>

#include "zeroulp/packed.h"

namespace zeroulp::kernels {

// Twice an E2M1 value is at most 12, so that bytes hold it shifted by 3 bits,
// with a sign or offset.
inline constexpr int kMostShift = 3;

// Of the 16 rows of a group: `lowest` receives of every row its lowest E8M0
// code, 127 if there is none. Returns the largest shift of a block, or -1 if
// one is larger than kMostShift or a scale is NaN. Blocks of zeros do not
// count: quantisers give them any scale.
int AlignRows(const PackedMatrix& matrix, size_t group, uint8_t* lowest);

// The largest shift of groups from row `begin` to row `end`, or -1.
int MostShiftOf(const PackedMatrix& matrix, int64_t begin, int64_t end);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_ALIGNED_ROWS_H_
