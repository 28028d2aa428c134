// SPDX-License-Identifier: Apache-2.0
// Codes taken apart, and their products: what an arithmetic unit sees.
#ifndef ZEROULP_EMULATION_NUMBER_H_
#define ZEROULP_EMULATION_NUMBER_H_

#include <cstdint>

#include "zeroulp/formats.h"

namespace zeroulp::emulation {

enum class Kind : uint8_t { kFinite, kInfinity, kNan };

// A finite number is (-1)^negative * significand * 2^unit. Nothing is ever
// normalised: the significand is the stored one, hidden bit included, and
// `exponent` is what an aligner compares: the exponent field less the bias, of
// subnormals that of the smallest normal; the sum of both factors' for a
// product, whose significand therefore lies in [0, 4) * 2^(exponent - unit).
struct Number {
  Kind kind = Kind::kFinite;
  bool negative = false;
  uint64_t significand = 0;
  int unit = 0;
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
  const bool subnormal = field == 0 && f.has_zero;
  const int exponent =
      subnormal ? 1 - f.bias : static_cast<int>(field) - f.bias;
  const uint32_t hidden = subnormal ? 0 : 1u << f.mantissa_bits;
  return {Kind::kFinite, negative, fraction | hidden,
          exponent - f.mantissa_bits, exponent};
}

// Exact; both significands together have at most 64 bits.
inline Number Multiply(const Number& a, const Number& b) {
  const bool negative = a.negative != b.negative;
  if (a.kind == Kind::kFinite && b.kind == Kind::kFinite) {
    return {Kind::kFinite, negative, a.significand * b.significand,
            a.unit + b.unit, a.exponent + b.exponent};
  }
  const bool nan = a.kind == Kind::kNan || b.kind == Kind::kNan ||
                   a.is_zero() || b.is_zero();  // infinity times zero
  return {nan ? Kind::kNan : Kind::kInfinity, negative};
}

}  // namespace zeroulp::emulation

#endif  // ZEROULP_EMULATION_NUMBER_H_
