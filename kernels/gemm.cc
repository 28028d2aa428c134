// SPDX-License-Identifier: Apache-2.0
// Gemm: check, select, split D into tasks. No SIMD.
#include "zeroulp/gemm.h"

#include <algorithm>
#include <cfenv>
#include <cstddef>
#include <memory>
#include <new>

#include "kernels/kernel_table.h"
#include "kernels/parallel.h"
#include "zeroulp/internal/check.h"

namespace zeroulp {
namespace {

// The default floating-point environment for a scope: round to nearest even,
// no flushing of subnormals, no traps. The caller's comes back unchanged.
class DefaultFloatEnvironment {
 public:
  DefaultFloatEnvironment() noexcept {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloatEnvironment() { std::fesetenv(&saved_); }
  DefaultFloatEnvironment(const DefaultFloatEnvironment&) = delete;
  DefaultFloatEnvironment& operator=(const DefaultFloatEnvironment&) = delete;

 private:
  std::fenv_t saved_;
};

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

void Run(const kernels::KernelRow& kernel, const kernels::GemmBlock& whole,
         int threads) {
  const Grid grid =
      Split(whole.m_end, whole.n_end, kernels::NumThreads(threads));
  const int64_t count = grid.rows * grid.cols;
  const size_t bytes = kernel.workspace_bytes();
  // Before the first write to D: this can throw.
  const std::unique_ptr<std::byte[], FreeAligned> workspace(
      static_cast<std::byte*>(::operator new[](
          bytes* static_cast<size_t>(count), std::align_val_t{64})));
  kernels::ParallelFor(count, threads, [&](int64_t task) {
    const DefaultFloatEnvironment environment;
    kernels::GemmBlock block = whole;
    block.m_begin = task / grid.cols * grid.height;
    block.m_end = std::min(block.m_begin + grid.height, whole.m_end);
    block.n_begin = task % grid.cols * grid.width;
    block.n_end = std::min(block.n_begin + grid.width, whole.n_end);
    kernel.run(block, workspace.get() + static_cast<size_t>(task) * bytes);
  });
}

const kernels::KernelRow& Choose(Format a, Format b_t, const ArithInfo& row) {
  const kernels::KernelRow* kernel = kernels::Select(a, b_t, row.name, nullptr);
  if (kernel == nullptr) {
    internal::Fail(ErrorCode::kUnsupported,
                   "Gemm: no kernel computes {} of A {} and B^T {}; "
                   "reference::Gemm does",
                   row.name, Info(a).name, Info(b_t).name);
  }
  return *kernel;
}

void CheckKernelCan(const GemmOptions& options) {
  if (options.promote_every != 0 || options.alpha) {
    internal::Fail(ErrorCode::kUnsupported,
                   "Gemm: no kernel computes {} with promote_every or alpha; "
                   "reference::Gemm does",
                   options.arith);
  }
}

void CheckKernelCan(std::string_view name, const Operand& x) {
  if (x.is_sparse() || x.scales.block != 0) {
    internal::Fail(ErrorCode::kUnsupported,
                   "Gemm: no kernel takes {} {} with {}; reference::Gemm does",
                   name, internal::Describe(x),
                   x.is_sparse() ? "structured sparsity" : "block scales");
  }
}

}  // namespace

void Gemm(const PackedMatrix& a, const PackedMatrix& b_t,
          const ConstMatrixView& c, const MatrixView& d,
          const GemmOptions& options) {
  const ArithInfo& row = internal::CheckOptions(
      a, a.format(), a.cols(), b_t, b_t.format(), b_t.cols(), options);
  internal::CheckOutput(row, a.rows(), b_t.rows(), c, d);
  CheckKernelCan(options);
  const kernels::KernelRow& kernel = Choose(a.format(), b_t.format(), row);
  if (d.rows == 0 || d.cols == 0) return;
  Run(kernel,
      {&a, &b_t, 0, d.rows, 0, d.cols,
       reinterpret_cast<const float*>(c.bytes.data()), c.row_stride,
       reinterpret_cast<float*>(d.bytes.data()), d.row_stride},
      options.threads);
}

void Gemm(const Operand& a, const PackedMatrix& b_t, const ConstMatrixView& c,
          const MatrixView& d, const GemmOptions& options) {
  const ArithInfo& row = internal::CheckOptions(
      a, a.codes.format, a.k(), b_t, b_t.format(), b_t.cols(), options);
  internal::CheckOutput(row, a.codes.rows, b_t.rows(), c, d);
  internal::CheckOperand(row, "A", a, {}, d, options.promote_every);
  CheckKernelCan("A", a);
  Choose(a.codes.format, b_t.format(), row);
  Gemm(Pack(a.codes), b_t, c, d, options);
}

void Gemm(const Operand& a, const Operand& b_t, const ConstMatrixView& c,
          const MatrixView& d, const GemmOptions& options) {
  const ArithInfo& row = internal::CheckGemm(a, b_t, c, d, options);
  CheckKernelCan("A", a);
  CheckKernelCan("B^T", b_t);
  Choose(a.codes.format, b_t.codes.format, row);
  Gemm(Pack(a.codes), Pack(b_t.codes), c, d, options);
}

std::string Explain(Format a, Format b_t, std::string_view arith) {
  std::string why;
  const kernels::KernelRow* kernel =
      kernels::Select(a, b_t, FindArith(arith).name, &why);
  return fmt::format("{}\n{}", kernel == nullptr ? "none" : kernel->name, why);
}

}  // namespace zeroulp
