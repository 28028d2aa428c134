// SPDX-License-Identifier: Apache-2.0
// What a pattern keeps, and compression: no arithmetic, no SIMD.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "zeroulp/codec.h"
#include "zeroulp/internal/check.h"
#include "zeroulp/sparse.h"

namespace zeroulp {
namespace {

constexpr size_t kMaxGroup = 16;  // of kSparsities

void CheckGroups(std::string_view operation, std::string_view name,
                 const std::string& shape, int64_t cols,
                 const SparsityInfo& pattern) {
  const int64_t group = pattern.ratio.group;
  if (cols % group == 0) return;
  internal::Fail(ErrorCode::kShape,
                 "{}: {} is {}: columns must be a multiple of the group of {} "
                 "of {}, but group {} of every row has {}",
                 operation, name, shape, group, pattern.name, cols / group,
                 cols % group);
}

void CheckMatrix(std::string_view operation, const ConstMatrixView& matrix,
                 const SparsityInfo& pattern) {
  internal::CheckView(operation, "the matrix", matrix);
  if (!Info(matrix.format).has_sign) {
    internal::Fail(
        ErrorCode::kFormat,
        "{}: the matrix is {}: sparse matrices are of signed formats",
        operation, internal::Describe(matrix));
  }
  CheckGroups(operation, "the matrix", internal::Describe(matrix), matrix.cols,
              pattern);
}

int64_t StoredCols(const ConstMatrixView& matrix, const SparsityInfo& pattern) {
  return matrix.cols / pattern.ratio.group * pattern.ratio.keep;
}

bool IsZero(const ConstMatrixView& matrix, int64_t row, int64_t col) {
  const FormatInfo& f = Info(matrix.format);
  const uint32_t code = ReadCode(matrix, row, col);
  if (code == f.sign_mask()) return f.has_minus_zero();
  return (code & f.magnitude_mask()) == 0;
}

// Calls choose(row, first column, chosen units) for every group, appending the
// positions of the units it sets.
template <class Choose>
std::vector<uint8_t> ForEachGroup(const ConstMatrixView& matrix,
                                  const SparsityInfo& pattern,
                                  const Choose& choose) {
  std::vector<uint8_t> positions;
  positions.reserve(
      static_cast<size_t>(matrix.rows * StoredCols(matrix, pattern)));
  const auto unit = static_cast<size_t>(pattern.unit);
  for (int64_t row = 0; row < matrix.rows; ++row) {
    for (int64_t col = 0; col < matrix.cols; col += pattern.ratio.group) {
      std::array<bool, kMaxGroup> keep = {};  // of units
      choose(row, col, keep);
      for (size_t i = 0; i < kMaxGroup; ++i) {
        if (!keep[i / unit]) continue;
        if (i < static_cast<size_t>(pattern.ratio.group)) {
          positions.push_back(static_cast<uint8_t>(i));
        }
      }
    }
  }
  return positions;
}

// Keeps the units with the largest `weight`(row, col), summed; the first of
// equals.
template <class Weight>
std::vector<uint8_t> Largest(const ConstMatrixView& matrix,
                             const SparsityInfo& pattern,
                             const Weight& weight) {
  const auto units = static_cast<size_t>(pattern.ratio.group / pattern.unit);
  const auto kept = static_cast<size_t>(pattern.ratio.keep / pattern.unit);
  return ForEachGroup(
      matrix, pattern,
      [&](int64_t row, int64_t col, std::array<bool, kMaxGroup>& keep) {
        std::array<double, kMaxGroup> sums = {};
        for (int64_t i = 0; i < pattern.ratio.group; ++i) {
          sums[static_cast<size_t>(i / pattern.unit)] += weight(row, col + i);
        }
        for (size_t n = 0; n < kept; ++n) {
          size_t best = units;
          for (size_t i = 0; i < units; ++i) {
            if (!keep[i] && (best == units || sums[i] > sums[best])) best = i;
          }
          keep[best] = true;
        }
      });
}

}  // namespace

std::vector<uint8_t> LargestPositions(const ConstMatrixView& matrix,
                                      const SparsityInfo& pattern) {
  CheckMatrix("LargestPositions", matrix, pattern);
  const FormatInfo& f = Info(matrix.format);
  return Largest(matrix, pattern, [&](int64_t row, int64_t col) {
    const float x = Decode(f, ReadCode(matrix, row, col));
    if (std::isinf(x)) return std::numeric_limits<double>::max() / 4;
    // Infinity: the one sum that is not less than a finite one or infinity's.
    return std::isnan(x) ? std::numeric_limits<double>::infinity()
                         : std::abs(double{x});
  });
}

std::vector<uint8_t> HighestPositions(const ConstMatrixView& scores,
                                      const SparsityInfo& pattern) {
  CheckMatrix("HighestPositions", scores, pattern);
  const FormatInfo& f = Info(scores.format);
  return Largest(scores, pattern, [&](int64_t row, int64_t col) {
    const float x = Decode(f, ReadCode(scores, row, col));
    if (std::isnan(x)) {
      internal::Fail(ErrorCode::kArgument,
                     "HighestPositions: the score of row {}, group {} of {} at "
                     "position {} is NaN",
                     row, col / pattern.ratio.group, pattern.name,
                     col % pattern.ratio.group);
    }
    // Halves of the range, so that infinities of both signs can be added.
    constexpr double kHuge = std::numeric_limits<double>::max() / 4;
    return std::clamp(double{x}, -kHuge, kHuge);
  });
}

std::vector<uint8_t> MaskPositions(const ConstMatrixView& mask,
                                   const SparsityInfo& pattern) {
  internal::CheckView("MaskPositions", "the mask", mask);
  CheckGroups("MaskPositions", "the mask",
              fmt::format("{}x{}", mask.rows, mask.cols), mask.cols, pattern);
  return ForEachGroup(
      mask, pattern,
      [&](int64_t row, int64_t col, std::array<bool, kMaxGroup>& keep) {
        std::array<int64_t, kMaxGroup> counts = {};  // of units
        int64_t count = 0;
        for (int64_t i = 0; i < pattern.ratio.group; ++i) {
          const bool kept = ReadCode(mask, row, col + i) != 0;
          counts[static_cast<size_t>(i / pattern.unit)] += kept;
          count += kept;
        }
        const int64_t group = col / pattern.ratio.group;
        if (count != pattern.ratio.keep) {
          internal::Fail(ErrorCode::kArgument,
                         "MaskPositions: row {}, group {} keeps {} elements: "
                         "{} keeps {}",
                         row, group, count, pattern.name, pattern.ratio.keep);
        }
        for (size_t i = 0; i < kMaxGroup; ++i) {
          if (counts[i] != 0 && counts[i] != pattern.unit) {
            internal::Fail(ErrorCode::kArgument,
                           "MaskPositions: row {}, group {} keeps a part of "
                           "positions {} to {}: {} keeps all {} or none",
                           row, group, static_cast<int64_t>(i) * pattern.unit,
                           static_cast<int64_t>(i + 1) * pattern.unit - 1,
                           pattern.name, pattern.unit);
          }
          keep[i] = counts[i] != 0;
        }
      });
}

std::vector<uint8_t> NonzeroPositions(const ConstMatrixView& matrix,
                                      const SparsityInfo& pattern) {
  CheckMatrix("NonzeroPositions", matrix, pattern);
  const int64_t kept = pattern.ratio.keep / pattern.unit;
  return ForEachGroup(
      matrix, pattern,
      [&](int64_t row, int64_t col, std::array<bool, kMaxGroup>& keep) {
        for (int64_t i = 0; i < pattern.ratio.group; ++i) {
          if (!IsZero(matrix, row, col + i)) {
            keep[static_cast<size_t>(i / pattern.unit)] = true;
          }
        }
        int64_t count = std::count(keep.begin(), keep.end(), true);
        if (count > kept) {
          internal::Fail(ErrorCode::kArgument,
                         "NonzeroPositions: row {}, group {} has elements that "
                         "are not zero in {} places: {} keeps {}",
                         row, col / pattern.ratio.group, count, pattern.name,
                         kept);
        }
        for (size_t i = 0; count < kept; ++i) {
          count += !keep[i];
          keep[i] = true;
        }
      });
}

std::vector<const SparsityInfo*> PatternsOf(const ConstMatrixView& matrix) {
  std::vector<const SparsityInfo*> patterns;
  for (const SparsityInfo& pattern : kSparsities) {
    if (matrix.cols % pattern.ratio.group != 0) continue;
    CheckMatrix("PatternsOf", matrix, pattern);
    const int64_t kept = pattern.ratio.keep / pattern.unit;
    bool satisfied = true;
    for (int64_t row = 0; row < matrix.rows && satisfied; ++row) {
      for (int64_t col = 0; col < matrix.cols; col += pattern.ratio.group) {
        std::array<bool, kMaxGroup> used = {};
        for (int64_t i = 0; i < pattern.ratio.group; ++i) {
          if (!IsZero(matrix, row, col + i)) {
            used[static_cast<size_t>(i / pattern.unit)] = true;
          }
        }
        if (std::count(used.begin(), used.end(), true) > kept) {
          satisfied = false;
          break;
        }
      }
    }
    if (satisfied) patterns.push_back(&pattern);
  }
  return patterns;
}

namespace {

// One position inside the group for every stored element of a matrix.
void CheckPositions(std::string_view operation, const ConstMatrixView& matrix,
                    const SparsityInfo& pattern,
                    std::span<const uint8_t> positions) {
  CheckMatrix(operation, matrix, pattern);
  const int64_t stored = StoredCols(matrix, pattern);
  if (std::cmp_not_equal(positions.size(), matrix.rows * stored)) {
    internal::Fail(ErrorCode::kShape,
                   "{}: the matrix is {}: {} stores {}x{} elements, got {} "
                   "positions",
                   operation, internal::Describe(matrix), pattern.name,
                   matrix.rows, stored, positions.size());
  }
  for (size_t i = 0; i < positions.size(); ++i) {
    if (positions[i] < pattern.ratio.group) continue;
    const auto at = static_cast<int64_t>(i);
    internal::Fail(ErrorCode::kArgument,
                   "{}: row {}, group {}: position {} is outside the group of "
                   "{} of {}",
                   operation, at / stored, at % stored / pattern.ratio.keep,
                   positions[i], pattern.ratio.group, pattern.name);
  }
}

}  // namespace

void Prune(const MatrixView& matrix, const SparsityInfo& pattern,
           std::span<const uint8_t> positions) {
  CheckPositions("Prune", matrix, pattern, positions);
  const uint8_t* kept = positions.data();
  for (int64_t row = 0; row < matrix.rows; ++row) {
    for (int64_t col = 0; col < matrix.cols; col += pattern.ratio.group) {
      const uint8_t* end = kept + pattern.ratio.keep;
      for (int64_t i = 0; i < pattern.ratio.group; ++i) {
        if (std::find(kept, end, i) == end) WriteCode(matrix, row, col + i, 0);
      }
      kept = end;
    }
  }
}

SparseMatrix Compress(const ConstMatrixView& matrix,
                      const SparsityInfo& pattern,
                      std::span<const uint8_t> positions) {
  CheckPositions("Compress", matrix, pattern, positions);
  const auto [keep, group] = pattern.ratio;
  SparseMatrix result;
  result.format = matrix.format;
  result.sparsity = pattern.ratio;
  result.rows = matrix.rows;
  result.stored_cols = StoredCols(matrix, pattern);
  result.positions.assign(positions.begin(), positions.end());
  const int64_t stride = DenseStride(matrix.format, result.stored_cols);
  const int64_t bits = Info(matrix.format).storage_bits;
  result.codes.resize(static_cast<size_t>(result.rows * stride * bits / 8));
  const MatrixView codes = {result.codes, matrix.format, result.rows,
                            result.stored_cols, stride};
  const uint8_t* position = positions.data();
  for (int64_t row = 0; row < result.rows; ++row) {
    for (int64_t k = 0; k < result.stored_cols; ++k) {
      WriteCode(codes, row, k,
                ReadCode(matrix, row, k / keep * group + *position++));
    }
  }
  return result;
}

void Decompress(const SparseMatrix& matrix, const MatrixView& destination) {
  const ConstMatrixView codes = matrix.codes_view();
  internal::CheckSparse("Decompress", "the matrix", matrix.operand());
  internal::CheckView("Decompress", "the matrix", codes);
  internal::CheckView("Decompress", "the destination", destination);
  if (destination.rows != matrix.rows || destination.cols != matrix.cols() ||
      destination.format != matrix.format) {
    internal::Fail(ErrorCode::kShape,
                   "Decompress: the matrix is {}, the destination {}: they "
                   "must be equal",
                   internal::Describe(Operand(matrix.operand())),
                   internal::Describe(destination));
  }
  const auto [keep, group] = matrix.sparsity;
  for (int64_t row = 0; row < matrix.rows; ++row) {
    const uint8_t* position =
        matrix.positions.data() + row * matrix.stored_cols;
    for (int64_t k = 0; k < matrix.stored_cols; k += keep) {
      for (int64_t i = 1; i < keep; ++i) {
        const uint8_t* at = position + k + i;
        if (std::find(position + k, at, *at) == at) continue;
        internal::Fail(ErrorCode::kArgument,
                       "Decompress: row {}, group {}: two elements are at "
                       "position {}",
                       row, k / keep, *at);
      }
    }
  }
  for (int64_t row = 0; row < matrix.rows; ++row) {
    const uint8_t* position =
        matrix.positions.data() + row * matrix.stored_cols;
    for (int64_t k = 0; k < destination.cols; ++k) {
      WriteCode(destination, row, k, 0);
    }
    for (int64_t k = 0; k < matrix.stored_cols; ++k) {
      WriteCode(destination, row, k / keep * group + position[k],
                ReadCode(codes, row, k));
    }
  }
}

}  // namespace zeroulp
