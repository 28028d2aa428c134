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

// The larger magnitude, without its sign. No operand is NaN or subnormal.
HWY_INLINE VF LargerMagnitude(VF a, VF b) {
  VF larger;
  asm("vrangeps $11, %{sae%}, %2, %1, %0"
      : "=v"(larger.raw)
      : "v"(a.raw), "v"(b.raw));
  return larger;
}

// The smaller magnitude, with the sign of a. Neither is NaN or subnormal.
HWY_INLINE VF SmallerMagnitude(VF a, VF b) {
  VF smaller;
  asm("vrangeps $2, %{sae%}, %2, %1, %0"
      : "=v"(smaller.raw)
      : "v"(a.raw), "v"(b.raw));
  return smaller;
}

// In each lane, the low half of a; of its high half, the last bit is the sign
// of b, and the others are 0.
HWY_INLINE VI SignIntoHighHalf(VI a, VI b) {
  constexpr __mmask32 kHighHalves = 0xAAAAAAAAu;
  return VI{_mm512_mask_srli_epi16(a.raw, kHighHalves, b.raw, 15)};
}

// x. What it is made from compilers do not put off until it is used, and what
// is made from it they do not begin before.
template <class V>
HWY_INLINE V ComputeHere(V x) {
  asm volatile("" : "+v"(x.raw));
  return x;
}

// The same address. Compilers, who do not know that, add constants to it again
// instead of keeping on the stack the sums they had.
template <class T>
HWY_INLINE const T* Anew(const T* from) {
  asm("" : "+r"(from));
  return from;
}

// The word at `from` in every lane. As asm: a binary32 one compilers broadcast
// by an instruction that on Zen 4 occupies a pipe of the multiply-adds, which
// this one, a load like any other, leaves alone. Volatile: it is cheaper than
// to keep the word on the stack until it is read again.
template <class Word>
HWY_INLINE VI BroadcastWord(const Word* from) {
  static_assert(sizeof(Word) == 4);
  VI word;
  asm volatile("vpbroadcastd %1, %0" : "=v"(word.raw) : "m"(*from));
  return word;
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_FLOOR32_OPS_INL_H_
