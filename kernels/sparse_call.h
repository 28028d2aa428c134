// SPDX-License-Identifier: Apache-2.0
// What a sparse kernel is asked for, and its split into parts.
#ifndef ZEROULP_KERNELS_SPARSE_CALL_H_
#define ZEROULP_KERNELS_SPARSE_CALL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "kernels/gemm_call.h"
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
  const Epilogue* epilogue = nullptr;  // of what the kernel leaves in d

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

// How calls of one shape become parts, and parts share memory.
struct SparsePlan {
  int64_t dense_rows, sparse_rows;    // of a part, multiples of 16
  int64_t dense_parts, sparse_parts;  // of a call
  int64_t parts;                      // of all calls
  int64_t strands;  // of parts, one after the other in the same memory
};

// `keeps_panels`: the kernel decodes the sparse rows of a part once and finds
// them in its memory again. Then parts are as small as they can be: threads
// that come late leave none waiting.
SparsePlan PlanSparse(std::span<const SparseCall> calls, int threads,
                      bool keeps_panels);

using SparseBody = std::function<void(const SparseCall&, const SparsePart&,
                                      int64_t strand, std::byte* memory)>;

// Runs the body on every part of every call, in the default floating-point
// environment, then the epilogue. A strand has `bytes` of 64-byte aligned
// memory, of which the first kStrandBytes are zero at first. Throws
// std::bad_alloc before the first of them.
inline constexpr size_t kStrandBytes = 128;
void RunSparsePlan(std::span<const SparseCall> calls, const SparsePlan& plan,
                   int threads, size_t bytes, const SparseBody& body);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SPARSE_CALL_H_
