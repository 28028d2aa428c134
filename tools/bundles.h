// SPDX-License-Identifier: Apache-2.0
// What compute and verify share.
#ifndef ZEROULP_TOOLS_BUNDLES_H_
#define ZEROULP_TOOLS_BUNDLES_H_

#include <CLI/CLI.hpp>
#include <string>

#include "zeroulp/arithmetic.h"
#include "zeroulp/bundle.h"

namespace zeroulp::cli {

void AddBundleOptions(CLI::App& command, std::string& arith, int& threads,
                      bool& oracle, bool& allow_assumed);

// Reads a bundle; its warnings go to standard error.
Bundle LoadBundle(const std::string& path);

// False, with a complaint, for an arithmetic without evidence.
bool MayUse(const ArithInfo& arith, bool allow_assumed);

// "e4m3fn x e5m2  2 x 16 x 16 x 64  chain.f32  by kernel".
std::string Describe(const Bundle& bundle, const ArithInfo& arith,
                     bool by_kernel);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_BUNDLES_H_
