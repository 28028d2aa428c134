// SPDX-License-Identifier: Apache-2.0
// verify: recomputes the result words of bundles and compares them bit by bit.
#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "tools/bundles.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/verify_report.h"

namespace zeroulp::cli {
namespace {

struct Options {
  std::vector<std::string> inputs;
  BundleOptions bundle;
  std::string json, junit;
  bool no_diagnosis = false;
};

Verified NotVerified(const std::string& path, ExitCode code,
                     const std::string& why) {
  Complain("{}", why);
  return {.path = path, .code = code, .error = why};
}

Verified VerifyFile(const Options& options, const std::string& path) {
  const ComputeOptions compute = options.bundle.compute();
  try {
    const Bundle bundle = LoadBundle(path);
    const ArithInfo& arith = ArithOf(bundle, compute);
    if (!MayUse(arith, options.bundle)) {
      return NotVerified(path, kAssumed, AssumedText(path, arith));
    }
    const VerifyResult result = Verify(bundle, compute);
    return Describe(
        path, bundle, result,
        options.no_diagnosis ? Diagnosis() : Diagnose(bundle, result, compute));
  } catch (const Error& error) {
    return NotVerified(path, kBadInput, error.what());
  }
}

Verified Timed(const Options& options, const std::string& path) {
  const auto start = std::chrono::steady_clock::now();
  Verified verified = VerifyFile(options, path);
  const std::chrono::duration<double> time =
      std::chrono::steady_clock::now() - start;
  verified.seconds = time.count();
  return verified;
}

void Print(const Verified& verified) {
  if (verified.line.empty()) return;
  // The last word is the verdict, in colour where there is any.
  const size_t end = verified.line.rfind(' ') + 1;
  const std::string_view line = verified.line;
  const std::string_view verdict = line.substr(end);
  fmt::print("{}  {}{}\n{}", verified.path, line.substr(0, end),
             verified.code == kOk ? Good(verdict) : Bad(verdict),
             verified.detail);
  std::fflush(stdout);  // a line as soon as it is known
}

// A bad file does not keep the others from being verified, and outweighs what
// they say; so does a difference an assumed arithmetic.
ExitCode Worst(const std::vector<Verified>& results) {
  for (const ExitCode code : {kBadInput, kDiffers, kAssumed}) {
    for (const Verified& verified : results) {
      if (verified.code == code) return code;
    }
  }
  return kOk;
}

int VerifyCommand(const Options& options) {
  if (!options.json.empty() && options.json == options.junit) {
    Complain("--json and --junit cannot both be written to {}",
             options.json == "-" ? "standard output" : options.json);
    return kBadInput;
  }
  const bool quiet = options.json == "-" || options.junit == "-";
  TextOutput json(options.json), junit(options.junit);
  std::vector<Verified> results;
  for (const std::string& path : options.inputs) {
    results.push_back(Timed(options, path));
    if (!quiet) Print(results.back());
  }
  json.Write(ToText(ToJson(results)));
  junit.Write(ToJunit(results));
  return Worst(results);
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
  command->add_option("--junit", options->junit,
                      "write JUnit XML here; - is standard output");
  command->add_flag("--no-diagnosis", options->no_diagnosis,
                    "do not look for the cause of a difference");
  AddBundleOptions(*command, options->bundle);
  command->callback([options, &action] {
    action = [options] { return VerifyCommand(*options); };
  });
}

}  // namespace zeroulp::cli
