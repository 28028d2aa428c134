// SPDX-License-Identifier: Apache-2.0
// What a GEMM asks of a chip: the row of its peaks, the roof, the bytes.
#ifndef ZEROULP_PROFILES_WORK_H_
#define ZEROULP_PROFILES_WORK_H_

#include <string>
#include <string_view>
#include <vector>

#include "zeroulp/project.h"

namespace zeroulp::internal {

struct Work {
  const ChipPeak* peak;
  double tflops;  // of the whole chip
  double flops;
  double a_bytes, b_bytes, d_bytes;
  double quantised_bytes;   // to read A as BF16 and write it quantised
  std::string_view family;  // of constants, calibration.h
  std::vector<std::string> assumptions;
};

// Checks shape, formats and pattern against the chip; throws what Project does.
Work FindWork(const Measurement& measurement, const ChipInfo& chip,
              bool block_scales);

// "7700 GB/s (published, https://...)"
std::string Cite(const Quantity& quantity, std::string_view unit);

}  // namespace zeroulp::internal

#endif  // ZEROULP_PROFILES_WORK_H_
