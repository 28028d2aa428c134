// SPDX-License-Identifier: Apache-2.0
#include "zeroulp/machine.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cfenv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "kernels/targets.h"  // before any Highway header

#include "kernels/cpu.h"
#include "kernels/machine.h"
#include "zeroulp/internal/fail.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/machine.cc"  // this file, per target
#include "hwy/foreach_target.h"                  // IWYU pragma: keep
#include "kernels/ops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

// Independent chains: an instruction of latency l that starts p times a cycle
// needs l * p of them to be limited by its rate. 12 covers every x86 CPU with
// FMA, whose AVX2 and SSE have registers for no more; 24 covers four pipes, and
// dots of latency 6 and above.
#if HWY_ARCH_X86 && !ZEROULP_TARGET_HAS_512
constexpr size_t kChains = 12;
#else
constexpr size_t kChains = 24;
#endif

// Where a vector of this target lives, as inline assembly spells it.
#if HWY_TARGET == HWY_EMU128 || !(HWY_ARCH_X86 || HWY_ARCH_ARM)
#define ZEROULP_REGISTER "m"
#elif HWY_ARCH_ARM
#define ZEROULP_REGISTER "w"
#elif ZEROULP_TARGET_HAS_512
#define ZEROULP_REGISTER "v"
#else
#define ZEROULP_REGISTER "x"
#endif

// Returns v, of which the compiler then knows nothing: it can neither merge
// equal chains nor move an operation on v out of a loop.
template <class V>
HWY_INLINE V Opaque(V v) {
  asm("" : "+" ZEROULP_REGISTER(v.raw));
  return v;
}

// Makes the compiler compute v.
template <class V>
HWY_INLINE void Consume(V v) {
  asm volatile("" : : ZEROULP_REGISTER(v.raw));
}
#undef ZEROULP_REGISTER

// The instructions, each adding small integers to a small integer: no rounding,
// no subnormals, no floating-point exception flags.
struct Fp32Fma {
  static constexpr size_t kOperations = 2 * hn::MaxLanes(DF());
  static HWY_INLINE VF Zero() { return hn::Zero(DF()); }
  static HWY_INLINE VF One() { return hn::Set(DF(), 1.0f); }
  static HWY_INLINE VF Step(VF acc, VF a, VF b) {
    return hn::MulAdd(a, b, acc);
  }
};
struct Fp64Fma {
  using D = hn::ScalableTag<double>;
  static constexpr size_t kOperations = 2 * hn::MaxLanes(D());
  static HWY_INLINE hn::Vec<D> Zero() { return hn::Zero(D()); }
  static HWY_INLINE hn::Vec<D> One() { return hn::Set(D(), 1.0); }
  static HWY_INLINE hn::Vec<D> Step(hn::Vec<D> acc, hn::Vec<D> a,
                                    hn::Vec<D> b) {
    return hn::MulAdd(a, b, acc);
  }
};
#if ZEROULP_TARGET_HAS_512
struct Bf16Dot {
  static constexpr size_t kOperations = 4 * hn::MaxLanes(DF());
  static HWY_INLINE VF Zero() { return hn::Zero(DF()); }
  static HWY_INLINE VF One() {  // twice 1.0 in bf16
    return hn::BitCast(DF(), hn::Set(DI(), 0x3F803F80));
  }
  static HWY_INLINE VF Step(VF acc, VF a, VF b) {
    return DotBf16HighLow(acc, a, b);
  }
};
#endif
#if HWY_TARGET == HWY_AVX3_DL
struct Int8Dot {
  static constexpr size_t kOperations = 8 * hn::MaxLanes(DI());
  static HWY_INLINE VI Zero() { return hn::Zero(DI()); }
  static HWY_INLINE VI One() { return hn::Set(DI(), 0x01010101); }
  static HWY_INLINE VI Step(VI acc, VI a, VI b) { return DotU8S8(acc, a, b); }
};
#endif

