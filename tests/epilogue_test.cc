// SPDX-License-Identifier: Apache-2.0
// The epilogue against its definition in single binary32 operations and
// Encode, which neither the oracle nor the kernels' own steps use; batches
// against separate calls.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/arith_cases.h"
#include "zeroulp/codec.h"
#include "zeroulp/gemm.h"
#include "zeroulp/reference.h"

namespace zeroulp {
namespace {

using testing::ForEachTarget;
using testing::Matrix;

constexpr float kInf = std::numeric_limits<float>::infinity();

// C alone, times alpha plus bias, in format `d`: both twins, on every target.
void ExpectWord(float c, const GemmOptions& options, float bias, Format format,
                uint32_t word) {
  const std::vector<uint8_t> zero(1);
  const std::vector<float> sum = {c}, bias_word = {bias};
  GemmOptions with_bias = options;
  if (bias != 0.0f) with_bias.bias = F32View(bias_word, 1, 1);
  const auto run = [&](auto twin) {
    Matrix d(format, 1, 1, 0);
    twin(CodesView(zero, Format::kE5M2, 1, 1),
         CodesView(zero, Format::kE5M2, 1, 1), F32View(sum, 1, 1), d.view,
         with_bias);
    return ReadCode(d.view, 0, 0);
  };
  EXPECT_EQ(run(reference::Gemm), word) << c << " " << Info(format).name;
  ForEachTarget([&](const char* target) {
    EXPECT_EQ(run([](const Operand& a, const Operand& b, const auto&... rest) {
                Gemm(a, b, rest...);
              }),
              word)
        << c << " " << Info(format).name << " " << target;
  });
}

TEST(Epilogue, StepsRoundApartAndInOrder) {
  // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24 loses its last term to the product's
  // rounding: a fused step would keep it beside the bias.
  ExpectWord(1 + 0x1p-12f, {.alpha = 1 + 0x1p-12f}, -1.0f, Format::kF32,
             std::bit_cast<uint32_t>(0x1p-11f));
  // Times alpha, then plus bias: the other order would give 14.
  ExpectWord(3, {.alpha = 2.0f}, 4.0f, Format::kF32,
             std::bit_cast<uint32_t>(10.0f));
  // Scales of rows: of B first, 2^127 * 2 * 2^-127 is infinite.
  const auto with_rows = [](float b, float a, uint32_t word) {
    const std::vector<float> b_scale = {b}, a_scale = {a};
    ExpectWord(0x1p127f,
               {.b_row_scales = F32View(b_scale, 1, 1),
                .a_row_scales = F32View(a_scale, 1, 1)},
               1.0f, Format::kF32, word);
  };
  with_rows(2.0f, 0x1p-127f, std::bit_cast<uint32_t>(kInf));
  with_rows(0x1p-127f, 2.0f, std::bit_cast<uint32_t>(3.0f));
  // And after alpha.
  const std::vector<float> small = {0x1p-127f};
  ExpectWord(0x1p127f, {.alpha = 2.0f, .b_row_scales = F32View(small, 1, 1)}, 0,
             Format::kF32, std::bit_cast<uint32_t>(kInf));
  // Binary32 first, then the format: 1 + 2^-11 + 2^-25 rounds to the tie
  // 1 + 2^-11, and that to even.
  ExpectWord(0x1p-25f, {.alpha = 1.0f, .convert = Overflow::kIeee},
             1 + 0x1p-11f, Format::kF16, 0x3C00);
}

TEST(Epilogue, OverflowAndSpecials) {
  constexpr auto kIeee = Overflow::kIeee, kSaturate = Overflow::kSaturate,
                 kFinite = Overflow::kSaturateFinite;
  constexpr Format kE4 = Format::kE4M3FN, kE5 = Format::kE5M2;
  const auto expect = [](float c, Overflow overflow, Format f, uint32_t word) {
    ExpectWord(c, {.convert = overflow}, 0, f, word);
  };
  expect(464, kIeee, kE4, 0x7E);  // a tie that stays
  expect(-465, kIeee, kE4, 0xFF);
  expect(-465, kSaturate, kE4, 0xFE);
  expect(-465, kFinite, kE4, 0xFE);
  expect(kInf, kIeee, kE4, 0x7F);
  expect(kInf, kSaturate, kE4, 0x7E);
  expect(kInf, kFinite, kE4, 0x7F);
  expect(1e6f, kIeee, kE5, 0x7C);
  expect(-1e6f, kSaturate, kE5, 0xFB);
  expect(NAN, kSaturate, kE4, 0x7F);
  expect(-1e6f, kIeee, Format::kE4M3FNUZ, 0x80);
  expect(-1e-9f, kIeee, Format::kE4M3FNUZ, 0x00);
  expect(-1e-9f, kIeee, kE4, 0x80);
  expect(65520, kIeee, Format::kF16, 0x7C00);
  expect(65520, kSaturate, Format::kF16, 0x7BFF);
  expect(3.4e38f, kIeee, Format::kBF16, 0x7F80);
  expect(kInf, kSaturate, Format::kF32, 0x7F7FFFFF);
  expect(kInf, kFinite, Format::kF32, 0x7F800000);
  expect(NAN, kSaturate, Format::kF32, 0x7FC00000);
  expect(0x1p-10f, kIeee, kE4, 0x00);  // half of the smallest
  expect(0x1.8p-10f, kIeee, kE4, 0x01);
}

// NaN is the row's own word in the row's format, and that format's elsewhere.
TEST(Epilogue, NanOfTheRowAndOfOtherFormats) {
  const std::vector<uint16_t> one = {0x3C00};
  const std::vector<float> nan = {NAN};
  const ConstMatrixView operand = {std::as_bytes(std::span(one)), Format::kF16,
                                   1, 1, 1};
  const auto word = [&](Format format, std::optional<Overflow> convert) {
    Matrix d(format, 1, 1, 0);
    Gemm(Operand(operand), Operand(operand), F32View(nan, 1, 1), d.view,
         {.arith = "hopper.f16.f32", .alpha = 2.0f, .convert = convert});
    return ReadCode(d.view, 0, 0);
  };
  ForEachTarget([&](const char*) {
    EXPECT_EQ(word(Format::kF32, {}), 0x7FFFFFFFu);
    EXPECT_EQ(word(Format::kF32, Overflow::kSaturate), 0x7FFFFFFFu);
    EXPECT_EQ(word(Format::kF16, Overflow::kIeee), 0x7E00u);
    EXPECT_EQ(word(Format::kE5M2, Overflow::kIeee), 0x7Eu);
  });
}

TEST(Epilogue, IsBinary32OperationsAndEncode) {
  std::mt19937 random(5);
  constexpr int64_t kM = 7, kN = 300, kK = 3;
  Matrix a(Format::kE5M2, kM, kK, 0), b(Format::kE5M2, kN, kK, 0);
  for (uint8_t& x : a.bytes) x = static_cast<uint8_t>(random());
  for (uint8_t& x : b.bytes) x = static_cast<uint8_t>(random());
  std::vector<float> sums(kM * kN);
  const MatrixView sum_view = F32View(sums, kM, kN);
  reference::Gemm(Operand(a.view), Operand(b.view), {}, sum_view);
  const auto draw = [&](int64_t count) {
    std::vector<float> vector(static_cast<size_t>(count));
    for (float& x : vector) {
      x = std::ldexp(static_cast<float>(static_cast<int32_t>(random())),
                     static_cast<int>(random() % 40) - 50);
    }
    return vector;
  };
  const std::vector<float> bias = draw(kN), b_scales = draw(kN),
                           a_scales = draw(kM);
  for (const FormatInfo& f : kFormats) {
    if (!kResultFormats.contains(f.id)) continue;
    for (const Overflow overflow :
         {Overflow::kIeee, Overflow::kSaturate, Overflow::kSaturateFinite}) {
      const float alpha = 0.37f;
      const GemmOptions options = {.alpha = alpha,
                                   .b_row_scales = F32View(b_scales, 1, kN),
                                   .a_row_scales = F32View(a_scales, 1, kM),
                                   .bias = F32View(bias, 1, kN),
                                   .convert = overflow};
      Matrix expected(f.id, kM, kN, 1), d(f.id, kM, kN, 1);
      for (int64_t m = 0; m < kM; ++m) {
        for (int64_t n = 0; n < kN; ++n) {
          volatile float x = sums[static_cast<size_t>(m * kN + n)];
          x = x * alpha;
          x = x * b_scales[static_cast<size_t>(n)];
          x = x * a_scales[static_cast<size_t>(m)];
          x = x + bias[static_cast<size_t>(n)];
          WriteCode(expected.view, m, n,
                    Encode(f, x, Rounding::kNearestEven, overflow, {},
                           NanRule::kPositive));
        }
      }
      ForEachTarget([&](const char* target) {
        Gemm(Operand(a.view), Operand(b.view), {}, d.view, options);
        EXPECT_EQ(d.bytes, expected.bytes) << f.name << " " << target;
      });
    }
  }
}

// Matrices of a batch in one buffer each.
struct BatchCase {
  int64_t count, m, n, k;
  bool share_b = false;
  bool side_by_side = false;  // D: columns of one wide matrix
  std::string_view arith = "chain.f32";
  Format format = Format::kE4M3FN;
  std::optional<Overflow> convert = {};
  Format d_format = Format::kF32;
};

Matrix Codes(Format format, int64_t rows, int64_t cols, std::mt19937& random) {
  Matrix x(format, rows, cols, 0);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < cols; ++i) {
      WriteCode(
          x.view, r, i,
          testing::DrawCode(Info(format), testing::Draw::kFinite, random));
    }
  }
  return x;
}

