// SPDX-License-Identifier: Apache-2.0
// Scale layouts, nibble order, tensor scale conventions: copies, no SIMD.
#include "zeroulp/layout.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/float_environment.h"
#include "zeroulp/internal/check.h"

namespace zeroulp {
namespace {

constexpr int64_t Tiles(int64_t size, int64_t tile) {
  return size / tile + (size % tile != 0);
}

// Where a tile keeps its columns 0 ... 3 of row r.
constexpr int64_t RowInTile(int64_t r) { return (r % 32) * 16 + (r / 32) * 4; }

// The common rules of both directions.
void CheckTiled(std::string_view operation, const ConstMatrixView& linear,
                std::span<const std::byte> tiled) {
  internal::CheckView(operation, "linear", linear);
  if (Info(linear.format).storage_bits != 8) {
    internal::Fail(ErrorCode::kFormat,
                   "{}: linear is {}: tiled scales are of a one-byte format",
                   operation, internal::Describe(linear));
  }
  const int64_t needed = TiledScaleBytes(linear.rows, linear.cols);
  if (std::cmp_not_equal(tiled.size(), needed)) {
    internal::Fail(ErrorCode::kShape,
                   "{}: tiled has {} bytes: {}x{} scales take {} of them",
                   operation, tiled.size(), linear.rows, linear.cols, needed);
  }
  if (needed > 0 && tiled.data() == nullptr) {
    internal::Fail(ErrorCode::kArgument, "{}: tiled is null", operation);
  }
  const ConstMatrixView all = {tiled, linear.format, 1, needed, needed};
  if (internal::Overlap(linear, all)) {
    internal::Fail(ErrorCode::kOverlap,
                   "{}: linear ({}) overlaps tiled ({} bytes): they must be "
                   "apart",
                   operation, internal::Describe(linear), needed);
  }
}

// Calls visit(row, first column, columns, byte of `tiled`) for every run of at
// most kScaleTileCols scales that are consecutive in both orders.
template <class Visit>
void ForEachRun(int64_t rows, int64_t cols, const Visit& visit) {
  const int64_t across = Tiles(cols, kScaleTileCols);
  for (int64_t row = 0; row < rows; ++row) {
    int64_t at = row / kScaleTileRows * across * kScaleTileBytes +
                 RowInTile(row % kScaleTileRows);
    for (int64_t col = 0; col < cols; col += kScaleTileCols) {
      visit(row, col, std::min(kScaleTileCols, cols - col), at);
      at += kScaleTileBytes;
    }
  }
}

}  // namespace

int64_t TiledScaleBytes(int64_t rows, int64_t cols) {
  if (rows < 0 || cols < 0) {
    internal::Fail(ErrorCode::kShape,
                   "TiledScaleBytes: {}x{} scales: sizes must not be negative",
                   rows, cols);
  }
  const int64_t down = Tiles(rows, kScaleTileRows);
  const int64_t across = Tiles(cols, kScaleTileCols);
  if (!internal::ProductFits(down, across, kScaleTileBytes)) {
    internal::Fail(ErrorCode::kOverflow,
                   "TiledScaleBytes: {}x{} scales take more than 2^63 - 1 "
                   "bytes",
                   rows, cols);
  }
  return down * across * kScaleTileBytes;
}

void LinearToTiled(const ConstMatrixView& linear, std::span<std::byte> tiled) {
  CheckTiled("LinearToTiled", linear, tiled);
  std::fill(tiled.begin(), tiled.end(), std::byte{0});
  ForEachRun(linear.rows, linear.cols,
             [&](int64_t row, int64_t col, int64_t n, int64_t at) {
               std::memcpy(tiled.data() + at,
                           linear.bytes.data() + row * linear.row_stride + col,
                           static_cast<size_t>(n));
             });
}

int64_t TiledToLinear(std::span<const std::byte> tiled,
                      const MatrixView& linear) {
  CheckTiled("TiledToLinear", linear, tiled);
  const auto is_set = [](std::byte b) { return b != std::byte{0}; };
  int64_t set = std::count_if(tiled.begin(), tiled.end(), is_set);
  ForEachRun(linear.rows, linear.cols,
             [&](int64_t row, int64_t col, int64_t n, int64_t at) {
               const std::byte* from = tiled.data() + at;
               set -= std::count_if(from, from + n, is_set);
               std::memcpy(linear.bytes.data() + row * linear.row_stride + col,
                           from, static_cast<size_t>(n));
             });
  return set;
}

void SwapNibbles(std::span<const std::byte> from, std::span<std::byte> to) {
  if (from.size() != to.size()) {
    internal::Fail(ErrorCode::kShape,
                   "SwapNibbles: from has {} bytes and to has {}: they must be "
                   "equal",
                   from.size(), to.size());
  }
  if (from.empty()) return;
  if (from.data() == nullptr || to.data() == nullptr) {
    internal::Fail(ErrorCode::kArgument, "SwapNibbles: {} is null",
                   from.data() == nullptr ? "from" : "to");
  }
  const auto size = static_cast<int64_t>(from.size());
  const ConstMatrixView x = {from, Format::kE4M3FN, 1, size, size};
  const ConstMatrixView y = {to, Format::kE4M3FN, 1, size, size};
  if (from.data() != to.data() && internal::Overlap(x, y)) {
    internal::Fail(ErrorCode::kOverlap,
                   "SwapNibbles: from and to ({} bytes each) overlap: they may "
                   "be the same or apart",
                   size);
  }
  std::transform(from.begin(), from.end(), to.begin(),
                 [](std::byte b) { return (b << 4) | (b >> 4); });
}

ConvertedScale ConvertTensorScale(float scale, TensorScaleConvention from,
                                  TensorScaleConvention to) {
  // By its word: a caller's mode may take subnormals for zero.
  const uint32_t word = std::bit_cast<uint32_t>(scale);
  if (word == 0 || word >= 0x7F800000u) {
    internal::Fail(ErrorCode::kArgument,
                   "ConvertTensorScale: the scale is {}: it must be positive "
                   "and finite",
                   scale);
  }
  if (from == to) return {scale, true};
  const kernels::DefaultFloatEnvironment environment;
  // Volatile: the division stays in the scope of the environment.
  volatile float divisor = scale;
  volatile float quotient = 1.0f / divisor;
  if (std::isinf(quotient)) {
    internal::Fail(
        ErrorCode::kArgument,
        "ConvertTensorScale: the scale is {}: its reciprocal exceeds "
        "the largest binary32",
        scale);
  }
  // A power of two has one significant bit, hidden or not.
  const uint32_t fraction = word & 0x7FFFFFu;
  const bool exact =
      word == fraction ? std::has_single_bit(fraction) : fraction == 0;
  return {quotient, exact};
}

}  // namespace zeroulp
