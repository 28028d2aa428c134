// SPDX-License-Identifier: Apache-2.0
// The built command with a small bundle to work on.
#ifndef ZEROULP_TESTS_CLI_FIXTURE_H_
#define ZEROULP_TESTS_CLI_FIXTURE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/cli_run.h"
#include "zeroulp/bundle.h"

namespace zeroulp {

class CliTest : public CliRun {
 protected:
  // Of the command under test, which need not be named.
  std::string Refusal(const std::string& arguments,
                      const std::string& input = "") {
    return CliRun::Refusal("$Z " + arguments, input);
  }

  // 2 x 5 x 7 x 9 with all kinds of codes, and no d.
  Bundle MakeBundle() const {
    Bundle bundle;
    bundle.name = "b";
    bundle.arith = "chain.f32";
    bundle.a = BundleMatrix::Zeros(Format::kE4M3FN, Dtype::kF8E4M3, 2, 5, 9);
    bundle.b_t = BundleMatrix::Zeros(Format::kE5M2, Dtype::kF8E5M2, 2, 7, 9);
    uint32_t state = 1;
    for (BundleMatrix* matrix : {&bundle.a, &bundle.b_t}) {
      for (std::byte& code : matrix->bytes) {
        state = state * 1664525 + 1013904223;
        code = static_cast<std::byte>((state >> 24) & 0xBF);  // finite
      }
    }
    return bundle;
  }
  void WriteInput() { WriteBundle((folder_ / "b").string(), MakeBundle()); }
};

}  // namespace zeroulp

#endif  // ZEROULP_TESTS_CLI_FIXTURE_H_
