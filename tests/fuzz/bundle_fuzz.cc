// SPDX-License-Identifier: Apache-2.0
// libFuzzer's way into FuzzBundle: see CONTRIBUTING.md.
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/bundle_case.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string what =
      zeroulp::testing::FuzzBundle(zeroulp::testing::BundleFile({data, size}));
  if (what.empty()) return 0;
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}
