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

std::string TimeText(double seconds);
std::string ThroughputText(double tflops);

// Which measurements the figures rest on: "94 rows", "pooled", "host".
std::string CalibratedText(const Projection& projection);

Table ProjectionTable(std::span<const Projection> projections);

// Each assumption once, with the targets it was made for; every line after
// `indent` spaces.
std::string AssumptionsText(std::span<const Projection> projections,
                            size_t indent = 0);

Json Describe(const Projection& projection);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_PROJECTION_H_
