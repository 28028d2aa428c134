// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "bench/context.h"
#include "bench/filter.h"
#include "bench/flags.h"
#include "bench/gemm_bench.h"
#include "bench/shapes.h"
#include "bench/sparse_bench.h"
#include "kernels/machine.h"
#include "kernels/parallel.h"

namespace zeroulp::bench {
namespace {

// Without a filter: every shape of one pair on the best target, on one core and
// on all. Everything takes days.
std::string DefaultFilter() {
  return fmt::format("^gemm/e4m3fnxe4m3fn/chain\\.f32/.*/{}/t(1|{})$",
                     kernels::Targets().front().name, kernels::NumThreads(0));
}

int Main(int argc, char** argv) {
  const bool only_lists =
      std::any_of(argv, argv + argc, [](std::string_view arg) {
        return arg.starts_with("--benchmark_list_tests") &&
               !arg.ends_with("=false");
      });
  const Flags flags = TakeFlags(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const std::vector<Shape> shapes = ReadShapes(flags.shapes);
  std::string filter = benchmark::GetBenchmarkFilter();
  if (filter.empty()) filter = DefaultFilter();
  RegisterGemm(Filter(filter), shapes, flags);
  RegisterSparse(Filter(filter), shapes, flags);
  RegisterPeers(shapes);
  if (!only_lists) AddMachineContext(flags);
  const size_t count = benchmark::RunSpecifiedBenchmarks(filter);
  benchmark::Shutdown();
  return count == 0 ? 1 : 0;
}

}  // namespace
}  // namespace zeroulp::bench

int main(int argc, char** argv) {
  try {
    return zeroulp::bench::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gemm_bench: %s\n", error.what());
    return 2;
  }
}
