// SPDX-License-Identifier: Apache-2.0
#include "bench/sparse_bench.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "bench/context.h"
#include "bench/operands.h"
#include "bench/peaks.h"
#include "bench/stopwatch.h"
#include "kernels/machine.h"
#include "kernels/sparse_table.h"
#include "zeroulp/compare.h"
#include "zeroulp/reference.h"
#include "zeroulp/sparse.h"

namespace zeroulp::bench {
namespace {

struct Case {
  const SparsityInfo* pattern;
  OperandKind a, b_t;
  const ArithInfo* row;
  Shape shape;
  kernels::Target target;
  int threads;
  const Flags* flags;

  std::string Name() const {
    return fmt::format("sparse/{}/{}x{}/{}/{}x{}x{}/{}/t{}", pattern->name,
                       a.name, b_t.name, row->name, shape.m, shape.n, shape.k,
                       target.name, threads);
  }
  GemmOptions Options() const {
    return {.arith = row->name, .threads = threads};
  }
};

// A dense A and weights of which the largest magnitudes are kept, as views.
class Operands {
 public:
  Operands(const Case& c, int64_t m, int64_t n, int64_t k, uint32_t seed)
      : a_kind_(c.a),
        ratio_(c.pattern->ratio),
        a_(c.a, m, k, c.flags->inputs, seed),
        weights_({c.b_t.name, c.b_t.format}, n, k, c.flags->inputs, seed + 1),
        stored_(c.b_t, n, k / ratio_.group * ratio_.keep, c.flags->inputs,
                seed + 1) {
    const ConstMatrixView codes = weights_.operand().codes;
    sparse_ = Compress(codes, *c.pattern, LargestPositions(codes, *c.pattern));
  }

  // A scale of A covers as many products as one of the weights.
  Operand a() const {
    Operand x = a_.operand();
    if (a_kind_.block == nullptr) return x;
    const int64_t block = x.scales.block * ratio_.group / ratio_.keep;
    x.scales.block = block;
    x.scales.codes.cols = (x.codes.cols + block - 1) / block;
    return x;
  }
  Operand b_t() const { return sparse_.operand(stored_.operand().scales); }

 private:
  OperandKind a_kind_;
  Sparsity ratio_;
  RandomOperand a_, weights_;
  RandomOperand stored_;  // its scales are used
  SparseMatrix sparse_;
};

// What SparseGemm gets wrong on a problem that is no multiple of any tile;
// empty if nothing.
std::string Mismatch(const Case& c) {
  constexpr int64_t kM = 19, kN = 37;
  const int64_t group = c.pattern->ratio.group;
  const int64_t k =
      (5 * std::max<int64_t>(c.row->chunk, 64) / group + 1) * group;
  const Operands x(c, kM, kN, k, 1);
  const Result expected(*c.row, kM, kN), actual(*c.row, kM, kN);
  reference::Gemm(x.a(), x.b_t(), {}, expected.view, c.Options());
  SparseGemm(Pack(x.a()), PackSparse(x.b_t()), {}, actual.view, c.Options());
  const BitReport report = CompareBits(expected.view, actual.view);
  return report.exact() ? "" : ToString(report);
}

// The operands of the last case, which the next one often shares.
struct Problem {
  explicit Problem(const Case& c)
      : Problem(c, Operands(c, c.shape.m, c.shape.n, c.shape.k, 3)) {}
  Problem(const Case& c, const Operands& x)
      : name(Key(c)), a(Pack(x.a())), b_t(PackSparse(x.b_t())) {}

  static std::string Key(const Case& c) {
    return fmt::format("{} {} {} {}", c.pattern->name, c.a.name, c.b_t.name,
                       c.shape.name);
  }
  static const Problem& For(const Case& c) {
    static std::unique_ptr<Problem> last;
    if (last == nullptr || last->name != Key(c)) {
      last.reset();  // before the next one takes memory
      last = std::make_unique<Problem>(c);
    }
    return *last;
  }

