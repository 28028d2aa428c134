// SPDX-License-Identifier: Apache-2.0
// PackedScratch: a packed operand that a kernel fills itself.
#ifndef ZEROULP_KERNELS_PACKED_SCRATCH_H_
#define ZEROULP_KERNELS_PACKED_SCRATCH_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "zeroulp/packed.h"

namespace zeroulp::kernels {

// Zeros at first. The memory of a PackedMatrix that nobody else has seen is not
// constant yet.
class PackedScratch {
 public:
  PackedScratch(int64_t rows, int64_t cols, Format format, int64_t scale_block,
                Format scale_format)
      : matrix_(Zeros(rows, cols, format, scale_block, scale_format)) {}

  const PackedMatrix& matrix() const { return matrix_; }
  PackedMatrix Take() && { return std::move(matrix_); }
  uint8_t* data() { return const_cast<uint8_t*>(matrix_.data()); }
  uint8_t* scales() { return const_cast<uint8_t*>(matrix_.scales()); }

 private:
  static PackedMatrix Zeros(int64_t rows, int64_t cols, Format format,
                            int64_t scale_block, Format scale_format) {
    const auto bytes = [](Format f, int64_t r, int64_t c) {
      return std::vector<std::byte>(static_cast<size_t>(
          (r * DenseStride(f, c) * Info(f).storage_bits + 7) / 8));
    };
    const auto codes = bytes(format, rows, cols);
    Operand operand =
        ConstMatrixView{codes, format, rows, cols, DenseStride(format, cols)};
    if (scale_block == 0) return Pack(operand);
    const int64_t blocks = (cols + scale_block - 1) / scale_block;
    const auto scales = bytes(scale_format, rows, blocks);
    operand.scales = {{scales, scale_format, rows, blocks, blocks},
                      scale_block};
    return Pack(operand);
  }

  PackedMatrix matrix_;
};

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_PACKED_SCRATCH_H_
