// SPDX-License-Identifier: Apache-2.0
// Mirrors kernels/layout.cc.
#include "zeroulp/layout.h"

#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/refusal.h"
#include "zeroulp/formats.h"

namespace zeroulp {
namespace {

using testing::ExpectRefusal;
using Bytes = std::vector<std::byte>;

MatrixView Scales(Bytes& bytes, int64_t rows, int64_t cols, int64_t stride) {
  return {bytes, Format::kE8M0FNU, rows, cols, stride};
}

// Scales of rows x cols with `gap` bytes between rows, none zero.
Bytes Drawn(int64_t rows, int64_t cols, int64_t gap, uint32_t seed) {
  std::mt19937 random(seed);
  Bytes bytes(static_cast<size_t>(rows * (cols + gap)));
  for (std::byte& b : bytes) b = static_cast<std::byte>(1 + random() % 255);
  return bytes;
}

TEST(Layout, TiledSizes) {
  EXPECT_EQ(TiledScaleBytes(0, 0), 0);
  EXPECT_EQ(TiledScaleBytes(1, 1), 512);
  EXPECT_EQ(TiledScaleBytes(128, 4), 512);
  EXPECT_EQ(TiledScaleBytes(129, 4), 1024);
  EXPECT_EQ(TiledScaleBytes(128, 5), 1024);
  EXPECT_EQ(TiledScaleBytes(300, 9), 3 * 3 * 512);
}

// The rule of the cuBLAS documentation, written for one scale.
TEST(Layout, EveryScaleIsWhereTheRuleSays) {
  for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{1, 1},
                                   {33, 3},
                                   {128, 4},
                                   {130, 7},
                                   {257, 8},
                                   {513, 1}}) {
    for (const int64_t gap : {0, 3}) {
      Bytes linear = Drawn(rows, cols, gap, 1);
      const MatrixView view = Scales(linear, rows, cols, cols + gap);
      Bytes tiled(static_cast<size_t>(TiledScaleBytes(rows, cols)),
                  std::byte{0x77});
      LinearToTiled(view, tiled);
      Bytes expected(tiled.size(), std::byte{0});
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < cols; ++c) {
          const int64_t tile = r / 128 * ((cols + 3) / 4) + c / 4;
          const int64_t at =
              tile * 512 + r % 128 % 32 * 16 + r % 128 / 32 * 4 + c % 4;
          expected[static_cast<size_t>(at)] =
              static_cast<std::byte>(ReadCode(view, r, c));
        }
      }
      EXPECT_EQ(tiled, expected) << rows << "x" << cols;

      Bytes back(linear.size(), std::byte{0});
      const MatrixView to = Scales(back, rows, cols, cols + gap);
      EXPECT_EQ(TiledToLinear(tiled, to), 0);
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < cols; ++c) {
          EXPECT_EQ(ReadCode(to, r, c), ReadCode(view, r, c));
        }
        for (int64_t c = cols; c < cols + gap && r + 1 < rows; ++c) {
          EXPECT_EQ(back[static_cast<size_t>(r * (cols + gap) + c)],
                    std::byte{0})
              << "wrote between rows";
        }
      }
    }
  }
}

TEST(Layout, PaddingThatIsNotZeroIsCounted) {
  Bytes tiled(512, std::byte{0});
  tiled[1] = std::byte{9};   // row 0, column 1: padding of 40x1
  tiled[16] = std::byte{9};  // row 1, column 0: a scale
  tiled[12] = std::byte{9};  // row 96
  Bytes linear(40);
  EXPECT_EQ(TiledToLinear(tiled, Scales(linear, 40, 1, 1)), 2);
  EXPECT_EQ(linear[1], std::byte{9});
}

TEST(Layout, NibblesSwapAndSwapBack) {
  const Bytes from = {std::byte{0x12}, std::byte{0xF0}, std::byte{0x77}};
  Bytes to(3);
  SwapNibbles(from, to);
  EXPECT_EQ(to, (Bytes{std::byte{0x21}, std::byte{0x0F}, std::byte{0x77}}));
  SwapNibbles(to, to);
  EXPECT_EQ(to, from);
  SwapNibbles({}, {});
}

constexpr auto kDirect = TensorScaleConvention::kDirect;
constexpr auto kReciprocal = TensorScaleConvention::kReciprocal;

