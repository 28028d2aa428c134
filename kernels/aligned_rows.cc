// SPDX-License-Identifier: Apache-2.0
#include "kernels/aligned_rows.h"

#include <algorithm>
#include <array>

#include "kernels/scale_range.h"

namespace zeroulp::kernels {
namespace {

constexpr auto kRows = static_cast<size_t>(PackedMatrix::kRows);
constexpr uint8_t kNan = 255;

struct Range {
  uint8_t low = 255, high = 0;  // low > high: no block

  void Add(uint8_t code) {
    low = std::min(low, code);
    high = std::max(high, code);
  }
  int shift() const { return std::max(high - low, 0); }
};

// Of all blocks of 16 rows. Calls scan all scales of their operands: arrays
// that nothing else refers to are vectors to compilers.
struct Ranges {
  std::array<uint8_t, kRows> low, high;
};
Ranges RangesOf(const uint8_t* codes, size_t blocks) {
  Ranges ranges;
  ranges.low.fill(255);
  ranges.high.fill(0);
  for (size_t b = 0; b < blocks; ++b) {
    std::array<uint8_t, kRows> now;
    std::copy_n(codes + b * kRows, kRows, now.begin());
    for (size_t i = 0; i < kRows; ++i) {
      ranges.low[i] = std::min(ranges.low[i], now[i]);
    }
    for (size_t i = 0; i < kRows; ++i) {
      ranges.high[i] = std::max(ranges.high[i], now[i]);
    }
  }
  return ranges;
}

// Of the blocks of one row that are not zeros, until they are too far apart.
Range RangeWithoutZeros(const PackedMatrix& matrix, size_t group, size_t row) {
  const auto blocks = static_cast<size_t>(matrix.scale_cols());
  const uint8_t* codes = matrix.scales() + group * blocks * kRows + row;
  Range range;
  for (size_t b = 0; b < blocks && range.shift() <= kMostShift; ++b) {
    const uint8_t code = codes[b * kRows];
    const bool inside = range.low <= code && code <= range.high;
    if (!inside && !IsZeroBlock(matrix, group, row, b)) range.Add(code);
  }
  return range;
}

}  // namespace

int AlignRows(const PackedMatrix& matrix, size_t group, uint8_t* lowest) {
  const auto blocks = static_cast<size_t>(matrix.scale_cols());
  const Ranges ranges =
      RangesOf(matrix.scales() + group * blocks * kRows, blocks);
  int most = 0;
  for (size_t i = 0; i < kRows; ++i) {
    Range range = {ranges.low[i], ranges.high[i]};
    if (range.high == kNan) return -1;
    if (range.shift() > kMostShift) range = RangeWithoutZeros(matrix, group, i);
    if (range.shift() > kMostShift) return -1;
    lowest[i] = range.low <= range.high ? range.low : uint8_t{127};
    most = std::max(most, range.shift());
  }
  return most;
}

int MostShiftOf(const PackedMatrix& matrix, int64_t begin, int64_t end) {
  int most = 0;
  for (int64_t row = begin; row < end; row += PackedMatrix::kRows) {
    uint8_t lowest[kRows];
    const int shift = AlignRows(
        matrix, static_cast<size_t>(row / PackedMatrix::kRows), lowest);
    if (shift < 0) return -1;
    most = std::max(most, shift);
  }
  return most;
}

}  // namespace zeroulp::kernels
