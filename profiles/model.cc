// SPDX-License-Identifier: Apache-2.0
// The calibrated model. tools/calibrate.py has a twin of ChooseTiles, Heated
// and Predict, by which the constants are fitted; tests hold it to the same
// published times (tests/backtest_test.cc).
//
//   time = launch + quantise + heat(norm(engine, memory))
//
//   norm(x, y) = (x^p + y^p)^(1/p): two limits that overlap, but not perfectly.
//   memory   every matrix once at a share of the bandwidth; a few busy cores
//            cannot fill the bus.
//   engine   tile cores: waves x time of a tile, which computes at a share of a
//            core's peak and loads its operands at a share of the core's
//            bandwidth. The library is assumed to have taken the best of the
//            tile shapes below and to split K where that fills idle cores.
//            systolic arrays: blocks of the array's K and N, each held for at
//            least as many rows of A as the array is deep, while the next one
//            loads.
//   heat     clocks fall from cool to hot as the kernel lasts; only the part
//            of the time that the engine decides follows the clock.
#include "profiles/model.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace zeroulp::internal {
namespace {

struct Tile {
  double rows, cols;
};

// The shapes that the libraries' kernels have in common; larger ones (two
// cores on one tile) cost the same as two of these.
constexpr Tile kTiles[] = {{256, 256}, {256, 128}, {128, 128}, {64, 256},
                           {128, 64},  {64, 128},  {64, 64},   {64, 32}};
constexpr double kSplits[] = {1, 2, 4, 8, 16};
// Of K: with less, a core spends its time on filling its pipeline.
constexpr double kMinSplit = 256;

double Norm(double x, double y, double p) {
  return std::pow(std::pow(x, p) + std::pow(y, p), 1 / p);
}

struct Parts {
  double total, engine, memory, occupancy;
};

Parts ChooseTiles(const Machine& machine, const Load& load,
                  const Constants& constants) {
  const SharedFit& shared = *constants.shared;
  const double bytes = load.a_bytes + load.b_bytes + load.d_bytes;
  const bool cached = load.looped && bytes < machine.cache_bytes;
  const double stream = bytes /
                        (machine.bytes_per_us * constants.chip->memory) /
                        (cached ? shared.cache_ratio : 1);
  const double core_rate =
      machine.flops_per_us / machine.tile_cores * constants.chip->compute;
  const double core_bytes = machine.bytes_per_us / machine.tile_cores *
                            constants.format->operand_ratio;
  const double a = load.a_bytes / load.m, b = load.b_bytes / load.n;
  const double per_product = load.flops / load.m / load.n;
  Parts best = {};
  best.total = std::numeric_limits<double>::infinity();
  for (const Tile& tile : kTiles) {
    for (const double split : kSplits) {
      if (split > 1 && load.k / split < kMinSplit) continue;
      const double compute =
          per_product * tile.rows * tile.cols / split / core_rate;
      const double operands =
          (tile.rows * a + tile.cols * b) / split / core_bytes;
      const double waves = std::ceil(load.m / tile.rows) *
                           std::ceil(load.n / tile.cols) * split /
                           machine.tile_cores;
      const double rounds = waves <= 1 ? 1
                                       : waves + shared.wave_rounding *
                                                     (std::ceil(waves) - waves);
      const double engine = rounds * Norm(compute, operands, shared.norm);
      const double memory = stream / std::min(1.0, waves * shared.saturation);
      const double total = Norm(engine, memory, shared.norm) +
                           (split > 1 ? constants.format->split_us : 0);
      if (total < best.total) {
        best = {total, engine, memory,
                load.flops / machine.flops_per_us / constants.chip->compute /
                    (rounds * compute)};
      }
    }
  }
  return best;
}

Parts FillArrays(const Machine& machine, const Load& load,
                 const Constants& constants) {
  const double blocks_k = std::ceil(load.k / machine.array_k);
  const double blocks_n = std::ceil(load.n / machine.array_n);
  // Several arrays share the rows of A where there are too few blocks of N.
  const double waves = blocks_k * blocks_n / machine.arrays;
  const double rounds = std::max(1.0, waves);
  const double rows = std::max(load.m, machine.array_k);
  const double padded = rounds * machine.arrays * machine.array_k *
                        machine.array_n * rows / (load.m * load.n * load.k);
  const double occupancy = 1 / padded;
  Parts parts = {};
  parts.engine =
      load.flops * padded / machine.flops_per_us / constants.chip->compute;
  parts.memory = (load.a_bytes + load.b_bytes + load.d_bytes) /
                 (machine.bytes_per_us * constants.chip->memory);
  parts.occupancy = occupancy;
  parts.total = Norm(parts.engine, parts.memory, constants.shared->norm);
  return parts;
}

// An engine of which nothing is published has neither tiles nor blocks.
Parts WithoutEngine(const Machine& machine, const Load& load,
                    const Constants& constants) {
  Machine one = machine;
  one.arrays = one.array_k = one.array_n = 1;
  return FillArrays(one, load, constants);
}

double Heated(const Parts& parts, Load::Clock clock,
              const Constants& constants) {
  const double p = constants.shared->norm;
  const double engine = std::pow(parts.engine, p);
  const double share = engine / (engine + std::pow(parts.memory, p));
  const double heat =
      clock == Load::Clock::kHot ? 1
      : clock == Load::Clock::kCool
          ? 0
          : parts.total / (parts.total + constants.shared->heat_us);
  return parts.total * (1 + (1 / constants.chip->sustained - 1) * heat * share);
}

}  // namespace

Prediction Predict(const Machine& machine, const Load& load,
                   const Constants& constants) {
  const Parts parts =
      machine.tile_cores > 0 ? ChooseTiles(machine, load, constants)
      : machine.arrays > 0   ? FillArrays(machine, load, constants)
                             : WithoutEngine(machine, load, constants);
  Prediction p = {};
  p.launch_us =
      constants.chip->launch_us + (load.looped ? constants.shared->loop_us : 0);
  if (load.quantised_bytes > 0) {
    p.quantise_us = constants.format->quantise_us +
                    load.quantised_bytes / (machine.bytes_per_us *
                                            constants.format->quantise_share);
  }
  p.compute_us = parts.engine;
  p.memory_us = parts.memory;
  p.occupancy = parts.occupancy;
  p.us = p.launch_us + p.quantise_us + Heated(parts, load.clock, constants);
  return p;
}

}  // namespace zeroulp::internal
