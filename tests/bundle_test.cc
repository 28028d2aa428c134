// SPDX-License-Identifier: Apache-2.0
// Mirrors tools/io/bundle_*.cc: every rule of a bundle with its sentence.
#include "zeroulp/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "zeroulp/codec.h"

namespace zeroulp {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr int64_t kBatch = 2, kM = 3, kN = 5, kK = 8;

// A file to be: tensors whose bytes are all `fill`, and metadata.
struct Draft {
  struct Tensor {
    Dtype dtype;
    std::vector<int64_t> shape;
    std::vector<std::byte> bytes;
  };
  std::map<std::string, Tensor> tensors;
  Metadata metadata = {{"zeroulp.bundle", "1"}, {"zeroulp.arith", "chain.f32"}};

  void Set(const std::string& name, Dtype dtype, std::vector<int64_t> shape,
           int fill = 0) {
    const auto size = static_cast<size_t>(SizeBytes(dtype, shape));
    tensors[name] = {dtype, std::move(shape),
                     std::vector<std::byte>(size, std::byte(fill))};
  }
};

class BundleTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "zeroulpXXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = (folder_ / "b.safetensors").string();
    draft_.Set("a", Dtype::kF8E4M3, {kBatch, kM, kK}, 0x38);    // 1
    draft_.Set("b_t", Dtype::kF8E5M2, {kBatch, kN, kK}, 0x40);  // 2
  }
  void TearDown() override { fs::remove_all(folder_); }

  Bundle Read() const {
    std::vector<TensorData> tensors;
    for (const auto& [name, tensor] : draft_.tensors) {
      TensorData data;
      data.info.name = name;
      data.info.dtype = tensor.dtype;
      data.info.shape = tensor.shape;
      data.bytes = tensor.bytes;
      tensors.push_back(data);
    }
    WriteSafetensors(path_, tensors, draft_.metadata);
    return ReadBundle(path_);
  }

  // The sentence that an action on the bundle throws.
  std::string Sentence(const std::function<void(const Bundle&)>& act) const {
    try {
      act(Read());
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(path_ + ": "));
      return error.what();
    }
    ADD_FAILURE() << "accepted";
    return "";
  }
  std::string Refusal() const {
    return Sentence([](const Bundle&) {});
  }
  std::string ComputeRefusal(ErrorCode code) const {
    return Sentence([code](const Bundle& bundle) {
      try {
        Compute(bundle);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), code) << error.what();
        throw;
      }
    });
  }

  void AddScales(int64_t block, int64_t stored_k = kK) {
    const int64_t blocks = (stored_k + block - 1) / block;
    draft_.Set("a_scales", Dtype::kF8E8M0, {kBatch, kM, blocks}, 127);
    draft_.Set("b_scales", Dtype::kF8E4M3, {kBatch, kN, blocks}, 0x38);
    draft_.metadata["zeroulp.block"] = std::to_string(block);
  }
  void AddSparsity() {  // 4:8, K = 8
    draft_.Set("a", Dtype::kF8E4M3, {kBatch, kM, 4});
    draft_.Set("a_index", Dtype::kU8, {kBatch, kM, 4});
    auto& index = draft_.tensors["a_index"].bytes;
    for (size_t i = 0; i < index.size(); ++i) {
      index[i] = static_cast<std::byte>(2 * (i % 4));
    }
    draft_.metadata["zeroulp.sparsity"] = "4:8";
  }

  // A matrix like D, of equal words.
  void Fill(const char* name, Dtype dtype, uint32_t word) {
    draft_.Set(name, dtype, {kBatch, kM, kN});
    auto& bytes = draft_.tensors[name].bytes;
    const auto size = static_cast<size_t>(Info(dtype).bits / 8);
    for (size_t i = 0; i < bytes.size(); i += size) {
      std::memcpy(bytes.data() + i, &word, size);
    }
  }

  fs::path folder_;
  std::string path_;
  Draft draft_;
};

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

TEST_F(BundleTest, ComputesThenVerifiesThenSeesAFlippedBit) {
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

TEST_F(BundleTest, ListsNoMoreDifferencesThanAsked) {
  Bundle bundle = Read();
  bundle.d = BundleMatrix::Zeros(Format::kF32, Dtype::kF32, kBatch, kM, kN);
  const VerifyResult result = Verify(bundle, {}, 20);
  EXPECT_EQ(result.mismatches, kBatch * kM * kN);
  ASSERT_EQ(result.first.size(), 20u);
  EXPECT_EQ(result.first[15].batch, 1);
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

TEST_F(BundleTest, ScalesOfOneChangeNothingAndOthersScale) {
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

TEST_F(BundleTest, SparseRowsAddWhatIsStored) {
  AddSparsity();
  draft_.Set("a", Dtype::kF8E4M3, {kBatch, kM, 4}, 0x38);
  const Bundle sparse = Read();
  EXPECT_EQ(ReadCode(Compute(sparse).d.View(1), 2, 4), 0x41000000u);  // 8
  AddScales(4, 4);
  EXPECT_EQ(Compute(Read()).d.bytes, Compute(sparse).d.bytes);
}

TEST_F(BundleTest, ScalesAnArithmeticDoesNotTakeAreRefusedNotIgnored) {
  AddScales(4);
  draft_.Set("b_t", Dtype::kF8E4M3, {kBatch, kN, kK});
  EXPECT_THROW(Compute(Read(), {.arith = "hopper.wgmma.fp8.f32"}), Error);
}

TEST_F(BundleTest, TheArithmeticMustExistAndTakeTheFormats) {
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

TEST_F(BundleTest, VerifyNeedsADOfTheRightFormat) {
  const auto verify = [](const Bundle& bundle) { Verify(bundle); };
  EXPECT_THAT(Sentence(verify), HasSubstr("has no tensor 'd' to verify"));
  draft_.metadata["zeroulp.arith"] = "hopper.wgmma.fp8.f16";
  draft_.Set("d", Dtype::kF32, {kBatch, kM, kN});
  EXPECT_THAT(Sentence(verify),
              HasSubstr("'d' is f32, hopper.wgmma.fp8.f16 gives f16"));
}

// 8 x 1 x 2 and c: beside 16 a unit of bfloat16 is 1/8.
TEST_F(BundleTest, VerifyRoundsToADOfBfloat16) {
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
TEST_F(BundleTest, VerifyRoundsToADOfBinary16) {
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

TEST_F(BundleTest, PromotionIsTheBundlesUnlessTheCallerSaysOtherwise) {
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
TEST_F(BundleTest, ScalesOfRowsComeLast) {
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
}  // namespace zeroulp
