// SPDX-License-Identifier: Apache-2.0
// Mirrors kernels/sparse_*.cc: every kernel that can, on every SIMD target, is
// the oracle in all bits; and the dense product of the decompressed operand
// where the row's order allows it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "kernels/sparse_table.h"
#include "tests/arith_cases.h"
#include "zeroulp/reference.h"
#include "zeroulp/sparse.h"

namespace zeroulp {
namespace {

using testing::ForEachTarget;
using testing::Matrix;
using testing::Scales;
using testing::Values;

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

std::string Describe(const SparseProblem& p) {
  return fmt::format(
      "{} {} {}:{} {} x {} {}x{}x{} {} c {} ascending {} scales {} of {} block "
      "{} promote {} seed {}",
      p.row->name, p.sparse_is_a ? "A" : "B^T", p.sparsity.keep,
      p.sparsity.group, Info(p.sparse).name, Info(p.dense).name, p.sparse_rows,
      p.dense_rows, p.k(), testing::kValueNames[static_cast<size_t>(p.values)],
      p.with_c, p.ascending, static_cast<int>(p.scales),
      Info(p.scale_format).name, p.block, p.promote_every, p.seed);
}

// Operands of a problem and what the oracle makes of them.
class Prepared {
 public:
  explicit Prepared(const SparseProblem& p) : p_(p), random_(p.seed + 77) {
    testing::Problem draw = {.row = p.row,
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
      kernel.run(call, 1, {});
      x.ExpectExact(d, fmt::format("{} on {}", kernel.name, target));
      ran.emplace_back(kernel.name);
    }
  });
  return ran;
}

std::vector<Format> Formats(const FormatSet& set) {
  std::vector<Format> formats;
  for (const FormatInfo& f : kFormats) {
    if (set.contains(f.id)) formats.push_back(f.id);
  }
  return formats;
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

const ArithInfo& Chain() { return FindArith("chain.f32"); }

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
        p.with_c = true;
        for (const auto& [format, block] :
             {std::pair(Format::kE8M0FNU, 32), std::pair(Format::kUE4M3, 16),
              std::pair(Format::kE8M0FNU, 16), std::pair(Format::kF32, 32)}) {
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

// What is not selected does not exist: NaN times nothing.
TEST(SparseGemm, UnselectedPartnersAreAbsent) {
  for (const ArithInfo& row : kArith) {
    const Format format = Formats(row.b).back();
    const FormatInfo& f = Info(format);
    if (f.specials == Specials::kFinite || row.scale_block != 0) continue;
    const int64_t k = 64;
    Matrix dense(format, 2, k, 0), expected(row.output, 1, 2, 0);
    const uint32_t one = testing::EncodeNear(f, 1.0);
    for (int64_t i = 0; i < k; ++i) {
      WriteCode(dense.view, 0, i, i % 4 == 1 ? one : f.nan_code());
      WriteCode(dense.view, 1, i, i % 4 == 1 ? f.nan_code() : one);
    }
    const Format a_format = Formats(row.a).front();
    Matrix codes(a_format, 1, k / 4, 0);
    for (int64_t i = 0; i < k / 4; ++i) {
      WriteCode(codes.view, 0, i, testing::EncodeNear(Info(a_format), 1.0));
    }
    const std::vector<uint8_t> positions(static_cast<size_t>(k / 4), 1);
    Operand sparse(codes.view);
    sparse.sparsity = {1, 4};
    sparse.index = CodesView(positions, Format::kE8M0FNU, 1, k / 4);
    ForEachTarget([&](const char* target) {
      Matrix d(row.output, 1, 2, 0);
      Gemm(sparse, ConstMatrixView(dense.view), {}, d.view,
           {.arith = row.name});
      EXPECT_EQ(Decode(row.output, ReadCode(d.view, 0, 0)), 16.0f)
          << row.name << " " << target;
      EXPECT_EQ(ReadCode(d.view, 0, 1), row.nan_word)
          << row.name << " " << target;
    });
  }
}

// Stored in ascending order, a chain meets the same products as over the
// decompressed operand; zeros in between change no sum but one of -0 alone.
TEST(SparseGemm, IsTheDenseProductOfTheDecompressedOperand) {
  std::mt19937 random(5);
  for (const std::string_view arith : {"chain.f32", "exact.f32"}) {
    for (const SparsityInfo& pattern : kSparsities) {
      for (const Format format :
           {Format::kE4M3FN, Format::kE5M2, Format::kE2M1FN}) {
        const int64_t rows = 37, others = 45, k = 6 * 48;
        const testing::Problem draw = {.row = &FindArith(arith),
                                       .a = format,
                                       .b = format,
                                       .m = 0,
                                       .n = 0,
                                       .k = k,
                                       .values = Values::kFinite};
        const Matrix a = DrawMatrix(format, draw, rows, true, random);
        const Matrix b = DrawMatrix(format, draw, others, false, random);
        const SparseMatrix sparse =
            Compress(a.view, pattern, LargestPositions(a.view, pattern));
        Matrix whole(format, rows, k, 0);
        Decompress(sparse, whole.view);
        std::vector<float> d(static_cast<size_t>(rows * others)), e(d.size());
        const GemmOptions options = {.arith = arith};
        SparseGemm(PackSparse(sparse.operand()), Pack(ConstMatrixView(b.view)),
                   {}, F32View(std::span(d), rows, others), options);
        Gemm(Pack(ConstMatrixView(whole.view)), Pack(ConstMatrixView(b.view)),
             {}, F32View(std::span(e), rows, others), options);
        EXPECT_EQ(std::memcmp(d.data(), e.data(), d.size() * 4), 0)
            << arith << " " << pattern.name << " " << Info(format).name;
      }
    }
  }
}

TEST(SparseGemm, ThreadsAndEpilogueAndViews) {
  const SparseProblem p = {
      &Chain(), Format::kE4M3FN,  Format::kE4M3FN, {4, 16}, false, 90, 75,
      20,       Values::kGaussian};
  const Prepared x(p);
  GemmOptions options = x.Options();
  options.alpha = 0.3f;
  options.convert = Overflow::kSaturate;
  std::vector<float> bias_words(90, 0.5f);
  options.bias = F32View(std::span(bias_words), 1, 90);
  Matrix expected(Format::kBF16, 75, 90, 0);
  reference::Gemm(x.a(), x.b_t(), x.c(), expected.view, options);
  for (const int threads : {0, 1, 2, 7}) {
    options.threads = threads;
    Matrix d(Format::kBF16, 75, 90, 0);
    Gemm(x.a(), x.b_t(), x.c(), d.view, options);
    EXPECT_EQ(d.bytes, expected.bytes) << threads;
    std::fill(d.bytes.begin(), d.bytes.end(), uint8_t{1});
    SparseGemm(Pack(x.a()), PackSparse(x.b_t()), x.c(), d.view, options);
    EXPECT_EQ(d.bytes, expected.bytes) << threads;
  }
  // C is D.
  options = x.Options();
  options.threads = 2;
  Matrix d = x.Blank();
  for (int64_t r = 0; r < 75; ++r) {
    for (int64_t i = 0; i < 90; ++i) {
      WriteCode(d.view, r, i, ReadCode(x.c(), r, i));
    }
  }
  SparseGemm(Pack(x.a()), PackSparse(x.b_t()), d.view, d.view, options);
  x.ExpectExact(d, "C is D");
}

TEST(PackedSparse, SurvivesBytes) {
  for (const auto& [format, scales] :
       {std::pair(Format::kE2M1FN, Scales::kOrdinary),
        std::pair(Format::kE4M3FN, Scales::kNone),
        std::pair(Format::kBF16, Scales::kNone)}) {
    const Prepared x({&Chain(),
                      format,
                      format,
                      {4, 16},
                      true,
                      21,
                      19,
                      11,
                      Values::kGaussian,
                      true,
                      true,
                      scales,
                      Format::kE8M0FNU,
                      32});
    const std::vector<std::byte> bytes = PackSparse(x.sparse()).Serialize();
    const PackedSparse back = PackedSparse::Deserialize(bytes);
    EXPECT_EQ(back.Serialize(), bytes);
    Matrix d = x.Blank();
    SparseGemm(back, Pack(x.dense()), x.c(), d.view, x.Options());
    x.ExpectExact(d, "read back");
  }
}

TEST(PackedSparse, BrokenBytesAreRefused) {
  const Prepared x({&Chain(), Format::kE2M1FN, Format::kE2M1FN, {2, 4}});
  const PackedSparse packed = PackSparse(x.sparse());
  const std::vector<std::byte> good = packed.Serialize();
  const auto refusal = [](const std::vector<std::byte>& bytes) {
    try {
      PackedSparse::Deserialize(bytes);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kFile);
      return std::string(error.what());
    }
    return std::string("read");
  };
  EXPECT_EQ(refusal(good), "read");
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(
        refusal({good.begin(), good.begin() + static_cast<int64_t>(size)}),
        "read");
  }
  const auto broken = [&](size_t at, uint8_t value) {
    std::vector<std::byte> bytes = good;
    bytes[at] = static_cast<std::byte>(value);
    return refusal(bytes);
  };
  EXPECT_THAT(broken(0, 'Z'), ::testing::HasSubstr("do not begin"));
  EXPECT_THAT(broken(8, 2), ::testing::HasSubstr("version 2 is not 1"));
  EXPECT_THAT(broken(14, 2), ::testing::HasSubstr("sparsity 2:2"));
  EXPECT_THAT(broken(16, 0xFF), ::testing::HasSubstr("stored elements of"));
  // The stored elements refuse what a PackedMatrix does (pack_bytes_test.cc).
  EXPECT_THAT(broken(24, 'Z'), ::testing::HasSubstr("PackedMatrix"));
  const auto positions =
      good.size() - static_cast<size_t>(64 * packed.position_quads() *
                                        packed.stored().groups());
  EXPECT_THAT(broken(positions, 4),
              ::testing::HasSubstr("row 0, stored element 0: position 4 is "
                                   "outside its group of 4"));
  EXPECT_THAT(broken(good.size() - 1, 1),
              ::testing::HasSubstr("a position outside"));
}

TEST(SparseGemm, ErrorsNameOperandRowAndGroup) {
  const auto sentence = [](const auto& call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  const SparsityInfo& pattern = FindSparsity("4:16");
  const std::vector<uint8_t> codes(2 * 32, 0x38);
  const ConstMatrixView dense = CodesView(codes, Format::kE4M3FN, 2, 32);
  SparseMatrix sparse =
      Compress(dense, pattern, LargestPositions(dense, pattern));
  std::vector<float> d(4);
  const MatrixView out = F32View(std::span(d), 2, 2);
  sparse.positions[13] = 16;
  EXPECT_THAT(sentence([&] { Gemm(sparse.operand(), dense, {}, out); }),
              ::testing::HasSubstr(
                  "A row 1, group 1: position 16 is outside its group of 16"));
  EXPECT_THAT(sentence([&] { PackSparse(sparse.operand()); }),
              ::testing::HasSubstr("PackSparse: the matrix row 1, group 1"));
  sparse.positions[13] = 15;
  EXPECT_THAT(sentence([&] {
                Gemm(sparse.operand(), CodesView(codes, Format::kE4M3FN, 2, 31),
                     {}, out);
              }),
              ::testing::HasSubstr("K (columns) must be equal, got 32 and 31"));
  EXPECT_THAT(
      sentence([&] { Gemm(sparse.operand(), sparse.operand(), {}, out); }),
      ::testing::HasSubstr("A and B^T are both sparse"));
  EXPECT_THAT(sentence([&] { PackSparse(dense); }),
              ::testing::HasSubstr("sparsity 0:0"));
  Operand odd = sparse.operand();
  odd.codes.cols = odd.index.cols = 7;
  EXPECT_THAT(sentence([&] { PackSparse(odd); }),
              ::testing::HasSubstr("must be a multiple of 4"));
}

}  // namespace
}  // namespace zeroulp
