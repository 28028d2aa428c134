// SPDX-License-Identifier: Apache-2.0
// compute: fills in the result words of a verification bundle.
#include <memory>

#include "tools/bundles.h"
#include "tools/commands.h"
#include "tools/output.h"

namespace zeroulp::cli {
namespace {

struct Options {
  std::string input, output;
  BundleOptions bundle;
};

int ComputeCommand(const Options& options) {
  Bundle bundle = LoadBundle(options.input);
  const ComputeOptions compute = options.bundle.compute();
  if (const ArithInfo& arith = ArithOf(bundle, compute);
      !MayUse(arith, options.bundle)) {
    Complain("{}", AssumedText(options.input, arith));
    return kAssumed;
  }
  ComputeResult result = Compute(bundle, compute);
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
  AddBundleOptions(*command, options->bundle);
  command->callback([options, &action] {
    action = [options] { return ComputeCommand(*options); };
  });
}

}  // namespace zeroulp::cli
