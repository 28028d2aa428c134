// SPDX-License-Identifier: Apache-2.0
// Bad calls of Encode and Decode: each is one clear sentence, and nothing is
// written.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/refusal.h"
#include "zeroulp/convert.h"

namespace zeroulp {
namespace {

using testing::ExpectRefusal;
using testing::Words;

// A call that is right; each test breaks one thing.
struct Call {
  Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  std::vector<float> values = std::vector<float>(40, 1.0f);
  std::vector<uint8_t> bytes = std::vector<uint8_t>(40, 0xA5);
  std::vector<uint32_t> words = std::vector<uint32_t>(40);
  ConstMatrixView source = F32View(std::span<const float>(values), 4, 8);
  MatrixView codes = {std::as_writable_bytes(std::span(bytes)), Format::kE4M3FN,
                      4, 8, 8};
  EncodeOptions options;
};

template <class Break>
void ExpectError(ErrorCode code, const Words& words, const Break& break_call) {
  Call call;
  break_call(call);
  ExpectRefusal(code, words,
                [&] { Encode(call.source, call.codes, call.options); });
  for (const uint8_t byte : call.bytes) ASSERT_EQ(byte, 0xA5);
}

TEST(ConvertError, EachIsOneSentenceAndNothingIsWritten) {
  ExpectError(ErrorCode::kShape, {"4x8 f32", "4x7 e4m3fn"},
              [](Call& call) { call.codes.cols = 7; });
  ExpectError(ErrorCode::kShape, {"needs 32 bytes", "has 31"}, [](Call& call) {
    call.codes.bytes = call.codes.bytes.first(31);
  });
  ExpectError(ErrorCode::kFormat, {"4x8 e5m2", "f16 bf16 f32"},
              [](Call& call) { call.source.format = Format::kE5M2; });
  ExpectError(ErrorCode::kFormat, {"codes are 1x8 f32"}, [](Call& call) {
    call.source.rows = call.codes.rows = 1;
    call.codes.format = Format::kF32;
  });
  ExpectError(ErrorCode::kOverlap, {"overlaps"}, [](Call& call) {
    call.source.bytes = std::as_bytes(std::span(call.values));
    call.codes.bytes = std::as_writable_bytes(std::span(call.values));
  });
  ExpectError(ErrorCode::kArgument, {"threads is -2"},
              [](Call& call) { call.options.threads = -2; });
}

TEST(ConvertError, RandomBits) {
  const auto stochastic = [](Call& call) {
    call.options.rules.rounding = Rounding::kStochastic;
  };
  ExpectError(ErrorCode::kArgument, {"none is given"}, stochastic);
  ExpectError(ErrorCode::kArgument, {"both are given"}, [&](Call& call) {
    stochastic(call);
    call.options.random.seed = 1;
    call.options.random.words = call.words;
  });
  ExpectError(ErrorCode::kArgument, {"needs 32", "got 31"}, [&](Call& call) {
    stochastic(call);
    call.options.random.words = std::span(call.words).first(31);
  });
  ExpectError(ErrorCode::kArgument, {"rne", "takes none"},
              [](Call& call) { call.options.random.seed = 1; });
  ExpectError(ErrorCode::kUnknownName, {"'dice'", "element nvidia.cvt.rs"},
              [&](Call& call) {
                stochastic(call);
                call.options.random = {
                    .seed = 1, .words = {}, .layout = "dice"};
              });
  ExpectError(ErrorCode::kUnsupported, {"nvidia.cvt.rs", "e3m4"},
              [&](Call& call) {
                stochastic(call);
                call.codes.format = Format::kE3M4;
                call.options.random = {
                    .seed = 1, .words = {}, .layout = "nvidia.cvt.rs"};
              });
}

TEST(ConvertError, DecodeIsExactOrNotAtAll) {
  std::vector<uint8_t> bytes(64);
  std::vector<float> values(8, 7.0f);
  const auto expect = [&](Format codes, Format target, const char* words) {
    const auto out = std::as_writable_bytes(std::span(values));
    ExpectRefusal(ErrorCode::kFormat, {words}, [&] {
      Decode(CodesView(bytes, codes, 1, 8), MatrixView{out, target, 1, 8, 8});
    });
    for (const float x : values) EXPECT_EQ(x, 7.0f);
  };
  expect(Format::kE8M0FNU, Format::kF16, "to f32 and bf16");
  expect(Format::kE4M3FN, Format::kE5M2, "to f32, f16 and bf16");
  expect(Format::kF16, Format::kBF16, "to f32");
}

}  // namespace
}  // namespace zeroulp
