// SPDX-License-Identifier: Apache-2.0
// Every row of kArith: the kernel equals the oracle, in all bits, on every SIMD
// target. And no bit of any row moves: tests/golden/digests.csv.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/operand.h"
#include "tests/every_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace zeroulp {
namespace {

using testing::ForEachTarget;
using testing::Formats;
using testing::Matrix;
using testing::PreparedProblem;
using testing::Problem;
using testing::Scales;
using testing::Values;

void ExpectExactOnEveryTarget(const Problem& problem) {
  const PreparedProblem p(problem);
  const PackedMatrix a = Pack(p.a()), b = Pack(p.b());
  ForEachTarget([&](const char* target) {
    Matrix d = p.Blank();
    Gemm(a, b, p.c(), d.view, p.Options());
    p.ExpectExact(d, target);
  });
  if (problem.has_epilogue()) return;
  // And by every kernel that Gemm did not choose.
  Matrix d = p.Blank();
  const kernels::GemmCall call = {
      problem.row, &a,       &b,    0,      a.rows(),
      0,           b.rows(), p.c(), d.view, problem.promote_every};
  testing::ForEachKernel(
      call, [&](const kernels::KernelRow& kernel, const std::string& by) {
        p.Clear(d);
        kernels::RunKernel(kernel, call, 1);
        p.ExpectExact(d, by);
      });
}

// Scale formats of a row; one, and it does not matter which, for rows without.
std::vector<Format> ScaleFormats(const ArithInfo& row) {
  if (row.scales.empty() || row.scale_block == 0) return {Format::kE8M0FNU};
  return Formats(row.scales);
}

class ArithKernel : public ::testing::TestWithParam<const ArithInfo*> {
 protected:
  const ArithInfo& row() const { return *GetParam(); }
  Format first_a() const { return Formats(row().a).front(); }
  Format first_b() const { return Formats(row().b).back(); }
  int64_t chunk() const { return std::max(row().chunk, 1); }
};

std::vector<const ArithInfo*> Rows() {
  std::vector<const ArithInfo*> rows;
  for (const ArithInfo& row : kArith) rows.push_back(&row);
  return rows;
}

std::string RowName(const ::testing::TestParamInfo<const ArithInfo*>& info) {
  std::string name(info.param->name);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Rows, ArithKernel, ::testing::ValuesIn(Rows()),
                         RowName);

TEST_P(ArithKernel, EveryPairOfFormatsAndEveryKindOfInput) {
  // Three chunks, the last one short; where that is long, fewer columns.
  const int64_t k = 2 * chunk() + (chunk() + 1) / 2;
  const int64_t n = k > 128 ? 5 : 18;
  const auto a_formats = Formats(row().a), b_formats = Formats(row().b);
  const size_t num_pairs = a_formats.size() * b_formats.size();
  for (const Format a : a_formats) {
    for (const Format b : b_formats) {
      for (const Format scale : ScaleFormats(row())) {
        for (int v = 0; v <= static_cast<int>(Values::kLast); ++v) {
          // Rows of very many pairs: each with two kinds of input.
          if (num_pairs > 40 &&
              (v + static_cast<int>(a) + 3 * static_cast<int>(b)) % 4 != 0) {
            continue;
          }
          ExpectExactOnEveryTarget({.row = &row(),
                                    .a = a,
                                    .b = b,
                                    .m = 3,
                                    .n = n,
                                    .k = k,
                                    .values = static_cast<Values>(v),
                                    .with_c = v != 2,
                                    .scale_format = scale});
        }
      }
    }
  }
}

TEST_P(ArithKernel, RandomProblems) {
  std::mt19937 random(3);
  const auto pick = [&random](const auto& from) {
    return from[random() % from.size()];
  };
  for (uint32_t i = 0; i < 120; ++i) {
    const int64_t k =
        static_cast<int64_t>(random() % static_cast<size_t>(3 * chunk() + 40));
    const auto values = static_cast<Values>(i % 7);
    const Scales scales = values == Values::kTiny || i % 3 == 0 ? Scales::kTiny
                          : i % 3 == 1 ? Scales::kOrdinary
                                       : Scales::kExtreme;
    ExpectExactOnEveryTarget(
        {.row = &row(),
         .a = pick(Formats(row().a)),
         .b = pick(Formats(row().b)),
         .m = static_cast<int64_t>(random() % 4) + 1,
         .n = static_cast<int64_t>(random() % (k > 128 ? 6 : 40)) + 1,
         .k = k,
         .values = values,
         .with_c = i % 5 != 0,
         .scales = scales,
         .scale_format = pick(ScaleFormats(row())),
         .seed = i});
  }
}

TEST_P(ArithKernel, EveryLengthAroundAChunkAndAPanel) {
  const auto panel = static_cast<int64_t>(kernels::PanelK(row()));
  for (const int64_t k : {int64_t{0}, int64_t{1}, int64_t{2}, int64_t{3},
                          chunk() - 1, chunk(), chunk() + 1, 2 * chunk() + 3,
                          panel - 1, panel, panel + 1, panel + chunk() + 2}) {
    ExpectExactOnEveryTarget({.row = &row(),
                              .a = first_a(),
                              .b = first_b(),
                              .m = 2,
                              .n = 3,
                              .k = k,
                              .values = Values::kGaussian,
                              .padding = k % 3,
                              .scale_format = ScaleFormats(row()).front()});
  }
}

TEST_P(ArithKernel, EveryShapeOfD) {
  for (const auto& [m, n] : std::array<std::pair<int64_t, int64_t>, 6>{
           {{1, 1}, {17, 1}, {1, 33}, {5, 47}, {66, 3}, {2, 131}}}) {
    ExpectExactOnEveryTarget({.row = &row(),
                              .a = first_a(),
                              .b = first_b(),
                              .m = m,
                              .n = n,
                              .k = 7,
                              .values = Values::kAny,
                              .padding = n % 2,
                              .scale_format = ScaleFormats(row()).front()});
  }
}

TEST_P(ArithKernel, ThreadsPackingAndAliasesDoNotMatter) {
  const PreparedProblem p({.row = &row(),
                           .a = first_a(),
                           .b = first_b(),
                           .m = 35,
                           .n = 100,
                           .k = 9,
                           .values = Values::kGaussian,
                           .alpha = 0.3f,
                           .b_row_scales = true,
                           .a_row_scales = true,
                           .bias = Format::kF32,
                           .scale_format = ScaleFormats(row()).front()});
  for (const int threads : {0, 1, 2, 7}) {
    GemmOptions options = p.Options();
    options.threads = threads;
    Matrix d = p.Blank();
    Gemm(p.a(), p.b(), p.c(), d.view, options);
    p.ExpectExact(d, "views");
    d = p.Blank();
    Gemm(p.a(), Pack(p.b()), p.c(), d.view, options);
    p.ExpectExact(d, "B packed");
    d = p.CopyOfC();
    Gemm(Pack(p.a()), Pack(p.b()), d.view, d.view, options);
    p.ExpectExact(d, "C is D");
  }
}

// Every result format in turn, with every overflow rule, bias format and steps
// left out; sums that overflow, underflow and are special.
TEST_P(ArithKernel, EpilogueOfEveryKind) {
  const auto results = Formats(kResultFormats);
  const std::array<std::optional<float>, 8> alphas = {
      -0.3f, {}, 1e-30f, 3e38f, 0x1p-149f, 0.0f, HUGE_VALF, NAN};
  const std::array<std::optional<Format>, 4> biases = {
      Format::kF32, Format::kBF16, {}, Format::kF16};
  uint32_t i = 0;
  for (const std::optional<float>& alpha : alphas) {
    for (const std::optional<Format>& bias : biases) {
      for (int overflow = -1; overflow < 3; ++overflow) {
        Problem p = {.row = &row(),
                     .a = first_a(),
                     .b = first_b(),
                     .m = 3,
                     .n = i % 5 == 0 ? 19 : 7,
                     .k = 6,
                     .values = static_cast<Values>(i % 7),
                     .with_c = i % 3 != 0,
                     .padding = i % 2,
                     .alpha = alpha,
                     .b_row_scales = i % 2 == 1,
                     .a_row_scales = i % 5 == 2 || i % 5 == 3,
                     .bias = bias,
                     .d = results[i % results.size()],
                     .scale_format = ScaleFormats(row()).front(),
                     .seed = i};
        if (overflow >= 0) p.convert = static_cast<Overflow>(overflow);
        ExpectExactOnEveryTarget(p);
        ++i;
      }
    }
  }
}

TEST_P(ArithKernel, PromotionAddsSumsFromZero) {
  // Rows that scale inside the sum cannot; the exact sum has no steps.
  if (row().scale_block != 0 || row().chunk == 0) return;
  for (const int64_t steps : {1, 2, 5}) {
    const int64_t every = steps * chunk();
    for (const Values values : {Values::kFinite, Values::kAny}) {
      Problem p = {.row = &row(),
                   .a = first_a(),
                   .b = first_b(),
                   .m = 3,
                   .n = 6,
                   .k = 2 * every + 1,
                   .values = values,
                   .promote_every = every};
      ExpectExactOnEveryTarget(p);
      if (!row().scales.empty()) continue;
      for (const Scales scales : {Scales::kOrdinary, Scales::kExtreme}) {
        p.scales = scales;
        p.scale_format = Format::kF32;
        p.a_block = p.b_block = every;
        p.block_rows = 2;
        ExpectExactOnEveryTarget(p);
        p.a_block = 0;
        ExpectExactOnEveryTarget(p);
      }
    }
  }
}

TEST_P(ArithKernel, BlockScalesOfEveryKind) {
  if (row().scales.empty()) return;
  const bool any_block = row().scale_block == 0;
  for (const Format scale : Formats(row().scales)) {
    for (const Scales scales :
         {Scales::kOrdinary, Scales::kExtreme, Scales::kNan}) {
      for (const Values values : {Values::kGaussian, Values::kAny,
                                  Values::kZeroGroups, Values::kMinusZero}) {
        for (const auto& [a, b] : std::array<std::pair<int64_t, int64_t>, 5>{
                 {{32, 32}, {16, 0}, {0, 5}, {6, 4}, {300, 128}}}) {
          if (!any_block && a != 32) continue;
          ExpectExactOnEveryTarget({.row = &row(),
                                    .a = first_a(),
                                    .b = first_b(),
                                    .m = 3,
                                    .n = 18,
                                    .k = a == 300 ? 310 : 70,
                                    .values = values,
                                    .scales = scales,
                                    .scale_format = scale,
                                    .a_block = any_block ? a : 0,
                                    .b_block = any_block ? b : 0,
                                    .block_rows = a == 6 ? 4 : 1});
        }
      }
    }
  }
}

TEST_P(ArithKernel, CallersFloatingPointEnvironmentChangesNoBitAndIsKept) {
  for (const Values values : {Values::kFinite, Values::kSubnormal}) {
    const PreparedProblem p({.row = &row(),
                             .a = first_a(),
                             .b = first_b(),
                             .m = 3,
                             .n = 17,
                             .k = chunk() + 1,
                             .values = values,
                             .alpha = 0x1p-3f,
                             .bias = Format::kF32,
                             .convert = Overflow::kIeee,
                             .d = Format::kE4M3FN,
                             .scale_format = ScaleFormats(row()).front()});
    for (const int rounding :
         {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
      ForEachTarget([&](const char* target) {
        std::fesetround(rounding);
#if defined(__x86_64__)
        const unsigned saved = _mm_getcsr();
        _mm_setcsr(saved | 0x8040u);  // FTZ and DAZ
        const unsigned before = _mm_getcsr();
#endif
        Matrix d = p.Blank();
        Gemm(p.a(), p.b(), p.c(), d.view, p.Options());
        const int after = std::fegetround();
#if defined(__x86_64__)
        EXPECT_EQ(_mm_getcsr(), before);
        _mm_setcsr(saved);
#endif
        std::fesetround(FE_TONEAREST);
        EXPECT_EQ(after, rounding);
        p.ExpectExact(d, target);
      });
    }
  }
}

// Four products that cancel exactly, although the parts they are split into do
// not, beside a partial sum too small for either part.
TEST(ArithKernelCases, GroupsThatCancelKeepATinySum) {
  constexpr int64_t kK = 64;
  std::vector<uint8_t> a(kK), b(kK);
  const auto set = [&](size_t k, float x, float y) {
    a[k] = static_cast<uint8_t>(testing::EncodeNear(Info(Format::kE5M2), x));
    b[k] = static_cast<uint8_t>(testing::EncodeNear(Info(Format::kE5M2), y));
  };
  set(0, 1.0f, 1.0f);  // times 2^-70
  set(32, 0x1.8p-5f, 0x1p-4f);
  set(33, -0x1.8p-6f, 0x1p-4f);
  set(34, -0x1.8p-6f, 0x1p-4f);
  const std::vector<uint8_t> a_scales = {127 - 70, 127}, b_scales = {127, 127};
  const auto operand = [](const std::vector<uint8_t>& codes,
                          const std::vector<uint8_t>& scales) {
    return Operand(CodesView(codes, Format::kE5M2, 1, kK),
                   {CodesView(scales, Format::kE8M0FNU, 1, 2), 32});
  };
  ForEachTarget([&](const char* target) {
    std::vector<float> d(1);
    Gemm(operand(a, a_scales), operand(b, b_scales), {},
         F32View(std::span(d), 1, 1), {.arith = "trainium3.mx.f32"});
    EXPECT_EQ(d[0], 0x1p-70f) << target;
  });
}

// A partial sum that underflowed to -0 stays -0 under products of -0.
TEST(ArithKernelCases, MinusZeroSurvivesGroupsOfMinusZeros) {
  for (const Format format : {Format::kE5M2, Format::kE4M3FN}) {
    const uint8_t one =
        static_cast<uint8_t>(testing::EncodeNear(Info(format), 1.0));
    // -1 * 2^-160, then products of -0 alone.
    std::vector<uint8_t> a(8, 0x80), b(8, one);
    a[0] = one | 0x80;
    const std::vector<uint8_t> scale = {127 - 80};
    const BlockScales scales = {CodesView(scale, Format::kE8M0FNU, 1, 1), 32};
    const std::vector<float> c = {-0.0f};
    ForEachTarget([&](const char* target) {
      std::vector<float> d(1);
      Gemm(Operand(CodesView(a, format, 1, 8), scales),
           Operand(CodesView(b, format, 1, 8), scales),
           F32View(std::span(c), 1, 1), F32View(std::span(d), 1, 1),
           {.arith = "trainium3.mx.f32"});
      EXPECT_EQ(std::bit_cast<uint32_t>(d[0]), 0x80000000u) << target;
    });
  }
}

// CRC-32 of ISO 3309.
class Crc {
 public:
  void Add(uint32_t word) {
    for (int byte = 0; byte < 4; ++byte, word >>= 8) {
      crc_ ^= word & 0xFFu;
      for (int bit = 0; bit < 8; ++bit) {
        crc_ = (crc_ >> 1) ^ ((crc_ & 1) != 0 ? 0xEDB88320u : 0u);
      }
    }
  }
  uint32_t value() const { return ~crc_; }

 private:
  uint32_t crc_ = ~0u;
};

uint32_t Digest(const ConstMatrixView& d) {
  Crc crc;
  for (int64_t r = 0; r < d.rows; ++r) {
    for (int64_t i = 0; i < d.cols; ++i) crc.Add(ReadCode(d, r, i));
  }
  return crc.value();
}

// Codes of both signs within three binades of 1; integers alone, so that every
// standard library draws the same.
Matrix DrawNearOne(Format format, int64_t rows, int64_t cols,
                   std::mt19937& random) {
  const FormatInfo& f = Info(format);
  Matrix x(format, rows, cols, 0);
  const auto one = static_cast<uint32_t>(f.bias) << f.mantissa_bits;
  const uint32_t range = std::min(3u << f.mantissa_bits, one);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < cols; ++i) {
      const auto bits = static_cast<uint32_t>(random());
      const uint32_t code = one - range + (bits >> 1) % (2 * range + 1);
      const bool negative =
          (bits & 1) != 0 && (code != 0 || f.has_minus_zero());
      WriteCode(x.view, r, i,
                std::min(code, f.max_code()) | (negative ? f.sign_mask() : 0));
    }
  }
  return x;
}

