// SPDX-License-Identifier: Apache-2.0
#include "tools/bundles.h"

#include "tools/output.h"

namespace zeroulp::cli {

void AddBundleOptions(CLI::App& command, BundleOptions& options) {
  command.add_option("--arith", options.arith,
                     "arithmetic instead of the one the bundle names");
  command
      .add_option("--promote-every", options.promote_every,
                  "products after which a partial sum is added to the "
                  "accumulator, 0 for never; default: what the bundle says")
      ->check(NotNegative());
  AddThreads(command, options.threads);
  command.add_flag("--oracle", options.oracle,
                   "the slow integer oracle, even where there is a kernel");
  command.add_flag("--allow-assumed", options.allow_assumed,
                   "accept arithmetic that no evidence backs");
}

Bundle LoadBundle(const std::string& path) {
  Bundle bundle = ReadBundle(path);
  for (const std::string& warning : bundle.warnings) {
    Complain("warning: {}", warning);
  }
  return bundle;
}

bool MayUse(const ArithInfo& arith, const BundleOptions& options) {
  return arith.evidence != Evidence::kAssumed || options.allow_assumed;
}

std::string AssumedText(const std::string& path, const ArithInfo& arith) {
  return fmt::format(
      "{}: {} is assumed, no evidence backs it; --allow-assumed accepts that",
      path == "-" ? "standard input" : path, arith.name);
}

std::string Describe(const Bundle& bundle, const ArithInfo& arith,
                     bool by_kernel) {
  return fmt::format("{} x {}  {} x {} x {} x {}  {}{}  by {}",
                     Info(bundle.a.format).name, Info(bundle.b_t.format).name,
                     bundle.batch(), bundle.m(), bundle.n(), bundle.k(),
                     arith.name,
                     arith.evidence == Evidence::kAssumed ? " (assumed)" : "",
                     by_kernel ? "kernel" : "oracle");
}

}  // namespace zeroulp::cli
