// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "zeroulp/arithmetic.h"
#include "zeroulp/internal/check.h"
#include "zeroulp/packed.h"

namespace zeroulp {
namespace {

constexpr int64_t kQuadBytes = PackedMatrix::kRows * PackedMatrix::kQuad;

// Quads of one group of whole bytes: row r of `source` becomes 4-byte column r.
void PackGroup(const uint8_t* source, int64_t row_stride, int64_t rows,
               int64_t cols, uint8_t* quads) {
  const int64_t whole = cols / PackedMatrix::kQuad;
  for (int64_t q = 0; q < whole; ++q) {
    uint8_t* quad = quads + q * kQuadBytes;
    const uint8_t* column = source + q * PackedMatrix::kQuad;
    for (int64_t r = 0; r < rows; ++r) {
      std::memcpy(quad + r * PackedMatrix::kQuad, column + r * row_stride,
                  PackedMatrix::kQuad);
    }
  }
  const int64_t rest = cols - whole * PackedMatrix::kQuad;
  for (int64_t r = 0; r < rows && rest > 0; ++r) {
    std::memcpy(quads + whole * kQuadBytes + r * PackedMatrix::kQuad,
                source + r * row_stride + whole * PackedMatrix::kQuad,
                static_cast<size_t>(rest));
  }
}

// The same from two codes a byte.
void PackNibbleGroup(const uint8_t* source, int64_t row_stride, int64_t rows,
                     int64_t cols, uint8_t* quads) {
  for (int64_t r = 0; r < rows; ++r) {
    const uint8_t* row = source + r * (row_stride / 2);
    for (int64_t k = 0; k < cols; ++k) {
      const int pair = row[k / 2];
      quads[k / PackedMatrix::kQuad * kQuadBytes + r * PackedMatrix::kQuad +
            k % PackedMatrix::kQuad] =
          static_cast<uint8_t>(k % 2 == 0 ? pair & 15 : pair >> 4);
    }
  }
}

}  // namespace

PackedMatrix::PackedMatrix(int64_t rows, int64_t cols, Format format)
    : rows_(rows),
      cols_(cols),
      format_(format),
      data_(static_cast<uint8_t*>(
          ::operator new[](static_cast<size_t>(size_bytes()), kAlignment))) {}

PackedMatrix Pack(const ConstMatrixView& matrix) {
  internal::CheckView("Pack", "the matrix", matrix);
  if (!kNarrowFormats.contains(matrix.format)) {
    internal::Fail(ErrorCode::kFormat,
                   "Pack: the matrix is {}: packed operands may be {}",
                   internal::Describe(matrix), kNarrowFormats.names());
  }
  // A matrix whose codes exist can still be too large once padded.
  if (!internal::ProductFits(matrix.rows + PackedMatrix::kRows,
                             matrix.cols + PackedMatrix::kQuad, 1)) {
    internal::Fail(ErrorCode::kOverflow,
                   "Pack: the matrix is {}: padded to {} rows and {} columns "
                   "its size exceeds 2^63 - 1 bytes",
                   internal::Describe(matrix), PackedMatrix::kRows,
                   PackedMatrix::kQuad);
  }
  PackedMatrix packed(matrix.rows, matrix.cols, matrix.format);
  if (packed.size_bytes() == 0) return packed;
  std::fill_n(packed.data_.get(), packed.size_bytes(), uint8_t{0});
  const auto* codes = reinterpret_cast<const uint8_t*>(matrix.bytes.data());
  const bool nibbles = Info(matrix.format).storage_bits == 4;
  for (int64_t g = 0; g < packed.groups(); ++g) {
    const int64_t row = g * PackedMatrix::kRows;
    const int64_t rows = std::min(PackedMatrix::kRows, matrix.rows - row);
    const uint8_t* source = codes + row * matrix.row_stride / (nibbles ? 2 : 1);
    uint8_t* quads = packed.data_.get() + g * packed.quads() * kQuadBytes;
    (nibbles ? PackNibbleGroup : PackGroup)(source, matrix.row_stride, rows,
                                            matrix.cols, quads);
  }
  return packed;
}

}  // namespace zeroulp
