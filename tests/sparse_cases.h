// SPDX-License-Identifier: Apache-2.0
// Problems with a sparse operand, and what the oracle makes of them.
#ifndef ZEROULP_TESTS_SPARSE_CASES_H_
#define ZEROULP_TESTS_SPARSE_CASES_H_

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/arith_cases.h"
#include "zeroulp/reference.h"
#include "zeroulp/sparse.h"

namespace zeroulp::testing {

struct SparseProblem {
  const ArithInfo* row;
  Format sparse, dense;
  Sparsity sparsity;
  bool sparse_is_a = true;
  int64_t sparse_rows = 3, dense_rows = 18;
  int64_t groups = 5;  // of K
  Values values = Values::kAny;
  bool with_c = true;
  bool ascending = true;  // positions; else any, the same one twice, too
  Scales scales = Scales::kNone;
  Format scale_format = Format::kE8M0FNU;
  int64_t block = 0;  // products of a scale
  int64_t promote_every = 0;
  uint32_t seed = 0;

  int64_t k() const { return groups * sparsity.group; }
  int64_t stored() const { return groups * sparsity.keep; }
};

inline std::string Describe(const SparseProblem& p) {
  return fmt::format(
      "{} {} {}:{} {} x {} {}x{}x{} {} c {} ascending {} scales {} of {} block "
      "{} promote {} seed {}",
      p.row->name, p.sparse_is_a ? "A" : "B^T", p.sparsity.keep,
      p.sparsity.group, Info(p.sparse).name, Info(p.dense).name, p.sparse_rows,
      p.dense_rows, p.k(), kValueNames[static_cast<size_t>(p.values)], p.with_c,
      p.ascending, static_cast<int>(p.scales), Info(p.scale_format).name,
      p.block, p.promote_every, p.seed);
}

// Operands of a problem and what the oracle makes of them.
class Prepared {
 public:
  explicit Prepared(const SparseProblem& p) : p_(p), random_(p.seed + 77) {
    Problem draw = {.row = p.row,
                    .a = p.sparse,
                    .b = p.dense,
                    .m = 0,
                    .n = 0,
                    .k = p.stored(),
                    .values = p.values};
    sparse_ = DrawMatrix(p.sparse, draw, p.sparse_rows, true, random_);
    draw.k = p.k();
    dense_ = DrawMatrix(p.dense, draw, p.dense_rows, false, random_);
    DrawPositions();
    if (p.scales != Scales::kNone) {
      sparse_scales_ = DrawScales(p.sparse_rows);
      dense_scales_ = DrawScales(p.dense_rows);
    }
    const auto [m, n] = Size();
    c_ = Matrix(p.row->accumulator, m, n, 1);
    for (int64_t r = 0; r < m; ++r) {
      for (int64_t i = 0; i < n; ++i) {
        WriteCode(c_.view, r, i,
                  DrawAddend(Info(p.row->accumulator), p.values, random_));
      }
    }
    expected_ = Blank();
    reference::Gemm(a(), b_t(), c(), expected_.view, Options());
  }

  Operand sparse() const {
    Operand x(sparse_.view);
    if (p_.scales != Scales::kNone) x.scales = {sparse_scales_.view, p_.block};
    x.sparsity = p_.sparsity;
    x.index =
        CodesView(positions_, Format::kE8M0FNU, p_.sparse_rows, p_.stored());
    return x;
  }
  Operand dense() const {
    Operand x(dense_.view);
    if (p_.scales != Scales::kNone) {
      x.scales = {dense_scales_.view,
                  p_.block * p_.sparsity.group / p_.sparsity.keep};
    }
    return x;
  }
  Operand a() const { return p_.sparse_is_a ? sparse() : dense(); }
  Operand b_t() const { return p_.sparse_is_a ? dense() : sparse(); }
  ConstMatrixView c() const {
    return p_.with_c ? ConstMatrixView(c_.view) : ConstMatrixView();
  }
  const Matrix& expected() const { return expected_; }
  GemmOptions Options() const {
    return {
        .arith = p_.row->name, .promote_every = p_.promote_every, .threads = 1};
  }
  Matrix Blank() const {
    const auto [m, n] = Size();
    Matrix d(p_.row->output, m, n, 2);
    std::fill(d.bytes.begin(), d.bytes.end(), uint8_t{0x5A});
    return d;
  }
  void ExpectExact(const Matrix& d, const std::string& what) const {
    if (d.bytes == expected_.bytes) return;
    ADD_FAILURE() << Describe(p_) << " " << what << ": "
                  << ToString(CompareBits(expected_.view, d.view));
  }

 private:
  std::pair<int64_t, int64_t> Size() const {
    return p_.sparse_is_a ? std::pair(p_.sparse_rows, p_.dense_rows)
                          : std::pair(p_.dense_rows, p_.sparse_rows);
  }
  void DrawPositions() {
    const auto [keep, group] = p_.sparsity;
    std::vector<uint8_t> all(static_cast<size_t>(group));
    for (int64_t i = 0; i < p_.sparse_rows * p_.groups; ++i) {
      std::iota(all.begin(), all.end(), uint8_t{0});
      std::shuffle(all.begin(), all.end(), random_);
      const auto end = all.begin() + keep;
      if (p_.ascending) {
        std::sort(all.begin(), end);
      } else if (keep > 1 && i % 3 == 0) {
        all[1] = all[0];
      }
      positions_.insert(positions_.end(), all.begin(), end);
    }
  }
  Matrix DrawScales(int64_t rows) {
    const FormatInfo& f = Info(p_.scale_format);
    Matrix s(f.id, rows, (p_.stored() + p_.block - 1) / p_.block, 0);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < s.view.cols; ++i) {
        WriteCode(s.view, r, i, DrawScale(f, p_.scales, random_));
      }
    }
    return s;
  }

  SparseProblem p_;
  std::mt19937 random_;
  Matrix sparse_, dense_, sparse_scales_, dense_scales_, c_, expected_;
  std::vector<uint8_t> positions_;
};

inline const ArithInfo& Chain() { return FindArith("chain.f32"); }

}  // namespace zeroulp::testing

#endif  // ZEROULP_TESTS_SPARSE_CASES_H_
