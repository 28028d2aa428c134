// SPDX-License-Identifier: Apache-2.0
#include "tools/record/random_codes.h"

#include <algorithm>

#include "zeroulp/random.h"

namespace zeroulp::record {

uint64_t Hash(std::string_view bytes) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : bytes) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  }
  return hash;
}

RandomCodes::RandomCodes(uint64_t seed, std::string_view name)
    : seed_(seed ^ Hash(name)) {}

uint32_t RandomCodes::Word() { return RandomWord(seed_, index_++); }

int RandomCodes::Below(int limit) {
  return static_cast<int>((uint64_t{Word()} * static_cast<uint32_t>(limit)) >>
                          32);
}

int RandomCodes::Between(int low, int high) {
  return low + Below(high - low + 1);
}

uint32_t RandomCodes::Finite(const FormatInfo& f) {
  for (;;) {
    const auto code = static_cast<uint32_t>(Word() & (f.num_codes() - 1));
    if ((code & f.magnitude_mask()) <= f.max_code()) return code;
  }
}

uint32_t RandomCodes::WithExponent(const FormatInfo& f, int low, int high) {
  const int min = f.min_exponent(), max = MaxExponent(f);
  const int exponent =
      Between(std::clamp(low, min, max), std::clamp(high, min, max));
  const uint32_t fraction = Word() & ((1u << f.mantissa_bits) - 1);
  const uint32_t magnitude =
      std::min(PowerOfTwo(f, exponent) | fraction, f.max_code());
  return magnitude | Sign(f);
}

uint32_t RandomCodes::Subnormal(const FormatInfo& f) {
  const int count = (1 << f.mantissa_bits) - 1;
  return static_cast<uint32_t>(1 + Below(count)) | Sign(f);
}

uint32_t RandomCodes::Special(const FormatInfo& f) {
  const uint32_t first = f.max_code() + 1;  // infinity, or the only NaN
  if (first > f.magnitude_mask()) return Finite(f);
  const auto count = static_cast<int>(
      std::min<uint32_t>(f.magnitude_mask() - first, 0x7FFFFFFEu));
  const uint32_t magnitude =
      OneIn(2) ? first : first + static_cast<uint32_t>(Between(0, count));
  return magnitude | Sign(f);
}

}  // namespace zeroulp::record
