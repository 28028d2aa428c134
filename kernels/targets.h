// SPDX-License-Identifier: Apache-2.0
// The only Highway configuration; included before any Highway header.
#ifndef ZEROULP_KERNELS_TARGETS_H_
#define ZEROULP_KERNELS_TARGETS_H_

#ifdef HWY_DISABLED_TARGETS
#error "kernels/targets.h must be included before any Highway header"
#endif

// Highway 1.0.3 leaves AVX-512 with VNNI, VBMI and GFNI out unless asked.
#define HWY_WANT_AVX3_DL 1

// Vectors without a compile-time size cannot be register-tile arrays.
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

#endif  // ZEROULP_KERNELS_TARGETS_H_
