// SPDX-License-Identifier: Apache-2.0
// Sums of E2M1 products by the dot of bytes.
//
// Twice an E2M1 value is an integer, so that products are whole quarters and
// their sums, in a block, integers: no order of additions changes them.
#include <algorithm>
#include <type_traits>

#include "kernels/aligned_parts.h"
#include "kernels/scaled.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/scaled_int8.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/fp4_panels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_AVX3_DL

// As much of K as there is, or lanes hold.
size_t LongBlock(const GemmCall& call) {
  constexpr int64_t kUnit = 16;
  const int64_t k = (call.a->cols() + kUnit - 1) / kUnit * kUnit;
  return static_cast<size_t>(std::clamp(k, kUnit, kMaxIntegerBlock));
}

// Shorter runs of groups that could be aligned are not worth filling panels of
// the other operand for them alone: where one of every 7 groups of A or B could
// not (1024^3, Zen 4), that gains 1 % or loses 3, of every 9 it gains 3 or
// none.
inline constexpr int64_t kFewGroups = 8;

template <class Fold>
void RunBytes(const GemmCall& call, size_t block, std::byte* workspace) {
  // FractionFold multiplies by A's scale in the one rounding of a sum.
  const bool any_a = std::is_same_v<Fold, FractionFold>;
  const ScaleRows a(*call.a, any_a ? ScaleRange()
                                   : RangeOf(call, *call.a, kRangeOfFractions));
  const ScaleRows b(*call.b_t, RangeOf(call, *call.b_t, kRangeOfFractions));
  const BytePanels<Fold> panels(call, block, a, b);
  RunWhereInRange(call, a, b, workspace, [&](const GemmCall& part) {
    ScaledGemm<BytePanels<Fold>>(part, panels, workspace).Run();
  });
}

// Scales that are powers of two, out of the sums where rows can be aligned.
void RunPowers(const GemmCall& call, size_t block, std::byte* workspace) {
  const auto rest = [&](const GemmCall& part) {
    RunBytes<FractionFold>(part, block, workspace);
  };
  const AlignedLimits limits = LimitsOfMost(call, RoomOfTarget);
  if (!limits.any()) return rest(call);
  const auto aligned = [](const PackedMatrix& matrix,
                          const AlignedLimit& limit) {
    return
        [&](size_t group) { return limit.Admits(matrix, group, RoomOfTarget); };
  };
  const AlignedPanels panels(call, LongBlock(call));
  RunWhere(
      call, aligned(*call.a, limits.a), aligned(*call.b_t, limits.b),
      kFewGroups,
      [&](const GemmCall& part) {
        ScaledGemm<AlignedPanels>(part, panels, workspace).Run();
      },
      rest);
}

#endif

void ScaledInt8Target(const GemmCall& call, std::byte* workspace) {
#if HWY_TARGET == HWY_AVX3_DL
  const int64_t block = ScaledBlock(call);
  if (block == 0) {
    return RunBytes<FractionFold>(call, LongBlock(call), workspace);
  }
  if (OnlyPowersOfTwo(call)) {
    return RunPowers(call, static_cast<size_t>(block), workspace);
  }
  RunBytes<FractionScaleFold>(call, static_cast<size_t>(block), workspace);
#else
  ScaledFma(call, workspace);  // never selected, see kernel_table.cc
#endif
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {
HWY_EXPORT(ScaledInt8Target);
}  // namespace

void ScaledInt8(const GemmCall& call, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(ScaledInt8Target)(call, workspace);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