  std::string name;
  PackedMatrix a;
  PackedSparse b_t;
};

void RunSparse(benchmark::State& state, const Case& c) {
  const kernels::ScopedTarget scope(c.target);
  if (const std::string mismatch = Mismatch(c); !mismatch.empty()) {
    state.SkipWithError(("differs from reference::Gemm: " + mismatch).c_str());
    return;
  }
  const Problem& problem = Problem::For(c);
  const Result d(*c.row, c.shape.m, c.shape.n);
  const GemmOptions options = c.Options();
  const Peak peak = PeakOf(*c.row, c.a.format, c.b_t.format);
  PeakRate(peak, c.target);  // here and after the runs: the higher one counts
  SparseGemm(problem.a, problem.b_t, {}, d.view, options);  // starts threads

  const Stopwatch stopwatch;
  for ([[maybe_unused]] const auto iteration : state) {
    SparseGemm(problem.a, problem.b_t, {}, d.view, options);
  }
  const double seconds =
      stopwatch.seconds() / static_cast<double>(state.iterations());
  // As of a dense product: what was skipped counts.
  const double flops = 2 * static_cast<double>(c.shape.m) *
                       static_cast<double>(c.shape.n) *
                       static_cast<double>(c.shape.k) / seconds;
  state.counters["flops"] = flops;
  state.counters["pct_peak"] =
      100 * flops / (c.threads * PeakRate(peak, c.target));
  const kernels::SparseCall call = {c.row, &problem.b_t, &problem.a,
                                    false, {},           d.view};
  state.SetLabel(fmt::format("{} of {} {}",
                             kernels::SelectSparse({&call, 1}).name, Name(peak),
                             c.shape.name));
}

// Blocks of one row of the matrix, of both operands or of none, that are whole
// groups.
bool IsBenchmarked(const SparsityInfo& pattern, const OperandKind& a,
                   const OperandKind& b_t, const ArithInfo& row) {
  if (!row.a.contains(a.format) || !row.b.contains(b_t.format)) return false;
  if (!TakesScales(row, a) || !TakesScales(row, b_t)) return false;
  if (a.block == nullptr || b_t.block == nullptr) return a.block == b_t.block;
  return a.block->scale == b_t.block->scale && a.block->block_rows == 1 &&
         b_t.block->block_rows == 1 &&
         a.block->block_cols == b_t.block->block_cols &&
         a.block->block_cols != 0 &&
         a.block->block_cols % pattern.ratio.keep == 0;
}

}  // namespace

void RegisterSparse(const Filter& filter, const std::vector<Shape>& shapes,
                    const Flags& flags) {
  const std::vector<kernels::Target> targets = kernels::Targets();
  const std::vector<int> thread_counts = ThreadCounts();
  const std::vector<OperandKind> kinds = OperandKinds();
  const auto add = [&](const SparsityInfo& pattern, const OperandKind& a,
                       const OperandKind& b_t, const ArithInfo& row) {
    for (const Shape& shape : shapes) {
      if (shape.k % pattern.ratio.group != 0) continue;
      for (const kernels::Target& target : targets) {
        for (const int threads : thread_counts) {
          const Case c = {&pattern, a,      b_t,     &row,
                          shape,    target, threads, &flags};
          const std::string name = c.Name();
          if (!filter.Matches(name)) continue;
          benchmark::RegisterBenchmark(name.c_str(), RunSparse, c)
              ->Unit(benchmark::kMillisecond);
        }
      }
    }
  };
  for (const SparsityInfo& pattern : kSparsities) {
    for (const OperandKind& a : kinds) {
      for (const OperandKind& b_t : kinds) {
        for (const ArithInfo& row : kArith) {
          if (IsBenchmarked(pattern, a, b_t, row)) add(pattern, a, b_t, row);
        }
      }
    }
  }
}

}  // namespace zeroulp::bench
