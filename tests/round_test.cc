// SPDX-License-Identifier: Apache-2.0
// Mirrors emulation/fixed.h and emulation/round.h.
#include "emulation/round.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

namespace zeroulp::emulation {
namespace {

void AddDouble(Fixed& sum, double x) {
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(x), &exponent);
  sum.Add(std::signbit(x), static_cast<uint64_t>(std::ldexp(fraction, 53)),
          exponent - 53);
}

// The conversion double -> float is one rounding to nearest even.
void ExpectRoundsLikeDouble(double x) {
  Fixed sum;
  AddDouble(sum, x);
  EXPECT_EQ(Round(sum, Info(Format::kF32), 23, /*toward_zero=*/false),
            std::bit_cast<uint32_t>(static_cast<float>(x)))
      << x;
}

TEST(Round, EveryExponentWithRandomFractions) {
  std::mt19937_64 random(1);
  for (int exponent = -150; exponent <= 128; ++exponent) {
    for (int i = 0; i < 200; ++i) {
      const double fraction =
          1.0 + static_cast<double>(random() >> (12 + i % 40)) * 0x1p-52;
      ExpectRoundsLikeDouble(std::ldexp(fraction, exponent));
      ExpectRoundsLikeDouble(-std::ldexp(fraction, exponent));
    }
  }
}

TEST(Round, TiesSubnormalsAndOverflow) {
  for (const double x : {0x1.000001p0, 0x1.000003p0, 0x1.0000010000001p0,
                         0x1.fffffep127, 0x1.fffffefffffffp127, 0x1.ffffffp127,
                         0x1p128, 0x1p-149, 0x1p-150, 0x1.0000000000001p-150,
                         0x1.8p-149, 0x1.fffffffp-127, 0x1.fffffcp-127}) {
    ExpectRoundsLikeDouble(x);
    ExpectRoundsLikeDouble(-x);
  }
}

TEST(Fixed, SumsCancelExactlyOverTheWholeRange) {
  std::mt19937_64 random(2);
  Fixed sum;
  std::vector<double> terms;
  for (int i = 0; i < 1000; ++i) {
    const auto exponent = static_cast<int>(random() % 500) - 245;
    terms.push_back(
        std::ldexp(static_cast<double>(static_cast<int64_t>(random()) >> 11),
                   exponent - 52));
    AddDouble(sum, terms.back());
  }
  AddDouble(sum, 0x1p-200);
  for (const double x : terms) AddDouble(sum, -x);
  EXPECT_FALSE(sum.negative());
  EXPECT_EQ(sum.Width(), -200 - Fixed::kUnitExponent + 1);
}

}  // namespace
}  // namespace zeroulp::emulation
