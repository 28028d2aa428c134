// SPDX-License-Identifier: Apache-2.0
// Block scales on chain.f32: every kernel that takes a problem equals the
// oracle, in all bits, on every SIMD target.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/scaled.h"
#include "tests/every_kernel.h"

namespace zeroulp {
namespace {

using testing::PreparedProblem;
using testing::Problem;
using testing::Scales;
using testing::Values;

const ArithInfo& Chain() { return FindArith("chain.f32"); }

testing::KernelNames ExpectExact(const Operand& a, const Operand& b,
                                 const ConstMatrixView& c,
                                 const std::string& what) {
  return testing::ExpectEveryKernelExact(Chain(), a, b, c, what, {1, 3});
}

testing::KernelNames ExpectExact(const Problem& problem) {
  const PreparedProblem p(problem);
  return ExpectExact(p.a(), p.b(), p.c(), Describe(problem));
}

struct Kind {
  Format a, b, scale;
  int64_t a_block, b_block;
};

std::vector<Kind> Kinds() {
  using enum Format;
  std::vector<Kind> kinds = {
      {kE2M1FN, kE2M1FN, kE8M0FNU, 32, 32},  // MXFP4
      {kE2M1FN, kE2M1FN, kE8M0FNU, 16, 16},
      {kE2M1FN, kE2M1FN, kUE4M3, 16, 16},  // NVFP4
      {kE2M1FN, kE2M1FN, kF32, 32, 16},
      {kE2M1FN, kE2M1FN, kE8M0FNU, 0, 32},
      {kE2M1FN, kE2M1FN, kF32, 20, 0},
      {kE4M3FN, kE2M1FN, kE8M0FNU, 32, 32},  // MXFP8 x MXFP4
      {kE5M2, kE4M3FN, kE8M0FNU, 32, 32},    // MXFP8
      {kE2M1FN, kE3M2FN, kE8M0FNU, 32, 16},
      {kE4M3FN, kE4M3FN, kF32, 128, 128},  // as DeepSeek-V3
      {kE4M3FN, kE5M2, kUE4M3, 16, 48},
      {kE5M2FNUZ, kE5M2FNUZ, kE8M0FNU, 32, 32},
      {kE4M3FNUZ, kE2M3FN, kE8M0FNU, 512, 0},
      {kE4M3FN, kE4M3FN, kF32, 5000, 5000},  // of tokens and output channels
      {kBF16, kE4M3FN, kF32, 0, 5000},       // of output channels alone
      {kE4M3FN, kE5M2, kF32, 5001, 128},     // of tokens, beside blocks
      {kE2M1FN, kE2M1FN, kE8M0FNU, 32, 5001},
      {kF16, kE2M1FN, kF32, 0, 516},
      {kE5M2, kE4M3FN, kF32, 1200, 1800},
  };
  return kinds;
}

TEST(ScaledKernel, EveryKindOfScaleAndValue) {
  for (const Kind& kind : Kinds()) {
    for (const Scales scales :
         {Scales::kOrdinary, Scales::kTiny, Scales::kExtreme, Scales::kNan}) {
      for (int v = 0; v <= static_cast<int>(Values::kLast); ++v) {
        ExpectExact({.row = &Chain(),
                     .a = kind.a,
                     .b = kind.b,
                     .m = 1 + 2 * v,
                     .n = 19,
                     .k = 165,
                     .values = static_cast<Values>(v),
                     .with_c = v % 3 != 1,
                     .scales = scales,
                     .scale_format = kind.scale,
                     .a_block = kind.a_block,
                     .b_block = kind.b_block});
      }
    }
  }
}

TEST(ScaledKernel, EveryLengthAroundBlocksAndPasses) {
  for (const Kind& kind : Kinds()) {
    for (const int64_t k :
         {0,   1,   3,   4,   15,  16,  17,   31,   32,   33,   47,  127,
          128, 129, 497, 512, 516, 991, 1024, 1031, 2047, 2048, 2053}) {
      ExpectExact({.row = &Chain(),
                   .a = kind.a,
                   .b = kind.b,
                   .m = 2,
                   .n = 3,
                   .k = k,
                   .values = k % 2 == 0 ? Values::kGaussian : Values::kFinite,
                   .with_c = k % 3 != 0,
                   .scale_format = kind.scale,
                   .a_block = kind.a_block,
                   .b_block = kind.b_block});
    }
  }
}

TEST(ScaledKernel, EveryShapeOfD) {
  for (const Kind& kind : Kinds()) {
    for (const auto& [m, n] :
         std::array<std::pair<int64_t, int64_t>, 12>{{{1, 1},
                                                      {1, 400},
                                                      {3, 130},
                                                      {4, 80},
                                                      {7, 33},
                                                      {13, 83},
                                                      {16, 33},
                                                      {8, 48},
                                                      {17, 5},
                                                      {33, 49},
                                                      {40, 385},
                                                      {2, 800}}}) {
      ExpectExact({.row = &Chain(),
                   .a = kind.a,
                   .b = kind.b,
                   .m = m,
                   .n = n,
                   .k = 40,
                   .values = Values::kGaussian,
                   .padding = n % 2,
                   .scale_format = kind.scale,
                   .a_block = kind.a_block,
                   .b_block = kind.b_block,
                   .block_rows = m > 8 ? 5 : 1});
    }
  }
}

// Scales of whole rows where D has several parts, and takes the place of C.
TEST(ScaledKernel, LongBlocksInPartsAndInPlace) {
  constexpr int64_t kM = 530, kN = 401, kK = 37;
  const Problem problem = {.row = &Chain(),
                           .a = Format::kE4M3FN,
                           .b = Format::kE4M3FN,
                           .m = kM,
                           .n = kN,
                           .k = kK,
                           .scale_format = Format::kF32,
                           .a_block = kK,
                           .b_block = kK};
  EXPECT_TRUE(ExpectExact(problem).contains("scaled.long.fma"));
  const PreparedProblem p(problem);
  for (const int64_t m : {kM, int64_t{5}}) {
    const Operand a = p.a();
    const PackedMatrix packed_a = Pack(
        {{a.codes.bytes, a.codes.format, m, kK, a.codes.row_stride},
         {{a.scales.codes.bytes, Format::kF32, m, 1, a.scales.codes.row_stride},
          kK}});
    const PackedMatrix packed_b = Pack(p.b());
    std::vector<float> d(static_cast<size_t>(m * kN));
    const auto view = F32View(std::span(d), m, kN);
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < kN; ++j) {
        WriteCode(view, i, j, ReadCode(p.c(), i, j));
      }
    }
    Gemm(packed_a, packed_b, view, view, {.arith = "chain.f32"});
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < kN; ++j) {
        ASSERT_EQ(ReadCode(view, i, j), ReadCode(p.expected().view, i, j))
            << i << " " << j << " of " << m << " rows";
      }
    }
  }
}

