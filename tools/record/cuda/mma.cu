// SPDX-License-Identifier: Apache-2.0
// mma.sync of Ada and everything after it.
#include "tools/record/cuda/warp.cuh"

namespace zeroulp::record::cuda {
namespace {

#define DENSE "mma.sync.aligned.m16n8"
#define SPARSE "mma.sp::ordered_metadata.sync.aligned.m16n8"

// clang-format off
ZEROULP_MMA_F32(F16F32,  DENSE "k16.row.col.f32.f16.f16.f32");
ZEROULP_MMA_F16(F16F16,  DENSE "k16.row.col.f16.f16.f16.f16");
ZEROULP_MMA_F32(Bf16F32, DENSE "k16.row.col.f32.bf16.bf16.f32");
ZEROULP_MMA_F32(Tf32F32, DENSE "k8.row.col.f32.tf32.tf32.f32");
ZEROULP_MMA_F32(E4E4F32, DENSE "k32.row.col.f32.e4m3.e4m3.f32");
ZEROULP_MMA_F32(E4E5F32, DENSE "k32.row.col.f32.e4m3.e5m2.f32");
ZEROULP_MMA_F32(E5E4F32, DENSE "k32.row.col.f32.e5m2.e4m3.f32");
ZEROULP_MMA_F32(E5E5F32, DENSE "k32.row.col.f32.e5m2.e5m2.f32");
ZEROULP_MMA_F16(E4E4F16, DENSE "k32.row.col.f16.e4m3.e4m3.f16");
ZEROULP_MMA_F16(E4E5F16, DENSE "k32.row.col.f16.e4m3.e5m2.f16");
ZEROULP_MMA_F16(E5E4F16, DENSE "k32.row.col.f16.e5m2.e4m3.f16");
ZEROULP_MMA_F16(E5E5F16, DENSE "k32.row.col.f16.e5m2.e5m2.f16");
ZEROULP_MMA_SPARSE(SpF16,  1, SPARSE "k32.row.col.f32.f16.f16.f32");
ZEROULP_MMA_SPARSE(SpBf16, 1, SPARSE "k32.row.col.f32.bf16.bf16.f32");
ZEROULP_MMA_SPARSE(SpTf32, 1, SPARSE "k16.row.col.f32.tf32.tf32.f32");
ZEROULP_MMA_SPARSE(SpE4E4, 2, SPARSE "k64.row.col.f32.e4m3.e4m3.f32");
ZEROULP_MMA_SPARSE(SpE4E5, 2, SPARSE "k64.row.col.f32.e4m3.e5m2.f32");
ZEROULP_MMA_SPARSE(SpE5E4, 2, SPARSE "k64.row.col.f32.e5m2.e4m3.f32");
ZEROULP_MMA_SPARSE(SpE5E5, 2, SPARSE "k64.row.col.f32.e5m2.e5m2.f32");
// clang-format on

constexpr Kernel kKernels[] = {
    WarpKernelOf<F16F32>(),  WarpKernelOf<F16F16>(),  WarpKernelOf<Bf16F32>(),
    WarpKernelOf<Tf32F32>(), WarpKernelOf<E4E4F32>(), WarpKernelOf<E4E5F32>(),
    WarpKernelOf<E5E4F32>(), WarpKernelOf<E5E5F32>(), WarpKernelOf<E4E4F16>(),
    WarpKernelOf<E4E5F16>(), WarpKernelOf<E5E4F16>(), WarpKernelOf<E5E5F16>(),
    WarpKernelOf<SpF16>(),   WarpKernelOf<SpBf16>(),  WarpKernelOf<SpTf32>(),
    WarpKernelOf<SpE4E4>(),  WarpKernelOf<SpE4E5>(),  WarpKernelOf<SpE5E4>(),
    WarpKernelOf<SpE5E5>(),
};

}  // namespace

Kernels MmaKernels() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(*kKernels))};
}

}  // namespace zeroulp::record::cuda
