// SPDX-License-Identifier: Apache-2.0
// What a kernel is asked for.
#ifndef ZEROULP_KERNELS_GEMM_CALL_H_
#define ZEROULP_KERNELS_GEMM_CALL_H_

#include <cstdint>
#include <optional>

#include "zeroulp/arithmetic.h"
#include "zeroulp/codec.h"
#include "zeroulp/packed.h"
#include "zeroulp/view.h"

namespace zeroulp::kernels {

// What happens to finished sums: GemmOptions, in its order.
struct Epilogue {
  std::optional<float> alpha;
  ConstMatrixView bias;  // no columns: none
  std::optional<Overflow> convert;
  MatrixView d;  // all of the result; the sums themselves if of their format

  // Whether the sums, already where D is, are the result.
  bool is_nothing() const { return !alpha && bias.cols == 0 && !convert; }
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
