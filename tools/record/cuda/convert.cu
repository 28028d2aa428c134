// SPDX-License-Identifier: Apache-2.0
// Conversions of Ada and everything after it.
#include "tools/record/cuda/convert.cuh"

namespace zeroulp::record::cuda {
namespace {

// clang-format off
ZEROULP_CVT_2F(E4F32, "cvt.rn.satfinite.e4m3x2.f32");
ZEROULP_CVT_2F(E5F32, "cvt.rn.satfinite.e5m2x2.f32");
ZEROULP_CVT_2H(E4F16, "cvt.rn.satfinite.e4m3x2.f16x2");
ZEROULP_CVT_2H(E5F16, "cvt.rn.satfinite.e5m2x2.f16x2");
ZEROULP_CVT_2B(F16E4, "cvt.rn.f16x2.e4m3x2");
ZEROULP_CVT_2B(F16E5, "cvt.rn.f16x2.e5m2x2");
ZEROULP_CVT_1F(F16,   "cvt.rn.f16.f32");
ZEROULP_CVT_1F(F16Rz, "cvt.rz.f16.f32");
ZEROULP_CVT_1F(F16Sat, "cvt.rn.satfinite.f16.f32");
ZEROULP_CVT_1F(Bf16,   "cvt.rn.bf16.f32");
ZEROULP_CVT_1F(Bf16Rz, "cvt.rz.bf16.f32");
ZEROULP_CVT_1F(Bf16Sat, "cvt.rn.satfinite.bf16.f32");
// clang-format on

constexpr Converter kConverters[] = {
    ConverterOf<E4F32>(), ConverterOf<E5F32>(),  ConverterOf<E4F16>(),
    ConverterOf<E5F16>(), ConverterOf<F16E4>(),  ConverterOf<F16E5>(),
    ConverterOf<F16>(),   ConverterOf<F16Rz>(),  ConverterOf<F16Sat>(),
    ConverterOf<Bf16>(),  ConverterOf<Bf16Rz>(), ConverterOf<Bf16Sat>()};

}  // namespace

Converters Converts() {
  return {kConverters,
          static_cast<int>(sizeof(kConverters) / sizeof(*kConverters))};
}

}  // namespace zeroulp::record::cuda