// A line of digests.csv: one fixed problem of one row.
struct Golden {
  Format a, b;
  uint32_t digest;
};
std::vector<Golden> GoldenDigests(std::string_view arith) {
  std::ifstream file(ZEROULP_SOURCE_DIR "/tests/golden/digests.csv");
  std::vector<Golden> found;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    std::array<std::string, 4> field;
    for (std::string& f : field) std::getline(fields, f, ',');
    if (field[0] != arith) continue;
    found.push_back({FindFormat(field[1]).id, FindFormat(field[2]).id,
                     static_cast<uint32_t>(std::stoul(field[3], nullptr, 16))});
  }
  return found;
}

void ExpectDigest(const ArithInfo& row, const Golden& golden) {
  constexpr int64_t kM = 5, kN = 19;
  const int64_t chunk = std::max(row.chunk, 1);
  const int64_t k = 3 * chunk + chunk / 2 + 1;
  std::mt19937 random(1);
  const Matrix a = DrawNearOne(golden.a, kM, k, random);
  const Matrix b = DrawNearOne(golden.b, kN, k, random);
  const Matrix c = DrawNearOne(row.accumulator, kM, kN, random);
  const int64_t block = row.scale_block;
  const int64_t blocks = block == 0 ? 0 : (k + block - 1) / block;
  const Format scale = ScaleFormats(row).front();
  const Matrix a_scales = DrawNearOne(scale, kM, blocks, random);
  const Matrix b_scales = DrawNearOne(scale, kN, blocks, random);
  const Operand a_operand(a.view, {a_scales.view, block});
  const Operand b_operand(b.view, {b_scales.view, block});
  const GemmOptions options = {.arith = row.name, .threads = 1};

  Matrix d(row.output, kM, kN, 0);
  reference::Gemm(a_operand, b_operand, c.view, d.view, options);
  const uint32_t digest = Digest(d.view);
  EXPECT_EQ(golden.digest, digest)
      << fmt::format("{},{},{},{:08x}", row.name, Info(golden.a).name,
                     Info(golden.b).name, digest);
  ForEachTarget([&](const char* target) {
    Gemm(a_operand, b_operand, c.view, d.view, options);
    EXPECT_EQ(Digest(d.view), digest) << target;
  });
}

TEST_P(ArithKernel, NoBitMoves) {
  const std::vector<Golden> goldens = GoldenDigests(row().name);
  ASSERT_FALSE(goldens.empty());
  for (const Golden& golden : goldens) ExpectDigest(row(), golden);
}

}  // namespace
}  // namespace zeroulp
