// SPDX-License-Identifier: Apache-2.0
// The machine, written into every benchmark report.
#ifndef ZEROULP_BENCH_CONTEXT_H_
#define ZEROULP_BENCH_CONTEXT_H_

namespace zeroulp::bench {

// Measures the peaks of every SIMD target and adds them to Google Benchmark's
// context with the CPU, the threads, the frequency governor and the commit.
// Takes about a second. Before the benchmarks run.
void AddMachineContext();

}  // namespace zeroulp::bench

#endif  // ZEROULP_BENCH_CONTEXT_H_
