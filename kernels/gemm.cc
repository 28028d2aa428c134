// SPDX-License-Identifier: Apache-2.0
// Gemm: check and select. No SIMD.
#include "zeroulp/gemm.h"

#include "kernels/epilogue.h"
#include "kernels/kernel_table.h"
#include "zeroulp/internal/check.h"

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

void CheckDense(std::string_view name, const Operand& x) {
  if (x.is_sparse()) {
    internal::Fail(ErrorCode::kUnsupported,
                   "Gemm: no kernel takes {} {} with structured sparsity; "
                   "reference::Gemm does",
                   name, internal::Describe(x));
  }
}

// Promotion applies scales to whole partial sums; it is undefined which scale
// that would be where a row has them inside the sums.
void CheckPromotion(const ArithInfo& row, const GemmOptions& options,
                    bool block_scales) {
  if (options.promote_every == 0 || row.scales.empty() || !block_scales) return;
  internal::Fail(ErrorCode::kUnsupported,
                 "Gemm: promote_every is {}: {} applies block scales inside "
                 "its sums, which cannot be promoted with them",
                 options.promote_every, row.name);
}

// A packed operand for the checks that views get. One scale code for each row,
// as they are packed.
Operand AsOperand(const PackedMatrix& x) {
  const ConstMatrixView codes = {{}, x.format(), x.rows(), x.cols(), x.cols()};
  if (x.scale_block() == 0) return codes;
  const ConstMatrixView scales = {
      std::as_bytes(
          std::span(x.scales(), static_cast<size_t>(x.scale_bytes()))),
      x.scale_format(), x.rows(), x.scale_cols(), x.scale_cols()};
  return {codes, {scales, x.scale_block()}};
}

void CheckPackedScales(const ArithInfo& row, std::string_view name,
                       const PackedMatrix& x, const GemmOptions& options) {
  internal::CheckScales(row, name, AsOperand(x), {}, options.promote_every);
}

}  // namespace

void Gemm(const PackedMatrix& a, const PackedMatrix& b_t,
          const ConstMatrixView& c, const MatrixView& d,
          const GemmOptions& options) {
  const ArithInfo& row = internal::CheckOptions(
      a, a.format(), a.cols(), b_t, b_t.format(), b_t.cols(), options);
  internal::CheckOutput(row, a.rows(), b_t.rows(), c, d);
  CheckPackedScales(row, "A", a, options);
  CheckPackedScales(row, "B^T", b_t, options);
  const kernels::GemmCall call = {&row, &a,     &b_t, 0, d.rows,
                                  0,    d.cols, c,    d, options.promote_every};
  const kernels::CallTraits traits = kernels::TraitsOf(call);
  CheckPromotion(row, options, traits.block_scales());
  const kernels::KernelRow& kernel = Choose(row, traits);
  if (d.rows == 0 || d.cols == 0) return;
  kernels::RunKernel(kernel, call, options.threads,
                     [&](const kernels::GemmCall& part) {
                       if (options.alpha) {
                         kernels::MultiplyBy(*options.alpha, part);
                       }
                     });
}

void Gemm(const Operand& a, const PackedMatrix& b_t, const ConstMatrixView& c,
          const MatrixView& d, const GemmOptions& options) {
  CheckDense("A", a);
  const ArithInfo& row = internal::CheckOptions(
      a, a.codes.format, a.k(), b_t, b_t.format(), b_t.cols(), options);
  internal::CheckOutput(row, a.codes.rows, b_t.rows(), c, d);
  internal::CheckOperand(row, "A", a, {}, d, options.promote_every);
  Gemm(Pack(a), b_t, c, d, options);
}

void Gemm(const Operand& a, const Operand& b_t, const ConstMatrixView& c,
          const MatrixView& d, const GemmOptions& options) {
  internal::CheckGemm(a, b_t, c, d, options);
  CheckDense("A", a);
  CheckDense("B^T", b_t);
  Gemm(Pack(a), Pack(b_t), c, d, options);
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