TEST(Layout, TensorScaleIsItsReciprocalRoundedOnce) {
  std::mt19937 random(2);
  for (int i = 0; i < 10000; ++i) {
    const float t =
        std::ldexp(1.0f + static_cast<float>(random() >> 9) * 0x1p-23f,
                   static_cast<int>(random() % 240) - 120);
    const ConvertedScale g = ConvertTensorScale(t, kDirect, kReciprocal);
    // The conversion double -> float is one rounding, and the quotient of two
    // binary32 is no tie nor next to one after a rounding to binary64.
    EXPECT_EQ(g.value, static_cast<float>(1.0 / static_cast<double>(t)));
    EXPECT_EQ(g.exact,
              static_cast<double>(g.value) * static_cast<double>(t) == 1.0);
  }
}

TEST(Layout, PowersOfTwoConvertExactly) {
  for (int e = -127; e <= 127; ++e) {
    const float t = std::ldexp(1.0f, e);
    const ConvertedScale g = ConvertTensorScale(t, kReciprocal, kDirect);
    EXPECT_EQ(g.value, std::ldexp(1.0f, -e));
    EXPECT_TRUE(g.exact);
  }
  EXPECT_FALSE(ConvertTensorScale(3, kDirect, kReciprocal).exact);
  EXPECT_TRUE(ConvertTensorScale(3, kDirect, kDirect).exact);
}

TEST(Layout, TheCallersRoundingModeDoesNotMatter) {
  const float nearest = ConvertTensorScale(3, kDirect, kReciprocal).value;
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    std::fesetround(mode);
    const float value = ConvertTensorScale(3, kDirect, kReciprocal).value;
    EXPECT_EQ(std::fegetround(), mode);
    std::fesetround(FE_TONEAREST);
    EXPECT_EQ(value, nearest);
  }
}

TEST(Layout, BadInputWritesNothing) {
  Bytes linear(40, std::byte{1}), tiled(512, std::byte{7});
  const MatrixView view = Scales(linear, 10, 4, 4);
  ExpectRefusal(ErrorCode::kShape, {"tiled has 511 bytes", "10x4", "512"},
                [&] { LinearToTiled(view, std::span(tiled).first(511)); });
  ExpectRefusal(ErrorCode::kShape, {"tiled has 512 bytes", "1024"},
                [&] { LinearToTiled(Scales(linear, 5, 5, 8), tiled); });
  ExpectRefusal(ErrorCode::kShape, {"needs 49 bytes", "has 40"},
                [&] { LinearToTiled(Scales(linear, 10, 4, 5), tiled); });
  ExpectRefusal(ErrorCode::kFormat, {"10x1 f32", "one-byte"}, [&] {
    LinearToTiled({linear, Format::kF32, 10, 1, 1}, tiled);
  });
  ExpectRefusal(ErrorCode::kOverlap, {"overlaps"}, [&] {
    TiledToLinear(tiled, {std::span(tiled).last(40), Format::kUE4M3, 10, 4, 4});
  });
  ExpectRefusal(ErrorCode::kArgument, {"tiled is null"}, [&] {
    TiledToLinear({static_cast<const std::byte*>(nullptr), 512}, view);
  });
  ExpectRefusal(ErrorCode::kShape, {"negative"},
                [] { TiledScaleBytes(-1, 2); });
  ExpectRefusal(ErrorCode::kOverflow, {"2^63"},
                [] { TiledScaleBytes(int64_t{1} << 61, int64_t{1} << 61); });
  ExpectRefusal(ErrorCode::kShape, {"3 bytes", "4"}, [&] {
    SwapNibbles(std::span(tiled).first(3), std::span(linear).first(4));
  });
  ExpectRefusal(ErrorCode::kOverlap, {"overlap"}, [&] {
    SwapNibbles(std::span(tiled).first(30), std::span(tiled).subspan(1, 30));
  });
  ExpectRefusal(ErrorCode::kArgument, {"to is null"}, [&] {
    SwapNibbles(std::span(tiled).first(3),
                {static_cast<std::byte*>(nullptr), 3});
  });
  for (const float scale : {0.0f, -1.0f, INFINITY, NAN}) {
    ExpectRefusal(ErrorCode::kArgument, {"positive"},
                  [&] { ConvertTensorScale(scale, kDirect, kReciprocal); });
  }
  ExpectRefusal(ErrorCode::kArgument, {"reciprocal exceeds"}, [&] {
    ConvertTensorScale(std::numeric_limits<float>::denorm_min(), kDirect,
                       kReciprocal);
  });
  EXPECT_EQ(linear, Bytes(40, std::byte{1}));
  EXPECT_EQ(tiled, Bytes(512, std::byte{7}));
}

}  // namespace
}  // namespace zeroulp
