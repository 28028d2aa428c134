// SPDX-License-Identifier: Apache-2.0
// SparseGemm: check and select. No SIMD.
#include <vector>

#include "kernels/epilogue.h"
#include "kernels/sparse_table.h"
#include "zeroulp/internal/check.h"
#include "zeroulp/sparse.h"

namespace zeroulp {
namespace {

// Views of packed operands, for the checks: one scale code for each row, as
// they are packed.
Operand AsOperand(const PackedMatrix& x) {
  const ConstMatrixView codes = {{}, x.format(), x.rows(), x.cols(), x.cols()};
  if (x.scale_block() == 0) return codes;
  const ConstMatrixView scales = {
      std::as_bytes(
          std::span(x.scales(), static_cast<size_t>(x.scale_bytes()))),
      x.scale_format(), x.rows(), x.scale_cols(), x.scale_cols()};
  return {codes, {scales, x.scale_block()}};
}
Operand AsOperand(const PackedSparse& x) {
  Operand operand = AsOperand(x.stored());
  operand.sparsity = x.sparsity();
  return operand;
}

template <class A, class B>
void Multiply(const A& a, const B& b_t, const PackedSparse& sparse,
              const PackedMatrix& dense, bool sparse_is_a,
              const ConstMatrixView& c, const MatrixView& d,
              const GemmOptions& options) {
  const Operand x = AsOperand(a), y = AsOperand(b_t);
  const ArithInfo& row = internal::CheckOptions(
      x, a.format(), a.cols(), y, b_t.format(), b_t.cols(), options);
  internal::CheckOutput(row, a.rows(), b_t.rows(), c, d, options);
  internal::CheckScales(row, "A", x, y.sparsity, options.promote_every);
  internal::CheckScales(row, "B^T", y, x.sparsity, options.promote_every);
  if (d.rows == 0 || d.cols == 0) return;
  // Sums that are not of D's format have room of their own.
  std::vector<std::byte> memory;
  MatrixView sums = d;
  if (d.format != row.output) {
    const auto size = static_cast<size_t>(Info(row.output).storage_bits / 8);
    memory.resize(static_cast<size_t>(d.rows * d.cols) * size);
    sums = {memory, row.output, d.rows, d.cols, d.cols};
  }
  const kernels::Epilogue epilogue = {options.alpha, options.bias,
                                      options.convert, d};
  const kernels::SparseCall call = {
      &row, &sparse, &dense, sparse_is_a, c, sums, options.promote_every};
  kernels::SparseFinish finish;
  if (!epilogue.is_nothing()) {
    finish = [&](const kernels::SparsePart& part) {
      kernels::GemmCall done = {};
      done.row = &row;
      done.d = sums;
      done.m_begin = sparse_is_a ? part.sparse_begin : part.dense_begin;
      done.m_end = sparse_is_a ? part.sparse_end : part.dense_end;
      done.n_begin = sparse_is_a ? part.dense_begin : part.sparse_begin;
      done.n_end = sparse_is_a ? part.dense_end : part.sparse_end;
      done.epilogue = &epilogue;
      kernels::Finish(done);
    };
  }
  kernels::SelectSparse(call).run(call, options.threads, finish);
}

}  // namespace

void SparseGemm(const PackedSparse& a, const PackedMatrix& b_t,
                const ConstMatrixView& c, const MatrixView& d,
                const GemmOptions& options) {
  Multiply(a, b_t, a, b_t, true, c, d, options);
}

void SparseGemm(const PackedMatrix& a, const PackedSparse& b_t,
                const ConstMatrixView& c, const MatrixView& d,
                const GemmOptions& options) {
  Multiply(a, b_t, b_t, a, false, c, d, options);
}

}  // namespace zeroulp
