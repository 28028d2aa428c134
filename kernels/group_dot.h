// SPDX-License-Identifier: Apache-2.0
// The kernel of fused dots over groups of E2M1 products, by dots of bytes.
#ifndef ZEROULP_KERNELS_GROUP_DOT_H_
#define ZEROULP_KERNELS_GROUP_DOT_H_

#include <cstddef>
#include <cstdint>

#include "kernels/fused.h"
#include "kernels/gemm_call.h"

namespace zeroulp::kernels {

inline constexpr size_t kGroupProducts = 16;  // of a group, of both rows
inline constexpr size_t kGroupCount = 4;      // of a chunk

// Rows of 4 groups of 16 products, cut toward zero far enough below the
// largest that binary64 holds the sum of what is not cut.
constexpr bool GroupDotComputes(const ArithInfo& row) {
  return GroupFusedComputes(row) && row.group == kGroupProducts &&
         row.chunk == kGroupCount * kGroupProducts && row.align_bits == 35 &&
         row.exponent_floor.value_or(-1000) <= -120 &&
         row.output == Format::kF32 && row.out_fraction_bits == 23 &&
         row.out_rounding == Rounding::kTowardZero;
}

size_t GroupDotWorkspaceBytes(const GemmCall& call);

// Targets with a dot of bytes: x86 from SSSE3 on.
void GroupDot(const GemmCall& call, std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_GROUP_DOT_H_
