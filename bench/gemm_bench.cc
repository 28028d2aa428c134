// SPDX-License-Identifier: Apache-2.0
// Gemm over every row of kArith, pair of formats, shape of shapes.txt,
// every SIMD target and number of threads:
//   gemm/<a>x<b>/<arith>/<M>x<N>x<K>/<target>/t<threads>
// with the counters
//   flops     2 * M * N * K per second
//   pct_peak  of `threads` cores doing nothing but the best instruction of
//             that target for chain.f32, measured in this process
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/context.h"
#include "bench/shapes.h"
#include "kernels/kernel_table.h"
#include "kernels/machine.h"
#include "kernels/parallel.h"
#include "zeroulp/arithmetic.h"
#include "zeroulp/compare.h"
#include "zeroulp/formats.h"
#include "zeroulp/gemm.h"
#include "zeroulp/machine.h"
#include "zeroulp/packed.h"
#include "zeroulp/reference.h"
#include "zeroulp/view.h"

namespace zeroulp::bench {
namespace {

struct Case {
  Format a, b_t;
  std::string_view arith;
  Shape shape;
  kernels::Target target;
  int threads;

  std::string Name() const {
    return fmt::format("gemm/{}x{}/{}/{}x{}x{}/{}/t{}", Info(a).name,
                       Info(b_t).name, arith, shape.m, shape.n, shape.k,
                       target.name, threads);
  }
  GemmOptions Options() const { return {.arith = arith, .threads = threads}; }
};

// A matrix of random codes, uniform over those with a finite value.
class Codes {
 public:
  Codes(Format format, int64_t rows, int64_t cols, uint32_t seed) {
    const FormatInfo& f = Info(format);
    const int64_t stride = DenseStride(format, cols);
    bytes_.resize(
        static_cast<size_t>((rows * stride * f.storage_bits + 7) / 8));
    const MatrixView view = {bytes_, format, rows, cols, stride};
    std::mt19937 random(seed);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t col = 0; col < cols; ++col) {
        const auto word = static_cast<uint32_t>(random());
        const uint32_t magnitude = (word >> 1) % (f.max_code() + 1);
        const bool minus =
            (word & 1) != 0 && (magnitude != 0 || f.has_minus_zero());
        WriteCode(view, row, col,
                  minus ? magnitude | f.sign_mask() : magnitude);
      }
    }
    view_ = view;
  }
  Codes(const Codes&) = delete;
  Codes& operator=(const Codes&) = delete;

  const ConstMatrixView& view() const { return view_; }

 private:
  std::vector<std::byte> bytes_;
  ConstMatrixView view_;
};

// What Gemm gets wrong on a problem that is no multiple of any tile; empty if
// nothing.
std::string Mismatch(const Case& c) {
  constexpr int64_t kM = 33, kN = 50, kK = 71;
  const Codes a(c.a, kM, kK, 1), b_t(c.b_t, kN, kK, 2);
  std::vector<float> addend(kM * kN, 0.75f);
  std::vector<float> expected(addend.size()), actual(addend.size());
  reference::Gemm(a.view(), b_t.view(), F32View(std::span(addend), kM, kN),
                  F32View(std::span(expected), kM, kN), c.Options());
  Gemm(Pack(a.view()), Pack(b_t.view()), F32View(std::span(addend), kM, kN),
       F32View(std::span(actual), kM, kN), c.Options());
  const BitReport report = CompareBits(F32View(std::span(expected), kM, kN),
                                       F32View(std::span(actual), kM, kN));
  return report.exact() ? "" : ToString(report);
}

// The operands of the last case, which the next one often shares.
struct Problem {
  explicit Problem(const Case& c)
      : a_format(c.a),
        b_format(c.b_t),
        shape(c.shape),
        a(Pack(Codes(c.a, c.shape.m, c.shape.k, 3).view())),
        b_t(Pack(Codes(c.b_t, c.shape.n, c.shape.k, 4).view())),
        d(static_cast<size_t>(c.shape.m * c.shape.n)) {}

  static Problem& For(const Case& c) {
    static std::unique_ptr<Problem> last;
    if (last == nullptr || last->a_format != c.a || last->b_format != c.b_t ||
        last->shape.name != c.shape.name) {
      last.reset();  // before the next one takes memory
      last = std::make_unique<Problem>(c);
    }
    return *last;
  }

  Format a_format, b_format;
  Shape shape;
  PackedMatrix a, b_t;
  std::vector<float> d;
};

const kernels::KernelRow& Kernel(const Case& c) {
  return *kernels::Select(FindArith(c.arith),
                          {.a = c.a, .b_t = c.b_t, .m = c.shape.m}, nullptr);
}

