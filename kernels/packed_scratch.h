// SPDX-License-Identifier: Apache-2.0
// PackedScratch: a packed operand that a kernel or a reader fills itself.
#ifndef ZEROULP_KERNELS_PACKED_SCRATCH_H_
#define ZEROULP_KERNELS_PACKED_SCRATCH_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "kernels/smallest.h"
#include "zeroulp/packed.h"

namespace zeroulp::kernels {

// Zeros at first. Until it is taken its smallest magnitudes may be any.
class PackedScratch {
 public:
  PackedScratch(int64_t rows, int64_t cols, Format format, int64_t scale_block,
                Format scale_format)
      : matrix_(rows, cols, format, scale_block, scale_format) {
    std::fill_n(data(), matrix_.size_bytes(), uint8_t{0});
    std::fill_n(scales(), matrix_.scale_bytes(), uint8_t{0});
    std::ranges::fill(matrix_.smallest_, uint16_t{0});
  }

  const PackedMatrix& matrix() const { return matrix_; }
  PackedMatrix Take() && {
    const int64_t bytes =
        matrix_.quads() * PackedMatrix::kRows * PackedMatrix::kQuad;
    const uint8_t* group = data();
    for (uint16_t& smallest : matrix_.smallest_) {
      smallest = SmallestBf16(group, bytes);
      group += bytes;
    }
    return std::move(matrix_);
  }
  uint8_t* data() { return matrix_.data_.get(); }
  uint8_t* scales() { return matrix_.scales_.get(); }

 private:
  PackedMatrix matrix_;
};

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_PACKED_SCRATCH_H_
