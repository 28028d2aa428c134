// SPDX-License-Identifier: Apache-2.0
// Tensor memory and completion of tcgen05 instructions. PTX ISA 9.7.16.
#ifndef ZEROULP_TOOLS_RECORD_CUDA_TENSOR_MEMORY_CUH_
#define ZEROULP_TOOLS_RECORD_CUDA_TENSOR_MEMORY_CUH_

#include <cstdint>

#include "tools/record/cuda/shared.cuh"

namespace zeroulp::record::cuda {

// One warp of the block calls these.
__device__ inline void Allocate(uint32_t* address, uint32_t columns) {
  asm volatile(
      "tcgen05.alloc.cta_group::1.sync.aligned.shared::cta.b32 [%0], %1;\n"
      "tcgen05.relinquish_alloc_permit.cta_group::1.sync.aligned;" ::"r"(
          SharedAddress(address)),
      "r"(columns)
      : "memory");
}
__device__ inline void Deallocate(uint32_t address, uint32_t columns) {
  asm volatile(
      "tcgen05.dealloc.cta_group::1.sync.aligned.b32 %0, %1;" ::"r"(address),
      "r"(columns)
      : "memory");
}

__device__ inline void FenceBeforeBarrier() {
  asm volatile("tcgen05.fence::before_thread_sync;" ::: "memory");
}
__device__ inline void FenceAfterBarrier() {
  asm volatile("tcgen05.fence::after_thread_sync;" ::: "memory");
}

// The lanes a warp may touch: 32 of 128, by its place in its warpgroup. The
// lane stands in the upper half of an address, the column in the lower.
__device__ inline uint32_t WarpLanes() { return threadIdx.x / 32 * 32 << 16; }

// 16 columns of this warp's lanes; column i of a lane is words[i].
__device__ inline void Store16(uint32_t address, const uint32_t (&w)[16]) {
  asm volatile(
      "tcgen05.st.sync.aligned.32x32b.x16.b32 [%0], {%1, %2, %3, %4, %5, %6, "
      "%7, %8, %9, %10, %11, %12, %13, %14, %15, %16};\n"
      "tcgen05.wait::st.sync.aligned;" ::"r"(address + WarpLanes()),
      "r"(w[0]), "r"(w[1]), "r"(w[2]), "r"(w[3]), "r"(w[4]), "r"(w[5]),
      "r"(w[6]), "r"(w[7]), "r"(w[8]), "r"(w[9]), "r"(w[10]), "r"(w[11]),
      "r"(w[12]), "r"(w[13]), "r"(w[14]), "r"(w[15])
      : "memory");
}
__device__ inline void Load16(uint32_t address, uint32_t (&w)[16]) {
  asm volatile(
      "tcgen05.ld.sync.aligned.32x32b.x16.b32 {%0, %1, %2, %3, %4, %5, %6, %7, "
      "%8, %9, %10, %11, %12, %13, %14, %15}, [%16];\n"
      "tcgen05.wait::ld.sync.aligned;"
      : "=r"(w[0]), "=r"(w[1]), "=r"(w[2]), "=r"(w[3]), "=r"(w[4]), "=r"(w[5]),
        "=r"(w[6]), "=r"(w[7]), "=r"(w[8]), "=r"(w[9]), "=r"(w[10]),
        "=r"(w[11]), "=r"(w[12]), "=r"(w[13]), "=r"(w[14]), "=r"(w[15])
      : "r"(address + WarpLanes())
      : "memory");
}

// 16 columns of this lane, even and odd ones.
__device__ inline void Store16(uint32_t address, uint32_t even, uint32_t odd) {
  uint32_t words[16];
  for (int i = 0; i < 16; ++i) words[i] = i % 2 == 0 ? even : odd;
  Store16(address, words);
}

__device__ inline void InitBarrier(uint64_t* barrier) {
  asm volatile(
      "mbarrier.init.shared::cta.b64 [%0], 1;\n"
      "fence.mbarrier_init.release.cluster;" ::"r"(SharedAddress(barrier))
      : "memory");
}
// Arrives when everything this thread issued has completed.
__device__ inline void Commit(uint64_t* barrier) {
  asm volatile(
      "tcgen05.commit.cta_group::1.mbarrier::arrive::one.shared::cluster.b64 "
      "[%0];" ::"r"(SharedAddress(barrier))
      : "memory");
}
// Nanoseconds after which an instruction is taken for one that never completes:
// it takes microseconds, and a thousand blocks wait for each other at most.
inline constexpr uint64_t kPatience = 2'000'000'000;

__device__ inline uint64_t Nanoseconds() {
  uint64_t time;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(time));
  return time;
}

__device__ inline void Wait(uint64_t* barrier, uint32_t parity) {
  const uint64_t start = Nanoseconds();
  while (Nanoseconds() - start < kPatience) {
    uint32_t done;
    asm volatile(
        "{\n.reg .pred p;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n}"
        : "=r"(done)
        : "r"(SharedAddress(barrier)), "r"(parity)
        : "memory");
    if (done != 0) return;
  }
  __trap();
}

}  // namespace zeroulp::record::cuda

#endif  // ZEROULP_TOOLS_RECORD_CUDA_TENSOR_MEMORY_CUH_
