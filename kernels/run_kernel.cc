// SPDX-License-Identifier: Apache-2.0
// D split into tasks, each with its own memory. No SIMD.
#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>

#include "kernels/float_environment.h"
#include "kernels/kernel_table.h"
#include "kernels/parallel.h"

namespace zeroulp::kernels {
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

}  // namespace

void RunKernel(const KernelRow& kernel, const GemmCall& whole, int threads,
               const std::function<void(const GemmCall&)>& finish) {
  const Grid grid = Split(whole.m_end, whole.n_end, NumThreads(threads));
  const int64_t count = grid.rows * grid.cols;
  // Whole cache lines, so that every task's memory begins with one.
  const size_t bytes = (kernel.workspace_bytes(whole) + 63) / 64 * 64;
  // Before the first write to D: this can throw.
  const std::unique_ptr<std::byte[], FreeAligned> workspace(
      static_cast<std::byte*>(::operator new[](
          bytes* static_cast<size_t>(count), std::align_val_t{64})));
  ParallelFor(count, threads, [&](int64_t task) {
    const DefaultFloatEnvironment environment;
    GemmCall call = whole;
    call.m_begin = task / grid.cols * grid.height;
    call.m_end = std::min(call.m_begin + grid.height, whole.m_end);
    call.n_begin = task % grid.cols * grid.width;
    call.n_end = std::min(call.n_begin + grid.width, whole.n_end);
    kernel.run(call, workspace.get() + static_cast<size_t>(task) * bytes);
    if (finish) finish(call);
  });
}

}  // namespace zeroulp::kernels
