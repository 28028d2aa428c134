// SPDX-License-Identifier: Apache-2.0
// Exact intermediate results in binary64 lanes, and their one rounding.
//
// Products of two operands, and of one with two block scales, are exact in
// binary64, far from its subnormals and infinity. The default floating-point
// environment is assumed.

#if defined(ZEROULP_KERNELS_WIDE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_WIDE_INL_H_
#undef ZEROULP_KERNELS_WIDE_INL_H_
#else
#define ZEROULP_KERNELS_WIDE_INL_H_
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/ops-inl.h"
#include "zeroulp/formats.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

using DD = hn::ScalableTag<double>;
using DL = hn::ScalableTag<int64_t>;
using VD = hn::Vec<DD>;
using VL = hn::Vec<DL>;
// As many binary32 or int32 lanes as a vector has binary64 ones.
using DFHalf = hn::Rebind<float, DD>;
using DIHalf = hn::Rebind<int32_t, DD>;

inline constexpr size_t kGroupRows = 16;  // PackedMatrix::kRows
inline constexpr size_t kLanesF32 = HWY_LANES(float);
inline constexpr size_t kLanesF64 = HWY_LANES(double);
static_assert(kGroupRows % kLanesF32 == 0);

// Targets whose hn::MulAdd of binary32 rounds once.
inline constexpr bool kHaveFma = HWY_TARGET == HWY_AVX2 ||
                                 HWY_TARGET == HWY_AVX3 ||
                                 HWY_TARGET == HWY_AVX3_DL || HWY_ARCH_ARM_A64;

HWY_INLINE VD WideFrom(const float* from) {
  return hn::PromoteTo(DD(), hn::LoadU(DFHalf(), from));
}
HWY_INLINE VD WideFrom(const int32_t* from) {
  return hn::PromoteTo(DD(), hn::LoadU(DIHalf(), from));
}

// To nearest even. Highway's emulated vectors make infinity the largest finite
// number.
HWY_INLINE hn::Vec<DFHalf> ToBinary32(VD x) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  double wide[kLanesF64];
  float narrow[kLanesF64];
  hn::StoreU(x, DD(), wide);
  for (size_t i = 0; i < kLanesF64; ++i) {
    narrow[i] = static_cast<float>(wide[i]);
  }
  return hn::LoadU(DFHalf(), narrow);
#else
  return hn::DemoteTo(DFHalf(), x);
#endif
}

// Toward zero. Of zeros and of numbers within the normal range of binary32.
HWY_INLINE hn::Vec<DFHalf> ToBinary32TowardZero(VD x) {
#if ZEROULP_TARGET_HAS_512
  return hn::Vec<DFHalf>{
      _mm512_cvt_roundpd_ps(x.raw, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)};
#else
  // Without the 29 bits that binary32 has no room for.
  const hn::Repartition<uint64_t, DD> du;
  return ToBinary32(
      hn::And(x, hn::BitCast(DD(), hn::Set(du, ~uint64_t{0x1FFFFFFF}))));
#endif
}

// 2^exponent, exponents -1022 ... 1023.
HWY_INLINE VD PowerOfTwo(VL exponent) {
  const DL dl;
  return hn::BitCast(
      DD(), hn::ShiftLeft<52>(hn::Add(exponent, hn::Set(dl, int64_t{1023}))));
}

// Below the exponent of every non-zero addend, products and scales included.
inline constexpr int32_t kLowestExponent = -450;

// The exponent of binary32 values as an aligner sees it: not below the smallest
// normal one's, kLowestExponent of zeros.
HWY_INLINE VL WideExponent(VD x, int min_exponent) {
  const DL dl;
  const hn::Repartition<uint64_t, DD> du;
  const VL field =
      hn::BitCast(dl, hn::ShiftRight<52>(hn::BitCast(du, hn::Abs(x))));
  const VL exponent = hn::Max(hn::Sub(field, hn::Set(dl, int64_t{1023})),
                              hn::Set(dl, int64_t{min_exponent}));
  return hn::IfThenElse(hn::Eq(field, hn::Zero(dl)),
                        hn::Set(dl, int64_t{kLowestExponent}), exponent);
}

