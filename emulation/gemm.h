// SPDX-License-Identifier: Apache-2.0
// reference::Gemm for a row that need not be in kArith.
#ifndef ZEROULP_EMULATION_GEMM_H_
#define ZEROULP_EMULATION_GEMM_H_

#include "zeroulp/arithmetic.h"
#include "zeroulp/gemm.h"
#include "zeroulp/operand.h"
#include "zeroulp/view.h"

namespace zeroulp::emulation {

// Operands as CheckGemm leaves them; `options.arith` is ignored. Tests use it
// to show that a row with one parameter changed no longer gives the hardware's
// words.
void Gemm(const ArithInfo& row, const Operand& a, const Operand& b_t,
          const ConstMatrixView& c, const MatrixView& d,
          const GemmOptions& options);

}  // namespace zeroulp::emulation

#endif  // ZEROULP_EMULATION_GEMM_H_
