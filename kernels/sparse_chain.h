// SPDX-License-Identifier: Apache-2.0
// chain.f32 of a sparse operand by the BF16 dot of 512-bit targets.
#ifndef ZEROULP_KERNELS_SPARSE_CHAIN_H_
#define ZEROULP_KERNELS_SPARSE_CHAIN_H_

#include <cstddef>
#include <cstdint>

#include "kernels/sparse_call.h"

namespace zeroulp::kernels {

// Of a part of so many sparse rows.
size_t SparseChainBf16WorkspaceBytes(const SparseCall& call,
                                     int64_t sparse_rows);

// CPUs with AVX512_BF16 only; what RefusesPairs does not refuse. A part with
// operands or sums that the instruction would flush to zero, being subnormal,
// takes SparseFma.
void SparseChainBf16(const SparseCall& call, const SparsePart& part,
                     std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SPARSE_CHAIN_H_
