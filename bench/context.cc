// SPDX-License-Identifier: Apache-2.0
#include "bench/context.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <fstream>
#include <string>

#include "bench/git_hash.h"
#include "kernels/machine.h"
#include "kernels/parallel.h"
#include "zeroulp/machine.h"

namespace zeroulp::bench {
namespace {

// What sets the clock frequency; virtual machines do not say.
std::string Governor() {
  std::ifstream file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  std::string governor;
  return std::getline(file, governor) ? governor : "unknown";
}

void AddRate(const std::string& key, double per_s) {
  benchmark::AddCustomContext(key, fmt::format("{:.4g}", per_s));
}

void AddInstructionPeaks(const MachinePeaks& peaks) {
  const std::string prefix = "peak/" + peaks.target + "/";
  AddRate(prefix + "fp32_fma_flops", peaks.fp32_fma_flops);
  AddRate(prefix + "fp64_fma_flops", peaks.fp64_fma_flops);
  AddRate(prefix + "bf16_dot_flops", peaks.bf16_dot_flops);
  AddRate(prefix + "int8_dot_ops", peaks.int8_dot_ops);
}

}  // namespace

void AddMachineContext(const Flags& flags) {
  const MachinePeaks best = MeasurePeaks(0.4);
  benchmark::AddCustomContext("cpu", best.cpu);
  benchmark::AddCustomContext("target", best.target);
  benchmark::AddCustomContext("targets",
                              fmt::format("{}", fmt::join(best.targets, " ")));
  benchmark::AddCustomContext("threads",
                              fmt::format("{}", kernels::NumThreads(0)));
  benchmark::AddCustomContext("governor", Governor());
  benchmark::AddCustomContext("git_hash", kGitHash);
  benchmark::AddCustomContext("inputs", std::string(Name(flags.inputs)));
  for (const ReadBandwidth& level : best.read) {
    const std::string key = fmt::format("peak/read/{}_", level.level);
    AddRate(key + "bytes_per_s", level.bytes_per_s);
    benchmark::AddCustomContext(key + "working_set_bytes",
                                fmt::format("{}", level.working_set_bytes));
  }
  for (const kernels::Target& target : kernels::Targets()) {
    const kernels::ScopedTarget scope(target);
    AddInstructionPeaks(MeasureInstructionPeaks(0.05));
  }
}

std::vector<int> ThreadCounts() {
  const int all = kernels::NumThreads(0);
  std::vector<int> counts;
  for (int count = 1; count < all; count *= 2) counts.push_back(count);
  counts.push_back(all);
  return counts;
}

}  // namespace zeroulp::bench
