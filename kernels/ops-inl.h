// SPDX-License-Identifier: Apache-2.0
// The operations that the kernels need and Highway 1.0.3 does not have, each
// with the same bits on every target that has it. Nothing outside this file
// knows which Highway or instruction it got.

#if defined(ZEROULP_KERNELS_OPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_OPS_INL_H_
#undef ZEROULP_KERNELS_OPS_INL_H_
#else
#define ZEROULP_KERNELS_OPS_INL_H_
#endif

#include "kernels/targets.h"

#include "hwy/highway.h"

// Complete unrolling of a register-tile loop; without it the accumulators are
// an array in memory.
#ifndef ZEROULP_UNROLL
#if HWY_COMPILER_CLANG
#define ZEROULP_UNROLL _Pragma("clang loop unroll(full)")
#else
#define ZEROULP_UNROLL _Pragma("GCC unroll 64")
#endif
#endif

// Whether the target being compiled has 512-bit vectors. That the CPU has the
// BF16 dot among them is a question for run time (HaveBf16Dot).
#ifndef ZEROULP_TARGET_HAS_512
#define ZEROULP_TARGET_HAS_512 \
  (HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL)
#endif

// Whether it has a dot of bytes: x86 from SSSE3 on.
#ifndef ZEROULP_TARGET_HAS_BYTE_DOT
#define ZEROULP_TARGET_HAS_BYTE_DOT                    \
  (ZEROULP_TARGET_HAS_512 || HWY_TARGET == HWY_AVX2 || \
   HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3)
#endif

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::ScalableTag<float>;
using DI = hn::ScalableTag<int32_t>;
using VF = hn::Vec<DF>;
using VI = hn::Vec<DI>;

// acc + a * b rounded once. Targets without FMA round the product too, which
// changes nothing where products are exact in binary32: all narrow formats.
HWY_INLINE VF MulAddExactProduct(VF acc, VF a, VF b) {
  return hn::MulAdd(a, b, acc);
}

// What was read from memory before must be read again.
HWY_INLINE void ForgetMemory() { asm volatile("" : : : "memory"); }

#if ZEROULP_TARGET_HAS_512
// Each 32-bit lane of a and b holds two bf16, the first k in the HIGH half:
//   acc = fma(a.high, b.high, acc); acc = fma(a.low, b.low, acc)
// each rounded to nearest even. So measured on AMD Zen 4 and Intel Sapphire
// Rapids, whatever MXCSR says; subnormal inputs and results become zero.
HWY_INLINE VF DotBf16HighLow(VF acc, VF a, VF b) {
  // No intrinsic: that would need a target attribute Highway does not set.
  asm("vdpbf16ps %2, %1, %0" : "+v"(acc.raw) : "v"(a.raw), "v"(b.raw));
  return acc;
}
#endif

#if HWY_TARGET == HWY_AVX3_DL
using DB = hn::ScalableTag<uint8_t>;
using VB = hn::Vec<DB>;

// Byte i is byte index[i] mod 128 of the 128 bytes of `low` and `high`.
HWY_INLINE VB TwoTableBytes(VB low, VB high, VB index) {
  return VB{_mm512_permutex2var_epi8(low.raw, index.raw, high.raw)};
}

// bytes[index[i]], of all 64; the low 6 bits of an index.
HWY_INLINE VI SelectBytes(VI bytes, VI index) {
  return VI{_mm512_permutexvar_epi8(index.raw, bytes.raw)};
}

// acc + four products of an unsigned byte of a and a signed byte of b, in
// each 32-bit lane, modulo 2^32.
HWY_INLINE VI DotU8S8(VI acc, VI a, VI b) {
  asm("vpdpbusd %2, %1, %0" : "+v"(acc.raw) : "v"(a.raw), "v"(b.raw));
  return acc;
}
#endif

#if ZEROULP_TARGET_HAS_BYTE_DOT
// The same where sums of two neighbouring products fit int16.
HWY_INLINE VI DotSmallBytes(VI acc, VI a, VI b) {
#if HWY_TARGET == HWY_AVX3_DL
  return DotU8S8(acc, a, b);
#elif HWY_TARGET == HWY_AVX3
  const VI one = hn::Set(DI(), 0x00010001);
  return hn::Add(
      acc, VI{_mm512_madd_epi16(_mm512_maddubs_epi16(a.raw, b.raw), one.raw)});
#elif HWY_TARGET == HWY_AVX2
  const VI one = hn::Set(DI(), 0x00010001);
  return hn::Add(
      acc, VI{_mm256_madd_epi16(_mm256_maddubs_epi16(a.raw, b.raw), one.raw)});
#else
  const VI one = hn::Set(DI(), 0x00010001);
  return hn::Add(acc,
                 VI{_mm_madd_epi16(_mm_maddubs_epi16(a.raw, b.raw), one.raw)});
#endif
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_OPS_INL_H_
