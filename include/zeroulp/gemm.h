// SPDX-License-Identifier: Apache-2.0
// Gemm: D = C + A * B, bit for bit as an arithmetic row states.
#ifndef ZEROULP_GEMM_H_
#define ZEROULP_GEMM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "zeroulp/operand.h"
#include "zeroulp/packed.h"
#include "zeroulp/view.h"

namespace zeroulp {

struct GemmOptions {
  std::string_view arith = "chain.f32";  // a name of kArith
  // 0: never. Else a multiple of the row's chunk: every so many products start
  // from zero, and their sum is added to the accumulator by ordinary IEEE
  // arithmetic, multiplied by its FP32 block scale if there is one.
  int64_t promote_every = 0;
  // One multiplication of the finished accumulator, C included, rounded to
  // nearest even: tensor scales.
  std::optional<float> alpha = {};
  // 0: the calling thread's oneTBB arena. 1: the calling thread alone.
  int threads = 0;
};

// Computes d[m][n] = c[m][n] + sum over k of a[m][k] * b_t[n][k], where the
// elements of operands with block scales are codes times their scales.
//
//   a    M x K    any format `options.arith` accepts
//   b_t  N x K    B transposed, as weights are stored; K contiguous
//   c    M x N    in the row's accumulator format; may be d itself; an empty
//                 view means zero
//   d    M x N    in the row's output format, every element written
//
// K is summed in the order and groups the arithmetic row states; NaN, infinity
// and the sign of zero follow the row. A last group that K does not fill is
// filled with zeros. `options.alpha` multiplies what that gives. The bits
// depend on nothing else: not on the CPU, the SIMD target, the number of
// threads, alignment, or the caller's floating-point environment, which is left
// as it was.
//
// Throws Error{kShape} if K differs or a view is too small, {kFormat} if the
// arithmetic does not take these formats or scales, {kOverlap} if d overlaps an
// input other than being c itself, {kUnknownName} for `arith`, {kUnsupported}
// for structured sparsity, and for `promote_every` with block scales that the
// row applies inside its sums, {kOverflow, kArgument}, std::bad_alloc. On
// throw, d is unchanged. Thread-safe.
//
// Oracle: reference::Gemm, one element at a time in integers.
void Gemm(const PackedMatrix& a, const PackedMatrix& b_t,
          const ConstMatrixView& c, const MatrixView& d,
          const GemmOptions& options = {});

// The same, packing what is not packed on every call.
void Gemm(const Operand& a, const PackedMatrix& b_t, const ConstMatrixView& c,
          const MatrixView& d, const GemmOptions& options = {});
void Gemm(const Operand& a, const Operand& b_t, const ConstMatrixView& c,
          const MatrixView& d, const GemmOptions& options = {});

// The kernel Gemm would run for these operands on this CPU, with block scales
// if the row always has them, and why each better one was refused: one sentence
// a line, the chosen kernel's name first.
std::string Explain(Format a, Format b_t, std::string_view arith);

}  // namespace zeroulp

#endif  // ZEROULP_GEMM_H_
