// SPDX-License-Identifier: Apache-2.0
// verify: recomputes the result words of bundles and compares them bit by bit.
#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "tools/bundles.h"
#include "tools/commands.h"
#include "tools/output.h"

namespace zeroulp::cli {
namespace {

struct Options {
  std::vector<std::string> inputs;
  std::string arith, json;
  int threads = 0;
  bool oracle = false, allow_assumed = false;
};

// A word of the output format, with all its digits.
std::string Word(const ArithInfo& arith, uint32_t word) {
  return fmt::format("0x{:0{}x}", word, Info(arith.output).bits / 4);
}

std::string UlpText(const Difference& difference) {
  if (!difference.ulps) return "NaN";
  return fmt::format("{} {}", *difference.ulps,
                     *difference.ulps == 1 ? "ulp" : "ulps");
}

void PrintResult(const std::string& path, const Bundle& bundle,
                 const VerifyResult& result) {
  fmt::print("{}  {}  {} values  {} mismatches  {}\n", path,
             Describe(bundle, *result.arith, result.by_kernel), result.values,
             result.mismatches,
             result.exact() ? Good("EXACT") : Bad("DIFFERS"));
  for (const auto& [batch, at] : result.first) {
    fmt::print("  batch {} row {} column {}: expected {}, actual {}, {}\n",
               batch, at.row, at.col, Word(*result.arith, at.expected),
               Word(*result.arith, at.actual), UlpText(at));
  }
}

Json ToJson(const std::string& path, const Bundle& bundle,
            const VerifyResult& result) {
  Json differences = Json::array();
  for (const auto& [batch, at] : result.first) {
    differences.push_back({{"batch", batch},
                           {"row", at.row},
                           {"column", at.col},
                           {"expected", Word(*result.arith, at.expected)},
                           {"actual", Word(*result.arith, at.actual)},
                           {"ulps", at.ulps ? Json(*at.ulps) : Json()}});
  }
  return {{"bundle", path},
          {"arith", result.arith->name},
          {"evidence", Name(result.arith->evidence)},
          {"computed_by", result.by_kernel ? "kernel" : "oracle"},
          {"a_format", Info(bundle.a.format).name},
          {"b_format", Info(bundle.b_t.format).name},
          {"batch", bundle.batch()},
          {"m", bundle.m()},
          {"n", bundle.n()},
          {"k", bundle.k()},
          {"values", result.values},
          {"mismatches", result.mismatches},
          {"max_ulps", result.max_ulps},
          {"exact", result.exact()},
          {"first_differences", differences},
          {"notes", bundle.notes}};
}

// One bundle: its line, its entry in `results`, its exit code.
int VerifyOne(const Options& options, const std::string& path, Json& results) {
  const Bundle bundle = LoadBundle(path);
  const VerifyResult result = Verify(bundle, {.arith = options.arith,
                                              .threads = options.threads,
                                              .oracle = options.oracle});
  if (!MayUse(*result.arith, options.allow_assumed)) return kAssumed;
  if (options.json != "-") PrintResult(path, bundle, result);
  results.push_back(ToJson(path, bundle, result));
  return result.exact() ? kOk : kDiffers;
}

// A bad file does not keep the others from being verified, and outweighs what
// they say; so does a difference an assumed arithmetic.
int VerifyCommand(const Options& options) {
  Json results = Json::array();
  const auto seen = std::make_unique<bool[]>(kAssumed + 1);
  for (const std::string& path : options.inputs) {
    try {
      seen[static_cast<size_t>(VerifyOne(options, path, results))] = true;
    } catch (const Error& error) {
      Complain("{}", error.what());
      seen[kBadInput] = true;
    }
  }
  if (seen[kBadInput]) return kBadInput;
  if (!options.json.empty()) {
    Json json = NewJson("verify");
    json["results"] = results;
    WriteText(options.json, ToText(json));
  }
  return seen[kDiffers] ? kDiffers : seen[kAssumed] ? kAssumed : kOk;
}

}  // namespace

void AddVerify(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "verify", "recompute d of verification bundles and compare the bits");
  const auto options = std::make_shared<Options>();
  command->add_option("BUNDLE", options->inputs, "files; - is standard input")
      ->required();
  command->add_option("--json", options->json,
                      "write the report here; - is standard output");
  AddBundleOptions(*command, options->arith, options->threads, options->oracle,
                   options->allow_assumed);
  command->callback([options, &action] {
    action = [options] { return VerifyCommand(*options); };
  });
}

}  // namespace zeroulp::cli
