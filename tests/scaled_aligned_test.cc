// SPDX-License-Identifier: Apache-2.0
// E2M1 times E8M0 scales that lie close together, which the integer kernel
// keeps out of its sums: the same bits, and exactly where they are sure to be.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/aligned_parts.h"
#include "kernels/aligned_rows.h"
#include "tests/every_kernel.h"
#include "zeroulp/codec.h"

namespace zeroulp {
namespace {

constexpr uint32_t kSix = 7, kHalf = 1, kMinus = 8;

const ArithInfo& Chain() { return FindArith("chain.f32"); }

// Random E2M1 elements with scales of one.
class Fp4 {
 public:
  Fp4(int64_t rows, int64_t k, int64_t block = 32, uint32_t seed = 1)
      : rows_(rows),
        k_(k),
        block_(block),
        codes_(static_cast<size_t>(rows * DenseStride(Format::kE2M1FN, k) / 2)),
        scales_(static_cast<size_t>(rows * blocks()), 127) {
    std::mt19937 random(seed);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < k; ++i) Set(row, i, random() % 16);
    }
  }

  int64_t rows() const { return rows_; }
  int64_t blocks() const {
    return block_ == 0 ? 0 : (k_ + block_ - 1) / block_;
  }

  Fp4& Set(int64_t row, int64_t k, uint32_t code) {
    WriteCode({std::as_writable_bytes(std::span(codes_)), Format::kE2M1FN,
               rows_, k_, DenseStride(Format::kE2M1FN, k_)},
              row, k, code);
    return *this;
  }
  Fp4& Scale(int64_t row, int64_t block, int code) {
    scales_[static_cast<size_t>(row * blocks() + block)] =
        static_cast<uint8_t>(code);
    return *this;
  }
  // All elements of one block of a row.
  Fp4& SetBlock(int64_t row, int64_t block, uint32_t code) {
    for (int64_t i = block * block_; i < std::min((block + 1) * block_, k_);
         ++i) {
      Set(row, i, code);
    }
    return *this;
  }
  // Scales from 2^(low) to 2^(low + spread), all of them in every long row;
  // `low` differs from row to row.
  Fp4& Spread(int low, int spread, uint32_t seed = 5) {
    std::mt19937 random(seed);
    for (int64_t row = 0; row < rows_; ++row) {
      const int first = 127 + low + static_cast<int>(random() % 4);
      for (int64_t b = 0; b < blocks(); ++b) {
        const auto above =
            static_cast<int>(random() % static_cast<uint32_t>(spread + 1));
        Scale(row, b, first + above);
      }
    }
    return *this;
  }

  Operand operand() const {
    const ConstMatrixView codes = {std::as_bytes(std::span(codes_)),
                                   Format::kE2M1FN, rows_, k_,
                                   DenseStride(Format::kE2M1FN, k_)};
    if (block_ == 0) return codes;
    return {codes,
            {CodesView(scales_, Format::kE8M0FNU, rows_, blocks()), block_}};
  }

 private:
  int64_t rows_, k_, block_;
  std::vector<uint8_t> codes_, scales_;
};

void ExpectExact(const Fp4& a, const Fp4& b, const std::string& what,
                 const ConstMatrixView& c = {}) {
  testing::ExpectEveryKernelExact(Chain(), a.operand(), b.operand(), c, what,
                                  {1, 3});
}

// What elements of other rows may be shifted by, as the kernel finds out.
int RoomOf(const PackedMatrix& matrix, size_t group) {
  uint8_t lowest[16] = {};
  if (matrix.scale_block() != 0) kernels::AlignRows(matrix, group, lowest);
  const auto quads = static_cast<size_t>(matrix.quads());
  std::array<int64_t, 16> magnitudes = {};
  for (size_t i = 0; i < quads * 64; ++i) {
    const size_t row = i / 4 % 16, k = i / 64 * 4 + i % 4;
    const uint32_t code = matrix.data()[group * quads * 64 + i] & 7u;
    int shift = 0;
    if (matrix.scale_block() != 0 && code != 0) {
      const auto block = k / static_cast<size_t>(matrix.scale_block());
      const auto blocks = static_cast<size_t>(matrix.scale_cols());
      shift =
          matrix.scales()[(group * blocks + block) * 16 + row] - lowest[row];
    }
    magnitudes[row] += static_cast<int64_t>(2 * Decode(Format::kE2M1FN, code))
                       << shift;
  }
  return kernels::RoomBeside(
      *std::max_element(magnitudes.begin(), magnitudes.end()));
}

