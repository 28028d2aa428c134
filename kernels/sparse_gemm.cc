// SPDX-License-Identifier: Apache-2.0
// SparseGemm: check and select. No SIMD.
#include "kernels/sparse_gemm.h"

#include <span>
#include <vector>

#include "kernels/gemm_parts.h"
#include "kernels/sparse_table.h"
#include "zeroulp/internal/check.h"
#include "zeroulp/internal/check_batch.h"
#include "zeroulp/sparse.h"

namespace zeroulp {
namespace {

Operand AsOperand(const PackedMatrix& x) { return kernels::AsOperand(x); }
Operand AsOperand(const PackedSparse& x) {
  Operand operand = kernels::AsOperand(x.stored());
  operand.sparsity = x.sparsity();
  return operand;
}

// One product, checked.
struct Product {
  const PackedSparse* sparse;
  const PackedMatrix* dense;
  ConstMatrixView c;
  MatrixView d;
  kernels::Epilogue epilogue;
};

// Products of one shape.
void Run(const ArithInfo& row, std::span<const Product> products,
         bool sparse_is_a, const GemmOptions& options) {
  const MatrixView& first = products.front().d;
  if (first.rows == 0 || first.cols == 0) return;
  const bool converts = first.format != row.output;
  const kernels::Sums sums(row.output, first, converts ? products.size() : 0);
  std::vector<kernels::SparseCall> calls;
  for (size_t i = 0; i < products.size(); ++i) {
    const Product& x = products[i];
    kernels::SparseCall& call = calls.emplace_back(kernels::SparseCall{
        &row, x.sparse, x.dense, sparse_is_a, x.c,
        converts ? sums.At(i, x.d) : x.d, options.promote_every});
    if (!x.epilogue.is_nothing()) call.epilogue = &x.epilogue;
  }
  kernels::SelectSparse(calls).run(calls, options.threads);
}

template <class A, class B>
void Multiply(const A& a, const B& b_t, const PackedSparse& sparse,
              const PackedMatrix& dense, bool sparse_is_a,
              const ConstMatrixView& c, const MatrixView& d,
              const GemmOptions& options) {
  const Operand x = AsOperand(a), y = AsOperand(b_t);
  internal::CheckPartner("A", x, y.sparsity);
  internal::CheckPartner("B^T", y, x.sparsity);
  const ArithInfo& row = internal::CheckOptions(
      x, a.format(), a.cols(), y, b_t.format(), b_t.cols(), options);
  internal::CheckOutput(row, a.rows(), b_t.rows(), c, d, options);
  internal::CheckScales(row, "A", x, y.sparsity, options.promote_every);
  internal::CheckScales(row, "B^T", y, x.sparsity, options.promote_every);
  const Product product = {&sparse, &dense, c, d, {options, d}};
  Run(row, {&product, 1}, sparse_is_a, options);
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

namespace kernels {

void BatchedSparseGemm(const ArithInfo& row, const Operand& a,
                       const Operand& b_t, const ConstMatrixView& c,
                       const MatrixView& d, const Batch& batch,
                       const GemmOptions& options) {
  const bool sparse_is_a = a.is_sparse();
  const bool a_moves =
      batch.a != 0 || batch.a_scales != 0 || batch.a_index != 0;
  const bool b_moves =
      batch.b_t != 0 || batch.b_scales != 0 || batch.b_index != 0;
  const bool sparse_moves = sparse_is_a ? a_moves : b_moves;
  const bool dense_moves = sparse_is_a ? b_moves : a_moves;
  std::vector<PackedSparse> sparse;
  std::vector<PackedMatrix> dense;
  const auto count = static_cast<size_t>(batch.count);
  sparse.reserve(count);  // products point to them
  dense.reserve(count);
  std::vector<Product> products;
  for (int64_t i = 0; i < batch.count; ++i) {
    const internal::BatchMember x(a, b_t, c, d, batch, options, i);
    if (i == 0 || sparse_moves) {
      sparse.push_back(PackSparse(sparse_is_a ? x.a : x.b_t));
    }
    if (i == 0 || dense_moves) dense.push_back(Pack(sparse_is_a ? x.b_t : x.a));
    products.push_back(
        {&sparse.back(), &dense.back(), x.c, x.d, {x.options, x.d}});
  }
  Run(row, products, sparse_is_a, options);
}

}  // namespace kernels
}  // namespace zeroulp