TEST(ScaledKernel, EveryPairOfFormats) {
  for (const FormatInfo& a : kFormats) {
    for (const FormatInfo& b : kFormats) {
      if (!kNarrowFormats.contains(a.id) || !kNarrowFormats.contains(b.id)) {
        continue;
      }
      const auto names = ExpectExact({.row = &Chain(),
                                      .a = a.id,
                                      .b = b.id,
                                      .m = 3,
                                      .n = 18,
                                      .k = 70,
                                      .a_block = 32,
                                      .b_block = 32});
      EXPECT_TRUE(names.contains("scaled.fma"));
    }
  }
}

// An operand whose scales are as given, each for 32 elements.
struct ScaledCodes {
  ScaledCodes(Format f, int64_t rows, const std::vector<uint8_t>& scale_row,
              uint32_t seed)
      : format(f), m(rows), k(32 * static_cast<int64_t>(scale_row.size())) {
    std::mt19937 random(seed);
    codes.resize(
        static_cast<size_t>(m * DenseStride(f, k) * Info(f).storage_bits / 8));
    for (int64_t r = 0; r < m; ++r) {
      for (int64_t i = 0; i < k; ++i) {
        WriteCode(view(), r, i,
                  testing::DrawCode(Info(f), Values::kGaussian, i, k, random));
      }
      scales.insert(scales.end(), scale_row.begin(), scale_row.end());
    }
  }
  MatrixView view() {
    return {std::as_writable_bytes(std::span(codes)), format, m, k,
            DenseStride(format, k)};
  }
  Operand operand() {
    return {view(), {CodesView(scales, Format::kE8M0FNU, m, k / 32), 32}};
  }

  Format format;
  int64_t m, k;
  std::vector<uint8_t> codes, scales;
};

