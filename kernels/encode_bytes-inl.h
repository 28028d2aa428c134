// SPDX-License-Identifier: Apache-2.0
// 64 values -> 64 codes of at most 8 bits, to nearest even, where bytes of
// different lanes can be permuted.

#if defined(ZEROULP_KERNELS_ENCODE_BYTES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_ENCODE_BYTES_INL_H_
#undef ZEROULP_KERNELS_ENCODE_BYTES_INL_H_
#else
#define ZEROULP_KERNELS_ENCODE_BYTES_INL_H_
#endif

#include <bit>
#include <cstdint>

#include "kernels/encode-inl.h"
#include "kernels/narrow-inl.h"
#include "zeroulp/codec.h"
#include "zeroulp/formats.h"

#if HWY_TARGET == HWY_AVX3_DL

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// Encoder<Rounding::kNearestEven> for four vectors at once. All that is left of
// it in 32-bit lanes is the sum that rounds; significand, exponent and sign are
// fields of 8 bits from there, gathered into bytes and added 64 at a time. NaN
// is rare: it costs a test, and a detour where there is one.
class ByteEncoder {
 public:
  // Whether ByteEncoder computes these codes.
  static bool Takes(const FormatInfo& f, const EncodeRules& rules) {
    return f.bits <= 8 && rules.rounding == Rounding::kNearestEven &&
           FloatRounding::Takes(f, Specials(f, rules));
  }

  ByteEncoder(const FormatInfo& f, const EncodeRules& rules)
      : ByteEncoder(f, Specials(f, rules)) {}

  // Byte 4 * lane + v is the code of that lane of vector v: a, b, c, d.
  HWY_INLINE VB operator()(VF a, VF b, VF c, VF d) const {
    const DB db;
    const DU du;
    const VU sum_a = float_.Sum(a), sum_b = float_.Sum(b);
    const VU sum_c = float_.Sum(c), sum_d = float_.Sum(d);
    const auto gather = [&](VB first) HWY_ATTR {
      VB all = InsertBits(hn::Zero(db), kBytesOfA, first, sum_a);
      all = InsertBits(all, kBytesOfA << 1, first, sum_b);
      all = InsertBits(all, kBytesOfA << 2, first, sum_c);
      return InsertBits(all, kBytesOfA << 3, first, sum_d);
    };
    VU signs = hn::ShiftRight<24>(hn::BitCast(du, d));
    signs = PushHigh(signs, hn::BitCast(du, c));
    signs = PushHigh(signs, hn::BitCast(du, b));
    signs = PushHigh(signs, hn::BitCast(du, a));
    const VB code = hn::Sub(
        hn::Add(gather(first_significand_), gather(first_exponent_)), offset_);
    VB sign = hn::BitCast(db, signs >> sign_shift_);
    if (unsigned_zero_) {
      sign = hn::IfThenElseZero(hn::Ne(code, hn::Zero(db)), sign);
    }
    const VB signed_code = hn::OrAnd(code, sign, sign_);
    if (HWY_LIKELY(!AnyNan(a, b, c, d))) return signed_code;
    return hn::IfVecThenElse(NanBytes(a, b, c, d), NanCodes(signs),
                             signed_code);
  }

 private:
  ByteEncoder(const FormatInfo& f, const SpecialCodes& special)
      : float_(f, special),
        first_significand_(First(0)),
        first_exponent_(First(FloatRounding::ExponentPlace(f))),
        unsigned_zero_(f.has_sign && !f.has_minus_zero()),
        sign_shift_(hn::Set(DU(), static_cast<uint32_t>(8 - f.bits))),
        offset_(Set(FloatRounding::Offset(f))),
        sign_(Set(f.sign_mask())),
        nan_(Set(special.nan[0])),
        nan_flip_(Set(special.nan[0] ^ special.nan[1])) {}

  static SpecialCodes Specials(const FormatInfo& f, const EncodeRules& rules) {
    return SpecialsOf(f, rules.rounding, rules.overflow, rules.nan);
  }
  static HWY_INLINE VB Set(uint32_t value) {
    return hn::Set(DB(), static_cast<uint8_t>(value));
  }

  // Static: a call that saw `this` would keep the constants out of registers.
  static HWY_NOINLINE VB NanBytes(VF a, VF b, VF c, VF d) {
    const DF df;
    const auto mask = [df](VF x) HWY_ATTR {
      return hn::BitCast(DU(), hn::VecFromMask(df, hn::IsNaN(x)));
    };
    VU nan = hn::ShiftLeft<24>(mask(a));
    nan = PushLow(nan, mask(b));
    nan = PushLow(nan, mask(c));
    nan = PushLow(nan, mask(d));
    return hn::BitCast(DB(), nan);
  }

  HWY_INLINE VB NanCodes(VU signs) const {
    const auto minus =
        hn::MaskFromVec(hn::BitCast(hn::RebindToSigned<DB>(), signs));
    return hn::Xor(nan_,
                   hn::IfThenElseZero(hn::RebindMask(DB(), minus), nan_flip_));
  }

  static constexpr uint64_t kBytesOfA = 0x1111111111111111u;

  // Where the field at `bit` of a 32-bit lane begins, for each of the lane's
  // bytes.
  static VB First(uint32_t bit) {
    const hn::Repartition<uint64_t, DB> dw;
    return hn::Add(Set(bit), hn::BitCast(DB(), hn::Set(dw, kUpperLane)));
  }
  static constexpr uint64_t kUpperLane = 0x2020202000000000u;

  FloatRounding float_;
  VB first_significand_, first_exponent_;
  bool unsigned_zero_;
  VU sign_shift_;
  VB offset_, sign_, nan_, nan_flip_;
};

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET == HWY_AVX3_DL
#endif  // ZEROULP_KERNELS_ENCODE_BYTES_INL_H_
