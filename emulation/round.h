// SPDX-License-Identifier: Apache-2.0
// Round: the only place of the oracle that rounds.
#ifndef ZEROULP_EMULATION_ROUND_H_
#define ZEROULP_EMULATION_ROUND_H_

#include <algorithm>
#include <cstdint>

#include "emulation/fixed.h"
#include "zeroulp/formats.h"

namespace zeroulp::emulation {

// The magnitude of `sum`, which is not zero, as a code of format `out` with
// only the first `fraction_bits` fraction bits (the others are zero),
// subnormals included. To nearest even or, if `toward_zero`, cut. As if
// exponents went on beyond the format's: what is larger than its codes has
// overflowed.
inline uint64_t RoundedMagnitude(const Fixed& sum, const FormatInfo& out,
                                 int fraction_bits, bool toward_zero) {
  const Fixed magnitude = sum.negative() ? sum.Negated() : sum;
  // Exponent of the highest bit, of the binade rounded in, of the last place.
  const int top = magnitude.Width() - 1 + Fixed::kUnitExponent;
  const int binade = std::max(top, out.min_exponent());
  const int cut = binade - fraction_bits - Fixed::kUnitExponent;
  uint64_t kept = magnitude.Bits(cut, fraction_bits + 1);
  const bool half = magnitude.Bit(cut - 1);
  const bool rest = magnitude.AnyBitBelow(cut - 1);
  if (!toward_zero && half && (rest || (kept & 1) != 0)) ++kept;
  // The hidden bit and a carry out of the fraction each add one to the
  // exponent field.
  return (static_cast<uint64_t>(binade - out.min_exponent())
          << out.mantissa_bits) +
         (kept << (out.mantissa_bits - fraction_bits));
}

// The code of `sum`, which is not zero. Too large becomes infinity, which `out`
// has, either way. Too small keeps its sign: -0.
inline uint32_t Round(const Fixed& sum, const FormatInfo& out,
                      int fraction_bits, bool toward_zero) {
  const uint64_t code = RoundedMagnitude(sum, out, fraction_bits, toward_zero);
  return (sum.negative() ? out.sign_mask() : 0u) |
         static_cast<uint32_t>(std::min<uint64_t>(code, out.infinity_code()));
}

}  // namespace zeroulp::emulation

#endif  // ZEROULP_EMULATION_ROUND_H_
