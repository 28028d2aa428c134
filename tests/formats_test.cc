// SPDX-License-Identifier: Apache-2.0
// kFormats and codec.h: every code of every format, and conversions around
// every rounding boundary.
#include "zeroulp/formats.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "zeroulp/codec.h"

namespace zeroulp {
namespace {

bool IsNan(const FormatInfo& f, uint64_t code) {
  return std::isnan(Decode(f, static_cast<uint32_t>(code)));
}

// All codes, or for binary32 and tf32 a stride through them.
template <class Body>
void ForEachCode(const FormatInfo& f, const Body& body) {
  const uint64_t step = f.bits <= 16 ? 1 : f.num_codes() / 65521;
  for (uint64_t code = 0; code < f.num_codes(); code += step) {
    body(static_cast<uint32_t>(code));
  }
}

TEST(Formats, NamesAndAliasesAreUnique) {
  std::set<std::string> seen;
  for (const FormatInfo& f : kFormats) {
    std::string words = std::string(f.name) + " " + std::string(f.aliases);
    for (size_t at = 0; at < words.size();) {
      const size_t end = std::min(words.find(' ', at), words.size());
      const std::string word = words.substr(at, end - at);
      EXPECT_TRUE(seen.insert(word).second) << word << " names two formats";
      EXPECT_EQ(FindFormat(word).id, f.id) << word;
      at = end + 1;
    }
  }
}

TEST(Formats, UnknownNamesListTheKnownOnes) {
  for (const char* name : {"", "e4m4", "E4M3FN ", "fp8", "e5m2 e4m3fn"}) {
    try {
      FindFormat(name);
      FAIL() << name;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kUnknownName);
      EXPECT_NE(std::string(e.what()).find("e2m1fn"), std::string::npos);
      EXPECT_NE(std::string(e.what()).find(name), std::string::npos);
    }
  }
}

struct Limits {
  Format format;
  double max, min_normal, min_subnormal;
};

TEST(Formats, LimitsArePublishedOnes) {
  // OFP8 1.0 table 1; MX 1.0 tables 2 and 3; ml_dtypes README.
  const Limits limits[] = {
      {Format::kE5M2, 57344, 0x1p-14, 0x1p-16},
      {Format::kE4M3FN, 448, 0x1p-6, 0x1p-9},
      {Format::kE4M3, 240, 0x1p-6, 0x1p-9},
      {Format::kE3M4, 15.5, 0x1p-2, 0x1p-6},
      {Format::kE4M3FNUZ, 240, 0x1p-7, 0x1p-10},
      {Format::kE5M2FNUZ, 57344, 0x1p-15, 0x1p-17},
      {Format::kE4M3B11FNUZ, 30, 0x1p-10, 0x1p-13},
      {Format::kE3M2FN, 28, 0x1p-2, 0x1p-4},
      {Format::kE2M3FN, 7.5, 1, 0x1p-3},
      {Format::kE2M1FN, 6, 1, 0.5},
      {Format::kUE4M3, 448, 0x1p-6, 0x1p-9},
      {Format::kF16, 65504, 0x1p-14, 0x1p-24},
      {Format::kF32, std::numeric_limits<float>::max(), 0x1p-126, 0x1p-149},
  };
  for (const Limits& l : limits) {
    const FormatInfo& f = Info(l.format);
    EXPECT_EQ(Decode(f, f.max_code()), l.max) << f.name;
    EXPECT_EQ(Decode(f, f.min_normal_code()), l.min_normal) << f.name;
    EXPECT_EQ(Decode(f, 1), l.min_subnormal) << f.name;
  }
}

TEST(Formats, DecodeFollowsTheFormula) {
  for (const FormatInfo& f : kFormats) {
    ForEachCode(f, [&](uint32_t code) {
      const float value = Decode(f, code);
      if (!std::isfinite(value)) return;
      const uint32_t magnitude = code & f.magnitude_mask();
      const uint32_t field = magnitude >> f.mantissa_bits;
      const double fraction = std::ldexp(
          magnitude & ((1u << f.mantissa_bits) - 1), -f.mantissa_bits);
      const bool normal = field > 0 || !f.has_zero;
      const int exponent = static_cast<int>(normal ? field : 1u) - f.bias;
      double expected = std::ldexp(fraction + (normal ? 1 : 0), exponent);
      if ((code & f.sign_mask()) != 0) expected = -expected;
      ASSERT_EQ(static_cast<double>(value), expected) << f.name << " " << code;
      ASSERT_EQ(std::signbit(value), (code & f.sign_mask()) != 0);
    });
  }
}

TEST(Formats, CountsOfSpecialCodes) {
  for (const FormatInfo& f : kFormats) {
    if (f.bits > 16) continue;
    uint64_t finite = 0;
    ForEachCode(f, [&](uint32_t c) { finite += std::isfinite(Decode(f, c)); });
    EXPECT_EQ(finite, f.num_finite_codes()) << f.name;
  }
  EXPECT_TRUE(IsNan(Info(Format::kE4M3FNUZ), 0x80));
  EXPECT_EQ(Decode(Format::kE4M3, 0x78),
            std::numeric_limits<float>::infinity());
  EXPECT_EQ(Decode(Format::kE5M2, 0xFC),
            -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(IsNan(Info(Format::kE4M3), 0x79));
  EXPECT_TRUE(IsNan(Info(Format::kE8M0FNU), 0xFF));
  EXPECT_TRUE(IsNan(Info(Format::kUE4M3), 0x7F));
  // Bits that are not the code's are not looked at.
  EXPECT_EQ(Decode(Format::kUE4M3, 0xB8), Decode(Format::kUE4M3, 0x38));
  EXPECT_EQ(Decode(Format::kE2M1FN, 0xF5), 3.0f);
}

constexpr Rounding kAllRoundings[] = {
    Rounding::kNearestEven, Rounding::kTowardZero, Rounding::kNearestAway,
    Rounding::kUp,          Rounding::kDown,       Rounding::kAwayFromZero,
    Rounding::kOdd,         Rounding::kStochastic};

TEST(Codec, EveryCodeSurvivesEveryRounding) {
  for (const FormatInfo& f : kFormats) {
    ForEachCode(f, [&](uint32_t code) {
      const float value = Decode(f, code);
      if (std::isnan(value)) return;
      for (const Rounding rounding : kAllRoundings) {
        if (std::isinf(value)) {
          EXPECT_EQ(Encode(f, value, rounding, Overflow::kSaturate),
                    f.max_code() | (code & f.sign_mask()));
        } else {
          ASSERT_EQ(Encode(f, value, rounding, Overflow::kSaturate,
                           {0xFFFFFFFFu, 32}),
                    code)
              << f.name;
        }
        ASSERT_EQ(Encode(f, value, rounding, Overflow::kIeee), code) << f.name;
      }
    });
  }
}

// Rounding by its definition: of the two neighbours in real numbers, the one
// the mode names. Formats are small enough to search.
uint32_t Nearest(const FormatInfo& f, float value, Rounding rounding) {
  const bool negative = std::signbit(value);
  const double x = std::fabs(static_cast<double>(value));
  uint32_t low = 0;
  while (low < f.max_code() && Decode(f, low + 1) <= x) ++low;
  const double below = Decode(f, low);
  if (below == x) return low;
  const double above =
      low < f.max_code()
          ? Decode(f, low + 1)
          : below + (below - double{Decode(f, low - 1)});  // as if it existed
  const uint32_t high = low + 1;
  switch (rounding) {
    case Rounding::kNearestEven:
      if (x - below != above - x) return x - below < above - x ? low : high;
      return low % 2 == 0 ? low : high;
    case Rounding::kNearestAway:
      return x - below < above - x ? low : high;
    case Rounding::kTowardZero:
      return low;
    case Rounding::kAwayFromZero:
      return high;
    case Rounding::kUp:
      return negative ? low : high;
    case Rounding::kDown:
      return negative ? high : low;
    case Rounding::kOdd:
    case Rounding::kStochastic:
      break;
  }
  return low % 2 == 0 ? high : low;
}

TEST(Codec, BothNeighboursOfEveryRoundingBoundary) {
  for (const FormatInfo& f : kFormats) {
    if (f.bits > 8 || !f.has_zero) continue;
    std::vector<float> inputs = {0.0f, 0x1p-149f, 0x1p-126f, 1e30f};
    for (uint32_t code = 0; code <= f.max_code(); ++code) {
      const double here = Decode(f, code);
      const double next = code < f.max_code()
                              ? double{Decode(f, code + 1)}
                              : 2 * here - double{Decode(f, code - 1)};
      for (const double x : {here, (here + next) / 2, next}) {
        const auto middle = static_cast<float>(x);
        inputs.insert(inputs.end(), {std::nextafter(middle, 0.0f), middle,
                                     std::nextafter(middle, 1e38f)});
      }
    }
    for (const float magnitude : inputs) {
      for (const float value : {magnitude, -magnitude}) {
        for (const Rounding rounding : kAllRoundings) {
          if (rounding == Rounding::kStochastic) continue;
          const uint32_t expected = Nearest(f, value, rounding);
          if (expected > f.max_code()) continue;  // see the overflow tests
          uint32_t sign = value < 0 || std::signbit(value) ? f.sign_mask() : 0;
          if (expected == 0 && !f.has_minus_zero()) sign = 0;
          ASSERT_EQ(Encode(f, value, rounding, Overflow::kSaturate),
                    expected | sign)
              << f.name << " " << value << " rounding "
              << static_cast<int>(rounding);
        }
      }
    }
  }
}

TEST(Codec, OverflowIsJudgedAfterRounding) {
  const auto rne = [](Format f, float x, Overflow o) {
    return Encode(f, x, Rounding::kNearestEven, o);
  };
  constexpr Overflow kIeee = Overflow::kIeee, kSat = Overflow::kSaturate;
  EXPECT_EQ(rne(Format::kE4M3FN, 464.0f, kIeee), 0x7Eu);  // ties to even
  EXPECT_EQ(rne(Format::kE4M3FN, 464.0001f, kIeee), 0x7Fu);
  EXPECT_EQ(rne(Format::kE4M3FN, -1e9f, kIeee), 0xFFu);
  EXPECT_EQ(rne(Format::kE4M3FN, -1e9f, kSat), 0xFEu);
  EXPECT_EQ(rne(Format::kE5M2, 61439.99f, kIeee), 0x7Bu);
  EXPECT_EQ(rne(Format::kE5M2, 61440.0f, kIeee), 0x7Cu);
  EXPECT_EQ(rne(Format::kE4M3, 248.0f, kIeee), 0x78u);
  EXPECT_EQ(rne(Format::kE3M4, 15.75f, kIeee), 0x70u);
  EXPECT_EQ(rne(Format::kE4M3FNUZ, -248.0f, kIeee), 0x80u);
  EXPECT_EQ(rne(Format::kE4M3B11FNUZ, 31.0f, kIeee), 0x80u);
  EXPECT_EQ(rne(Format::kE2M1FN, 7.1f, kIeee), 0x7u);
  EXPECT_EQ(rne(Format::kE2M1FN, 5.0f, kIeee), 0x6u);
  EXPECT_EQ(rne(Format::kE3M2FN, -31.0f, kIeee), 0x3Fu);
  EXPECT_EQ(rne(Format::kF16, 65520.0f, kIeee), 0x7C00u);
  EXPECT_EQ(rne(Format::kF16, 65519.99f, kIeee), 0x7BFFu);
  const auto directed = [](Rounding r, float x) {
    return Encode(Format::kE5M2, x, r, kIeee);
  };
  EXPECT_EQ(directed(Rounding::kTowardZero, 1e9f), 0x7Bu);
  EXPECT_EQ(directed(Rounding::kUp, 57345.0f), 0x7Cu);
  EXPECT_EQ(directed(Rounding::kUp, -1e9f), 0xFBu);
  EXPECT_EQ(directed(Rounding::kDown, -57345.0f), 0xFCu);
}

TEST(Codec, SpecialInputs) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const auto rne = [](Format f, float x, Overflow o) {
    return Encode(f, x, Rounding::kNearestEven, o);
  };
  constexpr Overflow kIeee = Overflow::kIeee, kSat = Overflow::kSaturate;
  EXPECT_EQ(rne(Format::kE4M3FN, -nan, kSat), 0xFFu);
  EXPECT_EQ(rne(Format::kE5M2, nan, kSat), 0x7Eu);
  EXPECT_EQ(rne(Format::kE4M3FNUZ, nan, kSat), 0x80u);
  EXPECT_EQ(rne(Format::kE2M1FN, -nan, kSat), 0x7u);
  EXPECT_EQ(rne(Format::kE5M2, -inf, kIeee), 0xFCu);
  EXPECT_EQ(rne(Format::kE5M2, -inf, kSat), 0xFBu);
  EXPECT_EQ(rne(Format::kE4M3FN, inf, kIeee), 0x7Fu);
  EXPECT_EQ(rne(Format::kE4M3FN, -0.0f, kSat), 0x80u);
  EXPECT_EQ(rne(Format::kE4M3FN, -1e-20f, kSat), 0x80u);
  EXPECT_EQ(rne(Format::kE4M3FNUZ, -0.0f, kSat), 0x00u);
  EXPECT_EQ(rne(Format::kE4M3FNUZ, -1e-20f, kSat), 0x00u);
  EXPECT_EQ(rne(Format::kUE4M3, -2.0f, kSat), 0x40u);
  EXPECT_EQ(rne(Format::kE8M0FNU, -2.0f, kSat), 0xFFu);
  EXPECT_EQ(rne(Format::kE8M0FNU, 2.0f, kSat), 0x80u);
  EXPECT_EQ(rne(Format::kE8M0FNU, 0.0f, kSat), 0x00u);
  EXPECT_EQ(rne(Format::kE8M0FNU, 0x1.8p127f, kSat), 0xFEu);
}

TEST(Codec, StochasticRoundingCountsTheDiscardedBits) {
  // 1 + 3/8 of the way from 1.0 to 1.125 in e4m3fn: up for 3 of 8 numbers.
  const float value = 1.0f + 3.0f / 64.0f;
  int up = 0;
  for (uint32_t bits = 0; bits < 8; ++bits) {
    const uint32_t code = Encode(Format::kE4M3FN, value, Rounding::kStochastic,
                                 Overflow::kSaturate, {bits, 3});
    EXPECT_TRUE(code == 0x38 || code == 0x39);
    up += code == 0x39;
  }
  EXPECT_EQ(up, 3);
}

}  // namespace
}  // namespace zeroulp
