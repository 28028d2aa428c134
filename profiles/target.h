// SPDX-License-Identifier: Apache-2.0
// One GEMM on one chip, and what becomes of it on several.
#ifndef ZEROULP_PROFILES_TARGET_H_
#define ZEROULP_PROFILES_TARGET_H_

#include <cstdint>
#include <string_view>

#include "profiles/work.h"
#include "zeroulp/project.h"

namespace zeroulp::internal {

// What multiplies with the number of chips: 1 of them, or a system's.
struct Target {
  std::string_view id;
  int64_t chips;
  Quantity power_w;
  const Price* price;  // may be null; of the whole target
  double price_factor;
};
Target OneChip(const ChipInfo& chip);
Target WholeSystem(const SystemInfo& system, const ChipInfo& chip);

// Every chip of the target runs the whole of `measurement`, and then its
// fabric for `fabric_s`.
Projection ProjectOnto(const Measurement& measurement, const ChipInfo& chip,
                       const Target& target, const Conditions& conditions,
                       double fabric_s = 0);

}  // namespace zeroulp::internal

#endif  // ZEROULP_PROFILES_TARGET_H_
