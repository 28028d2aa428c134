// SPDX-License-Identifier: Apache-2.0
// What this CPU can do at most: the denominators of every "% of peak".
#ifndef ZEROULP_MACHINE_H_
#define ZEROULP_MACHINE_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zeroulp {

// Reading one level of the memory hierarchy in order, from one core.
struct ReadBandwidth {
  std::string_view level;         // "L1", "L2", "L3", "DRAM"
  int64_t capacity_bytes = 0;     // as this core sees it; 0: memory, or unknown
  int64_t working_set_bytes = 0;  // 0: the CPU has no such level, or no memory
  double bytes_per_s = 0;         // 0: not measured
};

// Rates of one core, measured with the vectors of one SIMD target: a kernel
// compiled for that target can reach them and not pass them. An operation is
// one multiplication or one addition, so a multiply-add of n lanes counts 2n.
struct MachinePeaks {
  std::string cpu = "unknown";       // the name the CPU gives itself
  std::string target;                // SIMD target of the rates below
  std::vector<std::string> targets;  // all that may be chosen here, best first

  // binary32 multiply-add; separate multiplications and additions on targets
  // without the fused instruction.
  double fp32_fma_flops = 0;
  double fp64_fma_flops = 0;  // binary64, likewise
  // Dot product of two bf16 pairs added to binary32; 0: the CPU or the target
  // has no such instruction.
  double bf16_dot_flops = 0;
  // Dot product of four bytes added to 32-bit integers; 0 likewise.
  double int8_dot_ops = 0;

  std::array<ReadBandwidth, 4> read = {
      {{.level = "L1"}, {.level = "L2"}, {.level = "L3"}, {.level = "DRAM"}}};
};

// Measures everything, on the calling thread, with the SIMD target that Gemm
// would use. Each figure is the best of at least five short runs, so that other
// load on the machine has to disturb all of them to be seen.
//
// `seconds_budget` is the time to spend; the minimum of five runs is always
// done, and allocating the working set of DRAM, twice the last cache and at
// most 512 MiB, comes on top. 0.2 is enough on a quiet machine, 1 on a shared
// one. Throws Error{kArgument} unless it is in [0, 3600]; std::bad_alloc.
// Thread-safe, but callers at the same time measure each other.
MachinePeaks MeasurePeaks(double seconds_budget);

// The same without `read`: no large allocation, 0.02 seconds are enough.
MachinePeaks MeasureInstructionPeaks(double seconds_budget);

// The best rate of an instruction that can compute chain.f32 on the target of
// `peaks`: the binary32 multiply-add or the BF16 dot, whose bits are the same.
// Neither is the faster one everywhere.
double ChainPeakFlops(const MachinePeaks& peaks);

}  // namespace zeroulp

#endif  // ZEROULP_MACHINE_H_
