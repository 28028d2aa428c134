// SPDX-License-Identifier: Apache-2.0
// From a GEMM, measured on this host or not, to a chip or system of chips.h.
#ifndef ZEROULP_PROJECT_H_
#define ZEROULP_PROJECT_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zeroulp/chips.h"

namespace zeroulp {

enum class Side : uint8_t { kA, kB };
std::string_view Name(Side side);

// D (m x n) = A (m x k) * B (k x n), and how fast the host did it.
struct Measurement {
  int64_t m = 0, n = 0, k = 0;
  // Operand formats: a name or alias of formats.h, or int8, f64, mxfp8, mxfp6,
  // mxfp4, nvfp4.
  std::string_view a_format, b_format;
  std::string_view d_format = "bf16";  // as the chip writes D
  std::string_view sparsity = {};      // of one operand, "4:16"; empty: dense
  Side sparse_side = Side::kA;
  // 2 * m * n * k / time, and the host's peak for the same kernel in the same
  // count. Both 0: nothing was measured.
  double flops_per_s = 0;
  double peak_flops_per_s = 0;
};

// How the chip runs it. The defaults: a kernel of an inference step, launched
// from a graph, on operands that come from memory.
enum class ClockState : uint8_t {
  kCool,     // a short burst
  kHeating,  // cool before the kernel, which heats the chip as it lasts
  kHot,      // hot already: sustained work
};
struct Conditions {
  ClockState clock = ClockState::kHeating;
  bool block_scales = false;  // FP8 with FP32 scales for 1x128 and 128x128
  bool quantise_a = false;    // A is BF16 and quantised first, on the clock
  bool looped = false;        // the same operands over and over, so that they
                              // stay in L2, each time launched by the host
  double chip_share = 1;      // 0.5: one core of two, above 0 to 1
  // Calibrate as if this chip had never been measured.
  bool without_own_rows = false;
};

enum class Bound : uint8_t { kCompute, kMemory, kLaunch, kFabric };
std::string_view Name(Bound bound);

// How the calibrated figures know the chip.
enum class Calibrated : uint8_t {
  kChip,          // by measurements of this chip, format and sparsity
  kArchitecture,  // by the mean of its architecture's chips
  kPooled,        // by the mean of all chips that were measured
};
std::string_view Name(Calibrated calibrated);

// Three figures, never mixed: `roofline_*` is what the row permits,
// `calibrated_*` what published measurements say libraries make of it, and
// `spec_scaled_*` what the row permits at the efficiency measured on the host.
// The unprefixed figures are spec-scaled if there was a measurement, else
// calibrated. Flops count 2 * m * n * k, products skipped by sparsity included.
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

  double calibrated_time_s = 0;
  double calibrated_tflops = 0;
  Bound calibrated_bound = Bound::kCompute;
  Calibrated calibrated = Calibrated::kPooled;
  int64_t calibrated_rows = 0;  // measurements of this chip, if any
  // Parts of calibrated_time_s; compute and memory overlap.
  double launch_s = 0, quantise_s = 0, compute_s = 0, memory_s = 0;
  double fabric_s = 0;          // collectives between chips
  double engine_occupancy = 0;  // product's share of tiles, arrays and waves

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
// 2 * m * n * k does not fit in 63 bits; {kArgument} if the measured rates or
// the share of the chip are not positive and finite.
Projection Project(const Measurement& measurement, const ChipInfo& chip,
                   const Conditions& conditions = {});
Projection Project(const Measurement& measurement, const SystemInfo& system,
                   const Conditions& conditions = {});
// For a system whose chip is not in the tables.
Projection Project(const Measurement& measurement, const SystemInfo& system,
                   const ChipInfo& chip, const Conditions& conditions = {});

// One GEMM divided among chips of a system. The product of the four counts is
// the number of chips in use.
struct Division {
  int64_t data = 1;     // rows of A; B is on every chip
  int64_t columns = 1;  // columns of B; A is gathered before, D stays divided
  int64_t rows = 1;     // K; partial D is summed over the chips afterwards
  int64_t stages = 1;   // a pipeline of such GEMMs, one a stage; D is sent to
                        // the next
};

// One GEMM divided as `split` says: time of a part and of the collectives by an
// alpha-beta model of the chip's fabric. Throughput, energy and cost are those
// of all chips in use; of a pipeline, of the full one, whose time is that of
// one stage.
//
// Throws what Project throws, and Error{kArgument} for a split below 1, of more
// chips than the system has, or of a dimension into more parts than it has
// elements; {kUnsupported} if the chip's link has no published rate and a
// collective needs it.
Projection ProjectSplit(const Measurement& measurement,
                        const SystemInfo& system, const ChipInfo& chip,
                        const Division& split,
                        const Conditions& conditions = {});

}  // namespace zeroulp

#endif  // ZEROULP_PROJECT_H_
