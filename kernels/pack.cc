// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "kernels/pack_codes.h"
#include "zeroulp/arithmetic.h"
#include "zeroulp/internal/check.h"
#include "zeroulp/packed.h"

namespace zeroulp {
namespace {

constexpr bool IsOperandFormat(Format format) {
  return std::any_of(kArith.begin(), kArith.end(), [=](const ArithInfo& row) {
    return row.a.contains(format) || row.b.contains(format);
  });
}

std::string OperandFormats() {
  std::string names;
  for (const FormatInfo& f : kFormats) {
    if (!IsOperandFormat(f.id)) continue;
    names.append(names.empty() ? "" : " ").append(f.name);
  }
  return names;
}

// Every row its own scales; rows past the end, which no result comes from,
// those of the last.
void PackScales(const BlockScales& scales, int64_t rows, int64_t groups,
                uint8_t* packed) {
  const auto size =
      static_cast<size_t>(Info(scales.codes.format).storage_bits / 8);
  for (int64_t g = 0; g < groups; ++g) {
    for (int64_t b = 0; b < scales.codes.cols; ++b) {
      for (int64_t lane = 0; lane < PackedMatrix::kRows; ++lane) {
        const int64_t row = std::min(g * PackedMatrix::kRows + lane, rows - 1);
        const uint32_t code =
            ReadCode(scales.codes, row / scales.block_rows, b);
        std::memcpy(packed, &code, size);
        packed += size;
      }
    }
  }
}

void CheckScales(const Operand& operand) {
  const BlockScales& s = operand.scales;
  internal::CheckBlock("Pack", "the matrix", s);
  if (s.block == 0) return;
  if (s.block < 0 || s.block_rows < 1) {
    internal::Fail(ErrorCode::kArgument,
                   "Pack: the matrix has a scale for every {} elements of K "
                   "and {} rows: both must be positive",
                   s.block, s.block_rows);
  }
  internal::CheckView("Pack", "the scales", s.codes);
  const int64_t rows = internal::NumParts(operand.codes.rows, s.block_rows);
  const int64_t cols = internal::NumParts(operand.codes.cols, s.block);
  if (s.codes.rows != rows || s.codes.cols != cols) {
    internal::Fail(ErrorCode::kShape,
                   "Pack: the matrix is {} with a scale for every {} elements "
                   "of {} rows: its scales must be {}x{}, got {}x{}",
                   internal::Describe(operand.codes), s.block, s.block_rows,
                   rows, cols, s.codes.rows, s.codes.cols);
  }
  constexpr FormatSet kScaleFormats = {Format::kE8M0FNU, Format::kUE4M3,
                                       Format::kF32};
  if (!kScaleFormats.contains(s.codes.format)) {
    internal::Fail(ErrorCode::kFormat,
                   "Pack: the scales are {}: block scales may be {}",
                   Info(s.codes.format).name, kScaleFormats.names());
  }
}

}  // namespace

PackedMatrix::Bytes PackedMatrix::Allocate(int64_t size_bytes) {
  return Bytes(static_cast<uint8_t*>(
      ::operator new[](static_cast<size_t>(size_bytes), kAlignment)));
}

PackedMatrix::PackedMatrix(int64_t rows, int64_t cols, Format format,
                           int64_t scale_block, Format scale_format)
    : rows_(rows),
      cols_(cols),
      format_(format),
      scale_block_(scale_block),
      scale_format_(scale_format),
      data_(Allocate(size_bytes())),
      scales_(Allocate(scale_bytes())),
      smallest_(static_cast<size_t>(format == Format::kBF16 ? groups() : 0),
                kNothingButZero) {}

PackedMatrix Pack(const Operand& operand) {
  const ConstMatrixView& matrix = operand.codes;
  internal::CheckView("Pack", "the matrix", matrix);
  internal::CheckPattern("Pack", "the matrix", operand);
  if (operand.is_sparse()) {
    internal::Fail(ErrorCode::kUnsupported,
                   "Pack: the matrix is {} with structured sparsity: packed "
                   "operands are dense",
                   internal::Describe(matrix));
  }
  if (!IsOperandFormat(matrix.format)) {
    internal::Fail(ErrorCode::kFormat,
                   "Pack: the matrix is {}: packed operands may be {}",
                   internal::Describe(matrix), OperandFormats());
  }
  // A matrix whose codes exist can still be too large once padded, or once
  // every row has its own scales, of at most 4 bytes like the codes.
  if (!internal::ProductFits(matrix.rows + PackedMatrix::kRows,
                             matrix.cols + PackedMatrix::kQuad, 4)) {
    internal::Fail(ErrorCode::kOverflow,
                   "Pack: the matrix is {}: padded to {} rows and {} columns "
                   "its size exceeds 2^63 - 1 bytes",
                   internal::Describe(matrix), PackedMatrix::kRows,
                   PackedMatrix::kQuad);
  }
  CheckScales(operand);
  // A block that no K fills stays countable: PackedMatrix rounds K up to it.
  PackedMatrix packed(matrix.rows, matrix.cols, matrix.format,
                      std::min(operand.scales.block, internal::kMaxSize),
                      operand.scales.codes.format);
  if (packed.quads() > 0) {
    kernels::PackCodes(matrix, packed.data_.get(), packed.smallest_);
  }
  if (packed.scale_block() != 0) {
    PackScales(operand.scales, packed.rows(), packed.groups(),
               packed.scales_.get());
  }
  return packed;
}

}  // namespace zeroulp