// The highest rate seen so far on the target in use: a peak measured while
// something else ran on the machine does not stay.
double ChainPeak(const kernels::Target& target) {
  static std::map<int64_t, double> peaks;
  const auto [peak, is_new] = peaks.try_emplace(target.id, 0.0);
  const MachinePeaks now = MeasureInstructionPeaks(is_new ? 0.2 : 0.02);
  peak->second = std::max(peak->second, ChainPeakFlops(now));
  return peak->second;
}

// Google Benchmark's own real time would add "/real_time" to the name, so the
// rates are taken from a clock of ours.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

void RunGemm(benchmark::State& state, const Case& c) {
  const kernels::ScopedTarget scope(c.target);
  if (const std::string mismatch = Mismatch(c); !mismatch.empty()) {
    state.SkipWithError(("differs from reference::Gemm: " + mismatch).c_str());
    return;
  }
  Problem& problem = Problem::For(c);
  const MatrixView d =
      F32View(std::span(problem.d), problem.shape.m, problem.shape.n);
  const GemmOptions options = c.Options();
  ChainPeak(c.target);  // here and after the runs: the higher one counts
  Gemm(problem.a, problem.b_t, {}, d, options);  // starts threads, maps pages

  const Stopwatch stopwatch;
  for ([[maybe_unused]] const auto iteration : state) {
    Gemm(problem.a, problem.b_t, {}, d, options);
  }
  const double seconds = stopwatch.seconds();
  const double flops = 2.0 * static_cast<double>(c.shape.m) *
                       static_cast<double>(c.shape.n) *
                       static_cast<double>(c.shape.k) *
                       static_cast<double>(state.iterations()) / seconds;
  state.counters["flops"] = flops;
  state.counters["pct_peak"] = 100 * flops / (c.threads * ChainPeak(c.target));
  state.SetLabel(fmt::format("{} {}", Kernel(c).name, c.shape.name));
}

// Operands without block scales, binary32 results.
bool IsBenchmarked(Format a, Format b_t, const ArithInfo& row) {
  return row.a.contains(a) && row.b.contains(b_t) && row.scale_block == 0 &&
         row.output == Format::kF32;
}

// 1, 2, 4, ... and all.
std::vector<int> ThreadCounts() {
  const int all = kernels::NumThreads(0);
  std::vector<int> counts;
  for (int count = 1; count < all; count *= 2) counts.push_back(count);
  counts.push_back(all);
  return counts;
}

void RegisterAll(const std::vector<Shape>& shapes) {
  const std::vector<kernels::Target> targets = kernels::Targets();
  const std::vector<int> thread_counts = ThreadCounts();
  const auto add = [&](Format a, Format b_t, const ArithInfo& row) {
    if (!IsBenchmarked(a, b_t, row)) return;
    for (const Shape& shape : shapes) {
      for (const kernels::Target& target : targets) {
        for (const int threads : thread_counts) {
          const Case c = {a, b_t, row.name, shape, target, threads};
          benchmark::RegisterBenchmark(c.Name().c_str(), RunGemm, c)
              ->Unit(benchmark::kMillisecond);
        }
      }
    }
  };
  // By the later format of the pair in kFormats: common formats first.
  for (const FormatInfo& last : kFormats) {
    for (const FormatInfo& a : kFormats) {
      for (const FormatInfo& b_t : kFormats) {
        if (std::max(a.id, b_t.id) != last.id) continue;
        for (const ArithInfo& row : kArith) add(a.id, b_t.id, row);
      }
    }
  }
}

// Without a filter: every shape of one pair on the best target, on one core and
// on all. Everything takes hours.
std::string DefaultFilter() {
  return fmt::format("^gemm/e4m3fnxe4m3fn/chain\\.f32/.*/{}/t(1|{})$",
                     kernels::Targets().front().name, kernels::NumThreads(0));
}

// Takes "--shapes=FILE" out of the arguments; by default, the list beside this
// source.
std::string TakeShapesPath(int& argc, char** argv) {
  constexpr std::string_view kFlag = "--shapes=";
  std::string path = ZEROULP_SHAPES;
  const auto end = std::remove_if(argv + 1, argv + argc, [&](const char* arg) {
    const std::string_view text = arg;
    if (!text.starts_with(kFlag)) return false;
    path = text.substr(kFlag.size());
    return true;
  });
  argc = static_cast<int>(end - argv);
  return path;
}

int Main(int argc, char** argv) {
  const bool only_lists =
      std::any_of(argv, argv + argc, [](std::string_view arg) {
        return arg.starts_with("--benchmark_list_tests") &&
               !arg.ends_with("=false");
      });
  const std::string shapes_path = TakeShapesPath(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  RegisterAll(ReadShapes(shapes_path));
  if (!only_lists) AddMachineContext();
  std::string filter = benchmark::GetBenchmarkFilter();
  if (filter.empty()) filter = DefaultFilter();
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
