// SPDX-License-Identifier: Apache-2.0
// The matrices of a batch, and the argument checks that both BatchedGemm twins
// make on every call. Not installed.
#ifndef ZEROULP_INTERNAL_CHECK_BATCH_H_
#define ZEROULP_INTERNAL_CHECK_BATCH_H_

#include <cstdint>
#include <string_view>

#include "zeroulp/gemm.h"
#include "zeroulp/internal/check.h"

namespace zeroulp::internal {

// Matrix `index` of a batch whose matrix 0 is `first`; checked, or no matrix.
template <class View>
View MatrixAt(const View& first, int64_t stride, int64_t index) {
  View view = first;
  // Where there are no elements there need be no bytes to step over.
  if (first.rows == 0 || first.cols == 0) return view;
  const int64_t bits = stride * index * Info(first.format).storage_bits;
  view.bytes = first.bytes.subspan(static_cast<size_t>(bits / 8));
  return view;
}

// Operands, C, D and options of product `index`.
struct BatchMember {
  BatchMember(const Operand& first_a, const Operand& first_b,
              const ConstMatrixView& first_c, const MatrixView& first_d,
              const Batch& batch, const GemmOptions& first_options,
              int64_t index)
      : a(first_a),
        b_t(first_b),
        c(MatrixAt(first_c, batch.c, index)),
        d(MatrixAt(first_d, batch.d, index)),
        options(first_options) {
    a.codes = MatrixAt(first_a.codes, batch.a, index);
    b_t.codes = MatrixAt(first_b.codes, batch.b_t, index);
    a.scales.codes = MatrixAt(first_a.scales.codes, batch.a_scales, index);
    b_t.scales.codes = MatrixAt(first_b.scales.codes, batch.b_scales, index);
    a.index = MatrixAt(first_a.index, batch.a_index, index);
    b_t.index = MatrixAt(first_b.index, batch.b_index, index);
    options.b_row_scales =
        MatrixAt(first_options.b_row_scales, batch.b_row_scales, index);
    options.a_row_scales =
        MatrixAt(first_options.a_row_scales, batch.a_row_scales, index);
    options.bias = MatrixAt(first_options.bias, batch.bias, index);
  }

  Operand a, b_t;
  ConstMatrixView c;
  MatrixView d;
  GemmOptions options;
};

// All matrices of a batch as one row, from the first element to the last.
// Throws unless they are inside the bytes of `first`, which is checked.
inline ConstMatrixView CheckStride(std::string_view name,
                                   const ConstMatrixView& first, int64_t stride,
                                   int64_t count) {
  const int bits = Info(first.format).storage_bits;
  if (stride < 0 || (bits == 4 && stride % 2 != 0)) {
    Fail(ErrorCode::kShape,
         "BatchedGemm: the stride of {} ({}) is {}: it must not be negative{}",
         name, Describe(first), stride,
         bits == 4 ? ", and even: 4-bit matrices start on a byte" : "");
  }
  ConstMatrixView all = first;
  if (first.rows == 0 || first.cols == 0) return all;
  all.rows = 1;
  const int64_t extent = (first.rows - 1) * first.row_stride + first.cols;
  if (!ProductFits(count, stride, bits) ||
      !ProductFits((count - 1) * stride + extent, bits, 1)) {
    Fail(ErrorCode::kOverflow,
         "BatchedGemm: {} matrices {} ({}) with stride {}: their size in bits "
         "exceeds 2^63 - 1",
         count, name, Describe(first), stride);
  }
  all.cols = all.row_stride = (count - 1) * stride + extent;
  if (std::cmp_less(all.bytes.size(), ExtentBytes(all))) {
    Fail(ErrorCode::kShape,
         "BatchedGemm: {} matrices {} ({}) with stride {}: they need {} bytes, "
         "the view has {}",
         count, name, Describe(first), stride, ExtentBytes(all),
         all.bytes.size());
  }
  return all;
}

// The matrices of D must not share an element: they follow each other, or all
// of them are columns of wider rows.
inline void CheckResultsApart(const MatrixView& d, const ConstMatrixView& all,
                              const Batch& batch) {
  if (batch.count == 1 || d.rows == 0 || d.cols == 0) return;
  const int64_t extent = all.cols - (batch.count - 1) * batch.d;
  const int64_t width = (batch.count - 1) * batch.d + d.cols;
  if (batch.d >= extent) return;
  if (batch.d >= d.cols && (d.rows == 1 || width <= d.row_stride)) return;
  Fail(ErrorCode::kOverlap,
       "BatchedGemm: {} matrices D ({}, row_stride {}) with stride {} overlap: "
       "the stride must be at least {}, or at least {} in rows that hold all "
       "of them",
       batch.count, Describe(d), d.row_stride, batch.d, extent, d.cols);
}

// Every rule of BatchedGemm; the row that `options` names.
inline const ArithInfo& CheckBatch(const Operand& a, const Operand& b_t,
                                   const ConstMatrixView& c,
                                   const MatrixView& d, const Batch& batch,
                                   const GemmOptions& options) {
  if (batch.count < 0) {
    Fail(ErrorCode::kArgument,
         "BatchedGemm: the count is {}: it must not be negative", batch.count);
  }
  const ArithInfo& row = FindArith(options.arith);
  if (batch.count == 0) return row;
  CheckGemm(row, a, b_t, c, d, options);
  const int64_t count = batch.count;
  const ConstMatrixView all_d = CheckStride("D", d, batch.d, count);
  CheckResultsApart(d, all_d, batch);
  const ConstMatrixView all_c = CheckStride("C", c, batch.c, count);
  if (!(IsSame(c, d) && batch.c == batch.d) && Overlap(all_c, all_d)) {
    Fail(ErrorCode::kOverlap,
         "BatchedGemm: D ({}, stride {}) overlaps C ({}, stride {}): C may be "
         "D itself or apart from it",
         Describe(d), batch.d, Describe(c), batch.c);
  }
  const auto check = [&](std::string_view name, const ConstMatrixView& first,
                         int64_t stride) {
    if (Overlap(CheckStride(name, first, stride, count), all_d)) {
      Fail(ErrorCode::kOverlap,
           "BatchedGemm: {} matrices D ({}, stride {}) overlap {} ({}, stride "
           "{}): they must be apart",
           count, Describe(d), batch.d, name, Describe(first), stride);
    }
  };
  check("A", a.codes, batch.a);
  check("B^T", b_t.codes, batch.b_t);
  check("the scales of A", a.scales.codes, batch.a_scales);
  check("the scales of B^T", b_t.scales.codes, batch.b_scales);
  check("the index of A", a.index, batch.a_index);
  check("the index of B^T", b_t.index, batch.b_index);
  check("b_row_scales", options.b_row_scales, batch.b_row_scales);
  check("a_row_scales", options.a_row_scales, batch.a_row_scales);
  check("the bias", options.bias, batch.bias);
  for (int64_t i = 1; i < count; ++i) {  // CheckGemm has seen those of 0
    const BatchMember x(a, b_t, c, d, batch, options, i);
    const auto name = [i](std::string_view operand) {
      return fmt::format("{} of product {}", operand, i);
    };
    if (x.a.is_sparse()) CheckSparse("BatchedGemm", name("A"), x.a);
    if (x.b_t.is_sparse()) CheckSparse("BatchedGemm", name("B^T"), x.b_t);
  }
  return row;
}

}  // namespace zeroulp::internal

#endif  // ZEROULP_INTERNAL_CHECK_BATCH_H_
