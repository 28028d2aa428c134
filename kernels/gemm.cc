// SPDX-License-Identifier: Apache-2.0
// Gemm: check, select, split D into tasks. No SIMD.
#include "zeroulp/gemm.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

#include "kernels/epilogue.h"
#include "kernels/float_environment.h"
#include "kernels/kernel_table.h"
#include "kernels/parallel.h"
#include "zeroulp/internal/check.h"

namespace zeroulp {
namespace {

// D as a grid of rectangles, one task each.
struct Grid {
  int64_t rows, cols;     // of tasks
  int64_t height, width;  // of a task, multiples of the tile unit
};

// Multiples of every tile's height and width on every target.
constexpr int64_t kTaskRows = 16;
constexpr int64_t kTaskCols = 48;

// About one task per thread: tasks decode their part of A and B again, so more
// tasks are more work, and the fewest codes are decoded when tasks are square.
Grid Split(int64_t m, int64_t n, int64_t threads) {
  const auto pieces = [](int64_t size, int64_t unit, int64_t count) {
    const int64_t units = (size + unit - 1) / unit;
    return (units + count - 1) / count * unit;
  };
  Grid best = {};
  int64_t best_cost = std::numeric_limits<int64_t>::max();
  for (int64_t rows = 1; rows <= threads; ++rows) {
    const int64_t height = pieces(m, kTaskRows, rows);
    const int64_t width = pieces(n, kTaskCols, (threads + rows - 1) / rows);
    // Multiply-adds of the largest task first, then codes it decodes.
    constexpr int64_t kDecodeCost = 16;  // of a code, in multiply-adds per k
    const int64_t cost = height * width + kDecodeCost * (height + width);
    if (cost >= best_cost) continue;
    best_cost = cost;
    best = {(m + height - 1) / height, (n + width - 1) / width, height, width};
  }
  return best;
}

struct FreeAligned {
  void operator()(std::byte* p) const {
    ::operator delete[](p, std::align_val_t{64});
  }
};

void Run(const kernels::KernelRow& kernel, const kernels::GemmCall& whole,
         const GemmOptions& options) {
  const Grid grid =
      Split(whole.m_end, whole.n_end, kernels::NumThreads(options.threads));
  const int64_t count = grid.rows * grid.cols;
  // Whole cache lines, so that every task's memory begins with one.
  const size_t bytes = (kernel.workspace_bytes(*whole.row) + 63) / 64 * 64;
  // Before the first write to D: this can throw.
  const std::unique_ptr<std::byte[], FreeAligned> workspace(
      static_cast<std::byte*>(::operator new[](
          bytes* static_cast<size_t>(count), std::align_val_t{64})));
  kernels::ParallelFor(count, options.threads, [&](int64_t task) {
    const kernels::DefaultFloatEnvironment environment;
    kernels::GemmCall call = whole;
    call.m_begin = task / grid.cols * grid.height;
    call.m_end = std::min(call.m_begin + grid.height, whole.m_end);
    call.n_begin = task % grid.cols * grid.width;
    call.n_end = std::min(call.n_begin + grid.width, whole.n_end);
    kernel.run(call, workspace.get() + static_cast<size_t>(task) * bytes);
    if (options.alpha) kernels::MultiplyBy(*options.alpha, call);
  });
}

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
  const bool block_scales = a.scale_block() != 0 || b_t.scale_block() != 0;
  CheckPromotion(row, options, block_scales);
  const kernels::KernelRow& kernel =
      Choose(row, {block_scales, options.promote_every != 0});
  if (d.rows == 0 || d.cols == 0) return;
  Run(kernel,
      {&row, &a, &b_t, 0, d.rows, 0, d.cols, c, d, options.promote_every},
      options);
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
  const ArithInfo& row = FindArith(arith);
  std::string why;
  const kernels::KernelRow* kernel = nullptr;
  if (!row.a.contains(a) || !row.b.contains(b_t)) {
    why = fmt::format("{} takes A {} and B^T {}\n", row.name, row.a.names(),
                      row.b.names());
  } else {
    const kernels::CallTraits traits = {.block_scales = row.scale_block != 0};
    kernel = kernels::Select(row, traits, &why);
  }
  return fmt::format("{}\n{}", kernel == nullptr ? "none" : kernel->name, why);
}

}  // namespace zeroulp
