// SPDX-License-Identifier: Apache-2.0
#include "kernels/fused.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/fused.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/block-inl.h"
#include "kernels/fused-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

// Products too large for binary32, or scaled: see fused-inl.h.
bool IsWide(const GemmCall& call) {
  return Info(call.a->format()).bias == 127 ||
         Info(call.b_t->format()).bias == 127 || !call.row->scales.empty();
}

// Completes the values of a panel from k on.
void PreparePanel(const ArithInfo& row, bool wide, const PackedMatrix& matrix,
                  size_t k, size_t count, const Panel& panel) {
  const FormatInfo& format = Info(row.widen.value_or(matrix.format()));
  FindSpecials(panel.values, count, static_cast<size_t>(row.chunk),
               panel.special);
  Exponents(panel.values, count, format.min_exponent(), panel.exponents);
  if (wide) Normalize(panel.values, panel.exponents, count);
  const DI di;
  const DF df;
  const auto block = static_cast<size_t>(matrix.scale_block());
  if (block == 0 || row.scales.empty()) return;
  const int scale_exponent = Info(matrix.scale_format()).min_exponent();
  for (size_t j = 0; j < count; ++j) {
    for (size_t lane = 0; lane < kGroupRows; lane += kLanesF32) {
      const size_t at = j * kGroupRows + lane;
      const VF scale = hn::Load(
          df, panel.scales + ((k + j) / block - k / block) * kGroupRows + lane);
      const auto nan = hn::IsNaN(scale);
      hn::Store(hn::Add(hn::Load(di, panel.exponents + at),
                        AlignerExponent(scale, scale_exponent)),
                di, panel.exponents + at);
      hn::Store(hn::IfThenElse(nan, scale, hn::Load(df, panel.values + at)), df,
                panel.values + at);
      if (!hn::AllFalse(df, nan)) {
        panel.special[j / static_cast<size_t>(row.chunk)] = 1;
      }
    }
  }
}

// kStepRows rows of one vector as memory, to change the size of lanes.
struct alignas(64) LanesF32 {
  float lanes[kStepRows * kLanesF32];
};
struct alignas(64) LanesI32 {
  int32_t lanes[kStepRows * kLanesF32];
};

void StoreLanes(const VI* from, LanesI32& to) {
  ZEROULP_UNROLL
  for (size_t i = 0; i < kStepRows; ++i) {
    hn::Store(from[i], DI(), to.lanes + i * kLanesF32);
  }
}

// Exponents of accumulators, kNoExponent of zeros.
HWY_INLINE VI AccumulatorExponent(VF acc, int min_exponent) {
  const DI di;
  const auto zero = hn::RebindMask(di, hn::Eq(acc, hn::Zero(DF())));
  return hn::IfThenElse(zero, hn::Set(di, kNoExponent),
                        AlignerExponent(acc, min_exponent));
}

// What is left of a step once its sum is known: `result` where the accumulator
// and the products are finite, else what `special` (if any) or they decide.
HWY_INLINE VF Decide(VF acc, VF result, const float* special) {
  const DF df;
  const VF plus_zero = hn::IfThenZeroElse(hn::Eq(result, hn::Zero(df)), result);
  const VF decided = hn::IfThenElse(hn::IsFinite(acc), plus_zero, acc);
  if (special == nullptr) return decided;
  const VF sum = hn::Load(df, special);
  return hn::IfThenElse(hn::Eq(sum, hn::Zero(df)), decided, sum);
}

class FusedDotModel {
 public:
  explicit FusedDotModel(const GemmCall& call)
      : row_(*call.row),
        wide_(IsWide(call)),
        floor_(row_.exponent_floor.value_or(kLowestExponent)),
        acc_min_exponent_(Info(row_.accumulator).min_exponent()),
        round_(Info(row_.output), row_.out_fraction_bits,
               row_.out_rounding == Rounding::kTowardZero),
        add_(Info(row_.output), Info(row_.output).mantissa_bits, false) {}

