// SPDX-License-Identifier: Apache-2.0
// D split into tasks, each with its own memory. No SIMD.
#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <span>

#include "kernels/epilogue.h"
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
    const int64_t used_rows = std::min(height, m),
                  used_cols = std::min(width, n);
    const int64_t cost =
        used_rows * used_cols + kDecodeCost * (used_rows + used_cols);
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

void RunKernel(const KernelRow& kernel, std::span<const GemmCall> calls,
               int threads) {
  if (calls.empty()) return;
  const GemmCall& first = calls.front();
  const auto num_calls = static_cast<int64_t>(calls.size());
  const int64_t workers = NumThreads(threads);
  // Whole products while there are enough of them: nothing is decoded twice.
  const Grid grid =
      Split(first.m_end, first.n_end, (workers + num_calls - 1) / num_calls);
  const int64_t per_call = grid.rows * grid.cols;
  const int64_t num_tasks = num_calls * per_call;
  const int64_t strands = std::min(num_tasks, std::max(workers, per_call));
  // Whole cache lines, so that every strand's memory begins with one.
  const size_t bytes = (kernel.workspace_bytes(first) + 63) / 64 * 64;
  // Before the first write to D: this can throw.
  const std::unique_ptr<std::byte[], FreeAligned> workspace(
      static_cast<std::byte*>(::operator new[](
          bytes* static_cast<size_t>(strands), std::align_val_t{64})));
  ParallelFor(strands, threads, [&](int64_t strand) {
    const DefaultFloatEnvironment environment;
    for (int64_t i = strand; i < num_tasks; i += strands) {
      GemmCall call = calls[static_cast<size_t>(i / per_call)];
      const int64_t row = i % per_call / grid.cols, col = i % grid.cols;
      call.m_begin = row * grid.height;
      call.m_end = std::min(call.m_begin + grid.height, first.m_end);
      call.n_begin = col * grid.width;
      call.n_end = std::min(call.n_begin + grid.width, first.n_end);
      kernel.run(call, workspace.get() + static_cast<size_t>(strand) * bytes);
      if (call.epilogue != nullptr) Finish(call);
    }
  });
}

}  // namespace zeroulp::kernels
