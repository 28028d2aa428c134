// SPDX-License-Identifier: Apache-2.0
// The operations that sparse kernels need and Highway 1.0.3 does not have.

#if defined(ZEROULP_KERNELS_SPARSE_OPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_SPARSE_OPS_INL_H_
#undef ZEROULP_KERNELS_SPARSE_OPS_INL_H_
#else
#define ZEROULP_KERNELS_SPARSE_OPS_INL_H_
#endif

#include "kernels/ops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// Brings the line at `from` to L2, not to L1: it is read later than L1 keeps
// it.
HWY_INLINE void PrefetchL2(const uint8_t* from) {
#if HWY_COMPILER_GCC || HWY_COMPILER_CLANG
  __builtin_prefetch(from, 0, 2);
#else
  hwy::Prefetch(from);
#endif
}

#if ZEROULP_TARGET_HAS_512
// words[index[i]], of all 32 words of 16 bits; the low 5 bits of an index.
HWY_INLINE VF SelectWords(VF words, VI index) {
  return VF{_mm512_castsi512_ps(
      _mm512_permutexvar_epi16(index.raw, _mm512_castps_si512(words.raw)))};
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_SPARSE_OPS_INL_H_
