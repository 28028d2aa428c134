// SPDX-License-Identifier: Apache-2.0
// Packed codes -> the panels that floor_tile-inl.h reads.

#if defined(ZEROULP_KERNELS_FLOOR_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_FLOOR_PANEL_INL_H_
#undef ZEROULP_KERNELS_FLOOR_PANEL_INL_H_
#else
#define ZEROULP_KERNELS_FLOOR_PANEL_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/floor_chain.h"
#include "kernels/floor_tile-inl.h"
#include "kernels/gemm_call.h"
#include "kernels/operand-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// The order in which steps take products. Of every chunk kSplitFused takes
// those of k mod 4 in {0, 1} before the others, kEvenOdd of groups of 2 those
// of even k.
class FloorOrder {
 public:
  explicit FloorOrder(const ArithInfo& row) {
    const bool split = row.model == Model::kSplitFused;
    const bool halves =
        split || (row.model == Model::kEvenOdd && row.group == 2);
    const auto half = static_cast<size_t>(halves ? row.chunk / 2 : 1);
    const size_t run = split ? 2 : 1;  // of neighbours in one half
    for (size_t slot = 0; slot < kFloorK; ++slot) {
      const size_t i = slot % half;
      k_[slot] = static_cast<uint8_t>(
          halves ? slot / (2 * half) * (2 * half) + i / run * (2 * run) +
                       slot / half % 2 * run + i % run
                 : slot);
    }
  }
  // The k that is product `slot`.
  size_t operator[](size_t slot) const { return k_[slot]; }

 private:
  uint8_t k_[kFloorK];
};

// Between which powers of two the exponents of numbers but zero are.
struct FloorRange {
  int32_t lowest = 10000, highest = -10000;
};

// kFloorK products of some columns, in slots; a step begins every `step`.
template <class Element>
struct FloorPanel {
  double* values;      // [slot][stride]
  Element* exponents;  // [slot][stride]
  uint64_t* signs;     // [step][stride] bit i: product i of it is negative
  uint32_t* special;   // [step] bit i: column i holds infinity or NaN
  FloorRange* range;   // of all
  size_t stride;       // columns side by side
};

// Groups of 16 rows of one operand -> columns of its panels. Infinities and NaN
// become zeros.
template <class Exponents, bool kIsA>
class FloorDecoder {
 public:
  using Element = std::conditional_t<kIsA, uint32_t, typename Exponents::Lane>;

  FloorDecoder(const ArithInfo& row, const PackedMatrix& matrix, int step)
      : row_(row),
        matrix_(matrix),
        order_(row),
        step_(static_cast<size_t>(step)),
        min_exponent_(Info(row.widen.value_or(matrix.format())).min_exponent()),
        factor_(std::ldexp(kIsA ? 1.0 : 1.0 + 0x1p-30,
                           kIsA ? Exponents::kScaleA : Exponents::kScaleB)) {}

  // `lane`: the first column. `values`: memory for [kFloorK][16].
  void operator()(size_t group, size_t k, size_t count,
                  const FloorPanel<Element>& panel, size_t lane,
                  float* HWY_RESTRICT values) const {
    if (group < static_cast<size_t>(matrix_.groups())) {
      DecodeValues(row_, matrix_, group, k, count, values);
    } else {
      std::fill_n(values, count * kGroupRows, 0.0f);
    }
    if (lane == 0) *panel.range = {};
    alignas(64) double factors[kGroupRows];
    alignas(64) int32_t scales[kGroupRows];
    std::fill_n(factors, kGroupRows, factor_);
    std::fill_n(scales, kGroupRows, 0);
    for (size_t s = 0; s * step_ < count; ++s) {
      const bool scaled = !row_.scales.empty() && matrix_.scale_block() != 0 &&
                          group < static_cast<size_t>(matrix_.groups());
      uint32_t special =
          scaled ? Scales(group, (k + s * step_) / step_, factors, scales) : 0;
      for (size_t i = 0; i < kGroupRows; i += kLanesF32) {
        special |= Lanes(s, i, special, scales, values, panel, lane);
      }
      // The first group of a panel clears what was there.
      if (lane == 0) panel.special[s] = 0;
      panel.special[s] |= special << lane;
      Widen(s, factors, values, panel, lane);
    }
  }

 private:
  // Exponents and factors of a block of scales; bits of those that are NaN.
  uint32_t Scales(size_t group, size_t block, double* factors,
                  int32_t* scales) const {
    const FormatInfo& f = Info(matrix_.scale_format());
    const uint8_t* codes =
        matrix_.scales() +
        (group * static_cast<size_t>(matrix_.scale_cols()) + block) *
            kGroupRows;
    uint32_t nan = 0;
    for (size_t i = 0; i < kGroupRows; ++i) {
      const bool is_nan = codes[i] == f.nan_code();
      scales[i] = is_nan ? 0 : static_cast<int32_t>(codes[i]) - f.bias;
      factors[i] = std::ldexp(factor_, scales[i]);
      nan |= static_cast<uint32_t>(is_nan) << i;
    }
    return nan;
  }

