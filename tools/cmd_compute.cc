// SPDX-License-Identifier: Apache-2.0
// compute: fills in the result words of a verification bundle.
#include <memory>

#include "tools/bundles.h"
#include "tools/commands.h"
#include "tools/output.h"

namespace zeroulp::cli {
namespace {

struct Options {
  std::string input, output, arith;
  int threads = 0;
  bool oracle = false, allow_assumed = false;
};

int ComputeCommand(const Options& options) {
  Bundle bundle = LoadBundle(options.input);
  ComputeResult result = Compute(bundle, {.arith = options.arith,
                                          .threads = options.threads,
                                          .oracle = options.oracle});
  if (!MayUse(*result.arith, options.allow_assumed)) return kAssumed;
  bundle.d = std::move(result.d);
  bundle.arith = result.arith->name;
  WriteBundle(options.output, bundle);
  if (options.output != "-") {
    fmt::print("{}  {}  {} values written\n", options.output,
               Describe(bundle, *result.arith, result.by_kernel),
               bundle.batch() * bundle.m() * bundle.n());
  }
  return kOk;
}

}  // namespace

void AddCompute(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "compute", "fill in d, the result words of a verification bundle");
  const auto options = std::make_shared<Options>();
  command->add_option("BUNDLE", options->input, "input; - is standard input")
      ->required();
  command
      ->add_option("-o,--output", options->output,
                   "output; - is standard output")
      ->required();
  AddBundleOptions(*command, options->arith, options->threads, options->oracle,
                   options->allow_assumed);
  command->callback([options, &action] {
    action = [options] { return ComputeCommand(*options); };
  });
}

}  // namespace zeroulp::cli
