// SPDX-License-Identifier: Apache-2.0
#include "tools/model_projection.h"

#include "tools/projection.h"

namespace zeroulp::cli {
namespace {

std::optional<double> Capacity(const ChipMemory& memory) {
  if (memory.capacity_gib.known()) {
    return memory.capacity_gib.value * 1073741824.0;
  }
  if (memory.capacity_gbytes.known()) return memory.capacity_gbytes.value * 1e9;
  return std::nullopt;
}

void Add(std::optional<double>& total, const std::optional<double>& part,
         double times, bool first) {
  if (first) total = 0;
  if (total && part) {
    *total += times * *part;
  } else {
    total.reset();
  }
}

std::string Optional(const std::optional<double>& value, double factor = 1) {
  return value ? fmt::format("{:.3g}", factor * *value) : "-";
}

}  // namespace

Projection ProjectPlan(const Catalog& catalog, const Plan& plan,
                       std::string_view target) {
  if (!plan.split) {
    return catalog.ProjectOnto(plan.gemm, target, plan.conditions);
  }
  const ChipInfo& chip = catalog.ChipOf(target);
  const SystemInfo* system = catalog.FindSystem(target);
  if (system == nullptr) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("{} is one chip: only a system's can divide a GEMM",
                            target));
  }
  return ProjectSplit(plan.gemm, *system, chip, *plan.split, plan.conditions);
}

ModelProjection ProjectModel(const Catalog& catalog, const ModelShapes& model,
                             const Plan& plan, std::string_view target) {
  ModelProjection p;
  p.target = target;
  double done = 0;
  p.capacity_bytes = Capacity(catalog.ChipOf(target).memory);
  for (const LayerShape& layer : model.layers) {
    Plan one = plan;
    one.gemm.m = layer.m;
    one.gemm.n = layer.n;
    one.gemm.k = layer.k;
    const bool first = p.layers.empty();
    p.layers.push_back(ProjectPlan(catalog, one, target));
    const Projection& row = p.layers.back();
    const auto times = static_cast<double>(layer.times);
    p.chips = row.chips;
    p.peak_tflops = row.peak_tflops;
    p.time_s += times * row.time_s;
    done += times * row.tflops * 1e12 * row.time_s;
    p.flops += 2 * times * static_cast<double>(layer.m) *
               static_cast<double>(layer.n) * static_cast<double>(layer.k);
    p.weight_bytes += static_cast<double>(layer.matrices) * row.b_bytes /
                      static_cast<double>(plan.split ? plan.split->stages : 1);
    Add(p.energy_j, row.energy_j, times, first);
    Add(p.usd, row.usd, times, first);
  }
  p.passes = done / p.flops;
  return p;
}

Table LayerTable(const ModelShapes& model, const ModelProjection& p) {
  Table table({{"layer"},
               {"M", true},
               {"N", true},
               {"K", true},
               {"times", true},
               {"each", true},
               {"all", true},
               {"% of time", true},
               {"TFLOP/s", true},
               {"% of peak", true},
               {"bound by"}});
  for (size_t i = 0; i < p.layers.size(); ++i) {
    const LayerShape& layer = model.layers[i];
    const Projection& row = p.layers[i];
    const double all = static_cast<double>(layer.times) * row.time_s;
    table.Add({layer.name, fmt::format("{}", layer.m),
               fmt::format("{}", layer.n), fmt::format("{}", layer.k),
               fmt::format("{}", layer.times), TimeText(row.time_s),
               TimeText(all), fmt::format("{:.1f}", 100 * all / p.time_s),
               ThroughputText(row.tflops),
               fmt::format("{:.1f}", row.pct_of_peak),
               std::string(Name(row.bound))});
  }
  table.Add({"total", "", "", "", "", "", TimeText(p.time_s), "100.0",
             ThroughputText(p.tflops()),
             fmt::format("{:.1f}", 100 * p.tflops() / p.peak_tflops), ""});
  return table;
}

Table ModelTable(const std::vector<ModelProjection>& projections,
                 double pass_tokens) {
  Table table({{"target"},
               {"chips", true},
               {"pass", true},
               {"tokens/s", true},
               {"TFLOP/s", true},
               {"% of peak", true},
               {"J/token", true},
               {"USD/M tokens", true},
               {"chips to match", true},
               {"kW", true},
               {"USD/h", true},
               {"weights GB/chip", true},
               {"fits"}});
  const double first = projections.front().tflops();
  for (const ModelProjection& p : projections) {
    const double tokens = pass_tokens * p.passes;
    const double match = first / p.tflops();
    table.Add({p.target, fmt::format("{}", p.chips), TimeText(p.time_s),
               fmt::format("{:.4g}", tokens / p.time_s),
               ThroughputText(p.tflops()),
               fmt::format("{:.1f}", 100 * p.tflops() / p.peak_tflops),
               Optional(p.energy_j, 1 / tokens), Optional(p.usd, 1e6 / tokens),
               fmt::format("{:.3g}", match * static_cast<double>(p.chips)),
               Optional(p.energy_j, match / p.time_s / 1e3),
               Optional(p.usd, match / p.time_s * 3600),
               fmt::format("{:.3g}", p.weight_bytes / 1e9),
               !p.capacity_bytes                    ? "?"
               : p.weight_bytes > *p.capacity_bytes ? "no"
                                                    : "yes"});
  }
  return table;
}

Json Describe(const ModelShapes& model, const ModelProjection& p) {
  const auto optional = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json();
  };
  Json json = {{"target", p.target},
               {"chips", p.chips},
               {"time_s", p.time_s},
               {"tflops", p.tflops()},
               {"pct_of_peak", 100 * p.tflops() / p.peak_tflops},
               {"energy_j", optional(p.energy_j)},
               {"usd", optional(p.usd)},
               {"weight_bytes_per_chip", p.weight_bytes},
               {"capacity_bytes_per_chip", optional(p.capacity_bytes)}};
  json["layers"] = Json::array();
  for (size_t i = 0; i < p.layers.size(); ++i) {
    Json layer = {{"name", model.layers[i].name},
                  {"m", model.layers[i].m},
                  {"n", model.layers[i].n},
                  {"k", model.layers[i].k},
                  {"times", model.layers[i].times}};
    layer.update(Describe(p.layers[i]));
    json["layers"].push_back(std::move(layer));
  }
  return json;
}

}  // namespace zeroulp::cli
