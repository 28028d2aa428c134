// SPDX-License-Identifier: Apache-2.0
// Prints what reference::Quantize and reference::Dequantize make of drawn
// matrices, every block format and scale rule, for quantize_exact_test.py:
//   case <format> <rule> <nan|largest> <rows> <cols>
//   <name> <words in hexadecimal, row-major>      for each matrix and scalar
#include <bit>
#include <cstdio>
#include <span>
#include <string_view>
#include <vector>

#include "tests/quantize_sources.h"
#include "zeroulp/quantize.h"
#include "zeroulp/reference.h"

namespace zeroulp::testing {
namespace {

struct Codes {
  Codes(Format format, int64_t rows, int64_t cols)
      : bytes(static_cast<size_t>(rows * DenseStride(format, cols) * 4)),
        view{bytes, format, rows, cols, DenseStride(format, cols)} {}
  Codes(const Codes&) = delete;
  Codes& operator=(const Codes&) = delete;

  std::vector<std::byte> bytes;
  MatrixView view;
};

void Print(const char* name, const ConstMatrixView& view) {
  std::printf("%s", name);
  for (int64_t row = 0; row < view.rows; ++row) {
    for (int64_t col = 0; col < view.cols; ++col) {
      std::printf(" %x", ReadCode(view, row, col));
    }
  }
  std::printf("\n");
}

void Print(const char* name, float word) {
  std::printf("%s %x\n", name, std::bit_cast<uint32_t>(word));
}

void PrintCase(const BlockInfo& block, const ScaleRuleInfo& rule,
               InfinityBlock infinity, Source source, uint32_t seed) {
  // About as many blocks of every kind, and 17 rows where 16 are a block.
  const int64_t rows = block.scale == Format::kE8M0FNU ? 9
                       : block.scale == Format::kUE4M3 ? 17
                                                       : 3;
  constexpr int64_t kCols = 72;
  const std::vector<float> words = DrawSource(source, rows, kCols, kCols, seed);
  const ConstMatrixView x = F32View(std::span(words), rows, kCols);
  const Codes codes(block.element, rows, kCols);
  const Codes scales(block.scale, block.ScaleRows(rows),
                     block.ScaleCols(kCols));
  const Codes values(Format::kF32, rows, kCols);
  const QuantizeResult result = reference::Quantize(
      x, codes.view, scales.view,
      {.format = block.name, .rule = rule.name, .infinity = infinity});
  reference::Dequantize(
      codes.view, scales.view, values.view,
      {.format = block.name, .tensor_scale = result.tensor_scale});
  std::printf("case %s %s %s %d %d\n", block.name.data(), rule.name.data(),
              infinity == InfinityBlock::kNan ? "nan" : "largest",
              static_cast<int>(rows), static_cast<int>(kCols));
  Print("x", x);
  Print("codes", codes.view);
  Print("scales", scales.view);
  Print("values", values.view);
  Print("amax", result.amax);
  Print("tensor_scale", result.tensor_scale);
}

}  // namespace
}  // namespace zeroulp::testing

int main() {
  using namespace zeroulp;  // NOLINT: main
  uint32_t seed = 0;
  for (const BlockInfo& block : kBlocks) {
    for (const ScaleRuleInfo& rule : kScaleRules) {
      if (rule.scale != block.scale) continue;
      for (const testing::Source source : testing::kSources) {
        ++seed;
        testing::PrintCase(
            block, rule,
            seed % 2 == 0 ? InfinityBlock::kNan : InfinityBlock::kLargest,
            source, seed);
      }
    }
  }
}
