// SPDX-License-Identifier: Apache-2.0
#include "tools/projection.h"

#include <algorithm>
#include <utility>

#include "tools/catalog.h"

namespace zeroulp::cli {

std::string TimeText(double seconds) {
  if (seconds >= 1) return fmt::format("{:.3g} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.3g} ms", seconds * 1e3);
  return fmt::format("{:.3g} us", seconds * 1e6);
}

std::string ThroughputText(double tflops) {
  return fmt::format("{:.{}f}", tflops, tflops < 100 ? 1 : 0);
}

Projection ProjectOnto(const Measurement& measurement, std::string_view id) {
  return Catalog().ProjectOnto(measurement, id);
}

std::string CalibratedText(const Projection& row) {
  if (row.spec_scaled_time_s) return "host";
  return row.calibrated_rows > 0 ? fmt::format("{} rows", row.calibrated_rows)
                                 : std::string(Name(row.calibrated));
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
               {"calibrated by"},
               {"energy J", true},
               {"cost USD", true}});
  for (const Projection& row : projections) {
    table.Add({std::string(row.target), fmt::format("{}", row.chips),
               std::string(row.peak_label), ThroughputText(row.peak_tflops),
               ThroughputText(row.tflops),
               fmt::format("{:.1f}", row.pct_of_peak), TimeText(row.time_s),
               std::string(Name(row.bound)), CalibratedText(row),
               row.energy_j ? fmt::format("{:.3g}", *row.energy_j) : "-",
               row.usd ? fmt::format("{:.3g}", *row.usd) : "-"});
  }
  return table;
}

std::string AssumptionsText(std::span<const Projection> projections,
                            size_t indent) {
  // What, and by whom; a model's layers are of one target.
  std::vector<std::pair<std::string, std::vector<std::string_view>>> assumed;
  std::vector<std::string_view> targets;
  const auto add = [](auto& list, std::string_view target) {
    if (std::find(list.begin(), list.end(), target) == list.end()) {
      list.push_back(target);
    }
  };
  for (const Projection& row : projections) {
    add(targets, row.target);
    for (const std::string& what : row.assumptions) {
      auto same = std::find_if(assumed.begin(), assumed.end(),
                               [&](const auto& x) { return x.first == what; });
      if (same == assumed.end()) same = assumed.insert(same, {what, {}});
      add(same->second, row.target);
    }
  }
  std::string text = fmt::format("{:{}}assumed\n", "", indent);
  for (const auto& [what, by] : assumed) {
    text += fmt::format("{:{}}  {}: {}\n", "", indent,
                        by.size() == targets.size()
                            ? "all"
                            : fmt::format("{}", fmt::join(by, ", ")),
                        what);
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
          {"calibrated_time_s", row.calibrated_time_s},
          {"calibrated_tflops", row.calibrated_tflops},
          {"calibrated_bound", Name(row.calibrated_bound)},
          {"calibrated_by", Name(row.calibrated)},
          {"calibrated_rows", row.calibrated_rows},
          {"launch_s", row.launch_s},
          {"quantise_s", row.quantise_s},
          {"compute_s", row.compute_s},
          {"memory_s", row.memory_s},
          {"fabric_s", row.fabric_s},
          {"engine_occupancy", row.engine_occupancy},
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
