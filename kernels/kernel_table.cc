// SPDX-License-Identifier: Apache-2.0
#include "kernels/targets.h"

#include "kernels/kernel_table.h"

#include <array>

#include "hwy/targets.h"
#include "kernels/cpu.h"
#include "kernels/machine.h"
#include "zeroulp/internal/fail.h"

namespace zeroulp::kernels {
namespace {

std::string_view No() { return {}; }

std::string_view Bf16Unable() {
  if (!HaveBf16Dot()) return "this CPU has no AVX512_BF16";
  if ((hwy::SupportedTargets() & (HWY_AVX3 | HWY_AVX3_DL)) == 0) {
    return "512-bit SIMD targets are disabled";
  }
  return {};
}

std::string_view Bf16Slower() {
  if (Bf16DotIsFaster()) return {};
  return "this CPU's BF16 dot is slower than its binary32 multiply-add";
}

constexpr std::array kKernels = {
    KernelRow{"chain.bf16dot", "chain.f32", kNarrowFormats, kNarrowFormats,
              Bf16Unable, Bf16Slower, ChainWorkspaceBytes, ChainBf16},
    KernelRow{"chain.fma", "chain.f32", kNarrowFormats, kNarrowFormats, No, No,
              ChainWorkspaceBytes, ChainFma},
};

// Why the row does not fit; empty if it does.
std::string Refusal(const KernelRow& row, Format a, Format b_t,
                    std::string_view arith) {
  if (row.arith != arith) return fmt::format("computes {}", row.arith);
  if (!row.a.contains(a) || !row.b.contains(b_t)) {
    return fmt::format("takes A {} and B^T {}", row.a.names(), row.b.names());
  }
  const std::string_view unable = row.unable();
  return std::string(unable.empty() ? row.slower() : unable);
}

}  // namespace

std::span<const KernelRow> AllKernels() { return kKernels; }

const KernelRow* Select(Format a, Format b_t, std::string_view arith,
                        std::string* why) {
  for (const KernelRow& row : kKernels) {
    const std::string refusal = Refusal(row, a, b_t, arith);
    if (refusal.empty()) return &row;
    if (why != nullptr) *why += fmt::format("{}: {}\n", row.name, refusal);
  }
  return nullptr;
}

}  // namespace zeroulp::kernels
