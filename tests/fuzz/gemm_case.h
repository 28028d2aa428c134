// SPDX-License-Identifier: Apache-2.0
// The differential test of Gemm: bytes become a problem, and every kernel that
// takes it must give the oracle's words on every SIMD target.
#ifndef ZEROULP_TESTS_FUZZ_GEMM_CASE_H_
#define ZEROULP_TESTS_FUZZ_GEMM_CASE_H_

#include <cstdint>
#include <span>
#include <string>

namespace zeroulp::testing {

// Empty, or the first disagreement: the problem and the words.
//
// Bytes are read in turn, zeros once they are used up: first byte the row of
// kArith, then formats, shape, values and options; from the 40th byte on single
// elements, 8 bytes each. So a mutated byte is a problem a little different.
std::string FuzzGemm(std::span<const uint8_t> bytes);

}  // namespace zeroulp::testing

#endif  // ZEROULP_TESTS_FUZZ_GEMM_CASE_H_
