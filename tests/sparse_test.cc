// SPDX-License-Identifier: Apache-2.0
// Mirrors kernels/sparsify.cc and kernels/sparse_metadata.cc.
#include "zeroulp/sparse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "zeroulp/codec.h"

namespace zeroulp {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <class Call>
std::string SentenceOf(ErrorCode code, const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

std::vector<uint8_t> Largest(std::vector<float> row, std::string_view pattern) {
  const auto cols = static_cast<int64_t>(row.size());
  return LargestPositions(F32View(row, 1, cols), FindSparsity(pattern));
}

TEST(Sparsify, MagnitudeDecidesAndTiesGoToTheLowerPosition) {
  EXPECT_THAT(Largest({1, -3, 2, 0}, "2:4"), ElementsAre(1, 2));
  EXPECT_THAT(Largest({1, 1, -1, 1}, "2:4"), ElementsAre(0, 1));
  EXPECT_THAT(Largest({0, 0, 0, 0}, "2:4"), ElementsAre(0, 1));
  EXPECT_THAT(Largest({0, 2, 2, -5, 1, -1, 0, 0}, "2:4"),
              ElementsAre(1, 3, 0, 1));
  EXPECT_THAT(Largest({-0.5f, 0.25f}, "1:2"), ElementsAre(0));
  EXPECT_THAT(Largest({3e38f, kInf, kNan, -kInf}, "1:4"), ElementsAre(2));
  EXPECT_THAT(Largest({3e38f, kInf, 1, -kInf}, "2:4"), ElementsAre(1, 3));
}

TEST(Sparsify, PairsStayTogether) {
  EXPECT_THAT(Largest({5, 0, 3, 3, 4, 0, 0, 4}, "4:8-pairs"),
              ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Largest({0, 1, 3, 3, 0, -9, 2, 2}, "4:8-pairs"),
              ElementsAre(2, 3, 4, 5));
}

TEST(Sparsify, ScoresAreNotMagnitudes) {
  const SparsityInfo& pattern = FindSparsity("2:4");
  const std::vector<float> scores = {-9, -1, -kInf, 0};
  EXPECT_THAT(HighestPositions(F32View(scores, 1, 4), pattern),
              ElementsAre(1, 3));
  const std::vector<float> bad = {0, 0, 0, 0, 0, kNan, 0, 0};
  EXPECT_THAT(
      SentenceOf(ErrorCode::kArgument,
                 [&] { HighestPositions(F32View(bad, 1, 8), pattern); }),
      HasSubstr("row 0, group 1 of 2:4 at position 1 is NaN"));
}

TEST(Sparsify, MaskKeepsExactlyWhatThePatternSays) {
  const SparsityInfo& pattern = FindSparsity("2:4");
  const std::vector<uint8_t> mask = {0, 1, 0, 1, 1, 1, 0, 0};
  const auto view = [](const std::vector<uint8_t>& codes, int64_t rows) {
    return CodesView(codes, Format::kE8M0FNU, rows,
                     static_cast<int64_t>(codes.size()) / rows);
  };
  EXPECT_THAT(MaskPositions(view(mask, 2), pattern), ElementsAre(1, 3, 0, 1));
  for (const std::vector<uint8_t>& wrong :
       {std::vector<uint8_t>{1, 1, 0, 0, 1, 1, 1, 0},
        std::vector<uint8_t>{1, 1, 0, 0, 0, 0, 1, 0}}) {
    EXPECT_THAT(SentenceOf(ErrorCode::kArgument,
                           [&] { MaskPositions(view(wrong, 2), pattern); }),
                HasSubstr("row 1, group 0 keeps"));
  }
  const std::vector<uint8_t> halves = {1, 1, 0, 1, 1, 0, 0, 0};
  EXPECT_THAT(
      SentenceOf(
          ErrorCode::kArgument,
          [&] { MaskPositions(view(halves, 1), FindSparsity("4:8-pairs")); }),
      HasSubstr("row 0, group 0 keeps a part of positions 2 to 3"));
}

TEST(Sparsify, ExistingPatternsAreFoundAndFilledUp) {
  const std::vector<float> x = {0, 7, 0, 0, -0.0f, 0, 0, 0};
  const ConstMatrixView view = F32View(x, 2, 4);
  EXPECT_THAT(NonzeroPositions(view, FindSparsity("2:4")),
              ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(NonzeroPositions(view, FindSparsity("1:4")), ElementsAre(1, 0));
  std::vector<std::string> names;
  for (const SparsityInfo* pattern : PatternsOf(view)) {
    names.emplace_back(pattern->name);
  }
  EXPECT_THAT(names, ElementsAre("2:4", "1:4", "1:2"));
  const std::vector<float> dense = {0, 0, 0, 1, 1, 1, 0, 0};
  EXPECT_THAT(
      SentenceOf(
          ErrorCode::kArgument,
          [&] { NonzeroPositions(F32View(dense, 1, 8), FindSparsity("1:4")); }),
      HasSubstr("row 0, group 1 has elements that are not zero in 2 "
                "places: 1:4 keeps 1"));
  EXPECT_THAT(PatternsOf(F32View(std::vector<float>(5, 1.0f), 1, 5)),
              IsEmpty());
}

TEST(Sparsify, KIsAMultipleOfTheGroup) {
  const std::vector<float> x(18);
  EXPECT_THAT(
      SentenceOf(
          ErrorCode::kShape,
          [&] { LargestPositions(F32View(x, 1, 18), FindSparsity("4:16")); }),
      HasSubstr("1x18 f32: columns must be a multiple of the group of "
                "16 of 4:16, but group 1 of every row has 2"));
  const std::vector<uint8_t> mask(7);
  EXPECT_THAT(SentenceOf(ErrorCode::kShape,
                         [&] {
                           MaskPositions(
                               CodesView(mask, Format::kE8M0FNU, 1, 7),
                               FindSparsity("2:4"));
                         }),
              HasSubstr("the mask is 1x7: columns must be a multiple of the "
                        "group of 4 of 2:4, but group 1 of every row has 3"));
  const std::vector<uint8_t> positions(3);
  EXPECT_THAT(
      SentenceOf(ErrorCode::kShape,
                 [&] { NvidiaMetadata(FindSparsity("2:4"), 1, 3, positions); }),
      HasSubstr("1x3 stored elements with sparsity 2:4: columns must be a "
                "multiple of 2"));
}

// Every format, so that two codes a byte and words in high bits are met.
TEST(Sparsify, CompressAndDecompressLoseNothing) {
  std::mt19937 random(1);
  for (const FormatInfo& f : kFormats) {
    if (!f.has_sign) continue;
    for (const SparsityInfo& pattern : kSparsities) {
      const int64_t rows = 3, cols = 3 * pattern.ratio.group;
      const int64_t stride = DenseStride(f.id, cols) + 2;
      std::vector<std::byte> bytes(
          static_cast<size_t>(rows * stride * f.storage_bits / 8));
      const MatrixView view = {bytes, f.id, rows, cols, stride};
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t k = 0; k < cols; ++k) {
          WriteCode(view, r, k,
                    static_cast<uint32_t>(random()) &
                        (f.sign_mask() | f.magnitude_mask()));
        }
      }
      const auto positions = LargestPositions(view, pattern);
      const SparseMatrix sparse = Compress(view, pattern, positions);
      Prune(view, pattern, positions);
      EXPECT_EQ(NonzeroPositions(view, pattern).size(), positions.size());
      std::vector<std::byte> back(bytes.size());
      const MatrixView to = {back, f.id, rows, cols, stride};
      Decompress(sparse, to);
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t k = 0; k < cols; ++k) {
          ASSERT_EQ(ReadCode(view, r, k), ReadCode(to, r, k))
              << f.name << " " << pattern.name << " " << r << "," << k;
        }
      }
    }
  }
}

