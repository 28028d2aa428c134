// SPDX-License-Identifier: Apache-2.0
// The commands of `zeroulp`: each adds itself to the parser and, when chosen,
// leaves its action, so that nothing runs before all arguments are checked.
#ifndef ZEROULP_TOOLS_COMMANDS_H_
#define ZEROULP_TOOLS_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <functional>

namespace zeroulp::cli {

enum ExitCode : int {
  kOk = 0,
  kDiffers = 1,
  kBadInput = 2,  // usage, or a file
  kAssumed = 3,   // an assumed arithmetic without --allow-assumed
};

using Action = std::function<int()>;  // returns an ExitCode; may throw

void AddDemo(CLI::App& app, Action& action);
void AddList(CLI::App& app, Action& action);
void AddExplain(CLI::App& app, Action& action);
void AddEncode(CLI::App& app, Action& action);
void AddDecode(CLI::App& app, Action& action);
void AddCompute(CLI::App& app, Action& action);
void AddQuantize(CLI::App& app, Action& action);
void AddInspect(CLI::App& app, Action& action);
void AddVerify(CLI::App& app, Action& action);
void AddProject(CLI::App& app, Action& action);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_COMMANDS_H_
