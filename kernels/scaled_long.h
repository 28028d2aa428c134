// SPDX-License-Identifier: Apache-2.0
// chain.f32 with binary32 scales of long blocks, most often of whole rows: a
// scale of a token or of an output channel. As scaled.h, but a chain kernel
// sums a block, and then D = fma(sum, scale of A * scale of B, D).
#ifndef ZEROULP_KERNELS_SCALED_LONG_H_
#define ZEROULP_KERNELS_SCALED_LONG_H_

#include <cstddef>

#include "kernels/chain.h"
#include "kernels/gemm_call.h"

namespace zeroulp::kernels {

// Without the memory of `chain`, which is behind it.
size_t ScaledLongBytes(const GemmCall& call);

// K is at least 1, and blocks of multiples of 4 or of all of K. C may be D:
// sums of blocks have their own memory.
void ScaledLong(const GemmCall& call,
                void (*chain)(const GemmBlock& block,
                              std::byte* workspace) noexcept,
                std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SCALED_LONG_H_
