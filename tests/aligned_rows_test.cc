// SPDX-License-Identifier: Apache-2.0
#include "kernels/aligned_rows.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "zeroulp/formats.h"
#include "zeroulp/packed.h"
#include "zeroulp/view.h"

namespace zeroulp::kernels {
namespace {

constexpr int64_t kBlock = 32, kBlocks = 5, kCols = kBlock * kBlocks;

// E2M1 elements that are not zero, with scales of 1.
class Rows {
 public:
  explicit Rows(int64_t rows)
      : rows_(rows),
        codes_(static_cast<size_t>(rows * kCols / 2), std::byte{0x9A}),
        scales_(static_cast<size_t>(rows * kBlocks), std::byte{127}) {}

  Rows& Scale(int64_t row, int64_t block, uint8_t code) {
    scales_[static_cast<size_t>(row * kBlocks + block)] = std::byte{code};
    return *this;
  }
  // +0 and -0, but for the last element if it is to have that code.
  Rows& Zeros(int64_t row, int64_t block, uint8_t last = 0) {
    const MatrixView view = {codes_, Format::kE2M1FN, rows_, kCols, kCols};
    for (int64_t k = 0; k < kBlock; ++k) {
      const bool is_last = k + 1 == kBlock;
      WriteCode(view, row, block * kBlock + k,
                is_last      ? last
                : k % 2 == 0 ? 0u
                             : 8u);
    }
    return *this;
  }
  PackedMatrix Packed() const {
    return Pack(
        {{codes_, Format::kE2M1FN, rows_, kCols, kCols},
         {{scales_, Format::kE8M0FNU, rows_, kBlocks, kBlocks}, kBlock, 1}});
  }

 private:
  int64_t rows_;
  std::vector<std::byte> codes_, scales_;
};

struct Aligned {
  int shift;
  std::array<uint8_t, 16> lowest = {};
};
Aligned Align(const Rows& rows, size_t group = 0) {
  Aligned aligned;
  aligned.shift = AlignRows(rows.Packed(), group, aligned.lowest.data());
  return aligned;
}

TEST(AlignedRows, LowestScaleOfEveryRow) {
  Rows rows(16);
  rows.Scale(2, 0, 130).Scale(3, 4, 126).Scale(7, 1, 124).Scale(15, 3, 128);
  const Aligned aligned = Align(rows);
  EXPECT_EQ(aligned.shift, 3);
  for (size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(aligned.lowest[i], i == 3 ? 126 : i == 7 ? 124 : 127) << i;
  }
}

TEST(AlignedRows, RowsDifferAsMuchAsTheyLike) {
  Rows rows(16);
  for (int64_t b = 0; b < kBlocks; ++b) rows.Scale(4, b, 0).Scale(5, b, 254);
  const Aligned aligned = Align(rows);
  EXPECT_EQ(aligned.shift, 0);
  EXPECT_EQ(aligned.lowest[4], 0);
  EXPECT_EQ(aligned.lowest[5], 254);
}

TEST(AlignedRows, OneScaleTooFar) {
  EXPECT_EQ(Align(Rows(16).Scale(9, 2, 131)).shift, -1);
  EXPECT_EQ(Align(Rows(16).Scale(9, 2, 123)).shift, -1);
  EXPECT_EQ(Align(Rows(16).Scale(9, 0, 125).Scale(9, 4, 129)).shift, -1);
}

TEST(AlignedRows, NanEvenOfZeros) {
  EXPECT_EQ(Align(Rows(16).Scale(0, 1, 255)).shift, -1);
  EXPECT_EQ(Align(Rows(16).Scale(0, 1, 255).Zeros(0, 1)).shift, -1);
}

TEST(AlignedRows, ZerosHaveAnyScale) {
  for (const uint8_t code : std::array<uint8_t, 4>{0, 100, 200, 254}) {
    Rows rows(16);
    rows.Scale(6, 3, code).Zeros(6, 3).Scale(6, 4, 129);
    const Aligned aligned = Align(rows);
    EXPECT_EQ(aligned.shift, 2) << int{code};
    EXPECT_EQ(aligned.lowest[6], 127) << int{code};
    EXPECT_EQ(Align(rows.Zeros(6, 3, 1)).shift, -1) << int{code};
  }
}

TEST(AlignedRows, NothingButZeros) {
  Rows rows(16);
  for (int64_t b = 0; b < kBlocks; ++b) {
    rows.Zeros(1, b).Scale(1, b, static_cast<uint8_t>(b * 60));
  }
  const Aligned aligned = Align(rows);
  EXPECT_EQ(aligned.shift, 0);
  EXPECT_EQ(aligned.lowest[1], 127);
}

TEST(AlignedRows, AllGroupsOfARange) {
  Rows rows(40);
  rows.Scale(20, 1, 129).Scale(39, 1, 140);
  const PackedMatrix packed = rows.Packed();
  EXPECT_EQ(MostShiftOf(packed, 0, 16), 0);
  EXPECT_EQ(MostShiftOf(packed, 0, 32), 2);
  EXPECT_EQ(MostShiftOf(packed, 16, 32), 2);
  EXPECT_EQ(MostShiftOf(packed, 16, 40), -1);
  EXPECT_EQ(MostShiftOf(packed, 0, 0), 0);
}

}  // namespace
}  // namespace zeroulp::kernels
