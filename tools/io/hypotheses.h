// SPDX-License-Identifier: Apache-2.0
// What may be wrong with a bundle, as changes to it or to its arithmetic.
#ifndef ZEROULP_TOOLS_IO_HYPOTHESES_H_
#define ZEROULP_TOOLS_IO_HYPOTHESES_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "zeroulp/arithmetic.h"
#include "zeroulp/bundle.h"
#include "zeroulp/diagnose.h"

namespace zeroulp::io {

struct Hypothesis {
  Cause cause;
  std::string sentence;
  ArithInfo row;
  bool in_table = true;  // row is one of kArith, unchanged
  int64_t promote_every = 0;
  std::function<void(Bundle&)> change = {};  // empty: none
};

// Those with a single cause that this bundle's shapes and formats allow.
// Whether a row takes its formats and scales shows when it is run.
std::vector<Hypothesis> SingleCauses(const Bundle& bundle, const ArithInfo& row,
                                     int64_t promote_every);

// Two causes that come together: hardware of another vendor, or a library that
// promotes. Tried when no single cause explains the words.
std::vector<Hypothesis> PairedCauses(const Bundle& bundle, const ArithInfo& row,
                                     int64_t promote_every);

}  // namespace zeroulp::io

#endif  // ZEROULP_TOOLS_IO_HYPOTHESES_H_
