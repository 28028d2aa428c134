// SPDX-License-Identifier: Apache-2.0
// wgmma.mma_async of Hopper: one warpgroup a row, both operands in shared
// memory, the accumulator in registers from step to step.
#include "tools/record/cuda/kernel.cuh"
#include "tools/record/cuda/shared.cuh"

namespace zeroulp::record::cuda {
namespace {

constexpr int kM = 64, kN = 8, kThreads = 128;

template <class Op>
__global__ void __launch_bounds__(kThreads) WarpgroupKernel(Args args) {
  constexpr int kBWords = kStepWords * (Op::kMetaWords != 0 ? 2 : 1);
  __shared__ alignas(128) uint4 a_shared[kOperandUnits<kM, kStepWords>];
  __shared__ alignas(128) uint4 b_shared[kOperandUnits<kN, kBWords>];
  const int row = static_cast<int>(blockIdx.x);
  const int thread = static_cast<int>(threadIdx.x);
  typename Op::Tile d(args.c[row]);
#pragma unroll 1
  for (int step = 0; step < args.steps; ++step) {
    const int at = row * args.steps + step;
    FillOperand<kM, kStepWords>(a_shared, args.a + at * kStepWords);
    FillOperand<kN, kBWords>(b_shared, args.b + at * kBWords);
    uint32_t meta = 0;
    if constexpr (Op::kMetaWords != 0) {
      meta = MetadataOf<Op::kMetaWords>(args.meta + at * 2, thread % 4);
    }
    __syncthreads();
    Op::Run(d, Descriptor<kStepWords>(a_shared, 0),
            Descriptor<kBWords>(b_shared, 0), meta);
    __syncthreads();  // the operands have been read: Run waits for that
  }
  d.Store(args.d + (row * kThreads + thread) * 4);
}

template <class Op>
constexpr Kernel WarpgroupKernelOf() {
  return {Op::kText, Op::Tile::kF16, kThreads * 4,
          [](const Args& args, int rows) {
            WarpgroupKernel<Op><<<rows, kThreads>>>(args);
          }};
}

// One instruction from its fence to its end in one statement, so that no
// register of the accumulator moves in between. p: the accumulator counts.
#define ZEROULP_WGMMA(name, tile, meta_words, text, rest, ...)   \
  struct name {                                                  \
    using Tile = tile;                                           \
    static constexpr char kText[] = text;                        \
    static constexpr int kMetaWords = meta_words;                \
    __device__ static void Run(Tile& d, uint64_t a, uint64_t b,  \
                               [[maybe_unused]] uint32_t meta) { \
      asm volatile(                                              \
          "{\n.reg .pred p;\nsetp.eq.u32 p, 0, 0;\n"             \
          "wgmma.fence.sync.aligned;\n" text rest                \
          ";\nwgmma.commit_group.sync.aligned;\n"                \
          "wgmma.wait_group.sync.aligned 0;\n}"                  \
          : __VA_ARGS__                                          \
          : "l"(a), "l"(b), "r"(meta)                            \
          : "memory");                                           \
    }                                                            \
  }

#define ZEROULP_D4 "+f"(d.x[0]), "+f"(d.x[1]), "+f"(d.x[2]), "+f"(d.x[3])
#define ZEROULP_D2 "+r"(d.x[0]), "+r"(d.x[1])
// Of 16-bit types the last two say that both operands are K-major.
#define ZEROULP_WGMMA_F32(name, text, k_major) \
  ZEROULP_WGMMA(name, F32Tile, 0, text,        \
                " {%0, %1, %2, %3}, %4, %5, p, 1, 1" k_major, ZEROULP_D4)
#define ZEROULP_WGMMA_F16(name, text, k_major)                                \
  ZEROULP_WGMMA(name, F16Tile, 0, text, " {%0, %1}, %2, %3, p, 1, 1" k_major, \
                ZEROULP_D2)
#define ZEROULP_WGMMA_SPARSE(name, meta_words, text, k_major)        \
  ZEROULP_WGMMA(name, F32Tile, meta_words, text,                     \
                " {%0, %1, %2, %3}, %4, %5, %6, 0, p, 1, 1" k_major, \
                ZEROULP_D4)

#define DENSE "wgmma.mma_async.sync.aligned.m64n8"
#define SPARSE "wgmma.mma_async.sp.sync.aligned.m64n8"

// clang-format off
ZEROULP_WGMMA_F32(F16F32,  DENSE "k16.f32.f16.f16", ", 0, 0");
ZEROULP_WGMMA_F16(F16F16,  DENSE "k16.f16.f16.f16", ", 0, 0");
ZEROULP_WGMMA_F32(Bf16F32, DENSE "k16.f32.bf16.bf16", ", 0, 0");
ZEROULP_WGMMA_F32(Tf32F32, DENSE "k8.f32.tf32.tf32", "");
ZEROULP_WGMMA_F32(E4E4F32, DENSE "k32.f32.e4m3.e4m3", "");
ZEROULP_WGMMA_F32(E4E5F32, DENSE "k32.f32.e4m3.e5m2", "");
ZEROULP_WGMMA_F32(E5E4F32, DENSE "k32.f32.e5m2.e4m3", "");
ZEROULP_WGMMA_F32(E5E5F32, DENSE "k32.f32.e5m2.e5m2", "");
ZEROULP_WGMMA_F16(E4E4F16, DENSE "k32.f16.e4m3.e4m3", "");
ZEROULP_WGMMA_F16(E4E5F16, DENSE "k32.f16.e4m3.e5m2", "");
ZEROULP_WGMMA_F16(E5E4F16, DENSE "k32.f16.e5m2.e4m3", "");
ZEROULP_WGMMA_F16(E5E5F16, DENSE "k32.f16.e5m2.e5m2", "");
ZEROULP_WGMMA_SPARSE(SpBf16, 1, SPARSE "k32.f32.bf16.bf16", ", 0, 0");
ZEROULP_WGMMA_SPARSE(SpE4E4, 2, SPARSE "k64.f32.e4m3.e4m3", "");
ZEROULP_WGMMA_SPARSE(SpE4E5, 2, SPARSE "k64.f32.e4m3.e5m2", "");
ZEROULP_WGMMA_SPARSE(SpE5E4, 2, SPARSE "k64.f32.e5m2.e4m3", "");
ZEROULP_WGMMA_SPARSE(SpE5E5, 2, SPARSE "k64.f32.e5m2.e5m2", "");
// clang-format on

constexpr Kernel kKernels[] = {
    WarpgroupKernelOf<F16F32>(),  WarpgroupKernelOf<F16F16>(),
    WarpgroupKernelOf<Bf16F32>(), WarpgroupKernelOf<Tf32F32>(),
    WarpgroupKernelOf<E4E4F32>(), WarpgroupKernelOf<E4E5F32>(),
    WarpgroupKernelOf<E5E4F32>(), WarpgroupKernelOf<E5E5F32>(),
    WarpgroupKernelOf<E4E4F16>(), WarpgroupKernelOf<E4E5F16>(),
    WarpgroupKernelOf<E5E4F16>(), WarpgroupKernelOf<E5E5F16>(),
    WarpgroupKernelOf<SpBf16>(),  WarpgroupKernelOf<SpE4E4>(),
    WarpgroupKernelOf<SpE4E5>(),  WarpgroupKernelOf<SpE5E4>(),
    WarpgroupKernelOf<SpE5E5>(),
};

}  // namespace

Kernels WgmmaKernels() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(*kKernels))};
}

}  // namespace zeroulp::record::cuda
