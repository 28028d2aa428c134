// SPDX-License-Identifier: Apache-2.0
// The kernel of chain.f32 for a few rows of A: bound by reading B.
#ifndef ZEROULP_KERNELS_CHAIN_SKINNY_H_
#define ZEROULP_KERNELS_CHAIN_SKINNY_H_

#include <cstddef>
#include <cstdint>

#include "kernels/chain.h"

namespace zeroulp::kernels {

// Rows of A that it takes.
inline constexpr int64_t kSkinnyRows = 16;

size_t ChainSkinnyWorkspaceBytes(int64_t rows, int64_t cols, int64_t k);

// CPUs with AVX512_BF16 only, A narrow or bf16, B narrow: codes of B go from
// PackedMatrix to the BF16 dot in registers. Where the dot would flush anything
// to zero, ChainBf16.
void ChainSkinny(const GemmBlock& block, std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_CHAIN_SKINNY_H_
