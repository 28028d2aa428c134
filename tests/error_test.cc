// SPDX-License-Identifier: Apache-2.0
// Bad input: each is one clear sentence, and D is not touched. Mirrors
// include/zeroulp/internal/check.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "tests/refusal.h"
#include "zeroulp/gemm.h"
#include "zeroulp/reference.h"

namespace zeroulp {
namespace {

using testing::ExpectRefusal;
using testing::Words;

// A problem that is right; each test breaks one thing.
struct Call {
  Call() = default;
  Call(const Call&) = delete;  // the views point into the vectors
  Call& operator=(const Call&) = delete;

  std::vector<uint8_t> a_codes = std::vector<uint8_t>(64, 0x38);
  std::vector<uint8_t> b_codes = std::vector<uint8_t>(64, 0x38);
  std::vector<float> c_words = std::vector<float>(64, 1.0f);
  std::vector<float> d_words = std::vector<float>(64, 7.0f);
  ConstMatrixView a = CodesView(a_codes, Format::kE4M3FN, 3, 8);
  ConstMatrixView b_t = CodesView(b_codes, Format::kE5M2, 4, 8);
  ConstMatrixView c;
  MatrixView d = F32View(std::span(d_words), 3, 4);
  GemmOptions options;
};

// Both twins refuse the broken call with `code` and a sentence that holds all
// of `words`, and leave D as it was.
template <class Break>
void ExpectError(ErrorCode code, const Words& words, const Break& break_call) {
  for (const auto twin :
       {static_cast<decltype(&reference::Gemm)>(&Gemm), &reference::Gemm}) {
    Call call;
    break_call(call);
    ExpectRefusal(code, words, [&] {
      twin(call.a, call.b_t, call.c, call.d, call.options);
    });
    for (const float x : call.d_words) ASSERT_EQ(x, 7.0f);
  }
}

TEST(Error, TheCallItselfIsRight) {
  Call call;
  Gemm(call.a, call.b_t, call.c, call.d, call.options);
  EXPECT_EQ(call.d_words[0], 8 * 1.0f * 0.5f);
  EXPECT_EQ(call.d_words[12], 7.0f);
}

TEST(Error, KMismatch) {
  ExpectError(ErrorCode::kShape,
              {"A is 3x8 e4m3fn", "B^T is 4x7 e5m2", "got 8 and 7"},
              [](Call& call) { call.b_t.cols = 7; });
}

TEST(Error, ShortViews) {
  ExpectError(ErrorCode::kShape, {"A is 3x8", "24 bytes", "has 23"},
              [](Call& call) { call.a.bytes = call.a.bytes.first(23); });
  ExpectError(ErrorCode::kShape, {"B^T", "308 bytes", "has 64"},
              [](Call& call) { call.b_t.row_stride = 100; });
  ExpectError(ErrorCode::kShape, {"D is 3x4 f32", "48 bytes", "has 47"},
              [](Call& call) { call.d.bytes = call.d.bytes.first(47); });
}

TEST(Error, WrongShapeOfDAndC) {
  ExpectError(ErrorCode::kShape, {"D must be 3x4", "4x3"}, [](Call& call) {
    call.d = F32View(std::span(call.d_words), 4, 3);
  });
  ExpectError(ErrorCode::kShape, {"C is 3x5", "D is 3x4"}, [](Call& call) {
    call.c = F32View(std::span<const float>(call.c_words), 3, 5);
  });
}

TEST(Error, NegativeSizesAndStrides) {
  ExpectError(ErrorCode::kShape, {"negative"},
              [](Call& call) { call.a.rows = call.d.rows = -1; });
  ExpectError(ErrorCode::kShape, {"-8", "negative"},
              [](Call& call) { call.a.cols = call.b_t.cols = -8; });
  ExpectError(ErrorCode::kShape, {"row_stride 7", "at least 8"},
              [](Call& call) { call.a.row_stride = 7; });
}

TEST(Error, OddStrideOfFourBitRows) {
  ExpectError(ErrorCode::kShape, {"A is 3x8 e2m1fn with row_stride 9", "even"},
              [](Call& call) {
                call.a.format = Format::kE2M1FN;
                call.a.row_stride = 9;
              });
}

TEST(Error, FormatsTheRowDoesNotTake) {
  ExpectError(ErrorCode::kFormat, {"chain.f32", "e8m0fnu", "e4m3fn"},
              [](Call& call) { call.a.format = Format::kE8M0FNU; });
  ExpectError(ErrorCode::kFormat, {"writes f32", "tf32"},
              [](Call& call) { call.d.format = Format::kTF32; });
  ExpectError(ErrorCode::kFormat, {"accumulates in f32", "tf32"},
              [](Call& call) {
                call.c = F32View(std::span<const float>(call.c_words), 3, 4);
                call.c.format = Format::kTF32;
              });
}

TEST(Error, Overlap) {
  ExpectError(ErrorCode::kOverlap, {"C", "overlaps"}, [](Call& call) {
    call.c = call.d;
    call.c.bytes = std::as_bytes(std::span(call.d_words)).subspan(4);
  });
  ExpectError(ErrorCode::kOverlap, {"row_stride 5"}, [](Call& call) {
    call.c = call.d;
    call.c.bytes = std::as_bytes(std::span(call.d_words));
    call.c.row_stride = 5;
  });
  ExpectError(ErrorCode::kOverlap, {"D", "A"}, [](Call& call) {
    call.a.bytes = std::as_bytes(std::span(call.d_words));
  });
  ExpectError(ErrorCode::kOverlap, {"D", "B^T"}, [](Call& call) {
    call.b_t.bytes = std::as_bytes(std::span(call.d_words)).subspan(44);
  });
}

TEST(Error, NullAndMisaligned) {
  ExpectError(ErrorCode::kArgument, {"A is 3x8", "null"}, [](Call& call) {
    call.a.bytes = {static_cast<const std::byte*>(nullptr), 24};
  });
  ExpectError(ErrorCode::kArgument, {"D", "4-byte aligned"}, [](Call& call) {
    call.d.bytes =
        std::as_writable_bytes(std::span(call.d_words)).subspan(1, 60);
  });
}

TEST(Error, SizesWhoseProductOverflows) {
  constexpr int64_t kHuge = int64_t{1} << 61;
  ExpectError(ErrorCode::kOverflow, {"2305843009213693952", "2^63"},
              [](Call& call) { call.a.row_stride = kHuge; });
  ExpectError(ErrorCode::kOverflow, {"2^63"}, [](Call& call) {
    call.a.rows = call.d.rows = std::numeric_limits<int64_t>::max();
    call.d.cols = call.b_t.rows = 0;
    call.a.cols = call.b_t.cols = 0;
  });
}

TEST(Error, Options) {
  ExpectError(ErrorCode::kUnknownName, {"hopper.wgmma.fp9", "chain.f32"},
              [](Call& call) { call.options.arith = "hopper.wgmma.fp9"; });
  ExpectError(ErrorCode::kArgument, {"threads is -1"},
              [](Call& call) { call.options.threads = -1; });
}

TEST(Error, EpilogueOptions) {
  ExpectError(ErrorCode::kFormat, {"writes f32", "D is 3x4 f16", "convert"},
              [](Call& call) { call.d.format = Format::kF16; });
  ExpectError(ErrorCode::kFormat,
              {"D is 3x4 tf32", "converted to", "e4m3fn", "bf16"},
              [](Call& call) {
                call.d.format = Format::kTF32;
                call.options.convert = Overflow::kIeee;
              });
  ExpectError(ErrorCode::kShape, {"the bias is 1x5 f32", "must be 1x4"},
              [](Call& call) {
                call.options.bias =
                    F32View(std::span<const float>(call.c_words), 1, 5);
              });
  ExpectError(ErrorCode::kShape, {"a_row_scales is 1x4 f32", "must be 1x3"},
              [](Call& call) {
                call.options.a_row_scales =
                    F32View(std::span<const float>(call.c_words), 1, 4);
              });
  ExpectError(ErrorCode::kFormat, {"b_row_scales is 1x4 e5m2", "may be f32"},
              [](Call& call) {
                call.options.b_row_scales =
                    CodesView(call.b_codes, Format::kE5M2, 1, 4);
              });
  ExpectError(ErrorCode::kOverlap, {"overlaps a_row_scales"}, [](Call& call) {
    call.options.a_row_scales =
        F32View(std::span<const float>(call.d_words), 1, 3);
  });
  ExpectError(ErrorCode::kFormat, {"the bias is 1x4 e5m2", "f16 bf16 f32"},
              [](Call& call) {
                call.options.bias =
                    CodesView(call.b_codes, Format::kE5M2, 1, 4);
              });
  ExpectError(ErrorCode::kOverlap, {"overlaps the bias"}, [](Call& call) {
    call.options.bias = F32View(std::span<const float>(call.d_words), 1, 4);
  });
  ExpectError(ErrorCode::kOverlap, {"overlaps C"}, [](Call& call) {
    // In place needs one format.
    call.c = call.d;
    call.d.format = Format::kF16;
    call.d.row_stride = 4;
    call.options.convert = Overflow::kIeee;
  });
}

// Scale types and block lengths that the silicon does not have: the sentence
// lists what it does have.
TEST(Error, ScalesTheRowDoesNotTake) {
  const std::vector<uint8_t> codes(64), scales(8, 127);
  const ConstMatrixView a = CodesView(codes, Format::kE2M1FN, 2, 64);
  const auto expect = [&](Format scale, int64_t block, ErrorCode code,
                          const Words& words) {
    for (const auto twin :
         {static_cast<decltype(&reference::Gemm)>(&Gemm), &reference::Gemm}) {
      std::vector<float> d(4, 7.0f);
      Operand x(a);
      if (block != 0) {
        x.scales = {CodesView(scales, scale, 2, (64 + block - 1) / block),
                    block};
      }
      ExpectRefusal(code, words, [&] {
        twin(x, x, {}, F32View(std::span(d), 2, 2),
             {.arith = "blackwell.tcgen05.mxf4.f32"});
      });
      EXPECT_EQ(d[0], 7.0f);
    }
  };
  expect(Format::kE8M0FNU, 0, ErrorCode::kFormat,
         {"one e8m0fnu scale for every 32 elements", "has none"});
  expect(Format::kUE4M3, 32, ErrorCode::kFormat,
         {"mxf4.f32 takes e8m0fnu block scales, but A has ue4m3"});
  expect(Format::kE8M0FNU, 16, ErrorCode::kArgument,
         {"every 16 elements", "takes one for every 32 elements"});
}

TEST(Error, PromotionWithScalesInsideTheSum) {
  const std::vector<float> words(3 * 2, 1.0f);
  Call call;
  const Operand a = {call.a, {F32View(words, 3, 2), 4}};
  call.options.promote_every = 4;
  for (const auto twin :
       {static_cast<decltype(&reference::Gemm)>(&Gemm), &reference::Gemm}) {
    ExpectRefusal(ErrorCode::kUnsupported,
                  {"promote_every is 4", "chain.f32", "A (3x8 e4m3fn)"},
                  [&] { twin(a, call.b_t, call.c, call.d, call.options); });
  }
  EXPECT_EQ(call.d_words[0], 7.0f);
}

// One scale for more elements or rows than there are is a scale for all.
TEST(Error, BlocksOfScalesMayBeLongerThanTheOperand) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const std::vector<float> scale = {3.0f};
  const auto words = [&](int64_t block, int64_t block_rows, auto gemm) {
    Call call;
    const Operand a = {call.a, {F32View(scale, 1, 1), block, block_rows}};
    gemm(a, call.b_t, call.c, call.d, call.options);
    return call.d_words;
  };
  const auto gemm = static_cast<decltype(&reference::Gemm)>(&Gemm);
  for (const auto twin : {gemm, &reference::Gemm}) {
    const std::vector<float> expected = words(8, 3, twin);
    EXPECT_EQ(expected[0], 3.0f * 8 * 1.0f * 0.5f);
    EXPECT_EQ(words(kMax, 3, twin), expected);
    EXPECT_EQ(words(8, kMax, twin), expected);
    EXPECT_EQ(words(kMax, kMax, twin), expected);
  }
}

// Never read as if it were not there.
TEST(Error, HalfAPatternOrScalesWithoutABlock) {
  const std::vector<uint8_t> index(24), scales(6, 127);
  const ConstMatrixView positions = CodesView(index, Format::kE8M0FNU, 3, 8);
  const auto expect = [](const Words& words, auto breaks) {
    Call call;
    Operand a = call.a;
    breaks(a);
    const auto refused = [&](auto run) {
      ExpectRefusal(ErrorCode::kArgument, words, run);
    };
    refused([&] { Gemm(a, call.b_t, call.c, call.d, call.options); });
    refused([&] { Gemm(a, Pack(call.b_t), call.c, call.d, call.options); });
    refused([&] { reference::Gemm(a, call.b_t, {}, call.d, call.options); });
    refused([&] { Pack(a); });
    EXPECT_EQ(call.d_words[0], 7.0f);
  };
  expect({"sparsity 2:0", "index of 0x0", "neither"},
         [](Operand& a) { a.sparsity.keep = 2; });
  expect({"sparsity 0:0", "index of 3x8", "neither"},
         [&](Operand& a) { a.index = positions; });
  expect({"3x2 e8m0fnu scales", "block of 0 elements"}, [&](Operand& a) {
    a.scales.codes = CodesView(scales, Format::kE8M0FNU, 3, 2);
  });
}

TEST(Error, SparseSizesThatOverflow) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const auto expect = [](ErrorCode code, const Words& words, int64_t cols,
                         int64_t promote_every, auto break_scales) {
    for (const auto twin :
         {static_cast<decltype(&reference::Gemm)>(&Gemm), &reference::Gemm}) {
      Call call;
      Operand a = call.a;
      a.codes.cols = cols;
      a.sparsity = {4, 16};
      const std::vector<uint8_t> index(24);
      a.index = CodesView(index, Format::kE8M0FNU, 3, 8);
      Operand b_t = CodesView(call.b_codes, Format::kE4M3FN, 2, 32);
      call.d = F32View(std::span(call.d_words), 3, 2);
      call.options.arith = "hopper.wgmma.fp8.f32";
      call.options.promote_every = promote_every;
      break_scales(a, b_t);
      ExpectRefusal(code, words,
                    [&] { twin(a, b_t, call.c, call.d, call.options); });
      EXPECT_EQ(call.d_words[0], 7.0f);
    }
  };
  const auto nothing = [](Operand&, Operand&) {};
  expect(ErrorCode::kOverflow, {"4:16", "K exceeds 2^62"}, kMax, 0, nothing);
  expect(ErrorCode::kOverflow, {"4:16", "K exceeds 2^62"}, -kMax, 0, nothing);
  const std::vector<float> scales(8, 1.0f);
  expect(ErrorCode::kArgument, {"B^T has a scale for every 32 elements"}, 8,
         int64_t{1} << 62, [&](Operand& a, Operand& b_t) {
           a.scales = {F32View(scales, 3, 1), int64_t{1} << 62};
           b_t.scales = {F32View(scales, 2, 1), 32};
         });
}

