// SPDX-License-Identifier: Apache-2.0
#include "kernels/target_in_use.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/target_in_use.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {
int64_t ThisTarget() { return HWY_TARGET; }
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {
HWY_EXPORT(ThisTarget);
}  // namespace

int64_t TargetInUse() noexcept { return HWY_DYNAMIC_DISPATCH(ThisTarget)(); }

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
