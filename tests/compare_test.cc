// SPDX-License-Identifier: Apache-2.0
// Mirrors emulation/compare.cc.
#include "zeroulp/compare.h"

#include <gtest/gtest.h>

#include <bit>
#include <vector>

namespace zeroulp {
namespace {

BitReport Compare(const std::vector<float>& expected,
                  const std::vector<float>& actual) {
  const auto n = static_cast<int64_t>(expected.size());
  return CompareBits(F32View(std::span(expected), 1, n),
                     F32View(std::span(actual), 1, n));
}

TEST(Compare, EqualWordsAreExactNaNIncluded) {
  const std::vector<float> x = {0.0f, -0.0f, std::bit_cast<float>(0x7FC00001u)};
  const BitReport report = Compare(x, x);
  EXPECT_TRUE(report.exact());
  EXPECT_EQ(report.values, 3);
  EXPECT_EQ(ToString(report), "3 values  0 mismatches  EXACT");
}

TEST(Compare, CountsFirstDifferenceAndHistogram) {
  const auto at = [](uint32_t word) { return std::bit_cast<float>(word); };
  const BitReport report =
      Compare({1.0f, 1.0f, at(0x3F800000u), 0.0f, at(1), at(0x7FC00000u), 2.0f},
              {1.0f, at(0x3F800001u), at(0x3F800006u), -0.0f, at(0x80000001u),
               at(0x7FC00001u), 2.0f});
  EXPECT_EQ(report.mismatches, 5);
  EXPECT_EQ(report.nan_mismatches, 1);
  EXPECT_EQ(report.max_ulps, 6u);
  EXPECT_EQ(report.ulp_histogram[0], 1);  // +0 against -0
  EXPECT_EQ(report.ulp_histogram[1], 1);  // 1 ulp
  EXPECT_EQ(report.ulp_histogram[2], 1);  // 2 ulp across zero
  EXPECT_EQ(report.ulp_histogram[3], 1);  // 6 ulp
  ASSERT_TRUE(report.first.has_value());
  EXPECT_EQ(report.first->col, 1);
  EXPECT_EQ(report.first->ulps, 1u);
  EXPECT_EQ(ToString(report),
            "7 values  5 mismatches  DIFFERS\nfirst difference at row 0, "
            "column 1: expected 0x3f800000 (1), actual 0x3f800001 (1.0000001), "
            "1 ulp\ndifferences: 1 in the sign of zero, 1 of 1 ulp, 1 of 2 to "
            "3 ulps, 1 of 4 to 7 ulps, 1 NaN");
}

TEST(Compare, StridesAndNarrowFormats) {
  const std::vector<uint8_t> x = {0x21, 0xF3, 0x65, 0x07};
  const std::vector<uint8_t> y = {0x21, 0x03, 0x65, 0xF8};
  ConstMatrixView a = CodesView(x, Format::kE2M1FN, 2, 3);
  ConstMatrixView b = CodesView(y, Format::kE2M1FN, 2, 3);
  const BitReport report = CompareBits(a, b);  // F and the last F are padding
  EXPECT_EQ(report.values, 6);
  EXPECT_EQ(report.mismatches, 1);
  EXPECT_EQ(report.first->row, 1);
  EXPECT_EQ(report.first->col, 2);
  EXPECT_EQ(report.max_ulps, 7u);  // 6 against -0
}

TEST(Compare, RefusesWhatCannotBeCompared) {
  const std::vector<float> x(6);
  const auto fails = [&](const ConstMatrixView& a, const ConstMatrixView& b,
                         ErrorCode code) {
    try {
      CompareBits(a, b);
      ADD_FAILURE() << "no error";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code) << e.what();
    }
  };
  const ConstMatrixView good = F32View(std::span(x), 2, 3);
  fails(good, F32View(std::span(x), 3, 2), ErrorCode::kShape);
  fails(good, F32View(std::span(x), 3, 3), ErrorCode::kShape);
  ConstMatrixView tf32 = good;
  tf32.format = Format::kTF32;
  fails(good, tf32, ErrorCode::kFormat);
}

}  // namespace
}  // namespace zeroulp
