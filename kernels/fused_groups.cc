// SPDX-License-Identifier: Apache-2.0
// Fused dots over exact sums of groups of products.
#include <algorithm>

#include "kernels/fused.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/fused_groups.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/block-inl.h"
#include "kernels/fused-inl.h"

#ifndef ZEROULP_KERNELS_FUSED_GROUPS_ONCE_
#define ZEROULP_KERNELS_FUSED_GROUPS_ONCE_
namespace zeroulp::kernels {
inline constexpr size_t kMaxGroups = 8;  // of a chunk, see GroupFusedComputes
}  // namespace zeroulp::kernels
#endif  // ZEROULP_KERNELS_FUSED_GROUPS_ONCE_

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

class GroupFusedModel {
 public:
  explicit GroupFusedModel(const GemmCall& call)
      : row_(*call.row),
        chunk_(static_cast<size_t>(row_.chunk)),
        group_(static_cast<size_t>(row_.group)),
        block_(static_cast<size_t>(row_.scale_block)),
        a_scale_exponent_(Info(call.a->scale_format()).min_exponent()),
        b_scale_exponent_(Info(call.b_t->scale_format()).min_exponent()),
        acc_min_exponent_(Info(row_.accumulator).min_exponent()),
        floor_(row_.exponent_floor.value_or(kLowestExponent)),
        round_(Info(row_.output), row_.out_fraction_bits,
               row_.out_rounding == Rounding::kTowardZero) {}

  // Which products of each group are not zero.
  void Prepare(const PackedMatrix& /*matrix*/, size_t /*k*/, size_t count,
               const Panel& panel) const {
    const DI di;
    const DF df;
    for (size_t g = 0; g < count / group_; ++g) {
      for (size_t lane = 0; lane < kGroupRows; lane += kLanesF32) {
        VI mask = hn::Zero(di);
        for (size_t j = 0; j < group_; ++j) {
          const VF x =
              hn::Load(df, panel.values + (g * group_ + j) * kGroupRows + lane);
          const auto zero = hn::RebindMask(di, hn::Eq(x, hn::Zero(df)));
          mask = hn::Or(
              mask,
              hn::IfThenZeroElse(
                  zero, hn::Set(di, static_cast<int32_t>(uint32_t{1} << j))));
        }
        hn::Store(mask, di, panel.nonzero + g * kGroupRows + lane);
      }
    }
  }

  void Run(const Panel& a, const Panel& b, size_t k, size_t count, size_t rows,
           float* acc) const {
    for (size_t lane = 0; lane < kGroupRows; lane += kLanesF32) {
      for (size_t r = 0; r < rows; r += kStepRows) {
        for (size_t begin = k; begin < k + count; begin += chunk_) {
          const size_t end = std::min(begin + chunk_, k + count);
          Step({a, b, r, lane}, begin, end, acc + r * kGroupRows + lane);
        }
      }
    }
  }

 private:
  // The groups of one chunk, for each row of D and lane.
  struct Groups {
    alignas(64) float sums[kMaxGroups][kStepRows * kLanesF32];
    alignas(64) int32_t exponents[kMaxGroups][kStepRows * kLanesF32];
  };

  void Step(const StepInput& in, size_t begin, size_t end,
            float* HWY_RESTRICT acc) const {
    Groups groups;
    const size_t num_groups = (end - begin + group_ - 1) / group_;
    for (size_t g = 0; g < num_groups; ++g) {
      SumGroup(in, begin + g * group_, groups.sums[g], groups.exponents[g]);
    }
    for (size_t i = 0; i < kStepRows; ++i) {
      for (size_t j = 0; j < kLanesF32; j += kLanesF64) {
        Finish(in, groups, num_groups, begin, i, j, acc + i * kGroupRows + j);
      }
    }
  }

