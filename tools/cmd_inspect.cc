// SPDX-License-Identifier: Apache-2.0
// inspect: what is in a checkpoint, how it was quantised, and what looks wrong.
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "tools/checkpoint_names.h"
#include "tools/checkpoint_scan.h"
#include "tools/commands.h"
#include "tools/output.h"

namespace zeroulp::cli {
namespace {

struct Arguments {
  std::string input;
  bool json = false;
};

struct Line {
  const TensorInfo* tensor;
  std::optional<ValueRange> range;
  const MatrixGroup* group = nullptr;  // whose codes they are
  GroupReport report;
  std::string role;  // of scales
};

void CheckValues(const TensorInfo& tensor, const ValueRange& range,
                 std::vector<Finding>& findings) {
  if (range.nan != 0) {
    findings.push_back(
        {true, tensor.name, fmt::format("{} values are NaN", range.nan)});
  }
  if (range.infinite != 0) {
    findings.push_back({true, tensor.name,
                        fmt::format("{} values are infinite", range.infinite)});
  }
  if (range.zero_rows != 0) {
    findings.push_back({true, tensor.name,
                        fmt::format("{} rows are all zeros", range.zero_rows)});
  }
}

void CheckGroup(const MatrixGroup& group, const Metadata& metadata,
                std::vector<Finding>& findings) {
  if (group.blocks.empty()) {
    findings.push_back({true, group.scale->name,
                        fmt::format("{} fits no block format of {}, {}",
                                    group.scale->ToString(), group.codes->name,
                                    group.codes->ToString())});
    return;
  }
  if (group.blocks.size() > 1) {
    std::string names;
    for (const BlockInfo* block : group.blocks) {
      names.append(names.empty() ? "" : " ").append(block->name);
    }
    findings.push_back({false, group.codes->name,
                        "the shapes fit more than one format: " + names});
  }
  if (Info(group.element).bits == 4 && !metadata.contains("zeroulp.nibbles")) {
    findings.push_back({false, group.codes->name,
                        "the order of nibbles cannot be told from the file; "
                        "low first is assumed, as everywhere known"});
  }
}

std::vector<Line> Inspect(const SafetensorsFile& file,
                          const std::vector<MatrixGroup>& groups,
                          std::vector<Finding>& findings) {
  std::map<const TensorInfo*, Line> roles;
  for (const MatrixGroup& group : groups) {
    roles[group.codes].group = &group;
    for (const TensorInfo* scale : {group.scale, group.tensor_scale}) {
      if (scale == nullptr) continue;
      roles[scale].role = fmt::format(
          "{} of {}", scale == group.scale ? "scales" : "tensor scale",
          group.codes->name);
    }
  }
  std::vector<Line> lines;
  for (const TensorInfo& tensor : file.tensors()) {
    Line line = roles.contains(&tensor) ? roles[&tensor] : Line{};
    line.tensor = &tensor;
    line.range = ScanTensor(file, tensor);
    // NaN and zeros of scales are told in words of scales.
    if (line.range && line.role.empty()) {
      CheckValues(tensor, *line.range, findings);
    }
    if (line.group != nullptr) {
      CheckGroup(*line.group, file.metadata(), findings);
      if (!line.group->blocks.empty()) {
        line.report = ScanGroup(file, *line.group, findings);
      }
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

// The convention of a tensor scale and why it is taken to be that.
std::string Convention(const MatrixGroup& group) {
  if (group.tensor_scale == nullptr) return "";
  return fmt::format("{}: the name ends in {}",
                     group.naming->convention == TensorScaleConvention::kDirect
                         ? "direct"
                         : "reciprocal",
                     group.naming->tensor_scale);
}

Json MakeJson(const SafetensorsFile& file, const std::vector<Line>& lines,
              const std::vector<Finding>& findings) {
  Json json = NewJson("inspect");
  json["file"] = file.path();
  json["metadata"] = file.metadata();
  json["tensors"] = Json::array();
  for (const Line& line : lines) {
    Json row = {{"name", line.tensor->name},
                {"dtype", Info(line.tensor->dtype).name},
                {"shape", line.tensor->shape},
                {"bytes", line.tensor->size_bytes}};
    if (line.range) {
      row["min"] = line.range->min;
      row["max"] = line.range->max;
      row["nan"] = line.range->nan;
      row["infinite"] = line.range->infinite;
      row["zero_rows"] = line.range->zero_rows;
    }
    if (!line.role.empty()) row["role"] = line.role;
    if (line.group != nullptr) {
      const MatrixGroup& group = *line.group;
      Json quantized = {{"naming", group.naming->name},
                        {"scales", group.scale->name}};
      if (group.tensor_scale != nullptr) {
        quantized["tensor_scale"] = group.tensor_scale->name;
        quantized["convention"] = Convention(group);
      }
      quantized["formats"] = Json::array();
      for (const BlockInfo* block : group.blocks) {
        quantized["formats"].push_back(block->name);
      }
      quantized["reason"] = group.reason;
      if (!group.blocks.empty()) {
        quantized["rows"] = group.rows;
        quantized["cols"] = group.cols;
        quantized["abs_max"] = line.report.abs_max;
        quantized["scale_mode"] = line.report.guess;
      }
      row["quantized"] = std::move(quantized);
    }
    json["tensors"].push_back(std::move(row));
  }
  json["findings"] = Json::array();
  for (const Finding& finding : findings) {
    json["findings"].push_back({{"suspicious", finding.suspicious},
                                {"tensor", finding.tensor},
                                {"text", finding.text}});
  }
  return json;
}

void Print(const SafetensorsFile& file, const std::vector<Line>& lines,
           const std::vector<Finding>& findings) {
  Table table({{"tensor"},
               {"dtype"},
               {"shape"},
               {"bytes", true},
               {"min", true},
               {"max", true},
               {""}});
  for (const Line& line : lines) {
    std::string what = Shown(line.role);
    if (line.group != nullptr && !line.group->blocks.empty()) {
      what = fmt::format("{} {} x {}, largest magnitude {:.4g}",
                         line.group->blocks[0]->name, line.group->rows,
                         line.group->cols, line.report.abs_max);
    }
    const bool ranged = line.range && line.range->finite > 0;
    table.Add({Shown(line.tensor->name),
               std::string(Info(line.tensor->dtype).name),
               fmt::format("{}", fmt::join(line.tensor->shape, " x ")),
               fmt::format("{}", line.tensor->size_bytes),
               ranged ? fmt::format("{:.4g}", line.range->min) : "",
               ranged ? fmt::format("{:.4g}", line.range->max) : "",
               std::move(what)});
  }
  fmt::print("{}", table.Text());
  for (const auto& [key, value] : file.metadata()) {
    fmt::print("metadata {}: {}\n", Shown(key), Shown(value));
  }
  // One line for matrices that are alike, as those of a model are.
  std::map<std::string, std::pair<int64_t, std::string>> kinds;
  for (const Line& line : lines) {
    if (line.group == nullptr || line.group->blocks.empty()) continue;
    const MatrixGroup& group = *line.group;
    std::string kind = fmt::format(
        "{} named as {} ({})", group.blocks[0]->name, group.naming->name,
        line.report.guess.substr(0, line.report.guess.find(" (")));
    if (group.tensor_scale != nullptr) {
      kind += "; tensor scale " + Convention(group);
    }
    auto& [count, reason] = kinds[kind];
    if (count++ == 0) reason = group.reason;
  }
  for (const auto& [kind, seen] : kinds) {
    fmt::print("{} x {}: {}\n", seen.first, kind, seen.second);
  }
  for (const Finding& finding : findings) {
    fmt::print("{}: {}: {}\n", finding.suspicious ? Bad("suspicious") : "note",
               Shown(finding.tensor), Shown(finding.text));
  }
}

int InspectCommand(const Arguments& arguments) {
  const SafetensorsFile file = SafetensorsFile::Open(arguments.input);
  const std::vector<MatrixGroup> groups = FindGroups(file);
  std::vector<Finding> findings;
  const std::vector<Line> lines = Inspect(file, groups, findings);
  if (arguments.json) {
    fmt::print("{}", ToText(MakeJson(file, lines, findings)));
  } else {
    Print(file, lines, findings);
  }
  return kOk;
}

}  // namespace

void AddInspect(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "inspect",
      "tensors of a checkpoint, how they are quantised, what looks wrong");
  const auto options = std::make_shared<Arguments>();
  command->add_option("FILE", options->input, "- is standard input")
      ->required();
  command->add_flag("--json", options->json, "for programs");
  command->callback([options, &action] {
    action = [options] { return InspectCommand(*options); };
  });
}

}  // namespace zeroulp::cli
