// SPDX-License-Identifier: Apache-2.0
#include "kernels/parallel.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <cstddef>

namespace zeroulp::kernels {

int NumThreads(int threads) {
  return threads != 0 ? threads
                      : oneapi::tbb::this_task_arena::max_concurrency();
}

void ParallelFor(int64_t count, int threads,
                 const std::function<void(int64_t)>& task) {
  if (NumThreads(threads) == 1 || count <= 1) {
    for (int64_t i = 0; i < count; ++i) task(i);
    return;
  }
  // Tasks are few and large: one index a chunk, whoever is free takes the next.
  const auto run = [&] {
    oneapi::tbb::parallel_for(int64_t{0}, count, task,
                              oneapi::tbb::simple_partitioner());
  };
  // Threads wait for more work in an arena that stays, not in one made anew.
  if (NumThreads(threads) == NumThreads(0)) return run();
  // oneTBB prints a warning when asked for more than the process may have.
  const size_t allowed = oneapi::tbb::global_control::active_value(
      oneapi::tbb::global_control::max_allowed_parallelism);
  oneapi::tbb::task_arena(std::min(threads, static_cast<int>(allowed)))
      .execute(run);
}

}  // namespace zeroulp::kernels
