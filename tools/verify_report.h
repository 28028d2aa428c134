// SPDX-License-Identifier: Apache-2.0
// What verify found out about each bundle, as text, JSON and JUnit XML.
#ifndef ZEROULP_TOOLS_VERIFY_REPORT_H_
#define ZEROULP_TOOLS_VERIFY_REPORT_H_

#include <optional>
#include <span>
#include <string>

#include "tools/commands.h"
#include "tools/output.h"
#include "zeroulp/bundle.h"
#include "zeroulp/diagnose.h"

namespace zeroulp::cli {

// One bundle's verification: what there is to know about it apart from its
// operands.
struct Verified {
  std::string path;
  ExitCode code = kOk;
  double seconds = 0;
  std::string error = {};   // why it was not verified; then the rest is empty
  std::string line = {};    // without the path: "e4m3fn x ...  EXACT"
  std::string detail = {};  // indented lines; empty if exact
  Json json = {};
};

// `diagnosis` is empty if the result is exact or nobody asked for one.
Verified Describe(const std::string& path, const Bundle& bundle,
                  const VerifyResult& result, const Diagnosis& diagnosis);

Json ToJson(std::span<const Verified> results);

// A testsuite with a testcase for each bundle: a failure where words differ, an
// error where it was not verified.
std::string ToJunit(std::span<const Verified> results);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_VERIFY_REPORT_H_
