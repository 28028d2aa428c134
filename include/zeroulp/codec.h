// SPDX-License-Identifier: Apache-2.0
// Decode and Encode: one value at a time, for any row of kFormats, constexpr.
//
// This is the definition that every vectorised conversion is tested against.
#ifndef ZEROULP_CODEC_H_
#define ZEROULP_CODEC_H_

#include <array>
#include <bit>
#include <cstdint>

#include "zeroulp/formats.h"

namespace zeroulp {

// What happens to a magnitude that rounds beyond the largest finite one.
enum class Overflow : uint8_t {
  kIeee,      // infinity, or NaN where the format has none; formats with
              // neither (FP6, FP4) give the largest finite value. Roundings
              // that point toward zero stay at the largest finite value.
  kSaturate,  // the largest finite value, infinities included
  kSaturateFinite,  // the same, but infinities as under kIeee
};

// What NaN becomes. Where the format has one NaN code only, that.
enum class NanRule : uint8_t {
  // The canonical NaN code, with the sign of the input or sign clear; in
  // formats without NaN, the largest finite value, sign clear (PTX cvt).
  kKeepSign,
  kPositive,
  // The code whose magnitude bits are all ones, in every format.
  kOnesKeepSign,
  kOnesPositive,
  // Zero with the opposite sign, in every format.
  kInvertedZero,
};

// Everything that decides a code besides the value and the target format.
struct EncodeRules {
  Rounding rounding = Rounding::kNearestEven;
  Overflow overflow = Overflow::kSaturate;
  NanRule nan = NanRule::kKeepSign;

