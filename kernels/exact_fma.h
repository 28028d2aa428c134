// SPDX-License-Identifier: Apache-2.0
// The fast kernel of exact sums: binary64 multiply-adds that round nothing.
#ifndef ZEROULP_KERNELS_EXACT_FMA_H_
#define ZEROULP_KERNELS_EXACT_FMA_H_

#include <cstddef>

#include "kernels/gemm_call.h"

namespace zeroulp::kernels {

size_t ExactFmaWorkspaceBytes(const ArithInfo& row);

// Rows of ExactComputes without block scales, with exact ones (E8M0 or UE4M3,
// for blocks of a multiple of 4 or of all of K), or with binary32 ones of all
// of K. 16 rows by one block of columns whose exponents lie too far apart, or
// whose binary32 scales are not positive numbers, take Exact.
void ExactFma(const GemmCall& call, std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_EXACT_FMA_H_
