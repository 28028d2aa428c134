// SPDX-License-Identifier: Apache-2.0
// What packed operands are multiples of, for kernels whose dot flushes.
#ifndef ZEROULP_KERNELS_SMALLEST_H_
#define ZEROULP_KERNELS_SMALLEST_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "zeroulp/formats.h"
#include "zeroulp/packed.h"

namespace zeroulp::kernels {

// What PackedMatrix::smallest() is of a group of whole quads.
uint16_t SmallestBf16(const uint8_t* quads, int64_t bytes) noexcept;

// The BF16 dot flushes subnormal operands and sums to zero. There are none
// where every product is zero or a multiple of 2^kLowestUnit and the sums so
// far are normal: a sum below half of that unit is C, or the last pass's, still
// untouched; others are multiples of the last place of half the unit, as are
// all that follow, and 2^-126 is the smallest normal number.
inline constexpr int kLowestUnit = -126 + 24;

// The exponent of 2 that all elements of `count` groups of rows are multiples
// of; far below any other if one is subnormal in bf16, or might be.
inline int UnitExponent(const PackedMatrix& matrix, size_t group,
                        size_t count) {
  const FormatInfo& f = Info(matrix.format());
  if (f.id != Format::kBF16) return f.min_ulp_exponent();
  const auto groups = matrix.smallest().subspan(group, count);
  const int smallest = *std::min_element(groups.begin(), groups.end());
  constexpr int kNone = -1000;
  if (smallest < static_cast<int>(f.min_normal_code())) return kNone;
  return (smallest >> f.mantissa_bits) - f.bias - f.mantissa_bits;
}

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SMALLEST_H_