  void Prepare(const PackedMatrix& matrix, size_t k, size_t count,
               const Panel& panel) const {
    PreparePanel(row_, wide_, matrix, k, count, panel);
  }

  void Run(const Panel& a, const Panel& b, size_t k, size_t count, size_t rows,
           float* acc) const {
    const auto run = row_.model == Model::kSplitFused ? &FusedDotModel::Split
                     : wide_ ? &FusedDotModel::Whole<true>
                             : &FusedDotModel::Whole<false>;
    const size_t chunk = static_cast<size_t>(row_.chunk);
    for (size_t lane = 0; lane < kGroupRows; lane += kLanesF32) {
      for (size_t r = 0; r < rows; r += kStepRows) {
        for (size_t begin = k; begin < k + count; begin += chunk) {
          const bool special =
              (a.special[begin / chunk] | b.special[begin / chunk]) != 0;
          (this->*run)({a, b, r, lane}, begin, begin + chunk, special,
                       acc + r * kGroupRows + lane);
        }
      }
    }
  }

 private:
  template <bool kWide>
  void Whole(const StepInput& in, size_t begin, size_t end, bool special,
             float* HWY_RESTRICT acc) const {
    const DF df;
    VF sums[kStepRows];
    ZEROULP_UNROLL
    for (size_t i = 0; i < kStepRows; ++i) {
      sums[i] = hn::Load(df, acc + i * kGroupRows);
    }
    Step<kWide, 1, 1>(in, begin, end, special, sums);
    ZEROULP_UNROLL
    for (size_t i = 0; i < kStepRows; ++i) {
      hn::Store(sums[i], df, acc + i * kGroupRows);
    }
  }

  // Products k mod 4 in {0, 1}, then {2, 3}, then one addition.
  void Split(const StepInput& in, size_t begin, size_t end, bool special,
             float* HWY_RESTRICT acc) const {
    const DF df;
    VF sums[kStepRows];
    ZEROULP_UNROLL
    for (size_t i = 0; i < kStepRows; ++i) sums[i] = hn::Zero(df);
    Step<false, 2, 4>(in, begin, end, special, sums);
    Step<false, 2, 4>(in, begin + 2, end, special, sums);
    for (size_t i = 0; i < kStepRows; ++i) {
      float* HWY_RESTRICT to = acc + i * kGroupRows;
      alignas(64) float sum[kLanesF32];
      hn::Store(sums[i], df, sum);
      for (size_t j = 0; j < kLanesF32; j += kLanesF64) {
        hn::StoreU(add_(AddToOdd(WideFrom(to + j), WideFrom(sum + j))),
                   DFHalf(), to + j);
      }
    }
  }

  template <bool kWide, size_t kRun, size_t kStride>
  HWY_INLINE void Step(const StepInput& in, size_t begin, size_t end,
                       bool special, VF* HWY_RESTRICT acc) const {
    const DI di;
    const DF df;
    VI largest[kStepRows];
    ZEROULP_UNROLL
    for (size_t i = 0; i < kStepRows; ++i) {
      largest[i] = hn::Max(AccumulatorExponent(acc[i], acc_min_exponent_),
                           hn::Set(di, floor_));
    }
    LargestExponents<kRun, kStride>(in, begin, end, largest);
    SplitSum sum;
    CutSums<kWide, kRun, kStride>(in, begin, end, row_.align_bits, largest,
                                  sum);
    LanesI32 high, low, exponents;
    LanesF32 addends, results;
    StoreLanes(sum.high, high);
    StoreLanes(sum.low, low);
    StoreLanes(largest, exponents);
    ZEROULP_UNROLL
    for (size_t i = 0; i < kStepRows; ++i) {
      hn::Store(acc[i], df, addends.lanes + i * kLanesF32);
    }
    for (size_t i = 0; i < kStepRows * kLanesF32; i += kLanesF64) {
      hn::StoreU(Finish(WideFrom(high.lanes + i), WideFrom(low.lanes + i),
                        exponents.lanes + i, addends.lanes + i),
                 DFHalf(), results.lanes + i);
    }
    if (special)
      SpecialSums<false, kRun, kStride>(in, begin, end, addends.lanes);
    ZEROULP_UNROLL
    for (size_t i = 0; i < kStepRows; ++i) {
      acc[i] = Decide(acc[i], hn::Load(df, results.lanes + i * kLanesF32),
                      special ? addends.lanes + i * kLanesF32 : nullptr);
    }
  }

