// SPDX-License-Identifier: Apache-2.0
// Mirrors tools/io/diagnose.cc and hypotheses.cc: every fault, planted in a
// small bundle, is named, and no other.
#include "zeroulp/diagnose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "tests/bundle_cases.h"
#include "zeroulp/layout.h"
#include "zeroulp/reference.h"

namespace zeroulp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Format kFp4 = Format::kE2M1FN, kFp8 = Format::kE4M3FN;

Diagnosis DiagnosisOf(const Bundle& bundle, const ComputeOptions& options = {},
                      const DiagnoseOptions& limits = {}) {
  const VerifyResult result = Verify(bundle, options);
  EXPECT_FALSE(result.exact());
  const Diagnosis diagnosis = Diagnose(bundle, result, options, limits);
  for (const Finding& finding : diagnosis.findings) {
    EXPECT_THAT(ToString(bundle, result, diagnosis),
                HasSubstr("values agree if " + finding.sentence + "\n"));
  }
  return diagnosis;
}

std::vector<std::string> Sentences(const Diagnosis& diagnosis) {
  std::vector<std::string> sentences;
  for (const Finding& finding : diagnosis.findings) {
    sentences.push_back(finding.sentence);
  }
  return sentences;
}

// The one finding there must be, about all values.
Finding Only(const Bundle& bundle, Cause cause,
             const ComputeOptions& options = {}) {
  const Diagnosis diagnosis = DiagnosisOf(bundle, options);
  EXPECT_EQ(diagnosis.findings.size(), 1u)
      << testing::PrintToString(Sentences(diagnosis));
  if (diagnosis.findings.empty()) return {};
  const Finding& finding = diagnosis.findings[0];
  EXPECT_EQ(Name(finding.cause), Name(cause));
  EXPECT_EQ(finding.values_checked, bundle.batch() * bundle.m() * bundle.n());
  return finding;
}

// The bundle with the words of what is really true of it.
Bundle With(Bundle bundle, const std::function<void(Bundle&)>& truth,
            const ComputeOptions& options = {}) {
  Bundle real = bundle;
  truth(real);
  bundle.d = Compute(real, options).d;
  return bundle;
}

TEST(Diagnose, NamesAnotherArithmetic) {
  BundleMaker make;
  const Bundle bundle =
      With(make.Dense("hopper.wgmma.fp8.f32", kFp8, kFp8, 2, 5, 7, 160),
           [](Bundle& x) { x.arith = "ada.fp8.f32"; });
  const Finding finding = Only(bundle, Cause::kArithmetic);
  EXPECT_EQ(finding.sentence, "the arithmetic is ada.fp8.f32");
  ASSERT_TRUE(finding.parting.has_value());
  EXPECT_EQ(finding.parting->k % 32, 0);
  EXPECT_NE(finding.parting->expected, finding.parting->other);
}

TEST(Diagnose, NamesEveryArithmeticThatAgrees) {
  BundleMaker make;
  const Bundle bundle = With(
      make.Dense("ampere.f16.f32", Format::kF16, Format::kF16, 1, 9, 9, 48),
      [](Bundle& x) { x.arith = "hopper.f16.f32"; });
  EXPECT_THAT(Sentences(DiagnosisOf(bundle)),
              ElementsAre("the arithmetic is hopper.f16.f32",
                          "the arithmetic is blackwell.f16.f32"));
}

// A scale for every element tells the operands apart.
TEST(Diagnose, NamesSwappedNibbles) {
  for (const std::string which : {"a", "b_t", "a and b_t"}) {
    BundleMaker make;
    const Bundle bundle =
        With(make.Scaled("chain.f32", kFp4, Format::kF32, 1, 5, 6, 64),
             [&which](Bundle& x) {
               if (which != "b_t") SwapNibbles(x.a.bytes, x.a.bytes);
               if (which != "a") SwapNibbles(x.b_t.bytes, x.b_t.bytes);
             });
    EXPECT_EQ(Only(bundle, Cause::kNibbles).sentence,
              "the first of two codes of " + which + " is in the high nibble");
  }
}

