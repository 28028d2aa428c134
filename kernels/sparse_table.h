// SPDX-License-Identifier: Apache-2.0
// One row per kernel of sparse operands, best first.
#ifndef ZEROULP_KERNELS_SPARSE_TABLE_H_
#define ZEROULP_KERNELS_SPARSE_TABLE_H_

#include <span>
#include <string>
#include <string_view>

#include "kernels/sparse_call.h"

namespace zeroulp::kernels {

struct SparseKernelRow {
  std::string_view name;
  // Why the kernel does not compute this call, which may be a matter of its
  // codes; why it cannot run on this CPU and SIMD target; why it should not.
  // Empty if it does.
  std::string_view (*refuses)(const SparseCall& call);
  std::string_view (*unable)();
  std::string_view (*slower)(const SparseCall& call);
  // All of D of calls of one shape, formats and scales, on up to `threads`
  // threads. Throws before the first write.
  void (*run)(std::span<const SparseCall> calls, int threads);
};

std::span<const SparseKernelRow> AllSparseKernels();

// Why the kernel cannot compute the call here; empty if it can.
std::string_view CannotRun(const SparseKernelRow& kernel,
                           const SparseCall& call);

// The first that can and should, for all of the calls: the last one always
// does.
const SparseKernelRow& SelectSparse(std::span<const SparseCall> calls);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SPARSE_TABLE_H_
