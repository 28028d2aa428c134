// SPDX-License-Identifier: Apache-2.0
// The sparse branch of BatchedGemm.
#ifndef ZEROULP_KERNELS_SPARSE_GEMM_H_
#define ZEROULP_KERNELS_SPARSE_GEMM_H_

#include "zeroulp/gemm.h"

namespace zeroulp::kernels {

// A checked batch of at least one product, one operand of which is sparse.
void BatchedSparseGemm(const ArithInfo& row, const Operand& a,
                       const Operand& b_t, const ConstMatrixView& c,
                       const MatrixView& d, const Batch& batch,
                       const GemmOptions& options);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SPARSE_GEMM_H_
