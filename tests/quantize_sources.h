// SPDX-License-Identifier: Apache-2.0
// Matrices to quantise, drawn to land on the boundaries of scale rules.
#ifndef ZEROULP_TESTS_QUANTIZE_SOURCES_H_
#define ZEROULP_TESTS_QUANTIZE_SOURCES_H_

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace zeroulp::testing {

enum class Source {
  kGaussian,
  kHeavyTailed,  // magnitudes over 60 binades
  kAnyFinite,    // every exponent
  kSubnormal,    // and zeros
  kZeroBlocks,   // most elements zero, of both signs
  kSpecials,     // some NaN and infinities
  kInfinities,   // some infinities, no NaN
  kTies,         // few significant bits: halves of units in the last place
  kEdges,        // largest magnitudes at and beside the boundaries of rules
  kHuge,         // next to the largest finite number
};

inline constexpr Source kSources[] = {Source::kGaussian,   Source::kHeavyTailed,
                                      Source::kAnyFinite,  Source::kSubnormal,
                                      Source::kZeroBlocks, Source::kSpecials,
                                      Source::kInfinities, Source::kTies,
                                      Source::kEdges,      Source::kHuge};

// A significand of the largest magnitude of a block where some rule changes
// its answer: powers of two, the largest values of the element formats, and
// the points where `even` carries; and the neighbours of each.
inline float EdgeSignificand(uint32_t bits) {
  constexpr float kEdges[] = {1.0f,   1.25f,   1.5f,     1.75f,
                              1.875f, 1.9375f, 1.96875f, 1.984375f};
  const uint32_t word = std::bit_cast<uint32_t>(kEdges[bits % 8]);
  return std::bit_cast<float>(word + (bits >> 3) % 3 - 1);
}

// The exponent around which the elements of a row lie.
inline int RowExponent(uint32_t bits, int wanted) {
  return static_cast<int>(bits % static_cast<uint32_t>(2 * wanted + 1)) -
         wanted;
}

inline float DrawElement(Source source, int exponent, std::mt19937& random) {
  const auto bits = static_cast<uint32_t>(random());
  const float sign = (bits & 1) != 0 ? -1.0f : 1.0f;
  const bool rare = (bits >> 8) % 61 == 0;
  std::normal_distribution<float> normal;
  switch (source) {
    case Source::kGaussian:
      return normal(random);
    case Source::kHeavyTailed:
      return std::ldexp(normal(random), RowExponent(bits >> 4, 30));
    case Source::kAnyFinite: {
      const uint32_t word = static_cast<uint32_t>(random());
      return std::bit_cast<float>(
          (word & 0x7F800000u) == 0x7F800000u ? word ^ 0x40000000u : word);
    }
    case Source::kSubnormal:
      return sign * std::bit_cast<float>(bits % 5 == 0 ? 0 : (bits >> 9));
    case Source::kZeroBlocks:
      return rare ? normal(random) : sign * 0.0f;
    case Source::kSpecials:
      if (!rare) return normal(random);
      return std::bit_cast<float>(static_cast<uint32_t>(random()) |
                                  0x7F800000u);
    case Source::kInfinities:
      return rare ? sign * INFINITY : normal(random);
    case Source::kTies:
      return std::ldexp(sign * static_cast<float>((bits >> 4) % 128), exponent);
    case Source::kEdges: {  // about one element in 16 decides the amax
      const uint32_t below = bits >> 28 == 0 ? 0 : 1 + (bits >> 20) % 8;
      return sign * std::ldexp(EdgeSignificand(bits >> 4),
                               exponent - static_cast<int>(below));
    }
    case Source::kHuge:
      return sign * std::bit_cast<float>(0x7F7FFFFFu - ((bits >> 4) % 4096));
  }
  return 0;
}

// rows x cols elements with `stride` a row. Rows differ in exponent.
inline std::vector<float> DrawSource(Source source, int64_t rows, int64_t cols,
                                     int64_t stride, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> values(static_cast<size_t>(rows * stride), -77.0f);
  for (int64_t row = 0; row < rows; ++row) {
    const int exponent = RowExponent(static_cast<uint32_t>(random()), 130);
    for (int64_t col = 0; col < cols; ++col) {
      values[static_cast<size_t>(row * stride + col)] =
          DrawElement(source, exponent, random);
    }
  }
  return values;
}

}  // namespace zeroulp::testing

#endif  // ZEROULP_TESTS_QUANTIZE_SOURCES_H_
