// SPDX-License-Identifier: Apache-2.0
// The operations that conversions need and Highway 1.0.3 does not have.

#if defined(ZEROULP_KERNELS_NARROW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_NARROW_INL_H_
#undef ZEROULP_KERNELS_NARROW_INL_H_
#else
#define ZEROULP_KERNELS_NARROW_INL_H_
#endif

#include <cstdint>

#include "kernels/ops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

using DU = hn::ScalableTag<uint32_t>;
using VU = hn::Vec<DU>;

#if ZEROULP_TARGET_HAS_512
// a * b + c, rounded to nearest even whatever MXCSR says; raises no flags.
HWY_INLINE VF MulAddNearestEven(VF a, VF b, VF c) {
  return VF{_mm512_fmadd_round_ps(
      a.raw, b.raw, c.raw, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}

// min(|x|, cap), for a cap that is a positive number; anything for NaN.
HWY_INLINE VF CapMagnitude(VF x, VF cap) {
  constexpr int kSmallerMagnitude = 2, kClearSign = 2 << 2;
  return VF{_mm512_range_round_ps(
      x.raw, cap.raw, kSmallerMagnitude | kClearSign, _MM_FROUND_NO_EXC)};
}
#endif

#if HWY_TARGET == HWY_AVX3_DL
using DB = hn::ScalableTag<uint8_t>;
using VB = hn::Vec<DB>;

// A queue of four bytes in each 32-bit lane, least significant first:
// PushLow drops the first and appends the low byte of x, PushHigh drops the
// last and prepends the high byte of x.
HWY_INLINE VU PushLow(VU queue, VU x) {
  return VU{_mm512_shrdi_epi32(queue.raw, x.raw, 8)};
}
HWY_INLINE VU PushHigh(VU queue, VU x) {
  return VU{_mm512_shldi_epi32(queue.raw, x.raw, 8)};
}

// `into`, but in the bytes of `mask` the 8 bits of the 64-bit lane of x that
// begin at bit first[i], cyclically.
HWY_INLINE VB InsertBits(VB into, uint64_t mask, VB first, VU x) {
  return VB{
      _mm512_mask_multishift_epi64_epi8(into.raw, mask, first.raw, x.raw)};
}

// bytes[index[i]], of all 64.
HWY_INLINE VB PermuteBytes(VB bytes, VB index) {
  return VB{_mm512_permutexvar_epi8(index.raw, bytes.raw)};
}

// The entry of 128 that the low 7 bits of each index select.
HWY_INLINE VB Lookup128(VB table_low, VB table_high, VB index) {
  return VB{_mm512_permutex2var_epi8(table_low.raw, index.raw, table_high.raw)};
}

// Whether any lane of a or b is NaN; raises no flags.
HWY_INLINE bool AnyNan(VF a, VF b, VF c, VF d) {
  const __mmask16 ab =
      _mm512_cmp_round_ps_mask(a.raw, b.raw, _CMP_UNORD_Q, _MM_FROUND_NO_EXC);
  const __mmask16 cd =
      _mm512_cmp_round_ps_mask(c.raw, d.raw, _CMP_UNORD_Q, _MM_FROUND_NO_EXC);
  return _mm512_kortestz(ab, cd) == 0;
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_NARROW_INL_H_
