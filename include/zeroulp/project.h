// SPDX-License-Identifier: Apache-2.0
// From a GEMM measured on this host to a chip or system of chips.h.
#ifndef ZEROULP_PROJECT_H_
#define ZEROULP_PROJECT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zeroulp/chips.h"

namespace zeroulp {

// D (m x n) = A (m x k) * B (k x n), and how fast the host did it.
struct Measurement {
  int64_t m = 0, n = 0, k = 0;
  // Operand formats: a name or alias of formats.h, or int8, f64, mxfp8, mxfp6,
  // mxfp4, nvfp4.
  std::string_view a_format, b_format;
  std::string_view d_format = "bf16";  // as the chip writes D
  std::string_view sparsity = {};      // of A, "4:16"; empty: dense
  // 2 * m * n * k / time, and the host's peak for the same kernel in the same
  // count. Both 0: nothing was measured, and only the roofline is projected.
  double flops_per_s = 0;
  double peak_flops_per_s = 0;
};

enum class Bound : uint8_t { kCompute, kMemory };
std::string_view Name(Bound bound);

// Two figures, never mixed: `roofline_*` is what the row permits, and
// `spec_scaled_*` is what it permits at the efficiency measured on the host.
// The unprefixed figures are spec-scaled if there was a measurement, else the
// roofline. Flops count 2 * m * n * k, products skipped by sparsity included.
struct Projection {
  std::string_view target;      // id of the chip or system
  std::string_view peak_label;  // the row of ChipInfo::peaks in use
  int64_t chips = 1;
  double peak_tflops = 0;          // dense or sparse as asked, all chips
  double memory_gbytes_per_s = 0;  // all chips

  double time_s = 0;
  double tflops = 0;
  double pct_of_peak = 0;
  Bound bound = Bound::kCompute;
  std::optional<double> energy_j;  // power at full load times time_s
  std::optional<double> usd;       // first price of the row times time_s

  double roofline_time_s = 0;
  double roofline_tflops = 0;
  Bound roofline_bound = Bound::kCompute;

  std::optional<double> host_efficiency;  // of the measurement, at most 1
  std::optional<double> spec_scaled_time_s;
  std::optional<double> spec_scaled_tflops;

  // Traffic of one chip: each matrix once, block scales and sparsity metadata
  // included.
  double a_bytes = 0, b_bytes = 0, d_bytes = 0;
  double arithmetic_intensity_flop_per_byte = 0;

  std::vector<std::string> assumptions;  // one sentence each
};

// Projects onto one chip; onto a system, every chip runs the same GEMM on its
// own data.
//
// Refuses rather than fall back. Throws Error{kUnsupported} if the chip does
// not multiply these formats, lacks the sparsity pattern, or nobody has
// published the figure, naming what the chip has; {kUnknownName} for a format
// that no table has; {kShape} if m, n or k is below 1; {kOverflow} if
// 2 * m * n * k does not fit in 63 bits; {kArgument} if the measured rates are
// not positive and finite.
Projection Project(const Measurement& measurement, const ChipInfo& chip);
Projection Project(const Measurement& measurement, const SystemInfo& system);

}  // namespace zeroulp

#endif  // ZEROULP_PROJECT_H_
