// SPDX-License-Identifier: Apache-2.0
#include "bench/gemm_bench.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/context.h"
#include "bench/operands.h"
#include "bench/peaks.h"
#include "bench/stopwatch.h"
#include "kernels/kernel_table.h"
#include "kernels/machine.h"
#include "zeroulp/arithmetic.h"
#include "zeroulp/compare.h"
#include "zeroulp/gemm.h"
#include "zeroulp/packed.h"
#include "zeroulp/project.h"
#include "zeroulp/reference.h"

namespace zeroulp::bench {
namespace {

struct Case {
  OperandKind a, b_t;
  const ArithInfo* row;
  int64_t promote_every;
  Shape shape;
  kernels::Target target;
  int threads;
  const Flags* flags;

  std::string Arith() const {
    return promote_every == 0 ? std::string(row->name)
                              : fmt::format("{}@{}", row->name, promote_every);
  }
  std::string Name() const {
    return fmt::format("gemm/{}x{}/{}/{}x{}x{}/{}/t{}", a.name, b_t.name,
                       Arith(), shape.m, shape.n, shape.k, target.name,
                       threads);
  }
  GemmOptions Options() const {
    return {
        .arith = row->name, .promote_every = promote_every, .threads = threads};
  }
};

// A problem that is no multiple of any tile, of three steps of the row and a
// part of one: what Gemm gets wrong, and the oracle's time.
struct Check {
  std::string mismatch;  // empty: every bit agrees
  double oracle_seconds_per_product;
};

Check CompareWithOracle(const Case& c) {
  constexpr int64_t kM = 33, kN = 50;
  const int64_t k = 3 * std::max<int64_t>({c.row->chunk, c.promote_every, 16}) +
                    c.row->chunk / 2 + 7;
  const RandomOperand a(c.a, kM, k, c.flags->inputs, 1);
  const RandomOperand b_t(c.b_t, kN, k, c.flags->inputs, 2);
  const Result expected(*c.row, kM, kN), actual(*c.row, kM, kN);
  const Stopwatch stopwatch;
  reference::Gemm(a.operand(), b_t.operand(), {}, expected.view, c.Options());
  const double seconds = stopwatch.seconds();
  Gemm(Pack(a.operand()), Pack(b_t.operand()), {}, actual.view, c.Options());
  const BitReport report = CompareBits(expected.view, actual.view);
  return {report.exact() ? "" : ToString(report),
          seconds / static_cast<double>(kM * kN * k)};
}

PackedMatrix RandomPacked(const OperandKind& kind, int64_t rows, int64_t k,
                          Inputs inputs, uint32_t seed) {
  const RandomOperand operand(kind, rows, k, inputs, seed);
  return Pack(operand.operand());
}

// The operands of the last case, which the next one often shares.
struct Problem {
  explicit Problem(const Case& c)
      : a_name(c.a.name),
        b_name(c.b_t.name),
        shape(c.shape.name),
        a(RandomPacked(c.a, c.shape.m, c.shape.k, c.flags->inputs, 3)),
        b_t(RandomPacked(c.b_t, c.shape.n, c.shape.k, c.flags->inputs, 4)) {}

  static const Problem& For(const Case& c) {
    static std::unique_ptr<Problem> last;
    if (last == nullptr || last->a_name != c.a.name ||
        last->b_name != c.b_t.name || last->shape != c.shape.name) {
      last.reset();  // before the next one takes memory
      last = std::make_unique<Problem>(c);
    }
    return *last;
  }

