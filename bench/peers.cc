// SPDX-License-Identifier: Apache-2.0
//   peer/<library>.<type>/<M>x<N>x<K>/t<threads>
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstddef>
#include <exception>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/aligned.h"
#include "bench/context.h"
#include "bench/gemm_bench.h"
#include "bench/peaks.h"
#include "bench/peers/peer.h"
#include "bench/stopwatch.h"

namespace zeroulp::bench {
namespace {

struct PeerRow {
  std::string_view name;
  Peer peer;
  Peak peak;
  int max_threads;  // 0: any number
};

std::vector<PeerRow> Peers() {
  return {
#ifdef ZEROULP_PEER_OPENBLAS
      {"openblas.f32", OpenBlasSgemm, Peak::kFp32Fma, 0},
#endif
#ifdef ZEROULP_PEER_ONEDNN
      {"onednn.f32", OneDnnF32, Peak::kFp32Fma, 0},
      {"onednn.bf16", OneDnnBf16, Peak::kChain, 0},
#endif
#ifdef ZEROULP_PEER_EIGEN
      {"eigen.f32", EigenF32, Peak::kFp32Fma, 1},
#endif
  };
}

AlignedVector<float> RandomFloats(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  AlignedVector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = uniform(random);
  return values;
}

void RunPeer(benchmark::State& state, const PeerRow& row, const Shape& shape,
             int threads) {
  const AlignedVector<float> a = RandomFloats(shape.m * shape.k, 3);
  const AlignedVector<float> b_t = RandomFloats(shape.n * shape.k, 4);
  AlignedVector<float> d(static_cast<size_t>(shape.m * shape.n));
  std::function<void()> product;
  try {
    product = row.peer(
        {shape.m, shape.n, shape.k, a.data(), b_t.data(), d.data(), threads});
  } catch (const std::exception& error) {  // no implementation on this CPU
    state.SkipWithError(error.what());
    return;
  }
  const kernels::Target target = kernels::Targets().front();
  PeakRate(row.peak, target);
  product();
  const Stopwatch stopwatch;
  for ([[maybe_unused]] const auto iteration : state) product();
  const double seconds =
      stopwatch.seconds() / static_cast<double>(state.iterations());
  const double flops = 2.0 * static_cast<double>(shape.m) *
                       static_cast<double>(shape.n) *
                       static_cast<double>(shape.k) / seconds;
  state.counters["flops"] = flops;
  state.counters["pct_peak"] =
      100 * flops / (threads * PeakRate(row.peak, target));
  state.SetLabel(fmt::format("of {} {}", Name(row.peak), shape.name));
}

}  // namespace

void RegisterPeers(const std::vector<Shape>& shapes) {
  for (const PeerRow& row : Peers()) {
    for (const Shape& shape : shapes) {
      for (const int threads : ThreadCounts()) {
        if (row.max_threads != 0 && threads > row.max_threads) continue;
        benchmark::RegisterBenchmark(
            fmt::format("peer/{}/{}x{}x{}/t{}", row.name, shape.m, shape.n,
                        shape.k, threads)
                .c_str(),
            RunPeer, row, shape, threads)
            ->Unit(benchmark::kMillisecond);
      }
    }
  }
}

}  // namespace zeroulp::bench
