// SPDX-License-Identifier: Apache-2.0
// A code taken apart: what an arithmetic unit sees.
#ifndef ZEROULP_EMULATION_NUMBER_H_
#define ZEROULP_EMULATION_NUMBER_H_

#include <cstdint>

#include "zeroulp/formats.h"

namespace zeroulp::emulation {

enum class Kind : uint8_t { kFinite, kInfinity, kNan };

// A finite number is (-1)^negative * significand * 2^exponent. The significand
// is the stored one, hidden bit included: subnormals are not normalised, zero
// has the exponent of the subnormals.
struct Number {
  Kind kind = Kind::kFinite;
  bool negative = false;
  uint32_t significand = 0;
  int exponent = 0;

  bool is_zero() const { return kind == Kind::kFinite && significand == 0; }
};

inline Number Unpack(const FormatInfo& f, uint32_t code) {
  const bool negative = f.has_sign && ((code >> (f.bits - 1)) & 1) != 0;
  const uint32_t fraction = code & ((1u << f.mantissa_bits) - 1);
  const uint32_t field =
      (code >> f.mantissa_bits) & ((1u << f.exponent_bits) - 1);
  const uint32_t top_field = (1u << f.exponent_bits) - 1;
  const uint32_t top_fraction = (1u << f.mantissa_bits) - 1;
  switch (f.specials) {
    case Specials::kIeee:
      if (field == top_field) {
        return {fraction == 0 ? Kind::kInfinity : Kind::kNan, negative};
      }
      break;
    case Specials::kNanAllOnes:
      if (field == top_field && fraction == top_fraction) {
        return {Kind::kNan, negative};
      }
      break;
    case Specials::kNanMinusZero:
      if (negative && field == 0 && fraction == 0) return {Kind::kNan, false};
      break;
    case Specials::kFinite:
      break;
  }
  if (field == 0 && f.has_zero) {
    return {Kind::kFinite, negative, fraction, 1 - f.bias - f.mantissa_bits};
  }
  return {Kind::kFinite, negative, fraction | (1u << f.mantissa_bits),
          static_cast<int>(field) - f.bias - f.mantissa_bits};
}

}  // namespace zeroulp::emulation

#endif  // ZEROULP_EMULATION_NUMBER_H_
