// SPDX-License-Identifier: Apache-2.0
// How long one chip takes for one GEMM: a roofline with launch, tiles, waves
// and heat. Microseconds, bytes and operations; model.cc explains the terms.
#ifndef ZEROULP_PROFILES_MODEL_H_
#define ZEROULP_PROFILES_MODEL_H_

#include "profiles/calibration.h"

namespace zeroulp::internal {

// What of a chip, or of a part of one, the model sees.
struct Machine {
  double flops_per_us;  // peak
  double bytes_per_us;  // of memory
  double cache_bytes;   // last level; 0: none or unpublished
  double tile_cores;    // 0: systolic arrays, or nothing published
  double arrays;        // 0: none
  double array_k, array_n;
};

// D (m x n) = A (m x k) * B (k x n).
struct Load {
  double m, n, k;
  double flops;                      // 2 m n k, skipped products included
  double a_bytes, b_bytes, d_bytes;  // as stored
  double quantised_bytes;            // read and written to quantise A, or 0
  bool looped;                       // launched over and over on one operand
  enum class Clock { kCool, kHeating, kHot } clock;
};

struct Prediction {
  double us;
  // Parts of it; compute and memory overlap.
  double launch_us, quantise_us, compute_us, memory_us;
  // Share of the engine's work that is in the product, not in padding and
  // partly filled waves.
  double occupancy;
};
Prediction Predict(const Machine& machine, const Load& load,
                   const Constants& constants);

}  // namespace zeroulp::internal

#endif  // ZEROULP_PROFILES_MODEL_H_
