// SPDX-License-Identifier: Apache-2.0
// Rivals of an arithmetic: the row with one parameter changed, as the open
// questions of its specification would have it.
#ifndef ZEROULP_TOOLS_RECORD_RIVALS_H_
#define ZEROULP_TOOLS_RECORD_RIVALS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "zeroulp/arithmetic.h"
#include "zeroulp/bundle.h"

namespace zeroulp::record {

struct Rival {
  std::string text;  // "align_bits 24"
  ArithInfo row;
};

std::vector<Rival> RivalsOf(const ArithInfo& row);

// Rows of the bundle whose d differs from what `row` gives.
std::vector<int64_t> DifferingRows(const Bundle& bundle, const ArithInfo& row);

}  // namespace zeroulp::record

#endif  // ZEROULP_TOOLS_RECORD_RIVALS_H_
