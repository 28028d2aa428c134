// SPDX-License-Identifier: Apache-2.0
// Lanes -> codes, for any row of kFormats of at most 19 bits: one rounding.

#if defined(ZEROULP_KERNELS_ENCODE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_ENCODE_INL_H_
#undef ZEROULP_KERNELS_ENCODE_INL_H_
#else
#define ZEROULP_KERNELS_ENCODE_INL_H_
#endif

#include <bit>
#include <cstdint>

#include "kernels/narrow-inl.h"
#include "kernels/ops-inl.h"
#include "zeroulp/codec.h"
#include "zeroulp/formats.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// The binary32 exponent field of the target's smallest normal.
inline uint32_t MinField(const FormatInfo& f) {
  return static_cast<uint32_t>(f.min_exponent() + 127);
}

#if ZEROULP_TARGET_HAS_512
// Rounds to nearest even by the rounding of one binary32 addition. p is the
// power of two at or below |x|, at least the target's smallest normal.
// p * 2^(23 - M) + |x| has the target's last place as its own, so that the
// sum's low bits are |x| rounded:
//   sum | 0 | exponent of p + 23 - M | 0 ... 0 rounded significand |
// and adding its exponent field at the target's position makes them the code.
// Overflow needs no test: |x| is cut to the value whose code it gets. The
// operations name their rounding and raise no flags; that they may take
// subnormals for zero changes nothing: those round to zero.
class FloatRounding {
 public:
  // p * 2^(23 - M) must not overflow, nor infinity differ from other overflow.
  static bool Takes(const FormatInfo& f, const SpecialCodes& special) {
    return f.has_zero && MinField(f) > 1 &&
           special.infinity == special.overflow;
  }

  FloatRounding(const FormatInfo& f, const SpecialCodes& special)
      : exponent_shift_(hn::Set(DU(), ExponentPlace(f))),
        cap_(hn::Set(DF(), Cap(f, special.overflow[0]))),
        min_power_(hn::Set(DF(), std::bit_cast<float>(MinField(f) << 23))),
        to_last_place_(
            hn::Set(DF(), static_cast<float>(1 << (23 - f.mantissa_bits)))) {}

  // Magnitude codes plus Offset, modulo kCodeMask + 1. Not for NaN.
  static constexpr uint32_t kCodeMask = 0x007FFFFFu;
  static uint32_t Offset(const FormatInfo& f) {
    return (MinField(f) + ExponentPlace(f)) << f.mantissa_bits;
  }
  // How far a binary32 exponent field is above the target's.
  static uint32_t ExponentPlace(const FormatInfo& f) {
    return static_cast<uint32_t>(23 - f.mantissa_bits);
  }
  HWY_INLINE VU Rounded(VF values) const {
    const VU sum = Sum(values);
    return hn::Add(sum, sum >> exponent_shift_);
  }

  // The sum itself.
  HWY_INLINE VU Sum(VF values) const {
    const DU du;
    const VF capped = CapMagnitude(values, cap_);
    const VF power = hn::Max(
        hn::BitCast(DF(),
                    hn::And(hn::BitCast(du, capped), hn::Set(du, 0x7F800000u))),
        min_power_);
    return hn::BitCast(du, MulAddNearestEven(power, to_last_place_, capped));
  }

 private:
  // The value of magnitude code `code`, which is the largest finite one or the
  // one after it, taken for a number.
  static float Cap(const FormatInfo& f, uint32_t code) {
    const float max = Decode(f, f.max_code());
    return code == f.max_code() ? max : 2 * max - Decode(f, f.max_code() - 1);
  }

  VU exponent_shift_;
  VF cap_, min_power_, to_last_place_;
};
#endif

// Turns binary32 values into codes, one in each 32-bit lane, higher bits zero.
// The format and the rules are data: they become a handful of constants. The
// bits do not depend on the caller's floating-point environment, and equal
// those of the scalar Encode.
//
// A magnitude is split at the target's last place into `kept` and the fraction
// of a unit that is discarded, in units of 2^-32. Every rounding is a threshold
// that the fraction must exceed for `kept` to grow by one:
//   nearest even 2^31 - (kept is odd)   toward zero  never
//   nearest away 2^31 - 1               away         0
//   odd          0, or never if kept is odd
//   stochastic   2^32 - 1 - random      up, down     0 or never, by sign
template <Rounding kRounding>
class Encoder {
 public:
  Encoder(const FormatInfo& f, Overflow overflow,
          NanRule nan = NanRule::kKeepSign, int random_width = 32)
      : Encoder(f, SpecialsOf(f, kRounding, overflow, nan), random_width) {}

