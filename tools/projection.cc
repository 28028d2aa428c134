// SPDX-License-Identifier: Apache-2.0
#include "tools/projection.h"

#include <algorithm>
#include <utility>

namespace zeroulp::cli {
namespace {

std::string TimeText(double seconds) {
  if (seconds >= 1) return fmt::format("{:.3g} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.3g} ms", seconds * 1e3);
  return fmt::format("{:.3g} us", seconds * 1e6);
}

std::string ThroughputText(double tflops) {
  return fmt::format("{:.{}f}", tflops, tflops < 100 ? 1 : 0);
}

}  // namespace

Projection ProjectOnto(const Measurement& measurement, std::string_view id) {
  std::string known;
  for (const ChipInfo& chip : Chips()) {
    if (chip.id == id) return Project(measurement, chip);
    known.append(" ").append(chip.id);
  }
  for (const SystemInfo& system : Systems()) {
    if (system.id == id) return Project(measurement, system);
    known.append(" ").append(system.id);
  }
  throw Error(
      ErrorCode::kUnknownName,
      fmt::format("no chip or system is named '{}'; known:{}", id, known));
}

std::vector<Projection> ProjectAll(const Measurement& measurement,
                                   std::vector<std::string>& refusals) {
  std::vector<Projection> projections;
  const auto add = [&](const auto& row) {
    try {
      projections.push_back(Project(measurement, row));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnsupported) throw;
      refusals.emplace_back(error.what());
    }
  };
  for (const ChipInfo& chip : Chips()) add(chip);
  for (const SystemInfo& system : Systems()) add(system);
  return projections;
}

Table ProjectionTable(std::span<const Projection> projections) {
  Table table({{"target"},
               {"chips", true},
               {"peak used"},
               {"peak TFLOP/s", true},
               {"projected TFLOP/s", true},
               {"% of peak", true},
               {"projected time", true},
               {"bound by"},
               {"energy J", true},
               {"cost USD", true}});
  for (const Projection& row : projections) {
    table.Add({std::string(row.target), fmt::format("{}", row.chips),
               std::string(row.peak_label), ThroughputText(row.peak_tflops),
               ThroughputText(row.tflops),
               fmt::format("{:.1f}", row.pct_of_peak), TimeText(row.time_s),
               std::string(Name(row.bound)),
               row.energy_j ? fmt::format("{:.3g}", *row.energy_j) : "-",
               row.usd ? fmt::format("{:.3g}", *row.usd) : "-"});
  }
  return table;
}

std::string AssumptionsText(std::span<const Projection> projections,
                            size_t indent) {
  std::vector<std::pair<std::string, std::string>> assumed;  // what, by whom
  for (const Projection& row : projections) {
    for (const std::string& what : row.assumptions) {
      auto same = std::find_if(assumed.begin(), assumed.end(),
                               [&](const auto& x) { return x.first == what; });
      if (same == assumed.end()) same = assumed.insert(same, {what, ""});
      same->second.append(same->second.empty() ? "" : ", ").append(row.target);
    }
  }
  std::string text = fmt::format("{:{}}assumed\n", "", indent);
  for (const auto& [what, targets] : assumed) {
    const bool all = std::count(targets.begin(), targets.end(), ',') + 1 ==
                     static_cast<int64_t>(projections.size());
    text +=
        fmt::format("{:{}}  {}: {}\n", "", indent, all ? "all" : targets, what);
  }
  return text;
}

Json Describe(const Projection& row) {
  const auto optional = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json();
  };
  return {{"target", row.target},
          {"chips", row.chips},
          {"peak_label", row.peak_label},
          {"peak_tflops", row.peak_tflops},
          {"memory_gbytes_per_s", row.memory_gbytes_per_s},
          {"time_s", row.time_s},
          {"tflops", row.tflops},
          {"pct_of_peak", row.pct_of_peak},
          {"bound", Name(row.bound)},
          {"energy_j", optional(row.energy_j)},
          {"usd", optional(row.usd)},
          {"roofline_time_s", row.roofline_time_s},
          {"roofline_tflops", row.roofline_tflops},
          {"roofline_bound", Name(row.roofline_bound)},
          {"host_efficiency", optional(row.host_efficiency)},
          {"spec_scaled_time_s", optional(row.spec_scaled_time_s)},
          {"spec_scaled_tflops", optional(row.spec_scaled_tflops)},
          {"a_bytes", row.a_bytes},
          {"b_bytes", row.b_bytes},
          {"d_bytes", row.d_bytes},
          {"arithmetic_intensity_flop_per_byte",
           row.arithmetic_intensity_flop_per_byte},
          {"assumptions", row.assumptions}};
}

}  // namespace zeroulp::cli
