// SPDX-License-Identifier: Apache-2.0
// The oracle: scalar twins of the fast entry points. Gemm is in integers only;
// the quantise twins use single binary32 operations in a stated order.
#ifndef ZEROULP_REFERENCE_H_
#define ZEROULP_REFERENCE_H_

#include "zeroulp/arithmetic.h"
#include "zeroulp/gemm.h"
#include "zeroulp/quantize.h"
#include "zeroulp/view.h"

namespace zeroulp::reference {

// zeroulp::Gemm, for every row of kArith: same arguments, errors and bits.
// Takes some 10 to 100 ns per product; `options.threads` is ignored, it runs
// on the calling thread. Shares no code with the kernels.
void Gemm(const Operand& a, const Operand& b_t, const ConstMatrixView& c,
          const MatrixView& d, const GemmOptions& options = {});

// zeroulp::BatchedGemm: same arguments, errors and bits.
void BatchedGemm(const Operand& a, const Operand& b_t, const ConstMatrixView& c,
                 const MatrixView& d, const Batch& batch,
                 const GemmOptions& options = {});

// Gemm by a row that need not be in kArith: one with a parameter changed,
// to ask what the result would be on other hardware. `options.arith` is not
// read.
void GemmWithRow(const ArithInfo& row, const Operand& a, const Operand& b_t,
                 const ConstMatrixView& c, const MatrixView& d,
                 const GemmOptions& options = {});

// zeroulp::Quantize and Dequantize: same arguments, errors and bits, in the
// binary32 operations that the formulas of kScaleRules name, one at a time.
// Some 10 to 100 ns per element on the calling thread; `options.threads` is
// ignored. Shares no code with the kernels.
QuantizeResult Quantize(const ConstMatrixView& source, const MatrixView& codes,
                        const MatrixView& scales,
                        const QuantizeOptions& options);
void Dequantize(const ConstMatrixView& codes, const ConstMatrixView& scales,
                const MatrixView& destination,
                const DequantizeOptions& options);

}  // namespace zeroulp::reference

#endif  // ZEROULP_REFERENCE_H_