void ExpectBatchIsSeparateCalls(const BatchCase& t) {
  std::mt19937 random(static_cast<uint32_t>(t.count + t.m));
  const int64_t b_count = t.share_b ? 1 : t.count;
  const int64_t block = FindArith(t.arith).scale_block;
  const int64_t blocks = block == 0 ? 0 : (t.k + block - 1) / block;
  const Format scale_format = Format::kE8M0FNU;
  const auto scales_of = [&](int64_t rows) {
    Matrix s(scale_format, rows, blocks, 0);
    for (uint8_t& x : s.bytes) x = static_cast<uint8_t>(124 + random() % 7);
    return s;
  };
  const Matrix a = Codes(t.format, t.count * t.m, t.k, random);
  const Matrix b = Codes(t.format, b_count * t.n, t.k, random);
  const Matrix a_scales = scales_of(t.count * t.m);
  const Matrix b_scales = scales_of(b_count * t.n);
  const Matrix c =
      Codes(FindArith(t.arith).accumulator, t.count * t.m, t.n, random);
  const Matrix bias = Codes(Format::kBF16, t.count, t.n, random);
  const Matrix b_rows = Codes(Format::kF32, b_count, t.n, random);
  const Matrix a_rows = Codes(Format::kF32, t.count, t.m, random);

  const auto rows = [](const Matrix& x, int64_t first, int64_t count) {
    ConstMatrixView view = x.view;
    view.bytes = view.bytes.subspan(static_cast<size_t>(
        first * view.row_stride * Info(view.format).storage_bits / 8));
    view.rows = count;
    return view;
  };
  const auto operand = [&](const Matrix& x, const Matrix& s, int64_t first,
                           int64_t count) {
    if (block == 0) return Operand(rows(x, first, count));
    return Operand(rows(x, first, count), {rows(s, first, count), block});
  };
  GemmOptions options = {.arith = t.arith,
                         .alpha = 0.5f,
                         .b_row_scales = rows(b_rows, 0, 1),
                         .a_row_scales = rows(a_rows, 0, 1),
                         .bias = rows(bias, 0, 1),
                         .convert = t.convert};
  const Format d_format = t.convert ? t.d_format : FindArith(t.arith).output;
  Matrix expected = t.side_by_side ? Matrix(d_format, t.m, t.count * t.n, 0)
                                   : Matrix(d_format, t.count * t.m, t.n, 0);
  const auto result = [&](const Matrix& d, int64_t i) {
    MatrixView view = d.view;
    const int64_t first = t.side_by_side ? i * t.n : i * t.m * t.n;
    view.bytes = view.bytes.subspan(
        static_cast<size_t>(first * Info(d_format).storage_bits / 8));
    view.rows = t.m;
    view.cols = t.n;
    return view;
  };
  for (int64_t i = 0; i < t.count; ++i) {
    GemmOptions own = options;
    own.b_row_scales = rows(b_rows, t.share_b ? 0 : i, 1);
    own.a_row_scales = rows(a_rows, i, 1);
    own.bias = rows(bias, i, 1);
    reference::Gemm(operand(a, a_scales, i * t.m, t.m),
                    operand(b, b_scales, t.share_b ? 0 : i * t.n, t.n),
                    rows(c, i * t.m, t.m), result(expected, i), own);
  }
  const Batch batch = {.count = t.count,
                       .a = t.m * a.view.row_stride,
                       .b_t = t.share_b ? 0 : t.n * b.view.row_stride,
                       .c = t.m * t.n,
                       .d = t.side_by_side ? t.n : t.m * t.n,
                       .a_scales = t.m * blocks,
                       .b_scales = t.share_b ? 0 : t.n * blocks,
                       .a_row_scales = t.m,
                       .b_row_scales = t.share_b ? 0 : t.n,
                       .bias = t.n};
  const auto expect = [&](auto twin, const char* what) {
    Matrix d = t.side_by_side ? Matrix(d_format, t.m, t.count * t.n, 0)
                              : Matrix(d_format, t.count * t.m, t.n, 0);
    twin(operand(a, a_scales, 0, t.m), operand(b, b_scales, 0, t.n),
         rows(c, 0, t.m), result(d, 0), batch, options);
    EXPECT_EQ(d.bytes, expected.bytes) << t.arith << " " << what;
  };
  expect(reference::BatchedGemm, "oracle");
  ForEachTarget([&](const char* target) {
    for (const int threads : {1, 2, 5, 0}) {
      options.threads = threads;
      expect(BatchedGemm, target);
    }
  });
}

