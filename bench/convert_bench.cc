// SPDX-License-Identifier: Apache-2.0
// Encode and Decode of arrays on one core, every format that has fewer bits:
//   encode/<format>/<rounding>/<elements>[/<source, if not f32>]
//   decode/<format>/<elements>[/<target, if not f32>]
// with the counters
//   elements    per second
//   pct_memcpy  the time memcpy needs to read and write as many bytes in all,
//               in the same process, in percent of the time taken
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <span>
#include <string>

#include "zeroulp/codec.h"
#include "zeroulp/conventions.h"
#include "zeroulp/convert.h"
#include "zeroulp/formats.h"
#include "zeroulp/view.h"

namespace zeroulp::bench {
namespace {

// In L1, in L2, and in memory on CPUs with caches of up to half a gigabyte.
constexpr int64_t kElements[] = {int64_t{1} << 12, int64_t{1} << 16,
                                 int64_t{1} << 27};

struct Case {
  Format wide, narrow;
  bool encodes;
  Rounding rounding;
  int64_t elements;

  std::string Name() const {
    const std::string suffix =
        wide == Format::kF32 ? "" : fmt::format("/{}", Info(wide).name);
    return encodes ? fmt::format("encode/{}/{}/{}{}", Info(narrow).name,
                                 zeroulp::Name(rounding), elements, suffix)
                   : fmt::format("decode/{}/{}{}", Info(narrow).name, elements,
                                 suffix);
  }
  size_t Bytes(Format format) const {
    const int64_t bits = elements * Info(format).storage_bits;
    return static_cast<size_t>((bits + 7) / 8);
  }
  EncodeOptions Options() const {
    EncodeOptions options;
    options.rules.rounding = rounding;
    if (rounding == Rounding::kStochastic) options.random.seed = 1;
    options.threads = 1;
    return options;
  }
};

// Page-aligned memory that has been written.
class Buffer {
 public:
  explicit Buffer(size_t size)
      : size_(size),
        data_(static_cast<std::byte*>(
            ::operator new[](size, std::align_val_t{kPage}))) {
    std::memset(data_.get(), 0, size);
  }
  std::span<std::byte> bytes() const { return {data_.get(), size_}; }

 private:
  static constexpr size_t kPage = 4096;
  struct Free {
    void operator()(std::byte* p) const {
      ::operator delete[](p, std::align_val_t{kPage});
    }
  };
  size_t size_;
  std::unique_ptr<std::byte[], Free> data_;
};

class Problem {
 public:
  explicit Problem(const Case& c)
      : case_(c), wide_(c.Bytes(c.wide)), narrow_(c.Bytes(c.narrow)) {
    // Normal numbers around the middle of every format, subnormals, both signs.
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0.0f, 1.0f);
    const int64_t drawn = std::min<int64_t>(c.elements, 1 << 16);
    for (int64_t i = 0; i < c.elements; ++i) {
      WriteCode(Wide(), 0, i,
                i < drawn ? Encode(c.wide, normal(random), EncodeRules{})
                          : ReadCode(Wide(), 0, i % drawn));
    }
    Encode(Wide(), Narrow(), c.Options());
  }

  MatrixView Wide() const { return View(wide_, case_.wide); }
  MatrixView Narrow() const { return View(narrow_, case_.narrow); }

  void Run() const {
    if (case_.encodes) {
      Encode(Wide(), Narrow(), case_.Options());
    } else {
      Decode(Narrow(), Wide(), {.threads = 1});
    }
  }

 private:
  MatrixView View(const Buffer& buffer, Format format) const {
    return {buffer.bytes(), format, 1, case_.elements,
            DenseStride(format, case_.elements)};
  }
  Case case_;
  Buffer wide_, narrow_;
};

using Clock = std::chrono::steady_clock;
double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Seconds of the fastest of several memcpy of `size` bytes.
double MemcpySeconds(size_t size) {
  const Buffer from(size), to(size);
  const size_t repeats = std::max<size_t>(1, (size_t{16} << 20) / size);
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto start = Clock::now();
    for (size_t j = 0; j < repeats; ++j) {
      std::memcpy(to.bytes().data(), from.bytes().data(), size);
      benchmark::ClobberMemory();
    }
    best = std::min(best, SecondsSince(start) / static_cast<double>(repeats));
  }
  return best;
}

void RunCase(benchmark::State& state, const Case& c) {
  const size_t half = (c.Bytes(c.wide) + c.Bytes(c.narrow)) / 2;
  double memcpy_seconds = MemcpySeconds(half);
  const Problem problem(c);
  problem.Run();
  const auto start = Clock::now();
  for ([[maybe_unused]] const auto iteration : state) {
    problem.Run();
    benchmark::ClobberMemory();
  }
  const double seconds =
      SecondsSince(start) / static_cast<double>(state.iterations());
  memcpy_seconds = std::min(memcpy_seconds, MemcpySeconds(half));
  state.counters["elements"] = static_cast<double>(c.elements) / seconds;
  state.counters["pct_memcpy"] = 100 * memcpy_seconds / seconds;
}

void Register(const Case& c) {
  benchmark::RegisterBenchmark(c.Name().c_str(), RunCase, c);
}

// Before main, which knows only benchmarks that were registered so.
const bool registered = [] {
  for (const FormatInfo& f : kFormats) {
    for (const int64_t elements : kElements) {
      for (const Format wide : {Format::kF32, Format::kF16, Format::kBF16}) {
        if (f.bits >= Info(wide).bits) continue;
        for (const Rounding rounding :
             {Rounding::kNearestEven, Rounding::kTowardZero,
              Rounding::kStochastic}) {
          Register({wide, f.id, true, rounding, elements});
        }
        if (f.bits > 8 && wide != Format::kF32) continue;
        if (!f.has_zero && wide == Format::kF16) continue;
        Register({wide, f.id, false, Rounding::kNearestEven, elements});
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace zeroulp::bench
