// SPDX-License-Identifier: Apache-2.0
// A row of kArith in words, its own numbers filled in.
#ifndef ZEROULP_TOOLS_EXPLAIN_ARITH_H_
#define ZEROULP_TOOLS_EXPLAIN_ARITH_H_

#include <string>

#include "tools/output.h"
#include "zeroulp/arithmetic.h"

namespace zeroulp::cli {

// How the products of one element become one number.
std::string RuleInWords(const ArithInfo& row);

// Zeros, NaN, infinities and subnormals.
std::string SpecialsInWords(const ArithInfo& row);

// The operands, scales and outputs there are; all others are refused.
std::string AcceptsInWords(const ArithInfo& row);

// What is known about the row being right.
std::string EvidenceInWords(const ArithInfo& row);

// A page of what Describe(row) says, for people.
std::string ExplainText(const Json& row);
std::string ExplainMarkdown(const Json& row);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_EXPLAIN_ARITH_H_