TEST(Sparsify, ImpossiblePositionsNameRowAndGroup) {
  const SparsityInfo& pattern = FindSparsity("2:4");
  std::vector<float> x(16);
  std::vector<uint8_t> positions = {0, 1, 2, 3, 0, 1, 2, 4};
  EXPECT_THAT(
      SentenceOf(ErrorCode::kArgument,
                 [&] { Compress(F32View(x, 2, 8), pattern, positions); }),
      HasSubstr("row 1, group 1: position 4 is outside the group of 4"));
  EXPECT_THAT(
      SentenceOf(ErrorCode::kShape,
                 [&] {
                   Prune(F32View(x, 1, 16), pattern, {positions.data(), 7});
                 }),
      HasSubstr("got 7 positions"));
  positions[7] = 2;
  const SparseMatrix twice = Compress(F32View(x, 2, 8), pattern, positions);
  EXPECT_THAT(SentenceOf(ErrorCode::kArgument,
                         [&] { Decompress(twice, F32View(x, 2, 8)); }),
              HasSubstr("row 1, group 1: two elements are at position 2"));
}

// Every nibble of every pattern: legal ones both ways, the others refused.
TEST(SparseMetadata, EveryNvidiaNibble) {
  struct Legal {
    uint16_t nibble;
    std::vector<uint8_t> positions;
  };
  const std::vector<Legal> two_of_four = {
      {0x4, {0, 1}}, {0x8, {0, 2}}, {0x9, {1, 2}}, {0xC, {0, 3}},
      {0xD, {1, 3}}, {0xE, {2, 3}}, {0x6, {2, 1}}};
  std::vector<Legal> pairs;
  for (const Legal& x : two_of_four) {
    Legal pair = {x.nibble, {}};
    for (const uint8_t at : x.positions) {
      pair.positions.push_back(static_cast<uint8_t>(2 * at));
      pair.positions.push_back(static_cast<uint8_t>(2 * at + 1));
    }
    pairs.push_back(pair);
  }
  const std::vector<Legal> one_of_two = {{0x4, {0}}, {0xE, {1}}};
  for (const auto& [name, legal] :
       {std::pair{"2:4", two_of_four}, std::pair{"4:8-pairs", pairs},
        std::pair{"1:2", one_of_two}}) {
    const SparsityInfo& pattern = FindSparsity(name);
    const int64_t keep = pattern.ratio.keep;
    for (uint16_t nibble = 0; nibble < 16; ++nibble) {
      const std::vector<uint16_t> words = {nibble};
      const auto found =
          std::find_if(legal.begin(), legal.end(),
                       [&](const Legal& x) { return x.nibble == nibble; });
      if (found == legal.end()) {
        EXPECT_THAT(
            SentenceOf(ErrorCode::kArgument,
                       [&] { NvidiaPositions(pattern, 1, keep, words); }),
            HasSubstr("row 0, group 0: nibble"));
        continue;
      }
      const auto positions = NvidiaPositions(pattern, 1, keep, words);
      EXPECT_THAT(positions, ElementsAreArray(found->positions));
      EXPECT_THAT(NvidiaMetadata(pattern, 1, keep, positions),
                  ElementsAreArray(words));
    }
  }
}

