// SPDX-License-Identifier: Apache-2.0
#include "bench/flags.h"

#include <algorithm>
#include <string_view>

#include "zeroulp/chips.h"

namespace zeroulp::bench {
namespace {

std::vector<std::string> SplitAtCommas(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    parts.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return parts;
}

// Whether `arg` is "--name=value"; sets the value.
bool Is(std::string_view arg, std::string_view name, std::string_view& value) {
  if (!arg.starts_with(name)) return false;
  value = arg.substr(name.size());
  return true;
}

}  // namespace

Flags TakeFlags(int& argc, char** argv) {
  Flags flags;
  const auto is_ours = [&flags](std::string_view arg) {
    std::string_view value;
    if (Is(arg, "--shapes=", value)) {
      flags.shapes = value;
    } else if (Is(arg, "--inputs=", value)) {
      flags.inputs = FindInputs(value);
    } else if (Is(arg, "--chips=", value)) {
      flags.chips = SplitAtCommas(value);
      for (const std::string& chip : flags.chips) Chip(chip);
    } else {
      return false;
    }
    return true;
  };
  const auto end = std::remove_if(argv + 1, argv + argc, is_ours);
  argc = static_cast<int>(end - argv);
  return flags;
}

}  // namespace zeroulp::bench