  // Codes of `values`.
  HWY_INLINE VU operator()(VF values) const {
    static_assert(kRounding != Rounding::kStochastic);
#if ZEROULP_TARGET_HAS_512
    if constexpr (kRounding == Rounding::kNearestEven) {
      if (by_float_) return NearestEvenByFloat(values);
    }
#endif
    return Encode(hn::BitCast(DU(), values), hn::Zero(DU()));
  }

  // The same for Rounding::kStochastic: the top `random_width` bits of a lane
  // of `random` are RandomBits::bits, the others are ignored.
  HWY_INLINE VU operator()(VF values, VU random) const {
    static_assert(kRounding == Rounding::kStochastic);
    return Encode(hn::BitCast(DU(), values), random);
  }

 private:
  Encoder(const FormatInfo& f, const SpecialCodes& special, int random_width)
      : has_zero_(f.has_zero),
        same_exponents_(MinField(f) == 1),
        mantissa_bits_(f.mantissa_bits),
        min_field_(Set(MinField(f))),
        shift_(Set(static_cast<uint32_t>(23 - f.mantissa_bits))),
        base_(Set(MinField(f) << f.mantissa_bits)),
        max_(Set(f.max_code())),
        sign_(Set(f.sign_mask())),
        minus_zero_(Set(f.has_minus_zero() ? f.sign_mask() : 0u)),
        overflow_(Set(special.overflow[0])),
        overflow_flip_(Set(special.overflow[0] ^ special.overflow[1])),
        infinity_(Set(special.infinity[0])),
        infinity_flip_(Set(special.infinity[0] ^ special.infinity[1])),
        nan_(Set(special.nan[0])),
        nan_flip_(Set(special.nan[0] ^ special.nan[1])),
        random_mask_(Set(~0u << (32 - random_width)))
#if ZEROULP_TARGET_HAS_512
        ,
        by_float_(FloatRounding::Takes(f, special)),
        float_offset_(Set(FloatRounding::Offset(f))),
        float_(f, special)
#endif
  {
  }

  static HWY_INLINE VU Set(uint32_t value) { return hn::Set(DU(), value); }

  // All ones in lanes whose sign bit is set.
  static HWY_INLINE VU Smear(VU word) {
    return hn::BitCast(DU(), hn::ShiftRight<31>(hn::BitCast(DI(), word)));
  }

  static HWY_INLINE VU Threshold(VU kept, VU minus, VU random) {
    const VU never = Set(~0u);
    const VU odd = hn::And(kept, Set(1));
    switch (kRounding) {
      case Rounding::kNearestEven:
        return hn::Sub(Set(0x80000000u), odd);
      case Rounding::kTowardZero:
        return never;
      case Rounding::kNearestAway:
        return Set(0x7FFFFFFFu);
      case Rounding::kUp:
        return minus;
      case Rounding::kDown:
        return hn::Xor(minus, never);
      case Rounding::kAwayFromZero:
        return Set(0);
      case Rounding::kOdd:
        return hn::Sub(Set(0), odd);
      case Rounding::kStochastic:
        return hn::Xor(random, never);
    }
    return never;
  }

  HWY_INLINE VU Encode(VU word, VU random) const {
    const DU du;
    const VU magnitude = hn::And(word, Set(0x7FFFFFFFu));
    const VU minus = Smear(word);
    VU code = has_zero_ ? Finite(magnitude, minus, random)
                        : PowerOfTwo(magnitude, minus, random);
    const auto is_zero = hn::Eq(code, hn::Zero(du));
    const auto is_over = hn::Gt(code, max_);
    const VU sign = hn::And(minus, hn::IfThenElse(is_zero, minus_zero_, sign_));
    code = hn::Or(code, sign);
    code = hn::IfThenElse(
        is_over, hn::Xor(overflow_, hn::And(minus, overflow_flip_)), code);
    const VU infinity = Set(0x7F800000u);
    code = hn::IfThenElse(hn::Eq(magnitude, infinity),
                          hn::Xor(infinity_, hn::And(minus, infinity_flip_)),
                          code);
    // A format without zero has no negative numbers either.
    const VU with_sign = has_zero_ ? magnitude : word;
    return hn::IfThenElse(hn::Gt(with_sign, infinity),
                          hn::Xor(nan_, hn::And(minus, nan_flip_)), code);
  }

