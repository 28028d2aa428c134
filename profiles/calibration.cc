// SPDX-License-Identifier: Apache-2.0
#include "profiles/calibration.h"

#include <algorithm>
#include <array>
#include <utility>

namespace zeroulp::internal {
namespace {

// The first row of this family, of these products or else of dense ones: every
// family has a dense row (calibration_test).
const FormatFit& FindFormat(const Calibration& calibration,
                            std::string_view family, bool sparse) {
  const FormatFit* found = nullptr;
  for (const FormatFit& row : calibration.formats) {
    if (row.family != family) continue;
    if (row.sparse == sparse) return row;
    if (!row.sparse) found = &row;
  }
  return *found;
}

const ChipFit& FindChip(const Calibration& calibration, const ChipInfo& chip,
                        std::string_view family, bool sparse) {
  using Key = std::pair<std::string_view, std::string_view>;
  const ChipFit* found = nullptr;
  for (const auto& [target, of] : std::to_array<Key>(
           {{chip.id, family}, {chip.architecture, family}, {"", family}})) {
    const auto row = std::find_if(
        calibration.chips.begin(), calibration.chips.end(),
        [&, target = target, of = of](const ChipFit& f) {
          return f.target == target && f.family == of && f.sparse == sparse;
        });
    if (row != calibration.chips.end()) return *row;
  }
  for (const ChipFit& row : calibration.chips) {
    if (row.family.empty() && row.sparse == sparse) found = &row;
  }
  return *found;
}

}  // namespace

Constants FindConstants(const Calibration& calibration, const ChipInfo& chip,
                        std::string_view family, bool sparse) {
  return {&calibration.shared, &FindFormat(calibration, family, sparse),
          &FindChip(calibration, chip, family, sparse)};
}

}  // namespace zeroulp::internal
