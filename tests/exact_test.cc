// SPDX-License-Identifier: Apache-2.0
// Mirrors kernels/exact_fma.cc: sums that outgrow a binary64, or two.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "tests/every_kernel.h"
#include "zeroulp/reference.h"

namespace zeroulp {
namespace {

using testing::DrawC;

constexpr int64_t kM = 37, kN = 53;
constexpr int64_t kPass = 256;  // of K, between two looks at the exponents

// The magnitudes of e5m2 codes in one pass over K.
struct Codes {
  uint32_t first, last;
};
constexpr Codes kZero = {0, 0}, kTiny = {0, 9}, kOne = {0x3C, 0x44},
                kHuge = {0x74, 0x7B}, kAll = {0, 0x7B}, kSpecial = {0x70, 0x7F};

void ExpectEveryKernelExact(const std::vector<Codes>& passes, bool cancel,
                            DrawC draw_c) {
  const int64_t k_size = static_cast<int64_t>(passes.size()) * kPass - 3;
  std::mt19937 random(static_cast<uint32_t>(passes.size() * 10 + cancel));
  const auto draw = [&](int64_t rows, bool negate) {
    std::vector<uint8_t> codes;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t k = 0; k < k_size; ++k) {
        const auto bits = static_cast<uint32_t>(random());
        const auto [first, last] = passes[static_cast<size_t>(k / kPass)];
        const uint32_t sign = bits & 0x80;
        auto code = static_cast<uint8_t>(
            sign | (first + (bits >> 8) % (last - first + 1)));
        // The second pass is the first one, times -1 in one operand.
        if (cancel && k / kPass == 1) {
          code = static_cast<uint8_t>(codes[codes.size() - kPass] ^
                                      (negate ? 0x80 : 0));
        }
        codes.push_back(code);
      }
    }
    return codes;
  };
  const std::vector<uint8_t> a_codes = draw(kM, true),
                             b_codes = draw(kN, false);
  std::vector<float> c_words(kM * kN);
  for (float& x : c_words) x = testing::DrawWord(draw_c, random);
  const bool with_c = draw_c != DrawC::kNone;
  testing::ExpectEveryKernelExact(
      FindArith("exact.f32"), CodesView(a_codes, Format::kE5M2, kM, k_size),
      CodesView(b_codes, Format::kE5M2, kN, k_size),
      with_c ? ConstMatrixView(F32View(c_words, kM, kN)) : ConstMatrixView(),
      fmt::format("passes {} cancel {} c {}", passes.size(), cancel,
                  static_cast<int>(draw_c)));
}

TEST(Exact, SumsOfEveryRangeOfExponents) {
  for (const DrawC c : {DrawC::kNone, DrawC::kOrdinary, DrawC::kSubnormal,
                        DrawC::kMinusZero, DrawC::kSpecial}) {
    for (const bool cancel : {false, true}) {
      ExpectEveryKernelExact({kOne, kOne}, cancel, c);
      ExpectEveryKernelExact({kHuge, kTiny, kOne}, cancel, c);
      ExpectEveryKernelExact({kHuge, kHuge, kTiny}, cancel, c);
      ExpectEveryKernelExact({kTiny, kZero, kHuge, kOne}, cancel, c);
      ExpectEveryKernelExact({kOne, kOne, kAll}, cancel, c);
      ExpectEveryKernelExact({kHuge, kTiny, kSpecial}, cancel, c);
      ExpectEveryKernelExact({kZero, kZero}, cancel, c);
    }
  }
}

// Of blocks that end inside passes, and of one that K, no multiple of 4, ends.
TEST(Exact, BlockScalesBecomePartOfTheValues) {
  constexpr int64_t kK = 2 * kPass + 41;
  struct Blocks {
    int64_t a, b;
  };
  for (const Format scale : {Format::kE8M0FNU, Format::kUE4M3}) {
    for (const Blocks block :
         {Blocks{32, 32}, Blocks{4, 0}, Blocks{300, 16}, Blocks{0, kK}}) {
      for (const testing::Scales scales :
           {testing::Scales::kOrdinary, testing::Scales::kTiny,
            testing::Scales::kExtreme, testing::Scales::kNan}) {
        for (const Format a : {Format::kE2M1FN, Format::kE4M3FN}) {
          const testing::Problem problem = {
              .row = &FindArith("exact.f32"),
              .a = a,
              .b = Format::kE4M3FN,
              .m = 17,
              .n = 21,
              .k = kK,
              .values = testing::Values::kGaussian,
              .scales = scales,
              .scale_format = scale,
              .a_block = block.a,
              .b_block = block.b};
          const testing::PreparedProblem p(problem);
          const testing::KernelNames names = testing::ExpectEveryKernelExact(
              *problem.row, p.a(), p.b(), p.c(), Describe(problem));
          EXPECT_TRUE(names.contains("exact.fma"));
        }
      }
    }
  }
}