  // Magnitude codes; beyond the largest one they go on as if there were more.
  HWY_INLINE VU Finite(VU magnitude, VU minus, VU random) const {
    const VU one = Set(1);
    if (same_exponents_) {  // bf16, tf32: the codes are the words cut short
      const VU kept = magnitude >> shift_;
      VU fraction = magnitude << hn::Sub(Set(32), shift_);
      if constexpr (kRounding == Rounding::kStochastic) {
        fraction = hn::And(fraction, random_mask_);
        random = hn::And(random, random_mask_);
      }
      const auto grows = hn::Gt(fraction, Threshold(kept, minus, random));
      return hn::IfThenElse(grows, hn::Add(kept, one), kept);
    }
    // Subnormal binary32 values have the exponent of field 1, no hidden bit.
    const VU field = hn::Max(hn::ShiftRight<23>(magnitude), one);
    const VU significand =
        hn::Sub(magnitude, hn::ShiftLeft<23>(hn::Sub(field, one)));
    const VU target_field = hn::Max(field, min_field_);
    const VU shift = hn::Add(hn::Sub(target_field, field), shift_);
    // Past 31 places only "not zero" is left, and of random bits nothing is
    // lost as long as the fraction is: see below.
    const VU places = hn::Min(shift, Set(31));
    const VU kept = significand >> places;
    VU fraction = significand << hn::Sub(Set(32), places);
    if constexpr (kRounding == Rounding::kStochastic) {
      const VU more = hn::Sub(hn::Max(shift, Set(32)), Set(32));
      fraction =
          hn::IfThenElse(hn::Gt(shift, Set(31)),
                         significand >> hn::Min(more, Set(31)), fraction);
      fraction = hn::And(fraction, random_mask_);
      random = hn::And(random, random_mask_);
    }
    const auto grows = hn::Gt(fraction, Threshold(kept, minus, random));
    const VU code = hn::Add(
        kept, hn::Sub(hn::ShiftLeftSame(target_field, mantissa_bits_), base_));
    return hn::IfThenElse(grows, hn::Add(code, one), code);
  }

  // E8M0: the exponent field is the code, 2^-127 the smallest number.
  HWY_INLINE VU PowerOfTwo(VU magnitude, VU minus, VU random) const {
    const VU field = hn::ShiftRight<23>(magnitude);
    // 2^-127 is the top bit of a subnormal fraction.
    const VU subnormal = hn::IfThenElseZero(hn::Gt(magnitude, Set(0x3FFFFFu)),
                                            hn::ShiftLeft<10>(magnitude));
    VU fraction = hn::IfThenElse(hn::Eq(field, hn::Zero(DU())), subnormal,
                                 hn::ShiftLeft<9>(magnitude));
    if constexpr (kRounding == Rounding::kStochastic) {
      fraction = hn::And(fraction, random_mask_);
      random = hn::And(random, random_mask_);
    }
    const auto grows = hn::Gt(fraction, Threshold(field, minus, random));
    return hn::IfThenElse(grows, hn::Add(field, Set(1)), field);
  }

  bool has_zero_, same_exponents_;
  int mantissa_bits_;
  VU min_field_, shift_, base_, max_, sign_, minus_zero_;
  VU overflow_, overflow_flip_, infinity_, infinity_flip_, nan_, nan_flip_;
  VU random_mask_;

#if ZEROULP_TARGET_HAS_512
  HWY_INLINE VU NearestEvenByFloat(VF values) const {
    const DU du;
    const VU code = hn::And(hn::Sub(float_.Rounded(values), float_offset_),
                            Set(FloatRounding::kCodeMask));
    const VU minus = Smear(hn::BitCast(du, values));
    const VU sign =
        hn::IfThenElse(hn::Eq(code, hn::Zero(du)), minus_zero_, sign_);
    return hn::IfThenElse(hn::RebindMask(du, hn::IsNaN(values)),
                          hn::Xor(nan_, hn::And(minus, nan_flip_)),
                          hn::Or(code, hn::And(minus, sign)));
  }

  bool by_float_;
  VU float_offset_;
  FloatRounding float_;
#endif
};

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_ENCODE_INL_H_
