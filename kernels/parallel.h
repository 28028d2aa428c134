// SPDX-License-Identifier: Apache-2.0
// The only door to oneTBB.
#ifndef ZEROULP_KERNELS_PARALLEL_H_
#define ZEROULP_KERNELS_PARALLEL_H_

#include <cstdint>
#include <functional>

namespace zeroulp::kernels {

// Threads that ParallelFor will use: `threads`, or where that is 0 all of the
// calling thread's arena.
int NumThreads(int threads);

// Runs task(0) ... task(count - 1), each once, in any order and on any of
// `threads` threads; 1 stays on the calling thread. Tasks must not throw.
void ParallelFor(int64_t count, int threads,
                 const std::function<void(int64_t)>& task);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_PARALLEL_H_
