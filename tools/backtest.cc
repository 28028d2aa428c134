// SPDX-License-Identifier: Apache-2.0
#include "tools/backtest.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "tools/csv.h"
#include "zeroulp/project.h"

namespace zeroulp::cli {
namespace {

// measured.csv's names; others must be names of zeroulp's formats.
struct Dtype {
  std::string_view name, format, family;
  bool block_scales = false;
};
constexpr auto kDtypes = std::to_array<Dtype>({
    {"BF16", "bf16", "BF16"},
    {"FP16", "f16", "BF16"},
    {"FP32", "f32", "FP32"},
    {"FP8_E4M3", "e4m3fn", "FP8"},
    {"FP8_E4M3_block128", "e4m3fn", "FP8", true},
    {"MXFP8", "mxfp8", "FP8"},
    {"NVFP4", "nvfp4", "FP4"},
    {"MXFP4", "mxfp4", "FP4"},
    {"INT8", "int8", "INT8"},
});

const Dtype& FindDtype(const Csv& csv, size_t row) {
  const std::string& name = csv.Text(row, "dtype");
  std::string known;
  for (const Dtype& dtype : kDtypes) {
    if (name == dtype.name) return dtype;
    known.append(known.empty() ? "" : " ").append(dtype.name);
  }
  csv.FailAt(row, "dtype",
             fmt::format("no format is named '{}'; known: {}", name, known));
}

bool HasFlag(const std::string& flags, std::string_view flag) {
  for (size_t at = 0; at < flags.size();) {
    const size_t end = std::min(flags.find(',', at), flags.size());
    if (std::string_view(flags).substr(at, end - at) == flag) return true;
    at = end + 1;
  }
  return false;
}

Conditions ConditionsOf(const Csv& csv, size_t row) {
  const std::string& flags = csv.Text(row, "flags");
  Conditions conditions;
  conditions.clock = HasFlag(flags, "sustained")   ? ClockState::kHot
                     : HasFlag(flags, "short_run") ? ClockState::kCool
                                                   : ClockState::kHeating;
  conditions.quantise_a = HasFlag(flags, "incl_act_quant");
  conditions.looped = HasFlag(flags, "l2_warm_repeat");
  if (!csv.Text(row, "chip_fraction").empty()) {
    conditions.chip_share = csv.Number(row, "chip_fraction");
    if (!(conditions.chip_share > 0 && conditions.chip_share <= 1)) {
      csv.FailAt(row, "chip_fraction", "must be above 0 and at most 1");
    }
  }
  return conditions;
}

double MeasuredUs(const Csv& csv, size_t row, const BacktestRow& b) {
  const bool timed = !csv.Text(row, "latency_us").empty();
  const std::string_view column = timed ? "latency_us" : "tflops";
  const double value = csv.Number(row, column);
  if (!(value > 0)) csv.FailAt(row, column, "must be above 0");
  if (timed) return value;
  return 2 * static_cast<double>(b.m) * static_cast<double>(b.n) *
         static_cast<double>(b.k) / value / 1e6;
}

// The half of the shapes that tools/calibrate.py fits.
bool FitsShape(int64_t m, int64_t n, int64_t k) {
  const auto mixed =
      (static_cast<uint64_t>(m) ^ static_cast<uint64_t>(n) << 20 ^
       static_cast<uint64_t>(k) << 40) *
      0x9E3779B97F4A7C15;
  return mixed >> 63 == 0;
}

void Predict(BacktestRow& b, const Measurement& w, Conditions conditions,
             const ChipInfo& chip) {
  try {
    const Projection own = Project(w, chip, conditions);
    b.fitted = own.calibrated == Calibrated::kChip && b.counted &&
               FitsShape(b.m, b.n, b.k);
    b.predicted_us = own.calibrated_time_s * 1e6;
    if (own.calibrated == Calibrated::kChip) {
      conditions.without_own_rows = true;
      b.without_us = Project(w, chip, conditions).calibrated_time_s * 1e6;
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;
    b.refusal = error.what();
  }
}

BacktestRow ReadRow(const Catalog& catalog, const Csv& csv, size_t row) {
  BacktestRow b = {};
  b.chip = csv.Text(row, "chip");
  b.dtype = csv.Text(row, "dtype");
  b.sparsity = csv.Text(row, "sparsity");
  b.use = csv.Text(row, "use");
  b.counted = !csv.Has("use") || b.use.starts_with("validate");
  b.m = csv.Whole(row, "M");
  b.n = csv.Whole(row, "N");
  b.k = csv.Whole(row, "K");
  b.measured_us = MeasuredUs(csv, row, b);
  const Dtype& dtype = FindDtype(csv, row);
  b.family = dtype.family;
  const ChipInfo* chip = catalog.FindChip(b.chip);
  if (chip == nullptr) {
    std::string known;
    for (const ChipInfo* c : catalog.chips()) known.append(" ").append(c->id);
    csv.FailAt(row, "chip",
               fmt::format("no chip is named '{}'; known:{}", b.chip, known));
  }
  Measurement w = {.m = b.m,
                   .n = b.n,
                   .k = b.k,
                   .a_format = dtype.format,
                   .b_format = dtype.format,
                   .sparse_side = Side::kB};  // of a layer, the weights
  if (b.sparsity != "dense") w.sparsity = b.sparsity;
  if (HasFlag(csv.Text(row, "flags"), "fp4_uses_4:8_pairs")) {
    w.sparsity = "4:8-pairs";
  }
  Conditions conditions = ConditionsOf(csv, row);
  conditions.block_scales = dtype.block_scales;
  Predict(b, w, conditions, *chip);
  return b;
}

// ---------------------------------------------------------------------------

double Error(const std::optional<double>& us, double measured) {
  return *us / measured - 1;
}

// Between the two nearest values, as numpy does.
double Quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, values.size() - 1);
  return values[low] +
         (at - static_cast<double>(low)) * (values[high] - values[low]);
}

struct Errors {
  std::vector<double> all;

