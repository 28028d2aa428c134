// SPDX-License-Identifier: Apache-2.0
// Mirrors kernels/sparse_gemm.cc and kernels/pack_sparse.cc: what SparseGemm
// promises beside its bits, batches, and PackedSparse as bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sparse_cases.h"

namespace zeroulp {
namespace {

using testing::Chain;
using testing::Describe;
using testing::ForEachTarget;
using testing::Formats;
using testing::Matrix;
using testing::Prepared;
using testing::Scales;
using testing::SparseProblem;
using testing::Values;

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

ConstMatrixView RowsOf(const ConstMatrixView& view, int64_t first,
                       int64_t count) {
  ConstMatrixView part = view;
  const int64_t bits = first * view.row_stride * Info(view.format).storage_bits;
  part.bytes = view.bytes.subspan(static_cast<size_t>(bits / 8));
  part.rows = count;
  return part;
}

Operand RowsOf(const Operand& x, int64_t first, int64_t count) {
  Operand part = x;
  part.codes = RowsOf(x.codes, first, count);
  if (x.scales.block != 0) {
    part.scales.codes = RowsOf(x.scales.codes, first, count);
  }
  if (x.is_sparse()) part.index = RowsOf(x.index, first, count);
  return part;
}

// Products of rows of one problem, `share`: with the same sparse operand.
void ExpectBatchIsSeparateCalls(SparseProblem p, bool share) {
  constexpr int64_t kCount = 5, kSparse = 7, kDense = 18;
  p.sparse_rows = kCount * kSparse;
  p.dense_rows = kCount * kDense;
  const Prepared x(p);
  const int64_t m = p.sparse_is_a ? kSparse : kDense;
  const int64_t n = p.sparse_is_a ? kDense : kSparse;
  const auto a_first = [&](int64_t i) {
    return share && p.sparse_is_a ? 0 : i * m;
  };
  const auto b_first = [&](int64_t i) {
    return share && !p.sparse_is_a ? 0 : i * n;
  };
  const Operand a = x.a(), b = x.b_t();
  Matrix expected(p.row->output, kCount * m, n, 3);
  const auto result = [&](const Matrix& d, int64_t i) {
    MatrixView view = d.view;
    view.bytes = view.bytes.subspan(static_cast<size_t>(
        i * m * view.row_stride * Info(view.format).storage_bits / 8));
    view.rows = m;
    return view;
  };
  GemmOptions options = x.Options();
  options.alpha = 0.75f;
  for (int64_t i = 0; i < kCount; ++i) {
    reference::Gemm(RowsOf(a, a_first(i), m), RowsOf(b, b_first(i), n), {},
                    result(expected, i), options);
  }
  const int64_t a_rows = a_first(1), b_rows = b_first(1);
  const Batch batch = {.count = kCount,
                       .a = a_rows * a.codes.row_stride,
                       .b_t = b_rows * b.codes.row_stride,
                       .d = m * expected.view.row_stride,
                       .a_scales = a_rows * a.scales.codes.row_stride,
                       .b_scales = b_rows * b.scales.codes.row_stride,
                       .a_index = a_rows * a.index.row_stride,
                       .b_index = b_rows * b.index.row_stride};
  const auto expect = [&](auto twin, const std::string& what) {
    Matrix d(p.row->output, kCount * m, n, 3);
    twin(RowsOf(a, 0, m), RowsOf(b, 0, n), {}, result(d, 0), batch, options);
    EXPECT_EQ(d.bytes, expected.bytes) << Describe(p) << " " << what;
  };
  expect(reference::BatchedGemm, "oracle");
  ForEachTarget([&](const char* target) {
    for (const int threads : {1, 2, 7, 0}) {
      options.threads = threads;
      expect(BatchedGemm, target);
    }
  });
}

TEST(SparseGemm, BatchesAreSeparateCalls) {
  uint32_t seed = 0;
  for (const bool sparse_is_a : {true, false}) {
    for (const bool share : {true, false}) {
      for (const Format format :
           {Format::kE4M3FN, Format::kE2M1FN, Format::kBF16}) {
        SparseProblem p = {&Chain(), format, format, {4, 16}};
        p.sparse_is_a = sparse_is_a;
        p.with_c = false;
        p.groups = 16;
        p.values = static_cast<Values>(++seed % 9);
        ExpectBatchIsSeparateCalls(p, share);
        if (format == Format::kBF16) continue;
        p.scales = Scales::kOrdinary;
        p.block = 32;
        ExpectBatchIsSeparateCalls(p, share);
      }
      SparseProblem p = {&FindArith("hopper.wgmma.fp8.f32"),
                         Format::kE4M3FN,
                         Format::kE5M2,
                         {2, 4}};
      p.sparse_is_a = sparse_is_a;
      p.with_c = false;
      p.groups = 20;
      ExpectBatchIsSeparateCalls(p, share);
    }
  }
}

TEST(SparseGemm, EveryPositionOfABatchIsChecked) {
  const std::vector<uint8_t> codes(2 * 8, 0x38);
  std::vector<uint8_t> positions(2 * 4, 1);
  positions[6] = 4;  // product 1, group 1 of 2:4
  Operand a(CodesView(codes, Format::kE4M3FN, 1, 4));
  a.codes.bytes = std::as_bytes(std::span(codes));
  a.sparsity = {2, 4};
  a.index = CodesView(positions, Format::kE8M0FNU, 1, 4);
  a.index.bytes = std::as_bytes(std::span(positions));
  std::vector<float> d(2, 7.0f);
  const MatrixView out = {std::as_writable_bytes(std::span(d)), Format::kF32, 1,
                          1, 1};
  const Batch batch = {.count = 2, .a = 4, .d = 1, .a_index = 4};
  for (const auto twin : {&BatchedGemm, &reference::BatchedGemm}) {
    try {
      twin(a, CodesView(codes, Format::kE4M3FN, 1, 8), {}, out, batch, {});
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(),
                   "BatchedGemm: A of product 1 row 0, group 1: position 4 is "
                   "outside its group of 4");
    }
    EXPECT_THAT(d, ::testing::ElementsAre(7.0f, 7.0f));
  }
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
                Gemm(sparse.operand(), CodesView(codes, Format::kE4M3FN, 2, 16),
                     {}, out);
              }),
              ::testing::HasSubstr("K (columns) must be equal, got 32 and 16"));
  // K that is not whole groups, by every way in.
  const ConstMatrixView odd_k = CodesView(codes, Format::kE4M3FN, 2, 31);
  const auto rule = [](std::string_view name) {
    return ::testing::HasSubstr(
        std::string(name) +
        " is 2x31 e4m3fn beside an operand of sparsity 4:16: K (columns) must "
        "be a multiple of 16, but group 1 of every row has 15");
  };
  EXPECT_THAT(sentence([&] { Gemm(sparse.operand(), odd_k, {}, out); }),
              rule("B^T"));
  EXPECT_THAT(sentence([&] { Gemm(odd_k, sparse.operand(), {}, out); }),
              rule("A"));
  EXPECT_THAT(sentence([&] { Gemm(sparse.operand(), Pack(odd_k), {}, out); }),
              rule("B^T"));
  const PackedSparse packed = PackSparse(sparse.operand());
  EXPECT_THAT(sentence([&] { SparseGemm(packed, Pack(odd_k), {}, out); }),
              rule("B^T"));
  EXPECT_THAT(sentence([&] { SparseGemm(Pack(odd_k), packed, {}, out); }),
              rule("A"));
  EXPECT_THAT(
      sentence([&] { reference::Gemm(odd_k, sparse.operand(), {}, out); }),
      rule("A"));
  EXPECT_THAT(
      sentence([&] { Gemm(sparse.operand(), sparse.operand(), {}, out); }),
      ::testing::HasSubstr("A and B^T are both sparse"));
  EXPECT_THAT(sentence([&] { PackSparse(dense); }),
              ::testing::HasSubstr("sparsity 0:0"));
  Operand odd = sparse.operand();
  odd.codes.cols = odd.index.cols = 7;
  EXPECT_THAT(sentence([&] { PackSparse(odd); }),
              ::testing::HasSubstr("must be a multiple of 4, but group 1 of "
                                   "every row has 3"));
}

}  // namespace
}  // namespace zeroulp
