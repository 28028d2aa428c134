// SPDX-License-Identifier: Apache-2.0
// One row per kernel, best first: what it computes and when it may run.
#ifndef ZEROULP_KERNELS_KERNEL_TABLE_H_
#define ZEROULP_KERNELS_KERNEL_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kernels/gemm_call.h"
#include "zeroulp/arithmetic.h"

namespace zeroulp::kernels {

// What of a call decides which kernel takes it.
struct CallTraits {
  Format a = Format::kE4M3FN, b_t = Format::kE4M3FN;
  int64_t m = 0;  // rows of D: few of them are another problem than many
  int64_t k = 0;
  // Elements of K that a block scale of A and B covers, 0: none; its format.
  int64_t a_block = 0, b_block = 0;
  Format a_scale = Format::kF32, b_scale = Format::kF32;
  int64_t promote_every = 0;

  bool block_scales() const { return a_block != 0 || b_block != 0; }
};
CallTraits TraitsOf(const GemmCall& call);

struct KernelRow {
  std::string_view name;
  // Whether it computes this row of kArith, of which it may refuse some calls:
  // a new row finds its kernels by itself.
  bool (*computes)(const ArithInfo& row);
  // Empty, or why the kernel does not take this call, why it cannot run on this
  // CPU and SIMD target, and why a kernel that can should not: kernels of one
  // row compute the same bits.
  std::string_view (*refuses)(const CallTraits& call);
  std::string_view (*unable)();
  std::string_view (*slower)(const CallTraits& call);
  // 64-byte aligned scratch memory for any rectangle of the call's D.
  size_t (*workspace_bytes)(const GemmCall& call);
  void (*run)(const GemmCall& call, std::byte* workspace) noexcept;
};

std::span<const KernelRow> AllKernels();

// Why the kernel cannot compute the call here; empty if it can.
std::string CannotRun(const KernelRow& kernel, const ArithInfo& row,
                      const CallTraits& call);

// The first row that can compute the call and is not slower than a later one;
// null if there is none. Each row passed over, of those that compute `row`,
// adds a line to `why` if that is not null.
const KernelRow* Select(const ArithInfo& row, const CallTraits& call,
                        std::string* why);

// All of D of one call, or of many of one shape, by one kernel and then their
// epilogues, on up to `threads` threads; 0: the calling thread's arena.
void RunKernel(const KernelRow& kernel, std::span<const GemmCall> calls,
               int threads);
inline void RunKernel(const KernelRow& kernel, const GemmCall& call,
                      int threads) {
  RunKernel(kernel, {&call, 1}, threads);
}

// Bytes that RunKernel allocates for one call.
size_t WorkspaceBytes(const KernelRow& kernel, const GemmCall& call,
                      int threads);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_KERNEL_TABLE_H_
