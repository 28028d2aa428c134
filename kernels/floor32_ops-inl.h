// SPDX-License-Identifier: Apache-2.0
// The operations of floor32_tile-inl.h that Highway 1.0.3 does not have.

#if defined(ZEROULP_KERNELS_FLOOR32_OPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_FLOOR32_OPS_INL_H_
#undef ZEROULP_KERNELS_FLOOR32_OPS_INL_H_
#else
#define ZEROULP_KERNELS_FLOOR32_OPS_INL_H_
#endif

#include "kernels/ops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

#if ZEROULP_TARGET_HAS_512
// acc + a * b rounded toward zero whatever MXCSR says; no flags. As asm: GCC 12
// spills accumulators that go through the intrinsic.
HWY_INLINE VF MulAddTowardZero(VF acc, VF a, VF b) {
  asm("vfmadd231ps %{rz-sae%}, %2, %1, %0"
      : "+v"(acc.raw)
      : "v"(a.raw), "v"(b.raw));
  return acc;
}

// x * 2^kBits and, below, the first kBits of y.
template <int kBits>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<DI>> ShiftLeftFrom(
    hn::Vec<hn::RebindToUnsigned<DI>> x, hn::Vec<hn::RebindToUnsigned<DI>> y) {
#if HWY_TARGET == HWY_AVX3_DL
  return decltype(x){_mm512_shldi_epi32(x.raw, y.raw, kBits)};
#else
  return hn::Or(hn::ShiftLeft<kBits>(x), hn::ShiftRight<32 - kBits>(y));
#endif
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_FLOOR32_OPS_INL_H_
