// SPDX-License-Identifier: Apache-2.0
// Chips and systems as JSON: docs/chip-file.md is the schema.
#ifndef ZEROULP_TOOLS_CHIP_FILE_H_
#define ZEROULP_TOOLS_CHIP_FILE_H_

#include <deque>
#include <string>
#include <vector>

#include "zeroulp/chips.h"

namespace zeroulp::cli {

// Rows, and what their views point into.
struct ChipFile {
  std::deque<std::string> texts;
  std::deque<std::vector<ChipPeak>> peaks;
  std::deque<std::vector<ChipSram>> srams;
  std::deque<std::vector<Price>> prices;
  std::deque<std::vector<SystemPeak>> system_peaks;
  std::deque<ChipInfo> chips;
  std::deque<SystemInfo> systems;
};

// Throws Error{kFile} that names the field, the rule and the value for a file
// that is not of the schema: an unknown or missing field, a figure without a
// source or not above 0, a format, pattern or word that is unknown, dense above
// sparse. That ids are new and systems fit their chips is for the catalog.
void ReadChipFile(const std::string& path, ChipFile& file);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_CHIP_FILE_H_
