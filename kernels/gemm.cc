// SPDX-License-Identifier: Apache-2.0
// Gemm: check and select. No SIMD.
#include "zeroulp/gemm.h"

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/gemm_parts.h"
#include "kernels/kernel_table.h"
#include "kernels/sparse_gemm.h"
#include "zeroulp/internal/check.h"
#include "zeroulp/internal/check_batch.h"
#include "zeroulp/sparse.h"

namespace zeroulp {
namespace {

const kernels::KernelRow& Choose(const ArithInfo& row,
                                 const kernels::CallTraits& traits) {
  const kernels::KernelRow* kernel = kernels::Select(row, traits, nullptr);
  if (kernel == nullptr) {
    internal::Fail(ErrorCode::kUnsupported,
                   "Gemm: no kernel computes {}; reference::Gemm does",
                   row.name);
  }
  return *kernel;
}

void CheckPackedScales(const ArithInfo& row, std::string_view name,
                       const PackedMatrix& x, const GemmOptions& options) {
  internal::CheckScales(row, name, kernels::AsOperand(x), {},
                        options.promote_every);
}

// One product of a batch, checked.
struct Product {
  const PackedMatrix* a;
  const PackedMatrix* b_t;
  ConstMatrixView c;
  MatrixView d;
  kernels::Epilogue epilogue;
};

// Products of one shape.
void Run(const ArithInfo& row, std::span<const Product> products,
         const GemmOptions& options) {
  const Product& first = products.front();
  std::vector<kernels::GemmCall> calls;
  for (const Product& x : products) {
    calls.push_back({&row, x.a, x.b_t, 0, x.d.rows, 0, x.d.cols, x.c, x.d,
                     options.promote_every});
  }
  const kernels::KernelRow& kernel =
      Choose(row, kernels::TraitsOf(calls.front()));
  if (first.d.rows == 0 || first.d.cols == 0) return;

  const bool converts = first.d.format != row.output;
  const kernels::Sums sums(row.output, first.d, converts ? products.size() : 0);
  for (size_t i = 0; i < products.size(); ++i) {
    const Product& x = products[i];
    if (!x.epilogue.is_nothing()) calls[i].epilogue = &x.epilogue;
    if (converts) calls[i].d = sums.At(i, x.d);
  }
  kernels::RunKernel(kernel, calls, options.threads);
}

// The matrices of an operand of a batch, packed; one if all are the same.
std::vector<PackedMatrix> PackAll(const Operand& first, int64_t stride,
                                  int64_t scale_stride, int64_t count) {
  std::vector<PackedMatrix> packed;
  for (int64_t i = 0; i < count; ++i) {
    if (i > 0 && stride == 0 && scale_stride == 0) break;
    Operand x = first;
    x.codes = internal::MatrixAt(first.codes, stride, i);
    x.scales.codes = internal::MatrixAt(first.scales.codes, scale_stride, i);
    packed.push_back(Pack(x));
  }
  return packed;
}

}  // namespace

void Gemm(const PackedMatrix& a, const PackedMatrix& b_t,
          const ConstMatrixView& c, const MatrixView& d,
          const GemmOptions& options) {
  const ArithInfo& row = internal::CheckOptions(
      a, a.format(), a.cols(), b_t, b_t.format(), b_t.cols(), options);
  internal::CheckOutput(row, a.rows(), b_t.rows(), c, d, options);
  CheckPackedScales(row, "A", a, options);
  CheckPackedScales(row, "B^T", b_t, options);
  const Product product = {&a, &b_t, c, d, {options, d}};
  Run(row, {&product, 1}, options);
}

int64_t GemmWorkspaceBytes(const PackedMatrix& a, const PackedMatrix& b_t,
                           const GemmOptions& options) {
  const ArithInfo& row = internal::CheckOptions(
      a, a.format(), a.cols(), b_t, b_t.format(), b_t.cols(), options);
  CheckPackedScales(row, "A", a, options);
  CheckPackedScales(row, "B^T", b_t, options);
  const kernels::GemmCall call = {
      &row, &a,         &b_t, 0,  a.rows(),
      0,    b_t.rows(), {},   {}, options.promote_every};
  const kernels::KernelRow& kernel = Choose(row, kernels::TraitsOf(call));
  return static_cast<int64_t>(
      kernels::WorkspaceBytes(kernel, call, options.threads));
}

void Gemm(const Operand& a, const PackedMatrix& b_t, const ConstMatrixView& c,
          const MatrixView& d, const GemmOptions& options) {
  internal::CheckPattern("Gemm", "A", a);
  internal::CheckPartner("B^T", kernels::AsOperand(b_t), a.sparsity);
  const ArithInfo& row = internal::CheckOptions(
      a, a.codes.format, a.k(), b_t, b_t.format(), b_t.cols(), options);
  internal::CheckOutput(row, a.codes.rows, b_t.rows(), c, d, options);
  internal::CheckOperand(row, "A", a, {}, d, options.promote_every);
  if (a.is_sparse()) return SparseGemm(PackSparse(a), b_t, c, d, options);
  Gemm(Pack(a), b_t, c, d, options);
}

void Gemm(const Operand& a, const Operand& b_t, const ConstMatrixView& c,
          const MatrixView& d, const GemmOptions& options) {
  internal::CheckGemm(a, b_t, c, d, options);
  if (a.is_sparse()) {
    SparseGemm(PackSparse(a), Pack(b_t), c, d, options);
  } else if (b_t.is_sparse()) {
    SparseGemm(Pack(a), PackSparse(b_t), c, d, options);
  } else {
    Gemm(Pack(a), Pack(b_t), c, d, options);
  }
}

void BatchedGemm(const Operand& a, const Operand& b_t, const ConstMatrixView& c,
                 const MatrixView& d, const Batch& batch,
                 const GemmOptions& options) {
  const ArithInfo& row = internal::CheckBatch(a, b_t, c, d, batch, options);
  if (batch.count == 0) return;
  if (a.is_sparse() || b_t.is_sparse()) {
    return kernels::BatchedSparseGemm(row, a, b_t, c, d, batch, options);
  }
  const auto a_packed = PackAll(a, batch.a, batch.a_scales, batch.count);
  const auto b_packed = PackAll(b_t, batch.b_t, batch.b_scales, batch.count);
  const auto at = [](const std::vector<PackedMatrix>& packed, int64_t index) {
    return packed.size() == 1 ? packed.data()
                              : &packed[static_cast<size_t>(index)];
  };
  std::vector<Product> products;
  for (int64_t i = 0; i < batch.count; ++i) {
    const internal::BatchMember x(a, b_t, c, d, batch, options, i);
    products.push_back(
        {at(a_packed, i), at(b_packed, i), x.c, x.d, {x.options, x.d}});
  }
  Run(row, products, options);
}

std::string Explain(Format a, Format b_t, std::string_view arith) {
  constexpr int64_t kManyRows = 1 << 20;
  const ArithInfo& row = FindArith(arith);
  std::string why;
  const kernels::KernelRow* kernel = nullptr;
  if (!row.a.contains(a) || !row.b.contains(b_t)) {
    why = fmt::format("{} takes A {} and B^T {}\n", row.name, row.a.names(),
                      row.b.names());
  } else {
    kernels::CallTraits traits = {.a = a, .b_t = b_t, .m = kManyRows};
    if (row.scale_block != 0) {
      traits.a_block = traits.b_block = row.scale_block;
      traits.a_scale = traits.b_scale = row.scales.first();
    }
    kernel = kernels::Select(row, traits, &why);
  }
  return fmt::format("{}\n{}", kernel == nullptr ? "none" : kernel->name, why);
}

}  // namespace zeroulp
