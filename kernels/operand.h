// SPDX-License-Identifier: Apache-2.0
// The memory of one operand taken apart: see operand-inl.h.
#ifndef ZEROULP_KERNELS_OPERAND_H_
#define ZEROULP_KERNELS_OPERAND_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "zeroulp/arithmetic.h"

namespace zeroulp::kernels {

// A range of K of 16 rows. What a model does not need is not filled in.
struct Panel {
  float* values;       // [k][16]
  int32_t* exponents;  // [k][16] as an aligner sees them
  float* scales;       // [block][16], from the block of the first k on
  int32_t* nonzero;    // [group of products][16], bit i: product i is not zero
  uint8_t* special;    // [chunk] whether any value is infinity or NaN
};

// Elements of K in a panel: whole chunks and whole quads.
constexpr size_t PanelK(const ArithInfo& row) {
  constexpr size_t kTarget = 256, kQuadCols = 4;
  const size_t unit =
      std::lcm(std::max(static_cast<size_t>(row.chunk), size_t{1}), kQuadCols);
  return std::max(kTarget / unit, size_t{1}) * unit;
}

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_OPERAND_H_
