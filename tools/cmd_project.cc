// SPDX-License-Identifier: Apache-2.0
// project: a GEMM on the chips and systems of the tables.
#include <charconv>
#include <memory>
#include <vector>

#include "tools/commands.h"
#include "tools/output.h"
#include "tools/projection.h"
#include "zeroulp/project.h"

namespace zeroulp::cli {
namespace {

struct Options {
  std::string shape, format, b_format, sparsity;
  std::vector<std::string> chips;
  double efficiency = 0;
  bool json = false, markdown = false;
};

// "MxNxK".
void ParseShape(const std::string& text, Measurement& measurement) {
  int64_t* const dims[] = {&measurement.m, &measurement.n, &measurement.k};
  const char* next = text.data();
  const char* const end = next + text.size();
  for (int i = 0; i < 3; ++i) {
    const auto [stop, error] = std::from_chars(next, end, *dims[i]);
    const bool separated = i < 2 ? stop != end && *stop == 'x' : stop == end;
    if (error != std::errc() || !separated) {
      throw Error(ErrorCode::kArgument,
                  fmt::format("--shape takes MxNxK in whole numbers, as in "
                              "4096x4096x4096, not '{}'",
                              text));
    }
    next = stop + (i < 2 ? 1 : 0);
  }
}

int ProjectCommand(const Options& options) {
  Measurement measurement;
  ParseShape(options.shape, measurement);
  measurement.a_format = options.format;
  measurement.b_format =
      options.b_format.empty() ? options.format : options.b_format;
  if (options.format == "e4m3" || options.b_format == "e4m3") {
    FormatArgument("e4m3");
  }
  measurement.sparsity = options.sparsity;
  measurement.peak_flops_per_s = options.efficiency > 0 ? 1 : 0;
  measurement.flops_per_s = options.efficiency;

  // A chip that was asked for must answer; of all chips those that can do.
  std::vector<Projection> projections;
  std::vector<std::string> refusals;
  if (options.chips.empty()) {
    projections = ProjectAll(measurement, refusals);
  } else {
    for (const std::string& id : options.chips) {
      projections.push_back(ProjectOnto(measurement, id));
    }
  }
  if (projections.empty()) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("no chip or system takes this GEMM; the first "
                            "refusal: {}",
                            refusals.front()));
  }
  if (options.json) {
    Json json = NewJson("project");
    json["rows"] = Json::array();
    for (const Projection& row : projections) {
      json["rows"].push_back(Describe(row));
    }
    json["refused"] = refusals;
    fmt::print("{}", ToText(json));
    return kOk;
  }
  const Table table = ProjectionTable(projections);
  fmt::print("{}", options.markdown ? table.Markdown() : table.Text());
  if (options.efficiency == 0) {
    fmt::print(
        "\nThe roofline: what the figures permit; --efficiency scales "
        "it to what a host reaches.\n");
  }
  fmt::print("\n{}", AssumptionsText(projections));
  return kOk;
}

}  // namespace

void AddProject(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("project", "a GEMM projected onto chips and systems");
  const auto options = std::make_shared<Options>();
  command->add_option("--shape", options->shape, "MxNxK")->required();
  command->add_option("--format", options->format, "operand format")
      ->required();
  command->add_option("--b-format", options->b_format,
                      "format of B where it differs");
  command->add_option("--sparsity", options->sparsity, "keep:group of A");
  command
      ->add_option("--efficiency", options->efficiency,
                   "share of peak measured on a host, above 0 to 1; without "
                   "it the roofline")
      ->check(CLI::Range(0.0, 1.0));
  command
      ->add_option("--chips", options->chips,
                   "chips and systems, comma separated; default: all that can")
      ->delimiter(',');
  CLI::Option* json = command->add_flag("--json", options->json, "JSON");
  command->add_flag("--markdown", options->markdown, "a Markdown table")
      ->excludes(json);
  command->callback([options, &action] {
    action = [options] { return ProjectCommand(*options); };
  });
}

}  // namespace zeroulp::cli
