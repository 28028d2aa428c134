// SPDX-License-Identifier: Apache-2.0
// Steps of products cut to one grid, a row of D in registers at a time.
//
// A lane is a column of D. Two passes over a chunk: the largest exponent, then
// the sum of the products, each cut to an integer. Products are exact in
// binary32 because
//   narrow:  values of both operands times each other fit, and so does their
//            quotient by the grid, a power of two;
//   wide:    values are divided by 2^exponent beforehand, and the product is
//            multiplied by 2^(exponent of the product - grid).

#if defined(ZEROULP_KERNELS_FUSED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_FUSED_INL_H_
#undef ZEROULP_KERNELS_FUSED_INL_H_
#else
#define ZEROULP_KERNELS_FUSED_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "kernels/operand-inl.h"
#include "kernels/operand.h"
#include "kernels/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// Toward zero; any int32 for NaN and what does not fit, unlike hn::ConvertTo.
HWY_INLINE VI CutToInt(VF x) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  return VI{_mm512_cvttps_epi32(x.raw)};
#elif HWY_TARGET == HWY_AVX2
  return VI{_mm256_cvttps_epi32(x.raw)};
#elif HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3
  return VI{_mm_cvttps_epi32(x.raw)};
#else
  return hn::ConvertTo(DI(), x);
#endif
}

// Of narrow products: below it there are only zeros.
inline constexpr int32_t kLowestNarrow = -60;

// Rows of D at a time.
inline constexpr size_t kStepRows = 4;

// Products of a step are k = begin ... begin + kRun - 1, and on by kStride,
// below `end`.

// Where a step reads: row `row` ... of panel a, lanes `lane` ... of panel b.
struct StepInput {
  const Panel& a;
  const Panel& b;
  size_t row, lane;
};

template <size_t kRun, size_t kStride>
HWY_INLINE void LargestExponents(const StepInput& in, size_t begin, size_t end,
                                 VI* HWY_RESTRICT largest) {
  const DI di;
  VI most[kStepRows];
  ZEROULP_UNROLL
  for (size_t i = 0; i < kStepRows; ++i) most[i] = largest[i];
  const int32_t* HWY_RESTRICT a = in.a.exponents + in.row;
  const int32_t* HWY_RESTRICT b = in.b.exponents + in.lane;
  for (size_t k = begin; k < end; k += kStride) {
    ZEROULP_UNROLL
    for (size_t j = 0; j < kRun; ++j) {
      const size_t at = (k + j) * kGroupRows;
      const VI b_now = hn::Load(di, b + at);
      ZEROULP_UNROLL
      for (size_t i = 0; i < kStepRows; ++i) {
        most[i] = hn::Max(most[i], hn::Add(hn::Set(di, a[at + i]), b_now));
      }
    }
  }
  ZEROULP_UNROLL
  for (size_t i = 0; i < kStepRows; ++i) largest[i] = most[i];
}

// A sum of integers: high * 2^16 + low.
struct SplitSum {
  // The implied one would not be compiled for the target: GCC on Arm minds.
  HWY_INLINE SplitSum() {}
  VI high[kStepRows], low[kStepRows];
};

