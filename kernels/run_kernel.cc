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

// How products of one shape become tasks, and tasks share memory.
struct Plan {
  Grid grid;
  int64_t per_call, tasks;
  int64_t strands;      // of tasks, one after the other in the same memory
  size_t strand_bytes;  // whole cache lines: every strand's begins with one
};

Plan PlanFor(const KernelRow& kernel, const GemmCall& call, int64_t num_calls,
             int threads) {
  const int64_t workers = NumThreads(threads);
  // Whole products while there are enough of them: nothing is decoded twice.
  const Grid grid =
      Split(call.m_end, call.n_end, (workers + num_calls - 1) / num_calls);
  const int64_t per_call = grid.rows * grid.cols;
  const int64_t tasks = num_calls * per_call;
  return {grid, per_call, tasks, std::min(tasks, std::max(workers, per_call)),
          (kernel.workspace_bytes(call) + 63) / 64 * 64};
}

}  // namespace

size_t WorkspaceBytes(const KernelRow& kernel, const GemmCall& call,
                      int threads) {
  if (call.m_end == 0 || call.n_end == 0) return 0;
  const Plan plan = PlanFor(kernel, call, 1, threads);
  return plan.strand_bytes * static_cast<size_t>(plan.strands);
}

void RunKernel(const KernelRow& kernel, std::span<const GemmCall> calls,
               int threads) {
  if (calls.empty()) return;
  const GemmCall& first = calls.front();
  const Plan plan =
      PlanFor(kernel, first, static_cast<int64_t>(calls.size()), threads);
  const Grid& grid = plan.grid;
  // Before the first write to D: this can throw.
  const std::unique_ptr<std::byte[], FreeAligned> workspace(
      static_cast<std::byte*>(
          ::operator new[](plan.strand_bytes* static_cast<size_t>(plan.strands),
                           std::align_val_t{64})));
  ParallelFor(plan.strands, threads, [&](int64_t strand) {
    const DefaultFloatEnvironment environment;
    std::byte* memory =
        workspace.get() + static_cast<size_t>(strand) * plan.strand_bytes;
    for (int64_t i = strand; i < plan.tasks; i += plan.strands) {
      GemmCall call = calls[static_cast<size_t>(i / plan.per_call)];
      const int64_t row = i % plan.per_call / grid.cols, col = i % grid.cols;
      call.m_begin = row * grid.height;
      call.m_end = std::min(call.m_begin + grid.height, first.m_end);
      call.n_begin = col * grid.width;
      call.n_end = std::min(call.n_begin + grid.width, first.n_end);
      kernel.run(call, memory);
      if (call.epilogue != nullptr) Finish(call);
    }
  });
}

}  // namespace zeroulp::kernels