// x + y rounded, and what that lost: exact together.
struct TwoSum {
  VD sum, error;
};
HWY_INLINE TwoSum AddExactly(VD x, VD y) {
  const VD sum = hn::Add(x, y);
  const VD y_part = hn::Sub(sum, x);
  return {sum, hn::Add(hn::Sub(x, hn::Sub(sum, y_part)), hn::Sub(y, y_part))};
}

// sum + error with the last bit set where that is inexact: rounding it to a
// format of at most 51 bits gives what one rounding of sum + error would.
// |error| is below the last place of sum. Infinities and NaN stay.
HWY_INLINE VD ToOdd(const TwoSum& x) {
  const DD dd;
  const DL dl;
  const VL bits = hn::BitCast(dl, x.sum);
  const VL one = hn::Set(dl, int64_t{1});
  // The error of an infinity is NaN, which compares false.
  const VD zero = hn::Zero(dd);
  const auto inexact = hn::Or(hn::Lt(x.error, zero), hn::Gt(x.error, zero));
  // The odd neighbour on the side of the error: -1 or 1.
  const VL step =
      hn::Or(hn::ShiftRight<63>(hn::BitCast(dl, hn::Xor(x.error, x.sum))), one);
  const auto even = hn::Eq(hn::And(bits, one), hn::Zero(dl));
  const VL moved = hn::Add(bits, hn::IfThenElseZero(even, step));
  return hn::IfThenElse(inexact, hn::BitCast(dd, moved), x.sum);
}

HWY_INLINE VD AddToOdd(VD x, VD y) { return ToOdd(AddExactly(x, y)); }

// round(a * b + c), once.
HWY_INLINE VF MulAddOnce(VF a, VF b, VF c) {
  if constexpr (kHaveFma) return hn::MulAdd(a, b, c);
  const DF df;
  alignas(64) float x[kLanesF32], y[kLanesF32], z[kLanesF32];
  hn::Store(a, df, x);
  hn::Store(b, df, y);
  hn::Store(c, df, z);
  for (size_t i = 0; i < kLanesF32; i += kLanesF64) {
    const VD product = hn::Mul(WideFrom(x + i), WideFrom(y + i));
    hn::StoreU(ToBinary32(AddToOdd(WideFrom(z + i), product)), DFHalf(), z + i);
  }
  return hn::Load(df, z);
}

// Rounds to the first `fraction_bits` of a format.
class WideRounder {
 public:
  WideRounder(const FormatInfo& out, int fraction_bits, bool toward_zero)
      : min_exponent_(out.min_exponent()),
        fraction_bits_(fraction_bits),
        toward_zero_(toward_zero),
        limit_(std::ldexp(1.0, out.bias + 1)) {}

  // Finite values and zeros; too large becomes infinity. The result is a
  // binary32 value.
  HWY_INLINE hn::Vec<DFHalf> operator()(VD x) const {
    const DD dd;
    const DL dl;
    const hn::Repartition<uint64_t, DD> du;
    const VL exponent = hn::Sub(
        hn::BitCast(dl, hn::ShiftRight<52>(hn::BitCast(du, hn::Abs(x)))),
        hn::Set(dl, int64_t{1023}));
    const VL binade = hn::Max(exponent, hn::Set(dl, int64_t{min_exponent_}));
    const VL grid = hn::Sub(binade, hn::Set(dl, int64_t{fraction_bits_}));
    const VD scaled = hn::Mul(x, PowerOfTwo(hn::Neg(grid)));
    const VD rounded = toward_zero_ ? hn::Trunc(scaled) : hn::Round(scaled);
    const VD result = hn::Mul(hn::Abs(rounded), PowerOfTwo(grid));
    const auto too_large = hn::Ge(result, hn::Set(dd, limit_));
    // Not every target's Round keeps the sign of what becomes zero.
    return ToBinary32(
        hn::CopySign(hn::IfThenElse(too_large, hn::Inf(dd), result), x));
  }

 private:
  int min_exponent_, fraction_bits_;
  bool toward_zero_;
  double limit_;  // the smallest power of two that is too large
};

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_WIDE_INL_H_
