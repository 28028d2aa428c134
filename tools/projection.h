// SPDX-License-Identifier: Apache-2.0
// Projections for people and programs: project and demo share them.
#ifndef ZEROULP_TOOLS_PROJECTION_H_
#define ZEROULP_TOOLS_PROJECTION_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/output.h"
#include "zeroulp/project.h"

namespace zeroulp::cli {

// Onto the chip or system with this id. Throws what Project throws, and
// Error{kUnknownName} that lists all ids of both.
Projection ProjectOnto(const Measurement& measurement, std::string_view id);

// Onto all chips and systems; those that refuse say why in `refusals`.
std::vector<Projection> ProjectAll(const Measurement& measurement,
                                   std::vector<std::string>& refusals);

Table ProjectionTable(std::span<const Projection> projections);

// Each assumption once, with the targets it was made for; every line after
// `indent` spaces.
std::string AssumptionsText(std::span<const Projection> projections,
                            size_t indent = 0);

Json Describe(const Projection& projection);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_PROJECTION_H_
