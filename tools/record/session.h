// SPDX-License-Identifier: Apache-2.0
// What the program does: list what can be recorded, record a selection.
#ifndef ZEROULP_TOOLS_RECORD_SESSION_H_
#define ZEROULP_TOOLS_RECORD_SESSION_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/record/gpu.h"

namespace zeroulp::record {

struct SessionOptions {
  std::vector<std::string> only;  // parts of names; empty: everything
  std::string out;                // an existing folder
  std::string date, version;
  uint64_t seed = 1;
  double seconds = 600;  // no case starts later than this
};

// Something to record, by name.
struct Listed {
  std::string name, instruction, decides;
};
// Everything whose name contains one of `only`, whatever the chip.
std::vector<Listed> List(const std::vector<std::string>& only);

struct SessionResult {
  int recorded = 0;
  int refused = 0;  // the device or build could not, with a reason
  int skipped = 0;  // for want of time
};

// Records what the GPU's chip has and `options` selects: one file a case, one
// line of report. Goes on after a case that is refused. Throws Error{kArgument}
// if nothing is selected or the device fails, {kUnsupported} if no case is for
// this chip, {kFile} if a file cannot be written.
SessionResult RecordSelection(
    const SessionOptions& options, Gpu& gpu,
    const std::function<void(std::string_view line)>& report);

}  // namespace zeroulp::record

#endif  // ZEROULP_TOOLS_RECORD_SESSION_H_
