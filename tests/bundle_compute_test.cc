// SPDX-License-Identifier: Apache-2.0
// Mirrors tools/io/bundle_compute.cc and bundle_operands.cc.
#include <bit>

#include "tests/bundle_fixture.h"
#include "zeroulp/bundle.h"
#include "zeroulp/codec.h"

namespace zeroulp::testing {
namespace {

using BundleComputeTest = BundleTest;

TEST_F(BundleComputeTest, ComputesThenVerifiesThenSeesAFlippedBit) {
  Bundle bundle = Read();
  bundle.d = Compute(bundle).d;
  WriteBundle(path_, bundle);
  bundle = ReadBundle(path_);
  for (const bool oracle : {false, true}) {
    const VerifyResult result = Verify(bundle, {.oracle = oracle});
    EXPECT_TRUE(result.exact());
    EXPECT_EQ(result.values, kBatch * kM * kN);
    EXPECT_EQ(result.by_kernel, !oracle);
  }
  EXPECT_EQ(ReadCode(bundle.d->View(1), 2, 4), 0x41800000u);  // 8 * 1 * 2
  WriteCode(bundle.d->View(1), 2, 3, 0x41800001u);
  const VerifyResult result = Verify(bundle);
  EXPECT_EQ(result.mismatches, 1);
  ASSERT_EQ(result.first.size(), 1u);
  EXPECT_EQ(result.first[0].batch, 1);
  EXPECT_EQ(result.first[0].at.row, 2);
  EXPECT_EQ(result.first[0].at.col, 3);
  EXPECT_EQ(result.first[0].at.expected, 0x41800000u);
  EXPECT_EQ(result.first[0].at.actual, 0x41800001u);
  EXPECT_EQ(result.first[0].at.ulps, 1u);
}

TEST_F(BundleComputeTest, ListsNoMoreDifferencesThanAsked) {
  Bundle bundle = Read();
  bundle.d = BundleMatrix::Zeros(Format::kF32, Dtype::kF32, kBatch, kM, kN);
  const VerifyResult result = Verify(bundle, {}, 20);
  EXPECT_EQ(result.mismatches, kBatch * kM * kN);
  ASSERT_EQ(result.first.size(), 20u);
  EXPECT_EQ(result.first[15].batch, 1);
}

TEST_F(BundleComputeTest, ScalesOfOneChangeNothingAndOthersScale) {
  const Bundle plain = Read();
  AddScales(4);
  EXPECT_EQ(Compute(Read()).d.bytes, Compute(plain).d.bytes);
  draft_.Set("a_scales", Dtype::kF8E8M0, {kBatch, kM, 2}, 128);  // 2
  const Bundle scaled = Read();
  EXPECT_EQ(ReadCode(Compute(scaled).d.View(0), 0, 0), 0x42000000u);  // 32
  draft_.Set("b_tensor_scale", Dtype::kF32, {1});                     // 0
  const Bundle zero = Read();
  EXPECT_EQ(ReadCode(Compute(zero).d.View(0), 0, 0), 0u);
}

TEST_F(BundleComputeTest, SparseRowsAddWhatIsStored) {
  AddSparsity();
  draft_.Set("a", Dtype::kF8E4M3, {kBatch, kM, 4}, 0x38);
  const Bundle sparse = Read();
  EXPECT_EQ(ReadCode(Compute(sparse).d.View(1), 2, 4), 0x41000000u);  // 8
  AddScales(4, 4);
  EXPECT_EQ(Compute(Read()).d.bytes, Compute(sparse).d.bytes);
}

TEST_F(BundleComputeTest, ScalesAnArithmeticDoesNotTakeAreRefusedNotIgnored) {
  AddScales(4);
  draft_.Set("b_t", Dtype::kF8E4M3, {kBatch, kN, kK});
  EXPECT_THROW(Compute(Read(), {.arith = "hopper.wgmma.fp8.f32"}), Error);
}

TEST_F(BundleComputeTest, TheArithmeticMustExistAndTakeTheFormats) {
  draft_.metadata["zeroulp.arith"] = "abacus.f32";
  EXPECT_THAT(ComputeRefusal(ErrorCode::kUnsupported),
              HasSubstr("no arithmetic is named 'abacus.f32'; known:"));
  EXPECT_NO_THROW(Compute(Read(), {.arith = "exact.f32"}));
  draft_.metadata.erase("zeroulp.arith");
  EXPECT_THAT(ComputeRefusal(ErrorCode::kArgument),
              HasSubstr("no arithmetic: neither"));
  draft_.metadata["zeroulp.arith"] = "chain.f32";
  draft_.Set("c", Dtype::kF16, {kBatch, kM, kN});
  EXPECT_THAT(ComputeRefusal(ErrorCode::kFormat),
              HasSubstr("chain.f32 takes no f16 for c; it takes f32"));
  draft_.tensors.erase("c");
  draft_.metadata["zeroulp.arith"] = "exact.f32";
  draft_.Set("a", Dtype::kBF16, {kBatch, kM, kK});
  EXPECT_THAT(ComputeRefusal(ErrorCode::kFormat),
              HasSubstr("exact.f32 takes no bf16 for a; it takes e5m2 e4m3fn"));
}

TEST_F(BundleComputeTest, VerifyNeedsADOfTheRightFormat) {
  const auto verify = [](const Bundle& bundle) { Verify(bundle); };
  EXPECT_THAT(Sentence(verify), HasSubstr("has no tensor 'd' to verify"));
  draft_.metadata["zeroulp.arith"] = "hopper.wgmma.fp8.f16";
  draft_.Set("d", Dtype::kF32, {kBatch, kM, kN});
  EXPECT_THAT(Sentence(verify),
              HasSubstr("'d' is f32, hopper.wgmma.fp8.f16 gives f16"));
}

// 8 x 1 x 2 and c: beside 16 a unit of bfloat16 is 1/8.
TEST_F(BundleComputeTest, VerifyRoundsToADOfBfloat16) {
  Fill("c", Dtype::kF32, 0x3D800000);  // 1/16: half way, to even
  Fill("d", Dtype::kBF16, 0x4180);
  EXPECT_TRUE(Verify(Read()).exact());
  Fill("c", Dtype::kF32, 0x3D900000);  // and a little more
  EXPECT_EQ(Verify(Read()).mismatches, kBatch * kM * kN);
  Fill("d", Dtype::kBF16, 0x4181);
  EXPECT_TRUE(Verify(Read()).exact());
  EXPECT_TRUE(Verify(Read(), {.arith = "hopper.wgmma.fp8.f32"}).exact());
  draft_.tensors.erase("c");
  Fill("d", Dtype::kBF16, 0x7FFF);
  draft_.Set("a", Dtype::kF8E4M3, {kBatch, kM, kK}, 0x7F);  // NaN
  EXPECT_TRUE(Verify(Read(), {.arith = "hopper.wgmma.fp8.f32"}).exact());
}

// The same sum: beside 16 a unit of binary16 is 1/64.
TEST_F(BundleComputeTest, VerifyRoundsToADOfBinary16) {
  Fill("c", Dtype::kF32, 0x3C000000);  // 1/128: half way, to even
  Fill("d", Dtype::kF16, 0x4C00);
  EXPECT_TRUE(Verify(Read()).exact());
  Fill("c", Dtype::kF32, 0x3C004000);  // and a little more
  EXPECT_EQ(Verify(Read()).mismatches, kBatch * kM * kN);
  Fill("d", Dtype::kF16, 0x4C01);
  EXPECT_TRUE(Verify(Read()).exact());
  Fill("c", Dtype::kF32, 0x47800000);  // 65536: no binary16
  Fill("d", Dtype::kF16, 0x7C00);
  EXPECT_TRUE(Verify(Read()).exact());
}

TEST_F(BundleComputeTest, PromotionIsTheBundlesUnlessTheCallerSaysOtherwise) {
  const auto set = [&](const char* text) {
    draft_.metadata["zeroulp.promote_every"] = text;
  };
  draft_.metadata["zeroulp.arith"] = "hopper.wgmma.fp8.f32";
  set("32");
  EXPECT_EQ(Read().promote_every, 32);
  EXPECT_FALSE(Read().notes.contains("zeroulp.promote_every"));
  // Beside 2^18 a step keeps multiples of 2^5; what is promoted is added whole.
  Fill("c", Dtype::kF32, 0x48800000);
  Fill("d", Dtype::kF32, 0x48800200);  // 2^18 + 16
  EXPECT_TRUE(Verify(Read()).exact());
  EXPECT_FALSE(Verify(Read(), {.promote_every = 0}).exact());
  draft_.metadata.erase("zeroulp.promote_every");
  EXPECT_EQ(Read().promote_every, 0);
  EXPECT_FALSE(Verify(Read()).exact());
  EXPECT_TRUE(Verify(Read(), {.promote_every = 32}).exact());
  set("0");
  EXPECT_THAT(Refusal(), HasSubstr("zeroulp.promote_every must have whole "
                                   "numbers from 1 to 2147483647, found '0'"));
  set("128 ");
  EXPECT_THAT(Refusal(), HasSubstr("found '128 '"));
}

// 16 in each element, times the scale of its row of B, then of A.
TEST_F(BundleComputeTest, ScalesOfRowsComeLast) {
  draft_.Set("d", Dtype::kF32, {kBatch, kM, kN});
  draft_.Set("a_row_scales", Dtype::kF32, {kBatch, 1, kM});
  draft_.Set("b_row_scales", Dtype::kF32, {kBatch, 1, kN});
  Bundle bundle = Read();
  const auto scale = [](int64_t batch, int64_t i) {
    return 1 + 0.1f * static_cast<float>(7 * batch + i);
  };
  for (int64_t i = 0; i < kBatch; ++i) {
    for (int64_t m = 0; m < kM; ++m) {
      WriteCode(bundle.a_row_scales->View(i), 0, m,
                std::bit_cast<uint32_t>(scale(i, m)));
      for (int64_t n = 0; n < kN; ++n) {
        const float b = 1 / scale(i, n);
        WriteCode(bundle.b_row_scales->View(i), 0, n,
                  std::bit_cast<uint32_t>(b));
        const float d = 16 * b * scale(i, m);
        WriteCode(bundle.d->View(i), m, n, std::bit_cast<uint32_t>(d));
      }
    }
  }
  for (const bool oracle : {false, true}) {
    EXPECT_TRUE(Verify(bundle, {.oracle = oracle}).exact());
  }
  std::swap(bundle.a_row_scales->bytes[3], bundle.a_row_scales->bytes[7]);
  bundle.b_row_scales->bytes[0] ^= std::byte{1};
  EXPECT_FALSE(Verify(bundle).exact());
}

}  // namespace
}  // namespace zeroulp::testing
