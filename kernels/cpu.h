// SPDX-License-Identifier: Apache-2.0
// CPU features that no Highway 1.0.3 target stands for.
#ifndef ZEROULP_KERNELS_CPU_H_
#define ZEROULP_KERNELS_CPU_H_

namespace zeroulp::kernels {

// AVX512_BF16, on a CPU whose operating system keeps 512-bit registers.
inline bool HaveBf16Dot() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") != 0 &&
         __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_CPU_H_
