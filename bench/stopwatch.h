// SPDX-License-Identifier: Apache-2.0
#ifndef ZEROULP_BENCH_STOPWATCH_H_
#define ZEROULP_BENCH_STOPWATCH_H_

#include <chrono>

namespace zeroulp::bench {

// Google Benchmark's own real time would add "/real_time" to every name, so
// rates are taken from a clock of ours.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace zeroulp::bench

#endif  // ZEROULP_BENCH_STOPWATCH_H_
