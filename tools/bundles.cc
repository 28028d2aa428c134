// SPDX-License-Identifier: Apache-2.0
#include "tools/bundles.h"

#include "tools/output.h"

namespace zeroulp::cli {

void AddBundleOptions(CLI::App& command, std::string& arith, int& threads,
                      bool& oracle, bool& allow_assumed) {
  command.add_option("--arith", arith,
                     "arithmetic instead of the one the bundle names");
  AddThreads(command, threads);
  command.add_flag("--oracle", oracle,
                   "the slow integer oracle, even where there is a kernel");
  command.add_flag("--allow-assumed", allow_assumed,
                   "accept arithmetic that no evidence backs");
}

Bundle LoadBundle(const std::string& path) {
  Bundle bundle = ReadBundle(path);
  for (const std::string& warning : bundle.warnings) {
    Complain("warning: {}", warning);
  }
  return bundle;
}

bool MayUse(const ArithInfo& arith, bool allow_assumed) {
  if (arith.evidence != Evidence::kAssumed || allow_assumed) return true;
  Complain("{} is assumed, no evidence backs it; --allow-assumed accepts that",
           arith.name);
  return false;
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
