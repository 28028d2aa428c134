// SPDX-License-Identifier: Apache-2.0
// Sparse MXFP4 whose scales lie close together, and on both sides of where that
// ends.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "kernels/aligned_rows.h"
#include "kernels/sparse_fp4.h"
#include "kernels/sparse_table.h"
#include "tests/arith_cases.h"
#include "zeroulp/reference.h"
#include "zeroulp/sparse.h"

namespace zeroulp {
namespace {

using testing::ForEachTarget;
using testing::Matrix;

constexpr int64_t kBlock = 32;  // stored elements of a scale

// A scale's code of a row and block.
using ScaleOf = std::function<uint32_t(int64_t, int64_t)>;

// The lowest one of each row is another; others are up to 2^shift times it.
ScaleOf Close(int shift) {
  return [shift](int64_t row, int64_t block) {
    const auto base = static_cast<uint32_t>(100 + row * 7 % 50);
    return base + static_cast<uint32_t>((row + block * 5) % (shift + 1));
  };
}

struct Case {
  Sparsity sparsity = {4, 16};
  int64_t dense_rows = 70, sparse_rows = 33, groups = 64;
  ScaleOf dense_scale = Close(2), sparse_scale = Close(3);
  bool only_largest = false;  // elements of 6, else any
  bool with_c = false;
  bool sparse_is_a = false;
  int threads = 1;
};

class Built {
 public:
  explicit Built(const Case& c) : case_(c) {
    const auto [keep, group] = c.sparsity;
    const int64_t k = c.groups * group, stored = c.groups * keep;
    dense_ = Codes(c.dense_rows, k);
    sparse_ = Codes(c.sparse_rows, stored);
    dense_scales_ = Scales(c.dense_rows, stored, c.dense_scale);
    sparse_scales_ = Scales(c.sparse_rows, stored, c.sparse_scale);
    for (int64_t i = 0; i < c.sparse_rows * c.groups; ++i) {
      const auto first = static_cast<int64_t>(random_() % (group - keep + 1));
      for (int64_t p = 0; p < keep; ++p) {
        positions_.push_back(static_cast<uint8_t>(first + p));
      }
    }
    const int64_t m = c.sparse_is_a ? c.sparse_rows : c.dense_rows;
    const int64_t n = c.sparse_is_a ? c.dense_rows : c.sparse_rows;
    c_ = Matrix(Format::kF32, m, n, 0);
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        WriteCode(c_.view, i, j,
                  0x3F800000u + static_cast<uint32_t>(random_()) % 4096);
      }
    }
    d_ = Matrix(Format::kF32, m, n, 3);
  }

  void Zero(int64_t dense_row, int64_t block) {
    const int64_t length = kBlock * case_.sparsity.group / case_.sparsity.keep;
    for (int64_t i = 0; i < length; ++i) {
      WriteCode(dense_.view, dense_row, block * length + i, i % 2 == 0 ? 0 : 8);
    }
  }

  void ExpectExact() {
    const Operand sparse = Sparse(), dense = Dense();
    const Operand& a = case_.sparse_is_a ? sparse : dense;
    const Operand& b_t = case_.sparse_is_a ? dense : sparse;
    const GemmOptions options = {.arith = "chain.f32",
                                 .threads = case_.threads};
    Matrix expected(Format::kF32, d_.view.rows, d_.view.cols, 0);
    reference::Gemm(a, b_t, c(), expected.view, options);
    const PackedSparse packed_sparse = PackSparse(sparse);
    const PackedMatrix packed_dense = Pack(dense);
    ForEachTarget([&](const char* target) {
      std::fill(d_.bytes.begin(), d_.bytes.end(), uint8_t{0x5A});
      if (case_.sparse_is_a) {
        SparseGemm(packed_sparse, packed_dense, c(), d_.view, options);
      } else {
        SparseGemm(packed_dense, packed_sparse, c(), d_.view, options);
      }
      EXPECT_TRUE(CompareBits(expected.view, d_.view).exact())
          << target << ": " << ToString(CompareBits(expected.view, d_.view));
    });
  }

  // Of all rows, as one part.
  bool IsAligned() {
    const PackedSparse sparse = PackSparse(Sparse());
    const PackedMatrix dense = Pack(Dense());
    const kernels::SparseCall call = {
        &FindArith("chain.f32"), &sparse, &dense,
        case_.sparse_is_a,       c(),     d_.view};
    const auto groups = static_cast<size_t>((case_.sparse_rows + 15) / 16);
    std::vector<int8_t> shifts(groups);
    for (size_t g = 0; g < groups; ++g) {
      uint8_t lowest[16];
      shifts[g] =
          static_cast<int8_t>(kernels::AlignRows(sparse.stored(), g, lowest));
    }
    return kernels::MostSparseShift(
               call, {0, case_.dense_rows, 0, case_.sparse_rows}, shifts) >= 0;
  }

 private:
  Operand Dense() const {
    return {dense_.view,
            {dense_scales_.view,
             kBlock * case_.sparsity.group / case_.sparsity.keep}};
  }
  Operand Sparse() const {
    Operand x(sparse_.view, {sparse_scales_.view, kBlock});
    x.sparsity = case_.sparsity;
    x.index = CodesView(positions_, Format::kE8M0FNU, case_.sparse_rows,
                        sparse_.view.cols);
    return x;
  }
  ConstMatrixView c() const {
    return case_.with_c ? ConstMatrixView(c_.view) : ConstMatrixView();
  }

