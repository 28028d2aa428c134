// SPDX-License-Identifier: Apache-2.0
// The oracle: twins of the fast entry points, scalar and in integers only.
#ifndef ZEROULP_REFERENCE_H_
#define ZEROULP_REFERENCE_H_

#include "zeroulp/gemm.h"
#include "zeroulp/view.h"

namespace zeroulp::reference {

// zeroulp::Gemm, for every row of kArith: same arguments, errors and bits.
// Takes some 10 to 100 ns per product; `options.threads` is ignored, it runs
// on the calling thread. Shares no code with the kernels.
void Gemm(const Operand& a, const Operand& b_t, const ConstMatrixView& c,
          const MatrixView& d, const GemmOptions& options = {});

}  // namespace zeroulp::reference

#endif  // ZEROULP_REFERENCE_H_