// Where the order of K does not matter the same products come from swapping
// either operand: both are named.
TEST(Diagnose, NamesNibblesOfBothOperandsWhereTheyCannotBeToldApart) {
  BundleMaker make;
  const Bundle bundle =
      With(make.Dense("blackwell.tcgen05.f8f6f4.f32", kFp4, kFp4, 2, 4, 6, 64),
           [](Bundle& x) { SwapNibbles(x.a.bytes, x.a.bytes); });
  EXPECT_THAT(Sentences(DiagnosisOf(bundle)),
              ElementsAre("the first of two codes of a is in the high nibble",
                          "the first of two codes of b_t is in the high "
                          "nibble"));
}

TEST(Diagnose, NamesSwappedScales) {
  BundleMaker make;
  const Bundle bundle =
      With(make.Scaled("blackwell.tcgen05.mxf8f6f4.f32", kFp8, Format::kE8M0FNU,
                       32, 6, 6, 128),
           [](Bundle& x) { std::swap(x.a_scales, x.b_scales); });
  EXPECT_EQ(Only(bundle, Cause::kSwappedScales).sentence,
            "a_scales and b_scales are swapped");
}

TEST(Diagnose, NamesTiledScales) {
  for (const bool a : {true, false}) {
    BundleMaker make;
    const Bundle bundle =
        With(make.Scaled("blackwell.tcgen05.mxf4nvf4.f32", kFp4, Format::kUE4M3,
                         16, a ? 128 : 3, a ? 3 : 256, 128),
             [a](Bundle& x) {
               BundleMatrix& scales = a ? *x.a_scales : *x.b_scales;
               const std::vector<std::byte> tiled = scales.bytes;
               TiledToLinear(tiled, scales.View(0));
             });
    EXPECT_EQ(Only(bundle, Cause::kTiledScales).sentence,
              std::string("the scales of ") + (a ? "a" : "b_t") +
                  " are in the tiled 128x4 order, not linear");
  }
}

TEST(Diagnose, NamesReciprocalAndMissingTensorScales) {
  BundleMaker make;
  Bundle bundle = make.Scaled("blackwell.tcgen05.mxf4nvf4.f32", kFp4,
                              Format::kUE4M3, 16, 5, 7, 128);
  bundle.a_tensor_scale = 0.3f;
  bundle.b_tensor_scale = 7.0f;
  const auto sentence = [&](const std::function<void(Bundle&)>& truth) {
    return Only(With(bundle, truth), Cause::kTensorScale).sentence;
  };
  EXPECT_EQ(sentence([](Bundle& x) { x.a_tensor_scale = 1 / 0.3f; }),
            "the tensor scale of a is given as its reciprocal");
  EXPECT_EQ(sentence([](Bundle& x) {
              x.a_tensor_scale = 1 / 0.3f;
              x.b_tensor_scale = 1 / 7.0f;
            }),
            "the tensor scale of a and b_t is given as its reciprocal");
  EXPECT_EQ(sentence([](Bundle& x) { x.b_tensor_scale.reset(); }),
            "the tensor scale of b_t is not applied");
  // What the trace, which is before them, becomes by them.
  const Bundle wrong =
      With(bundle, [](Bundle& x) { x.b_tensor_scale.reset(); });
  const VerifyResult result = Verify(wrong);
  EXPECT_THAT(ToString(wrong, result, Diagnose(wrong, result)),
              HasSubstr("    times the tensor scales, 2.1"));
}

TEST(Diagnose, NamesFnuzCodes) {
  BundleMaker make;
  const Bundle bundle = With(
      make.Dense("chain.f32", kFp8, Format::kE5M2, 1, 4, 5, 40), [](Bundle& x) {
        x.a.format = Format::kE4M3FNUZ;
        x.b_t.format = Format::kE5M2FNUZ;
      });
  EXPECT_EQ(Only(bundle, Cause::kDecode).sentence,
            "a holds e4m3fnuz codes, not e4m3fn and b_t holds e5m2fnuz codes, "
            "not e5m2");
}

TEST(Diagnose, NamesFnuzCodesOfARowThatDoesNotTakeThem) {
  BundleMaker make;
  Bundle bundle = make.Dense("hopper.wgmma.fp8.f32", kFp8, kFp8, 1, 4, 5, 96);
  // Minus zero, which is NaN in fnuz, tells the operands apart.
  WriteCode(bundle.a.View(0), 1, 3, 0x80);
  Bundle real = bundle;
  real.a.format = Format::kE4M3FNUZ;
  ArithInfo row = FindArith(bundle.arith);
  row.a = {Format::kE4M3FNUZ};
  bundle.d = BundleMatrix::Zeros(Format::kF32, Dtype::kF32, 1, 4, 5);
  reference::GemmWithRow(row, std::as_const(real).a.View(0),
                         std::as_const(real).b_t.View(0), {},
                         bundle.d->View(0));
  EXPECT_EQ(Only(bundle, Cause::kDecode).sentence,
            "a holds e4m3fnuz codes, not e4m3fn");
}