// Both BatchedGemm twins, two products of 3x4x8 in buffers that hold them.
template <class Break>
void ExpectBatchError(ErrorCode code, const Words& words,
                      const Break& break_call) {
  for (const auto twin : {&BatchedGemm, &reference::BatchedGemm}) {
    Call call;
    Batch batch = {.count = 2, .a = 24, .b_t = 32, .c = 12, .d = 12};
    break_call(call, batch);
    ExpectRefusal(code, words, [&] {
      twin(call.a, call.b_t, call.c, call.d, batch, call.options);
    });
    for (const float x : call.d_words) ASSERT_EQ(x, 7.0f);
  }
}

TEST(Error, Batches) {
  ExpectBatchError(ErrorCode::kArgument, {"the count is -1"},
                   [](Call&, Batch& batch) { batch.count = -1; });
  ExpectBatchError(ErrorCode::kShape,
                   {"stride of A (3x8 e4m3fn) is -24", "negative"},
                   [](Call&, Batch& batch) { batch.a = -24; });
  ExpectBatchError(ErrorCode::kShape,
                   {"3 matrices B^T", "stride 32", "96 bytes", "has 64"},
                   [](Call&, Batch& batch) { batch.count = 3, batch.a = 8; });
  ExpectBatchError(ErrorCode::kOverlap,
                   {"2 matrices D", "stride 11", "at least 12"},
                   [](Call&, Batch& batch) { batch.d = 11; });
  ExpectBatchError(ErrorCode::kOverlap, {"stride 0", "at least 12"},
                   [](Call&, Batch& batch) { batch.d = 0; });
  ExpectBatchError(ErrorCode::kOverlap, {"stride 4", "at least 4 in rows"},
                   [](Call& call, Batch& batch) {
                     call.d.row_stride = 7;  // two of 4 columns need 8
                     batch.d = 4;
                   });
  ExpectBatchError(ErrorCode::kOverlap, {"overlaps C", "stride 0"},
                   [](Call& call, Batch& batch) {
                     call.c = call.d;  // in place but for its stride
                     batch.c = 0;
                   });
  ExpectBatchError(ErrorCode::kOverlap, {"overlap A", "must be apart"},
                   [](Call& call, Batch& batch) {
                     // Apart from the first D, not from the second.
                     call.a.bytes =
                         std::as_bytes(std::span(call.d_words)).subspan(48);
                     batch.a = 0;
                   });
  ExpectBatchError(ErrorCode::kOverflow, {"2^63"},
                   [](Call&, Batch& batch) { batch.a = int64_t{1} << 61; });
  ExpectBatchError(ErrorCode::kFormat, {"writes f32"},
                   [](Call& call, Batch&) { call.d.format = Format::kF16; });
}