template <class Instruction>
double RunInstruction(int64_t rounds) {
  decltype(Instruction::Zero()) acc[kChains];
  ZEROULP_UNROLL
  for (size_t i = 0; i < kChains; ++i) acc[i] = Opaque(Instruction::Zero());
  auto a = Instruction::One();
  const auto b = Opaque(Instruction::One());
  for (int64_t round = 0; round < rounds; ++round) {
    ZEROULP_UNROLL
    for (size_t i = 0; i < kChains; ++i) {
      // A target without FMA must multiply for every addition.
      a = Opaque(a);
      acc[i] = Instruction::Step(acc[i], a, b);
    }
  }
  ZEROULP_UNROLL
  for (size_t i = 0; i < kChains; ++i) Consume(acc[i]);
  return static_cast<double>(rounds) *
         static_cast<double>(kChains * Instruction::kOperations);
}

}  // namespace

const char* TargetName() { return hwy::TargetName(HWY_TARGET); }

// Each performs `rounds` rounds and returns the number of operations; 0 if the
// target does not have the instruction. The CPU must have it.
double RunFp32Fma(int64_t rounds) { return RunInstruction<Fp32Fma>(rounds); }
double RunFp64Fma(int64_t rounds) { return RunInstruction<Fp64Fma>(rounds); }
double RunBf16Dot([[maybe_unused]] int64_t rounds) {
#if ZEROULP_TARGET_HAS_512
  return RunInstruction<Bf16Dot>(rounds);
#else
  return 0;
#endif
}
double RunInt8Dot([[maybe_unused]] int64_t rounds) {
#if HWY_TARGET == HWY_AVX3_DL
  return RunInstruction<Int8Dot>(rounds);
#else
  return 0;
#endif
}