  // Exponents and signs of one vector of columns; zero for what is special,
  // whose bits return.
  HWY_INLINE uint32_t Lanes(size_t s, size_t i, uint32_t special,
                            const int32_t* scales, float* HWY_RESTRICT values,
                            const FloorPanel<Element>& panel,
                            size_t lane) const {
    const DF df;
    const DI di;
    const VI scale = hn::Load(di, scales + i);
    const VI one = hn::Set(di, 1);
    const VI member = hn::And(hn::Set(di, static_cast<int32_t>(special >> i)),
                              hn::BitCast(di, hn::Shl(one, hn::Iota(di, 0))));
    auto bad = hn::Ne(member, hn::Zero(di));
    const bool any_bad = special != 0;
    VI signs = hn::Zero(di);
    VI lowest = hn::Set(di, panel.range->lowest);
    VI highest = hn::Set(di, panel.range->highest);
    for (size_t j = 0; j < step_; ++j) {
      const size_t slot = s * step_ + j;
      float* at = values + order_[slot] * kGroupRows + i;
      VF x = hn::Load(df, at);
      const auto finite = hn::RebindMask(di, hn::IsFinite(x));
      const bool all_finite = hn::AllTrue(di, finite);
      if (HWY_UNLIKELY(!all_finite || any_bad)) {
        bad = hn::Or(bad, hn::Not(finite));
        x = hn::IfThenElseZero(hn::RebindMask(df, finite), x);
        if (any_bad) x = hn::IfThenZeroElse(hn::RebindMask(df, bad), x);
        hn::Store(x, df, at);
      }
      const auto zero = hn::RebindMask(di, hn::Eq(x, hn::Zero(df)));
      const VI exponent = hn::Add(AlignerExponent(x, min_exponent_), scale);
      lowest = hn::IfThenElse(zero, lowest, hn::Min(lowest, exponent));
      highest = hn::IfThenElse(zero, highest, hn::Max(highest, exponent));
      StoreExponents(exponent, zero,
                     panel.exponents + slot * panel.stride + lane + i);
      const VI negative = hn::IfThenZeroElse(
          zero, hn::BitCast(di, hn::ShiftRight<31>(hn::BitCast(DU(), x))));
      signs = hn::Or(signs, hn::ShiftLeftSame(negative, static_cast<int>(j)));
    }
    *panel.range = {hn::GetLane(hn::MinOfLanes(di, lowest)),
                    hn::GetLane(hn::MaxOfLanes(di, highest))};
    alignas(64) int32_t words[kLanesF32];
    hn::Store(signs, di, words);
    for (size_t j = 0; j < kLanesF32; ++j) {
      panel.signs[s * panel.stride + lane + i + j] =
          static_cast<uint32_t>(words[j]);
    }
    uint8_t bits[8] = {};
    hn::StoreMaskBits(di, bad, bits);
    return (static_cast<uint32_t>(bits[0]) |
            (static_cast<uint32_t>(bits[1]) << 8))
           << i;
  }

  using DU = hn::ScalableTag<uint32_t>;

  template <class Mask>
  static HWY_INLINE void StoreExponents(VI exponent, Mask zero,
                                        Element* HWY_RESTRICT to) {
    const DI di;
    if constexpr (kIsA) {
      const VI code =
          hn::IfThenElse(zero, hn::Set(di, Exponents::kZero),
                         hn::Add(exponent, hn::Set(di, Exponents::kAddA)));
      hn::StoreU(hn::Mul(code, hn::Set(di, Exponents::kReplicate)), di,
                 reinterpret_cast<int32_t*>(to));
    } else {
      const hn::Rebind<Element, DI> d;
      const VI code =
          hn::IfThenElse(zero, hn::Set(di, Exponents::kZero),
                         hn::Add(exponent, hn::Set(di, Exponents::kAddB)));
      hn::StoreU(hn::DemoteTo(d, code), d, to);
    }
  }

  void Widen(size_t s, const double* HWY_RESTRICT factors,
             const float* HWY_RESTRICT values, const FloorPanel<Element>& panel,
             size_t lane) const {
    const DD dd;
    const VD zero = hn::Set(dd, kIsA ? Exponents::kZeroA : Exponents::kZeroB);
    for (size_t j = 0; j < step_; ++j) {
      const size_t slot = s * step_ + j;
      const float* from = values + order_[slot] * kGroupRows;
      double* to = panel.values + slot * panel.stride + lane;
      for (size_t i = 0; i < kGroupRows; i += kLanesF64) {
        const VD x = WideFrom(from + i);
        const VD scaled = hn::Mul(x, hn::Load(dd, factors + i));
        hn::Store(hn::IfThenElse(hn::Eq(x, hn::Zero(dd)), zero, scaled), dd,
                  to + i);
      }
    }
  }

  const ArithInfo& row_;
  const PackedMatrix& matrix_;
  FloorOrder order_;
  size_t step_;
  int min_exponent_;
  double factor_;
};

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_FLOOR_PANEL_INL_H_
