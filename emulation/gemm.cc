// SPDX-License-Identifier: Apache-2.0
// reference::Gemm: operands taken apart, then one element of D at a time.
#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <vector>

#include "emulation/dot.h"
#include "emulation/epilogue.h"
#include "emulation/sum.h"
#include "zeroulp/internal/check.h"
#include "zeroulp/internal/check_batch.h"
#include "zeroulp/reference.h"

namespace zeroulp {
namespace emulation {
namespace {

// In the order of Model.
constexpr std::array kModels = {Exact,      Chain,      FusedDot,
                                SplitFused, GroupFused, EvenOdd,
                                PairTree,   Systolic,   DotPairs};
static_assert(kModels.size() == static_cast<size_t>(Model::kDotPairs) + 1);

Number UnpackOperand(const ArithInfo& row, Format format, uint32_t code) {
  Number x = Unpack(Info(format), code);
  if (row.widen && x.kind == Kind::kFinite && x.significand != 0) {
    // The same value with the significand and exponent of the wider format:
    // its hidden bit is on top unless it is subnormal there too.
    const FormatInfo& wide = Info(*row.widen);
    const int top =
        static_cast<int>(std::bit_width(x.significand)) - 1 + x.unit;
    x.exponent = std::max(top, wide.min_exponent());
    const int unit = x.exponent - wide.mantissa_bits;
    x.significand <<= x.unit - unit;
    x.unit = unit;
  }
  const bool subnormal = x.significand >> Info(format).mantissa_bits == 0;
  if (row.flush_inputs && x.kind == Kind::kFinite && subnormal) {
    x.significand = 0;
  }
  return x;
}

// One row of an operand: what is stored, and where in K it stands.
struct Row {
  std::vector<Number> values;
  std::vector<Number> scales;
  std::vector<int64_t> positions;  // empty: 0, 1, 2, ...
};

std::vector<Row> UnpackRows(const ArithInfo& row, const Operand& operand) {
  const ConstMatrixView& codes = operand.codes;
  const BlockScales& scales = operand.scales;
  std::vector<Row> rows(static_cast<size_t>(codes.rows));
  for (int64_t r = 0; r < codes.rows; ++r) {
    Row& out = rows[static_cast<size_t>(r)];
    for (int64_t k = 0; k < codes.cols; ++k) {
      out.values.push_back(
          UnpackOperand(row, codes.format, ReadCode(codes, r, k)));
      if (operand.is_sparse()) {
        out.positions.push_back(k / operand.sparsity.keep *
                                    operand.sparsity.group +
                                ReadCode(operand.index, r, k));
      }
    }
    for (int64_t s = 0; scales.block != 0 && s < scales.codes.cols; ++s) {
      out.scales.push_back(
          Unpack(Info(scales.codes.format),
                 ReadCode(scales.codes, r / scales.block_rows, s)));
    }
  }
  return rows;
}

// Products and scales of one element of D.
struct Terms {
  std::vector<Number> products, scales;
  int64_t block = 0;
};

// The block length that cuts both operands' blocks; 0 is of an operand without
// scales. A block of all of K is not cut by its length.
int64_t Finer(int64_t a_block, int64_t b_block, int64_t k_end) {
  const auto cuts = [k_end](int64_t block) {
    return 0 < block && block < k_end;
  };
  if (cuts(a_block) && cuts(b_block)) return std::gcd(a_block, b_block);
  if (cuts(a_block)) return a_block;
  if (cuts(b_block)) return b_block;
  return std::max<int64_t>(k_end, 1);
}

// A scale for every block of the finer operand. FP32 scales multiply with one
// rounding (RNE), but for an exact sum; the others exactly.
void CombineScales(Model model, const Operand& a, const Operand& b_t,
                   const Row& x, const Row& y, Terms& terms) {
  // Both block lengths in products: scales of the dense partner of a sparse
  // operand cover group / keep times as many elements.
  const auto length = [](const Operand& x_operand, const Sparsity& partner) {
    const int64_t block = x_operand.scales.block;
    return partner.group == 0 ? block : block * partner.keep / partner.group;
  };
  const int64_t a_block = length(a, b_t.sparsity);
  const int64_t b_block = length(b_t, a.sparsity);
  if (a_block == 0 && b_block == 0) return;
  const Number one = {Kind::kFinite, false, 1, 0, 0};
  const auto k_end = static_cast<int64_t>(terms.products.size());
  terms.block = Finer(a_block, b_block, k_end);
  const auto at = [&one](const Row& row, int64_t block, int64_t k) {
    return block == 0 ? one : row.scales[static_cast<size_t>(k / block)];
  };
  const auto rounds = [model](const Operand& operand) {
    return model != Model::kExact && operand.scales.block != 0 &&
           operand.scales.codes.format == Format::kF32;
  };
  for (int64_t k = 0; k < k_end; k += terms.block) {
    Number scale = Multiply(at(x, a_block, k), at(y, b_block, k));
    if (rounds(a) || rounds(b_t)) {
      Sum sum;
      sum.Add(scale);
      const FormatInfo& f32 = Info(Format::kF32);
      scale = Unpack(f32, sum.Rounded(f32, f32.nan_code()));
    }
    terms.scales.push_back(scale);
  }
}

// Sparse operands choose the pairs: a position that is not stored is absent
// from the other operand as well.
Terms Pair(Model model, const Operand& a, const Operand& b_t, const Row& x,
           const Row& y) {
  Terms terms;
  const Row& chooser = a.is_sparse() ? x : y;
  for (size_t k = 0; k < chooser.values.size(); ++k) {
    const auto at = [&](const Operand& operand, const Row& row) {
      const bool dense_partner =
          !operand.is_sparse() && !chooser.positions.empty();
      return row
          .values[dense_partner ? static_cast<size_t>(chooser.positions[k])
                                : k];
    };
    terms.products.push_back(Multiply(at(a, x), at(b_t, y)));
  }
  CombineScales(model, a, b_t, x, y, terms);
  return terms;
}

uint32_t Run(const ArithInfo& row, const Dot& dot) {
  return kModels[static_cast<size_t>(row.model)](row, dot);
}

// Two-level accumulation: every `length` products start from zero, and their
// result is added to the accumulator by an ordinary fma with its scale.
uint32_t Promoted(const ArithInfo& row, const Terms& terms, size_t length,
                  uint32_t c) {
  const FormatInfo& out = Info(row.output);
  uint32_t acc = Unpack(out, c).kind == Kind::kNan ? row.nan_word : c;
  const size_t block = static_cast<size_t>(terms.block);
  for (size_t k = 0; k < terms.products.size(); k += length) {
    const Dot part = Dot{terms.products, {}, 0, 0}.Slice(k, length, 0);
    Number x = Unpack(out, Run(row, part));
    if (block != 0) x = Multiply(x, terms.scales[k / block]);
    Sum sum;
    sum.Add(Unpack(out, acc));
    sum.Add(x);
    acc = sum.Rounded(out, row.nan_word);
  }
  return acc;
}

uint32_t Element(const ArithInfo& row, const GemmOptions& options,
                 const Terms& terms, uint32_t c) {
  if (options.promote_every == 0) {
    return Run(row, {terms.products, terms.scales, terms.block, c});
  }
  return Promoted(row, terms, static_cast<size_t>(options.promote_every), c);
}

// All of D, of operands as CheckGemm leaves them.
void ComputeD(const ArithInfo& row, const Operand& a, const Operand& b_t,
              const ConstMatrixView& c, const MatrixView& d,
              const GemmOptions& options) {
  const auto a_rows = UnpackRows(row, a);
  const auto b_rows = UnpackRows(row, b_t);
  const bool no_c = internal::IsEmpty(c);
  for (int64_t m = 0; m < d.rows; ++m) {
    for (int64_t n = 0; n < d.cols; ++n) {
      const Terms terms =
          Pair(row.model, a, b_t, a_rows[static_cast<size_t>(m)],
               b_rows[static_cast<size_t>(n)]);
      const uint32_t sum =
          Element(row, options, terms, no_c ? 0u : ReadCode(c, m, n));
      WriteCode(d, m, n, Finished(row, options, sum, m, n, d.format));
    }
  }
}

}  // namespace
}  // namespace emulation

namespace reference {

void Gemm(const Operand& a, const Operand& b_t, const ConstMatrixView& c,
          const MatrixView& d, const GemmOptions& options) {
  const ArithInfo& row = internal::CheckGemm(a, b_t, c, d, options);
  emulation::ComputeD(row, a, b_t, c, d, options);
}

void BatchedGemm(const Operand& a, const Operand& b_t, const ConstMatrixView& c,
                 const MatrixView& d, const Batch& batch,
                 const GemmOptions& options) {
  const ArithInfo& row = internal::CheckBatch(a, b_t, c, d, batch, options);
  for (int64_t i = 0; i < batch.count; ++i) {
    const internal::BatchMember x(a, b_t, c, d, batch, options, i);
    emulation::ComputeD(row, x.a, x.b_t, x.c, x.d, x.options);
  }
}

void GemmWithRow(const ArithInfo& row, const Operand& a, const Operand& b_t,
                 const ConstMatrixView& c, const MatrixView& d,
                 const GemmOptions& options) {
  internal::CheckGemm(row, a, b_t, c, d, options);
  emulation::ComputeD(row, a, b_t, c, d, options);
}

}  // namespace reference
}  // namespace zeroulp
