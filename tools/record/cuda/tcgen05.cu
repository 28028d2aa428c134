// SPDX-License-Identifier: Apache-2.0
// tcgen05.mma of Blackwell: operands in shared memory; accumulator, scales and
// sparsity metadata in tensor memory. One block a row.
#include "tools/record/cuda/kernel.cuh"
#include "tools/record/cuda/shared.cuh"
#include "tools/record/cuda/tensor_memory.cuh"

namespace zeroulp::record::cuda {
namespace {

constexpr int kM = 128, kN = 16;  // kTcgen05M and N of launch.h
constexpr int kThreads = 128;     // one for each lane, so for each row of d

// Columns of tensor memory: d has one an element; scales and metadata take four
// at most, and 16 are filled.
constexpr uint32_t kD = 0, kAScales = 32, kBScales = 64, kMeta = 96,
                   kColumns = 128;

struct Operands {
  uint32_t memory;  // the columns
  uint64_t a, b;    // descriptors
  uint32_t instruction;
};

// What lies beside the operands, the same for all rows and columns. Scales are
// one word a row, the first in its lowest byte; kN rounded up to 32 columns.
// Metadata: of 64 bits a row, one word in an even and one in an odd column; of
// 32 bits, lanes 0-7 of 16 have the first half of K, 8-15 the second, each for
// a row of the lower and one of the upper eight.
template <class Op>
__device__ void StoreExtras(const Args& args, int at, uint32_t memory) {
  if constexpr (Op::kScaled) {
    const uint32_t a = args.scales[at * 2], b = args.scales[at * 2 + 1];
    Store16(memory + kAScales, a, a);
    Store16(memory + kBScales, b, b);
  }
  if constexpr (Op::kMetaWords == 2) {
    Store16(memory + kMeta, args.meta[at * 2], args.meta[at * 2 + 1]);
  } else if constexpr (Op::kMetaWords == 1) {
    const uint32_t half =
        args.meta[at * 2] >> (threadIdx.x / 8 % 2 * 16) & 0xFFFFu;
    Store16(memory + kMeta, half | half << 16, half | half << 16);
  }
}

template <class Op>
__global__ void __launch_bounds__(kThreads) TensorKernel(Args args) {
  constexpr int kBWords = kStepWords * (Op::kMetaWords != 0 ? 2 : 1);
  __shared__ alignas(128) uint4 a_shared[kOperandUnits<kM, kStepWords>];
  __shared__ alignas(128) uint4 b_shared[kOperandUnits<kN, kBWords>];
  __shared__ uint64_t barrier;
  __shared__ uint32_t memory_shared;
  const int row = static_cast<int>(blockIdx.x);
  const int thread = static_cast<int>(threadIdx.x);

  if (thread == 0) InitBarrier(&barrier);
  if (thread < 32) Allocate(&memory_shared, kColumns);
  FenceBeforeBarrier();
  __syncthreads();
  FenceAfterBarrier();
  const uint32_t memory = memory_shared;
  Store16(memory + kD, args.c[row], args.c[row]);

#pragma unroll 1
  for (int step = 0; step < args.steps; ++step) {
    const int at = row * args.steps + step;
    FillOperand<kM, kStepWords>(a_shared, args.a + at * kStepWords);
    FillOperand<kN, kBWords>(b_shared, args.b + at * kBWords);
    StoreExtras<Op>(args, at, memory);
    FenceBeforeBarrier();
    __syncthreads();
    if (thread == 0) {
      FenceAfterBarrier();
      Op::Run({memory, Descriptor<kStepWords>(a_shared, 1),
               Descriptor<kBWords>(b_shared, 1), args.descriptor});
      Commit(&barrier);
    }
    __syncthreads();
    Wait(&barrier, static_cast<uint32_t>(step) % 2);
    FenceAfterBarrier();
  }

  uint32_t d[kN];
  Load16(memory + kD, d);
  FenceBeforeBarrier();
  __syncthreads();
  if (thread < 32) Deallocate(memory, kColumns);
  // Elements of binary16 have a column each too, in its low half.
  for (int i = 0; i < kN; ++i) {
    args.d[(row * kThreads + thread) * kN + i] =
        Op::kF16 ? d[i] & 0xFFFFu : d[i];
  }
}

template <class Op>
constexpr Kernel TensorKernelOf() {
  return {Op::kText, Op::kF16, kThreads * kN, [](const Args& args, int rows) {
            TensorKernel<Op><<<rows, kThreads>>>(args);
          }};
}

// p: the accumulator counts. %0 the columns; %1, %2 operands; %3 descriptor.
#define ZEROULP_TCGEN05(name, f16, meta_words, scaled, text, operands)      \
  struct name {                                                             \
    static constexpr char kText[] = text;                                   \
    static constexpr bool kF16 = f16, kScaled = scaled;                     \
    static constexpr int kMetaWords = meta_words;                           \
    __device__ static void Run(const Operands& x) {                         \
      asm volatile("{\n.reg .pred p;\nsetp.eq.u32 p, 0, 0;\n" text operands \
                   ", p;\n}" ::"r"(x.memory + kD),                          \
                   "l"(x.a), "l"(x.b), "r"(x.instruction),                  \
                   "r"(x.memory + kAScales), "r"(x.memory + kBScales),      \
                   "r"(x.memory + kMeta)                                    \
                   : "memory");                                             \
    }                                                                       \
  }

#define DENSE " [%0], %1, %2, %3"
#define SPARSE " [%0], %1, %2, [%6], %3"
#define SCALED " [%0], %1, %2, %3, [%4], [%5]"

// clang-format off
ZEROULP_TCGEN05(F16F32, false, 0, false, "tcgen05.mma.cta_group::1.kind::f16",    DENSE);
ZEROULP_TCGEN05(F16F16, true,  0, false, "tcgen05.mma.cta_group::1.kind::f16",    DENSE);
ZEROULP_TCGEN05(Tf32,   false, 0, false, "tcgen05.mma.cta_group::1.kind::tf32",   DENSE);
ZEROULP_TCGEN05(F8F32,  false, 0, false, "tcgen05.mma.cta_group::1.kind::f8f6f4", DENSE);
ZEROULP_TCGEN05(F8F16,  true,  0, false, "tcgen05.mma.cta_group::1.kind::f8f6f4", DENSE);
ZEROULP_TCGEN05(SpF16,  false, 1, false, "tcgen05.mma.sp.cta_group::1.kind::f16",    SPARSE);
ZEROULP_TCGEN05(SpF8,   false, 2, false, "tcgen05.mma.sp.cta_group::1.kind::f8f6f4", SPARSE);
ZEROULP_TCGEN05(Mxf8,   false, 0, true,  "tcgen05.mma.cta_group::1.kind::mxf8f6f4.block_scale.scale_vec::1X", SCALED);
ZEROULP_TCGEN05(Mxf4,   false, 0, true,  "tcgen05.mma.cta_group::1.kind::mxf4.block_scale.scale_vec::2X",     SCALED);
ZEROULP_TCGEN05(Nvf4,   false, 0, true,  "tcgen05.mma.cta_group::1.kind::mxf4nvf4.block_scale.scale_vec::4X", SCALED);
// clang-format on

constexpr Kernel kKernels[] = {
    TensorKernelOf<F16F32>(), TensorKernelOf<F16F16>(), TensorKernelOf<Tf32>(),
    TensorKernelOf<F8F32>(),  TensorKernelOf<F8F16>(),  TensorKernelOf<SpF16>(),
    TensorKernelOf<SpF8>(),   TensorKernelOf<Mxf8>(),   TensorKernelOf<Mxf4>(),
    TensorKernelOf<Nvf4>(),
};

}  // namespace

Kernels Tcgen05Kernels() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(*kKernels))};
}

}  // namespace zeroulp::record::cuda
