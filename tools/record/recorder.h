// SPDX-License-Identifier: Apache-2.0
// Recording: generate a case, run it, check the answer, write the bundle.
#ifndef ZEROULP_TOOLS_RECORD_RECORDER_H_
#define ZEROULP_TOOLS_RECORD_RECORDER_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tools/record/cases.h"
#include "tools/record/gpu.h"
#include "zeroulp/bundle.h"

namespace zeroulp::record {

struct Provenance {
  GpuInfo gpu;
  std::string date;     // "2026-11-25"
  std::string version;  // of this program
  uint64_t seed = 0;
};

// Metadata of anything recorded: device, driver, toolkit, date, source, seed.
Metadata NotesOf(const Provenance& from, const std::string& case_name,
                 const std::string& instruction);

// The case's bundle with the device's words in d. Throws Error{kUnsupported} if
// elements that must be the same are not, or a row whose result is exact in
// every arithmetic has another: then the kernel does not do on this device what
// its name says, and nothing it returns is evidence.
Bundle Record(const Case& c, const Provenance& from, Gpu& gpu);

// What the words say about the case's arithmetic and its rivals.
struct Verdict {
  int64_t rows = 0;
  int64_t differing = 0;  // rows that the arithmetic does not reproduce
  std::string where;      // kinds of those rows: "tiny 3, zero-huge 12"
  std::vector<std::string> alive;  // rivals that reproduce as many or more
};
Verdict Judge(const Case& c, const Bundle& bundle);
std::string ToText(const Verdict& verdict);

}  // namespace zeroulp::record

#endif  // ZEROULP_TOOLS_RECORD_RECORDER_H_