TEST(Diagnose, NamesTheOtherVendor) {
  BundleMaker make;
  const Bundle bundle =
      With(make.Dense("hopper.wgmma.fp8.f32", kFp8, kFp8, 1, 4, 5, 96),
           [](Bundle& x) {
             x.arith = "cdna3.fp8.f32";
             x.a.format = x.b_t.format = Format::kE4M3FNUZ;
           });
  EXPECT_EQ(Only(bundle, Cause::kDecode).sentence,
            "a holds e4m3fnuz codes, not e4m3fn and b_t holds e4m3fnuz codes, "
            "not e4m3fn and the arithmetic is cdna3.fp8.f32");
}

TEST(Diagnose, NamesTheOtherRounding) {
  for (const char* arith : {"hopper.f16.f32", "hopper.f16.f16"}) {
    BundleMaker make;
    Bundle bundle = make.Dense(arith, Format::kF16, Format::kF16, 1, 8, 9, 64);
    ArithInfo row = FindArith(arith);
    const bool cuts = row.out_rounding == Rounding::kTowardZero;
    row.out_rounding = cuts ? Rounding::kNearestEven : Rounding::kTowardZero;
    bundle.d = Compute(bundle).d;
    reference::GemmWithRow(row, std::as_const(bundle).a.View(0),
                           std::as_const(bundle).b_t.View(0), {},
                           bundle.d->View(0));
    EXPECT_EQ(Only(bundle, Cause::kRounding).sentence,
              std::string("each step of ") + arith +
                  (cuts ? " rounds to nearest even, not toward zero"
                        : " rounds toward zero, not to nearest even"));
  }
}

TEST(Diagnose, NamesPromotion) {
  BundleMaker make;
  const Bundle plain =
      make.Dense("hopper.wgmma.fp8.f32", kFp8, kFp8, 1, 5, 7, 1024);
  const auto nothing = [](Bundle&) {};
  EXPECT_EQ(
      Only(With(plain, nothing, {.promote_every = 128}), Cause::kPromotion)
          .sentence,
      "partial sums are promoted every 128 products");
  EXPECT_EQ(
      Only(With(plain, nothing), Cause::kPromotion, {.promote_every = 128})
          .sentence,
      "partial sums are never promoted");
  EXPECT_EQ(Only(With(plain, nothing, {.promote_every = 256}),
                 Cause::kPromotion, {.promote_every = 128})
                .sentence,
            "partial sums are promoted every 256 products");
}

TEST(Diagnose, NamesPromotionOnOtherHardware) {
  BundleMaker make;
  Bundle bundle =
      make.Dense("blackwell.tcgen05.f8f6f4.f32", kFp8, kFp8, 1, 5, 7, 512);
  bundle.d =
      Compute(bundle, {.arith = "hopper.wgmma.fp8.f32", .promote_every = 128})
          .d;
  EXPECT_EQ(Only(bundle, Cause::kArithmetic).sentence,
            "the arithmetic is hopper.wgmma.fp8.f32 and partial sums are "
            "promoted every 128 products");
}

TEST(Diagnose, NamesCAddedAtTheEnd) {
  BundleMaker make;
  Bundle bundle = make.Dense("hopper.wgmma.fp8.f32", kFp8, kFp8, 1, 5, 7, 96);
  bundle.c = make.Codes(Format::kF32, 1, 5, 7);
  bundle.d = Compute(bundle, {.promote_every = 96}).d;
  EXPECT_EQ(Only(bundle, Cause::kPromotion).sentence,
            "the sum starts from zero and c is added at its end");
}

TEST(Diagnose, NamesDStoredColumnByColumn) {
  BundleMaker make;
  Bundle bundle = make.Dense("chain.f32", kFp8, kFp8, 2, 5, 7, 24);
  const BundleMatrix d = Compute(bundle).d;
  bundle.d = d;
  for (int64_t i = 0; i < 2; ++i) {
    for (int64_t row = 0; row < 5; ++row) {
      for (int64_t col = 0; col < 7; ++col) {
        const int64_t stored = col * 5 + row;
        WriteCode(bundle.d->View(i), stored / 7, stored % 7,
                  ReadCode(d.View(i), row, col));
      }
    }
  }
  EXPECT_EQ(Only(bundle, Cause::kLayout).sentence,
            "d is stored column by column");
}

