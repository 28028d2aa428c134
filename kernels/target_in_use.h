// SPDX-License-Identifier: Apache-2.0
// The SIMD target that dispatched functions run on.
#ifndef ZEROULP_KERNELS_TARGET_IN_USE_H_
#define ZEROULP_KERNELS_TARGET_IN_USE_H_

#include <cstdint>

namespace zeroulp::kernels {

// Of Highway, one bit. As cheap as any dispatch: hwy::SupportedTargets executes
// CPUID on every call, which takes 14 us in a virtual machine, longer than the
// product of two small matrices.
int64_t TargetInUse() noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_TARGET_IN_USE_H_
