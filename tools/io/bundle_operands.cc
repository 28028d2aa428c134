// SPDX-License-Identifier: Apache-2.0
#include "tools/io/bundle_operands.h"

#include <algorithm>
#include <numeric>

#include "zeroulp/codec.h"
#include "zeroulp/reference.h"

namespace zeroulp::io {
namespace {

Operand OperandOf(const BundleMatrix& codes,
                  const std::optional<BundleMatrix>& scales, int64_t block,
                  int64_t batch) {
  Operand operand = codes.View(batch);
  if (scales) operand.scales = {scales->View(batch), block};
  return operand;
}

// A rectangle of a view; a 4-bit one starts at an even column.
ConstMatrixView Part(const ConstMatrixView& view, int64_t row, int64_t rows,
                     int64_t col, int64_t cols) {
  const int64_t first = (row * view.row_stride + col) *
                        int64_t{Info(view.format).storage_bits} / 8;
  return {view.bytes.subspan(static_cast<size_t>(first)), view.format, rows,
          cols, view.row_stride};
}

ConstMatrixView Row(const ConstMatrixView& view, int64_t row) {
  return Part(view, row, 1, 0, view.cols);
}

Operand RowOf(const Operand& x, int64_t row) {
  Operand result = x;
  result.codes = Row(x.codes, row);
  if (x.scales.block != 0) {
    result.scales.codes = Row(x.scales.codes, row / x.scales.block_rows);
    result.scales.block_rows = 1;
  }
  if (x.is_sparse()) result.index = Row(x.index, row);
  return result;
}

// Columns first ... first + count - 1, those that exist.
Operand ColsOf(const Operand& x, int64_t first, int64_t count) {
  const auto cut = [](const ConstMatrixView& view, int64_t begin,
                      int64_t length) {
    return Part(view, 0, view.rows, begin, std::min(length, view.cols - begin));
  };
  Operand result = x;
  result.codes = cut(x.codes, first, count);
  if (const int64_t block = x.scales.block; block != 0) {
    const int64_t blocks = (result.codes.cols + block - 1) / block;
    result.scales.codes = cut(x.scales.codes, first / block, blocks);
  }
  if (x.is_sparse()) result.index = cut(x.index, first, count);
  return result;
}

}  // namespace

Operands MatrixOperands(const Bundle& bundle, int64_t batch) {
  // Scales of B beside a sparse A: as many of its own elements as a scale of A
  // stands for.
  const int64_t b_block =
      bundle.sparsity
          ? bundle.block * bundle.sparsity->group / bundle.sparsity->keep
          : bundle.block;
  Operands x = {OperandOf(bundle.a, bundle.a_scales, bundle.block, batch),
                OperandOf(bundle.b_t, bundle.b_scales, b_block, batch),
                bundle.c ? bundle.c->View(batch) : ConstMatrixView()};
  if (bundle.a_row_scales) x.a_row_scales = bundle.a_row_scales->View(batch);
  if (bundle.b_row_scales) x.b_row_scales = bundle.b_row_scales->View(batch);
  if (!bundle.sparsity) return x;
  const int64_t size = bundle.a.rows * bundle.a.cols;
  x.a.sparsity = *bundle.sparsity;
  x.a.index = CodesView(std::span(bundle.a_index)
                            .subspan(static_cast<size_t>(batch * size),
                                     static_cast<size_t>(size)),
                        Format::kE8M0FNU, bundle.a.rows, bundle.a.cols);
  return x;
}

Operands ElementOperands(const Operands& x, int64_t row, int64_t col) {
  const auto one = [](const ConstMatrixView& view, int64_t i, int64_t j) {
    return view.rows == 0 ? view : Part(view, i, 1, j, 1);
  };
  return {RowOf(x.a, row), RowOf(x.b_t, col), one(x.c, row, col),
          one(x.a_row_scales, 0, row), one(x.b_row_scales, 0, col)};
}

Operands PartOfK(const Operands& x, int64_t first, int64_t count) {
  const auto [keep, group] =
      x.a.is_sparse() ? x.a.sparsity : Sparsity{.keep = 1, .group = 1};
  return {ColsOf(x.a, first, count),
          ColsOf(x.b_t, first / keep * group, count / keep * group), x.c};
}

int64_t PartLength(const Operands& x, int64_t length) {
  const auto [keep, group] =
      x.a.is_sparse() ? x.a.sparsity : Sparsity{.keep = 1, .group = 1};
  length = std::lcm(length, keep);
  if (x.a.scales.block != 0) length = std::lcm(length, x.a.scales.block);
  const auto whole_bytes = [](const Operand& operand, int64_t cols) {
    return cols * Info(operand.codes.format).storage_bits % 8 == 0;
  };
  while (!whole_bytes(x.a, length) ||
         !whole_bytes(x.b_t, length / keep * group)) {
    length *= 2;
  }
  return length;
}

GemmOptions WithRowScales(GemmOptions options, const Operands& x) {
  options.a_row_scales = x.a_row_scales;
  options.b_row_scales = x.b_row_scales;
  return options;
}

std::optional<float> AlphaOf(const Bundle& bundle) {
  if (!bundle.a_tensor_scale && !bundle.b_tensor_scale) return {};
  return bundle.a_tensor_scale.value_or(1.0f) *
         bundle.b_tensor_scale.value_or(1.0f);
}

bool MayStore(const ArithInfo& row, Format format) {
  return format == row.output ||
         (row.output == Format::kF32 &&
          (format == Format::kBF16 || format == Format::kF16));
}

uint32_t StoredWord(const ArithInfo& row, Format format, uint32_t word) {
  if (format == row.output) return word;
  const NanRule nan =
      row.nan_word == 0x7FFFFFFF ? NanRule::kOnesPositive : NanRule::kKeepSign;
  return Encode(format, Decode(row.output, word), Rounding::kNearestEven,
                Overflow::kIeee, {}, nan);
}

BundleMatrix EmptyResult(const Bundle& bundle, Format format) {
  return BundleMatrix::Zeros(format, FindDtype(Info(format).safetensors).id,
                             bundle.batch(), bundle.m(), bundle.n());
}

BundleMatrix Stored(const ArithInfo& row, Format format, BundleMatrix result) {
  if (format == result.format) return result;
  BundleMatrix stored =
      BundleMatrix::Zeros(format, FindDtype(Info(format).safetensors).id,
                          result.batch, result.rows, result.cols);
  for (int64_t i = 0; i < result.batch; ++i) {
    const ConstMatrixView from = result.View(i);
    for (int64_t m = 0; m < result.rows; ++m) {
      for (int64_t n = 0; n < result.cols; ++n) {
        WriteCode(stored.View(i), m, n,
                  StoredWord(row, format, ReadCode(from, m, n)));
      }
    }
  }
  return stored;
}

bool RunKernel(const Bundle& bundle, const GemmOptions& options,
               BundleMatrix& d) {
  try {
    for (int64_t i = 0; i < bundle.batch(); ++i) {
      const Operands x = MatrixOperands(bundle, i);
      Gemm(x.a, x.b_t, x.c, d.View(i), WithRowScales(options, x));
    }
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;
    return false;
  }
}

void RunOracle(const Bundle& bundle, const ArithInfo& row,
               const GemmOptions& options, BundleMatrix& d) {
  for (int64_t i = 0; i < bundle.batch(); ++i) {
    const Operands x = MatrixOperands(bundle, i);
    reference::GemmWithRow(row, x.a, x.b_t, x.c, d.View(i),
                           WithRowScales(options, x));
  }
}

}  // namespace zeroulp::io
