// SPDX-License-Identifier: Apache-2.0
// chain.f32 of a sparse operand by binary32 multiply-adds, on any target.
#ifndef ZEROULP_KERNELS_SPARSE_FMA_H_
#define ZEROULP_KERNELS_SPARSE_FMA_H_

#include <cstddef>

#include "kernels/sparse_call.h"

namespace zeroulp::kernels {

// 64-byte aligned memory for any part of any call.
size_t SparseFmaWorkspaceBytes();

// Rows of Model::kChain without block scales and promotion.
void SparseFma(const SparseCall& call, const SparsePart& part,
               std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SPARSE_FMA_H_