// Products without elements have strides, and no bytes for them to step over.
TEST(Error, BatchesOfNothingNeedNoBytes) {
  for (const auto twin : {&BatchedGemm, &reference::BatchedGemm}) {
    Call call;
    call.a = CodesView({}, Format::kE4M3FN, 0, 8);
    call.d.rows = 0;
    call.c = F32View(std::span<const float>(), 0, 4);
    const Batch batch = {.count = 3, .a = 100, .b_t = 0, .c = 100, .d = 100};
    twin(call.a, call.b_t, call.c, call.d, batch, call.options);
    EXPECT_EQ(call.d_words, std::vector<float>(64, 7.0f));
  }
}

TEST(Error, OneOfTwoOperandsIsDense) {
  Call call;
  const std::vector<uint8_t> positions(24);
  Operand a = call.a;
  a.sparsity = {2, 4};
  a.index = CodesView(positions, Format::kE5M2, 3, 8);
  ExpectRefusal(ErrorCode::kUnsupported, {"both sparse"},
                [&] { Gemm(a, a, call.c, call.d, call.options); });
  EXPECT_EQ(call.d_words[0], 7.0f);
}

TEST(Error, PackTakesOperandFormatsOnly) {
  const std::vector<float> words(4);
  ExpectRefusal(ErrorCode::kFormat, {"2x2 f32", "e5m2", "tf32"},
                [&] { Pack(F32View(std::span(words), 2, 2)); });
}

}  // namespace
}  // namespace zeroulp
