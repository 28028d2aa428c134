// SPDX-License-Identifier: Apache-2.0
// Mirrors kernels/quantize.cc and what it calls: every block format, scale rule
// and source format returns the bits of the reference on every SIMD target.
#include "zeroulp/quantize.h"

#include <gtest/gtest.h>

#include <cfenv>
#include <string>
#include <tuple>
#include <vector>

#include "tests/cases.h"
#include "tests/quantize_sources.h"
#include "zeroulp/blocks.h"
#include "zeroulp/codec.h"
#include "zeroulp/reference.h"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace zeroulp::testing {
namespace {

using Bytes = std::vector<std::byte>;

int64_t BytesOf(Format format, int64_t elements) {
  return (elements * Info(format).storage_bits + 7) / 8;
}

// A matrix that owns its bytes; what is between and after the rows is known.
struct Matrix {
  Matrix(Format format, int64_t rows, int64_t cols, int64_t gap)
      : view{{}, format, rows, cols, DenseStride(format, cols) + gap} {
    bytes.resize(
        static_cast<size_t>(BytesOf(format, rows * view.row_stride) + 8),
        std::byte{0xA5});
    view.bytes = bytes;
  }
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  Bytes bytes;
  MatrixView view;
};

struct Shape {
  int64_t rows, cols, gap;  // gap: elements between rows, even
};

// One of each kind: within a block, odd, a multiple of nothing, of every
// block, and more than a segment.
constexpr Shape kShapes[] = {{1, 1, 0},     {3, 31, 2},  {5, 77, 0},
                             {131, 130, 6}, {2, 256, 0}, {1, 4231, 0}};

void FillSource(const Matrix& matrix, Source source, uint32_t seed) {
  const MatrixView& v = matrix.view;
  const std::vector<float> values =
      DrawSource(source, v.rows, v.cols, v.cols, seed);
  for (int64_t row = 0; row < v.rows; ++row) {
    for (int64_t col = 0; col < v.cols; ++col) {
      WriteCode(
          v, row, col,
          Encode(v.format, values[static_cast<size_t>(row * v.cols + col)],
                 Rounding::kNearestEven, Overflow::kIeee));
    }
  }
}

// All that Quantize and then Dequantize write.
struct Output {
  Output(const BlockInfo& block, const Shape& shape)
      : codes(block.element, shape.rows, shape.cols, shape.gap),
        scales(block.scale, block.ScaleRows(shape.rows),
               block.ScaleCols(shape.cols), shape.gap),
        values(Format::kF32, shape.rows, shape.cols, shape.gap) {}

  auto Words() const {
    return std::tuple(codes.bytes, scales.bytes, values.bytes,
                      std::bit_cast<uint32_t>(result.amax),
                      std::bit_cast<uint32_t>(result.tensor_scale));
  }

