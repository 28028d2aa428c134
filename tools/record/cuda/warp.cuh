// SPDX-License-Identifier: Apache-2.0
// mma.sync: one warp a row, fragments filled from the row's words.
//
// Thread 4g + t of every form here holds, of rows g and g + 8 of A, words t and
// 4 + t of the 32 bytes that one instruction reads of a row, and of column g of
// B words t, 4 + t and, beside a sparse A, 8 + t and 12 + t. PTX ISA 9.7.14.5.5
// to .11 and 9.7.14.6.2 say so for each type in elements; in words they agree.
#ifndef ZEROULP_TOOLS_RECORD_CUDA_WARP_CUH_
#define ZEROULP_TOOLS_RECORD_CUDA_WARP_CUH_

#include "tools/record/cuda/kernel.cuh"

namespace zeroulp::record::cuda {

struct Fragments {
  uint32_t a[4], b[4];
  uint32_t meta;
  uint32_t a_scale, b_scale;
};

template <class Op>
__global__ void WarpKernel(Args args) {
  const int row = static_cast<int>(blockIdx.x);
  const int lane = static_cast<int>(threadIdx.x), t = lane % 4;
  constexpr int kBWords = kStepWords * (Op::kMetaWords != 0 ? 2 : 1);
  typename Op::Tile d(args.c[row]);
#pragma unroll 1
  for (int step = 0; step < args.steps; ++step) {
    const int at = row * args.steps + step;
    const uint32_t* a = args.a + at * kStepWords;
    const uint32_t* b = args.b + at * kBWords;
    Fragments x = {};
    x.a[0] = x.a[1] = a[t];
    x.a[2] = x.a[3] = a[4 + t];
    for (int i = 0; i < kBWords / 4; ++i) x.b[i] = b[4 * i + t];
    if constexpr (Op::kMetaWords != 0) {
      x.meta = MetadataOf<Op::kMetaWords>(args.meta + at * 2, t);
    }
    if constexpr (Op::kScaled) {
      x.a_scale = args.scales[at * 2];
      x.b_scale = args.scales[at * 2 + 1];
    }
    Op::Run(d, x);
  }
  d.Store(args.d + (row * 32 + lane) * 4);
}

template <class Op>
constexpr Kernel WarpKernelOf() {
  return {Op::kText, Op::Tile::kF16, 128, [](const Args& args, int rows) {
            WarpKernel<Op><<<rows, 32>>>(args);
          }};
}

// Operations, each a struct whose text is its name in the list of kernels.
#define ZEROULP_MMA(name, tile, meta_words, scaled, text) \
  struct name {                                           \
    using Tile = tile;                                    \
    static constexpr char kText[] = text;                 \
    static constexpr int kMetaWords = meta_words;         \
    static constexpr bool kScaled = scaled;               \
    __device__ static void Run(Tile& d, const Fragments& x)

#define ZEROULP_A(x) "r"(x.a[0]), "r"(x.a[1]), "r"(x.a[2]), "r"(x.a[3])
#define ZEROULP_D4(d) "+f"(d.x[0]), "+f"(d.x[1]), "+f"(d.x[2]), "+f"(d.x[3])

#define ZEROULP_MMA_F32(name, text)                                \
  ZEROULP_MMA(name, F32Tile, 0, false, text) {                     \
    asm volatile(text                                              \
                 " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, " \
                 "{%0, %1, %2, %3};"                               \
                 : ZEROULP_D4(d)                                   \
                 : ZEROULP_A(x), "r"(x.b[0]), "r"(x.b[1]));        \
  }                                                                \
  }

#define ZEROULP_MMA_F16(name, text)                                      \
  ZEROULP_MMA(name, F16Tile, 0, false, text) {                           \
    asm volatile(text " {%0, %1}, {%2, %3, %4, %5}, {%6, %7}, {%0, %1};" \
                 : "+r"(d.x[0]), "+r"(d.x[1])                            \
                 : ZEROULP_A(x), "r"(x.b[0]), "r"(x.b[1]));              \
  }                                                                      \
  }

#define ZEROULP_MMA_SPARSE(name, meta_words, text)                           \
  ZEROULP_MMA(name, F32Tile, meta_words, false, text) {                      \
    asm volatile(text                                                        \
                 " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9, %10, %11}, " \
                 "{%0, %1, %2, %3}, %12, 0;"                                 \
                 : ZEROULP_D4(d)                                             \
                 : ZEROULP_A(x), "r"(x.b[0]), "r"(x.b[1]), "r"(x.b[2]),      \
                   "r"(x.b[3]), "r"(x.meta));                                \
  }                                                                          \
  }

// Scales: byte 0 of the words of thread 0 of the quad on; all hold the same.
#define ZEROULP_MMA_SCALED(name, text)                                     \
  ZEROULP_MMA(name, F32Tile, 0, true, text) {                              \
    const uint16_t zero = 0;                                               \
    asm volatile(text                                                      \
                 " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "         \
                 "{%0, %1, %2, %3}, {%10}, {%12, %12}, {%11}, {%12, %12};" \
                 : ZEROULP_D4(d)                                           \
                 : ZEROULP_A(x), "r"(x.b[0]), "r"(x.b[1]), "r"(x.a_scale), \
                   "r"(x.b_scale), "h"(zero));                             \
  }                                                                        \
  }

}  // namespace zeroulp::record::cuda

#endif  // ZEROULP_TOOLS_RECORD_CUDA_WARP_CUH_
