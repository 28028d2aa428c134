// SPDX-License-Identifier: Apache-2.0
// Which E8M0 scales a fast kernel may apply before the sum is rounded.
#ifndef ZEROULP_KERNELS_SCALE_RANGE_H_
#define ZEROULP_KERNELS_SCALE_RANGE_H_

#include <cstddef>
#include <cstdint>

#include "zeroulp/packed.h"

namespace zeroulp::kernels {

// Codes of E8M0.
struct ScaleRange {
  uint8_t min_code = 0, max_code = 255;

  bool unlimited() const { return min_code == 0 && max_code == 255; }
  bool contains(uint8_t code) const {
    return min_code <= code && code <= max_code;
  }
};

// For each of two operands: products of two scales are then binary32 numbers,
// and `block` products times them, with all their partial sums, neither
// overflow nor fall below the smallest normal binary32 number.
ScaleRange RangeOfProducts(Format a, Format b, int64_t block);

// Of E8M0 scales that can multiply 1.5 * 2^21 and, exactly, a UE4M3 scale.
inline constexpr ScaleRange kRangeOfFractions = {127 - 120, 127 + 100};

// For each of two operands: the product of two E8M0 scales, or of one and a
// UE4M3 scale, is a normal number.
inline constexpr ScaleRange kRangeOfHalves = {127 - 60, 127 + 60};

// Whether all elements of a block of one of the 16 rows of a group are zeros.
bool IsZeroBlock(const PackedMatrix& matrix, size_t group, size_t row,
                 size_t block);

// Whether all E8M0 codes outside the range, of the 16 rows of a group, belong
// to blocks of zeros and are no NaN. Quantisers give such blocks any scale.
bool OnlyZerosOutside(const PackedMatrix& matrix, size_t group,
                      const ScaleRange& range);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_SCALE_RANGE_H_
