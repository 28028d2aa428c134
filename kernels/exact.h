// SPDX-License-Identifier: Apache-2.0
// The kernel of exact sums.
#ifndef ZEROULP_KERNELS_EXACT_H_
#define ZEROULP_KERNELS_EXACT_H_

#include <cstddef>

#include "kernels/gemm_call.h"

namespace zeroulp::kernels {

constexpr bool ExactComputes(const ArithInfo& row) {
  return row.model == Model::kExact && TakesOnly(row, kNarrowFormats) &&
         row.output == Format::kF32 && row.accumulator == Format::kF32;
}

size_t ExactWorkspaceBytes(const ArithInfo& row);
void Exact(const GemmCall& call, std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_EXACT_H_
