// SPDX-License-Identifier: Apache-2.0
// Gemm: D = C + A * B, bit for bit as an arithmetic row states.
#ifndef ZEROULP_GEMM_H_
#define ZEROULP_GEMM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "zeroulp/arithmetic.h"
#include "zeroulp/codec.h"
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

  // The epilogue: what happens to x, a finished sum with C in it, on its way to
  // D. The steps are taken in this order, each only if it is asked for, and
  // every one rounds to nearest even:
  //   x = binary32(x * alpha)    tensor scales are their binary32 product
  //   x = binary32(x * b_row_scales[n])    of a row of B^T: a channel
  //   x = binary32(x * a_row_scales[m])    of a row of A: a token
  //   x = binary32(x + bias[n])
  //   d = x in the format of D, once
  // Scales of rows in this order are what cuBLASLt computes for PyTorch.
  std::optional<float> alpha = {};
  ConstMatrixView b_row_scales = {};  // 1 x N, f32; no columns: none
  ConstMatrixView a_row_scales = {};  // 1 x M, f32; likewise
  ConstMatrixView bias = {};          // 1 x N, f32, f16 or bf16; likewise
  // Lets D have another format than the row's output, any of kResultFormats,
  // and says what becomes of magnitudes beyond its largest one. Without it D
  // has the row's format, and such magnitudes become infinity.
  std::optional<Overflow> convert = {};

  // 0: the calling thread's oneTBB arena. 1: the calling thread alone.
  int threads = 0;
};

// What GemmOptions::convert may write.
inline constexpr FormatSet kResultFormats = {
    Format::kF32,      Format::kF16,        Format::kBF16, Format::kE4M3FN,
    Format::kE5M2,     Format::kE4M3,       Format::kE3M4, Format::kE4M3FNUZ,
    Format::kE5M2FNUZ, Format::kE4M3B11FNUZ};

// Computes d[m][n] = c[m][n] + sum over k of a[m][k] * b_t[n][k], where the
// elements of operands with block scales are codes times their scales.
//
//   a    M x K    any format `options.arith` accepts
//   b_t  N x K    B transposed, as weights are stored; K contiguous
//   c    M x N    in the row's accumulator format; may be d itself; an empty
//                 view means zero
//   d    M x N    in the row's output format, or as `options.convert` says;
//                 every element written
//
// K is summed in the order and groups the arithmetic row states; NaN, infinity
// and the sign of zero follow the row. A last group that K does not fill is
// filled with zeros. The epilogue of GemmOptions takes what that gives to d. A
// NaN in d is the row's NaN word, or in another format its canonical NaN, sign
// clear. The bits depend on nothing else: not on the CPU, the SIMD target, the
// number of threads, alignment, or the caller's floating-point environment,
// which is left as it was.
//
// Throws Error{kShape} if K differs or a view is too small, {kFormat} if the
// arithmetic does not take these formats or scales, {kOverlap} if d overlaps an
// input other than being c itself, {kUnknownName} for `arith`, {kUnsupported}
// where both operands are sparse, and for `promote_every` with block scales
// that the row applies inside its sums, {kOverflow, kArgument}, std::bad_alloc.
// On throw, d is unchanged. Thread-safe.
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

// Bytes of scratch memory that Gemm of these operands allocates and frees:
// panels of the part of K and of the columns that a cache holds, times the
// threads, whatever the sizes of the operands. Packing, and a D that is not in
// the row's output format, come on top. Throws as Gemm does.
int64_t GemmWorkspaceBytes(const PackedMatrix& a, const PackedMatrix& b_t,
                           const GemmOptions& options = {});

// Where the matrices of a batch lie: matrix i of an operand begins i times its
// stride, in elements, after the view that the call names, which is matrix 0
// and whose bytes reach to the end of the last. Stride 0: all products use the
// same matrix. Those of D must be apart: one after the other, or side by side
// in the rows of a wider matrix.
struct Batch {
  int64_t count = 1;
  int64_t a = 0, b_t = 0, c = 0, d = 0;
  int64_t a_scales = 0, b_scales = 0;                    // of blocks
  int64_t a_index = 0, b_index = 0;                      // of a sparse operand
  int64_t a_row_scales = 0, b_row_scales = 0, bias = 0;  // of GemmOptions
};

// `batch.count` products of one shape, with the bits of as many calls of Gemm:
// d[i] = c[i] + a[i] * b_t[i]. What Gemm promises and throws holds for all of
// them together; threads share the products first, then the rows and columns.
void BatchedGemm(const Operand& a, const Operand& b_t, const ConstMatrixView& c,
                 const MatrixView& d, const Batch& batch,
                 const GemmOptions& options = {});

// The kernel Gemm would run for these operands on this CPU, with block scales
// if the row always has them, and why each better one was refused: one sentence
// a line, the chosen kernel's name first.
std::string Explain(Format a, Format b_t, std::string_view arith);

}  // namespace zeroulp

#endif  // ZEROULP_GEMM_H_
