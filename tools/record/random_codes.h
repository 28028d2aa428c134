// SPDX-License-Identifier: Apache-2.0
// Random codes of a number format by exponent, for generators of rows.
#ifndef ZEROULP_TOOLS_RECORD_RANDOM_CODES_H_
#define ZEROULP_TOOLS_RECORD_RANDOM_CODES_H_

#include <cstdint>
#include <string_view>

#include "zeroulp/formats.h"

namespace zeroulp::record {

// 64-bit FNV-1a.
uint64_t Hash(std::string_view bytes);

class RandomCodes {
 public:
  // Another sequence for every pair of seed and name.
  RandomCodes(uint64_t seed, std::string_view name);

  uint32_t Word();
  int Below(int limit);            // 0 ... limit - 1
  int Between(int low, int high);  // both included
  bool OneIn(int count) { return Below(count) == 0; }

  // Any finite code.
  uint32_t Finite(const FormatInfo& f);
  // A finite code, sign and fraction random, whose value has an exponent from
  // `low` to `high`, brought into the range of the normal numbers.
  uint32_t WithExponent(const FormatInfo& f, int low, int high);
  // Exponent field zero, not zero.
  uint32_t Subnormal(const FormatInfo& f);
  // Infinity or NaN, any payload and sign; a finite code where neither exists.
  uint32_t Special(const FormatInfo& f);
  uint32_t Sign(const FormatInfo& f) { return OneIn(2) ? f.sign_mask() : 0; }

 private:
  uint64_t seed_;
  uint64_t index_ = 0;
};

// The code of a power of two that the format has, 2^0 for one.
constexpr uint32_t PowerOfTwo(const FormatInfo& f, int exponent) {
  return static_cast<uint32_t>(exponent + f.bias) << f.mantissa_bits;
}

// The exponent of the largest finite value.
constexpr int MaxExponent(const FormatInfo& f) {
  return static_cast<int>(f.max_code() >> f.mantissa_bits) - f.bias;
}

}  // namespace zeroulp::record

#endif  // ZEROULP_TOOLS_RECORD_RANDOM_CODES_H_
