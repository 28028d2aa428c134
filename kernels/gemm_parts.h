// SPDX-License-Identifier: Apache-2.0
// What Gemm and SparseGemm have in common.
#ifndef ZEROULP_KERNELS_GEMM_PARTS_H_
#define ZEROULP_KERNELS_GEMM_PARTS_H_

#include <cstddef>
#include <memory>
#include <span>

#include "zeroulp/operand.h"
#include "zeroulp/packed.h"
#include "zeroulp/view.h"

namespace zeroulp::kernels {

// A packed operand for the checks that views get. One scale code for each row,
// as they are packed.
inline Operand AsOperand(const PackedMatrix& x) {
  const ConstMatrixView codes = {{}, x.format(), x.rows(), x.cols(), x.cols()};
  if (x.scale_block() == 0) return codes;
  const ConstMatrixView scales = {
      std::as_bytes(
          std::span(x.scales(), static_cast<size_t>(x.scale_bytes()))),
      x.scale_format(), x.rows(), x.scale_cols(), x.scale_cols()};
  return {codes, {scales, x.scale_block()}};
}

// Room for sums that are not of D's format, matrix after matrix.
class Sums {
 public:
  Sums(Format format, const MatrixView& d, size_t count)
      : format_(format),
        bytes_(static_cast<size_t>(d.rows * d.cols) *
               static_cast<size_t>(Info(format).storage_bits / 8)),
        memory_(std::make_unique_for_overwrite<std::byte[]>(bytes_ * count)) {}

  MatrixView At(size_t index, const MatrixView& d) const {
    return {{memory_.get() + index * bytes_, bytes_},
            format_,
            d.rows,
            d.cols,
            d.cols};
  }

 private:
  Format format_;
  size_t bytes_;  // of a matrix
  std::unique_ptr<std::byte[]> memory_;
};

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_GEMM_PARTS_H_
