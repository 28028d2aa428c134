// SPDX-License-Identifier: Apache-2.0
// Every kernel equals the oracle, in all bits, on every SIMD target.
#include "zeroulp/gemm.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cfenv>
#include <cstring>
#include <string>

#include "tests/every_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace zeroulp {
namespace {

using testing::AllTargets;
using testing::Draw;
using testing::DrawC;
using testing::DrawCodes;
using testing::DrawWord;
using testing::ForEachTarget;

struct Problem {
  Format a_format, b_format;
  int64_t m, n, k;
  Draw draw = Draw::kFinite;
  DrawC draw_c = DrawC::kNone;
  int64_t padding = 0;  // extra elements a row, in every matrix
};

std::string Describe(const Problem& p) {
  return std::string(Info(p.a_format).name) + " x " +
         std::string(Info(p.b_format).name) + " " + std::to_string(p.m) + "x" +
         std::to_string(p.n) + "x" + std::to_string(p.k) + " draw " +
         std::to_string(static_cast<int>(p.draw)) + " c " +
         std::to_string(static_cast<int>(p.draw_c)) + " padding " +
         std::to_string(p.padding);
}

// The operands of a problem and the words the oracle gives.
class Prepared {
 public:
  explicit Prepared(const Problem& p, std::string_view arith = "chain.f32")
      : problem_(p) {
    std::mt19937 random(static_cast<uint32_t>(p.m * 7919 + p.n * 31 + p.k));
    const int64_t k_stride = DenseStride(p.a_format, p.k + p.padding);
    const int64_t kb_stride = DenseStride(p.b_format, p.k + p.padding);
    a_codes_ = DrawCodes(p.a_format, p.draw, p.m, k_stride, random);
    b_codes_ = DrawCodes(p.b_format, p.draw, p.n, kb_stride, random);
    a_ = {std::as_bytes(std::span(a_codes_)), p.a_format, p.m, p.k, k_stride};
    b_t_ = {std::as_bytes(std::span(b_codes_)), p.b_format, p.n, p.k,
            kb_stride};
    c_words_.resize(static_cast<size_t>(p.m * d_stride()));
    for (float& x : c_words_) x = DrawWord(p.draw_c, random);
    expected_words_.resize(c_words_.size());
    reference::Gemm(a_, b_t_, c(), View(expected_words_), {.arith = arith});
  }

  const ConstMatrixView& a() const { return a_; }
  const ConstMatrixView& b_t() const { return b_t_; }
  ConstMatrixView c() const {
    if (problem_.draw_c == DrawC::kNone) return {};
    return {std::as_bytes(std::span(c_words_)), Format::kF32, problem_.m,
            problem_.n, d_stride()};
  }
  const std::vector<float>& c_words() const { return c_words_; }
  int64_t d_stride() const { return problem_.n + problem_.padding; }
  MatrixView View(std::vector<float>& words) const {
    return {std::as_writable_bytes(std::span(words)), Format::kF32, problem_.m,
            problem_.n, d_stride()};
  }

  // All words of D right, none outside D touched. `before` filled `actual`.
  void ExpectExact(std::vector<float>& actual, const std::string& what) {
    const BitReport report = CompareBits(View(expected_words_), View(actual));
    EXPECT_TRUE(report.exact())
        << Describe(problem_) << " " << what << ": " << ToString(report);
    for (size_t i = 0; i < actual.size(); ++i) {
      if (static_cast<int64_t>(i) % d_stride() < problem_.n) continue;
      ASSERT_EQ(std::bit_cast<uint32_t>(actual[i]),
                std::bit_cast<uint32_t>(kCanary))
          << Describe(problem_) << " " << what << ": wrote past a row";
    }
  }

  static constexpr float kCanary = 12345.0f;
  std::vector<float> Blank() const {
    return std::vector<float>(expected_words_.size(), kCanary);
  }

