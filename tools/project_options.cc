// SPDX-License-Identifier: Apache-2.0
#include "tools/project_options.h"

#include <algorithm>
#include <charconv>

#include "tools/output.h"

namespace zeroulp::cli {
namespace {

void AddWorkloads(CLI::App& command, ProjectOptions& o) {
  CLI::App* what = command.add_option_group("what", "one of these");
  what->add_option("--shape", o.shape, "one GEMM, MxNxK");
  CLI::Option* shapes = what->add_option(
      "--shapes", o.shapes,
      "the GEMMs of a model: a file, or one of " + ModelNames());
  what->add_option("--backtest", o.backtest,
                   "CSV of measured times to hold projections against");
  what->require_option(1);

  command.add_option("--batch", o.load.batch, "sequences, of --shapes")
      ->needs(shapes);
  command
      .add_option("--tokens", o.load.tokens,
                  "of each sequence at once, of --shapes; 1: decoding")
      ->needs(shapes);
}

void AddOperands(CLI::App& command, ProjectOptions& o) {
  command.add_option("--format", o.format, "operand format");
  command.add_option("--b-format", o.b_format, "format of B where it differs");
  command.add_option("--sparsity", o.sparsity,
                     "keep:group of the sparse operand");
  command
      .add_option("--sparse-side", o.sparse_side,
                  "which operand is sparse; default: a, of --shapes b")
      ->check(CLI::IsMember({"a", "b"}));
  command.add_flag("--block-scales", o.block_scales,
                   "FP8 with FP32 scales of 1x128 and 128x128");
  command.add_flag("--quantise-a", o.quantise_a,
                   "quantise A from BF16 first, on the clock");
}

// What multiplies, and how fast it runs.
void AddTargets(CLI::App& command, ProjectOptions& o) {
  command.add_option("--split", o.split,
                     "divide each GEMM among a system's chips: "
                     "data=D,columns=C,rows=R,stages=S");
  command
      .add_option("--chips", o.chips,
                  "chips and systems, comma separated, or all; default: all "
                  "that can")
      ->delimiter(',');
  command.add_option("--chip-file", o.chip_files,
                     "JSON with more chips and systems, or others of the same "
                     "id; may be repeated");
  command
      .add_option("--efficiency", o.efficiency,
                  "share of peak measured on a host, above 0 to 1: scale by "
                  "it instead of by published times")
      ->check(CLI::Validator(
          [](const std::string& text) {
            double share = 0;
            const bool valid = CLI::detail::lexical_cast(text, share) &&
                               share > 0 && share <= 1;
            return valid ? std::string()
                         : fmt::format("{} is not above 0 and at most 1", text);
          },
          ""));
  command
      .add_option("--clock", o.clock,
                  "cool: a burst; heating, the default: as long as it lasts; "
                  "hot: sustained")
      ->check(CLI::IsMember({"cool", "heating", "hot"}));
}

void AddOutputs(CLI::App& command, ProjectOptions& o) {
  CLI::Option* json = command.add_flag("--json", o.json, "JSON");
  command.add_flag("--markdown", o.markdown, "Markdown tables")->excludes(json);
  command.add_option("--svg", o.svg, "write rooflines and bars to this file");
}

}  // namespace

void AddProjectOptions(CLI::App& command, ProjectOptions& o) {
  AddWorkloads(command, o);
  AddOperands(command, o);
  AddTargets(command, o);
  AddOutputs(command, o);
  // A file of measured times says itself what was measured, and on what.
  for (const char* option :
       {"--format", "--b-format", "--sparsity", "--sparse-side", "--efficiency",
        "--clock", "--block-scales", "--quantise-a", "--split", "--chips",
        "--svg"}) {
    command.get_option(option)->excludes(command.get_option("--backtest"));
  }
}

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

std::optional<Division> ParseSplit(const std::string& text) {
  if (text.empty()) return std::nullopt;
  Division division;
  struct Part {
    std::string_view name;
    int64_t* value;
    bool seen = false;
  };
  Part parts[] = {{"data=", &division.data},
                  {"columns=", &division.columns},
                  {"rows=", &division.rows},
                  {"stages=", &division.stages}};
  std::string_view rest = text;
  while (true) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view word = rest.substr(0, comma);
    bool known = false;
    for (Part& part : parts) {
      if (!word.starts_with(part.name) || part.seen) continue;
      const char* const end = word.data() + word.size();
      const auto [stop, error] =
          std::from_chars(word.data() + part.name.size(), end, *part.value);
      known = part.seen = error == std::errc() && stop == end;
    }
    if (!known) {
      throw Error(ErrorCode::kArgument,
                  fmt::format("--split takes data=D,columns=C,rows=R,stages=S "
                              "in whole numbers, each once or not at all, not "
                              "'{}'",
                              text));
    }
    if (comma == rest.size()) return division;
    rest.remove_prefix(comma + 1);
  }
}

Plan MakePlan(const ProjectOptions& o) {
  if (o.format.empty()) {
    throw Error(ErrorCode::kArgument, "--format is required");
  }
  if (o.format == "e4m3" || o.b_format == "e4m3") FormatArgument("e4m3");
  Plan plan;
  plan.gemm.a_format = o.format;
  plan.gemm.b_format = o.b_format.empty() ? o.format : o.b_format;
  plan.gemm.sparsity = o.sparsity;
  const bool b_sparse =
      o.sparse_side.empty() ? !o.shapes.empty() : o.sparse_side == "b";
  plan.gemm.sparse_side = b_sparse ? Side::kB : Side::kA;
  plan.gemm.peak_flops_per_s = o.efficiency > 0 ? 1 : 0;
  plan.gemm.flops_per_s = o.efficiency;
  plan.conditions.clock = o.clock == "cool"  ? ClockState::kCool
                          : o.clock == "hot" ? ClockState::kHot
                                             : ClockState::kHeating;
  plan.conditions.block_scales = o.block_scales;
  plan.conditions.quantise_a = o.quantise_a;
  plan.split = ParseSplit(o.split);
  return plan;
}

Catalog MakeCatalog(const ProjectOptions& o) {
  Catalog catalog;
  for (const std::string& path : o.chip_files) catalog.AddFile(path);
  return catalog;
}

}  // namespace zeroulp::cli