  std::string_view a_name, b_name;
  std::string shape;
  PackedMatrix a, b_t;
};

// As Project names operands.
std::string ProjectedFormat(const OperandKind& kind) {
  if (kind.block == nullptr) return std::string(kind.name);
  switch (kind.block->scale) {
    case Format::kE8M0FNU:
      return fmt::format("mxfp{}", Info(kind.format).bits);
    case Format::kUE4M3:
      return "nvfp4";
    default:
      return std::string(Info(kind.format).name);
  }
}

void AddProjections(benchmark::State& state, const Case& c, double flops,
                    double peak) {
  const std::string a = ProjectedFormat(c.a), b_t = ProjectedFormat(c.b_t);
  const Measurement measurement = {.m = c.shape.m,
                                   .n = c.shape.n,
                                   .k = c.shape.k,
                                   .a_format = a,
                                   .b_format = b_t,
                                   .flops_per_s = flops,
                                   .peak_flops_per_s = peak};
  for (const std::string& chip : c.flags->chips) {
    try {
      state.counters["tflops/" + chip] =
          Project(measurement, Chip(chip)).tflops;
    } catch (const Error&) {
      // The chip does not multiply these formats: it has no such counter.
    }
  }
}

void RunGemm(benchmark::State& state, const Case& c) {
  const kernels::ScopedTarget scope(c.target);
  const Check check = CompareWithOracle(c);
  if (!check.mismatch.empty()) {
    state.SkipWithError(
        ("differs from reference::Gemm: " + check.mismatch).c_str());
    return;
  }
  const Problem& problem = Problem::For(c);
  const Result d(*c.row, c.shape.m, c.shape.n);
  const GemmOptions options = c.Options();
  const Peak peak = PeakOf(*c.row, c.a.format, c.b_t.format);
  PeakRate(peak, c.target);  // here and after the runs: the higher one counts
  Gemm(problem.a, problem.b_t, {}, d.view, options);  // starts threads

  const Stopwatch stopwatch;
  for ([[maybe_unused]] const auto iteration : state) {
    Gemm(problem.a, problem.b_t, {}, d.view, options);
  }
  const double seconds =
      stopwatch.seconds() / static_cast<double>(state.iterations());
  const double products = static_cast<double>(c.shape.m) *
                          static_cast<double>(c.shape.n) *
                          static_cast<double>(c.shape.k);
  const double flops = 2 * products / seconds;
  const double peak_flops = c.threads * PeakRate(peak, c.target);
  const int64_t bytes = problem.a.size_bytes() + problem.a.scale_bytes() +
                        problem.b_t.size_bytes() + problem.b_t.scale_bytes();
  state.counters["flops"] = flops;
  state.counters["pct_peak"] = 100 * flops / peak_flops;
  state.counters["bytes"] = static_cast<double>(bytes) / seconds;
  state.counters["pct_read"] = 100 * static_cast<double>(bytes) / seconds /
                               (c.threads * ReadRate(bytes, c.target));
  state.counters["x_oracle"] =
      products * check.oracle_seconds_per_product / seconds;
  AddProjections(state, c, flops, peak_flops);
  const kernels::GemmCall call = {
      c.row, &problem.a, &problem.b_t, 0,      c.shape.m,
      0,     c.shape.n,  {},           d.view, c.promote_every};
  state.SetLabel(fmt::format(
      "{} of {} {}",
      kernels::Select(*c.row, kernels::TraitsOf(call), nullptr)->name,
      Name(peak), c.shape.name));
}

// Pairs that occur: both with the same kind of scales, of blocks or of whole
// rows, or one without.
bool IsBenchmarked(const OperandKind& a, const OperandKind& b_t,
                   const ArithInfo& row) {
  if (!row.a.contains(a.format) || !row.b.contains(b_t.format)) return false;
  if (!TakesScales(row, a) || !TakesScales(row, b_t)) return false;
  if (a.block == nullptr || b_t.block == nullptr) return true;
  return a.block->scale == b_t.block->scale &&
         (a.block->block_cols == 0) == (b_t.block->block_cols == 0);
}

// Two-level accumulation as FP8 training uses it.
constexpr int64_t kPromoteEvery = 128;
bool Promotes(const ArithInfo& row, const OperandKind& a) {
  return row.model == Model::kFusedDot && row.scales.empty() &&
         row.output == Format::kF32 && Info(a.format).bits == 8 &&
         kPromoteEvery % row.chunk == 0;
}

}  // namespace

void RegisterGemm(const Filter& filter, const std::vector<Shape>& shapes,
                  const Flags& flags) {
  const std::vector<kernels::Target> targets = kernels::Targets();
  const std::vector<int> thread_counts = ThreadCounts();
  const std::vector<OperandKind> kinds = OperandKinds();
  const auto add = [&](const OperandKind& a, const OperandKind& b_t,
                       const ArithInfo& row, int64_t promote_every) {
    for (const Shape& shape : shapes) {
      for (const kernels::Target& target : targets) {
        for (const int threads : thread_counts) {
          const Case c = {a,     b_t,    &row,    promote_every,
                          shape, target, threads, &flags};
          const std::string name = c.Name();
          if (!filter.Matches(name)) continue;
          benchmark::RegisterBenchmark(name.c_str(), RunGemm, c)
              ->Unit(benchmark::kMillisecond);
        }
      }
    }
  };
  // By the later kind of the pair in its table: common formats first.
  for (size_t last = 0; last < kinds.size(); ++last) {
    for (size_t i = 0; i <= last; ++i) {
      for (size_t j = 0; j <= last; ++j) {
        if (std::max(i, j) != last) continue;
        for (const ArithInfo& row : kArith) {
          if (!IsBenchmarked(kinds[i], kinds[j], row)) continue;
          add(kinds[i], kinds[j], row, 0);
          if (Promotes(row, kinds[i])) {
            add(kinds[i], kinds[j], row, kPromoteEvery);
          }
        }
      }
    }
  }
}

}  // namespace zeroulp::bench
