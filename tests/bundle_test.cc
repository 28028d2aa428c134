// SPDX-License-Identifier: Apache-2.0
// Mirrors tools/io/bundle_read.cc and bundle_check.cc: every rule of a bundle
// with its sentence.
#include "zeroulp/bundle.h"

#include "tests/bundle_fixture.h"
#include "zeroulp/codec.h"

namespace zeroulp::testing {
namespace {

TEST_F(BundleTest, ReadsShapesFormatsAndNotes) {
  draft_.metadata["zeroulp.device"] = "abacus";
  draft_.Set("extra", Dtype::kI64, {1});
  const Bundle bundle = Read();
  EXPECT_EQ(bundle.batch(), kBatch);
  EXPECT_EQ(bundle.m(), kM);
  EXPECT_EQ(bundle.n(), kN);
  EXPECT_EQ(bundle.k(), kK);
  EXPECT_EQ(bundle.a.format, Format::kE4M3FN);
  EXPECT_EQ(bundle.b_t.format, Format::kE5M2);
  EXPECT_EQ(bundle.arith, "chain.f32");
  EXPECT_EQ(bundle.notes.at("zeroulp.device"), "abacus");
  ASSERT_EQ(bundle.warnings.size(), 1u);
  EXPECT_THAT(bundle.warnings[0], HasSubstr("tensor 'extra' is not part of"));
}

TEST_F(BundleTest, TwoDimensionsAreABatchOfOne) {
  draft_.Set("a", Dtype::kF8E4M3, {kM, kK}, 0x38);
  draft_.Set("b_t", Dtype::kF8E4M3, {kN, kK}, 0x38);
  draft_.Set("c", Dtype::kF32, {kM, kN});
  Bundle bundle = Read();
  EXPECT_FALSE(bundle.batched);
  bundle.d = Compute(bundle).d;
  WriteBundle(path_, bundle);
  EXPECT_EQ(SafetensorsFile::Open(path_).Get("d").shape,
            (std::vector<int64_t>{kM, kN}));
}

TEST_F(BundleTest, FourBitCodesPackedAndUnpackedAreTheSame) {
  draft_.Set("a", Dtype::kF4, {kBatch, kM, kK}, 0x21);
  draft_.Set("b_t", Dtype::kU8, {kBatch, kN, kK}, 0x02);
  draft_.metadata["zeroulp.b_format"] = "e2m1fn";
  Bundle bundle = Read();
  EXPECT_EQ(ReadCode(bundle.a.View(0), 0, 0), 1u);
  EXPECT_EQ(ReadCode(bundle.a.View(0), 0, 1), 2u);
  EXPECT_EQ(ReadCode(bundle.b_t.View(1), 4, 7), 2u);
  WriteBundle(path_, bundle);
  const Bundle again = ReadBundle(path_);
  EXPECT_EQ(again.a.bytes, bundle.a.bytes);
  EXPECT_EQ(again.b_t.bytes, bundle.b_t.bytes);
  EXPECT_EQ(SafetensorsFile::Open(path_).Get("b_t").dtype, Dtype::kU8);
}

TEST_F(BundleTest, OddFourBitRowsTakeABytePerCode) {
  draft_.Set("a", Dtype::kU8, {1, 2, 3}, 0x07);
  draft_.Set("b_t", Dtype::kU8, {1, 2, 3}, 0x0F);
  draft_.metadata["zeroulp.a_format"] = "e2m1fn";
  draft_.metadata["zeroulp.b_format"] = "e2m1fn";
  const Bundle bundle = Read();
  EXPECT_EQ(ReadCode(bundle.a.View(0), 1, 2), 7u);
  draft_.Set("a", Dtype::kF4, {1, 2, 3});
  EXPECT_THAT(Refusal(), HasSubstr("tensor 'a': F4 rows start on a byte, so "
                                   "the 3 columns must be even"));
}

TEST_F(BundleTest, MetadataIsChecked) {
  draft_.metadata["zeroulp.bundle"] = "2";
  EXPECT_THAT(Refusal(), HasSubstr("zeroulp.bundle is '2', this version "
                                   "reads '1'"));
  draft_.metadata.erase("zeroulp.bundle");
  EXPECT_THAT(Refusal(), HasSubstr("is no verification bundle"));
}

TEST_F(BundleTest, FormatsAndDtypesMustAgree) {
  draft_.metadata["zeroulp.a_format"] = "e5m2";
  EXPECT_THAT(Refusal(), HasSubstr("tensor 'a': dtype F8_E4M3 contradicts "
                                   "metadata zeroulp.a_format, which says "
                                   "e5m2"));
  draft_.metadata["zeroulp.a_format"] = "e9m9";
  EXPECT_THAT(Refusal(), HasSubstr("no number format is named 'e9m9'; known"));
  draft_.metadata.erase("zeroulp.a_format");
  draft_.Set("a", Dtype::kU8, {kBatch, kM, kK});
  EXPECT_THAT(Refusal(), HasSubstr("tensor 'a': U8 can hold any format, "
                                   "metadata zeroulp.a_format must name it"));
  draft_.metadata["zeroulp.a_format"] = "e2m3fn";
  EXPECT_EQ(Read().a.format, Format::kE2M3FN);
  draft_.Set("a", Dtype::kU8, {kBatch, kM, kK}, 0x40);
  EXPECT_THAT(Refusal(), HasSubstr("tensor 'a': element 0 is 0x40, e2m3fn "
                                   "codes end at 0x3f"));
  draft_.metadata["zeroulp.a_format"] = "f16";
  EXPECT_THAT(Refusal(), HasSubstr("dtype U8 contradicts"));
  draft_.Set("a", Dtype::kF32, {kBatch, kM, kK});
  draft_.metadata["zeroulp.a_format"] = "tf32";
  EXPECT_EQ(Read().a.format, Format::kTF32);
  draft_.Set("a", Dtype::kI32, {kBatch, kM, kK});
  draft_.metadata.erase("zeroulp.a_format");
  EXPECT_THAT(Refusal(), HasSubstr("tensor 'a': dtype I32 is not one of:"));
}

TEST_F(BundleTest, ShapesMustAgree) {
  draft_.Set("b_t", Dtype::kF8E4M3, {kBatch, kN, kK - 1});
  EXPECT_THAT(Refusal(), HasSubstr("tensor 'a' is 2 x 3 x 8, tensor 'b_t' 2 x "
                                   "5 x 7: batch and K (columns) must be"));
  draft_.Set("b_t", Dtype::kF8E4M3, {kN, kK});
  EXPECT_THAT(Refusal(), HasSubstr("tensor 'b_t' 1 x 5 x 8"));
  draft_.Set("b_t", Dtype::kF8E4M3, {kK});
  EXPECT_THAT(Refusal(), HasSubstr("tensor 'b_t': F8_E4M3 [8] must have 2 "));
  draft_.Set("b_t", Dtype::kF8E4M3, {kBatch, 0, kK});
  EXPECT_THAT(Refusal(), HasSubstr("tensor 'b_t' is empty: 2 x 0 x 8"));
  draft_.tensors.erase("b_t");
  EXPECT_THAT(Refusal(), HasSubstr("no tensor is named 'b_t'; there are: 'a'"));
}

TEST_F(BundleTest, CAndDHaveTheShapeOfTheResult) {
  draft_.Set("c", Dtype::kF32, {kBatch, kN, kM});
  EXPECT_THAT(Refusal(), HasSubstr("tensor 'c' is 2 x 5 x 3, must be 2 x 3 x "
                                   "5: batch x M x N"));
  draft_.Set("c", Dtype::kBF16, {kBatch, kM, kN});
  EXPECT_THAT(Refusal(), HasSubstr("tensor 'c': dtype BF16 is not one of: F32 "
                                   "F16"));
  draft_.tensors.erase("c");
  draft_.Set("d", Dtype::kF64, {kBatch, kM, kN});
  EXPECT_THAT(Refusal(), HasSubstr("tensor 'd': dtype F64 is not one of: F32 "
                                   "F16 BF16"));
}

TEST_F(BundleTest, ScalesAreComplete) {
  AddScales(3);
  EXPECT_EQ(Read().a_scales->cols, 3);
  EXPECT_EQ(Read().b_scales->format, Format::kUE4M3);
  AddScales(4);
  draft_.metadata["zeroulp.block"] = "3";
  EXPECT_THAT(Refusal(), HasSubstr("tensor 'a_scales' is 2 x 3 x 2, must be 2 "
                                   "x 3 x 3: K = 8 in blocks of 3"));
  draft_.metadata["zeroulp.block"] = "0";
  EXPECT_THAT(Refusal(), HasSubstr("zeroulp.block must have whole numbers from "
                                   "1 to 2147483647, found '0'"));
  draft_.metadata.erase("zeroulp.block");
  EXPECT_THAT(Refusal(), HasSubstr("the metadata is missing"));
  AddScales(4);
  draft_.tensors.erase("b_scales");
  EXPECT_THAT(Refusal(), HasSubstr("'b_scales' is missing"));
  draft_.tensors.erase("a_scales");
  EXPECT_THAT(Refusal(), HasSubstr("'b_scales' are missing"));
}

TEST_F(BundleTest, TensorScalesAreOneFloat) {
  draft_.Set("a_tensor_scale", Dtype::kF32, {1});
  EXPECT_EQ(Read().a_tensor_scale, 0.0f);
  draft_.Set("a_tensor_scale", Dtype::kF32, {2});
  EXPECT_THAT(Refusal(), HasSubstr("tensor 'a_tensor_scale' must be F32 [1], "
                                   "is F32 [2]"));
}

TEST_F(BundleTest, SparsityIsComplete) {
  AddSparsity();
  EXPECT_EQ(Read().k(), kK);
  draft_.tensors["a_index"].bytes[1] = std::byte{8};
  EXPECT_THAT(Refusal(), HasSubstr("element 1 is 8; the 4 positions of a group "
                                   "must differ and be below 8"));
  draft_.tensors["a_index"].bytes[1] = std::byte{0};
  EXPECT_THAT(Refusal(), HasSubstr("element 1 is 0;"));
  AddSparsity();
  for (const char* text : {"", "4", ":", "4:", "0:8", "4:8:2", "4:999", "x"}) {
    draft_.metadata["zeroulp.sparsity"] = text;
    EXPECT_THAT(Refusal(), HasSubstr("sparsity")) << text;
  }
  draft_.metadata["zeroulp.sparsity"] = "8:4";
  EXPECT_THAT(Refusal(), HasSubstr("sparsity 8:4 must keep"));
  draft_.metadata["zeroulp.sparsity"] = "3:6";
  EXPECT_THAT(Refusal(), HasSubstr("takes a multiple of 3"));
  draft_.metadata["zeroulp.sparsity"] = "4:16";
  EXPECT_THAT(Refusal(), HasSubstr("is 2 x 3 x 16 uncompressed"));
  draft_.metadata["zeroulp.sparsity"] = "4:8";
  draft_.tensors.erase("a_index");
  EXPECT_THAT(Refusal(), HasSubstr("the tensor is missing"));
  draft_.Set("a_index", Dtype::kU8, {kBatch, kM, 3});
  EXPECT_THAT(Refusal(), HasSubstr("must be U8 [2, 3, 4], one position for"));
}

TEST_F(BundleTest, ScalesOfRowsAreOneForEach) {
  draft_.Set("a_row_scales", Dtype::kF32, {kBatch, 1, kM + 1});
  EXPECT_THAT(Refusal(), HasSubstr("tensor 'a_row_scales' is 2 x 1 x 4, must "
                                   "be 2 x 1 x 3: one for each row"));
  draft_.tensors.erase("a_row_scales");
  draft_.Set("b_row_scales", Dtype::kF16, {kBatch, 1, kN});
  EXPECT_THAT(Refusal(),
              HasSubstr("tensor 'b_row_scales': dtype F16 is not one of: F32"));
}

TEST_F(BundleTest, WriteBundleChecksFirst) {
  Bundle bundle = Read();
  fs::remove(path_);
  bundle.a.bytes.pop_back();
  EXPECT_THROW(WriteBundle(path_, bundle), Error);
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(BundleTest, EveryPartSurvivesARoundTrip) {
  AddSparsity();
  AddScales(4, 4);
  draft_.Set("c", Dtype::kF16, {kBatch, kM, kN}, 1);
  draft_.Set("d", Dtype::kBF16, {kBatch, kM, kN}, 2);
  draft_.Set("a_tensor_scale", Dtype::kF32, {1}, 3);
  draft_.Set("a_row_scales", Dtype::kF32, {kBatch, 1, kM}, 4);
  draft_.Set("b_row_scales", Dtype::kF32, {kBatch, 1, kN}, 5);
  draft_.metadata["zeroulp.promote_every"] = "96";
  const Bundle bundle = Read();
  WriteBundle(path_, bundle);
  const Bundle again = ReadBundle(path_);
  EXPECT_EQ(again.a_index, bundle.a_index);
  EXPECT_EQ(again.sparsity->keep, 4);
  EXPECT_EQ(again.sparsity->group, 8);
  EXPECT_EQ(again.block, 4);
  EXPECT_EQ(again.promote_every, 96);
  EXPECT_EQ(again.a_scales->bytes, bundle.a_scales->bytes);
  EXPECT_EQ(again.b_scales->bytes, bundle.b_scales->bytes);
  EXPECT_EQ(again.a_row_scales->bytes, bundle.a_row_scales->bytes);
  EXPECT_EQ(again.b_row_scales->bytes, bundle.b_row_scales->bytes);
  EXPECT_EQ(again.c->bytes, bundle.c->bytes);
  EXPECT_EQ(again.d->format, Format::kBF16);
  EXPECT_EQ(again.a_tensor_scale, bundle.a_tensor_scale);
  EXPECT_FALSE(again.b_tensor_scale.has_value());
}

// Recorded bundles of other arithmetic: each must be readable.
TEST(HardwareBundlesTest, AreRead) {
  const fs::path folder = fs::path(ZEROULP_SHARED_DIR) / "hardware";
  if (std::string(ZEROULP_SHARED_DIR).empty() || !fs::exists(folder)) {
    GTEST_SKIP() << "no recorded bundles: set ZEROULP_SHARED_DIR";
  }
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".safetensors") continue;
    const Bundle bundle = ReadBundle(entry.path().string());
    EXPECT_TRUE(bundle.warnings.empty());
    EXPECT_EQ(bundle.d->batch, bundle.batch());
    EXPECT_FALSE(bundle.arith.empty());
  }
}

}  // namespace
}  // namespace zeroulp::testing