void ExpectExact(ScaledCodes& a, ScaledCodes& b, const std::string& what) {
  ExpectExact(a.operand(), b.operand(), {}, what);
}

// Every sum of two exponents: those the fast folds take, those at their limits
// and those far out, where sums overflow, underflow or are subnormal.
TEST(ScaledKernel, EveryExponentOfTwoScales) {
  for (const Format format : {Format::kE2M1FN, Format::kE5M2, Format::kE4M3FN,
                              Format::kE4M3B11FNUZ}) {
    for (int code = 0; code < 256; ++code) {
      const auto a_code = static_cast<uint8_t>(code);
      for (const int other : {127, code, 254 - code}) {
        const auto b_code = static_cast<uint8_t>(std::clamp(other, 0, 255));
        ScaledCodes a(format, 1, {a_code, 127}, 1);
        ScaledCodes b(format, 2, {b_code, 127}, 2);
        ExpectExact(
            a, b,
            fmt::format("{} scales {} {}", Info(format).name, a_code, b_code));
      }
    }
  }
}

// Blocks of zeros have any scale, and that must not matter, unless it is NaN;
// other rows of the same 16 are in range, or not.
TEST(ScaledKernel, ZeroBlocksOfAnyScale) {
  for (const Format format :
       {Format::kE2M1FN, Format::kE4M3FN, Format::kE5M2FNUZ}) {
    for (const int scale : {0, 1, 60, 254, 255}) {
      for (const bool minus : {false, true}) {
        for (const int in_a : {0, 1, 2}) {
          ScaledCodes a(format, 3, {127, 125, 130}, 1);
          ScaledCodes b(format, 20, {126, 128, 127}, 2);
          ScaledCodes& x = in_a == 1 ? a : b;
          x.scales[4] = static_cast<uint8_t>(scale);
          for (int64_t k = 32; k < 64; ++k) {
            const bool is_minus = minus && k % 2 == 0;
            WriteCode(x.view(), 1, k, is_minus ? Info(format).sign_mask() : 0);
          }
          if (in_a == 2) x.scales[10] = 1;  // not of zeros
          ExpectExact(a, b,
                      fmt::format("{} scale {} minus {} in A {}",
                                  Info(format).name, scale, minus, in_a));
        }
      }
    }
  }
}

// Sums without scales, from a C with which they are exact, are not, or barely.
TEST(ScaledKernel, PlainFp4FromEveryKindOfC) {
  constexpr int64_t kK = 96;
  constexpr float kLimit = 0x1p22f - 36 * kK;
  std::mt19937 random(5);
  for (const float special :
       {0.0f, -0.0f, 0.25f, 0.125f, kLimit, -kLimit, kLimit + 0.5f, 0x1p22f,
        0x1p24f, -0x1p30f, 0x1p-149f, std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN()}) {
    ScaledCodes a(Format::kE2M1FN, 37, {127, 127, 127}, 1);
    ScaledCodes b(Format::kE2M1FN, 50, {127, 127, 127}, 2);
    std::vector<float> c(37 * 50);
    for (float& x : c) x = static_cast<float>(random() % 64) * 0.25f;
    for (const size_t i : {size_t{3}, size_t{20 * 50 + 49}}) c[i] = special;
    if (random() % 2 == 0) {  // rows that sum to minus zero
      for (int64_t k = 0; k < kK; ++k) WriteCode(a.view(), 0, k, 8);
    }
    ExpectExact(Operand(a.view()), Operand(b.view()), F32View(c, 37, 50),
                fmt::format("C {}", special));
  }
}

// The largest products, as many as there may be: one more is another kernel's.
TEST(ScaledKernel, PlainFp4SumsUpToTheLargestExactOne) {
  for (const int64_t k : {kernels::kMaxExactFp4K - 1, kernels::kMaxExactFp4K,
                          kernels::kMaxExactFp4K + 1}) {
    const int64_t stride = DenseStride(Format::kE2M1FN, k);
    const std::vector<uint8_t> six(static_cast<size_t>(stride / 2), 0x77);
    const Operand x(CodesView(six, Format::kE2M1FN, 1, k));
    const auto names = ExpectExact(x, x, {}, fmt::format("K {}", k));
    EXPECT_TRUE(k <= kernels::kMaxExactFp4K ||
                !names.contains("chain.int8dot"));
  }
}

}  // namespace
}  // namespace zeroulp
