// SPDX-License-Identifier: Apache-2.0
// Packed codes -> lanes, for any row of kFormats of at most 8 bits.

#if defined(ZEROULP_KERNELS_DECODE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_DECODE_INL_H_
#undef ZEROULP_KERNELS_DECODE_INL_H_
#else
#define ZEROULP_KERNELS_DECODE_INL_H_
#endif

#include <bit>
#include <cstdint>

#include "kernels/ops-inl.h"
#include "zeroulp/formats.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// Turns codes, one in each 32-bit lane (higher bits are ignored), into
// binary32 values. The format is data: its row becomes a handful of constants.
// Signed formats that have a zero only.
class Decoder {
 public:
  explicit Decoder(const FormatInfo& f)
      : mantissa_shift_(23 - f.mantissa_bits),
        sign_shift_(32 - f.bits),
        code_mask_(Set(f.sign_mask() | f.magnitude_mask())),
        magnitude_mask_(Set(f.magnitude_mask())),
        rebias_(Set(static_cast<uint32_t>(127 - f.bias) << 23)),
        min_normal_(Set(f.min_normal_code())),
        max_(Set(f.max_code())),
        // No code equals what the format does not have.
        infinity_(Set(f.has_infinity() ? f.infinity_code() : ~0u)),
        nan_minus_zero_(
            Set(f.specials == Specials::kNanMinusZero ? f.sign_mask() : ~0u)),
        min_ulp_(hn::Set(
            DF(),
            std::bit_cast<float>(
                static_cast<uint32_t>(127 + f.min_ulp_exponent()) << 23))) {}

  HWY_INLINE VF operator()(VI codes) const {
    const DI di;
    const DF df;
    const VI nan = Set(0x7FC00000u);
    const VI code = hn::And(codes, code_mask_);
    const VI magnitude = hn::And(code, magnitude_mask_);
    const VI normal =
        hn::Add(hn::ShiftLeftSame(magnitude, mantissa_shift_), rebias_);
    // A product, not a shift and rescale: that would multiply a subnormal
    // binary32, which traps into microcode.
    const VI subnormal =
        hn::BitCast(di, hn::Mul(hn::ConvertTo(df, magnitude), min_ulp_));
    const VI special =
        hn::IfThenElse(hn::Eq(magnitude, infinity_), Set(0x7F800000u), nan);
    VI bits = hn::IfThenElse(hn::Gt(min_normal_, magnitude), subnormal, normal);
    bits = hn::IfThenElse(hn::Gt(magnitude, max_), special, bits);
    bits = hn::Or(
        bits, hn::And(hn::ShiftLeftSame(code, sign_shift_), Set(0x80000000u)));
    bits = hn::IfThenElse(hn::Eq(code, nan_minus_zero_), nan, bits);
    return hn::BitCast(df, bits);
  }

 private:
  static HWY_INLINE VI Set(uint32_t value) {
    return hn::Set(DI(), static_cast<int32_t>(value));
  }

  int mantissa_shift_, sign_shift_;
  VI code_mask_, magnitude_mask_, rebias_, min_normal_, max_, infinity_,
      nan_minus_zero_;
  VF min_ulp_;
};

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_DECODE_INL_H_