// What the kernel decides for all of D.
kernels::AlignedLimits LimitsOf(const Fp4& a, const Fp4& b,
                                const ConstMatrixView& c = {}) {
  const PackedMatrix packed_a = Pack(a.operand()), packed_b = Pack(b.operand());
  return kernels::LimitsOfMost({.row = &Chain(),
                                .a = &packed_a,
                                .b_t = &packed_b,
                                .m_begin = 0,
                                .m_end = a.rows(),
                                .n_begin = 0,
                                .n_end = b.rows(),
                                .c = c,
                                .d = {}},
                               RoomOf);
}

void ExpectLimits(const kernels::AlignedLimits& limits,
                  const kernels::AlignedLimit& a,
                  const kernels::AlignedLimit& b) {
  EXPECT_EQ(limits.a.shift, a.shift);
  EXPECT_EQ(limits.a.room, a.room);
  EXPECT_EQ(limits.b.shift, b.shift);
  EXPECT_EQ(limits.b.room, b.room);
}

TEST(ScaledAligned, EverySpreadOfScales) {
  for (int in_a = 0; in_a <= 4; ++in_a) {
    for (int in_b = 0; in_b <= 4; ++in_b) {
      Fp4 a(20, 165, 32, 1), b(67, 165, 32, 2);
      a.Spread(-3, in_a);
      b.Spread(2, in_b);
      ExpectExact(a, b, fmt::format("spread {} and {}", in_a, in_b));
    }
  }
}

TEST(ScaledAligned, EveryLengthAndBlock) {
  const std::array<std::pair<int64_t, int64_t>, 9> kBlocks = {{{32, 32},
                                                               {16, 16},
                                                               {16, 48},
                                                               {20, 60},
                                                               {32, 0},
                                                               {0, 32},
                                                               {32, 5001},
                                                               {5001, 32},
                                                               {512, 16}}};
  for (const auto& [a_block, b_block] : kBlocks) {
    for (const int64_t k : {0, 1, 4, 31, 32, 33, 63, 127, 129, 513, 2047, 2048,
                            2049, 2080, 4099}) {
      Fp4 a(3, k, a_block, 1), b(50, k, b_block, 2);
      a.Spread(0, 1);
      b.Spread(-1, 1);
      ExpectExact(a, b, fmt::format("blocks {} {} K {}", a_block, b_block, k));
    }
  }
}

TEST(ScaledAligned, EveryShapeOfD) {
  for (const auto& [m, n] :
       std::array<std::pair<int64_t, int64_t>, 8>{{{1, 1},
                                                   {3, 130},
                                                   {16, 48},
                                                   {17, 47},
                                                   {33, 49},
                                                   {40, 385},
                                                   {2, 800},
                                                   {70, 97}}}) {
    Fp4 a(m, 70, 32, 1), b(n, 70, 32, 2);
    a.Spread(0, 3);
    b.Spread(0, 2);
    ExpectExact(a, b, fmt::format("{} x {}", m, n));
  }
}

// Rows that cannot be aligned, between runs of groups long enough to be, or
// not.
TEST(ScaledAligned, SomeRowsAreFarApart) {
  const std::array<std::vector<int64_t>, 6> kOdd = {
      {{0}, {133}, {301}, {127, 144}, {60, 128, 270}, {20, 40, 60, 99}}};
  for (const std::vector<int64_t>& odd : kOdd) {
    for (const auto& [m, n] : std::array<std::pair<int64_t, int64_t>, 3>{
             {{310, 20}, {20, 310}, {160, 150}}}) {
      Fp4 a(m, 96, 32, 1), b(n, 96, 32, 2);
      a.Spread(0, 2);
      b.Spread(0, 3);
      for (const int64_t row : odd) {
        if (row < m) a.Scale(row, 1, 120).SetBlock(row, 1, kHalf);
        if (row < n) b.Scale(row, 2, 140).SetBlock(row, 2, kSix);
      }
      ExpectExact(a, b, fmt::format("{} x {}, {} odd", m, n, odd.size()));
    }
  }
}

