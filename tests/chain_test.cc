// SPDX-License-Identifier: Apache-2.0
// Mirrors kernels/chain.cc: sums about the smallest normal number, which the
// BF16 dot would flush to zero.
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "tests/every_kernel.h"

namespace zeroulp {
namespace {

constexpr int64_t kM = 40, kN = 21;
constexpr int kBf16Bits = 7, kBf16Bias = 127;

// +-(1, 1 + 2^-7 or 2 - 2^-7) * 2^exponent; few different ones, so that sums
// cancel.
uint16_t DrawBf16(int exponent, std::mt19937& random) {
  const auto bits = static_cast<uint32_t>(random());
  const uint32_t fraction = bits % 4 < 2 ? 0u : bits % 4 == 2 ? 1u : 127u;
  const auto field = static_cast<uint32_t>(exponent + kBf16Bias);
  return static_cast<uint16_t>((bits & 0x8000u) | (field << kBf16Bits) |
                               fraction);
}

float DrawSmallC(std::mt19937& random) {
  const auto bits = static_cast<uint32_t>(random());
  const uint32_t field = bits % 8 == 0 ? 30 : bits % 3 + 1;
  return std::bit_cast<float>((bits & 0x80000003u) | (field << 23));
}

struct Exponents {
  int a, b;       // of the elements that are not zero
  int64_t k;      // elements of K
  int64_t zeros;  // the first ones are zero
};

void ExpectEveryKernelExact(const Exponents& e, bool with_c) {
  std::mt19937 random(static_cast<uint32_t>(e.a * 77 + e.b + e.k));
  const auto draw = [&](int64_t rows, int exponent, int step) {
    std::vector<uint16_t> codes;
    for (int64_t r = 0; r < rows; ++r) {
      // Other groups of 16 rows have other exponents.
      const int row_exponent = exponent + static_cast<int>(r / 16) * step;
      for (int64_t k = 0; k < e.k; ++k) {
        const bool zero = k < e.zeros || random() % 3 == 0;
        codes.push_back(zero ? static_cast<uint16_t>(random() & 0x8000u)
                             : DrawBf16(row_exponent, random));
      }
    }
    return codes;
  };
  const std::vector<uint16_t> a_codes = draw(kM, e.a, 1);
  const std::vector<uint16_t> b_codes = draw(kN, e.b, 0);
  std::vector<float> c_words(kM * kN);
  for (float& x : c_words) x = DrawSmallC(random);
  const auto operand = [&](const std::vector<uint16_t>& codes, int64_t rows) {
    return ConstMatrixView{std::as_bytes(std::span(codes)), Format::kBF16, rows,
                           e.k, e.k};
  };
  testing::ExpectEveryKernelExact(
      FindArith("chain.f32"), operand(a_codes, kM), operand(b_codes, kN),
      with_c ? ConstMatrixView(F32View(c_words, kM, kN)) : ConstMatrixView(),
      fmt::format("exponents {} {} k {} zeros {}", e.a, e.b, e.k, e.zeros));
}

TEST(Chain, SumsAboutTheSmallestNormalNumber) {
  // Products are multiples of 2^(a + b - 14). The dot flushes nothing from
  // 2^-102 on, and something from 2^-126 down.
  for (int sum = -120; sum <= -80; ++sum) {
    for (const int a : {sum / 2, sum + 126, -126}) {
      if (sum - a < -126 || sum - a > 100) continue;
      for (const bool with_c : {false, true}) {
        ExpectEveryKernelExact({a, sum - a, 13, 0}, with_c);
      }
    }
  }
}

TEST(Chain, SubnormalSumsOfOnePassOnly) {
  // A pass of the BF16 dot is 1024 elements of K: the second one refuses.
  ExpectEveryKernelExact({-55, -57, 1030, 1024}, true);
  // The first one has zeros alone and keeps C.
  ExpectEveryKernelExact({-3, 5, 1030, 1024}, true);
  ExpectEveryKernelExact({-55, -56, 2100, 1000}, true);
}

TEST(Chain, SubnormalOperands) {
  // Times a large number, so that products are normal.
  ExpectEveryKernelExact({-127, 100, 9, 0}, true);
  ExpectEveryKernelExact({60, -127, 9, 0}, false);
}

}  // namespace
}  // namespace zeroulp