  // The sum of cut products and the cut accumulator, rounded.
  HWY_INLINE hn::Vec<DFHalf> Finish(VD high, VD low,
                                    const int32_t* HWY_RESTRICT exponents,
                                    const float* HWY_RESTRICT addends) const {
    const DD dd;
    const DL dl;
    const VL grid = hn::Sub(hn::PromoteTo(dl, hn::LoadU(DIHalf(), exponents)),
                            hn::Set(dl, int64_t{row_.align_bits}));
    const VD products = hn::Add(hn::Mul(high, hn::Set(dd, 65536.0)), low);
    const VD c =
        hn::Trunc(hn::Mul(WideFrom(addends), PowerOfTwo(hn::Neg(grid))));
    return round_(hn::Mul(hn::Add(products, c), PowerOfTwo(grid)));
  }

  const ArithInfo& row_;
  bool wide_;
  int32_t floor_;
  int acc_min_exponent_;
  WideRounder round_, add_;
};

class EvenOddModel {
 public:
  explicit EvenOddModel(const GemmCall& call)
      : row_(*call.row),
        wide_(IsWide(call)),
        acc_min_exponent_(Info(row_.accumulator).min_exponent()),
        round_(Info(row_.output), row_.out_fraction_bits,
               row_.out_rounding == Rounding::kTowardZero) {}

  void Prepare(const PackedMatrix& matrix, size_t k, size_t count,
               const Panel& panel) const {
    PreparePanel(row_, wide_, matrix, k, count, panel);
  }

  void Run(const Panel& a, const Panel& b, size_t k, size_t count, size_t rows,
           float* acc) const {
    const auto run = row_.group == 2 ? (wide_ ? &EvenOddModel::Step<true, 2>
                                              : &EvenOddModel::Step<false, 2>)
                                     : (wide_ ? &EvenOddModel::Step<true, 1>
                                              : &EvenOddModel::Step<false, 1>);
    const size_t chunk = static_cast<size_t>(row_.chunk);
    for (size_t lane = 0; lane < kGroupRows; lane += kLanesF32) {
      for (size_t r = 0; r < rows; r += kStepRows) {
        for (size_t begin = k; begin < k + count; begin += chunk) {
          const bool special =
              (a.special[begin / chunk] | b.special[begin / chunk]) != 0;
          (this->*run)({a, b, r, lane}, begin, begin + chunk, special,
                       acc + r * kGroupRows + lane);
        }
      }
    }
  }

 private:
  static constexpr int kRegisterBits = 31;  // below the largest exponent

