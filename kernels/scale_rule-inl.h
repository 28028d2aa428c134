// SPDX-License-Identifier: Apache-2.0
// The scale rules of kScaleRules, one block in each lane.

#if defined(ZEROULP_KERNELS_SCALE_RULE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_SCALE_RULE_INL_H_
#undef ZEROULP_KERNELS_SCALE_RULE_INL_H_
#else
#define ZEROULP_KERNELS_SCALE_RULE_INL_H_
#endif

#include <bit>
#include <cstdint>
#include <limits>

#include "kernels/decode-inl.h"
#include "kernels/encode-inl.h"
#include "kernels/ops-inl.h"
#include "kernels/quantize.h"
#include "zeroulp/codec.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// The scale of one block in each lane.
struct ScaleLanes {
  VI code;    // in the scale format
  VF factor;  // elements are multiplied, kDivide: divided, by it; NaN if the
              // scale is
};

// Turns the largest magnitudes of blocks (Amax::any) into scales.
class ScaleRuleLanes {
 public:
  // `fraction` is what `te` multiplies S by: fl(1/6), or 1/4 for 4over6.
  ScaleRuleLanes(ScaleRule rule, InfinityBlock infinity,
                 const FormatInfo& element, const TensorLevel& tensor,
                 float fraction)
      : rule_(rule),
        infinity_(infinity),
        max_(Decode(element, element.max_code())),
        emax_(static_cast<int>(std::bit_cast<uint32_t>(max_) >> 23) - 127),
        even_half_(1 << (22 - element.mantissa_bits)),
        multiplier_(tensor.encode * fraction),
        direct_(tensor.direct),
        inverse_direct_(1.0f / tensor.direct),
        encode_(Info(Format::kUE4M3), Overflow::kSaturate),
        decode_(Info(Format::kE4M3FN)) {}

  HWY_INLINE ScaleLanes operator()(VI amax) const {
    switch (rule_) {
      case ScaleRule::kFloor:
      case ScaleRule::kCeil:
      case ScaleRule::kEven:
      case ScaleRule::kRceil:
      case ScaleRule::kTrn3:
        return PowerScale(amax);
      case ScaleRule::kTe:
      case ScaleRule::kFourOverSix:
        return TeScale(hn::BitCast(DF(), amax));
      case ScaleRule::kTorchao1:
      case ScaleRule::kTorchao2:
        return TorchaoScale(hn::BitCast(DF(), amax));
      case ScaleRule::kDivide:
      case ScaleRule::kReciprocal:
      case ScaleRule::kPow2:
        break;
    }
    return F32Scale(amax);
  }

 private:
  static HWY_INLINE VI Set(int32_t value) { return hn::Set(DI(), value); }
  static HWY_INLINE VF Set(float value) { return hn::Set(DF(), value); }

  // The code of 2^ceil(log2 x), not below `least`, for words of numbers.
  static HWY_INLINE VI CeilField(VI word, VI least) {
    const VI field = hn::ShiftRight<23>(word);
    const VI fraction = hn::And(word, Set(0x7FFFFF));
    // Subnormals up to 2^-127 have code 0, those above it code 1.
    const VI whole = hn::IfThenElseZero(hn::Eq(field, Set(0)), Set(0x400000));
    const VI up = hn::IfThenElseZero(hn::Gt(fraction, whole), Set(1));
    return hn::Max(hn::Add(field, up), least);
  }

