// SPDX-License-Identifier: Apache-2.0
// mma.sync with a .kind, of RTX Blackwell.
#include "tools/record/cuda/warp.cuh"

namespace zeroulp::record::cuda {
namespace {

// One pair of operand types: f32 and f16 out, and with block scales.
#define ZEROULP_PAIR(a, b)                                                  \
  ZEROULP_MMA_F32(F32_##a##_##b,                                            \
                  "mma.sync.aligned.kind::f8f6f4.m16n8k32.row.col.f32." #a  \
                  "." #b ".f32");                                           \
  ZEROULP_MMA_F16(F16_##a##_##b,                                            \
                  "mma.sync.aligned.kind::f8f6f4.m16n8k32.row.col.f16." #a  \
                  "." #b ".f16");                                           \
  ZEROULP_MMA_SCALED(                                                       \
      Mx_##a##_##b,                                                         \
      "mma.sync.aligned.kind::mxf8f6f4.block_scale.scale_vec::1X.m16n8k32." \
      "row.col.f32." #a "." #b ".f32.ue8m0")

#define ZEROULP_PAIRS(a) \
  ZEROULP_PAIR(a, e4m3); \
  ZEROULP_PAIR(a, e5m2); \
  ZEROULP_PAIR(a, e3m2); \
  ZEROULP_PAIR(a, e2m3); \
  ZEROULP_PAIR(a, e2m1)

ZEROULP_PAIRS(e4m3);
ZEROULP_PAIRS(e5m2);
ZEROULP_PAIRS(e3m2);
ZEROULP_PAIRS(e2m3);
ZEROULP_PAIRS(e2m1);

ZEROULP_MMA_SCALED(Mxf4,
                   "mma.sync.aligned.kind::mxf4.block_scale.scale_vec::2X."
                   "m16n8k64.row.col.f32.e2m1.e2m1.f32.ue8m0");
ZEROULP_MMA_SCALED(Nvf4,
                   "mma.sync.aligned.kind::mxf4nvf4.block_scale.scale_vec::4X."
                   "m16n8k64.row.col.f32.e2m1.e2m1.f32.ue4m3");

#define ZEROULP_ROW(a, b)                                       \
  WarpKernelOf<F32_##a##_##b>(), WarpKernelOf<F16_##a##_##b>(), \
      WarpKernelOf<Mx_##a##_##b>()
#define ZEROULP_ROWS(a)                                             \
  ZEROULP_ROW(a, e4m3), ZEROULP_ROW(a, e5m2), ZEROULP_ROW(a, e3m2), \
      ZEROULP_ROW(a, e2m3), ZEROULP_ROW(a, e2m1)

constexpr Kernel kKernels[] = {
    ZEROULP_ROWS(e4m3),   ZEROULP_ROWS(e5m2), ZEROULP_ROWS(e3m2),
    ZEROULP_ROWS(e2m3),   ZEROULP_ROWS(e2m1), WarpKernelOf<Mxf4>(),
    WarpKernelOf<Nvf4>(),
};

}  // namespace

Kernels Mma120Kernels() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(*kKernels))};
}

}  // namespace zeroulp::record::cuda