TEST(BatchedGemm, HasTheBitsOfSeparateCalls) {
  ExpectBatchIsSeparateCalls({.count = 5, .m = 3, .n = 18, .k = 40});
  ExpectBatchIsSeparateCalls({.count = 1, .m = 33, .n = 100, .k = 7});
  ExpectBatchIsSeparateCalls({.count = 2, .m = 40, .n = 120, .k = 9});
  ExpectBatchIsSeparateCalls(
      {.count = 4, .m = 2, .n = 5, .k = 33, .share_b = true});
  ExpectBatchIsSeparateCalls(
      {.count = 3, .m = 4, .n = 6, .k = 20, .side_by_side = true});
  ExpectBatchIsSeparateCalls({.count = 3,
                              .m = 4,
                              .n = 6,
                              .k = 70,
                              .arith = "hopper.wgmma.fp8.f16",
                              .convert = Overflow::kSaturate,
                              .d_format = Format::kE4M3FN});
  ExpectBatchIsSeparateCalls({.count = 3,
                              .m = 4,
                              .n = 17,
                              .k = 96,
                              .share_b = true,
                              .side_by_side = true,
                              .arith = "blackwell.tcgen05.mxf4.f32",
                              .format = Format::kE2M1FN,
                              .convert = Overflow::kIeee,
                              .d_format = Format::kBF16});
}

TEST(BatchedGemm, CMayBeDAndNoProductIsNone) {
  const std::vector<uint8_t> codes(2 * 3 * 4, 0x38);  // one, in e4m3fn
  std::vector<float> d(2 * 3 * 3, 1.0f);
  const ConstMatrixView a = CodesView(codes, Format::kE4M3FN, 3, 4);
  const MatrixView d0 = F32View(d, 3, 3);
  const Batch batch = {.count = 2, .a = 12, .b_t = 12, .c = 9, .d = 9};
  BatchedGemm(Operand(a), Operand(a), d0, d0, batch);
  for (const float x : d) EXPECT_EQ(x, 5.0f);
  BatchedGemm(Operand(a), Operand(a), d0, d0, {.count = 0});
  for (const float x : d) EXPECT_EQ(x, 5.0f);
}

}  // namespace
}  // namespace zeroulp
