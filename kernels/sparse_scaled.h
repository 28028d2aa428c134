// SPDX-License-Identifier: Apache-2.0
// chain.f32 of a sparse operand of 8 bits or fewer with block scales, by the
// BF16 dot of 512-bit targets.
#ifndef ZEROULP_KERNELS_SPARSE_SCALED_H_
#define ZEROULP_KERNELS_SPARSE_SCALED_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kernels/sparse_call.h"

namespace zeroulp::kernels {

// Why SparseScaled does not take a call of a row of Model::kChain; empty if it
// does.
std::string_view SparseScaledRefuses(const SparseCall& call);

// Of a part of so many sparse rows.
size_t SparseScaledWorkspaceBytes(const SparseCall& call, int64_t sparse_rows);

// CPUs with AVX512_BF16 only.
void SparseScaled(const SparseCall& call, const SparsePart& part,
                  std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SPARSE_SCALED_H_