 private:
  Problem problem_;
  std::vector<uint8_t> a_codes_, b_codes_;
  std::vector<float> c_words_, expected_words_;
  ConstMatrixView a_, b_t_;
};

void ExpectEveryKernelExact(const Problem& problem) {
  Prepared p(problem);
  if (problem.m == 0 || problem.n == 0) return;  // Gemm returns before kernels
  const ArithInfo& row = FindArith("chain.f32");
  const PackedMatrix a = Pack(p.a()), b_t = Pack(p.b_t());
  std::vector<float> d = p.Blank();
  const kernels::GemmCall call = {&row, &a,         &b_t,  0,        a.rows(),
                                  0,    b_t.rows(), p.c(), p.View(d)};
  testing::ForEachKernel(
      call, [&](const kernels::KernelRow& kernel, const std::string& by) {
        std::fill(d.begin(), d.end(), Prepared::kCanary);
        kernels::RunKernel(kernel, call, 1);
        p.ExpectExact(d, by);
      });
}

constexpr std::array kPairs = {
    std::pair{Format::kE4M3FN, Format::kE4M3FN},
    std::pair{Format::kE4M3FN, Format::kE5M2},
    std::pair{Format::kE5M2, Format::kE4M3FN},
    std::pair{Format::kE5M2, Format::kE5M2},
    std::pair{Format::kBF16, Format::kE4M3FN},
    std::pair{Format::kE2M1FN, Format::kBF16},
    std::pair{Format::kBF16, Format::kBF16},
    std::pair{Format::kE5M2, Format::kF16},
    std::pair{Format::kBF16, Format::kF16},
};

TEST(Gemm, EveryTileEdge) {
  for (const int64_t m : {1, 7, 8, 9, 15, 16, 17, 33}) {
    for (const int64_t n : {1, 11, 12, 13, 16, 23, 24, 25, 47, 48, 49, 65}) {
      const auto [a, b] = kPairs[static_cast<size_t>(m + n) % kPairs.size()];
      ExpectEveryKernelExact(
          {a, b, m, n, 9, Draw::kFinite, DrawC::kOrdinary, (m * n) % 3});
    }
  }
}

TEST(Gemm, EveryLengthOfK) {
  // Around quads (4), BF16 steps (2) and passes over K of both kernels.
  for (const int64_t k :
       {0,   1,   2,   3,   4,   5,   6,   7,   8,    255,  256,  257,  383,
        384, 385, 511, 512, 513, 767, 768, 769, 1023, 1024, 1025, 2049, 4097}) {
    for (const auto& [a, b] : kPairs) {
      for (const DrawC c : {DrawC::kNone, DrawC::kOrdinary}) {
        ExpectEveryKernelExact({a, b, 9, 17, k, Draw::kFinite, c, k % 2});
      }
    }
  }
}

TEST(Gemm, BlocksOfManyRowsAndColumns) {
  ExpectEveryKernelExact({Format::kE4M3FN, Format::kE5M2, 1100, 20, 6});
  ExpectEveryKernelExact({Format::kE5M2, Format::kE4M3FN, 5, 8300, 7});
}

TEST(Gemm, EveryPairOfFormatsAndEveryKindOfInput) {
  for (const Format a : testing::Formats(kChainFormats)) {
    for (const Format b : testing::Formats(kChainFormats)) {
      for (const Draw draw :
           {Draw::kAny, Draw::kLarge, Draw::kSubnormal, Draw::kMinusZero}) {
        for (const DrawC c : {DrawC::kNone, DrawC::kOrdinary, DrawC::kSubnormal,
                              DrawC::kMinusZero, DrawC::kSpecial}) {
          // Odd K: the BF16 kernel's padded half step.
          ExpectEveryKernelExact({a, b, 3, 17, 13, draw, c, 0});
        }
      }
    }
  }
}

TEST(Gemm, SubnormalCInSomeRowsOfMany) {
  ExpectEveryKernelExact({Format::kE4M3FN, Format::kE4M3FN, 3000, 3, 2,
                          Draw::kMinusZero, DrawC::kFewSubnormal});
}

TEST(Gemm, ThreadsPackingAndStridesDoNotMatter) {
  Prepared p({Format::kE4M3FN, Format::kE5M2, 150, 333, 77, Draw::kFinite,
              DrawC::kOrdinary, 3});
  ForEachTarget([&](const char* target) {
    for (const int threads : {0, 1, 2, 7}) {
      const GemmOptions options = {.threads = threads};
      const std::string what =
          std::string(target) + " threads " + std::to_string(threads);
      std::vector<float> d = p.Blank();
      Gemm(Pack(p.a()), Pack(p.b_t()), p.c(), p.View(d), options);
      p.ExpectExact(d, what + " packed");
      d = p.Blank();
      Gemm(p.a(), Pack(p.b_t()), p.c(), p.View(d), options);
      p.ExpectExact(d, what + " B packed");
      d = p.Blank();
      Gemm(p.a(), p.b_t(), p.c(), p.View(d), options);
      p.ExpectExact(d, what + " views");
    }
  });
}

TEST(Gemm, CMayBeD) {
  Prepared p({Format::kE4M3FN, Format::kE4M3FN, 37, 53, 600, Draw::kFinite,
              DrawC::kOrdinary, 0});
  std::vector<float> d = p.c_words();
  Gemm(p.a(), p.b_t(), p.View(d), p.View(d));
  p.ExpectExact(d, "in place");
}

TEST(Gemm, EmptyDIsLegalAndKZeroCopiesC) {
  Gemm(CodesView({}, Format::kE5M2, 0, 5),
       CodesView(std::vector<uint8_t>(10), Format::kE5M2, 2, 5), {},
       F32View(std::span<float>(), 0, 2));
  const std::vector<float> c = {1.5f, -0.0f};
  std::vector<float> d(2, 7.0f);
  Gemm(CodesView({}, Format::kE5M2, 1, 0), CodesView({}, Format::kE5M2, 2, 0),
       F32View(std::span(c), 1, 2), F32View(std::span(d), 1, 2));
  EXPECT_EQ(std::memcmp(c.data(), d.data(), sizeof(float) * 2), 0);
  Gemm(CodesView({}, Format::kE5M2, 1, 0), CodesView({}, Format::kE5M2, 2, 0),
       {}, F32View(std::span(d), 1, 2));
  EXPECT_EQ(std::bit_cast<uint64_t>(std::array{d[0], d[1]}), 0u);
}

TEST(Gemm, CallersFloatingPointEnvironmentChangesNoBitAndIsKept) {
  Prepared p({Format::kE4M3FN, Format::kE5M2, 33, 49, 129, Draw::kSubnormal,
              DrawC::kSubnormal, 0});
  for (const int rounding :
       {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    for (const bool flush : {false, true}) {
      ForEachTarget([&](const char* target) {
        std::fesetround(rounding);
#if defined(__x86_64__)
        const unsigned saved = _mm_getcsr();
        if (flush) _mm_setcsr(saved | 0x8040u);  // FTZ and DAZ
        const unsigned before = _mm_getcsr();
#endif
        std::vector<float> d = p.Blank();
        Gemm(p.a(), p.b_t(), p.c(), p.View(d), {.threads = 1});
        const int after = std::fegetround();
#if defined(__x86_64__)
        EXPECT_EQ(_mm_getcsr(), before);
        _mm_setcsr(saved);
#endif
        std::fesetround(FE_TONEAREST);
        EXPECT_EQ(after, rounding);
        p.ExpectExact(d, std::string(target) + " rounding " +
                             std::to_string(rounding) +
                             (flush ? " flushing" : ""));
      });
    }
  }
}

TEST(Gemm, ExplainNamesTheKernelAndEveryRefusal) {
  const std::string text = Explain(Format::kE4M3FN, Format::kE5M2, "chain.f32");
  EXPECT_EQ(text.rfind("chain.", 0), 0u) << text;
  const ArithInfo& mxf4 = FindArith("blackwell.tcgen05.mxf4.f32");
  const std::string last = Explain(Format::kE2M1FN, Format::kE2M1FN, mxf4.name);
  bool passed_over = true;
  for (const kernels::KernelRow& kernel : kernels::AllKernels()) {
    if (last.starts_with(fmt::format("{}\n", kernel.name))) passed_over = false;
    EXPECT_EQ(last.find(fmt::format("\n{}: ", kernel.name)) != last.npos,
              passed_over && kernel.computes(mxf4))
        << kernel.name << "\n"
        << last;
  }
  EXPECT_FALSE(passed_over) << last;
  const std::string none = Explain(Format::kF16, Format::kE5M2, "exact.f32");
  EXPECT_EQ(none.rfind("none\n", 0), 0u) << none;
}

}  // namespace
}  // namespace zeroulp
