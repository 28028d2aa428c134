// SPDX-License-Identifier: Apache-2.0
// Into the rows of chips.h.
#ifndef ZEROULP_TESTS_CHIP_CASES_H_
#define ZEROULP_TESTS_CHIP_CASES_H_

#include <algorithm>
#include <string_view>
#include <vector>

#include "zeroulp/chips.h"

namespace zeroulp {

inline std::vector<std::string_view> Words(std::string_view list) {
  std::vector<std::string_view> words;
  while (!list.empty()) {
    const size_t end = std::min(list.find(' '), list.size());
    words.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return words;
}

inline const ChipPeak* FindPeak(const ChipInfo& chip, std::string_view label) {
  const auto it = std::find_if(chip.peaks.begin(), chip.peaks.end(),
                               [&](const auto& p) { return p.label == label; });
  return it == chip.peaks.end() ? nullptr : &*it;
}

}  // namespace zeroulp

#endif  // ZEROULP_TESTS_CHIP_CASES_H_
