// SPDX-License-Identifier: Apache-2.0
// The machine, written into every benchmark report.
#ifndef ZEROULP_BENCH_CONTEXT_H_
#define ZEROULP_BENCH_CONTEXT_H_

#include <cstdint>
#include <vector>

#include "bench/flags.h"

namespace zeroulp::bench {

// Measures the peaks of every SIMD target and adds them to Google Benchmark's
// context with the CPU, the threads, the frequency governor, the inputs and the
// commit.
// Takes about a second. Before the benchmarks run.
void AddMachineContext(const Flags& flags);

// Numbers of threads to measure: 1, 2, 4, ... and all.
std::vector<int> ThreadCounts();

}  // namespace zeroulp::bench

#endif  // ZEROULP_BENCH_CONTEXT_H_
