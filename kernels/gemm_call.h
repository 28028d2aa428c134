// SPDX-License-Identifier: Apache-2.0
// What a kernel is asked for.
#ifndef ZEROULP_KERNELS_GEMM_CALL_H_
#define ZEROULP_KERNELS_GEMM_CALL_H_

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>

#include "zeroulp/arithmetic.h"
#include "zeroulp/codec.h"
#include "zeroulp/gemm.h"
#include "zeroulp/packed.h"
#include "zeroulp/view.h"

namespace zeroulp::kernels {

// What happens to finished sums: GemmOptions, in its order.
struct Epilogue {
  Epilogue(const GemmOptions& options, const MatrixView& result)
      : alpha(options.alpha),
        b_row_scales(options.b_row_scales),
        a_row_scales(options.a_row_scales),
        bias(options.bias),
        convert(options.convert),
        d(result) {}

  // Whether the sums, already where D is, are the result.
  bool is_nothing() const {
    return !alpha && b_row_scales.cols == 0 && a_row_scales.cols == 0 &&
           bias.cols == 0 && !convert;
  }

  std::optional<float> alpha;
  ConstMatrixView b_row_scales, a_row_scales, bias;  // no columns: none
  std::optional<Overflow> convert;
  MatrixView d;  // all of the result; the sums themselves if of their format
};

// One rectangle of D = C + A * B, computed by one thread. Checked operands.
struct GemmCall {
  const ArithInfo* row;
  const PackedMatrix* a;
  const PackedMatrix* b_t;
  int64_t m_begin, m_end;  // m_begin and n_begin are multiples of 16
  int64_t n_begin, n_end;
  ConstMatrixView c;  // all of C; no rows: zero
  MatrixView d;       // all of D, in the row's output format
  int64_t promote_every = 0;
  const Epilogue* epilogue = nullptr;  // once the rectangle is computed
};

// How many products share the block scales of A and B: the finer ones cut, and
// one for all of K cuts nothing. 0: no scales.
constexpr int64_t ScaledBlock(int64_t a_block, int64_t b_block, int64_t k) {
  const bool a_cuts = a_block != 0 && a_block < k;
  const bool b_cuts = b_block != 0 && b_block < k;
  if (a_cuts && b_cuts) return std::gcd(a_block, b_block);
  if (a_cuts || b_cuts) return a_cuts ? a_block : b_block;
  return std::max(a_block, b_block);
}
inline int64_t ScaledBlock(const GemmCall& call) {
  return ScaledBlock(call.a->scale_block(), call.b_t->scale_block(),
                     call.a->cols());
}

// Whether every operand format of the row is one of `formats`.
constexpr bool TakesOnly(const ArithInfo& row, FormatSet formats) {
  for (const FormatInfo& f : kFormats) {
    const bool taken = row.a.contains(f.id) || row.b.contains(f.id);
    if (taken && !formats.contains(f.id)) return false;
  }
  return true;
}

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_GEMM_CALL_H_