  Matrix Codes(int64_t rows, int64_t cols) {
    Matrix codes(Format::kE2M1FN, rows, cols, 0);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < cols; ++i) {
        WriteCode(
            codes.view, r, i,
            case_.only_largest ? 7 : static_cast<uint32_t>(random_()) % 16);
      }
    }
    return codes;
  }
  static Matrix Scales(int64_t rows, int64_t stored, const ScaleOf& scale) {
    Matrix scales(Format::kE8M0FNU, rows, (stored + kBlock - 1) / kBlock, 0);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t b = 0; b < scales.view.cols; ++b) {
        WriteCode(scales.view, r, b, scale(r, b));
      }
    }
    return scales;
  }

  Case case_;
  std::mt19937 random_{5};
  Matrix dense_, sparse_, dense_scales_, sparse_scales_, c_, d_;
  std::vector<uint8_t> positions_;
};

TEST(SparseAligned, EveryShapeAndPattern) {
  for (const Sparsity sparsity :
       {Sparsity{4, 16}, Sparsity{2, 4}, Sparsity{4, 8}, Sparsity{4, 12},
        Sparsity{1, 4}, Sparsity{2, 8}}) {
    for (const int64_t stored : {0, 4, 28, 32, 36, 256, 1028, 2080}) {
      for (const bool sparse_is_a : {true, false}) {
        for (const auto& [dense_rows, sparse_rows] :
             {std::pair(1, 1), std::pair(35, 64), std::pair(129, 17)}) {
          Case c = {.sparsity = sparsity,
                    .dense_rows = dense_rows,
                    .sparse_rows = sparse_rows,
                    .groups = stored / sparsity.keep,
                    .sparse_is_a = sparse_is_a};
          if (stored > 1000) c.dense_scale = c.sparse_scale = Close(1);
          if (stored > 1000 && dense_rows > 100) continue;
          Built built(c);
          built.ExpectExact();
          EXPECT_EQ(built.IsAligned(), sparsity.group != 12);
        }
      }
    }
  }
}

// As many products of (6 * 2^3)^2 as 24 bits hold, and one group more.
TEST(SparseAligned, BothSidesOfTheLongestK) {
  for (const int shift : {0, 3}) {
    const int64_t most = (int64_t{1} << 24) / 144 >> (2 * shift);
    for (const int64_t groups : {most / 4, most / 4 + 1}) {
      const ScaleOf scale = [&](int64_t, int64_t block) {
        return static_cast<uint32_t>(block == 0 ? 127 : 127 + shift);
      };
      Built built({.dense_rows = 2,
                   .sparse_rows = 3,
                   .groups = groups,
                   .dense_scale = scale,
                   .sparse_scale = scale,
                   .only_largest = true});
      EXPECT_EQ(built.IsAligned(), groups * 4 <= most);
      built.ExpectExact();
    }
  }
}

TEST(SparseAligned, RowsTooFarApartAndBack) {
  for (const int64_t odd : {0, 64, 127, 200}) {
    for (const int threads : {1, 2, 3}) {
      const ScaleOf close = Close(2);
      const ScaleOf wide = [&](int64_t row, int64_t block) {
        return close(row, block) + (row == odd && block == 1 ? 4u : 0u);
      };
      Built dense({.dense_rows = 230, .dense_scale = wide, .threads = threads});
      EXPECT_FALSE(dense.IsAligned());
      dense.ExpectExact();
      // One group of 15, which is computed by itself.
      Built sparse({.sparse_rows = 230,
                    .sparse_scale = wide,
                    .sparse_is_a = odd % 2 == 0,
                    .threads = threads});
      EXPECT_TRUE(sparse.IsAligned());
      sparse.ExpectExact();
    }
  }
}

TEST(SparseAligned, ManySparseRowsTooFarApart) {
  const ScaleOf close = Close(2);
  for (const int64_t others : {1, 2, 3, 10}) {
    const ScaleOf wide = [&](int64_t row, int64_t block) {
      const bool other = row % 16 == 3 && row / 16 < others;
      return close(row, block) + (other && block == 1 ? 4u : 0u);
    };
    Built built({.sparse_rows = 330, .sparse_scale = wide});
    EXPECT_EQ(built.IsAligned(), others <= 2) << others;
    built.ExpectExact();
  }
}

// Sums are exact up to shifts of 1 of all sparse rows but one.
TEST(SparseAligned, OneSparseRowTooLarge) {
  const ScaleOf scale = [](int64_t row, int64_t block) {
    return 120u + static_cast<uint32_t>(block % (row == 40 ? 3 : 2));
  };
  Built built({.dense_rows = 3,
               .sparse_rows = 170,
               .groups = (int64_t{1} << 24) / 144 / 4 / 4,
               .dense_scale = Close(1),
               .sparse_scale = scale,
               .only_largest = true});
  EXPECT_TRUE(built.IsAligned());
  built.ExpectExact();
}

TEST(SparseAligned, ZerosHaveAnyScale) {
  for (const uint32_t code : {0u, 80u, 170u, 254u}) {
    const ScaleOf close = Close(1);
    Built built({.dense_scale = [&](int64_t row, int64_t block) {
      return row == 5 && block == 2 ? code : close(row, block);
    }});
    EXPECT_FALSE(built.IsAligned());
    built.Zero(5, 2);
    EXPECT_TRUE(built.IsAligned());
    built.ExpectExact();
  }
}

TEST(SparseAligned, NotFromC) {
  Built built({.with_c = true});
  EXPECT_FALSE(built.IsAligned());
  built.ExpectExact();
}

}  // namespace
}  // namespace zeroulp
