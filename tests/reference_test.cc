// SPDX-License-Identifier: Apache-2.0
// The oracle against definitions that share nothing with it: the C library's
// fma for the chain, wide integers for exact sums, and words worked out by
// hand.
#include "zeroulp/reference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "tests/arith_cases.h"

namespace zeroulp {
namespace {

using testing::Draw;
using testing::DrawC;
using testing::Scales;
using testing::Values;

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

// Two-level accumulation, from one-level results and the C library's fma.
TEST(Reference, PromotionIsAnFmaOfSeparateSumsAndTheirScales) {
  constexpr int64_t kM = 3, kN = 4, kK = 150, kEvery = 64, kBlocks = 3;
  std::mt19937 random(6);
  const auto draw = [&](int64_t rows) {
    return testing::DrawCodes(Format::kE4M3FN, Draw::kFinite, rows, kK, random);
  };
  const std::vector<uint8_t> a = draw(kM), b = draw(kN);
  std::uniform_real_distribution<float> near_one(0.5f, 2.0f);
  std::vector<float> a_scales(kM * kBlocks), b_scales(2 * kBlocks), c(kM * kN);
  for (auto* list : {&a_scales, &b_scales, &c}) {
    for (float& x : *list) x = near_one(random);
  }
  const auto part = [&](const std::vector<uint8_t>& codes, int64_t row,
                        int64_t k) {
    ConstMatrixView view = CodesView(codes, Format::kE4M3FN, row + 1, kK);
    view.bytes = view.bytes.subspan(static_cast<size_t>(row * kK + k));
    view.rows = 1;
    view.cols = std::min(kEvery, kK - k);
    return view;
  };
  for (const bool scaled : {false, true}) {
    std::vector<float> d(kM * kN);
    Operand a_operand(CodesView(a, Format::kE4M3FN, kM, kK));
    Operand b_operand(CodesView(b, Format::kE4M3FN, kN, kK));
    if (scaled) {
      a_operand.scales = {F32View(std::as_const(a_scales), kM, kBlocks),
                          kEvery};
      b_operand.scales = {F32View(std::as_const(b_scales), 2, kBlocks), kEvery,
                          2};
    }
    reference::Gemm(a_operand, b_operand, F32View(std::as_const(c), kM, kN),
                    F32View(d, kM, kN),
                    {.arith = "hopper.wgmma.fp8.f32", .promote_every = kEvery});
    for (int64_t m = 0; m < kM; ++m) {
      for (int64_t n = 0; n < kN; ++n) {
        float acc = c[static_cast<size_t>(m * kN + n)];
        for (int64_t k = 0; k < kK; k += kEvery) {
          float sum = 0;
          reference::Gemm(part(a, m, k), part(b, n, k), {},
                          F32View(std::span(&sum, 1), 1, 1),
                          {.arith = "hopper.wgmma.fp8.f32"});
          const int64_t block = k / kEvery;
          const float scale =
              a_scales[static_cast<size_t>(m * kBlocks + block)] *
              b_scales[static_cast<size_t>(n / 2 * kBlocks + block)];
          acc = scaled ? std::fma(sum, scale, acc) : acc + sum;
        }
        EXPECT_EQ(d[static_cast<size_t>(m * kN + n)], acc)
            << m << " " << n << " " << scaled;
      }
    }
  }
}

// A scale of a whole row of any length, beside one for every 128 products, is
// what it is when written once for each 128.
TEST(Reference, ScalesOfWholeRowsCutNothing) {
  constexpr int64_t kN = 4, kK = 1000, kBlock = 128, kBlocks = 8;
  std::mt19937 random(7);
  const std::vector<uint8_t> a = testing::DrawCodes(
                                 Format::kE4M3FN, Draw::kFinite, 1, kK, random),
                             b = testing::DrawCodes(Format::kE4M3FN,
                                                    Draw::kFinite, kN, kK,
                                                    random);
  std::uniform_real_distribution<float> near_one(0.5f, 2.0f);
  const std::vector<float> once = {near_one(random)};
  const std::vector<float> repeated(kBlocks, once[0]);
  std::vector<float> b_scales(kN * kBlocks);
  for (float& x : b_scales) x = near_one(random);
  Operand b_operand(CodesView(b, Format::kE4M3FN, kN, kK));
  b_operand.scales = {F32View(std::as_const(b_scales), kN, kBlocks), kBlock};
  const auto result = [&](std::string_view arith,
                          const std::vector<float>& scales, int64_t block) {
    std::vector<float> d(kN);
    Operand a_operand(CodesView(a, Format::kE4M3FN, 1, kK));
    a_operand.scales = {F32View(scales, 1, static_cast<int64_t>(scales.size())),
                        block};
    reference::Gemm(a_operand, b_operand, {}, F32View(d, 1, kN),
                    {.arith = arith});
    return d;
  };
  for (const std::string_view arith : {"chain.f32", "exact.f32"}) {
    const std::vector<float> expected = result(arith, repeated, kBlock);
    EXPECT_EQ(result(arith, once, kK), expected) << arith;
    EXPECT_EQ(result(arith, once, 5000), expected) << arith;
  }
}

TEST(Reference, PromotionOfNoProductMakesNanCanonical) {
  const std::vector<float> c = {std::bit_cast<float>(0xFFC12345u)};
  std::vector<float> d(1);
  for (const auto twin :
       {static_cast<decltype(&reference::Gemm)>(&Gemm), &reference::Gemm}) {
    twin(CodesView({}, Format::kE5M2, 1, 0), CodesView({}, Format::kE5M2, 1, 0),
         F32View(c, 1, 1), F32View(d, 1, 1), {.promote_every = 4});
    EXPECT_EQ(std::bit_cast<uint32_t>(d[0]), 0x7FC00000u);
  }
}

// A row with one column changed.
struct Change {
  const char* what;
  std::string_view arith;
  std::function<void(ArithInfo&)> make;
  Values values = Values::kFinite;
  Scales scales = Scales::kOrdinary;
};

// A column that nothing reads would promise what no result shows.
TEST(Reference, EveryColumnOfARowDecidesBits) {
  const Change changes[] = {
      {"model", "chain.f32", [](auto& r) { r.model = Model::kExact; }},
      {"chunk", "hopper.f16.f32", [](auto& r) { r.chunk = 8; }},
      {"align_bits", "ada.fp8.f32", [](auto& r) { r.align_bits = 12; }},
      {"align_bits", "cdna3.fp8.f32", [](auto& r) { r.align_bits = 22; }},
      {"exponent_floor", "hopper.bf16.f32",
       [](auto& r) { r.exponent_floor = -100; }, Values::kTiny},
      {"normalise_products", "ada.fp8.f32",
       [](auto& r) { r.normalise_products = true; }},
      {"out_fraction_bits", "ada.fp8.f32",
       [](auto& r) { r.out_fraction_bits = 12; }},
      {"out_rounding", "hopper.f16.f32",
       [](auto& r) { r.out_rounding = Rounding::kNearestEven; }},
      {"nan_word", "hopper.f16.f32", [](auto& r) { r.nan_word = 0x7FC00000; },
       Values::kAny},
      {"flush_inputs", "cdna2.f16.f32", [](auto& r) { r.flush_inputs = false; },
       Values::kSubnormal},
      {"flush_results", "cdna2.bf16.f32",
       [](auto& r) { r.flush_results = false; }, Values::kTiny},
      {"group", "cdna3.fp8.f32", [](auto& r) { r.group = 1; }},
      {"group and chunk", "blackwell.tcgen05.mxf4.f32",
       [](auto& r) { r.group = 8, r.chunk = 32; }, Values::kFinite,
       Scales::kExtreme},
      {"rows", "trainium.f32", [](auto& r) { r.rows = r.chunk = 64; }},
      {"interleaved", "trainium2.double_row.f32",
       [](auto& r) { r.interleaved = true; }},
  };
  for (const Change& change : changes) {
    const ArithInfo& row = FindArith(change.arith);
    ArithInfo changed = row;
    change.make(changed);
    const testing::PreparedProblem p({.row = &row,
                                      .a = row.a.first(),
                                      .b = row.b.first(),
                                      .m = 8,
                                      .n = 24,
                                      .k = 300,
                                      .values = change.values,
                                      .scales = change.scales,
                                      .scale_format = Format::kE8M0FNU});
    testing::Matrix d = p.Blank();
    reference::GemmWithRow(changed, p.a(), p.b(), p.c(), d.view, p.Options());
    EXPECT_NE(d.bytes, p.expected().bytes)
        << change.what << " of " << change.arith;
  }
}

// 2^-9, subnormal in e4m3fn but not in f16, times 2^15 is aligned as 2^6, so
// that 2^-17 beside it is not cut; as e4m3fn it would be aligned as 2^9.
TEST(Reference, WidenedSubnormalsAreAlignedByTheirValue) {
  const std::vector<uint8_t> a = {0x01, 0x08};  // e4m3fn: 2^-9, 2^-6
  const std::vector<uint8_t> b = {0x78, 0x10};  // e5m2: 2^15, 2^-11
  ArithInfo row = FindArith("hopper.mma.fp8.f32");
  const auto run = [&] {
    std::vector<float> d(1);
    reference::GemmWithRow(row, CodesView(a, Format::kE4M3FN, 1, 2),
                           CodesView(b, Format::kE5M2, 1, 2), {},
                           F32View(d, 1, 1));
    return d[0];
  };
  EXPECT_EQ(run(), 0x1p6f + 0x1p-17f);
  row.widen.reset();
  EXPECT_EQ(run(), 0x1p6f);
}

}  // namespace
}  // namespace zeroulp
