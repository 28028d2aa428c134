// SPDX-License-Identifier: Apache-2.0
// The kernels of chain.f32 with block scales: for every block of K in order
//   p = the chain over the block's products from +0
//   acc = acc + p * scale of A * scale of B, rounded once
// (Spec, section 11.)
#ifndef ZEROULP_KERNELS_SCALED_H_
#define ZEROULP_KERNELS_SCALED_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/gemm_call.h"

namespace zeroulp::kernels {

// Rows of Model::kChain: the kernels refuse what they do not take of them.
constexpr bool ScaledComputes(const ArithInfo& row) {
  return row.model == Model::kChain && row.accumulator == Format::kF32 &&
         row.output == Format::kF32 && row.scales.contains(Format::kE8M0FNU);
}

// Lengths of the blocks that the panels take: whole quads, and not so short
// that the scales would be most of a panel nor longer than one.
inline constexpr int64_t kMinScaledBlock = 16;
inline constexpr int64_t kMaxScaledBlock = 512;

// The longest sum of E2M1 products the integer kernel keeps in its lanes.
inline constexpr int64_t kMaxIntegerBlock = 2048;

// Up to this K every partial sum of E2M1 products, at most 36 each, is below
// 2^24 quarters and exact in binary32.
inline constexpr int64_t kMaxExactFp4K = (int64_t{1} << 24) / (4 * 36);

// Rows of D that ScaledSkinny takes, in one group or two halves. At 16 it does
// 298 GFLOP/s where panels of B did 200 (MXFP4, N = K = 4096, Zen 4); more rows
// were not tried.
inline constexpr int64_t kMaxSkinnyRows = 16;

size_t ScaledWorkspaceBytes(const GemmCall& call);
size_t ScaledSkinnyBytes(const GemmCall& call);

// Any SIMD target: binary32 multiply-adds.
void ScaledFma(const GemmCall& call, std::byte* workspace) noexcept;
// CPUs with AVX512_BF16 only.
void ScaledBf16(const GemmCall& call, std::byte* workspace) noexcept;
// E2M1 operands, CPUs with AVX512_VNNI and _VBMI only. Without block scales K
// is at most kMaxExactFp4K, and rows whose C would make a partial sum inexact
// take the kernel of other formats.
void ScaledInt8(const GemmCall& call, std::byte* workspace) noexcept;
// The same of few rows, with block scales.
void ScaledSkinny(const GemmCall& call, std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SCALED_H_