  double Median() const { return Quantile(Absolute(), 0.5); }
  double P90() const { return Quantile(Absolute(), 0.9); }
  double Bias() const { return Quantile(all, 0.5); }

 private:
  std::vector<double> Absolute() const {
    std::vector<double> sizes;
    for (const double e : all) sizes.push_back(std::abs(e));
    return sizes;
  }
};

struct Group {
  std::string chip, format, sparsity;
  int64_t rows = 0;
  Errors held_out, without;
};

void Count(Group& group, const BacktestRow& row) {
  ++group.rows;
  if (!row.fitted) {
    group.held_out.all.push_back(Error(row.predicted_us, row.measured_us));
  }
  if (row.without_us) {
    group.without.all.push_back(Error(row.without_us, row.measured_us));
  }
}

std::vector<Group> GroupRows(const std::vector<BacktestRow>& rows) {
  std::map<std::array<std::string, 3>, Group> groups;
  const auto count = [&](const BacktestRow& row, const std::string& chip,
                         const std::string& format,
                         const std::string& sparsity) {
    // "~" is after every chip: totals come last.
    Group& group = groups[{chip == "all" ? "~" : chip, format, sparsity}];
    group.chip = chip;
    group.format = format;
    group.sparsity = sparsity;
    Count(group, row);
  };
  for (const BacktestRow& row : rows) {
    if (!row.counted || !row.predicted_us) continue;
    const std::string family(row.family);
    const std::string sparsity = row.sparsity == "dense" ? "dense" : "sparse";
    count(row, row.chip, row.dtype, row.sparsity);
    count(row, "all", family, sparsity);
    count(row, "all", family, "all");
  }
  std::vector<Group> list;
  for (auto& [key, group] : groups) list.push_back(std::move(group));
  return list;
}

std::string Percent(double share, bool sign = false) {
  return sign ? fmt::format("{:+.1f}", 100 * share)
              : fmt::format("{:.1f}", 100 * share);
}

Json Describe(const Errors& errors) {
  if (errors.all.empty()) return {{"rows", 0}};
  return {{"rows", errors.all.size()},
          {"median_abs_error", errors.Median()},
          {"p90_abs_error", errors.P90()},
          {"bias", errors.Bias()}};
}

Json Describe(const BacktestRow& row) {
  Json json = {{"chip", row.chip},
               {"dtype", row.dtype},
               {"sparsity", row.sparsity},
               {"M", row.m},
               {"N", row.n},
               {"K", row.k},
               {"use", row.use},
               {"measured_us", row.measured_us},
               {"counted", row.counted},
               {"fitted", row.fitted}};
  if (!row.predicted_us) {
    json["refused"] = row.refusal;
    return json;
  }
  json["predicted_us"] = *row.predicted_us;
  json["predicted_tflops"] =
      2 * static_cast<double>(row.m) * static_cast<double>(row.n) *
      static_cast<double>(row.k) / *row.predicted_us / 1e6;
  json["without_own_rows_us"] = row.without_us ? Json(*row.without_us) : Json();
  return json;
}

}  // namespace

