// SPDX-License-Identifier: Apache-2.0
// The reader of bundles against arbitrary files.
#ifndef ZEROULP_TESTS_FUZZ_BUNDLE_CASE_H_
#define ZEROULP_TESTS_FUZZ_BUNDLE_CASE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace zeroulp::testing {

// Reads `file`, verifies what can be read and is small: empty, or what came
// out that is neither a result nor an Error of one sentence.
std::string FuzzBundle(std::span<const uint8_t> file);

// A file of fuzzer's bytes: after a first byte of 0 the others as they are;
// else two bytes say how many of the rest are the header, whose length is put
// before it, so that a change of the header is not all in vain.
std::vector<uint8_t> BundleFile(std::span<const uint8_t> bytes);

}  // namespace zeroulp::testing

#endif  // ZEROULP_TESTS_FUZZ_BUNDLE_CASE_H_
