// SPDX-License-Identifier: Apache-2.0
// How steps of floor32_tile-inl.h end, and what an accumulator adds to the
// exponents that the next one aligns to. Result is the sum of a step rounded;
// Addend, what the next step may be given in its place.

#if defined(ZEROULP_KERNELS_FLOOR32_RULE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_FLOOR32_RULE_INL_H_
#undef ZEROULP_KERNELS_FLOOR32_RULE_INL_H_
#else
#define ZEROULP_KERNELS_FLOOR32_RULE_INL_H_
#endif

#include <cstdint>

#include "kernels/floor32_ops-inl.h"
#include "zeroulp/arithmetic.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// Sums rounded toward zero to fraction_bits, whatever their exponent.
struct CutToFraction {
  explicit CutToFraction(const ArithInfo& row)
      : mask(static_cast<int32_t>(~0u << (23 - row.out_fraction_bits))) {}

  HWY_INLINE VF Result(VF sum) const {
    const DI di;
    return hn::BitCast(DF(), hn::And(hn::BitCast(di, sum), hn::Set(di, mask)));
  }

#if ZEROULP_TARGET_HAS_512
  // The next step cuts more than Result.
  HWY_INLINE VF Addend(VF sum) const { return sum; }
  // The larger exponent field of an accumulator and of products; other bits are
  // anything.
  HWY_INLINE VI Largest(VF acc, VF products) const {
    return hn::BitCast(DI(), LargerMagnitude(acc, products));
  }
#else
  HWY_INLINE VI ExponentField(VF acc) const {
    const DI di;
    return hn::And(hn::BitCast(di, acc), hn::Set(di, 0x7F800000));
  }
#endif

  // Whether steps occupy the pipes of Zen 4 that are not the multiply-adds'.
  static constexpr bool kOtherPipesAreFull = false;
  int32_t mask;
};

// Sums rounded to nearest even to binary16. kDeep: products may be smaller than
// the exponent of its subnormal numbers.
template <bool kDeep>
struct RoundToF16 {
  explicit RoundToF16(const ArithInfo& /*row*/) {}

#if ZEROULP_TARGET_HAS_512
  HWY_INLINE VF Result(VF sum) const {
    return hn::Add(Addend(sum), hn::Zero(DF()));  // never -0
  }
  HWY_INLINE VF Addend(VF sum) const {
    const DF df;
    const hn::Rebind<hwy::float16_t, DF> d16;
    const VF rounded = hn::PromoteTo(df, hn::DemoteTo(d16, sum));
    // Too large becomes so large that no product reaches it.
    return SmallerMagnitude(rounded, hn::BitCast(df, hn::Set(DI(), kBeyond)));
  }
  HWY_INLINE VI Largest(VF acc, VF products) const {
    const DI di;
    const VI field = hn::BitCast(di, LargerMagnitude(acc, products));
    return kDeep ? hn::Max(field, LeastField(acc)) : field;
  }
#else
  HWY_INLINE VF Result(VF sum) const {
    const DF df;
    const DI di;
    // Adding 1.5 * 2^13 times the power of two below it leaves the last bit of
    // binary16 as the last one.
    const VI field = hn::And(hn::BitCast(di, sum), hn::Set(di, 0x7F800000));
    const VF magic =
        hn::BitCast(df, hn::Add(hn::Max(field, hn::Set(di, kMinNormal)),
                                hn::Set(di, (13 << 23) | 0x400000)));
    const VF rounded = hn::Sub(hn::Add(sum, magic), magic);
    // Too large becomes so large that no product reaches it.
    const auto large = hn::Ge(hn::Abs(rounded), hn::Set(df, 65536.0f));
    return hn::IfThenElse(
        large, hn::CopySign(hn::BitCast(df, hn::Set(di, kBeyond)), rounded),
        rounded);
  }
  HWY_INLINE VI ExponentField(VF acc) const {
    const DI di;
    const VI field = hn::And(hn::BitCast(di, acc), hn::Set(di, 0x7F800000));
    return kDeep ? hn::Max(field, LeastField(acc)) : field;
  }
#endif

  static constexpr bool kOtherPipesAreFull = true;

 private:
  // Of a subnormal number: of all but zero.
  static HWY_INLINE VI LeastField(VF acc) {
    const DI di;
    const auto zero = hn::RebindMask(di, hn::Eq(acc, hn::Zero(DF())));
    return hn::IfThenZeroElse(zero, hn::Set(di, kMinNormal));
  }

  static constexpr int32_t kMinNormal = (127 - 14) << 23;
  static constexpr int32_t kBeyond = (127 + 100) << 23;
};

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_FLOOR32_RULE_INL_H_