// Libraries store binary32 sums as bfloat16: so are those of a hypothesis.
TEST(Diagnose, NamesTheArithmeticOfRoundedWords) {
  BundleMaker make;
  Bundle bundle =
      make.Dense("hopper.wgmma.fp8.f32", kFp8, kFp8, 2, 16, 16, 512);
  bundle.d = Compute(bundle, {.arith = "chain.f32"}).d;
  BundleMatrix rounded =
      BundleMatrix::Zeros(Format::kBF16, Dtype::kBF16, 2, 16, 16);
  for (int64_t i = 0; i < 2 * 16 * 16; ++i) {
    const int64_t row = i / 16 % 16, col = i % 16;
    const float sum =
        Decode(Format::kF32, ReadCode(bundle.d->View(i / 256), row, col));
    WriteCode(
        rounded.View(i / 256), row, col,
        Encode(Format::kBF16, sum, Rounding::kNearestEven, Overflow::kIeee));
  }
  bundle.d = rounded;
  const VerifyResult result = Verify(bundle);
  EXPECT_EQ(result.format, Format::kBF16);
  const Diagnosis diagnosis = Diagnose(bundle, result);
  EXPECT_THAT(Sentences(diagnosis),
              testing::Contains("the arithmetic is chain.f32"));
  const std::string text = ToString(bundle, result, diagnosis);
  const Difference& at = result.first.at(0).at;
  EXPECT_THAT(text,
              HasSubstr("expected " + WordText(Format::kBF16, at.expected) +
                        ", actual " + WordText(Format::kBF16, at.actual)));
  EXPECT_THAT(
      text,
      HasSubstr("    as bf16: " + WordText(Format::kBF16, at.expected) + "\n"));
}

TEST(Diagnose, WorksOnSparseBundles) {
  BundleMaker make;
  Bundle bundle = make.Scaled("blackwell.tcgen05.mxf8f6f4.f32", kFp8,
                              Format::kE8M0FNU, 32, 6, 6, 128);
  make.MakeSparse(bundle, 2, 4);
  bundle.a_scales->cols = bundle.b_scales->cols = 2;  // of 64 stored elements
  bundle.a_scales->bytes.resize(12);
  bundle.b_scales->bytes.resize(12);
  bundle = With(bundle, [](Bundle& x) { std::swap(x.a_scales, x.b_scales); });
  EXPECT_EQ(Only(bundle, Cause::kSwappedScales).sentence,
            "a_scales and b_scales are swapped");
  EXPECT_EQ(Trace(bundle, 0, 0, 0).step, 64);  // logical elements
}

TEST(Diagnose, NamesWhatBecomesOfSparsity) {
  const auto sparse = [](int64_t keep, int64_t group) {
    BundleMaker make;
    Bundle bundle =
        make.Dense("hopper.wgmma.fp8.f32", kFp8, kFp8, 2, 5, 7, 256);
    make.MakeSparse(bundle, keep, group);
    return bundle;
  };
  // What is not stored is zero: steps are of other products, fewer than those
  // of any row.
  const auto decompress = [](Bundle& x) {
    BundleMatrix a =
        BundleMatrix::Zeros(x.a.format, x.a.dtype, 2, 5, x.b_t.cols);
    const uint8_t* position = x.a_index.data();
    for (int64_t row = 0; row < 2 * 5; ++row) {
      for (int64_t k = 0; k < x.a.cols; ++k) {
        WriteCode(a.View(row / 5), row % 5, k / 4 * 16 + *position++,
                  ReadCode(x.a.View(row / 5), row % 5, k));
      }
    }
    x.a = a;
    x.sparsity.reset();
    x.a_index.clear();
  };
  Finding finding = Only(With(sparse(4, 16), decompress), Cause::kDecompressed);
  EXPECT_THAT(finding.sentence, HasSubstr("made dense"));
  EXPECT_TRUE(finding.parting.has_value());
  finding = Only(With(sparse(2, 4),
                      [](Bundle& x) {
                        for (size_t i = 0; i < x.a_index.size(); i += 2) {
                          std::swap(x.a_index[i], x.a_index[i + 1]);
                        }
                      }),
                 Cause::kPositions);
  EXPECT_THAT(finding.sentence, HasSubstr("from the last to the first"));
  finding = Only(With(sparse(2, 4),
                      [](Bundle& x) {
                        for (size_t i = 0; i < x.a_index.size(); i += 4) {
                          std::swap(x.a_index[i], x.a_index[i + 2]);
                          std::swap(x.a_index[i + 1], x.a_index[i + 3]);
                        }
                      }),
                 Cause::kPositions);
  EXPECT_THAT(finding.sentence, HasSubstr("second of two groups"));
}

