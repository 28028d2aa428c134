// SPDX-License-Identifier: Apache-2.0
// Block scales of both operands of a sparse product.
#ifndef ZEROULP_KERNELS_SPARSE_SCALES_H_
#define ZEROULP_KERNELS_SPARSE_SCALES_H_

#include <cstddef>
#include <string_view>

#include "kernels/sparse_window.h"

namespace zeroulp::kernels {

// How the scales of both operands become a factor of a block's sum.
enum class ScaleKind {
  kNone,       // no blocks
  kExponents,  // E8M0: words are exponents in binary32's place, added
  kFractions,  // E8M0, of sums of integers: see sparse_tile-inl.h
  kAligned,    // E8M0, in the integers: see aligned_rows.h
  kFactors,    // UE4M3 and FP32: binary32 values, multiplied
};

// Of a call with block scales, where sums are binary32.
ScaleKind ScaleKindOf(const SparseCall& call);

// Of the shortest block.
inline constexpr size_t kMinBlockSteps = 4;

// Why a kernel with passes of `max_steps` steps of `per_step` products, whose
// sums are in units of 2^unit, does not take the call's block scales; empty if
// it does.
std::string_view RefusesScales(const SparseCall& call,
                               const SparseWindow& window, size_t max_steps,
                               size_t per_step, int unit);

// Whether every scale of `matrix`, E8M0 or UE4M3, is zero or from 2^-50 to
// 2^50.
bool ScalesAreMedium(const PackedMatrix& matrix);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SPARSE_SCALES_H_
