// SPDX-License-Identifier: Apache-2.0
// Sparse operands as pairs of bf16, for the BF16 dot of 512-bit targets.
#ifndef ZEROULP_KERNELS_SPARSE_PAIRS_H_
#define ZEROULP_KERNELS_SPARSE_PAIRS_H_

#include <cstddef>
#include <string_view>

#include "kernels/sparse_window.h"

namespace zeroulp::kernels {

inline constexpr size_t kPairLanes = 32;  // of a window
inline constexpr size_t kPairPerStep = 2;
// At 4:16 a pass is 4096 elements of K, at 2:4 half as many. Shorter ones read
// and write D more often; longer ones would not leave 64 dense rows in L2.
inline constexpr size_t kPairSteps = 512;

// Why no kernel of pairs takes the call's formats and pattern; empty if they
// do.
std::string_view RefusesPairs(const SparseCall& call);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SPARSE_PAIRS_H_
