// SPDX-License-Identifier: Apache-2.0
// Mirrors the kernels of kernels/sparse_table.cc: every one that can, on every
// SIMD target, is the oracle in all bits.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/sparse_table.h"
#include "tests/sparse_cases.h"

namespace zeroulp {
namespace {

using testing::Chain;
using testing::ForEachTarget;
using testing::Formats;
using testing::Matrix;
using testing::Prepared;
using testing::Scales;
using testing::SparseProblem;
using testing::Values;

// The names of the kernels that ran.
std::vector<std::string> ExpectExactOnEveryTarget(const SparseProblem& p) {
  const Prepared x(p);
  const PackedSparse sparse = PackSparse(x.sparse());
  const PackedMatrix dense = Pack(x.dense());
  std::vector<std::string> ran;
  ForEachTarget([&](const char* target) {
    Matrix d = x.Blank();
    if (p.sparse_is_a) {
      SparseGemm(sparse, dense, x.c(), d.view, x.Options());
    } else {
      SparseGemm(dense, sparse, x.c(), d.view, x.Options());
    }
    x.ExpectExact(d, target);
    const kernels::SparseCall call = {
        p.row, &sparse, &dense, p.sparse_is_a, x.c(), d.view, p.promote_every};
    for (const kernels::SparseKernelRow& kernel : kernels::AllSparseKernels()) {
      if (!kernels::CannotRun(kernel, call).empty()) continue;
      std::fill(d.bytes.begin(), d.bytes.end(), uint8_t{0x5A});
      kernel.run({&call, 1}, 1);
      x.ExpectExact(d, fmt::format("{} on {}", kernel.name, target));
      ran.emplace_back(kernel.name);
    }
  });
  return ran;
}

// Patterns of hardware, and some that no window holds evenly.
std::vector<Sparsity> Sparsities() {
  std::vector<Sparsity> list;
  for (const SparsityInfo& row : kSparsities) {
    if (row.unit == 1) list.push_back(row.ratio);
  }
  for (const Sparsity more : {Sparsity{3, 5}, Sparsity{1, 16}, Sparsity{1, 3},
                              Sparsity{2, 20}, Sparsity{255, 256}}) {
    list.push_back(more);
  }
  return list;
}

class SparseRows : public ::testing::TestWithParam<const ArithInfo*> {
 protected:
  const ArithInfo& row() const { return *GetParam(); }
  SparseProblem Base() const {
    SparseProblem p = {
        &row(), Formats(row().a).front(), Formats(row().b).back(), {2, 4}};
    if (row().scale_block != 0) {
      p.scales = Scales::kOrdinary;
      p.scale_format = row().scales.first();
      p.block = row().scale_block;
    }
    return p;
  }
};

INSTANTIATE_TEST_SUITE_P(
    Rows, SparseRows, ::testing::ValuesIn([] {
      std::vector<const ArithInfo*> rows;
      for (const ArithInfo& row : kArith) rows.push_back(&row);
      return rows;
    }()),
    [](const ::testing::TestParamInfo<const ArithInfo*>& row) {
      std::string name(row.param->name);
      std::replace(name.begin(), name.end(), '.', '_');
      return name;
    });

TEST_P(SparseRows, EveryPatternFromBothSides) {
  uint32_t seed = 0;
  for (const Sparsity sparsity : Sparsities()) {
    for (const bool sparse_is_a : {true, false}) {
      SparseProblem p = Base();
      p.sparsity = sparsity;
      p.sparse_is_a = sparse_is_a;
      // Somewhat more than a step of the row.
      p.groups = std::max<int64_t>(row().chunk, 8) / sparsity.keep + 3;
      p.values = static_cast<Values>(seed % 9);
      p.with_c = seed % 4 != 0;
      p.ascending = seed % 3 != 0;
      p.seed = seed++;
      if (p.block * sparsity.group % sparsity.keep != 0 ||
          p.block % sparsity.keep != 0) {
        continue;  // scales must cover whole groups
      }
      ExpectExactOnEveryTarget(p);
    }
  }
}

TEST_P(SparseRows, EveryKindOfInputAndPairOfFormats) {
  uint32_t seed = 0;
  for (const Format sparse : Formats(row().a)) {
    for (const Format dense : Formats(row().b)) {
      for (const Sparsity sparsity : {Sparsity{4, 16}, Sparsity{2, 4}}) {
        SparseProblem p = Base();
        p.sparse = sparse;
        p.dense = dense;
        p.sparsity = sparsity;
        p.sparse_is_a = true;
        p.groups = std::max<int64_t>(row().chunk, 8) / sparsity.keep + 1;
        p.dense_rows = 5;
        p.seed = ++seed;
        p.values = static_cast<Values>(seed % 9);
        ExpectExactOnEveryTarget(p);
      }
    }
  }
}

TEST_P(SparseRows, PromotionCountsProducts) {
  if (row().scale_block != 0 || row().chunk == 0) return;
  SparseProblem p = Base();
  p.promote_every = 2 * row().chunk;
  p.groups = 3 * row().chunk + 1;
  p.dense_rows = 3;
  ExpectExactOnEveryTarget(p);
  if (!row().scales.empty()) return;
  p.scales = Scales::kOrdinary;
  p.scale_format = Format::kF32;
  p.block = p.promote_every;
  if (p.block % p.sparsity.keep != 0) return;
  ExpectExactOnEveryTarget(p);
}

// Everything the fast kernels distinguish: passes, partial windows, odd steps,
// edges of tiles, both orientations.
TEST(SparseChain, EveryShape) {
  for (const Sparsity sparsity :
       {Sparsity{4, 16}, Sparsity{4, 12}, Sparsity{2, 4}, Sparsity{4, 8},
        Sparsity{1, 4}, Sparsity{1, 2}}) {
    uint32_t seed = 0;
    for (const int64_t groups : {0, 1, 2, 3, 7, 8, 31, 33, 70, 131, 260}) {
      for (const auto& [sparse_rows, dense_rows] :
           {std::pair(1, 1), std::pair(16, 16), std::pair(17, 35),
            std::pair(32, 16), std::pair(48, 7), std::pair(70, 40)}) {
        ++seed;
        if (groups > 33 && sparse_rows * dense_rows > 1000) continue;
        ExpectExactOnEveryTarget(
            {&Chain(), Format::kE4M3FN, Format::kE5M2, sparsity, seed % 2 == 0,
             sparse_rows, dense_rows, groups, static_cast<Values>(seed % 9),
             seed % 3 != 0, seed % 5 != 0});
      }
    }
  }
}

TEST(SparseChain, Fp4WithAndWithoutScales) {
  uint32_t seed = 0;
  for (const Sparsity sparsity :
       {Sparsity{4, 16}, Sparsity{4, 8}, Sparsity{2, 4}, Sparsity{4, 12}}) {
    for (const int64_t groups : {1, 4, 9, 16, 64, 140}) {
      for (const Values values :
           {Values::kFinite, Values::kMinusZero, Values::kCancelling}) {
        ++seed;
        SparseProblem p = {&Chain(), Format::kE2M1FN, Format::kE2M1FN,
                           sparsity};
        p.sparse_is_a = seed % 4 < 2;
        p.sparse_rows = 33;
        p.groups = groups;
        p.values = values;
        p.with_c = seed % 2 == 0;
        p.seed = seed;
        ExpectExactOnEveryTarget(p);
        for (const auto& [format, block] :
             {std::pair(Format::kE8M0FNU, 32), std::pair(Format::kUE4M3, 16),
              std::pair(Format::kE8M0FNU, 16), std::pair(Format::kF32, 32)}) {
          p.with_c = ++seed % 3 != 0;
          p.scale_format = format;
          p.block = block;
          for (const Scales scales : {Scales::kOrdinary, Scales::kTiny,
                                      Scales::kExtreme, Scales::kNan}) {
            p.scales = scales;
            ExpectExactOnEveryTarget(p);
          }
        }
      }
    }
  }
}

TEST(SparseChain, NarrowFormatsWithBlockScales) {
  uint32_t seed = 0;
  for (const Sparsity sparsity :
       {Sparsity{4, 16}, Sparsity{4, 8}, Sparsity{2, 4}, Sparsity{4, 12},
        Sparsity{1, 2}}) {
    for (const auto& [format, block] :
         {std::pair(Format::kE8M0FNU, 32), std::pair(Format::kUE4M3, 16),
          std::pair(Format::kF32, 128), std::pair(Format::kF32, 8)}) {
      for (const int64_t groups : {1, 9, 64, 140}) {
        for (const Scales scales : {Scales::kOrdinary, Scales::kTiny,
                                    Scales::kExtreme, Scales::kNan}) {
          ++seed;
          SparseProblem p = {&Chain(), Format::kE4M3FN,
                             seed % 3 == 0 ? Format::kE2M1FN : Format::kE5M2,
                             sparsity};
          p.sparse_is_a = seed % 2 == 0;
          p.sparse_rows = seed % 5 == 0 ? 33 : 16;
          p.groups = groups;
          p.values = static_cast<Values>(seed % 9);
          p.with_c = seed % 7 != 0;
          p.ascending = seed % 4 != 0;
          p.scales = scales;
          p.scale_format = format;
          p.block = block;
          p.seed = seed;
          ExpectExactOnEveryTarget(p);
        }
      }
    }
  }
}

// The fast kernels are the ones that run: a refusal would pass every test.
TEST(SparseChain, FastKernelsTakeWhatTheyAreFor) {
  const auto ran = [](Format format, Scales scales, Format scale_format,
                      int64_t block, std::string_view kernel) {
    for (const Sparsity sparsity :
         {Sparsity{4, 16}, Sparsity{4, 8}, Sparsity{2, 4}}) {
      SparseProblem p = {&Chain(), format, format, sparsity};
      p.values = Values::kGaussian;
      p.with_c = scales != Scales::kNone;
      p.groups = 32;
      p.scales = scales;
      p.scale_format = scale_format;
      p.block = block;
      EXPECT_THAT(ExpectExactOnEveryTarget(p),
                  ::testing::Contains(std::string(kernel)));
    }
  };
  const Format e8m0 = Format::kE8M0FNU;
  ran(Format::kE4M3FN, Scales::kNone, e8m0, 0, "sparse.fma");
  const kernels::SparseKernelRow* fp4 = &kernels::AllSparseKernels()[0];
  const kernels::SparseKernelRow* bf16 = &kernels::AllSparseKernels()[1];
  if (bf16->unable().empty()) {
    for (const Format format :
         {Format::kE4M3FN, Format::kE5M2, Format::kBF16}) {
      ran(format, Scales::kNone, e8m0, 0, bf16->name);
    }
  }
  const kernels::SparseKernelRow* scaled = &kernels::AllSparseKernels()[2];
  if (scaled->unable().empty()) {
    for (const Format format : {Format::kE4M3FN, Format::kE5M2}) {
      ran(format, Scales::kOrdinary, e8m0, 32, scaled->name);
      ran(format, Scales::kOrdinary, Format::kF32, 128, scaled->name);
    }
  }
  if (fp4->unable().empty()) {
    ran(Format::kE2M1FN, Scales::kNone, e8m0, 0, fp4->name);
    ran(Format::kE2M1FN, Scales::kOrdinary, e8m0, 32, fp4->name);
    ran(Format::kE2M1FN, Scales::kOrdinary, Format::kUE4M3, 16, fp4->name);
  }
}

// Threads take parts one after the other and keep the panels that fit: of one
// pass and of several, with a call that needs others in between.
void ExpectExactWithManyThreads(Format format, Values values) {
  for (const int64_t groups : {20, 300}) {
    for (const bool sparse_is_a : {true, false}) {
      SparseProblem p = {&Chain(), format,      format,
                         {4, 16},  sparse_is_a, groups == 20 ? 70 : 33,
                         330,      groups,      values};
      const Prepared x(p);
      ++p.seed;
      const Prepared y(p);
      const PackedSparse sparse[] = {PackSparse(x.sparse()),
                                     PackSparse(y.sparse())};
      const PackedMatrix dense[] = {Pack(x.dense()), Pack(y.dense())};
      for (const kernels::SparseKernelRow& kernel :
           kernels::AllSparseKernels()) {
        for (const int threads : {1, 2, 7}) {
          Matrix d[] = {x.Blank(), y.Blank()};
          const std::vector<kernels::SparseCall> calls = {
              {p.row, &sparse[0], &dense[0], sparse_is_a, x.c(), d[0].view},
              {p.row, &sparse[1], &dense[1], sparse_is_a, y.c(), d[1].view}};
          if (!kernels::CannotRun(kernel, calls[0]).empty()) continue;
          kernel.run(calls, threads);
          x.ExpectExact(d[0], fmt::format("{} t{}", kernel.name, threads));
          y.ExpectExact(d[1], fmt::format("{} t{}", kernel.name, threads));
        }
      }
    }
  }
}

TEST(SparseChain, PartsOfManyThreads) {
  ExpectExactWithManyThreads(Format::kE4M3FN, Values::kAny);
  // Without subnormals, so that no kernel leaves a part to another.
  ExpectExactWithManyThreads(Format::kBF16, Values::kGaussian);
}

Matrix CopyOf(const ConstMatrixView& from) {
  Matrix to(from.format, from.rows, from.cols, 1);
  for (int64_t r = 0; r < from.rows; ++r) {
    for (int64_t i = 0; i < from.cols; ++i) {
      WriteCode(to.view, r, i, ReadCode(from, r, i));
    }
  }
  return to;
}

// The BF16 dot leaves parts with subnormal numbers to another kernel, which
// takes the memory of its panels; and keeps the parts between them.
TEST(SparseChain, PartsThatTheDotWouldFlush) {
  constexpr int64_t kDenseRows = 330, kSparseRows = 35, kCols = 72;
  for (const bool sparse_is_a : {true, false}) {
    SparseProblem p = {&Chain(),   Format::kBF16, Format::kBF16,
                       {2, 4},     sparse_is_a,   kSparseRows,
                       kDenseRows, kCols / 4,     Values::kGaussian};
    const Prepared x(p);
    const int64_t m = sparse_is_a ? kSparseRows : kDenseRows;
    const int64_t n = sparse_is_a ? kDenseRows : kSparseRows;
    // Two dense rows of which nothing hides what is subnormal.
    Matrix dense = CopyOf(x.dense().codes);
    Matrix c = CopyOf(x.c());
    for (const int64_t row : {70, 200}) {
      for (int64_t k = 0; k < kCols; ++k) WriteCode(dense.view, row, k, 0);
      for (int64_t i = 0; i < kSparseRows; ++i) {
        WriteCode(c.view, sparse_is_a ? i : row, sparse_is_a ? row : i,
                  row == 200 ? 0x8000 : 0);
      }
    }
    for (int64_t k = 0; k < kCols; k += 5) WriteCode(dense.view, 70, k, 0x0040);
    Matrix expected(Format::kF32, m, n, 1);
    const Operand a = sparse_is_a ? x.sparse() : Operand(dense.view);
    const Operand b_t = sparse_is_a ? Operand(dense.view) : x.sparse();
    reference::Gemm(a, b_t, c.view, expected.view, x.Options());
    const PackedSparse sparse = PackSparse(x.sparse());
    const PackedMatrix packed = Pack(ConstMatrixView(dense.view));
    ForEachTarget([&](const char* target) {
      for (const kernels::SparseKernelRow& kernel :
           kernels::AllSparseKernels()) {
        for (const int threads : {1, 2}) {
          Matrix d(Format::kF32, m, n, 1);
          const kernels::SparseCall call = {p.row,       &sparse, &packed,
                                            sparse_is_a, c.view,  d.view};
          if (!kernels::CannotRun(kernel, call).empty()) continue;
          kernel.run({&call, 1}, threads);
          EXPECT_EQ(d.bytes, expected.bytes)
              << kernel.name << " on " << target << " t" << threads;
        }
      }
    });
  }
}

TEST(SparseChain, ManyBlocksOfSparseRows) {
  for (const bool sparse_is_a : {true, false}) {
    ExpectExactOnEveryTarget({&Chain(),
                              Format::kE2M1FN,
                              Format::kE2M1FN,
                              {4, 16},
                              sparse_is_a,
                              1700,
                              3,
                              9,
                              Values::kFinite,
                              false});
  }
}

}  // namespace
}  // namespace zeroulp
