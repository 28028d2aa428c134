// SPDX-License-Identifier: Apache-2.0
// Projects a GEMM onto a row of chips.h.
//
// Method
//   work        flops, bytes and roof: work.cc.
//   roofline    time = max(flops / peak, bytes / bandwidth).
//   calibrated  model.cc with the constants of calibration_table.cc.
//   scaled      time = max(flops / (efficiency * peak), bytes / bandwidth),
//               where efficiency = flops_per_s / peak_flops_per_s of the host.
//
// Limits, also stated in Projection::assumptions. Roofline and scaled: no
// launch cost, no tile or wave quantisation, no cache reuse or refetch, memory
// at its full rate, clocks at the advertised boost; a plain roofline is always
// optimistic, and a host CPU's efficiency need not be the chip's. Calibrated:
// as good as the measurements of the chip or of its relatives.
#include "zeroulp/project.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "profiles/model.h"
#include "profiles/target.h"
#include "profiles/work.h"
#include "zeroulp/internal/fail.h"

namespace zeroulp {
namespace internal {
namespace {

// Nothing if nothing was measured.
std::optional<double> HostEfficiency(const Measurement& w) {
  if (w.flops_per_s == 0 && w.peak_flops_per_s == 0) return std::nullopt;
  const auto valid = [](double rate) {
    return std::isfinite(rate) && rate > 0;
  };
  if (!valid(w.flops_per_s) || !valid(w.peak_flops_per_s)) {
    Fail(ErrorCode::kArgument,
         "Project: measured {} flop/s of a peak of {}: both must be positive "
         "and finite, or both 0 if nothing was measured",
         w.flops_per_s, w.peak_flops_per_s);
  }
  return std::min(w.flops_per_s / w.peak_flops_per_s, 1.0);
}

const Price* HourlyPrice(std::span<const Price> prices) {
  for (const Price& p : prices) {
    if (p.usd_per_hour.known()) return &p;
  }
  return nullptr;
}

double CacheBytes(const ChipInfo& chip) {
  for (const ChipSram& sram : chip.sram) {
    if (sram.name == "L2") return 1024 * sram.count * sram.size_kib.value;
  }
  return 0;
}

Machine FindMachine(const ChipInfo& chip, const Work& work, double share) {
  const bool arrays = chip.engine.array_k > 0;
  return {
      .flops_per_us = share * work.tflops * 1e6,
      .bytes_per_us = share * chip.memory.bandwidth_gbytes_per_s.value * 1e3,
      .cache_bytes = share * CacheBytes(chip),
      .tile_cores =
          arrays ? 0 : std::ceil(share * chip.engine.tile_cores.value),
      .arrays =
          arrays ? std::ceil(share * chip.engine.matrix_engines.value) : 0,
      .array_k = static_cast<double>(chip.engine.array_k),
      .array_n = static_cast<double>(chip.engine.array_n)};
}

const Calibration& FindCalibration(const ChipInfo& chip, bool without_own) {
  if (!without_own) return Calibrated();
  for (const CalibrationWithout& row : Without()) {
    if (row.chip == chip.id) return row.calibration;
  }
  return Calibrated();  // has no rows of its own there
}

Load::Clock ClockOf(ClockState clock) {
  switch (clock) {
    case ClockState::kCool:
      return Load::Clock::kCool;
    case ClockState::kHeating:
      return Load::Clock::kHeating;
    case ClockState::kHot:
      return Load::Clock::kHot;
  }
  return Load::Clock::kHeating;
}

Bound BoundOf(const Prediction& p, double fabric_us) {
  const double overhead = p.launch_us + p.quantise_us;
  const double work = std::max(p.compute_us, p.memory_us);
  if (fabric_us > std::max(overhead, work)) return Bound::kFabric;
  if (overhead > work) return Bound::kLaunch;
  return p.compute_us >= p.memory_us ? Bound::kCompute : Bound::kMemory;
}

// Constants of which family. How fast GPU libraries are in one format or
// pattern says nothing of another engine: those get the dense 16-bit ones.
struct Kind {
  std::string_view family;
  bool sparse;
};

std::string CalibrationText(const ChipInfo& chip, const Work& work,
                            const ChipFit& fit, bool sparse, const Kind& kind) {
  const std::string of =
      fmt::format("{}{}", sparse ? "sparse " : "", work.family);
  if (fit.rows > 0) {
    return fmt::format("calibrated by {} published times of {} in {}", fit.rows,
                       chip.id, of);
  }
  return fmt::format(
      "no published times of {} in {} to calibrate by: the mean of the {} "
      "chips that have some, in {}{}",
      chip.id, of, fit.target.empty() ? "NVIDIA" : fit.target,
      kind.sparse ? "sparse " : "",
      fit.family.empty() ? "all formats" : kind.family);
}

void AddCalibrated(Projection& p, const Measurement& w, const ChipInfo& chip,
                   const Work& work, const Conditions& conditions) {
  const bool sparse = !w.sparsity.empty();
  const Machine machine = FindMachine(chip, work, conditions.chip_share);
  const Kind kind =
      machine.tile_cores > 0 ? Kind{work.family, sparse} : Kind{"BF16", false};
  const Constants constants =
      FindConstants(FindCalibration(chip, conditions.without_own_rows), chip,
                    kind.family, kind.sparse);
  const Load load = {
      .m = static_cast<double>(w.m),
      .n = static_cast<double>(w.n),
      .k = static_cast<double>(w.k),
      .flops = work.flops,
      .a_bytes = work.a_bytes,
      .b_bytes = work.b_bytes,
      .d_bytes = work.d_bytes,
      .quantised_bytes = conditions.quantise_a ? work.quantised_bytes : 0,
      .looped = conditions.looped,
      .clock = ClockOf(conditions.clock)};
  const Prediction prediction = Predict(machine, load, constants);
  const double us = 1e-6;
  p.launch_s = prediction.launch_us * us;
  p.quantise_s = prediction.quantise_us * us;
  p.compute_s = prediction.compute_us * us;
  p.memory_s = prediction.memory_us * us;
  p.engine_occupancy = prediction.occupancy;
  p.calibrated_time_s = prediction.us * us + p.fabric_s;
  p.calibrated_bound = BoundOf(prediction, p.fabric_s * 1e6);
  p.calibrated_rows = constants.chip->rows;
  p.calibrated = constants.chip->rows > 0          ? Calibrated::kChip
                 : !constants.chip->target.empty() ? Calibrated::kArchitecture
                                                   : Calibrated::kPooled;
  p.assumptions.push_back(
      CalibrationText(chip, work, *constants.chip, sparse, kind));
  if (machine.tile_cores == 0 && machine.arrays == 0) {
    p.assumptions.push_back(fmt::format(
        "the engine of {} is not published: no tile or wave quantisation",
        chip.id));
  }
}

void AddHostScaled(Projection& p, const Measurement& w, double efficiency,
                   double compute_s, double memory_s) {
  p.host_efficiency = efficiency;
  p.time_s = std::max(compute_s / efficiency, memory_s) + p.fabric_s;
  p.bound =
      compute_s / efficiency < memory_s ? Bound::kMemory : Bound::kCompute;
  if (p.fabric_s > p.time_s / 2) p.bound = Bound::kFabric;
  p.spec_scaled_time_s = p.time_s;
  p.assumptions.push_back(fmt::format(
      "the chip reaches the share of its peak that the host reached of its "
      "own: {:.1f} %{}; no launch cost, tile quantisation or clock throttling",
      100 * efficiency,
      w.flops_per_s > w.peak_flops_per_s
          ? ", held there although more was measured"
          : ""));
}

void AddCosts(Projection& p, const Target& target) {
  if (target.power_w.known()) {
    p.energy_j = target.power_w.value * p.time_s;
    p.assumptions.push_back(
        fmt::format("full power throughout, {}", Cite(target.power_w, "W")));
  }
  if (target.price != nullptr) {
    const Quantity& usd_per_hour = target.price->usd_per_hour;
    p.usd = target.price_factor * usd_per_hour.value * p.time_s / 3600;
    p.assumptions.push_back(
        fmt::format("price {} x {}: {}", target.price_factor,
                    Cite(usd_per_hour, "USD an hour"), target.price->kind));
  }
}

void CheckShare(double share) {
  if (std::isfinite(share) && share > 0 && share <= 1) return;
  Fail(ErrorCode::kArgument,
       "Project: {} of a chip: the share must be above 0 and at most 1", share);
}

}  // namespace

Target OneChip(const ChipInfo& chip) {
  return {.id = chip.id,
          .chips = 1,
          .power_w = chip.power_w,
          .price = HourlyPrice(chip.prices),
          .price_factor = 1};
}

Target WholeSystem(const SystemInfo& system, const ChipInfo& chip) {
  Target target = {.id = system.id,
                   .chips = static_cast<int64_t>(system.chips.value),
                   .power_w = system.power_w,
                   .price = HourlyPrice(system.prices),
                   .price_factor = 1};
  if (!target.power_w.known() && chip.power_w.known()) {  // hosts left out
    target.power_w = chip.power_w;
    target.power_w.value *= system.chips.value;
    target.power_w.basis = Basis::kDerived;
  }
  if (target.price == nullptr) {
    target.price = HourlyPrice(chip.prices);
    target.price_factor = system.chips.value;
  }
  return target;
}

Projection ProjectOnto(const Measurement& w, const ChipInfo& chip,
                       const Target& target, const Conditions& conditions,
                       double fabric_s) {
  const std::optional<double> efficiency = HostEfficiency(w);
  CheckShare(conditions.chip_share);
  Work work = FindWork(w, chip, conditions.block_scales);

  Projection p;
  p.target = target.id;
  p.peak_label = work.peak->label;
  p.chips = target.chips;
  p.fabric_s = fabric_s;
  p.assumptions = std::move(work.assumptions);
  p.a_bytes = work.a_bytes;
  p.b_bytes = work.b_bytes;
  p.d_bytes = work.d_bytes;
  p.assumptions.push_back(fmt::format(
      "A and B are read once and D is written once, as {}; memory {}",
      w.d_format, Cite(chip.memory.bandwidth_gbytes_per_s, "GB/s")));

  const auto chips = static_cast<double>(target.chips);
  const double share = conditions.chip_share;
  const double bytes = p.a_bytes + p.b_bytes + p.d_bytes;
  const double compute_s = work.flops / (share * work.tflops * 1e12);
  const double memory_s =
      bytes / (share * chip.memory.bandwidth_gbytes_per_s.value * 1e9);
  p.arithmetic_intensity_flop_per_byte = work.flops / bytes;
  p.peak_tflops = chips * share * work.tflops;
  p.memory_gbytes_per_s =
      chips * share * chip.memory.bandwidth_gbytes_per_s.value;
  p.roofline_time_s = std::max(compute_s, memory_s);
  p.roofline_bound = compute_s < memory_s ? Bound::kMemory : Bound::kCompute;
  AddCalibrated(p, w, chip, work, conditions);
  p.time_s = p.calibrated_time_s;
  p.bound = p.calibrated_bound;
  if (efficiency) AddHostScaled(p, w, *efficiency, compute_s, memory_s);

  const auto tflops = [&](double seconds) {
    return chips * work.flops / seconds / 1e12;
  };
  p.tflops = tflops(p.time_s);
  p.roofline_tflops = tflops(p.roofline_time_s);
  p.calibrated_tflops = tflops(p.calibrated_time_s);
  if (efficiency) p.spec_scaled_tflops = p.tflops;
  p.pct_of_peak = 100 * p.tflops / p.peak_tflops;
  AddCosts(p, target);
  if (chip.status == ChipStatus::kAnnounced ||
      chip.status == ChipStatus::kProjected) {
    p.assumptions.push_back(
        fmt::format("{} is {}, not shipping", chip.id, Name(chip.status)));
  }
  return p;
}

}  // namespace internal

std::string_view Name(Side side) { return side == Side::kA ? "A" : "B"; }

std::string_view Name(Bound bound) {
  switch (bound) {
    case Bound::kCompute:
      return "compute";
    case Bound::kMemory:
      return "memory";
    case Bound::kLaunch:
      return "launch";
    case Bound::kFabric:
      return "fabric";
  }
  return "?";
}

std::string_view Name(Calibrated calibrated) {
  switch (calibrated) {
    case Calibrated::kChip:
      return "chip";
    case Calibrated::kArchitecture:
      return "architecture";
    case Calibrated::kPooled:
      return "pooled";
  }
  return "?";
}

Projection Project(const Measurement& measurement, const ChipInfo& chip,
                   const Conditions& conditions) {
  return internal::ProjectOnto(measurement, chip, internal::OneChip(chip),
                               conditions);
}

Projection Project(const Measurement& measurement, const SystemInfo& system,
                   const ChipInfo& chip, const Conditions& conditions) {
  Projection p = internal::ProjectOnto(
      measurement, chip, internal::WholeSystem(system, chip), conditions);
  p.assumptions.push_back(fmt::format(
      "data parallel: each of the {} {} chips runs the whole GEMM on its own "
      "data; the fabric is not used",
      p.chips, chip.id));
  return p;
}

Projection Project(const Measurement& measurement, const SystemInfo& system,
                   const Conditions& conditions) {
  return Project(measurement, system, Chip(system.chip), conditions);
}

}  // namespace zeroulp