  friend constexpr bool operator==(const EncodeRules&,
                                   const EncodeRules&) = default;
};

// The codes that stand for what no rounding gives; [1] is for negative inputs.
struct SpecialCodes {
  std::array<uint32_t, 2> nan, infinity, overflow;
};

// Random bits for Rounding::kStochastic: `width` (1 to 32) low bits of `bits`
// are added to the discarded part, aligned to its top; a carry rounds away
// from zero.
struct RandomBits {
  uint32_t bits = 0;
  int width = 32;
};

namespace internal {

inline constexpr uint32_t kF32Infinity = 0x7F800000u;
inline constexpr uint32_t kF32Nan = 0x7FC00000u;

// True if a kept magnitude moves to the next one. `rest` holds the discarded
// low `shift` bits (0 < shift < 64).
constexpr bool RoundsAway(Rounding rounding, bool negative, bool kept_is_odd,
                          uint64_t rest, int shift, RandomBits random) {
  const uint64_t half = uint64_t{1} << (shift - 1);
  switch (rounding) {
    case Rounding::kNearestEven:
      return rest > half || (rest == half && kept_is_odd);
    case Rounding::kTowardZero:
      return false;
    case Rounding::kNearestAway:
      return rest >= half;
    case Rounding::kUp:
      return rest != 0 && !negative;
    case Rounding::kDown:
      return rest != 0 && negative;
    case Rounding::kAwayFromZero:
      return rest != 0;
    case Rounding::kOdd:
      return rest != 0 && !kept_is_odd;
    case Rounding::kStochastic: {
      const uint64_t top = shift >= random.width
                               ? rest >> (shift - random.width)
                               : rest << (random.width - shift);
      const uint64_t mask = (uint64_t{1} << random.width) - 1;
      return ((top + (random.bits & mask)) >> random.width) != 0;
    }
  }
  return false;
}

// True if a finite overflow stays at the largest finite magnitude although the
// overflow rule is kIeee.
constexpr bool StaysFinite(Rounding rounding, bool negative) {
  return rounding == Rounding::kTowardZero || rounding == Rounding::kOdd ||
         (rounding == Rounding::kUp && negative) ||
         (rounding == Rounding::kDown && !negative);
}

}  // namespace internal

// The value of a code; bits above the format's width are ignored. Exact: every
// value of every format is a binary32. NaN codes give 0x7FC00000 with the
// code's sign.
constexpr float Decode(const FormatInfo& f, uint32_t code) {
  const uint32_t magnitude = code & f.magnitude_mask();
  const bool negative = (code & f.sign_mask()) != 0;
  const uint32_t sign = negative ? 0x80000000u : 0u;
  if (f.specials == Specials::kNanMinusZero && negative && magnitude == 0) {
    return std::bit_cast<float>(internal::kF32Nan);
  }
  if (magnitude > f.max_code()) {
    const bool infinite = f.has_infinity() && magnitude == f.infinity_code();
    return std::bit_cast<float>(
        sign | (infinite ? internal::kF32Infinity : internal::kF32Nan));
  }
  // value = significand * 2^exponent. Integers only: the caller's rounding
  // and flush-to-zero modes must not matter.
  const uint32_t hidden = 1u << f.mantissa_bits;
  const uint32_t field = magnitude >> f.mantissa_bits;
  const bool normal = !f.has_zero || field != 0;
  uint32_t significand = magnitude & (hidden - 1);
  int exponent = f.min_ulp_exponent();
  if (normal) {
    significand |= hidden;
    exponent += static_cast<int>(field) - (f.has_zero ? 1 : 0);
  }
  if (significand == 0) return std::bit_cast<float>(sign);
  const int width = static_cast<int>(std::bit_width(significand));
  const int top = exponent + width - 1;  // floor(log2 value)
  const uint32_t word = top >= -126
                            ? (static_cast<uint32_t>(top + 127) << 23) |
                                  ((significand << (24 - width)) & 0x7FFFFFu)
                            : significand << (exponent + 149);
  return std::bit_cast<float>(sign | word);
}
constexpr float Decode(Format format, uint32_t code) {
  return Decode(Info(format), code);
}

// The special codes of a format under these rules. Infinity is a number that
// overflows; its code differs from that of finite overflow only where
// `rounding` points toward zero.
constexpr SpecialCodes SpecialsOf(const FormatInfo& f, Rounding rounding,
                                  Overflow overflow, NanRule nan) {
  SpecialCodes codes = {};
  for (const uint32_t negative : {0u, 1u}) {
    const uint32_t sign = negative != 0 ? f.sign_mask() : 0u;
    const bool one_nan =  // NaN has no sign
        f.specials == Specials::kNanMinusZero || !f.has_sign;
    const uint32_t beyond = f.has_infinity() ? f.infinity_code() | sign
                            : f.has_nan() ? f.nan_code() | (one_nan ? 0u : sign)
                                          : f.max_code() | sign;
    codes.infinity[negative] =
        overflow == Overflow::kSaturate ? f.max_code() | sign : beyond;
    codes.overflow[negative] =
        overflow != Overflow::kIeee ||
                internal::StaysFinite(rounding, negative != 0)
            ? f.max_code() | sign
            : beyond;
    const uint32_t quiet = f.has_nan() ? f.nan_code() : f.max_code();
    switch (nan) {
      case NanRule::kKeepSign:
        codes.nan[negative] = quiet | (one_nan || !f.has_nan() ? 0u : sign);
        break;
      case NanRule::kPositive:
        codes.nan[negative] = quiet;
        break;
      case NanRule::kOnesKeepSign:
        codes.nan[negative] = one_nan ? quiet : f.magnitude_mask() | sign;
        break;
      case NanRule::kOnesPositive:
        codes.nan[negative] = one_nan ? quiet : f.magnitude_mask();
        break;
      case NanRule::kInvertedZero:
        codes.nan[negative] = f.has_minus_zero() ? sign ^ f.sign_mask() : 0u;
        break;
    }
  }
  return codes;
}

// The code of `value` in one rounding. Minus zero keeps its sign where the
// format has one. Unsigned formats: UE4M3 drops the sign, E8M0 turns negative
// values into NaN and everything below 2^-127 into 2^-127.
constexpr uint32_t Encode(const FormatInfo& f, float value, Rounding rounding,
                          Overflow overflow, RandomBits random = {},
                          NanRule nan = NanRule::kKeepSign) {
  const uint32_t word = std::bit_cast<uint32_t>(value);
  const bool negative = (word >> 31) != 0;
  const uint32_t sign = negative ? f.sign_mask() : 0u;
  const uint32_t magnitude = word & 0x7FFFFFFFu;
  const SpecialCodes special = SpecialsOf(f, rounding, overflow, nan);

  if (magnitude > internal::kF32Infinity) return special.nan[negative];
  if (!f.has_zero && negative) return special.nan[1];
  if (magnitude == internal::kF32Infinity) return special.infinity[negative];

  // value = significand * 2^(exponent - 23), significand < 2^24
  const bool source_normal = (magnitude >> 23) != 0;
  const uint64_t significand =
      source_normal ? (magnitude & 0x7FFFFFu) | 0x800000u : magnitude;
  const int exponent =
      source_normal ? static_cast<int>(magnitude >> 23) - 127 : -126;
  // floor(log2 value), but not below the smallest normal of the target
  const int top = exponent - 24 + static_cast<int>(std::bit_width(significand));
  const int target =
      significand != 0 && top > f.min_exponent() ? top : f.min_exponent();
  const int shift = (target - f.mantissa_bits) - (exponent - 23);
  uint64_t kept = significand;
  if (shift <= 0) {
    kept <<= -shift;  // at most 24 bits: exact
  } else {
    // Past 24 + 32 bits nothing reaches a half or the top random bits.
    const int n = shift < 60 ? shift : 60;
    const uint64_t rest = significand & ((uint64_t{1} << n) - 1);
    kept >>= n;
    // Without fraction bits the lowest kept bit is the exponent's.
    const bool odd = f.mantissa_bits == 0
                         ? ((target - f.min_exponent()) & 1) != 0
                         : (kept & 1) != 0;
    kept += internal::RoundsAway(rounding, negative, odd, rest, n, random);
  }
  // A carry out of the fraction adds one to the exponent field by itself.
  uint64_t code = kept + (static_cast<uint64_t>(target - f.min_exponent())
                          << f.mantissa_bits);
  if (!f.has_zero) code = code == 0 ? 0 : code - 1;
  if (code > f.max_code()) return special.overflow[negative];
  const auto result = static_cast<uint32_t>(code);
  return result == 0 && !f.has_minus_zero() ? 0u : result | sign;
}
constexpr uint32_t Encode(Format format, float value, Rounding rounding,
                          Overflow overflow, RandomBits random = {},
                          NanRule nan = NanRule::kKeepSign) {
  return Encode(Info(format), value, rounding, overflow, random, nan);
}

constexpr uint32_t Encode(Format format, float value, const EncodeRules& rules,
                          RandomBits random = {}) {
  return Encode(Info(format), value, rules.rounding, rules.overflow, random,
                rules.nan);
}

static_assert(Decode(Format::kE4M3FN, 0x7E) == 448);
static_assert(Decode(Format::kE5M2, 0x7B) == 57344);
static_assert(Decode(Format::kE4M3, 0x77) == 240);
static_assert(Decode(Format::kE3M4, 0x6F) == 15.5);
static_assert(Decode(Format::kE4M3FNUZ, 0x7F) == 240);
static_assert(Decode(Format::kE5M2FNUZ, 0x7F) == 57344);
static_assert(Decode(Format::kE4M3B11FNUZ, 0x7F) == 30);
static_assert(Decode(Format::kE3M2FN, 0x1F) == 28);
static_assert(Decode(Format::kE2M3FN, 0x1F) == 7.5);
static_assert(Decode(Format::kE2M1FN, 0xF) == -6);
static_assert(Decode(Format::kUE4M3, 0x01) == 0x1p-9f);
static_assert(Decode(Format::kE8M0FNU, 0x00) == 0x1p-127f);
static_assert(Decode(Format::kE8M0FNU, 0xFE) == 0x1p127f);
static_assert(Decode(Format::kBF16, 0x0001) == 0x1p-133f);

}  // namespace zeroulp

#endif  // ZEROULP_CODEC_H_
