// SPDX-License-Identifier: Apache-2.0
// One row per kernel, best first: what it computes and when it may run.
#ifndef ZEROULP_KERNELS_KERNEL_TABLE_H_
#define ZEROULP_KERNELS_KERNEL_TABLE_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "kernels/chain.h"
#include "zeroulp/arithmetic.h"

namespace zeroulp::kernels {

struct KernelRow {
  std::string_view name;
  std::string_view arith;  // the row of kArith whose bits it computes
  FormatSet a, b;
  // Empty, or why the kernel cannot run on this CPU and SIMD target, and why
  // a kernel that can should not: kernels of one row compute the same bits.
  std::string_view (*unable)();
  std::string_view (*slower)();
  size_t (*workspace_bytes)();
  void (*run)(const GemmBlock& block, std::byte* workspace) noexcept;
};

std::span<const KernelRow> AllKernels();

// The first row that fits and does not refuse; null if there is none. Each
// refused row adds a line to `why` if that is not null.
const KernelRow* Select(Format a, Format b_t, std::string_view arith,
                        std::string* why);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_KERNEL_TABLE_H_
