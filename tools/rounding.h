// SPDX-License-Identifier: Apache-2.0
// --rounding and --seed, which commands that round have in common.
#ifndef ZEROULP_TOOLS_ROUNDING_H_
#define ZEROULP_TOOLS_ROUNDING_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "zeroulp/formats.h"

namespace zeroulp::cli {

struct RoundingArguments {
  std::string name = "rne";
  std::optional<uint64_t> seed;

  void Add(CLI::App& command, const std::string& names);
  // Throws Error{kUnknownName}, {kArgument} unless there is a seed exactly
  // where the rounding is stochastic ("sr" for short).
  Rounding Check(std::string_view operation) const;
};

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_ROUNDING_H_
