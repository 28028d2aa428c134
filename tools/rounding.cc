// SPDX-License-Identifier: Apache-2.0
#include "tools/rounding.h"

#include <fmt/format.h>

#include "tools/output.h"
#include "zeroulp/conventions.h"

namespace zeroulp::cli {

void RoundingArguments::Add(CLI::App& command, const std::string& names) {
  command.add_option("--rounding", name, names)->capture_default_str();
  command.add_option("--seed", seed, "of the random bits of --rounding sr")
      ->check(NotNegative());
}

Rounding RoundingArguments::Check(std::string_view operation) const {
  const Rounding rounding =
      name == "sr" ? Rounding::kStochastic : FindRounding(name);
  const bool stochastic = rounding == Rounding::kStochastic;
  if (stochastic == seed.has_value()) return rounding;
  throw Error(ErrorCode::kArgument,
              stochastic
                  ? fmt::format("{}: --rounding sr needs --seed", operation)
                  : fmt::format("{}: --seed is for --rounding sr, not for {}",
                                operation, Name(rounding)));
}

}  // namespace zeroulp::cli