  Matrix codes, scales, values;
  QuantizeResult result;
};

void RunReference(const ConstMatrixView& source, const QuantizeOptions& options,
                  Output& out) {
  out.result =
      reference::Quantize(source, out.codes.view, out.scales.view, options);
  reference::Dequantize(
      out.codes.view, out.scales.view, out.values.view,
      {.format = options.format, .tensor_scale = out.result.tensor_scale});
}

void RunKernels(const ConstMatrixView& source, const QuantizeOptions& options,
                Output& out) {
  out.result = Quantize(source, out.codes.view, out.scales.view, options);
  Dequantize(out.codes.view, out.scales.view, out.values.view,
             {.format = options.format,
              .tensor_scale = out.result.tensor_scale,
              .threads = options.threads});
}

std::string Where(const Output& expected, const Output& actual) {
  for (const auto& [name, x, y] :
       {std::tuple("codes", &expected.codes, &actual.codes),
        std::tuple("scales", &expected.scales, &actual.scales),
        std::tuple("values", &expected.values, &actual.values)}) {
    for (size_t i = 0; i < x->bytes.size(); ++i) {
      if (x->bytes[i] == y->bytes[i]) continue;
      return std::string(name) + " byte " + std::to_string(i) + ": " +
             std::to_string(std::to_integer<int>(x->bytes[i])) + " became " +
             std::to_string(std::to_integer<int>(y->bytes[i]));
    }
  }
  return "amax or tensor scale";
}

void ExpectSame(const ConstMatrixView& source, const Shape& shape,
                const QuantizeOptions& options, const std::string& what) {
  const BlockInfo& block = FindBlock(options.format);
  Output expected(block, shape);
  RunReference(source, options, expected);
  ForEachTarget([&](const char* target) {
    Output actual(block, shape);
    RunKernels(source, options, actual);
    ASSERT_TRUE(expected.Words() == actual.Words())
        << what << " " << options.format << " " << options.rule << " "
        << shape.rows << "x" << shape.cols << " on " << target << ": "
        << Where(expected, actual);
  });
}

std::vector<std::string_view> RulesOf(const BlockInfo& block) {
  std::vector<std::string_view> rules;
  for (const ScaleRuleInfo& rule : kScaleRules) {
    if (rule.scale == block.scale) rules.push_back(rule.name);
  }
  return rules;
}

class QuantizeTest : public ::testing::TestWithParam<BlockInfo> {};

INSTANTIATE_TEST_SUITE_P(Blocks, QuantizeTest, ::testing::ValuesIn(kBlocks),
                         [](const auto& param) {
                           return std::string(param.param.name);
                         });

TEST_P(QuantizeTest, EveryTargetHasTheBitsOfTheReference) {
  const BlockInfo& block = GetParam();
  uint32_t seed = 1;
  for (const std::string_view rule : RulesOf(block)) {
    for (const Source source : kSources) {
      for (const Shape& shape : kShapes) {
        // Source formats in turn: three times as many cases say no more.
        constexpr Format kFormats16[] = {Format::kF32, Format::kF32,
                                         Format::kBF16, Format::kF16};
        const Matrix matrix(kFormats16[seed % 4], shape.rows, shape.cols,
                            shape.gap);
        FillSource(matrix, source, ++seed);
        const InfinityBlock infinity =
            seed % 2 == 0 ? InfinityBlock::kNan : InfinityBlock::kLargest;
        ExpectSame(matrix.view, shape,
                   {.format = block.name, .rule = rule, .infinity = infinity},
                   "source " + std::to_string(static_cast<int>(source)));
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(QuantizeTest, StochasticRoundingHasTheBitsOfTheReference) {
  const BlockInfo& block = GetParam();
  for (const std::string_view rule : RulesOf(block)) {
    for (const Source source :
         {Source::kGaussian, Source::kSpecials, Source::kSubnormal}) {
      const Shape shape = {3, 301, 2};
      const Matrix matrix(Format::kF32, shape.rows, shape.cols, shape.gap);
      FillSource(matrix, source, 5);
      ExpectSame(matrix.view, shape,
                 {.format = block.name,
                  .rule = rule,
                  .rounding = Rounding::kStochastic,
                  .seed = 0x123456789ABCDEFu},
                 "stochastic");
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(QuantizeTest, ThreadsDoNotChangeTheBits) {
  const BlockInfo& block = GetParam();
  const Shape shape = {261, 1030, 0};
  const Matrix matrix(Format::kF32, shape.rows, shape.cols, shape.gap);
  FillSource(matrix, Source::kHeavyTailed, 11);
  for (const Rounding rounding :
       {Rounding::kNearestEven, Rounding::kStochastic}) {
    QuantizeOptions options = {.format = block.name, .rounding = rounding};
    if (rounding == Rounding::kStochastic) options.seed = 3;
    options.threads = 1;
    Output expected(block, shape);
    RunKernels(matrix.view, options, expected);
    for (const int threads : {0, 2, 7}) {
      options.threads = threads;
      Output actual(block, shape);
      RunKernels(matrix.view, options, actual);
      EXPECT_TRUE(expected.Words() == actual.Words()) << threads << " threads";
    }
  }
}

TEST_P(QuantizeTest, EveryCodeAndScaleDequantizesAsTheReference) {
  const BlockInfo& block = GetParam();
  std::mt19937 random(17);
  const Shape shape = {37, 533, 2};
  Matrix codes(block.element, shape.rows, shape.cols, shape.gap);
  Matrix scales(block.scale, block.ScaleRows(shape.rows),
                block.ScaleCols(shape.cols), 0);
  for (std::byte& b : codes.bytes) b = static_cast<std::byte>(random());
  for (std::byte& b : scales.bytes) b = static_cast<std::byte>(random());
  for (const float t : {1.0f, 0.3f, 0x1p-120f, INFINITY}) {
    const DequantizeOptions options = {
        .format = block.name, .tensor_scale = block.has_tensor_scale ? t : 1};
    Matrix expected(Format::kF32, shape.rows, shape.cols, shape.gap);
    reference::Dequantize(codes.view, scales.view, expected.view, options);
    ForEachTarget([&](const char* target) {
      Matrix actual(Format::kF32, shape.rows, shape.cols, shape.gap);
      Dequantize(codes.view, scales.view, actual.view, options);
      EXPECT_EQ(expected.bytes, actual.bytes) << target;
    });
  }
}

TEST_P(QuantizeTest, AGivenAmaxIsUsedAndReturned) {
  const BlockInfo& block = GetParam();
  const Shape shape = {33, 130, 0};
  const Matrix matrix(Format::kF32, shape.rows, shape.cols, shape.gap);
  FillSource(matrix, Source::kGaussian, 23);
  for (const std::string_view rule : RulesOf(block)) {
    if (!FindScaleRule(block, rule).uses_tensor_amax) continue;
    for (const float amax : {0.0f, 1e-44f, 0.7f, 3e38f}) {
      ExpectSame(matrix.view, shape,
                 {.format = block.name, .rule = rule, .amax = amax}, "amax");
    }
  }
}

TEST_P(QuantizeTest, AnEmptyMatrixIsNoBlocks) {
  const BlockInfo& block = GetParam();
  for (const Shape& shape : {Shape{0, 0, 0}, Shape{0, 5, 0}, Shape{5, 0, 0}}) {
    const Matrix matrix(Format::kF32, shape.rows, shape.cols, shape.gap);
    ExpectSame(matrix.view, shape, {.format = block.name}, "empty");
  }
}

// The smallest scale has the reciprocal 2^127, the largest 2^-127: subnormal.
TEST(Quantize, TheCallersRoundingModeDoesNotMatter) {
  const Shape shape = {7, 96, 0};
  for (const BlockInfo& block : kBlocks) {
    const Matrix matrix(Format::kF32, shape.rows, shape.cols, shape.gap);
    FillSource(matrix, Source::kAnyFinite, 29);
    for (const std::string_view rule : RulesOf(block)) {
      const QuantizeOptions options = {.format = block.name, .rule = rule};
      Output expected(block, shape);
      RunKernels(matrix.view, options, expected);
      for (const auto run : {RunKernels, RunReference}) {
        Output actual(block, shape);
        std::fesetround(FE_UPWARD);
#if defined(__SSE2__)
        constexpr unsigned kFlushToZeroAndDenormalsAreZero = 0x8040;
        const unsigned mode = _mm_getcsr();
        _mm_setcsr(mode | kFlushToZeroAndDenormalsAreZero);
#endif
        run(matrix.view, options, actual);
#if defined(__SSE2__)
        EXPECT_EQ(_mm_getcsr() & 0xFFC0u,
                  (mode | kFlushToZeroAndDenormalsAreZero) & 0xFFC0u);
        _mm_setcsr(mode);
#endif
        EXPECT_EQ(std::fegetround(), FE_UPWARD);
        std::fesetround(FE_TONEAREST);
        EXPECT_TRUE(expected.Words() == actual.Words()) << block.name << rule;
      }
    }
  }
}

// One block of `values`, and the code of its scale.
uint32_t ScaleCode(std::string_view format, std::string_view rule,
                   std::vector<float> values,
                   InfinityBlock infinity = InfinityBlock::kNan) {
  const BlockInfo& block = FindBlock(format);
  const auto cols = static_cast<int64_t>(values.size());
  Output out(block, {1, cols, 0});
  Quantize(F32View(std::span<const float>(values), 1, cols), out.codes.view,
           out.scales.view,
           {.format = format, .rule = rule, .infinity = infinity});
  return ReadCode(out.scales.view, 0, 0);
}

// Table of section 6.3 of MX 1.0 and of torchao's scale modes, by hand.
TEST(Quantize, ScaleModesByHand) {
  EXPECT_EQ(ScaleCode("mxfp4", "floor", {6.0f}), 127u);
  EXPECT_EQ(ScaleCode("mxfp4", "floor", {7.99f}), 127u);
  EXPECT_EQ(ScaleCode("mxfp4", "ceil", {4.0f}), 127u);
  EXPECT_EQ(ScaleCode("mxfp4", "ceil", {4.5f}), 128u);
  EXPECT_EQ(ScaleCode("mxfp4", "even", {6.99f}), 127u);
  EXPECT_EQ(ScaleCode("mxfp4", "even", {7.0f}), 128u);
  EXPECT_EQ(ScaleCode("mxfp4", "rceil", {6.0f}), 127u);
  EXPECT_EQ(ScaleCode("mxfp4", "rceil", {6.01f}), 128u);
  EXPECT_EQ(ScaleCode("mxfp4", "trn3", {6.0f}), 128u);
  EXPECT_EQ(ScaleCode("mxfp8_e4m3fn", "rceil", {448.0f}), 127u);
  EXPECT_EQ(ScaleCode("mxfp8_e5m2", "floor", {57344.0f}), 127u);
}

TEST(Quantize, SpecialBlocks) {
  for (const ScaleRuleInfo& rule : kScaleRules) {
    if (rule.scale != Format::kE8M0FNU) continue;
    EXPECT_EQ(ScaleCode("mxfp8", rule.name, {0.0f, -0.0f}), 0x00u);
    EXPECT_EQ(ScaleCode("mxfp8", rule.name, {1.0f, NAN}), 0xFFu);
    EXPECT_EQ(ScaleCode("mxfp8", rule.name, {1.0f, -INFINITY}), 0xFFu);
    EXPECT_EQ(ScaleCode("mxfp8", rule.name, {1.0f, -INFINITY},
                        InfinityBlock::kLargest),
              0xFEu);
    EXPECT_EQ(ScaleCode("mxfp8", rule.name, {0x1p-149f}), 0x00u);
  }
  EXPECT_EQ(ScaleCode("nvfp4", "te", {0.0f}), 0x00u);
  EXPECT_EQ(ScaleCode("nvfp4", "torchao-1", {0.0f}), 0x08u);
  EXPECT_EQ(ScaleCode("nvfp4", "torchao-2", {0.0f}), 0x08u);
  EXPECT_EQ(ScaleCode("nvfp4", "te", {1.0f, NAN}), 0x7Fu);
  EXPECT_EQ(ScaleCode("e4m3fn_tensor", "divide", {0.0f}), 0x3F800000u);
  EXPECT_EQ(ScaleCode("e4m3fn_tensor", "divide", {NAN}), 0x7FC00000u);
  EXPECT_EQ(ScaleCode("e4m3fn_tensor", "pow2", {448.0f}), 0x3F800000u);
  EXPECT_EQ(ScaleCode("e4m3fn_tensor", "pow2", {449.0f}), 0x40000000u);
}

// rceil of a subnormal: code 0 up to 2^-127, 1 above it.
TEST(Quantize, RceilOfSubnormalScales) {
  EXPECT_EQ(ScaleCode("mxfp4", "rceil", {6 * 0x1p-127f}), 0u);
  EXPECT_EQ(ScaleCode("mxfp4", "rceil", {6.001f * 0x1p-127f}), 1u);
}

TEST(Quantize, FourOverSixTakesTheSmallerError) {
  // In quarters of the largest, all elements are exact; in sixths, none is.
  const std::vector<float> quarters = {4, 3, 2, 1, 4, 3, 2, 1,
                                       4, 3, 2, 1, 4, 3, 2, 1};
  const std::vector<float> sixths = {6, 3, 2, 1, 6, 3, 2, 1,
                                     6, 3, 2, 1, 6, 3, 2, 1};
  // s = (1536 / amax) * amax * fraction
  EXPECT_EQ(
      ScaleCode("nvfp4", "4over6", quarters),
      Encode(Format::kUE4M3, 384, Rounding::kNearestEven, Overflow::kSaturate));
  EXPECT_EQ(
      ScaleCode("nvfp4", "4over6", sixths),
      Encode(Format::kUE4M3, 256, Rounding::kNearestEven, Overflow::kSaturate));
}

TEST(Quantize, NamesAndAliasesAreUnique) {
  for (const BlockInfo& block : kBlocks) {
    EXPECT_EQ(FindBlock(block.name).name, block.name);
    for (const BlockInfo& other : kBlocks) {
      if (&other == &block) continue;
      EXPECT_NE(other.name, block.name);
      EXPECT_FALSE(internal::ListContains(other.aliases, block.name));
    }
  }
  EXPECT_EQ(FindBlock("mxfp8").name, "mxfp8_e4m3fn");
}

}  // namespace
}  // namespace zeroulp::testing
