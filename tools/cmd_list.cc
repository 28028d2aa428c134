// SPDX-License-Identifier: Apache-2.0
// list, explain: the library's tables for people and programs.
#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tools/commands.h"
#include "tools/describe.h"
#include "tools/explain_arith.h"
#include "tools/output.h"

namespace zeroulp::cli {
namespace {

struct Options {
  std::string name;  // of a table, or of a row
  bool json = false, markdown = false;
};

// A field of a row as a column.
struct Field {
  std::string_view key, title;
  bool right = false;
};

constexpr Field kFormatFields[] = {{"name", "format"},
                                   {"bits", "bits", true},
                                   {"exponent_bits", "E", true},
                                   {"mantissa_bits", "M", true},
                                   {"bias", "bias", true},
                                   {"max", "max", true},
                                   {"min_normal", "min normal", true},
                                   {"min_positive", "min positive", true},
                                   {"specials", "specials"},
                                   {"source", "source"}};
constexpr Field kBlockFields[] = {{"name", "block format"},
                                  {"element", "element"},
                                  {"scale", "scale"},
                                  {"block", "block"},
                                  {"tensor_scale", "tensor scale"},
                                  {"scale_modes", "scale modes"},
                                  {"source", "source"}};
constexpr Field kArithFields[] = {{"name", "arithmetic"},
                                  {"operands", "operands"},
                                  {"output", "output"},
                                  {"chunk", "chunk", true},
                                  {"align_bits", "align bits", true},
                                  {"evidence", "evidence"},
                                  {"evidence_words", "words", true}};
constexpr Field kChipFields[] = {{"id", "chip"},
                                 {"name", "name"},
                                 {"year", "year", true},
                                 {"status", "status"},
                                 {"bf16", "BF16 TFLOP/s", true},
                                 {"fp8", "FP8 TFLOP/s", true},
                                 {"fp4", "FP4 TFLOP/s", true},
                                 {"memory_gbytes", "memory GB", true},
                                 {"memory_gbytes_per_s", "memory GB/s", true},
                                 {"power_w", "power W", true}};
constexpr Field kSystemFields[] = {
    {"id", "system"},        {"name", "name"},
    {"chip", "chip"},        {"chips", "chips", true},
    {"status", "status"},    {"power_w", "power W", true},
    {"topology", "topology"}};
constexpr Field kKernelFields[] = {{"name", "kernel"},
                                   {"pairs", "operand pairs", true},
                                   {"refused", "refused on this CPU"},
                                   {"arith", "arithmetic"}};

std::vector<Json> FormatRows() {
  std::vector<Json> rows;
  for (const FormatInfo& row : kFormats) rows.push_back(Describe(row));
  return rows;
}
std::vector<Json> BlockRows() {
  std::vector<Json> rows;
  for (const BlockInfo& row : kBlocks) rows.push_back(Describe(row));
  return rows;
}
std::vector<Json> ArithRows() {
  std::vector<Json> rows;
  for (const ArithInfo& row : kArith) rows.push_back(Describe(row));
  return rows;
}
std::vector<Json> SystemRows() {
  std::vector<Json> rows;
  for (const SystemInfo& row : Systems()) rows.push_back(Describe(row));
  return rows;
}
std::vector<Json> ChipRows() {
  std::vector<Json> rows;
  for (const ChipInfo& row : Chips()) rows.push_back(Describe(row));
  return rows;
}

// One table: its fields in `list`, its rows in full.
struct Listing {
  std::string_view name;      // in `list NAME`
  std::string_view singular;  // in JSON and complaints
  std::string_view key;       // the field that names a row
  std::span<const Field> fields;
  std::vector<Json> (*rows)();
};
constexpr Listing kListings[] = {
    {"formats", "format", "name", kFormatFields, FormatRows},
    {"blocks", "block format", "name", kBlockFields, BlockRows},
    {"arith", "arithmetic", "name", kArithFields, ArithRows},
    {"chips", "chip", "id", kChipFields, ChipRows},
    {"systems", "system", "id", kSystemFields, SystemRows},
    {"kernels", "kernel", "name", kKernelFields, DescribeKernels},
};

std::string ListingNames(std::string_view between) {
  std::string names;
  for (const Listing& listing : kListings) {
    names.append(names.empty() ? "" : between).append(listing.name);
  }
  return names;
}

const Listing& FindListing(std::string_view name) {
  for (const Listing& listing : kListings) {
    if (listing.name == name) return listing;
  }
  throw Error(
      ErrorCode::kUnknownName,
      fmt::format("no list is named '{}'; known: {}", name, ListingNames(" ")));
}

// The dense peak of the first row that lists one of `formats`.
Json PeakOf(const Json& chip, std::initializer_list<std::string_view> formats) {
  for (const Json& peak : chip.value("peaks", Json::array())) {
    const std::string listed = " " + peak.value("formats", "") + " ";
    for (const std::string_view format : formats) {
      if (listed.find(fmt::format(" {} ", format)) == std::string::npos) {
        continue;
      }
      return peak.value("dense_tflops", Json());
    }
  }
  return {};
}

// Figures that lie deeper than a table can show, brought to the top.
Json WithSummary(Json row) {
  const auto set = [&](const char* key, const Json& value) {
    if (!value.is_null()) row[key] = value;
  };
  if (row.contains("parameters")) {
    const Json parameters = row["parameters"];
    set("chunk", parameters.value("chunk", Json()));
    set("align_bits", parameters.value("align_bits", Json()));
  }
  if (!row.contains("memory")) return row;
  const Json memory = row["memory"];
  set("bf16", PeakOf(row, {"bf16"}));
  set("fp8", PeakOf(row, {"e4m3fn", "e4m3", "e4m3fnuz", "mxfp8"}));
  set("fp4", PeakOf(row, {"e2m1fn", "mxfp4", "nvfp4"}));
  set("memory_gbytes", memory.value("capacity_gbytes", Json()));
  if (!row.contains("memory_gbytes") && memory.contains("capacity_gib")) {
    row["memory_gbytes"] =
        memory["capacity_gib"]["value"].get<double>() * 1.073741824;
  }
  set("memory_gbytes_per_s", memory.value("bandwidth_gbytes_per_s", Json()));
  return row;
}

int List(const Options& options) {
  const Listing& listing = FindListing(options.name);
  const std::vector<Json> rows = listing.rows();
  if (options.json) {
    Json json = NewJson(listing.name);
    json["rows"] = rows;
    fmt::print("{}", ToText(json));
    return kOk;
  }
  std::vector<Table::Column> columns;
  for (const Field& field : listing.fields) {
    columns.push_back({std::string(field.title), field.right});
  }
  Table table(std::move(columns));
  for (const Json& row : rows) {
    const Json summary = WithSummary(row);
    std::vector<std::string> cells;
    for (const Field& field : listing.fields) {
      cells.push_back(ShortText(summary, field.key));
    }
    table.Add(std::move(cells));
  }
  fmt::print("{}", options.markdown ? table.Markdown() : table.Text());
  return kOk;
}

// A field of a row, or of what lies below it.
struct Line {
  std::string path, value, source;
};

void Flatten(const std::string& path, const Json& json,
             std::vector<Line>& lines) {
  if (json.is_object() && json.contains("basis")) {
    lines.push_back({path, ShortText(json, "value"),
                     fmt::format("{}: {}", json["basis"].get<std::string>(),
                                 json["source"].get<std::string>())});
  } else if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      Flatten(path.empty() ? key : path + "." + key, value, lines);
    }
  } else if (json.is_array()) {
    for (size_t i = 0; i < json.size(); ++i) {
      Flatten(fmt::format("{}[{}]", path, i), json[i], lines);
    }
  } else {
    lines.push_back({path, ShortText({{"value", json}}, "value"), ""});
  }
}

