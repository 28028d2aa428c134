// SPDX-License-Identifier: Apache-2.0
// Conversions to FP6 and FP4, of Blackwell.
#include "tools/record/cuda/convert.cuh"

namespace zeroulp::record::cuda {
namespace {

// clang-format off
ZEROULP_CVT_2F(E2m3, "cvt.rn.satfinite.e2m3x2.f32");
ZEROULP_CVT_2F(E3m2, "cvt.rn.satfinite.e3m2x2.f32");
ZEROULP_CVT_2F_BYTE(E2m1, "cvt.rn.satfinite.e2m1x2.f32");
// clang-format on

constexpr Converter kConverters[] = {ConverterOf<E2m3>(), ConverterOf<E3m2>(),
                                     ConverterOf<E2m1>()};

}  // namespace

Converters NarrowConverts() {
  return {kConverters,
          static_cast<int>(sizeof(kConverters) / sizeof(*kConverters))};
}

}  // namespace zeroulp::record::cuda
