// SPDX-License-Identifier: Apache-2.0
#include "tools/demo_quantized.h"

#include <span>

#include "zeroulp/codec.h"
#include "zeroulp/quantize.h"

namespace zeroulp::cli {
namespace {

MatrixView Allocate(Format format, int64_t rows, int64_t cols,
                    std::vector<std::byte>& bytes) {
  const int64_t stride = DenseStride(format, cols);
  bytes.resize(
      static_cast<size_t>((rows * stride * Info(format).storage_bits + 7) / 8));
  return {bytes, format, rows, cols, stride};
}

}  // namespace

Quantized::Quantized(const BlockInfo& block, const ConstMatrixView& source)
    : block_(block) {
  codes_ = Allocate(block.element, source.rows, source.cols, code_bytes_);
  scales_ = Allocate(block.scale, block.ScaleRows(source.rows),
                     block.ScaleCols(source.cols), scale_bytes_);
  tensor_scale_ =
      Quantize(source, codes_, scales_, {.format = block.name}).tensor_scale;
}

float Quantized::factor() const {
  if (has_blocks()) return tensor_scale_;
  return Decode(block_.scale, ReadCode(scales_, 0, 0));
}

BlockScales Quantized::blocks() const {
  if (!has_blocks()) return {};
  return {scales_, block_.block_cols};
}

std::vector<float> Quantized::Values() const {
  std::vector<float> values(static_cast<size_t>(codes_.rows * codes_.cols));
  Dequantize(codes_, scales_,
             F32View(std::span(values), codes_.rows, codes_.cols),
             {.format = block_.name, .tensor_scale = tensor_scale_});
  return values;
}

}  // namespace zeroulp::cli
