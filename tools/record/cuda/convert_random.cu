// SPDX-License-Identifier: Apache-2.0
// Stochastic conversions, of data-centre Blackwell.
#include "tools/record/cuda/convert.cuh"

namespace zeroulp::record::cuda {
namespace {

// clang-format off
ZEROULP_CVT_RS2(RsF16,  "cvt.rs.f16x2.f32");
ZEROULP_CVT_RS2(RsBf16, "cvt.rs.bf16x2.f32");
ZEROULP_CVT_RS4(RsE4m3, uint32_t, "=r", "cvt.rs.satfinite.e4m3x4.f32");
ZEROULP_CVT_RS4(RsE5m2, uint32_t, "=r", "cvt.rs.satfinite.e5m2x4.f32");
ZEROULP_CVT_RS4(RsE2m3, uint32_t, "=r", "cvt.rs.satfinite.e2m3x4.f32");
ZEROULP_CVT_RS4(RsE3m2, uint32_t, "=r", "cvt.rs.satfinite.e3m2x4.f32");
ZEROULP_CVT_RS4(RsE2m1, uint16_t, "=h", "cvt.rs.satfinite.e2m1x4.f32");
// clang-format on

constexpr Converter kConverters[] = {
    ConverterOf<RsF16>(),  ConverterOf<RsBf16>(), ConverterOf<RsE4m3>(),
    ConverterOf<RsE5m2>(), ConverterOf<RsE2m3>(), ConverterOf<RsE3m2>(),
    ConverterOf<RsE2m1>()};

}  // namespace

Converters RandomConverts() {
  return {kConverters,
          static_cast<int>(sizeof(kConverters) / sizeof(*kConverters))};
}

}  // namespace zeroulp::record::cuda