std::vector<BacktestRow> Backtest(const Catalog& catalog,
                                  const std::string& path) {
  const Csv csv(path);
  for (const std::string_view column :
       {"chip", "dtype", "M", "N", "K", "sparsity"}) {
    csv.Require(column);
  }
  if (!csv.Has("tflops")) csv.Require("latency_us");
  std::vector<BacktestRow> rows;
  for (size_t i = 0; i < csv.rows(); ++i) {
    rows.push_back(ReadRow(catalog, csv, i));
  }
  return rows;
}

Table BacktestTable(const std::vector<BacktestRow>& rows) {
  Table table({{"chip"},
               {"format"},
               {"sparsity"},
               {"rows", true},
               {"held out", true},
               {"median %", true},
               {"p90 %", true},
               {"bias %", true},
               {"chip left out", true},
               {"median %", true},
               {"p90 %", true},
               {"bias %", true}});
  for (const Group& group : GroupRows(rows)) {
    std::vector<std::string> cells = {group.chip, group.format, group.sparsity,
                                      fmt::format("{}", group.rows)};
    for (const Errors* errors : {&group.held_out, &group.without}) {
      cells.push_back(fmt::format("{}", errors->all.size()));
      const bool none = errors->all.empty();
      cells.push_back(none ? "-" : Percent(errors->Median()));
      cells.push_back(none ? "-" : Percent(errors->P90()));
      cells.push_back(none ? "-" : Percent(errors->Bias(), true));
    }
    table.Add(std::move(cells));
  }
  return table;
}

Json DescribeBacktest(const std::vector<BacktestRow>& rows) {
  Json json = NewJson("backtest");
  json["groups"] = Json::array();
  for (const Group& group : GroupRows(rows)) {
    json["groups"].push_back({{"chip", group.chip},
                              {"format", group.format},
                              {"sparsity", group.sparsity},
                              {"rows", group.rows},
                              {"held_out", Describe(group.held_out)},
                              {"chip_left_out", Describe(group.without)}});
  }
  json["rows"] = Json::array();
  for (const BacktestRow& row : rows) json["rows"].push_back(Describe(row));
  return json;
}

std::string BacktestNotes(const std::vector<BacktestRow>& rows) {
  const auto count = [&rows](auto what) {
    return std::count_if(rows.begin(), rows.end(), what);
  };
  std::string text = fmt::format(
      "{} rows, {} counted; {} not, since their `use` does not begin with "
      "\"validate\"\n",
      rows.size(), count([](const BacktestRow& r) { return r.counted; }),
      count([](const BacktestRow& r) { return !r.counted; }));
  std::map<std::string, int64_t> refusals;
  for (const BacktestRow& row : rows) {
    if (!row.predicted_us) ++refusals[row.refusal];
  }
  for (const auto& [why, number] : refusals) {
    text += fmt::format("{} rows refused: {}\n", number, why);
  }
  text +=
      "held out: rows that no constant was fitted to; error is predicted / "
      "measured - 1, bias its median\n"
      "chip left out: all rows of a chip, by constants that none of them had a "
      "part in\n";
  return text;
}

}  // namespace zeroulp::cli