  template <bool kWide, size_t kParts>
  void Step(const StepInput& in, size_t begin, size_t end, bool special,
            float* HWY_RESTRICT acc) const {
    const DI di;
    const DF df;
    LanesI32 high[kParts], low[kParts], exponents[kParts];
    LanesF32 addends, results;
    VI most = hn::Set(di, kLowestExponent);
    for (size_t part = 0; part < kParts; ++part) {
      VI largest[kStepRows];
      ZEROULP_UNROLL
      for (size_t i = 0; i < kStepRows; ++i) {
        largest[i] = hn::Set(di, kLowestExponent);
      }
      LargestExponents<1, kParts>(in, begin + part, end, largest);
      SplitSum sum;
      CutSums<kWide, 1, kParts>(in, begin + part, end, row_.align_bits, largest,
                                sum);
      StoreLanes(sum.high, high[part]);
      StoreLanes(sum.low, low[part]);
      StoreLanes(largest, exponents[part]);
      ZEROULP_UNROLL
      for (size_t i = 0; i < kStepRows; ++i) {
        most = hn::Max(most, largest[i]);
      }
    }
    // Products below 4 * 2^126 are binary32 numbers.
    special = special || !hn::AllFalse(di, hn::Gt(most, hn::Set(di, 126)));
    ZEROULP_UNROLL
    for (size_t i = 0; i < kStepRows; ++i) {
      hn::Store(hn::Load(df, acc + i * kGroupRows), df,
                addends.lanes + i * kLanesF32);
    }
    for (size_t i = 0; i < kStepRows * kLanesF32; i += kLanesF64) {
      VD sums[kParts];
      VL grids[kParts];
      for (size_t part = 0; part < kParts; ++part) {
        sums[part] = hn::Add(
            hn::Mul(WideFrom(high[part].lanes + i), hn::Set(DD(), 65536.0)),
            WideFrom(low[part].lanes + i));
        grids[part] =
            hn::PromoteTo(DL(), hn::LoadU(DIHalf(), exponents[part].lanes + i));
      }
      hn::StoreU(Finish<kParts>(sums, grids, addends.lanes + i), DFHalf(),
                 results.lanes + i);
    }
    if (special) SpecialSums<kWide, 1, 1>(in, begin, end, addends.lanes);
    ZEROULP_UNROLL
    for (size_t i = 0; i < kStepRows; ++i) {
      float* HWY_RESTRICT to = acc + i * kGroupRows;
      hn::Store(
          Decide(hn::Load(df, to), hn::Load(df, results.lanes + i * kLanesF32),
                 special ? addends.lanes + i * kLanesF32 : nullptr),
          df, to);
    }
  }

  // Sums of products in units of 2^(exponent - align_bits), floored beside each
  // other, then beside the accumulator.
  template <size_t kParts>
  HWY_INLINE hn::Vec<DFHalf> Finish(const VD* HWY_RESTRICT sums,
                                    const VL* HWY_RESTRICT exponents,
                                    const float* HWY_RESTRICT addends) const {
    const DD dd;
    const DL dl;
    const VL align = hn::Set(dl, int64_t{row_.align_bits});
    VL largest = exponents[0];
    for (size_t part = 1; part < kParts; ++part) {
      largest = hn::Max(largest, exponents[part]);
    }
    VD products = hn::Zero(dd);
    for (size_t part = 0; part < kParts; ++part) {
      products = hn::Add(
          products,
          hn::Floor(hn::Mul(sums[part],
                            PowerOfTwo(hn::Sub(exponents[part], largest)))));
    }
    const VD c = WideFrom(addends);
    const VL c_exponent = WideExponent(c, acc_min_exponent_);
    const VL top = hn::Max(largest, c_exponent);
    const VL grid = hn::Sub(top, hn::Set(dl, int64_t{kRegisterBits}));
    const VL c_grid = hn::Sub(top, align);
    const VD sum = hn::Floor(
        hn::Mul(products, PowerOfTwo(hn::Sub(hn::Sub(largest, align), grid))));
    VD c_sum = hn::Floor(hn::Mul(c, PowerOfTwo(hn::Neg(c_grid))));
    if (kParts == 2) {
      const auto lost =
          hn::Lt(c_exponent, hn::Sub(c_grid, hn::Set(dl, int64_t{1})));
      c_sum = hn::IfThenZeroElse(hn::RebindMask(dd, lost), c_sum);
    }
    return round_(hn::Add(hn::Mul(sum, PowerOfTwo(grid)),
                          hn::Mul(c_sum, PowerOfTwo(c_grid))));
  }

  const ArithInfo& row_;
  bool wide_;
  int acc_min_exponent_;
  WideRounder round_;
};

void FusedTarget(const GemmCall& call, std::byte* workspace) {
  if (call.row->model == Model::kEvenOdd) {
    RunModel<EvenOddModel>(call, /*scales_multiply_sums=*/false, workspace);
  } else {
    RunModel<FusedDotModel>(call, /*scales_multiply_sums=*/false, workspace);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
HWY_EXPORT(FusedTarget);
void Fused(const GemmCall& call, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(FusedTarget)(call, workspace);
}
}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
