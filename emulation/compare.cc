// SPDX-License-Identifier: Apache-2.0
#include "zeroulp/compare.h"

#include <algorithm>
#include <bit>

#include "emulation/number.h"
#include "zeroulp/codec.h"
#include "zeroulp/internal/check.h"

namespace zeroulp {
namespace {

// Codes in the order of their values, minus and plus zero both 0.
int64_t Ordinal(const FormatInfo& f, uint32_t code) {
  const auto magnitude = static_cast<int64_t>(code & f.magnitude_mask());
  return (code & f.sign_mask()) != 0 ? -magnitude : magnitude;
}

bool IsNan(const FormatInfo& f, uint32_t code) {
  return emulation::Unpack(f, code).kind == emulation::Kind::kNan;
}

Difference Differ(const FormatInfo& f, int64_t row, int64_t col,
                  uint32_t expected, uint32_t actual) {
  Difference difference = {row, col, expected, actual, {}};
  if (!IsNan(f, expected) && !IsNan(f, actual)) {
    const int64_t ulps = Ordinal(f, expected) - Ordinal(f, actual);
    difference.ulps = static_cast<uint64_t>(ulps < 0 ? -ulps : ulps);
  }
  return difference;
}

void Count(const Difference& difference, BitReport& report) {
  ++report.mismatches;
  if (!report.first) report.first = difference;
  if (!difference.ulps) {
    ++report.nan_mismatches;
    return;
  }
  report.max_ulps = std::max(report.max_ulps, *difference.ulps);
  ++report.ulp_histogram[static_cast<size_t>(std::bit_width(*difference.ulps))];
}

}  // namespace

BitReport CompareBits(const ConstMatrixView& expected,
                      const ConstMatrixView& actual) {
  internal::CheckView("CompareBits", "expected", expected);
  internal::CheckView("CompareBits", "actual", actual);
  if (expected.rows != actual.rows || expected.cols != actual.cols) {
    internal::Fail(ErrorCode::kShape,
                   "CompareBits: expected is {} and actual is {}: shapes must "
                   "be equal",
                   internal::Describe(expected), internal::Describe(actual));
  }
  if (expected.format != actual.format) {
    internal::Fail(ErrorCode::kFormat,
                   "CompareBits: expected is {} and actual is {}: formats must "
                   "be equal",
                   internal::Describe(expected), internal::Describe(actual));
  }
  const FormatInfo& f = Info(expected.format);
  BitReport report = {.format = expected.format};
  for (int64_t row = 0; row < expected.rows; ++row) {
    for (int64_t col = 0; col < expected.cols; ++col) {
      const uint32_t e = ReadCode(expected, row, col);
      const uint32_t a = ReadCode(actual, row, col);
      ++report.values;
      if (e != a) Count(Differ(f, row, col, e, a), report);
    }
  }
  return report;
}

std::string WordText(Format format, uint32_t word) {
  return fmt::format("0x{:0{}x} ({})", word, (Info(format).bits + 3) / 4,
                     Decode(format, word));
}

std::string DistanceText(const Difference& difference) {
  if (!difference.ulps) return "NaN";
  return fmt::format("{} {}", *difference.ulps,
                     *difference.ulps == 1 ? "ulp" : "ulps");
}

std::string HistogramText(const UlpHistogram& histogram,
                          int64_t nan_mismatches) {
  std::string text;
  const auto add = [&text](int64_t count, const std::string& what) {
    if (count == 0) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  };
  add(histogram[0], "in the sign of zero");
  add(histogram[1], "of 1 ulp");
  for (size_t i = 2; i < histogram.size(); ++i) {
    const uint64_t least = uint64_t{1} << (i - 1);
    add(histogram[i], fmt::format("of {} to {} ulps", least, 2 * least - 1));
  }
  add(nan_mismatches, "NaN");
  return text;
}

std::string ToString(const BitReport& report) {
  std::string text =
      fmt::format("{} values  {} mismatches  {}", report.values,
                  report.mismatches, report.exact() ? "EXACT" : "DIFFERS");
  if (report.first) {
    const Difference& d = *report.first;
    text += fmt::format(
        "\nfirst difference at row {}, column {}: expected {}, actual {}, {}\n"
        "differences: {}",
        d.row, d.col, WordText(report.format, d.expected),
        WordText(report.format, d.actual), DistanceText(d),
        HistogramText(report.ulp_histogram, report.nan_mismatches));
  }
  return text;
}

}  // namespace zeroulp
