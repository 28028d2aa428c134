// SPDX-License-Identifier: Apache-2.0
// Bad input: each is one clear sentence, from both twins, and nothing is
// written. Mirrors include/zeroulp/internal/check_quantize.h.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/refusal.h"
#include "zeroulp/quantize.h"
#include "zeroulp/reference.h"

namespace zeroulp {
namespace {

using testing::ExpectRefusal;
using testing::Words;

// A call that is right; each test breaks one thing.
struct Call {
  Call() = default;
  Call(const Call&) = delete;  // the views point into the vectors
  Call& operator=(const Call&) = delete;

  std::vector<float> source_words = std::vector<float>(3 * 40, 1.0f);
  std::vector<uint8_t> code_bytes = std::vector<uint8_t>(3 * 20, 7);
  std::vector<uint8_t> scale_bytes = std::vector<uint8_t>(3 * 3, 7);
  ConstMatrixView source = F32View(std::span<const float>(source_words), 3, 40);
  MatrixView codes = {std::as_writable_bytes(std::span(code_bytes)),
                      Format::kE2M1FN, 3, 40, 40};
  MatrixView scales = {std::as_writable_bytes(std::span(scale_bytes)),
                       Format::kUE4M3, 3, 3, 3};
  QuantizeOptions options = {.format = "nvfp4"};