  HWY_INLINE ScaleLanes PowerScale(VI amax) const {
    const DI di;
    VI code = hn::ShiftRight<23>(amax);  // floor(log2 a) + 127
    switch (rule_) {
      case ScaleRule::kCeil:
        code = hn::Sub(CeilField(amax, Set(0)), Set(emax_));
        break;
      case ScaleRule::kEven:
        code = hn::Sub(hn::ShiftRight<23>(hn::Add(amax, Set(even_half_))),
                       Set(emax_));
        break;
      case ScaleRule::kRceil: {
        const VF d = hn::Mul(hn::BitCast(DF(), amax), Set(1.0f / max_));
        code = CeilField(hn::BitCast(di, d), Set(0));
        break;
      }
      case ScaleRule::kTrn3:
        code = hn::Sub(code, Set(emax_ - 1));
        break;
      default:
        code = hn::Sub(code, Set(emax_));
        break;
    }
    code = hn::Min(hn::Max(code, Set(0)), Set(0xFE));
    const VI infinity = Set(0x7F800000);
    code = hn::IfThenElse(
        hn::Eq(amax, infinity),
        Set(infinity_ == InfinityBlock::kLargest ? 0xFE : 0xFF), code);
    code = hn::IfThenElse(hn::Gt(amax, infinity), Set(0xFF), code);
    // 2^(127 - code): an exponent field, but for the subnormal 2^-127.
    VI factor = hn::ShiftLeft<23>(hn::Sub(Set(0xFE), code));
    factor = hn::IfThenElse(hn::Eq(code, Set(0xFE)), Set(0x400000), factor);
    factor = hn::IfThenElse(hn::Eq(code, Set(0xFF)), Set(kNan), factor);
    return {code, hn::BitCast(DF(), factor)};
  }

  // A NaN in `nan_if` makes the scale NaN.
  HWY_INLINE ScaleLanes Ue4m3Scale(VI code, VF factor, VF nan_if) const {
    const DI di;
    const DF df;
    const auto nan = hn::IsNaN(nan_if);
    return {hn::IfThenElse(hn::RebindMask(di, nan), Set(0x7F), code),
            hn::IfThenElse(nan, hn::BitCast(df, Set(kNan)), factor)};
  }

  HWY_INLINE ScaleLanes TeScale(VF a) const {
    const VF limit = Set(std::numeric_limits<float>::max());
    const VI code = Ue4m3Code(hn::Min(hn::Mul(a, Set(multiplier_)), limit));
    const VF s = decode_(code);
    VF factor = hn::Min(hn::Div(Set(1.0f), hn::Mul(s, Set(direct_))), limit);
    factor = hn::IfThenZeroElse(hn::Eq(s, Set(0.0f)), factor);
    return Ue4m3Scale(code, factor, a);
  }

  HWY_INLINE ScaleLanes TorchaoScale(VF a) const {
    VF b = hn::Div(a, Set(6.0f));
    if (rule_ == ScaleRule::kTorchao2) b = hn::Div(b, Set(direct_));
    const VI code = Ue4m3Code(hn::Min(hn::Max(b, Set(0x1p-6f)), Set(448.0f)));
    const VF factor = hn::Min(hn::Div(Set(inverse_direct_), decode_(code)),
                              Set(std::numeric_limits<float>::max()));
    return Ue4m3Scale(code, factor, b);
  }

  HWY_INLINE VI Ue4m3Code(VF x) const { return hn::BitCast(DI(), encode_(x)); }

  HWY_INLINE ScaleLanes F32Scale(VI amax) const {
    const DI di;
    const DF df;
    VI a = amax;
    if (infinity_ == InfinityBlock::kLargest) {
      a = hn::IfThenElse(hn::Eq(a, Set(0x7F800000)), Set(0x7F7FFFFF), a);
    }
    // A number's word grows with it: the larger word is the larger number.
    VI word = hn::BitCast(di, hn::Div(hn::BitCast(df, a), Set(max_)));
    if (rule_ == ScaleRule::kPow2) {
      word = hn::ShiftLeft<23>(CeilField(word, Set(1)));
    } else {
      word = hn::Max(word, Set(1));
    }
    word = hn::IfThenElse(hn::Eq(a, Set(0)), Set(0x3F800000), word);
    word = hn::IfThenElse(hn::Gt(a, Set(0x7F7FFFFF)), Set(kNan), word);
    const VF scale = hn::BitCast(df, word);
    if (rule_ == ScaleRule::kDivide) return {word, scale};
    // A NaN stays one: its comparison is false.
    const VF limit = Set(std::numeric_limits<float>::max());
    const VF factor = hn::Div(Set(1.0f), scale);
    return {word, hn::IfThenElse(hn::Gt(factor, limit), limit, factor)};
  }

  static constexpr int32_t kNan = 0x7FC00000;

  ScaleRule rule_;
  InfinityBlock infinity_;
  float max_;
  int emax_, even_half_;
  float multiplier_, direct_, inverse_direct_;
  Encoder<Rounding::kNearestEven> encode_;
  Decoder decode_;
};

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_SCALE_RULE_INL_H_
