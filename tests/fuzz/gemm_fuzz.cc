// SPDX-License-Identifier: Apache-2.0
// libFuzzer's way into FuzzGemm: see CONTRIBUTING.md.
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/gemm_case.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string mismatch = zeroulp::testing::FuzzGemm({data, size});
  if (mismatch.empty()) return 0;
  std::fprintf(stderr, "%s\n", mismatch.c_str());
  std::abort();
}