TEST(ScaledAligned, NanAndZerosOfAnyScale) {
  for (const int scale : {0, 1, 53, 125, 131, 200, 254, 255}) {
    for (const uint32_t zero : {uint32_t{0}, kMinus}) {
      for (const bool in_a : {true, false}) {
        Fp4 a(33, 128, 32, 1), b(35, 128, 32, 2);
        a.Spread(0, 1);
        b.Spread(0, 2);
        Fp4& x = in_a ? a : b;
        x.Scale(20, 2, scale).SetBlock(20, 2, zero);
        for (int64_t block = 0; block < 4; ++block) {  // nothing else
          x.Scale(2, block, scale).SetBlock(2, block, zero);
        }
        ExpectExact(a, b, fmt::format("zeros of scale {}", scale));
        if (scale == 255) ExpectLimits(LimitsOf(a, b), {1}, {2});
      }
    }
  }
}

// Lowest scales about the ends of the range, and the smallest and largest sums.
TEST(ScaledAligned, EveryExponent) {
  for (const int low : {0, 1, 53, 54, 55, 100, 150, 176, 178, 179, 180, 251}) {
    for (const int other : {127, low, 254 - low}) {
      for (const uint32_t code : {kHalf, kSix}) {
        Fp4 a(17, 96), b(17, 96);
        for (Fp4* x : {&a, &b}) {
          const int first = x == &a ? low : std::min(other, 251);
          for (int64_t row = 0; row < 17; ++row) {
            for (int64_t block = 0; block < 3; ++block) {
              x->Scale(row, block, first + static_cast<int>(block + row) % 4);
              x->SetBlock(row, block, code);
            }
          }
          x->Set(3, 40, kHalf | kMinus);
        }
        ExpectExact(a, b, fmt::format("scales {} {}", low, other));
      }
    }
  }
}

TEST(ScaledAligned, RangeOfLowestScales) {
  const auto shift = [](int lowest) {
    Fp4 x(16, 64);
    for (int64_t row = 0; row < 16; ++row) {
      x.Scale(row, 0, row == 9 ? lowest : 127);
      x.Scale(row, 1, row == 9 ? lowest + 2 : 127);
    }
    return kernels::AlignedShiftOf(Pack(x.operand()), 0);
  };
  EXPECT_EQ(shift(127 - 74), -1);
  EXPECT_EQ(shift(127 - 73), 2);
  EXPECT_EQ(shift(127 + 52), 2);
  EXPECT_EQ(shift(127 + 53), -1);
}

// Blocks of one product again and again, then some of the smallest: those
// disappear one by one once the sum is more than 2^24 of them.
struct Long {
  Fp4 a, b;

  Long(int64_t k, int shift_a, int shift_b, uint32_t code_a, uint32_t code_b)
      : a(1, k), b(140, k) {
    Fill(a, shift_a, code_a);
    Fill(b, shift_b, code_b);
  }
  static void Fill(Fp4& x, int shift, uint32_t code) {
    constexpr int64_t kSmall = 5;
    for (int64_t row = 0; row < x.rows(); ++row) {
      for (int64_t block = 0; block < x.blocks(); ++block) {
        const bool large = block + kSmall < x.blocks();
        x.Scale(row, block, large ? 127 + shift : 127);
        x.SetBlock(row, block, large ? code : 0);
        if (!large) x.Set(row, block * 32, kHalf);
      }
    }
  }
};

