// SPDX-License-Identifier: Apache-2.0
#include "kernels/sparse_call.h"

#include <algorithm>
#include <memory>
#include <new>

#include "kernels/float_environment.h"
#include "kernels/parallel.h"

namespace zeroulp::kernels {
namespace {

constexpr int64_t kUnit = PackedMatrix::kRows;

struct FreeAligned {
  void operator()(std::byte* p) const {
    ::operator delete[](p, std::align_val_t{64});
  }
};

// Rows of a task, where `count` of them share `rows`.
int64_t RowsOfTask(int64_t rows, int64_t count) {
  const int64_t units = (rows + kUnit - 1) / kUnit;
  return std::max((units + count - 1) / count, int64_t{1}) * kUnit;
}

int64_t Tasks(int64_t rows, int64_t rows_of_task) {
  return (rows + rows_of_task - 1) / rows_of_task;
}

}  // namespace

SparseOutput OutputOf(const SparseCall& call) {
  SparseOutput out = {};
  if (call.c.rows != 0) {
    out.c = reinterpret_cast<const float*>(call.c.bytes.data());
  }
  out.d = reinterpret_cast<float*>(call.d.bytes.data());
  out.c_dense_step = call.sparse_is_a ? 1 : call.c.row_stride;
  out.c_sparse_step = call.sparse_is_a ? call.c.row_stride : 1;
  out.d_dense_step = call.sparse_is_a ? 1 : call.d.row_stride;
  out.d_sparse_step = call.sparse_is_a ? call.d.row_stride : 1;
  return out;
}

SparseGrid SplitSparse(const SparseCall& call, int threads) {
  const int64_t count = NumThreads(threads);
  const int64_t dense = call.dense->rows(), sparse = call.sparse->rows();
  // The sparse operand is decoded once for all rows of the dense one, and the
  // dense one once for a block of sparse rows: few tasks along the latter.
  const int64_t dense_units = std::max((dense + kUnit - 1) / kUnit, int64_t{1});
  const int64_t along_dense = std::min(count, dense_units);
  const int64_t along_sparse = (count + along_dense - 1) / along_dense;
  SparseGrid grid = {};
  grid.dense_rows = RowsOfTask(dense, along_dense);
  grid.sparse_rows = RowsOfTask(sparse, along_sparse);
  grid.dense_tasks = Tasks(dense, grid.dense_rows);
  grid.sparse_tasks = Tasks(sparse, grid.sparse_rows);
  return grid;
}

void RunSparseTasks(const SparseCall& call, int threads, size_t bytes,
                    const SparseBody& body, const SparseFinish& finish) {
  const SparseGrid grid = SplitSparse(call, threads);
  const size_t size = (bytes + 63) / 64 * 64;
  const std::unique_ptr<std::byte[], FreeAligned> workspace(
      static_cast<std::byte*>(::operator new[](
          size* static_cast<size_t>(grid.count()), std::align_val_t{64})));
  ParallelFor(grid.count(), threads, [&](int64_t task) {
    const DefaultFloatEnvironment environment;
    SparsePart part = {};
    part.dense_begin = task / grid.sparse_tasks * grid.dense_rows;
    part.dense_end =
        std::min(part.dense_begin + grid.dense_rows, call.dense->rows());
    part.sparse_begin = task % grid.sparse_tasks * grid.sparse_rows;
    part.sparse_end =
        std::min(part.sparse_begin + grid.sparse_rows, call.sparse->rows());
    body(part, task, workspace.get() + static_cast<size_t>(task) * size);
    if (finish) finish(part);
  });
}

}  // namespace zeroulp::kernels
