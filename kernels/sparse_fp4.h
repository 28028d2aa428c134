// SPDX-License-Identifier: Apache-2.0
// chain.f32 of sparse FP4 operands, with or without block scales, by the dot of
// four bytes.
#ifndef ZEROULP_KERNELS_SPARSE_FP4_H_
#define ZEROULP_KERNELS_SPARSE_FP4_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/sparse_call.h"

namespace zeroulp::kernels {

inline constexpr size_t kFp4Lanes = 64;  // of a window
inline constexpr size_t kFp4PerStep = 4;
// At 4:16 a pass is 4096 elements of K, at 2:4 half as many: see
// sparse_pairs.h.
inline constexpr size_t kFp4Steps = 256;

// Why SparseFp4 does not take a call of a row of Model::kChain; empty if it
// does.
std::string_view SparseFp4Refuses(const SparseCall& call);

// Up to which shift (see aligned_rows.h) sparse rows of a part have sums that
// are integers over all of K; -1 if a dense row has none, or more than a tenth
// of the sparse ones. `shifts` are of its groups of 16 sparse rows, -1 where
// one cannot be aligned. E8M0 scales of both operands.
int MostSparseShift(const SparseCall& call, const SparsePart& part,
                    std::span<const int8_t> shifts);

// Of a part of so many sparse rows.
size_t SparseFp4WorkspaceBytes(const SparseCall& call, int64_t sparse_rows);

// AVX3_DL only.
void SparseFp4(const SparseCall& call, const SparsePart& part,
               std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SPARSE_FP4_H_
