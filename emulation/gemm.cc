// SPDX-License-Identifier: Apache-2.0
// reference::Gemm: one element of D at a time.
#include <vector>

#include "emulation/fixed.h"
#include "emulation/number.h"
#include "emulation/round.h"
#include "zeroulp/arithmetic.h"
#include "zeroulp/internal/check.h"
#include "zeroulp/reference.h"

namespace zeroulp {
namespace emulation {
namespace {

// A sum that may contain infinities and NaN, by IEEE 754's rules.
class Sum {
 public:
  void Add(const Number& x) {
    AddTerm(x.kind, x.negative, x.significand, x.exponent);
  }
  void AddProduct(const Number& x, const Number& y) {
    const bool negative = x.negative != y.negative;
    if (x.kind == Kind::kFinite && y.kind == Kind::kFinite) {
      AddTerm(Kind::kFinite, negative, uint64_t{x.significand} * y.significand,
              x.exponent + y.exponent);
    } else if (x.kind == Kind::kNan || y.kind == Kind::kNan || x.is_zero() ||
               y.is_zero()) {
      AddTerm(Kind::kNan, false, 0, 0);  // infinity times zero, or NaN
    } else {
      AddTerm(Kind::kInfinity, negative, 0, 0);
    }
  }

  uint32_t RoundedToF32(uint32_t nan_word) const {
    if (nan_ || (plus_infinity_ && minus_infinity_)) return nan_word;
    if (plus_infinity_) return 0x7F800000u;
    if (minus_infinity_) return 0xFF800000u;
    if (finite_.negative() || finite_.Width() > 0) return RoundToF32(finite_);
    return all_minus_zero_ ? 0x80000000u : 0u;
  }

 private:
  void AddTerm(Kind kind, bool negative, uint64_t significand, int exponent) {
    if (kind == Kind::kNan) nan_ = true;
    if (kind == Kind::kInfinity) {
      (negative ? minus_infinity_ : plus_infinity_) = true;
    }
    if (kind != Kind::kFinite) return;
    if (significand != 0) finite_.Add(negative, significand, exponent);
    all_minus_zero_ = all_minus_zero_ && negative && significand == 0;
  }

  Fixed finite_;
  bool nan_ = false, plus_infinity_ = false, minus_infinity_ = false;
  bool all_minus_zero_ = true;
};

using Row = std::vector<Number>;

uint32_t Exact(const Row& a, const Row& b, uint32_t c, uint32_t nan_word) {
  Sum sum;
  sum.Add(Unpack(Info(Format::kF32), c));
  for (size_t k = 0; k < a.size(); ++k) sum.AddProduct(a[k], b[k]);
  return sum.RoundedToF32(nan_word);
}

uint32_t Chain(const Row& a, const Row& b, uint32_t c, uint32_t nan_word) {
  uint32_t acc = Exact({}, {}, c, nan_word);  // K = 0: C, NaN made canonical
  for (size_t k = 0; k < a.size(); ++k) {
    Sum sum;
    sum.Add(Unpack(Info(Format::kF32), acc));
    sum.AddProduct(a[k], b[k]);
    acc = sum.RoundedToF32(nan_word);
  }
  return acc;
}

uint32_t Element(const ArithInfo& row, const Row& a, const Row& b, uint32_t c) {
  switch (row.model) {
    case Model::kExact:
      return Exact(a, b, c, row.nan_word);
    case Model::kChain:
      return Chain(a, b, c, row.nan_word);
  }
  internal::Fail(ErrorCode::kUnsupported, "no oracle for {}", row.name);
}

std::vector<Row> UnpackRows(const ConstMatrixView& view) {
  std::vector<Row> rows(static_cast<size_t>(view.rows));
  for (int64_t r = 0; r < view.rows; ++r) {
    Row& row = rows[static_cast<size_t>(r)];
    row.reserve(static_cast<size_t>(view.cols));
    for (int64_t k = 0; k < view.cols; ++k) {
      row.push_back(Unpack(Info(view.format), ReadCode(view, r, k)));
    }
  }
  return rows;
}

}  // namespace
}  // namespace emulation

namespace reference {

void Gemm(const ConstMatrixView& a, const ConstMatrixView& b_t,
          const ConstMatrixView& c, const MatrixView& d,
          const GemmOptions& options) {
  const ArithInfo& row =
      internal::CheckGemm({a.rows, a.cols, a.format},
                          {b_t.rows, b_t.cols, b_t.format}, c, d, options);
  internal::CheckOperandView("A", a, d);
  internal::CheckOperandView("B^T", b_t, d);
  if (d.rows == 0 || d.cols == 0) return;
  const auto a_rows = emulation::UnpackRows(a);
  const auto b_rows = emulation::UnpackRows(b_t);
  const bool no_c = internal::IsEmpty(c);
  for (int64_t m = 0; m < d.rows; ++m) {
    for (int64_t n = 0; n < d.cols; ++n) {
      const uint32_t c_word = no_c ? 0u : ReadCode(c, m, n);
      WriteCode(d, m, n,
                emulation::Element(row, a_rows[static_cast<size_t>(m)],
                                   b_rows[static_cast<size_t>(n)], c_word));
    }
  }
}

}  // namespace reference
}  // namespace zeroulp
