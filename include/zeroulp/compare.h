// SPDX-License-Identifier: Apache-2.0
// CompareBits: are two matrices the same words, and if not, where and by how
// much.
#ifndef ZEROULP_COMPARE_H_
#define ZEROULP_COMPARE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "zeroulp/view.h"

namespace zeroulp {

struct Difference {
  int64_t row = 0, col = 0;
  uint32_t expected = 0, actual = 0;  // words
  // Number of representable values from one to the other; minus and plus zero
  // are the same value. Empty if either is NaN.
  std::optional<uint64_t> ulps;
};

// Mismatches by distance: 0 (only the sign of zero differs), 1, 2-3, 4-7, ...;
// entry i > 0 counts [2^(i-1), 2^i). NaN mismatches are not in it.
using UlpHistogram = std::array<int64_t, 34>;

struct BitReport {
  Format format = Format::kF32;  // of the words
  int64_t values = 0;
  int64_t mismatches = 0;
  std::optional<Difference> first = {};  // in row-major order
  uint64_t max_ulps = 0;                 // over mismatches without NaN
  int64_t nan_mismatches = 0;            // one or both are NaN, words differ
  UlpHistogram ulp_histogram = {};

  bool exact() const { return mismatches == 0; }
};

// Compares words, never values: NaN equals NaN only with the same payload,
// +0 differs from -0. Both views have the same shape and format, any format.
//
// Throws Error{kShape, kFormat, kOverflow, kArgument}. Thread-safe.
BitReport CompareBits(const ConstMatrixView& expected,
                      const ConstMatrixView& actual);

// "1024 values  3 mismatches  DIFFERS", the first difference with its words and
// their values, and how far the mismatches are apart.
std::string ToString(const BitReport& report);

// "0x3f800001 (1.0000001)": all digits of a code, and its value.
std::string WordText(Format format, uint32_t word);

// "1 ulp", "NaN".
std::string DistanceText(const Difference& difference);

// "2 of 1 ulp, 1 of 4 to 7 ulps, 1 NaN"; empty if there is no mismatch.
std::string HistogramText(const UlpHistogram& histogram,
                          int64_t nan_mismatches);

}  // namespace zeroulp

#endif  // ZEROULP_COMPARE_H_
