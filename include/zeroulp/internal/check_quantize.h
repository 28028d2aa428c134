// SPDX-License-Identifier: Apache-2.0
// The argument checks that both twins of Quantize and of Dequantize make on
// every call. Not installed.
#ifndef ZEROULP_INTERNAL_CHECK_QUANTIZE_H_
#define ZEROULP_INTERNAL_CHECK_QUANTIZE_H_

#include <cmath>
#include <string_view>

#include "zeroulp/blocks.h"
#include "zeroulp/internal/check.h"
#include "zeroulp/internal/fail.h"
#include "zeroulp/quantize.h"
#include "zeroulp/view.h"

namespace zeroulp::internal {

// What the names in the options stand for.
struct BlockChoice {
  const BlockInfo* block;
  const ScaleRuleInfo* rule;
};

inline void CheckThreads(std::string_view operation, int threads) {
  if (threads < 0) {
    Fail(ErrorCode::kArgument,
         "{}: threads is {}: it must be 0 (all) or a positive number",
         operation, threads);
  }
}

inline void CheckApart(std::string_view operation, std::string_view name_x,
                       const ConstMatrixView& x, std::string_view name_y,
                       const ConstMatrixView& y) {
  if (Overlap(x, y)) {
    Fail(ErrorCode::kOverlap,
         "{}: {} ({}) overlaps {} ({}): they must be apart", operation, name_x,
         Describe(x), name_y, Describe(y));
  }
}

// Codes and scales of a rows x cols matrix in `block`'s format.
inline void CheckBlocks(std::string_view operation, const BlockInfo& block,
                        int64_t rows, int64_t cols,
                        const ConstMatrixView& codes,
                        const ConstMatrixView& scales) {
  CheckView(operation, "codes", codes);
  CheckView(operation, "scales", scales);
  if (codes.format != block.element) {
    Fail(ErrorCode::kFormat, "{}: codes is {}: elements of {} are {}",
         operation, Describe(codes), block.name, Info(block.element).name);
  }
  if (scales.format != block.scale) {
    Fail(ErrorCode::kFormat, "{}: scales is {}: scales of {} are {}", operation,
         Describe(scales), block.name, Info(block.scale).name);
  }
  if (codes.rows != rows || codes.cols != cols) {
    Fail(ErrorCode::kShape, "{}: codes is {}: it must be {}x{}", operation,
         Describe(codes), rows, cols);
  }
  if (scales.rows != block.ScaleRows(rows) ||
      scales.cols != block.ScaleCols(cols)) {
    Fail(ErrorCode::kShape,
         "{}: scales is {}: the scales of a {}x{} matrix in {} are {}x{}",
         operation, Describe(scales), rows, cols, block.name,
         block.ScaleRows(rows), block.ScaleCols(cols));
  }
  CheckApart(operation, "codes", codes, "scales", scales);
}

inline BlockChoice CheckQuantize(const ConstMatrixView& source,
                                 const MatrixView& codes,
                                 const MatrixView& scales,
                                 const QuantizeOptions& options) {
  const BlockInfo& block = FindBlock(options.format);
  const ScaleRuleInfo& rule = FindScaleRule(block, options.rule);
  CheckThreads("Quantize", options.threads);
  if (options.rounding != Rounding::kNearestEven &&
      options.rounding != Rounding::kStochastic) {
    Fail(ErrorCode::kArgument,
         "Quantize: elements are rounded to nearest even or stochastically, "
         "not by rounding number {}",
         static_cast<int>(options.rounding));
  }
  const bool stochastic = options.rounding == Rounding::kStochastic;
  if (stochastic != options.seed.has_value()) {
    Fail(ErrorCode::kArgument, "Quantize: {}",
         stochastic ? "stochastic rounding needs a seed, and none is given"
                    : "a seed is given, but rounding is not stochastic");
  }
  if (options.amax.has_value()) {
    if (!rule.uses_tensor_amax) {
      Fail(ErrorCode::kArgument,
           "Quantize: amax is {}, but rule {} of {} computes every scale from "
           "its own block",
           *options.amax, rule.name, block.name);
    }
    if (!std::isfinite(*options.amax) || std::signbit(*options.amax)) {
      Fail(ErrorCode::kArgument,
           "Quantize: amax is {}: it must be finite and not negative",
           *options.amax);
    }
  }
  CheckView("Quantize", "source", source);
  if (source.format != Format::kF32 && source.format != Format::kF16 &&
      source.format != Format::kBF16) {
    Fail(ErrorCode::kFormat, "Quantize: source is {}: it may be f32, f16, bf16",
         Describe(source));
  }
  CheckBlocks("Quantize", block, source.rows, source.cols, codes, scales);
  CheckApart("Quantize", "codes", codes, "source", source);
  CheckApart("Quantize", "scales", scales, "source", source);
  return {&block, &rule};
}

inline const BlockInfo& CheckDequantize(const ConstMatrixView& codes,
                                        const ConstMatrixView& scales,
                                        const MatrixView& destination,
                                        const DequantizeOptions& options) {
  const BlockInfo& block = FindBlock(options.format);
  CheckThreads("Dequantize", options.threads);
  if (!block.has_tensor_scale && options.tensor_scale != 1) {
    Fail(ErrorCode::kArgument,
         "Dequantize: tensor_scale is {}, but {} has none: it must be 1",
         options.tensor_scale, block.name);
  }
  CheckView("Dequantize", "destination", destination);
  if (destination.format != Format::kF32) {
    Fail(ErrorCode::kFormat, "Dequantize: destination is {}: it must be f32",
         Describe(destination));
  }
  CheckBlocks("Dequantize", block, destination.rows, destination.cols, codes,
              scales);
  CheckApart("Dequantize", "destination", destination, "codes", codes);
  CheckApart("Dequantize", "destination", destination, "scales", scales);
  return block;
}

}  // namespace zeroulp::internal

#endif  // ZEROULP_INTERNAL_CHECK_QUANTIZE_H_
