// SPDX-License-Identifier: Apache-2.0
#include "kernels/targets.h"

#include "kernels/sparse_table.h"

#include <algorithm>
#include <array>

#include "hwy/targets.h"
#include "kernels/cpu.h"
#include "kernels/gemm_call.h"
#include "kernels/machine.h"
#include "kernels/sparse_chain.h"
#include "kernels/sparse_fma.h"
#include "kernels/sparse_fp4.h"
#include "kernels/sparse_gather.h"
#include "kernels/sparse_pairs.h"
#include "kernels/sparse_scaled.h"
#include "kernels/target_in_use.h"

namespace zeroulp::kernels {
namespace {

std::string_view Able() { return {}; }
std::string_view NotSlower(const SparseCall& /*call*/) { return {}; }
std::string_view Anything(const SparseCall& /*call*/) { return {}; }

std::string_view Bf16Unable() {
  if (!HaveBf16Dot()) return "this CPU has no AVX512_BF16";
  if ((TargetInUse() & (HWY_AVX3 | HWY_AVX3_DL)) == 0) {
    return "512-bit SIMD targets are disabled";
  }
  return {};
}

std::string_view Bf16Slower(const SparseCall& /*call*/) {
  if (Bf16DotIsFaster()) return {};
  return "this CPU's BF16 dot is slower than its binary32 multiply-add";
}

// acc = fma(a[k], b[k], acc) in binary32.
std::string_view OnlyChain(const SparseCall& call) {
  const ArithInfo& row = *call.row;
  if (row.model != Model::kChain || row.accumulator != Format::kF32 ||
      row.output != Format::kF32) {
    return "computes chains of binary32 only";
  }
  return call.promote_every != 0 ? "takes no promote_every"
                                 : std::string_view();
}

std::string_view OnlyPlainChain(const SparseCall& call) {
  return call.block_scales() ? "takes no block scales" : OnlyChain(call);
}

std::string_view Bf16Refuses(const SparseCall& call) {
  if (const auto why = OnlyPlainChain(call); !why.empty()) return why;
  return RefusesPairs(call);
}

// Parts of calls by `run`, in memory of `bytes_of`(call, sparse rows of a
// part).
template <class BytesOf, class Run>
void RunParts(std::span<const SparseCall> calls, int threads, bool keeps_panels,
              const BytesOf& bytes_of, const Run& run) {
  const SparsePlan plan = PlanSparse(calls, threads, keeps_panels);
  RunSparsePlan(
      calls, plan, threads, bytes_of(calls.front(), plan.sparse_rows),
      [&](const SparseCall& call, const SparsePart& part, int64_t /*strand*/,
          std::byte* memory) { run(call, part, memory); });
}

void RunBf16(std::span<const SparseCall> calls, int threads) {
  RunParts(calls, threads,
           KeepsPanels(calls.front(), kPairLanes, kPairPerStep, kPairSteps),
           SparseChainBf16WorkspaceBytes, SparseChainBf16);
}

std::string_view ScaledRefuses(const SparseCall& call) {
  if (const auto why = OnlyChain(call); !why.empty()) return why;
  return SparseScaledRefuses(call);
}

void RunScaled(std::span<const SparseCall> calls, int threads) {
  RunParts(calls, threads,
           KeepsPanels(calls.front(), kPairLanes, kPairPerStep, kPairSteps),
           SparseScaledWorkspaceBytes, SparseScaled);
}

void RunFma(std::span<const SparseCall> calls, int threads) {
  RunParts(
      calls, threads, false,
      [](const SparseCall&, int64_t) { return SparseFmaWorkspaceBytes(); },
      SparseFma);
}

std::string_view Fp4Unable() {
  return (TargetInUse() & HWY_AVX3_DL) == 0
             ? "the SIMD target AVX3_DL is missing or disabled"
             : std::string_view();
}

std::string_view Fp4Refuses(const SparseCall& call) {
  if (const auto why = OnlyChain(call); !why.empty()) return why;
  return SparseFp4Refuses(call);
}

void RunFp4(std::span<const SparseCall> calls, int threads) {
  RunParts(calls, threads,
           KeepsPanels(calls.front(), kFp4Lanes, kFp4PerStep, kFp4Steps),
           SparseFp4WorkspaceBytes, SparseFp4);
}

constexpr std::array kKernels = {
    SparseKernelRow{"sparse.int8dot", Fp4Refuses, Fp4Unable, NotSlower, RunFp4},
    SparseKernelRow{"sparse.bf16dot", Bf16Refuses, Bf16Unable, Bf16Slower,
                    RunBf16},
    SparseKernelRow{"sparse.scaled", ScaledRefuses, Bf16Unable, NotSlower,
                    RunScaled},
    SparseKernelRow{"sparse.fma", OnlyPlainChain, Able, NotSlower, RunFma},
    SparseKernelRow{"sparse.gather", Anything, Able, NotSlower, SparseGather},
};

}  // namespace

std::span<const SparseKernelRow> AllSparseKernels() { return kKernels; }

std::string_view CannotRun(const SparseKernelRow& kernel,
                           const SparseCall& call) {
  const std::string_view why = kernel.refuses(call);
  return why.empty() ? kernel.unable() : why;
}

const SparseKernelRow& SelectSparse(std::span<const SparseCall> calls) {
  for (const SparseKernelRow& kernel : kKernels) {
    const auto takes = [&](const SparseCall& call) {
      return CannotRun(kernel, call).empty() && kernel.slower(call).empty();
    };
    if (std::all_of(calls.begin(), calls.end(), takes)) return kernel;
  }
  return kKernels.back();
}

}  // namespace zeroulp::kernels
