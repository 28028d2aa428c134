// SPDX-License-Identifier: Apache-2.0
// Every arithmetic row of a sparse operand by the dense kernels.
#ifndef ZEROULP_KERNELS_SPARSE_GATHER_H_
#define ZEROULP_KERNELS_SPARSE_GATHER_H_

#include <span>

#include "kernels/sparse_call.h"

namespace zeroulp::kernels {

// For each sparse row, what it selects of the dense operand is gathered, and a
// dense kernel multiplies the two: one row of D or of its transpose. A dense
// kernel must exist for these formats and scales.
void SparseGather(std::span<const SparseCall> calls, int threads);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SPARSE_GATHER_H_