// The sum of products cut to 2^(largest - align_bits), in these units.
template <bool kWide, size_t kRun, size_t kStride>
HWY_INLINE void CutSums(const StepInput& in, size_t begin, size_t end,
                        int align_bits, const VI* HWY_RESTRICT largest,
                        SplitSum& sum) {
  const DI di;
  const DF df;
  const float* HWY_RESTRICT a = in.a.values + in.row;
  const float* HWY_RESTRICT b = in.b.values + in.lane;
  const int32_t* HWY_RESTRICT a_exponents = in.a.exponents + in.row;
  const int32_t* HWY_RESTRICT b_exponents = in.b.exponents + in.lane;
  // narrow: 1 / grid. wide: what is added to the product's exponent to get
  // that of its factor, biased as in binary32.
  VI unit[kStepRows];
  VI total[kStepRows];
  const VI bias = hn::Set(di, align_bits + 127);
  ZEROULP_UNROLL
  for (size_t i = 0; i < kStepRows; ++i) {
    unit[i] = kWide
                  ? hn::Sub(bias, largest[i])
                  : hn::ShiftLeft<23>(hn::Sub(
                        bias, hn::Max(largest[i], hn::Set(di, kLowestNarrow))));
    sum.high[i] = sum.low[i] = hn::Zero(di);
  }
  // |product| < 4 * 2^align_bits: so many fit an int32.
  const size_t at_once = (size_t{1} << (29 - align_bits)) / kRun * kStride;
  for (size_t k_begin = begin; k_begin < end; k_begin += at_once) {
    const size_t k_end = HWY_MIN(k_begin + at_once, end);
    ZEROULP_UNROLL
    for (size_t i = 0; i < kStepRows; ++i) total[i] = hn::Zero(di);
    for (size_t k = k_begin; k < k_end; k += kStride) {
      ZEROULP_UNROLL
      for (size_t j = 0; j < kRun; ++j) {
        const size_t at = (k + j) * kGroupRows;
        const VF b_now = hn::Load(df, b + at);
        const VI b_exponent = hn::Load(di, b_exponents + at);
        ZEROULP_UNROLL
        for (size_t i = 0; i < kStepRows; ++i) {
          const VF product = hn::Mul(hn::Set(df, a[at + i]), b_now);
          VI factor = unit[i];
          if constexpr (kWide) {
            const VI exponent =
                hn::Add(hn::Set(di, a_exponents[at + i]), b_exponent);
            // Below binary32 it is zero, and so is the cut product.
            factor = hn::ShiftLeft<23>(
                hn::Max(hn::Add(exponent, factor), hn::Zero(di)));
          }
          total[i] = hn::Add(
              total[i], CutToInt(hn::Mul(product, hn::BitCast(df, factor))));
        }
      }
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kStepRows; ++i) {
      sum.high[i] = hn::Add(sum.high[i], hn::ShiftRight<16>(total[i]));
      sum.low[i] = hn::Add(sum.low[i], hn::And(total[i], hn::Set(di, 0xFFFF)));
    }
  }
}

// 2^exponent, exponents outside 0 ... 127 moved there.
HWY_INLINE VF ClampedPower(VI exponent) {
  const DI di;
  const VI field =
      hn::Add(hn::Min(hn::Max(exponent, hn::Zero(di)), hn::Set(di, 127)),
              hn::Set(di, 127));
  return hn::BitCast(DF(), hn::ShiftLeft<23>(field));
}

// The sums of addends that are infinities and NaN, which alone decide where
// there is one; 0 where there is none. `sum` begins as the accumulators.
// kOverflow: products beyond binary32 count as infinities.
template <bool kOverflow, size_t kRun, size_t kStride>
HWY_NOINLINE void SpecialSums(const StepInput& in, size_t begin, size_t end,
                              float* HWY_RESTRICT sums) {
  const DI di;
  const DF df;
  for (size_t i = 0; i < kStepRows; ++i) {
    const float* HWY_RESTRICT a = in.a.values + in.row + i;
    VF sum = hn::Load(df, sums + i * kLanesF32);
    sum = hn::IfThenZeroElse(hn::IsFinite(sum), sum);
    for (size_t k = begin; k < end; k += kStride) {
      for (size_t j = 0; j < kRun; ++j) {
        const size_t at = (k + j) * kGroupRows;
        VF product = hn::Mul(hn::Set(df, a[at]),
                             hn::Load(df, in.b.values + at + in.lane));
        if constexpr (kOverflow) {
          // Exact or infinity, in two steps of at most 2^127.
          const VI exponent =
              hn::Add(hn::Set(di, in.a.exponents[at + in.row + i]),
                      hn::Load(di, in.b.exponents + at + in.lane));
          product = hn::Mul(product, ClampedPower(exponent));
          product = hn::Mul(product,
                            ClampedPower(hn::Sub(exponent, hn::Set(di, 127))));
        }
        sum = hn::Add(sum, hn::IfThenZeroElse(hn::IsFinite(product), product));
      }
    }
    hn::Store(sum, df, sums + i * kLanesF32);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_FUSED_INL_H_