  // The exact sum of one group of products, and the exponent it aligns to.
  HWY_INLINE void SumGroup(const StepInput& in, size_t k,
                           float* HWY_RESTRICT sums,
                           int32_t* HWY_RESTRICT exponents) const {
    const DI di;
    const DF df;
    const float* HWY_RESTRICT a = in.a.values + in.row;
    const float* HWY_RESTRICT b = in.b.values + in.lane;
    VF sum[kStepRows];
    ZEROULP_UNROLL
    for (size_t i = 0; i < kStepRows; ++i) sum[i] = hn::Zero(df);
    for (size_t at = k * kGroupRows; at < (k + group_) * kGroupRows;
         at += kGroupRows) {
      const VF b_now = hn::Load(df, b + at);
      ZEROULP_UNROLL
      for (size_t i = 0; i < kStepRows; ++i) {
        sum[i] = MulAddExactProduct(sum[i], hn::Set(df, a[at + i]), b_now);
      }
    }
    const size_t mask_at = k / group_ * kGroupRows;
    const size_t scale_at = k / block_ * kGroupRows;
    const VI b_mask = hn::Load(di, in.b.nonzero + mask_at + in.lane);
    const VI b_exponent = AlignerExponent(
        hn::Load(df, in.b.scales + scale_at + in.lane), b_scale_exponent_);
    ZEROULP_UNROLL
    for (size_t i = 0; i < kStepRows; ++i) {
      const VI a_mask = hn::Set(di, in.a.nonzero[mask_at + in.row + i]);
      const VF a_scale = hn::Set(df, in.a.scales[scale_at + in.row + i]);
      const VI exponent =
          hn::Add(AlignerExponent(a_scale, a_scale_exponent_), b_exponent);
      // A group whose products are all zero aligns nothing.
      const auto none = hn::Eq(hn::And(a_mask, b_mask), hn::Zero(di));
      hn::Store(sum[i], df, sums + i * kLanesF32);
      hn::Store(hn::IfThenElse(none, hn::Set(di, kLowestExponent), exponent),
                di, exponents + i * kLanesF32);
    }
  }

  // Row `i`, lanes from `j` on: cuts the scaled sums and the accumulator.
  HWY_INLINE void Finish(const StepInput& in, const Groups& groups,
                         size_t num_groups, size_t begin, size_t i, size_t j,
                         float* HWY_RESTRICT acc) const {
    const DD dd;
    const DL dl;
    const DFHalf dh;
    const size_t at = i * kLanesF32 + j;
    const VD c = WideFrom(acc);
    VL largest = hn::Max(WideExponent(c, acc_min_exponent_),
                         hn::Set(dl, int64_t{floor_}));
    for (size_t g = 0; g < num_groups; ++g) {
      largest = hn::Max(
          largest,
          hn::PromoteTo(dl, hn::LoadU(DIHalf(), groups.exponents[g] + at)));
    }
    const VL grid = hn::Sub(largest, hn::Set(dl, int64_t{row_.align_bits}));
    const VD per_unit = PowerOfTwo(hn::Neg(grid));
    VD total = hn::Trunc(hn::Mul(c, per_unit));
    VD nan = hn::Zero(dd);  // or NaN, if a scale is
    for (size_t g = 0; g < num_groups; ++g) {
      const size_t scale_at = (begin + g * group_) / block_ * kGroupRows;
      const VD scale =
          hn::Mul(hn::Set(dd, double{in.a.scales[scale_at + in.row + i]}),
                  WideFrom(in.b.scales + scale_at + in.lane + j));
      const VD scaled = hn::Mul(WideFrom(groups.sums[g] + at), scale);
      nan = hn::Add(nan, hn::Mul(scale, hn::Zero(dd)));
      total = hn::Add(total, hn::Trunc(hn::Mul(scaled, per_unit)));
    }
    const auto sum = round_(hn::Mul(total, PowerOfTwo(grid)));
    const auto plus_zero = hn::IfThenZeroElse(hn::Eq(sum, hn::Zero(dh)), sum);
    const auto before = hn::LoadU(dh, acc);
    const auto after = hn::IfThenElse(hn::IsFinite(before), plus_zero, before);
    hn::StoreU(hn::Add(after, ToBinary32(nan)), dh, acc);
  }

  const ArithInfo& row_;
  size_t chunk_, group_, block_;
  int a_scale_exponent_, b_scale_exponent_, acc_min_exponent_;
  int32_t floor_;
  WideRounder round_;
};

void GroupFusedTarget(const GemmCall& call, std::byte* workspace) {
  RunModel<GroupFusedModel>(call, /*scales_multiply_sums=*/false, workspace);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
HWY_EXPORT(GroupFusedTarget);
void GroupFused(const GemmCall& call, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(GroupFusedTarget)(call, workspace);
}
}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
