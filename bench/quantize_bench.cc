// SPDX-License-Identifier: Apache-2.0
// Quantize and Dequantize on one core, every block format and scale rule, from
// and to binary32:
//   quantize/<format>/<rule>/<rows>x<cols>[/amax]
//   dequantize/<format>/<rows>x<cols>
// where "amax" gives the matrix's amax to a rule that otherwise reads the
// matrix twice, with the counters
//   elements    per second
//   pct_memcpy  the time memcpy needs to read and write as many bytes in all,
//               in the same process, in percent of the time taken; a matrix
//               that a rule must read twice, for amax first, counts twice
// Times are the shortest of all iterations, on the process' own clock: other
// load on the machine disturbs the caches and the memory, but not the clock.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "zeroulp/quantize.h"

namespace zeroulp::bench {
namespace {

struct Size {
  int64_t rows, cols;
};

// In L2, and in memory on CPUs with caches of up to half a gigabyte.
constexpr Size kSizes[] = {{128, 1024}, {16384, 16384}};

struct Case {
  const BlockInfo* block;
  const ScaleRuleInfo* rule;  // null: Dequantize
  Size size;
  bool gives_amax;

  std::string Name() const {
    if (rule == nullptr) {
      return fmt::format("dequantize/{}/{}x{}", block->name, size.rows,
                         size.cols);
    }
    return fmt::format("quantize/{}/{}/{}x{}{}", block->name, rule->name,
                       size.rows, size.cols, gives_amax ? "/amax" : "");
  }
};

// A matrix that owns its bytes.
struct Matrix {
  Matrix(Format format, int64_t rows, int64_t cols)
      : bytes(static_cast<size_t>(rows * DenseStride(format, cols) *
                                  Info(format).storage_bits / 8)),
        view{bytes, format, rows, cols, DenseStride(format, cols)} {}
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  std::vector<std::byte> bytes;
  MatrixView view;
};

class Problem {
 public:
  explicit Problem(const Case& c)
      : case_(c),
        values_(Format::kF32, c.size.rows, c.size.cols),
        codes_(c.block->element, c.size.rows, c.size.cols),
        scales_(c.block->scale, c.block->ScaleRows(c.size.rows),
                c.block->ScaleCols(c.size.cols)) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> drawn(size_t{1} << 16);
    for (float& x : drawn) x = normal(random);
    const size_t step = drawn.size() * sizeof(float);
    for (size_t at = 0; at < values_.bytes.size(); at += step) {
      std::memcpy(values_.bytes.data() + at, drawn.data(),
                  std::min(step, values_.bytes.size() - at));
    }
    options_ = {.format = c.block->name, .threads = 1};
    if (c.rule != nullptr) options_.rule = c.rule->name;
    if (c.gives_amax) options_.amax = 6.0f;
    Quantize(values_.view, codes_.view, scales_.view, options_);
  }

  // Bytes that are read and written at least.
  size_t Traffic() const {
    const bool reads_twice = case_.rule != nullptr &&
                             case_.rule->uses_tensor_amax && !case_.gives_amax;
    return (reads_twice ? 2 : 1) * values_.bytes.size() + codes_.bytes.size() +
           scales_.bytes.size();
  }

  void Run() const {
    if (case_.rule != nullptr) {
      Quantize(values_.view, codes_.view, scales_.view, options_);
    } else {
      Dequantize(codes_.view, scales_.view, values_.view,
                 {.format = case_.block->name, .threads = 1});
    }
  }

 private:
  Case case_;
  Matrix values_, codes_, scales_;
  QuantizeOptions options_;
};

double ProcessSeconds() {
  timespec time = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) +
         1e-9 * static_cast<double>(time.tv_nsec);
}

// Of the fastest of several memcpy that read and write `traffic` bytes in all.
double MemcpySeconds(size_t traffic) {
  const size_t size = traffic / 2;
  const std::vector<std::byte> from(size, std::byte{1});
  std::vector<std::byte> to(size);
  const size_t repeats = std::max<size_t>(1, (size_t{16} << 20) / size);
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 5; ++i) {
    const double start = ProcessSeconds();
    for (size_t j = 0; j < repeats; ++j) {
      std::memcpy(to.data(), from.data(), size);
      benchmark::ClobberMemory();
    }
    best = std::min(best,
                    (ProcessSeconds() - start) / static_cast<double>(repeats));
  }
  return best;
}

void RunCase(benchmark::State& state, const Case& c) {
  const Problem problem(c);
  double memcpy_seconds = MemcpySeconds(problem.Traffic());
  double shortest = std::numeric_limits<double>::infinity();
  for ([[maybe_unused]] const auto iteration : state) {
    const double start = ProcessSeconds();
    problem.Run();
    shortest = std::min(shortest, ProcessSeconds() - start);
  }
  memcpy_seconds = std::min(memcpy_seconds, MemcpySeconds(problem.Traffic()));
  state.counters["elements"] =
      static_cast<double>(c.size.rows * c.size.cols) / shortest;
  state.counters["pct_memcpy"] = 100 * memcpy_seconds / shortest;
}

void Register(const Case& c) {
  benchmark::RegisterBenchmark(c.Name().c_str(), RunCase, c)
      ->Unit(benchmark::kMillisecond);
}

// Before main, which knows only benchmarks that were registered so.
const bool registered = [] {
  for (const BlockInfo& block : kBlocks) {
    for (const Size& size : kSizes) {
      for (const ScaleRuleInfo& rule : kScaleRules) {
        if (rule.scale != block.scale) continue;
        Register({&block, &rule, size, false});
        if (rule.uses_tensor_amax) Register({&block, &rule, size, true});
      }
      Register({&block, nullptr, size, false});
    }
  }
  return true;
}();

}  // namespace
}  // namespace zeroulp::bench
