// SPDX-License-Identifier: Apache-2.0
#include "kernels/aligned_rows.h"

#include <algorithm>

#include "kernels/scale_range.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/aligned_rows.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

#ifndef ZEROULP_KERNELS_ALIGNED_ROWS_ONCE_
#define ZEROULP_KERNELS_ALIGNED_ROWS_ONCE_
namespace zeroulp::kernels {

// The lowest and highest codes of 16 rows.
struct CodeRanges {
  uint8_t low[PackedMatrix::kRows], high[PackedMatrix::kRows];
};

}  // namespace zeroulp::kernels
#endif  // ZEROULP_KERNELS_ALIGNED_ROWS_ONCE_

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Of all blocks.
void RangesOfTarget(const uint8_t* codes, size_t blocks, CodeRanges& ranges) {
  constexpr size_t kRows = PackedMatrix::kRows;
  const hn::CappedTag<uint8_t, kRows> d;
  for (size_t row = 0; row < kRows; row += hn::Lanes(d)) {
    auto low = hn::Set(d, uint8_t{255});
    auto high = hn::Zero(d);
    for (size_t b = 0; b < blocks; ++b) {
      const auto code = hn::LoadU(d, codes + b * kRows + row);
      low = hn::Min(low, code);
      high = hn::Max(high, code);
    }
    hn::StoreU(low, d, ranges.low + row);
    hn::StoreU(high, d, ranges.high + row);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {

HWY_EXPORT(RangesOfTarget);

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
  CodeRanges ranges;
  HWY_DYNAMIC_DISPATCH(RangesOfTarget)
  (matrix.scales() + group * blocks * kRows, blocks, ranges);
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
#endif  // HWY_ONCE