TEST(Diagnose, SaysWhenNothingExplainsTheWords) {
  BundleMaker make;
  Bundle bundle = make.Dense("hopper.wgmma.fp8.f32", kFp8, kFp8, 2, 5, 7, 160);
  bundle.d = Compute(bundle).d;
  const uint32_t word = ReadCode(bundle.d->View(1), 3, 4);
  WriteCode(bundle.d->View(1), 3, 4, word ^ 0x400u);
  const VerifyResult result = Verify(bundle);
  const Diagnosis diagnosis = Diagnose(bundle, result);
  EXPECT_TRUE(diagnosis.findings.empty());
  EXPECT_GT(diagnosis.tried, 10);
  EXPECT_EQ(diagnosis.at.batch, 1);
  EXPECT_EQ(diagnosis.at.at.col, 4);
  ASSERT_EQ(diagnosis.trace.words.size(), 5u);
  EXPECT_EQ(diagnosis.trace.words.back(), word);
  const std::string text = ToString(bundle, result, diagnosis);
  EXPECT_THAT(text, HasSubstr("differences: 1 of 1024 to 2047 ulps\n"));
  EXPECT_THAT(text, HasSubstr("    after k = 160 "));
  EXPECT_THAT(text, HasSubstr("hypotheses explains it\n"));
}

TEST(Diagnose, AnExactBundleNeedsNone) {
  BundleMaker make;
  Bundle bundle = make.Dense("chain.f32", kFp8, kFp8, 1, 2, 3, 4);
  bundle.d = Compute(bundle).d;
  const VerifyResult result = Verify(bundle);
  EXPECT_EQ(Diagnose(bundle, result).tried, 0);
  EXPECT_EQ(ToString(bundle, result, {}), "");
}

TEST(Diagnose, ChecksASampleOfWhatWouldTakeTooLong) {
  BundleMaker make;
  const Bundle bundle =
      With(make.Dense("hopper.wgmma.fp8.f32", kFp8, kFp8, 1, 20, 20, 64),
           [](Bundle& x) { x.arith = "ada.fp8.f32"; });
  const ComputeOptions oracle = {.oracle = true};
  const Diagnosis diagnosis =
      DiagnosisOf(bundle, oracle, {.max_products = 100 * 64});
  ASSERT_EQ(diagnosis.findings.size(), 1u);
  EXPECT_EQ(diagnosis.findings[0].values_checked, 100);
  EXPECT_THAT(ToString(bundle, Verify(bundle, oracle), diagnosis),
              HasSubstr("a sample of 100 values agree if the arithmetic is "
                        "ada.fp8.f32\n"));
}

// Every entry of a trace is the result of K cut off there.
TEST(Trace, IsTheResultOfEveryPrefixOfK) {
  for (const ArithInfo& row : kArith) {
    if (row.chunk == 0) continue;
    SCOPED_TRACE(row.name);
    Format format = Format::kE5M2;
    for (const FormatInfo& f : kFormats) {
      if (row.a.contains(f.id)) format = f.id;
    }
    const int64_t k = row.chunk * 2 + 32;
    BundleMaker make;
    Bundle bundle = row.scale_block == 0
                        ? make.Dense(row.name, format, format, 1, 1, 1, k)
                        : make.Scaled(row.name, format, Format::kE8M0FNU,
                                      row.scale_block, 1, 1, k);
    if (row.accumulator != Format::kBF16) {  // bundles hold no such C
      bundle.c = make.Codes(row.accumulator, 1, 1, 1);
    }
    const AccumulatorTrace trace = Trace(bundle, 0, 0, 0);
    const int64_t entries = (k + trace.step - 1) / trace.step;
    ASSERT_EQ(static_cast<int64_t>(trace.words.size()), entries);
    for (int64_t i = 0; i < entries; ++i) {
      Bundle prefix = bundle;
      const int64_t cols = std::min((i + 1) * trace.step, k);
      for (BundleMatrix* x : {&prefix.a, &prefix.b_t}) {
        x->bytes.resize(x->bytes.size() * static_cast<size_t>(cols) /
                        static_cast<size_t>(k));
        x->cols = cols;
      }
      if (row.scale_block != 0) {
        const int64_t blocks = (cols - 1) / row.scale_block + 1;
        for (BundleMatrix* x : {&*prefix.a_scales, &*prefix.b_scales}) {
          x->bytes.resize(static_cast<size_t>(blocks));
          x->cols = blocks;
        }
      }
      EXPECT_EQ(trace.words[static_cast<size_t>(i)],
                ReadCode(Compute(prefix, {.oracle = true}).d.View(0), 0, 0))
          << "K " << cols;
    }
  }
}

