// SPDX-License-Identifier: Apache-2.0
// Mirrors kernels/pack_bytes.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/arith_cases.h"
#include "zeroulp/error.h"
#include "zeroulp/packed.h"

namespace zeroulp {
namespace {

using ::testing::HasSubstr;
using testing::Matrix;
using testing::PreparedProblem;
using testing::Problem;
using testing::Scales;

Problem Scaled(Format format, Scales scales, Format scale_format) {
  return {.row = &FindArith("chain.f32"),
          .a = format,
          .b = format,
          .m = 19,
          .n = 21,
          .k = 70,
          .scales = scales,
          .scale_format = scale_format,
          .a_block = 32,
          .b_block = 16};
}

TEST(PackBytes, ProductsOfWhatWasReadBackAreTheSame) {
  for (const Format format : {Format::kE4M3FN, Format::kE3M2FN, Format::kE2M1FN,
                              Format::kBF16, Format::kF16}) {
    for (const Format scale :
         {Format::kE8M0FNU, Format::kUE4M3, Format::kF32}) {
      for (const Scales scales : {Scales::kNone, Scales::kOrdinary}) {
        const PreparedProblem p(Scaled(format, scales, scale));
        const std::vector<std::byte> a = Pack(p.a()).Serialize();
        const std::vector<std::byte> b = Pack(p.b()).Serialize();
        const PackedMatrix a_back = PackedMatrix::Deserialize(a);
        EXPECT_EQ(a_back.Serialize(), a);
        Matrix d = p.Blank();
        Gemm(a_back, PackedMatrix::Deserialize(b), p.c(), d.view, p.Options());
        p.ExpectExact(d, "read back");
      }
    }
  }
}

TEST(PackBytes, EmptyOperandsAreOperands) {
  for (const auto& [rows, cols] :
       {std::pair<int64_t, int64_t>{0, 5}, {5, 0}, {0, 0}}) {
    const PackedMatrix back = PackedMatrix::Deserialize(
        Pack(CodesView({}, Format::kE5M2, rows, cols)).Serialize());
    EXPECT_EQ(back.rows(), rows);
    EXPECT_EQ(back.cols(), cols);
    EXPECT_EQ(back.format(), Format::kE5M2);
  }
}

// What Deserialize says; "read" if it accepts.
std::string Refusal(const std::vector<std::byte>& bytes) {
  try {
    PackedMatrix::Deserialize(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFile);
    return error.what();
  }
  return "read";
}

class BrokenBytes : public ::testing::Test {
 protected:
  BrokenBytes()
      : good_(Pack(PreparedProblem(Scaled(Format::kE2M1FN, Scales::kOrdinary,
                                          Format::kE8M0FNU))
                       .a())
                  .Serialize()) {}

  template <class T>
  std::string With(size_t at, T value) const {
    std::vector<std::byte> bytes = good_;
    std::memcpy(bytes.data() + at, &value, sizeof(value));
    return Refusal(bytes);
  }

  std::vector<std::byte> good_;
};

TEST_F(BrokenBytes, EveryTruncationAndExtensionIsRefused) {
  EXPECT_EQ(Refusal(good_), "read");
  for (size_t size = 0; size < good_.size(); ++size) {
    ASSERT_NE(Refusal({good_.begin(),
                       good_.begin() + static_cast<std::ptrdiff_t>(size)}),
              "read")
        << size;
  }
  std::vector<std::byte> longer = good_;
  longer.push_back(std::byte{0});
  EXPECT_THAT(Refusal(longer), HasSubstr("bytes after the header, got"));
}

TEST_F(BrokenBytes, EveryFieldIsChecked) {
  EXPECT_THAT(With(0, 'Z'), HasSubstr("do not begin"));
  EXPECT_THAT(With(8, uint32_t{7}), HasSubstr("version 7 is not 1"));
  EXPECT_THAT(With(12, uint32_t{1}), HasSubstr("version 1 is not 1"));
  EXPECT_THAT(With(16, 'x'), HasSubstr("no number format is named 'x2m1fn'"));
  EXPECT_THAT(With(28, 'x'), HasSubstr("no number format is named 'x8m0fnu'"));
  EXPECT_THAT(With(40, int64_t{-1}), HasSubstr("-1x70 elements"));
  EXPECT_THAT(With(40, int64_t{1} << 62), HasSubstr("cannot be"));
  EXPECT_THAT(With(48, int64_t{1} << 47), HasSubstr("bytes after the header"));
  EXPECT_THAT(With(56, int64_t{-32}), HasSubstr("for every -32 cannot be"));
  EXPECT_THAT(With(64, uint8_t{0x10}), HasSubstr("row 0, column 0 has bits"));
}

TEST_F(BrokenBytes, FormatsThatAreNoOperandsAreRefused) {
  const std::string f32("f32\0\0\0\0\0\0\0\0\0", 12);
  std::array<char, 12> name;
  std::copy(f32.begin(), f32.end(), name.begin());
  EXPECT_THAT(With(16, name), HasSubstr("f32 is no format of a packed"));
  name[0] = 'b', name[1] = '1', name[2] = '6';
  std::copy_n("bf16", 4, name.begin());
  EXPECT_THAT(With(28, name), HasSubstr("the scales are bf16"));
}

// A NaN there would reach results: zero times NaN.
TEST_F(BrokenBytes, CodesOutsideTheMatrixAreRefused) {
  // Column 70 of row 0 is the third byte of quad 17.
  EXPECT_THAT(With(64 + 17 * 64 + 2, uint8_t{1}),
              HasSubstr("row 0, column 70 is outside 19x70"));
  // Row 19 is lane 3 of the second group, of 18 quads.
  EXPECT_THAT(With(64 + 18 * 64 + 3 * 4, uint8_t{1}),
              HasSubstr("row 19, column 0 is outside 19x70"));
}

TEST_F(BrokenBytes, NoByteMakesItCrash) {
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    std::vector<std::byte> bytes = good_;
    for (uint32_t j = 0; j <= random() % 3; ++j) {
      bytes[random() % 96] = static_cast<std::byte>(random());
    }
    Refusal(bytes);
  }
}

}  // namespace
}  // namespace zeroulp
