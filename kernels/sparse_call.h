// SPDX-License-Identifier: Apache-2.0
// What a sparse kernel is asked for, and its split into tasks.
#ifndef ZEROULP_KERNELS_SPARSE_CALL_H_
#define ZEROULP_KERNELS_SPARSE_CALL_H_

#include <cstddef>
#include <cstdint>
#include <functional>

#include "zeroulp/arithmetic.h"
#include "zeroulp/sparse.h"
#include "zeroulp/view.h"

namespace zeroulp::kernels {

// D = C + A * B where one operand is sparse. Checked operands.
struct SparseCall {
  const ArithInfo* row;
  const PackedSparse* sparse;
  const PackedMatrix* dense;
  bool sparse_is_a;   // else it is B^T
  ConstMatrixView c;  // all of C; no rows: zero
  MatrixView d;       // all of D
  int64_t promote_every = 0;

  bool block_scales() const {
    return sparse->stored().scale_block() != 0 || dense->scale_block() != 0;
  }
};

// Rows of both operands; begins are multiples of 16.
struct SparsePart {
  int64_t dense_begin, dense_end;
  int64_t sparse_begin, sparse_end;
};

// C and D as binary32, by rows of the operands: element (dense row i, sparse
// row j) is at i * dense_step + j * sparse_step.
struct SparseOutput {
  const float* c;  // null: zero
  int64_t c_dense_step, c_sparse_step;
  float* d;
  int64_t d_dense_step, d_sparse_step;
};
SparseOutput OutputOf(const SparseCall& call);

using SparseFinish = std::function<void(const SparsePart&)>;
using SparseBody =
    std::function<void(const SparsePart&, int64_t task, std::byte* workspace)>;

// The parts of a call for so many threads.
struct SparseGrid {
  int64_t dense_tasks, sparse_tasks;
  int64_t dense_rows, sparse_rows;  // of a task, multiples of 16

  int64_t count() const { return dense_tasks * sparse_tasks; }
};
SparseGrid SplitSparse(const SparseCall& call, int threads);

// Runs the body on every part, with `bytes` of 64-byte aligned memory for each,
// in the default floating-point environment, then `finish` if there is one.
// Throws std::bad_alloc before the first of them.
void RunSparseTasks(const SparseCall& call, int threads, size_t bytes,
                    const SparseBody& body, const SparseFinish& finish);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SPARSE_CALL_H_
