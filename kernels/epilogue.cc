// SPDX-License-Identifier: Apache-2.0
#include "kernels/epilogue.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/epilogue.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/block-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

void MultiplyByTarget(float alpha, const GemmCall& call) {
  const FormatInfo& f = Info(call.d.format);
  const WideRounder round(f, f.mantissa_bits, /*toward_zero=*/false);
  // The product of two binary32 values is exact in binary64.
  const VD factor = hn::Set(DD(), double{alpha});
  for (int64_t m = call.m_begin; m < call.m_end; ++m) {
    alignas(64) float lanes[kLanesF64] = {};
    constexpr int64_t kStep = int64_t{kLanesF64};
    for (int64_t n = call.n_begin; n < call.n_end; n += kStep) {
      const int64_t end = std::min(n + kStep, call.n_end);
      for (int64_t i = n; i < end; ++i) {
        lanes[i - n] = ReadElement(call.d, m, i);
      }
      hn::StoreU(round(hn::Mul(WideFrom(lanes), factor)), DFHalf(), lanes);
      for (int64_t i = n; i < end; ++i) {
        WriteElement(*call.row, call.d, m, i, lanes[i - n]);
      }
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {
HWY_EXPORT(MultiplyByTarget);
}  // namespace
void MultiplyBy(float alpha, const GemmCall& call) noexcept {
  HWY_DYNAMIC_DISPATCH(MultiplyByTarget)(alpha, call);
}
}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
