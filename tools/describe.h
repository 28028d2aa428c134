// SPDX-License-Identifier: Apache-2.0
// Rows of the tables as JSON: the one description that list and explain print
// in all their forms.
#ifndef ZEROULP_TOOLS_DESCRIBE_H_
#define ZEROULP_TOOLS_DESCRIBE_H_

#include <string>
#include <string_view>
#include <vector>

#include "tools/output.h"
#include "zeroulp/arithmetic.h"
#include "zeroulp/blocks.h"
#include "zeroulp/chips.h"
#include "zeroulp/formats.h"

namespace zeroulp::cli {

// Figures with a source become {"value", "source", "basis"}; what nobody has
// published is left out.
Json Describe(const FormatInfo& format);
Json Describe(const BlockInfo& block);  // with the scale rules it can have
Json Describe(const ArithInfo& arith);
Json Describe(const ChipInfo& chip);
Json Describe(const SystemInfo& system);

// One object for each kernel of this CPU: where Gemm runs it, and which better
// ones were refused why. Last, "oracle" with all arithmetic that has no kernel.
std::vector<Json> DescribeKernels();

// The text of a field in one line: a figure's value, "-" if there is none.
std::string ShortText(const Json& object, std::string_view key);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_DESCRIBE_H_
