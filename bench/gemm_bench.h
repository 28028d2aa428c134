// SPDX-License-Identifier: Apache-2.0
#ifndef ZEROULP_BENCH_GEMM_BENCH_H_
#define ZEROULP_BENCH_GEMM_BENCH_H_

#include <vector>

#include "bench/filter.h"
#include "bench/flags.h"
#include "bench/shapes.h"

namespace zeroulp::bench {

// Registers, of Gemm over every arithmetic row, pair of operands, shape, SIMD
// target and number of threads, what `filter` matches: to list all of them
// takes Google Benchmark minutes. README.md says what names and counters mean.
void RegisterGemm(const Filter& filter, const std::vector<Shape>& shapes,
                  const Flags& flags);

// The libraries that were found when this was built, on the same shapes.
void RegisterPeers(const std::vector<Shape>& shapes);

}  // namespace zeroulp::bench

#endif  // ZEROULP_BENCH_GEMM_BENCH_H_
