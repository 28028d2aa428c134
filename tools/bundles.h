// SPDX-License-Identifier: Apache-2.0
// What compute and verify share.
#ifndef ZEROULP_TOOLS_BUNDLES_H_
#define ZEROULP_TOOLS_BUNDLES_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "zeroulp/arithmetic.h"
#include "zeroulp/bundle.h"

namespace zeroulp::cli {

struct BundleOptions {
  std::string arith;
  int threads = 0;
  std::optional<int64_t> promote_every;
  bool oracle = false, allow_assumed = false;

  // Views into this.
  ComputeOptions compute() const {
    return {.arith = arith,
            .threads = threads,
            .oracle = oracle,
            .promote_every = promote_every};
  }
};

void AddBundleOptions(CLI::App& command, BundleOptions& options);

// Reads a bundle; its warnings go to standard error.
Bundle LoadBundle(const std::string& path);

// False for an arithmetic without evidence that nobody consented to.
bool MayUse(const ArithInfo& arith, const BundleOptions& options);

// Why it may not be used, in one sentence.
std::string AssumedText(const std::string& path, const ArithInfo& arith);

// "e4m3fn x e5m2  2 x 16 x 16 x 64  chain.f32  by kernel".
std::string Describe(const Bundle& bundle, const ArithInfo& arith,
                     bool by_kernel);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_BUNDLES_H_