// The third block is the first one, times -1 in A: what remains is a block
// whose products a binary64 sum of all three would have lost.
TEST(Exact, BlocksOfLargeScalesCancel) {
  constexpr int64_t kBlock = 32, kK = 3 * kBlock;
  std::mt19937 random(7);
  const auto draw = [&](int64_t rows, uint8_t flip) {
    std::vector<uint8_t> codes;
    for (int64_t i = 0; i < rows * kK; ++i) {
      const auto code = static_cast<uint8_t>(0x30 | (random() & 0x8F));
      const bool third = i % kK >= 2 * kBlock;
      const uint8_t first = third ? codes[codes.size() - 2 * kBlock] : 0;
      codes.push_back(third ? static_cast<uint8_t>(first ^ flip) : code);
    }
    return codes;
  };
  const std::vector<uint8_t> a = draw(kM, 0x80), b = draw(kN, 0);
  for (const int code : {130, 150, 170, 190}) {
    const auto large = static_cast<uint8_t>(code);
    std::vector<uint8_t> scales;
    for (int64_t m = 0; m < kM; ++m) {
      scales.insert(scales.end(), {large, 120, large});
    }
    testing::ExpectEveryKernelExact(
        FindArith("exact.f32"),
        {CodesView(a, Format::kE4M3FN, kM, kK),
         {CodesView(scales, Format::kE8M0FNU, kM, kK / kBlock), kBlock}},
        CodesView(b, Format::kE4M3FN, kN, kK), {},
        fmt::format("scale {}", code));
  }
}

// Scales of tokens and output channels multiply finished sums: ordinary ones,
// and those with which the signs and values of addends matter.
TEST(Exact, ScalesOfWholeRows) {
  constexpr int64_t kK = 2 * kPass + 41;
  for (const testing::Scales scales :
       {testing::Scales::kOrdinary, testing::Scales::kTiny,
        testing::Scales::kExtreme, testing::Scales::kNan}) {
    for (const auto values :
         {testing::Values::kGaussian, testing::Values::kFinite}) {
      for (const int64_t a_block : {int64_t{0}, kK}) {
        const testing::Problem problem = {.row = &FindArith("exact.f32"),
                                          .a = Format::kE4M3FN,
                                          .b = Format::kE5M2,
                                          .m = 19,
                                          .n = 21,
                                          .k = kK,
                                          .values = values,
                                          .scales = scales,
                                          .scale_format = Format::kF32,
                                          .a_block = a_block,
                                          .b_block = kK};
        const testing::PreparedProblem p(problem);
        const testing::KernelNames names = testing::ExpectEveryKernelExact(
            *problem.row, p.a(), p.b(), p.c(), Describe(problem));
        EXPECT_TRUE(names.contains("exact.fma"));
      }
    }
  }
}

// Sums of zero, exact or of zeros, from a C of minus zero, times each scale.
TEST(Exact, ScalesOfWholeRowsAndZeroSums) {
  const std::vector<uint8_t> a = {0x38, 0xB8, 0x80, 0x80, 0x00, 0x80,
                                  0x38, 0x38, 0xB8, 0xB8, 0x00, 0x00};
  const std::vector<uint8_t> b = {0x38, 0x38, 0x38, 0xB8};
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float a_scale : {1.0f, -1.0f, 0.0f, 0x1p-140f, kInfinity}) {
    for (const float b_scale : {1.0f, -0.0f, 0x1p-100f, 0x1p+127f}) {
      std::vector<float> a_scales(6, a_scale), b_scales(2, b_scale);
      std::vector<float> c(12, -0.0f);
      testing::ExpectEveryKernelExact(
          FindArith("exact.f32"),
          {CodesView(a, Format::kE4M3FN, 6, 2), {F32View(a_scales, 6, 1), 2}},
          {CodesView(b, Format::kE4M3FN, 2, 2), {F32View(b_scales, 2, 1), 2}},
          F32View(c, 6, 2), fmt::format("scales {} {}", a_scale, b_scale));
    }
  }
}