// Loads every word into a register, in four streams: from memory Zen 4 reads
// 17 % more of four than of one, from an L3 cache as much or more. `num_floats`
// is a multiple of 128, two of the longest vectors of each; `data` is aligned
// to 64 bytes.
void ReadMemory(const float* HWY_RESTRICT data, size_t num_floats) {
  constexpr size_t kStreams = 4, kUnroll = 2;
  const DF df;
  const size_t length = num_floats / kStreams;
  for (size_t i = 0; i < length; i += kUnroll * hn::MaxLanes(df)) {
    ZEROULP_UNROLL
    for (size_t s = 0; s < kStreams; ++s) {
      ZEROULP_UNROLL
      for (size_t j = 0; j < kUnroll; ++j) {
        Consume(hn::Load(df, data + s * length + i + j * hn::MaxLanes(df)));
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {

HWY_EXPORT(TargetName);
HWY_EXPORT(RunFp32Fma);
HWY_EXPORT(RunFp64Fma);
HWY_EXPORT(RunBf16Dot);
HWY_EXPORT(RunInt8Dot);
HWY_EXPORT(ReadMemory);

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// A rate to measure: run(rounds) does that many rounds and returns its work.
struct Probe {
  double* rate;  // work per second, best so far
  std::function<double(int64_t rounds)> run;
  int64_t rounds = 1;
};

// Doubles the rounds until a run takes long enough for the clock.
void Calibrate(Probe& probe) {
  constexpr double kEnoughSeconds = 100e-6;
  constexpr int64_t kMaxRounds = 1 << 20;  // sums stay exact
  for (;;) {
    const double start = Now();
    probe.run(probe.rounds);
    if (Now() - start >= kEnoughSeconds || probe.rounds >= kMaxRounds) return;
    probe.rounds *= 2;
  }
}

// Runs the probes in turn, so that a disturbance hits all of them a little and
// none throughout.
void MeasureBest(std::span<Probe> probes, double seconds) {
  constexpr int kMinRepetitions = 5;
  const double end = Now() + seconds;
  for (Probe& probe : probes) Calibrate(probe);
  for (int i = 0; i < kMinRepetitions || Now() < end; ++i) {
    for (const Probe& probe : probes) {
      probe.run(1);  // what the probe before it left in caches and clocks
      const double start = Now();
      const double work = probe.run(probe.rounds);
      *probe.rate = std::max(*probe.rate, work / (Now() - start));
    }
  }
}

void MeasureInstructions(double seconds, MachinePeaks& peaks) {
  std::vector<Probe> probes = {
      {&peaks.fp32_fma_flops, HWY_DYNAMIC_DISPATCH(RunFp32Fma)},
      {&peaks.fp64_fma_flops, HWY_DYNAMIC_DISPATCH(RunFp64Fma)},
      {&peaks.int8_dot_ops, HWY_DYNAMIC_DISPATCH(RunInt8Dot)}};
  if (HaveBf16Dot()) {
    probes.push_back({&peaks.bf16_dot_flops, HWY_DYNAMIC_DISPATCH(RunBf16Dot)});
  }
  // Nothing to time where the target lacks the instruction.
  std::erase_if(probes, [](const Probe& probe) { return probe.run(1) == 0; });
  MeasureBest(probes, seconds);
}

// Data or unified cache of a level, as this core sees it; 0 if there is none or
// it is not known.
int64_t CacheBytes([[maybe_unused]] int level) {
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  constexpr std::array<int, 3> kNames = {
      _SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
  return std::max<int64_t>(sysconf(kNames[static_cast<size_t>(level - 1)]), 0);
#else
  return 0;
#endif
}

constexpr int64_t kMiB = int64_t{1} << 20;

// A working set larger than this is read in slices of it, and a smaller one has
// a multiple of kReadUnit: what ReadMemory takes.
constexpr int64_t kSliceBytes = 16 * kMiB;
constexpr int64_t kReadUnit = 1024;

// Working sets of the levels of MachinePeaks::read: inside their level, and too
// large for the one above.
std::array<int64_t, 4> WorkingSets() {
  const int64_t l1 = CacheBytes(1), l2 = CacheBytes(2), l3 = CacheBytes(3);
  const int64_t last = std::max({l1, l2, l3, 32 * kMiB});
  const auto whole = [](int64_t bytes) {
    const int64_t unit = bytes < kSliceBytes ? kReadUnit : kSliceBytes;
    return bytes / unit * unit;
  };
  // Of a large L3 no more than it takes to leave L2 behind: it is shared.
  return {whole(l1 / 2), whole(l2 / 2), whole(std::min(l3 / 2, 8 * l2)),
          whole(std::min(2 * last, 512 * kMiB))};
}

constexpr std::align_val_t kReadAlignment{4096};
struct FreeRead {
  void operator()(float* p) const { ::operator delete[](p, kReadAlignment); }
};

// Written: pages never written are all the same page.
std::unique_ptr<float[], FreeRead> AllocateWritten(int64_t bytes) {
  const auto size = static_cast<size_t>(bytes);
  std::unique_ptr<float[], FreeRead> data(
      static_cast<float*>(::operator new[](size, kReadAlignment)));
  std::memset(data.get(), 1, size);
  return data;
}

// Slices of a working set, none longer than kSliceBytes.
struct Slices {
  explicit Slices(int64_t bytes) {
    const int64_t count =
        std::max((bytes + kSliceBytes - 1) / kSliceBytes, int64_t{1});
    const int64_t unit = count * kReadUnit;
    all = std::max((bytes + unit - 1) / unit, int64_t{1}) * unit;
    slice = all / count;
  }
  int64_t slice, all;  // bytes
};

// Reads a working set. Each round reads the slice read longest ago: runs stay
// short enough to fall between disturbances.
Probe ReadProbe(const float* floats, const Slices& slices, double* rate) {
  constexpr auto kFloat = static_cast<int64_t>(sizeof(float));
  const int64_t slice = slices.slice, size = slices.all;
  return {rate, [=, offset = int64_t{0}](int64_t rounds) mutable {
            for (int64_t round = 0; round < rounds; ++round) {
              HWY_DYNAMIC_DISPATCH(ReadMemory)
              (floats + offset / kFloat, static_cast<size_t>(slice / kFloat));
              offset += slice;
              if (offset + slice > size) offset = 0;
            }
            return static_cast<double>(rounds * slice);
          }};
}

void MeasureReads(double seconds, std::array<ReadBandwidth, 4>& reads) {
  const std::array<int64_t, 4> sizes = WorkingSets();
  // Each level has memory of its own: DRAM's must not be in a cache because the
  // runs of another level have just read it.
  const auto data =
      AllocateWritten(std::accumulate(sizes.begin(), sizes.end(), int64_t{0}));
  std::vector<Probe> probes;
  const float* floats = data.get();
  for (size_t level = 0; level < reads.size(); ++level) {
    // The last one is memory.
    if (level + 1 < reads.size()) {
      reads[level].capacity_bytes = CacheBytes(static_cast<int>(level) + 1);
    }
    if (sizes[level] == 0) continue;
    reads[level].working_set_bytes = sizes[level];
    probes.push_back(
        ReadProbe(floats, Slices(sizes[level]), &reads[level].bytes_per_s));
    floats += sizes[level] / static_cast<int64_t>(sizeof(float));
  }
  MeasureBest(probes, seconds);
}

std::string CpuName() {
#if defined(__x86_64__)
  std::array<unsigned, 12> words = {};
  for (unsigned i = 0; i < 3; ++i) {
    if (__get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1],
                    &words[4 * i + 2], &words[4 * i + 3]) == 0) {
      return "unknown";
    }
  }
  std::array<char, sizeof(words) + 1> text = {};
  std::memcpy(text.data(), words.data(), sizeof(words));
  const std::string_view name = text.data();
  const size_t begin = name.find_first_not_of(' ');
  if (begin == name.npos) return "unknown";
  return std::string(
      name.substr(begin, name.find_last_not_of(' ') + 1 - begin));
#else
  return "unknown";
#endif
}

MachinePeaks Measure(std::string_view operation, double seconds_budget,
                     bool with_reads) {
  if (!(seconds_budget >= 0 && seconds_budget <= 3600)) {
    internal::Fail(ErrorCode::kArgument,
                   "{}: seconds_budget is {}: it must be from 0 to 3600",
                   operation, seconds_budget);
  }
  MachinePeaks peaks;
  peaks.cpu = CpuName();
  peaks.target = HWY_DYNAMIC_DISPATCH(TargetName)();
  for (const Target& target : Targets()) peaks.targets.push_back(target.name);
  const double share = with_reads ? 0.5 : 1.0;
  MeasureInstructions(share * seconds_budget, peaks);
  if (with_reads) MeasureReads((1 - share) * seconds_budget, peaks.read);
  return peaks;
}

}  // namespace

bool Bf16DotIsFaster() noexcept {
#if HWY_TARGETS & HWY_AVX3
  namespace wide = N_AVX3;
#elif HWY_TARGETS & HWY_AVX3_DL  // compiled for it alone
  namespace wide = N_AVX3_DL;
#endif
#if HWY_TARGETS & (HWY_AVX3 | HWY_AVX3_DL)
  // Seconds per operation, the best of several: whatever else happens on the
  // machine only adds time. The runs alternate, and the first of each wakes the
  // 512-bit units.
  static const bool faster = HaveBf16Dot() && [] {
    constexpr int64_t kRounds = 2000;
    std::fenv_t environment;
    std::feholdexcept(&environment);  // the times below are inexact
    double fma = 1, dot = 1;
    for (int repetition = 0; repetition < 6; ++repetition) {
      double start = Now();
      const double fma_operations = wide::RunFp32Fma(kRounds);
      fma = std::min(fma, (Now() - start) / fma_operations);
      start = Now();
      const double dot_operations = wide::RunBf16Dot(kRounds);
      dot = std::min(dot, (Now() - start) / dot_operations);
    }
    std::fesetenv(&environment);
    return dot < fma;
  }();
  return faster;
#else
  return false;
#endif
}

double MeasureReadRate(int64_t bytes, double seconds) {
  const Slices slices(bytes);
  const auto data = AllocateWritten(slices.all);
  double rate = 0;
  Probe probe = ReadProbe(data.get(), slices, &rate);
  MeasureBest({&probe, 1}, seconds);
  return rate;
}

std::vector<Target> Targets() {
  std::vector<Target> targets;
  for (const int64_t id : hwy::SupportedAndGeneratedTargets()) {
    targets.push_back({id, hwy::TargetName(id)});
  }
  return targets;
}

ScopedTarget::ScopedTarget(const Target& target) {
  hwy::SetSupportedTargetsForTest(target.id);
}
ScopedTarget::~ScopedTarget() { hwy::SetSupportedTargetsForTest(0); }

}  // namespace zeroulp::kernels

namespace zeroulp {

MachinePeaks MeasurePeaks(double seconds_budget) {
  return kernels::Measure("MeasurePeaks", seconds_budget, true);
}

MachinePeaks MeasureInstructionPeaks(double seconds_budget) {
  return kernels::Measure("MeasureInstructionPeaks", seconds_budget, false);
}

double ChainPeakFlops(const MachinePeaks& peaks) {
  return std::max(peaks.fp32_fma_flops, peaks.bf16_dot_flops);
}

}  // namespace zeroulp
#endif  // HWY_ONCE