  std::vector<float> value_words = std::vector<float>(3 * 40, 7.0f);
  MatrixView values = F32View(std::span(value_words), 3, 40);
  DequantizeOptions back = {.format = "nvfp4"};
};

template <class Run, class Break>
void ExpectErrorOf(const Run& run, ErrorCode code, const Words& words,
                   const Break& break_call) {
  Call call;
  break_call(call);
  ExpectRefusal(code, words, [&] { run(call); });
  EXPECT_EQ(call.code_bytes, std::vector<uint8_t>(3 * 20, 7));
  EXPECT_EQ(call.scale_bytes, std::vector<uint8_t>(3 * 3, 7));
  EXPECT_EQ(call.value_words, std::vector<float>(3 * 40, 7.0f));
}

template <class Break>
void ExpectError(ErrorCode code, const Words& words, const Break& break_call) {
  for (const auto twin : {&Quantize, &reference::Quantize}) {
    ExpectErrorOf(
        [twin](Call& c) { twin(c.source, c.codes, c.scales, c.options); }, code,
        words, break_call);
  }
}

template <class Break>
void ExpectBackError(ErrorCode code, const Words& words,
                     const Break& break_call) {
  for (const auto twin : {&Dequantize, &reference::Dequantize}) {
    ExpectErrorOf(
        [twin](Call& c) { twin(c.codes, c.scales, c.values, c.back); }, code,
        words, break_call);
  }
}

TEST(QuantizeError, TheCallItselfIsRight) {
  Call call;
  const QuantizeResult result =
      Quantize(call.source, call.codes, call.scales, call.options);
  EXPECT_EQ(result.amax, 1.0f);
  EXPECT_EQ(call.code_bytes[0], 0x77);
  call.back.tensor_scale = result.tensor_scale;
  Dequantize(call.codes, call.scales, call.values, call.back);
  EXPECT_NEAR(call.value_words[0], 1.0f, 1e-6f);
}

TEST(QuantizeError, UnknownNamesListWhatExists) {
  ExpectError(ErrorCode::kUnknownName, {"'nvfp5'", "mxfp4", "e4m3fn_1x128"},
              [](Call& c) { c.options.format = "nvfp5"; });
  ExpectError(ErrorCode::kUnknownName, {"''", "nvfp4"},
              [](Call& c) { c.options.format = ""; });
  ExpectError(ErrorCode::kUnknownName,
              {"nvfp4", "'floor'", "te torchao-1 torchao-2 4over6"},
              [](Call& c) { c.options.rule = "floor"; });
  ExpectBackError(ErrorCode::kUnknownName, {"'fp4'", "mxfp4"},
                  [](Call& c) { c.back.format = "fp4"; });
}

TEST(QuantizeError, ShapesOfCodesAndScales) {
  ExpectError(ErrorCode::kShape,
              {"scales is 3x2 ue4m3", "3x40 matrix in nvfp4 are 3x3"},
              [](Call& c) { c.scales.cols = 2; });
  ExpectError(ErrorCode::kShape, {"scales is 1x9", "3x3"}, [](Call& c) {
    c.scales = {c.scales.bytes, Format::kUE4M3, 1, 9, 9};
  });
  ExpectError(ErrorCode::kShape, {"codes is 3x38", "3x40"},
              [](Call& c) { c.codes.cols = 38; });
  ExpectBackError(ErrorCode::kShape, {"codes is 2x40", "3x40"},
                  [](Call& c) { c.codes.rows = 2; });
}

TEST(QuantizeError, Formats) {
  ExpectError(ErrorCode::kFormat, {"codes is 3x20 e4m3fn", "nvfp4 are e2m1fn"},
              [](Call& c) {
                c.codes = {c.codes.bytes, Format::kE4M3FN, 3, 20, 20};
              });
  ExpectError(ErrorCode::kFormat, {"scales", "e8m0fnu", "ue4m3"},
              [](Call& c) { c.scales.format = Format::kE8M0FNU; });
  ExpectError(ErrorCode::kFormat, {"source is 3x40 tf32", "f32, f16, bf16"},
              [](Call& c) { c.source.format = Format::kTF32; });
  ExpectBackError(ErrorCode::kFormat, {"destination", "bf16", "must be f32"},
                  [](Call& c) { c.values.format = Format::kBF16; });
}

TEST(QuantizeError, NullShortAndOverlappingViews) {
  ExpectError(ErrorCode::kShape, {"source", "480 bytes", "has 476"},
              [](Call& c) { c.source.bytes = c.source.bytes.first(476); });
  ExpectError(ErrorCode::kShape, {"codes", "60 bytes", "has 59"},
              [](Call& c) { c.codes.bytes = c.codes.bytes.first(59); });
  ExpectError(ErrorCode::kShape, {"scales", "has 8"},
              [](Call& c) { c.scales.bytes = c.scales.bytes.first(8); });
  ExpectError(ErrorCode::kShape, {"row_stride 41", "even"},
              [](Call& c) { c.codes.row_stride = 41; });
  ExpectError(ErrorCode::kArgument, {"codes", "null"}, [](Call& c) {
    c.codes.bytes = {static_cast<std::byte*>(nullptr), 60};
  });
  ExpectError(ErrorCode::kOverlap, {"codes", "overlaps", "scales"},
              [](Call& c) { c.scales.bytes = c.codes.bytes.subspan(10, 9); });
  ExpectError(ErrorCode::kOverlap, {"codes", "overlaps", "source"},
              [](Call& c) {
                c.codes.bytes =
                    std::as_writable_bytes(std::span(c.source_words)).first(60);
              });
  ExpectError(ErrorCode::kOverlap, {"scales", "overlaps", "source"},
              [](Call& c) {
                c.scales.bytes =
                    std::as_writable_bytes(std::span(c.source_words)).last(9);
              });
  ExpectBackError(
      ErrorCode::kOverlap, {"destination", "overlaps", "codes"}, [](Call& c) {
        c.codes.bytes =
            std::as_writable_bytes(std::span(c.value_words)).first(60);
      });
}

TEST(QuantizeError, Options) {
  ExpectError(ErrorCode::kArgument, {"stochastic", "needs a seed"},
              [](Call& c) { c.options.rounding = Rounding::kStochastic; });
  ExpectError(ErrorCode::kArgument, {"seed is given", "not stochastic"},
              [](Call& c) { c.options.seed = 0; });
  ExpectError(ErrorCode::kArgument, {"nearest even or stochastically"},
              [](Call& c) { c.options.rounding = Rounding::kTowardZero; });
  ExpectError(ErrorCode::kArgument, {"threads is -2"},
              [](Call& c) { c.options.threads = -2; });
  ExpectError(ErrorCode::kArgument, {"amax is 3", "torchao-1", "own block"},
              [](Call& c) {
                c.options.rule = "torchao-1";
                c.options.amax = 3.0f;
              });
  for (const float amax :
       {-1.0f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    ExpectError(ErrorCode::kArgument, {"amax", "finite"},
                [amax](Call& c) { c.options.amax = amax; });
  }
  ExpectBackError(ErrorCode::kArgument, {"tensor_scale is 0.5", "mxfp4", "1"},
                  [](Call& c) {
                    c.back.format = "mxfp4";
                    c.back.tensor_scale = 0.5f;
                  });
  ExpectBackError(ErrorCode::kArgument, {"threads is -1"},
                  [](Call& c) { c.back.threads = -1; });
}

}  // namespace
}  // namespace zeroulp
