// SPDX-License-Identifier: Apache-2.0
// A matrix of the demo in a block format, and how far a matrix is from another.
#ifndef ZEROULP_TOOLS_DEMO_QUANTIZED_H_
#define ZEROULP_TOOLS_DEMO_QUANTIZED_H_

#include <cmath>
#include <cstddef>
#include <vector>

#include "zeroulp/blocks.h"
#include "zeroulp/operand.h"
#include "zeroulp/view.h"

namespace zeroulp::cli {

class Quantized {
 public:
  // By the default scale rule of the format. Throws what Quantize throws.
  Quantized(const BlockInfo& block, const ConstMatrixView& source);
  Quantized(const Quantized&) = delete;
  Quantized& operator=(const Quantized&) = delete;

  const MatrixView& codes() const { return codes_; }
  // What multiplies a product once: the tensor scale, or the one scale of a
  // format whose block is the whole matrix.
  float factor() const;
  BlockScales blocks() const;  // none where factor() is all there is
  Operand operand() const { return {codes_, blocks()}; }
  std::vector<float> Values() const;

 private:
  bool has_blocks() const { return block_.block_cols != 0; }

  const BlockInfo& block_;
  std::vector<std::byte> code_bytes_, scale_bytes_;
  MatrixView codes_, scales_;
  float tensor_scale_ = 1;
};

// The Frobenius norm of x * factor - exact over that of `exact`.
template <class Value>
double RelativeError(const std::vector<float>& x,
                     const std::vector<Value>& exact, double factor = 1) {
  double error = 0, norm = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double difference = x[i] * factor - double{exact[i]};
    error += difference * difference;
    norm += double{exact[i]} * double{exact[i]};
  }
  return norm > 0 ? std::sqrt(error / norm) : 0;
}

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_DEMO_QUANTIZED_H_
