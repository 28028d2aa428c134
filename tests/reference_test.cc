// SPDX-License-Identifier: Apache-2.0
// The oracle against definitions that share nothing with it: the C library's
// fma for the chain, wide integers for exact sums, and words worked out by
// hand.
#include "zeroulp/reference.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/cases.h"

namespace zeroulp {
namespace {

using testing::Draw;
using testing::DrawC;

uint32_t Dot(std::string_view arith, Format a_format,
             const std::vector<uint8_t>& a, Format b_format,
             const std::vector<uint8_t>& b, const std::vector<float>& c) {
  std::vector<float> d(1, 99.0f);
  const auto k = static_cast<int64_t>(a.size());
  reference::Gemm(CodesView(a, a_format, 1, k), CodesView(b, b_format, 1, k),
                  c.empty() ? ConstMatrixView{} : F32View(std::span(c), 1, 1),
                  F32View(std::span(d), 1, 1), {.arith = arith});
  return std::bit_cast<uint32_t>(d[0]);
}

uint32_t Canonical(float x) {
  return std::isnan(x) ? 0x7FC00000u : std::bit_cast<uint32_t>(x);
}

TEST(Reference, ChainIsTheCLibrarysFma) {
  std::mt19937 random(1);
  for (const Format fa :
       {Format::kE4M3FN, Format::kE5M2, Format::kE3M4, Format::kE4M3FNUZ}) {
    for (const Draw draw : {Draw::kAny, Draw::kFinite, Draw::kLarge,
                            Draw::kSubnormal, Draw::kMinusZero}) {
      for (const DrawC draw_c : {DrawC::kOrdinary, DrawC::kSubnormal,
                                 DrawC::kMinusZero, DrawC::kSpecial}) {
        for (int i = 0; i < 100; ++i) {
          const int64_t k = i % 24;
          const auto a = testing::DrawCodes(fa, draw, 1, k, random);
          const auto b = testing::DrawCodes(Format::kE5M2, draw, 1, k, random);
          const float c = testing::DrawWord(draw_c, random);
          float acc = c;
          for (size_t j = 0; j < a.size(); ++j) {
            acc = std::fma(Decode(fa, a[j]), Decode(Format::kE5M2, b[j]), acc);
          }
          ASSERT_EQ(Dot("chain.f32", fa, a, Format::kE5M2, b, {c}),
                    Canonical(acc));
        }
      }
    }
  }
}

// FP8 products are multiples of 2^-32 below 2^32: 64 of them and a C on the
// same grid fit a 128-bit integer, which converts to float with one rounding.
TEST(Reference, ExactIsAWideIntegerSum) {
  std::mt19937 random(2);
  for (int i = 0; i < 3000; ++i) {
    const Draw draw = i % 2 == 0 ? Draw::kFinite : Draw::kLarge;
    const auto a = testing::DrawCodes(Format::kE5M2, draw, 1, i % 65, random);
    const auto b = testing::DrawCodes(Format::kE4M3FN, draw, 1, i % 65, random);
    const float c = testing::DrawWord(DrawC::kOrdinary, random);
    auto sum = static_cast<__int128>(std::ldexp(c, 40));
    for (size_t j = 0; j < a.size(); ++j) {
      const double product = double{Decode(Format::kE5M2, a[j])} *
                             double{Decode(Format::kE4M3FN, b[j])};
      sum += static_cast<__int128>(std::ldexp(product, 40));
    }
    const float expected = std::ldexp(static_cast<float>(sum), -40);
    ASSERT_EQ(Dot("exact.f32", Format::kE5M2, a, Format::kE4M3FN, b, {c}),
              Canonical(expected));
  }
}

TEST(Reference, ExactRoundsOnceWhereTheChainLosesTheSmallTerms) {
  // 448 * 448 = 200704, + 2^-18 each: below half an ulp (2^-7), 4 of them too.
  const std::vector<uint8_t> a = {0x7E, 0x01, 0x01, 0xFE};
  const std::vector<uint8_t> b = {0x7E, 0x01, 0x01, 0x7E};
  const auto run = [&](std::string_view arith) {
    return Dot(arith, Format::kE4M3FN, a, Format::kE4M3FN, b, {});
  };
  EXPECT_EQ(run("chain.f32"), 0u);
  EXPECT_EQ(run("exact.f32"), std::bit_cast<uint32_t>(0x1p-17f));
}

struct Special {
  const char* what;
  std::vector<uint8_t> a, b;  // e5m2
  std::vector<float> c;
  uint32_t word;
};

TEST(Reference, SpecialsAndSignedZeros) {
  constexpr uint8_t kInf = 0x7C, kMinusInf = 0xFC, kNan = 0x7F, kOne = 0x3C;
  constexpr uint8_t kZero = 0x00, kMinusZero = 0x80, kMinusOne = 0xBC;
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::bit_cast<float>(0xFFC12345u);
  const Special cases[] = {
      {"empty sum", {}, {}, {}, 0x00000000u},
      {"K = 0 keeps C", {}, {}, {-1.0f}, 0xBF800000u},
      {"K = 0 keeps minus zero", {}, {}, {-0.0f}, 0x80000000u},
      {"K = 0 makes NaN canonical", {}, {}, {nan}, 0x7FC00000u},
      {"NaN in A", {kNan}, {kOne}, {}, 0x7FC00000u},
      {"NaN times zero", {kNan}, {kZero}, {}, 0x7FC00000u},
      {"infinity times zero", {kInf}, {kMinusZero}, {}, 0x7FC00000u},
      {"infinity", {kInf}, {kMinusOne}, {5.0f}, 0xFF800000u},
      {"inf - inf", {kInf, kInf}, {kOne, kMinusOne}, {}, 0x7FC00000u},
      {"inf - inf of C", {kMinusInf}, {kOne}, {inf}, 0x7FC00000u},
      {"NaN in C", {kOne}, {kOne}, {nan}, 0x7FC00000u},
      {"absent C counts as +0", {kMinusZero}, {kOne}, {}, 0x00000000u},
      {"all addends -0", {kMinusZero}, {kOne}, {-0.0f}, 0x80000000u},
      {"-0 and +0", {kZero}, {kOne}, {-0.0f}, 0x00000000u},
      {"cancellation is +0",
       {kOne, kMinusOne},
       {kOne, kOne},
       {-0.0f},
       0x00000000u},
      {"subnormal C survives", {kZero}, {kOne}, {-0x1p-149f}, 0x80000001u},
  };
  for (const Special& s : cases) {
    for (const char* arith : {"chain.f32", "exact.f32"}) {
      EXPECT_EQ(Dot(arith, Format::kE5M2, s.a, Format::kE5M2, s.b, s.c), s.word)
          << s.what << " " << arith;
    }
  }
}

}  // namespace
}  // namespace zeroulp
