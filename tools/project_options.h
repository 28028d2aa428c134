// SPDX-License-Identifier: Apache-2.0
// What `zeroulp project` was asked for.
#ifndef ZEROULP_TOOLS_PROJECT_OPTIONS_H_
#define ZEROULP_TOOLS_PROJECT_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/catalog.h"
#include "tools/model_projection.h"
#include "tools/model_shapes.h"

namespace zeroulp::cli {

struct ProjectOptions {
  std::string shape, shapes, backtest;
  std::string format, b_format, sparsity, sparse_side, clock, split;
  std::vector<std::string> chips, chip_files;
  Load load;
  double efficiency = 0;
  bool block_scales = false, quantise_a = false;
  bool json = false, markdown = false;
  std::string svg;
};

void AddProjectOptions(CLI::App& command, ProjectOptions& options);

// Throw Error{kArgument} for what the parser lets through.
void ParseShape(const std::string& text, Measurement& measurement);  // MxNxK
std::optional<Division> ParseSplit(const std::string& text);
Plan MakePlan(const ProjectOptions& options);
Catalog MakeCatalog(const ProjectOptions& options);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_PROJECT_OPTIONS_H_