std::string MarkdownOf(const std::vector<Line>& lines) {
  Table table({{"field"}, {"value"}, {"source"}});
  for (const Line& line : lines) {
    table.Add({line.path, line.value, line.source});
  }
  return table.Markdown();
}

// Fields and their values; a column of sources would be too far away.
std::string TextOf(const std::vector<Line>& lines) {
  size_t width = 0;
  for (const Line& line : lines) width = std::max(width, line.path.size());
  std::string text;
  for (const Line& line : lines) {
    const std::string source =
        line.source.empty() ? "" : fmt::format(" ({})", line.source);
    text += Wrapped(line.value + source, width + 2)
                .replace(0, line.path.size(), line.path);
  }
  return text;
}

int PrintRow(const Options& options, std::string_view kind, const Json& row) {
  if (options.json) {
    Json json = NewJson(kind);
    json["row"] = row;
    fmt::print("{}", ToText(json));
    return kOk;
  }
  if (row.contains("parameters")) {
    fmt::print("{}",
               options.markdown ? ExplainMarkdown(row) : ExplainText(row));
    return kOk;
  }
  std::vector<Line> lines;
  Flatten("", row, lines);
  fmt::print("{}", options.markdown ? MarkdownOf(lines) : TextOf(lines));
  return kOk;
}

int ExplainCommand(const Options& options) {
  std::string known;
  for (const Listing& listing : kListings) {
    known += fmt::format("; {}:", listing.name);
    std::set<std::string> names;  // a kernel has a row for each arithmetic
    for (const Json& row : listing.rows()) {
      const std::string name = ShortText(row, listing.key);
      if (name == options.name ||
          internal::ListContains(row.value("aliases", ""), options.name)) {
        if (listing.name == "formats") FormatArgument(options.name);
        return PrintRow(options, listing.singular, row);
      }
      if (names.insert(name).second) known.append(" ").append(name);
    }
  }
  throw Error(ErrorCode::kUnknownName,
              fmt::format("nothing is named '{}'{}", options.name, known));
}

void AddStyle(CLI::App& command, Options& options) {
  CLI::Option* json = command.add_flag("--json", options.json, "JSON");
  command.add_flag("--markdown", options.markdown, "a Markdown table")
      ->excludes(json);
}

}  // namespace

void AddList(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("list", "what there is: " + ListingNames(", "));
  const auto options = std::make_shared<Options>();
  command->add_option("TABLE", options->name, ListingNames(", "))->required();
  AddStyle(*command, *options);
  command->callback(
      [options, &action] { action = [options] { return List(*options); }; });
}

void AddExplain(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "explain",
      "one number or block format, arithmetic, chip, system or kernel in full");
  const auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, "its name")->required();
  AddStyle(*command, *options);
  command->callback([options, &action] {
    action = [options] { return ExplainCommand(*options); };
  });
}

}  // namespace zeroulp::cli