TEST(SparseMetadata, LowestNibbleOfTheLowestWordFirst) {
  const SparsityInfo& pattern = FindSparsity("2:4");
  const std::vector<uint8_t> positions = {0, 1, 0, 2, 1, 2, 0, 3, 2, 3,  //
                                          1, 3, 1, 3, 1, 3, 1, 3, 0, 1};
  const auto words = NvidiaMetadata(pattern, 2, 10, positions);
  EXPECT_THAT(words, ElementsAre(0xC984, 0x000E, 0xDDDD, 0x0004));
  EXPECT_EQ(NvidiaPositions(pattern, 2, 10, words), positions);
}

TEST(SparseMetadata, WhatCannotBeStatedIsRefused) {
  const SparsityInfo& pattern = FindSparsity("2:4");
  const std::vector<uint8_t> descending = {0, 1, 3, 1};
  EXPECT_THAT(
      SentenceOf(ErrorCode::kArgument,
                 [&] { NvidiaMetadata(pattern, 1, 4, descending); }),
      HasSubstr("row 0, group 1: no nibble of 2:4 states positions 3 1"));
  EXPECT_THAT(
      SentenceOf(
          ErrorCode::kUnsupported,
          [&] { NvidiaMetadata(FindSparsity("4:16"), 1, 4, descending); }),
      HasSubstr("no metadata for sparsity 4:16"));
  const std::vector<uint16_t> words = {0x0044};
  EXPECT_THAT(SentenceOf(ErrorCode::kArgument,
                         [&] { NvidiaPositions(pattern, 1, 2, words); }),
              HasSubstr("row 0: nibble 1 is 0x4: after the 1 of the row"));
  EXPECT_THAT(SentenceOf(ErrorCode::kShape,
                         [&] { NvidiaPositions(pattern, 2, 2, words); }),
              HasSubstr("have 2 words of metadata, got 1"));
  EXPECT_THAT(
      SentenceOf(
          ErrorCode::kUnsupported,
          [&] { TrainiumTags(FindSparsity("4:8-pairs"), 1, 4, descending); }),
      HasSubstr("no tags"));
}

TEST(SparseMetadata, EveryTrainiumTag) {
  for (const SparsityInfo& pattern : kSparsities) {
    if (!pattern.trainium) continue;
    // Any order, the same one twice, too.
    std::vector<uint8_t> positions;
    for (int64_t i = 0; i < 7 * pattern.ratio.keep; ++i) {
      positions.push_back(static_cast<uint8_t>((5 * i) % pattern.ratio.group));
    }
    const auto cols = static_cast<int64_t>(positions.size());
    const auto tags = TrainiumTags(pattern, 1, cols, positions);
    EXPECT_EQ(TrainiumPositions(pattern, 1, cols, tags), positions)
        << pattern.name;
    for (uint16_t tag = 0; tag < 16; ++tag) {
      const std::vector<uint16_t> words(1, tag);
      const auto read = [&] {
        return TrainiumPositions(pattern, 1, pattern.ratio.keep, words);
      };
      if (tag < pattern.ratio.group) {
        EXPECT_EQ(read()[0], tag);
      } else {
        EXPECT_THAT(SentenceOf(ErrorCode::kArgument, read),
                    HasSubstr("row 0, group 0: position"));
      }
    }
  }
  const std::vector<uint8_t> positions = {1, 4, 9, 15};
  EXPECT_THAT(TrainiumTags(FindSparsity("4:16"), 1, 4, positions),
              ElementsAre(0xF941));
}

TEST(Sparsity, NamesAreFoundAndListed) {
  EXPECT_EQ(FindSparsity("4:12").ratio.group, 12);
  EXPECT_THAT(SentenceOf(ErrorCode::kUnknownName, [] { FindSparsity("16:4"); }),
              HasSubstr("known: 4:16 4:12"));
}

}  // namespace
}  // namespace zeroulp