TEST(Trace, FollowsPromotionAndSparsity) {
  BundleMaker make;
  Bundle bundle = make.Dense("hopper.wgmma.fp8.f32", kFp8, kFp8, 1, 2, 2, 512);
  const ComputeOptions options = {.promote_every = 128};
  AccumulatorTrace trace = Trace(bundle, 0, 1, 1, options);
  EXPECT_EQ(trace.step, 128);
  EXPECT_EQ(trace.words.back(),
            ReadCode(Compute(bundle, options).d.View(0), 1, 1));
  make.MakeSparse(bundle, 4, 16);
  trace = Trace(bundle, 0, 1, 0);
  EXPECT_EQ(trace.step, 128);  // 32 stored elements
  EXPECT_EQ(trace.words.back(), ReadCode(Compute(bundle).d.View(0), 1, 0));
}

// Two-level accumulation as in DeepGEMM: an FP32 scale for every promotion.
TEST(Diagnose, WorksOnScaledPromotions) {
  BundleMaker make;
  const ComputeOptions options = {.promote_every = 128};
  const Bundle bundle = With(
      make.Scaled("hopper.wgmma.fp8.f32", kFp8, Format::kF32, 128, 6, 6, 512),
      [](Bundle& x) { std::swap(x.a_scales, x.b_scales); }, options);
  EXPECT_EQ(Only(bundle, Cause::kSwappedScales, options).sentence,
            "a_scales and b_scales are swapped");
  EXPECT_EQ(Trace(bundle, 0, 2, 3, options).words.back(),
            ReadCode(Compute(bundle, options).d.View(0), 2, 3));
}

TEST(Trace, PlacesOutsideTheResultAreRefused) {
  BundleMaker make;
  Bundle bundle = make.Dense("ada.fp8.f32", kFp8, kFp8, 2, 3, 4, 32);
  for (const auto& [batch, row, col] :
       {std::array<int64_t, 3>{2, 0, 0}, {0, 3, 0}, {0, 0, 4}, {-1, 0, 0}}) {
    EXPECT_THROW(Trace(bundle, batch, row, col), Error);
  }
  EXPECT_EQ(Trace(bundle, 1, 2, 3).words.size(), 2u);
  bundle.d = Compute(bundle, {.arith = "chain.f32"}).d;
  VerifyResult result = Verify(bundle);
  ASSERT_FALSE(result.first.empty());
  result.first[0].at.row = 3;
  EXPECT_THROW(Diagnose(bundle, result), Error);
  bundle.a.bytes.pop_back();
  EXPECT_THROW(Trace(bundle, 1, 2, 3), Error);
}

TEST(Trace, ExcerptsShowBothEndsOrTheParting) {
  const AccumulatorTrace trace = {.step = 10,
                                  .words = std::vector<uint32_t>(20)};
  EXPECT_THAT(Excerpt(trace, 200, {}), ElementsAre(0, 1, 2, 17, 18, 19));
  EXPECT_THAT(Excerpt(trace, 200, Parting{.k = 100}),
              ElementsAre(0, 7, 8, 9, 10, 11, 19));
  const AccumulatorTrace one = {.step = 10, .words = {0}};
  EXPECT_THAT(Excerpt(one, 10, {}), ElementsAre(0));
  EXPECT_THAT(Excerpt(one, 10, Parting{.k = 10}), ElementsAre(0));
}

}  // namespace
}  // namespace zeroulp