// The sum is of products times both scales, not of their rounded product:
// what a rounding would cut off breaks ties here, however small.
TEST(Exact, Binary32ScalesMultiplyWithoutRounding) {
  constexpr uint8_t kPlus = 0x38, kMinus = 0xB8;  // of e4m3fn
  constexpr float kUlp = 0x1p-23f, kLeast = 0x1p-149f;
  struct Case {
    std::vector<uint8_t> a;
    std::vector<float> a_scales, b_scales;
    float c, expected;
  };
  const Case cases[] = {
      // (1 + ulp)^2 + ulp/2 = 1 + 2.5 ulp + ulp^2
      {{kPlus, 0}, {1 + kUlp, 1}, {1 + kUlp, 1}, kUlp / 2, 1 + 3 * kUlp},
      // 1 + ulp/2 and the square of the least subnormal
      {{kPlus, kPlus}, {kUlp / 2, kLeast}, {1, kLeast}, 1, 1 + kUlp},
      {{kPlus, kMinus}, {1.5f * kUlp, kLeast}, {1, kLeast}, 1, 1 + kUlp},
      // Products of scales beyond binary32 that cancel
      {{kPlus, kMinus}, {0x1p100f, 0x1p120f}, {0x1p100f, 0x1p80f}, 3, 3},
  };
  for (const Case& x : cases) {
    const std::vector<uint8_t> b(2, kPlus);
    const std::vector<float> c(1, x.c);
    std::vector<float> d(1);
    const Operand a = {CodesView(x.a, Format::kE4M3FN, 1, 2),
                       {F32View(x.a_scales, 1, 2), 1}};
    const Operand b_t = {CodesView(b, Format::kE4M3FN, 1, 2),
                         {F32View(x.b_scales, 1, 2), 1}};
    const auto c_view = F32View(std::span<const float>(c), 1, 1);
    reference::Gemm(a, b_t, c_view, F32View(std::span(d), 1, 1),
                    {.arith = "exact.f32"});
    EXPECT_EQ(d[0], x.expected) << fmt::format("{:a}", d[0]);
    testing::ExpectEveryKernelExact(FindArith("exact.f32"), a, b_t, c_view,
                                    fmt::format("{:a}", x.expected));
  }
}

// The same where the scales of whole rows multiply finished sums, those of
// zero, infinity and NaN too.
TEST(Exact, ScalesOfWholeRowsMultiplyWithoutRounding) {
  constexpr float kUlp = 0x1p-23f;
  // Of e5m2; sums 1, -0.75, -0, infinity, NaN.
  const std::vector<uint8_t> a = {0x3C, 0x00, 0x3C, 0xBF, 0x80,
                                  0x80, 0x7C, 0x3C, 0x7C, 0xFC};
  const std::vector<uint8_t> b(4, 0x3C);
  const std::vector<float> a_scales(5, 1 + kUlp), b_scales = {1 + kUlp, 1};
  std::vector<float> c(10, kUlp / 2);
  c[4] = -0.0f;
  std::vector<float> d(10);
  const Operand x = {CodesView(a, Format::kE5M2, 5, 2),
                     {F32View(a_scales, 5, 1), 2}};
  const Operand y = {CodesView(b, Format::kE5M2, 2, 2),
                     {F32View(b_scales, 2, 1), 2}};
  const auto c_view = F32View(std::span<const float>(c), 5, 2);
  reference::Gemm(x, y, c_view, F32View(std::span(d), 5, 2),
                  {.arith = "exact.f32"});
  EXPECT_EQ(d[0], 1 + 3 * kUlp);
  EXPECT_EQ(d[1], 1 + 2 * kUlp);  // a tie
  EXPECT_TRUE(d[4] == 0 && std::signbit(d[4]));
  EXPECT_EQ(d[6], std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(d[8]));
  const testing::KernelNames names = testing::ExpectEveryKernelExact(
      FindArith("exact.f32"), x, y, c_view, "scales of 48 bits");
  EXPECT_TRUE(names.contains("exact.fma"));
}

}  // namespace
}  // namespace zeroulp
