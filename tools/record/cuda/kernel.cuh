// SPDX-License-Identifier: Apache-2.0
// What the kernels of all units share: their arguments, accumulators and the
// list of them that each file gives.
#ifndef ZEROULP_TOOLS_RECORD_CUDA_KERNEL_CUH_
#define ZEROULP_TOOLS_RECORD_CUDA_KERNEL_CUH_

#include <cstdint>

namespace zeroulp::record::cuda {

inline constexpr int kStepWords = 8;  // as in launch.h

// Device pointers to what launch.h describes.
struct Args {
  int steps;
  uint32_t descriptor;
  const uint32_t *a, *b, *c, *meta, *scales;
  uint32_t* d;
};

// A kernel and the instruction it runs, in the words of its own assembly.
struct Kernel {
  const char* instruction;
  bool f16_out;
  int copies;  // words of d for each row
  void (*launch)(const Args& args, int rows);
};

struct Kernels {
  const Kernel* first;
  int count;
};

// Defined where the build has the architecture, see cmake/Record.cmake.
Kernels MmaKernels();
Kernels Mma120Kernels();
Kernels WgmmaKernels();
Kernels Tcgen05Kernels();

#ifdef __CUDACC__

// Four elements of d in registers: binary32, or two pairs of binary16.
struct F32Tile {
  static constexpr bool kF16 = false;
  float x[4];

  __device__ explicit F32Tile(uint32_t c) {
    for (float& v : x) v = __uint_as_float(c);
  }
  __device__ void Store(uint32_t* d) const {
    for (int i = 0; i < 4; ++i) d[i] = __float_as_uint(x[i]);
  }
};

struct F16Tile {
  static constexpr bool kF16 = true;
  uint32_t x[2];

  __device__ explicit F16Tile(uint32_t c) { x[0] = x[1] = c | c << 16; }
  __device__ void Store(uint32_t* d) const {
    for (int i = 0; i < 4; ++i) d[i] = x[i / 2] >> (16 * (i % 2)) & 0xFFFFu;
  }
};

// Metadata of one row that thread `t` of a quad holds for rows g and g + 8.
// 32 bits a row (16-bit and wider elements): even threads the first half of K,
// odd ones the second, row g below row g + 8. 64 bits a row: threads 0 and 1
// the first half of K, of one row each. PTX ISA 9.7.14.6.2, 9.7.15.6; the
// selector, which names the threads, is 0, and the others hold the same.
template <int kMetaWords>
__device__ inline uint32_t MetadataOf(const uint32_t* meta, int t) {
  if (kMetaWords == 2) return meta[t / 2];
  const uint32_t half = meta[0] >> (16 * (t % 2)) & 0xFFFFu;
  return half | half << 16;
}

#endif  // __CUDACC__

}  // namespace zeroulp::record::cuda

#endif  // ZEROULP_TOOLS_RECORD_CUDA_KERNEL_CUH_
