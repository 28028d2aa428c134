// SPDX-License-Identifier: Apache-2.0
// One row per kernel, best first: what it computes and when it may run.
#ifndef ZEROULP_KERNELS_KERNEL_TABLE_H_
#define ZEROULP_KERNELS_KERNEL_TABLE_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "kernels/gemm_call.h"
#include "zeroulp/arithmetic.h"

namespace zeroulp::kernels {

// What of a call decides whether a kernel takes it.
struct CallTraits {
  bool block_scales = false;
  bool promotes = false;
};

struct KernelRow {
  std::string_view name;
  // Whether it computes this row of kArith, whose operand formats are then its
  // own: a new row finds its kernel by itself.
  bool (*computes)(const ArithInfo& row);
  // Empty, or why the kernel does not take this call, why it cannot run on this
  // CPU and SIMD target, and why a kernel that can should not: kernels of one
  // row compute the same bits.
  std::string_view (*refuses)(const CallTraits& call);
  std::string_view (*unable)();
  std::string_view (*slower)();
  size_t (*workspace_bytes)(const ArithInfo& row);
  void (*run)(const GemmCall& call, std::byte* workspace) noexcept;
};

std::span<const KernelRow> AllKernels();

// The first row that computes `row` and does not refuse; null if there is none.
// Each refused row adds a line to `why` if that is not null.
const KernelRow* Select(const ArithInfo& row, const CallTraits& call,
                        std::string* why);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_KERNEL_TABLE_H_