TEST(ScaledAligned, AsLongAsAnySumsAreExact) {
  // 2^24 / (12 << 3)^2 is 1820.4, of 2^(3 + 2) 3640.9.
  for (const int64_t k : {1760, 1820, 1821, 1984, 2016}) {
    const Long x(k, 3, 3, kSix, kSix);
    ExpectExact(x.a, x.b, fmt::format("K {}", k));
    const auto limits = LimitsOf(x.a, x.b);
    EXPECT_EQ(limits.any() && limits.a.room < 0 && limits.b.room < 0, k <= 1820)
        << k;
  }
  for (const int64_t k : {3640, 3641, 3840}) {
    const Long x(k, 2, 3, kSix, kSix);
    ExpectExact(x.a, x.b, fmt::format("K {}", k));
    const auto limits = LimitsOf(x.a, x.b);
    EXPECT_EQ(limits.any() && limits.a.room < 0 && limits.b.room < 0, k <= 3640)
        << k;
  }
}

// As above, but elements are smaller than they could be, on one side: by a
// factor of 8 (3/4 instead of 6), and sums may be as much longer.
TEST(ScaledAligned, AsLongAsSumsOfTheirsAreExact) {
  constexpr uint32_t kOneAndAHalf = 3;
  for (const bool in_a : {true, false}) {
    // 2^24 / (3 << 3) / (12 << 3) is 7281.8; the last 5 blocks are 5 and 27
    // zeros each.
    for (const int64_t k : {7264, 7424, 7456, 7488, 8000}) {
      const Long x(k, 3, 3, in_a ? kOneAndAHalf : kSix,
                   in_a ? kSix : kOneAndAHalf);
      ExpectExact(x.a, x.b, fmt::format("K {}", k));
      const auto limits = LimitsOf(x.a, x.b);
      if (k > 7424) {
        EXPECT_FALSE(limits.any()) << k;
      } else {
        const kernels::AlignedLimit all = {3}, with_room = {3, 3};
        ExpectLimits(limits, in_a ? with_room : all, in_a ? all : with_room);
      }
    }
  }
}

// Where not all of D can be aligned, what most of it needs.
TEST(ScaledAligned, LimitsOfMostOfD) {
  Fp4 a(64, 2048), b(80, 2048);
  for (Fp4* x : {&a, &b}) {
    for (int64_t row = 0; row < x->rows(); ++row) {
      for (int64_t block = 0; block < 64; ++block)
        x->SetBlock(row, block, kSix);
    }
  }
  const Fp4 ones = a;
  ExpectLimits(LimitsOf(a, b), {0}, {0});
  for (int64_t group = 0; group < 3; ++group) a.Scale(16 * group, 1, 130);
  for (int64_t group = 0; group < 4; ++group) b.Scale(16 * group, 1, 129);
  ExpectLimits(LimitsOf(a, b), {3}, {2});
  // Were all blocks shifted by 3, sums of 2048 would be too long: but it is
  // one, here ...
  b.Scale(79, 63, 130);
  ExpectLimits(LimitsOf(a, b), {3, 3}, {3});
  // ... and all, there.
  for (int64_t block = 1; block < 64; ++block) {
    for (int64_t group = 0; group < 3; ++group) {
      a.Scale(16 * group, block, 130);
    }
  }
  ExpectLimits(LimitsOf(a, b), {3}, {3, 3});
  // Another row whose scales are too far apart, and everywhere 3.
  a.Scale(48, 0, 131);
  for (int64_t group = 0; group < 5; ++group) {
    for (int64_t block = 1; block < 64; ++block) {
      b.Scale(16 * group, block, 130);
    }
  }
  ExpectLimits(LimitsOf(a, b), {-1}, {-1});
  ExpectLimits(LimitsOf(ones, b), {0}, {3});
}

TEST(ScaledAligned, SumsThatStartFromC) {
  Fp4 a(20, 96, 32, 1), b(51, 96, 32, 2);
  a.Spread(0, 3);
  b.Spread(0, 3);
  std::vector<float> c(20 * 51);
  for (size_t i = 0; i < c.size(); ++i) {
    c[i] = i % 3 == 0 ? 0x1.234568p20f : i % 3 == 1 ? 0.25f : -0x1p-20f;
  }
  const ConstMatrixView view = F32View(c, 20, 51);
  ExpectExact(a, b, "from C", view);
  ExpectLimits(LimitsOf(a, b, view), {}, {});
}

}  // namespace
}  // namespace zeroulp
