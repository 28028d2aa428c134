// SPDX-License-Identifier: Apache-2.0
// Operands in shared memory for wgmma and tcgen05, and their descriptors.
//
// K-major without swizzle: core matrices of 8 rows x 16 bytes, each 128
// contiguous bytes. Those of one group of 8 rows follow each other along K, the
// groups follow each other. PTX ISA 9.7.15.5.1, 9.7.16.10.
#ifndef ZEROULP_TOOLS_RECORD_CUDA_SHARED_CUH_
#define ZEROULP_TOOLS_RECORD_CUDA_SHARED_CUH_

#include <cstdint>

namespace zeroulp::record::cuda {

inline constexpr int kCoreBytes = 128;

// Length of an operand in units of 16 bytes.
template <int kRows, int kWords>
inline constexpr int kOperandUnits = kRows* kWords / 4;

// Fills all rows with the same words; every thread of the block takes part.
// Visible to the asynchronous proxy after the next barrier.
template <int kRows, int kWords>
__device__ inline void FillOperand(uint4* shared, const uint32_t* words) {
  constexpr int kParts = kWords / 4;  // of 16 bytes: core matrices along K
  for (int i = static_cast<int>(threadIdx.x); i < kOperandUnits<kRows, kWords>;
       i += static_cast<int>(blockDim.x)) {
    const uint32_t* part = words + i / 8 % kParts * 4;
    shared[i] = make_uint4(part[0], part[1], part[2], part[3]);
  }
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

__device__ inline uint32_t SharedAddress(const void* pointer) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

// Start address, distance of core matrices along K, distance of groups of 8
// rows, each without its four low bits; `version` is 1 for tcgen05, 0 for
// wgmma. Swizzle and base offset are zero.
template <int kWords>
__device__ inline uint64_t Descriptor(const void* shared, uint64_t version) {
  constexpr uint64_t kAlongK = kCoreBytes, kAlongRows = kWords / 4 * kCoreBytes;
  return (SharedAddress(shared) & 0x3FFFFu) >> 4 | kAlongK >> 4 << 16 |
         kAlongRows >> 4 << 32 | version << 46;
}

}  // namespace zeroulp::record::cuda

#endif  // ZEROULP_TOOLS_RECORD_CUDA_SHARED_CUH_
