// SPDX-License-Identifier: Apache-2.0
// What quantising did to a matrix, for people and for programs.
#ifndef ZEROULP_TOOLS_ERROR_REPORT_H_
#define ZEROULP_TOOLS_ERROR_REPORT_H_

#include <string>
#include <vector>

#include "tools/checkpoint_quantize.h"
#include "tools/output.h"

namespace zeroulp::cli {

Json ErrorJson(const ErrorStatistics& errors);

// Relative error, SQNR in dB, largest error in ulps, percent saturated, percent
// flushed, and notes.
std::vector<std::string> ErrorCells(const ErrorStatistics& errors);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_ERROR_REPORT_H_
