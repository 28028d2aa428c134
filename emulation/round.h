// SPDX-License-Identifier: Apache-2.0
// RoundToF32: the only place of the oracle that rounds.
#ifndef ZEROULP_EMULATION_ROUND_H_
#define ZEROULP_EMULATION_ROUND_H_

#include <algorithm>
#include <cstdint>

#include "emulation/fixed.h"

namespace zeroulp::emulation {

// The binary32 word nearest to `sum`, ties to even, subnormals included; too
// large becomes infinity. `sum` is not zero.
inline uint32_t RoundToF32(const Fixed& sum) {
  const uint32_t sign = sum.negative() ? 0x80000000u : 0u;
  const Fixed magnitude = sum.negative() ? sum.Negated() : sum;
  // Exponent of the highest bit, and of the last place kept.
  const int top = magnitude.Width() - 1 + Fixed::kUnitExponent;
  const int last = std::max(top, -126) - 23;
  const int cut = last - Fixed::kUnitExponent;  // >= 151: below 2^-149
  uint64_t kept = magnitude.Bits(cut, 24);
  const bool half = magnitude.Bit(cut - 1);
  const bool rest = magnitude.AnyBitBelow(cut - 1);
  if (half && (rest || (kept & 1) != 0)) ++kept;
  // kept < 2^23 only if the result is subnormal (field 0). Its hidden bit and
  // a carry out of the fraction each add one to the exponent field.
  const int64_t field = last + 23 + 126;
  const uint64_t word = (static_cast<uint64_t>(field) << 23) + kept;
  return sign | static_cast<uint32_t>(std::min<uint64_t>(word, 0x7F800000u));
}

}  // namespace zeroulp::emulation

#endif  // ZEROULP_EMULATION_ROUND_H_
