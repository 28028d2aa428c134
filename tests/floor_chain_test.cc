// SPDX-License-Identifier: Apache-2.0
// Fused dots whose addends lie on the grid they are cut to, and around it, by
// every kernel that computes them.
#include "kernels/floor_chain.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/every_kernel.h"

namespace zeroulp {
namespace {

using testing::Matrix;

std::vector<const ArithInfo*> Rows() {
  std::vector<const ArithInfo*> rows;
  for (const ArithInfo& row : kArith) {
    if (kernels::FloorChainComputes(row)) rows.push_back(&row);
  }
  return rows;
}

std::string RowName(const ::testing::TestParamInfo<const ArithInfo*>& info) {
  std::string name(info.param->name);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

// Not every format has -0.
uint32_t Signed(const FormatInfo& f, uint32_t magnitude, bool negative) {
  const bool minus_zero = magnitude == 0 && !f.has_minus_zero();
  return magnitude | (negative && !minus_zero ? f.sign_mask() : 0);
}

// A number of exponent `exponent`, moved into the format's range: a power of
// two, the largest below the next one, or any.
uint32_t CodeNear(const FormatInfo& f, int exponent, std::mt19937& random) {
  const auto bits = static_cast<uint32_t>(random());
  const int top = static_cast<int>(f.max_code() >> f.mantissa_bits);
  const int field = std::clamp(exponent + f.bias, 0, top);
  const uint32_t ones = (1u << f.mantissa_bits) - 1;
  const uint32_t fraction = bits % 3 == 0   ? 0
                            : bits % 3 == 1 ? ones
                                            : (bits >> 8) & ones;
  const uint32_t code =
      (static_cast<uint32_t>(field) << f.mantissa_bits) | fraction;
  return Signed(f, std::min(code, f.max_code()), (bits & 4) != 0);
}

struct Shape {
  int64_t m, n, k;
};

class Grid {
 public:
  // Every step has products about 2^large, one or few, and others whose
  // exponents are around where those cut, some of them twice with both signs.
  Grid(const ArithInfo& row, Format a, Format b, const Shape& shape,
       uint32_t seed)
      : row_(row),
        random_(seed),
        a_(a, shape.m, shape.k, 0),
        b_(b, shape.n, shape.k, 0),
        c_(row.accumulator, shape.m, shape.n, 0) {
    const int large = static_cast<int>(seed % 3) * 4;
    const bool specials = seed % 5 == 4;
    for (int64_t k = 0; k < shape.k; ++k) {
      const bool is_large = random_() % 16 == 0;
      // Where the other products are, and how that is divided.
      const int far =
          large - row.align_bits - 2 + static_cast<int>(random_() % 6);
      const int a_exponent = is_large ? large / 2 : far / 2;
      const int b_exponent = is_large ? large - large / 2 : far - a_exponent;
      const bool again = k > 0 && random_() % 4 == 0;
      for (int64_t m = 0; m < shape.m; ++m) {
        uint32_t code = CodeNear(Info(a), a_exponent, random_);
        if (again) {
          const uint32_t last = ReadCode(a_.view, m, k - 1);
          code = Signed(Info(a), last & Info(a).magnitude_mask(),
                        (last & Info(a).sign_mask()) == 0);
        }
        if (specials && random_() % 997 == 0) code = Info(a).magnitude_mask();
        WriteCode(a_.view, m, k, code);
      }
      for (int64_t n = 0; n < shape.n; ++n) {
        uint32_t code = CodeNear(Info(b), b_exponent, random_);
        if (again) code = ReadCode(b_.view, n, k - 1);
        if (random_() % 61 == 0) code = 0;
        WriteCode(b_.view, n, k, code);
      }
    }
    for (int64_t m = 0; m < shape.m; ++m) {
      for (int64_t n = 0; n < shape.n; ++n) {
        WriteCode(c_.view, m, n, DrawC(large, seed % 2 == 1));
      }
    }
    if (row.scale_block != 0) {
      a_scales_ = DrawScales(shape.m, shape.k);
      b_scales_ = DrawScales(shape.n, shape.k);
    }
  }

  void ExpectEveryKernelExact(const std::string& what,
                              int64_t promote_every = 0) const {
    testing::ExpectEveryKernelExact(
        row_, Operand(a_.view, {a_scales_.view, row_.scale_block}),
        Operand(b_.view, {b_scales_.view, row_.scale_block}), c_.view, what,
        {1}, promote_every);
  }

 private:
  // Zeros, what sets the grid, what lies on it, and the ends of the format; the
  // upper one, beside which sums may overflow, if they are to be `huge`.
  uint32_t DrawC(int large, bool huge) {
    const FormatInfo& f = Info(row_.accumulator);
    const auto bits = static_cast<uint32_t>(random_());
    const uint32_t sign = (bits & 1) != 0 ? f.sign_mask() : 0;
    switch ((bits >> 4) % 8) {
      case 0:
        return sign;
      case 1:
        return sign | 1;
      case 2:
        return sign | (huge ? f.max_code() : f.min_normal_code());
      case 3:
        return sign | (f.min_normal_code() + (bits >> 8) % 3 - 1);
      case 4:
        return CodeNear(f, large + 4 + static_cast<int>((bits >> 8) % 6),
                        random_);
      case 5:
        return CodeNear(
            f, large - row_.align_bits - static_cast<int>((bits >> 8) % 3),
            random_);
      default:
        return CodeNear(f, large + static_cast<int>((bits >> 8) % 9) - 4,
                        random_);
    }
  }

  Matrix DrawScales(int64_t rows, int64_t k) {
    Matrix scales(row_.scales.first(), rows,
                  (k + row_.scale_block - 1) / row_.scale_block, 0);
    for (uint8_t& code : scales.bytes) {
      code = static_cast<uint8_t>(127 + random_() % 5 - 2);
    }
    return scales;
  }

  const ArithInfo& row_;
  std::mt19937 random_;
  Matrix a_, b_, c_, a_scales_, b_scales_;
};

class FloorChain : public ::testing::TestWithParam<const ArithInfo*> {};

INSTANTIATE_TEST_SUITE_P(Rows, FloorChain, ::testing::ValuesIn(Rows()),
                         RowName);

TEST_P(FloorChain, AddendsAroundTheGrid) {
  const ArithInfo& row = *GetParam();
  for (uint32_t seed = 0; seed < 60; ++seed) {
    std::vector<Format> formats;
    for (const FormatInfo& f : kFormats) {
      if (row.a.contains(f.id)) formats.push_back(f.id);
    }
    const Format a = formats[seed % formats.size()];
    const Format b = formats[seed / 2 % formats.size()];
    const Shape shape = {5, 37, 3 * row.chunk + static_cast<int>(seed % 7)};
    Grid(row, a, b, shape, seed)
        .ExpectEveryKernelExact(fmt::format("seed {}", seed));
  }
}

// Where panels, blocks and tiles end.
TEST_P(FloorChain, EdgesOfBlocks) {
  const ArithInfo& row = *GetParam();
  constexpr auto kRows = int64_t{kernels::FloorBlock::kMaxRows};
  constexpr auto kCols = int64_t{kernels::FloorBlock::kMaxCols};
  constexpr auto kK = int64_t{kernels::kFloorK};
  for (const Shape& shape :
       {Shape{kRows + 3, 2, 5}, Shape{2, kCols + 19, 5}, Shape{130, 34, 3},
        Shape{3, 5, kK}, Shape{3, 5, kK + 1}, Shape{6, 33, 2 * kK - 1}}) {
    Grid(row, row.a.first(), row.b.first(), shape, 7)
        .ExpectEveryKernelExact(
            fmt::format("{}x{}x{}", shape.m, shape.n, shape.k));
  }
}

// Promotions within and between panels, and a last one that is short.
TEST_P(FloorChain, PromotionAcrossPanelsAndTiles) {
  const ArithInfo& row = *GetParam();
  if (row.scale_block != 0) return;  // scaled inside the sum
  for (const int64_t every : {row.chunk, 3 * row.chunk, 10 * row.chunk}) {
    const Shape shape = {21, 67, 2 * every + 5};
    for (const uint32_t seed : {3u, 4u}) {  // the latter with NaN, infinity
      Grid(row, row.a.first(), row.b.first(), shape, seed)
          .ExpectEveryKernelExact(fmt::format("promoted every {}", every),
                                  every);
    }
  }
}

}  // namespace
}  // namespace zeroulp
