// SPDX-License-Identifier: Apache-2.0
// Mirrors kernels/floor32*: every row it computes on inputs made to sit on the
// grid that cuts products, and on those it decides apart.
#include "kernels/floor32.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "kernels/floor32_block.h"
#include "kernels/kernel_table.h"
#include "tests/arith_cases.h"

namespace zeroulp {
namespace {

using testing::ForEachTarget;
using testing::Matrix;

constexpr std::array kOperandFormats = {Format::kE4M3FN, Format::kE5M2};

std::vector<const ArithInfo*> Rows() {
  std::vector<const ArithInfo*> rows;
  for (const ArithInfo& row : kArith) {
    if (kernels::IsFloor32(row)) rows.push_back(&row);
  }
  return rows;
}

// A problem to be filled in, C at first zero.
struct Inputs {
  Inputs(const ArithInfo& arith, Format a_format, Format b_format, int64_t m,
         int64_t n, int64_t k)
      : row(arith),
        a(a_format, m, k, 0),
        b(b_format, n, k, 0),
        c(arith.accumulator, m, n, 0) {}

  const ArithInfo& row;
  Matrix a, b, c;
  int64_t promote_every = 0;
  BlockScales a_scales = {}, b_scales = {};

  void ExpectExact() const {
    const GemmOptions options = {
        .arith = row.name, .promote_every = promote_every, .threads = 1};
    const Operand x(a.view, a_scales), y(b.view, b_scales);
    Matrix expected(row.output, c.view.rows, c.view.cols, 0);
    reference::Gemm(x, y, c.view, expected.view, options);
    const PackedMatrix packed_a = Pack(x), packed_b = Pack(y);
    ForEachTarget([&](const char* target) {
      Matrix d(row.output, c.view.rows, c.view.cols, 0);
      Gemm(packed_a, packed_b, c.view, d.view, options);
      EXPECT_EQ(d.bytes, expected.bytes)
          << row.name << " " << Info(a.view.format).name << " x "
          << Info(b.view.format).name << " on " << target << ": "
          << ToString(CompareBits(expected.view, d.view));
    });
  }
};

// A code of a certain exponent, as far as the format has it.
uint32_t CodeOf(const FormatInfo& f, int exponent, std::mt19937& random) {
  const auto bits = static_cast<uint32_t>(random());
  const int field = std::clamp(exponent + f.bias, 0, (1 << (f.bits - 1)) - 1);
  const uint32_t code = (static_cast<uint32_t>(field) << f.mantissa_bits) |
                        ((bits >> 1) & ((1u << f.mantissa_bits) - 1));
  return std::min(code, f.max_code()) | ((bits & 1) != 0 ? f.sign_mask() : 0);
}

// Each chunk one product of about 2^top, the others about where they are cut;
// the second half of a chunk may be the first with the other sign.
void DrawOnGrid(Inputs& x, int top, bool cancels, std::mt19937& random) {
  const FormatInfo& fa = Info(x.a.view.format);
  const FormatInfo& fb = Info(x.b.view.format);
  const int64_t chunk = x.row.chunk;
  for (int64_t k = 0; k < x.a.view.cols; ++k) {
    const bool largest = k % chunk == (k / chunk * 5) % chunk;
    const int below = largest ? 0 : 4 + static_cast<int>(random() % 13);
    const int a_top = top / 2 - below / 2,
              b_top = top - top / 2 - (below + 1) / 2;
    const int64_t twin = k - chunk / 2;
    const bool copies = cancels && k % chunk >= chunk / 2;
    for (int64_t m = 0; m < x.a.view.rows; ++m) {
      const uint32_t code =
          copies ? ReadCode(x.a.view, m, twin) ^ fa.sign_mask()
                 : CodeOf(fa, a_top + static_cast<int>(random() % 2), random);
      WriteCode(x.a.view, m, k, code);
    }
    for (int64_t n = 0; n < x.b.view.rows; ++n) {
      const uint32_t code =
          copies ? ReadCode(x.b.view, n, twin) : CodeOf(fb, b_top, random);
      WriteCode(x.b.view, n, k, code);
    }
  }
}

// C about 2^exponent: powers of two and their neighbours, and anything.
void DrawC(Inputs& x, int exponent, std::mt19937& random) {
  const FormatInfo& f = Info(x.c.view.format);
  for (int64_t m = 0; m < x.c.view.rows; ++m) {
    for (int64_t n = 0; n < x.c.view.cols; ++n) {
      const auto bits = static_cast<uint32_t>(random());
      const int e = exponent + static_cast<int>(bits % 5) - 2;
      uint32_t code = testing::EncodeNear(f, std::ldexp(1.0, std::max(e, -20)));
      if (bits % 3 == 0) code |= (bits >> 8) & ((1u << f.mantissa_bits) - 1);
      if (bits % 3 == 1) code += (bits >> 8) % 3 - 1;
      if ((bits >> 28) == 0) code = 0;
      WriteCode(x.c.view, m, n, code | ((bits & 64) != 0 ? f.sign_mask() : 0));
    }
  }
}

class Floor32Test : public ::testing::TestWithParam<const ArithInfo*> {
 protected:
  const ArithInfo& row() const { return *GetParam(); }
  int64_t chunk() const { return row().chunk; }
  template <class Body>
  void ForEachPair(const Body& body) const {
    for (const Format a : kOperandFormats) {
      for (const Format b : kOperandFormats) body(a, b);
    }
  }
};
std::string RowName(const ::testing::TestParamInfo<const ArithInfo*>& info) {
  std::string name(info.param->name);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Rows, Floor32Test, ::testing::ValuesIn(Rows()),
                         RowName);

TEST_P(Floor32Test, IsChosen) {
  const kernels::KernelRow* kernel =
      kernels::Select(row(), {.a = Format::kE5M2, .m = 100}, nullptr);
  ASSERT_NE(kernel, nullptr);
  EXPECT_EQ(kernel->run, kernels::Floor32) << kernel->name;
}

TEST_P(Floor32Test, ProductsAndCAroundTheGrid) {
  std::mt19937 random(1);
  ForEachPair([&](Format a, Format b) {
    for (const int top : {-10, 0, 7, 14}) {
      for (const bool cancels : {false, true}) {
        for (const int c : {-13, -2, 0, 1, 9, 15}) {
          Inputs x(row(), a, b, 3, 131, 3 * chunk() + 5);
          DrawOnGrid(x, top, cancels, random);
          DrawC(x, top + c, random);
          x.ExpectExact();
        }
      }
    }
  });
}

TEST_P(Floor32Test, BlocksAndTheirEdges) {
  std::mt19937 random(2);
  const auto rows = static_cast<int64_t>(kernels::kFloor32Rows);
  const auto cols = static_cast<int64_t>(kernels::kFloor32Cols);
  for (const auto& [m, n] :
       {std::pair{rows + 3, int64_t{5}}, {int64_t{5}, cols + 130}}) {
    Inputs x(row(), Format::kE4M3FN, Format::kE5M2, m, n, 70);
    DrawOnGrid(x, 3, false, random);
    DrawC(x, 4, random);
    x.ExpectExact();
  }
}

// Magnitudes that C can have, from zero to infinity and NaN.
TEST_P(Floor32Test, EveryExponentOfC) {
  std::mt19937 random(3);
  const FormatInfo& f = Info(row().accumulator);
  const int64_t exponents = int64_t{f.max_code() >> f.mantissa_bits} + 2;
  ForEachPair([&](Format a, Format b) {
    for (const bool zero : {false, true}) {  // products that are all zero
      for (const int64_t k : {int64_t{1}, chunk() + 3}) {
        Inputs x(row(), a, b, 4, exponents, k);
        if (!zero) DrawOnGrid(x, 2, false, random);
        for (int64_t n = 0; n < exponents; ++n) {
          for (int64_t m = 0; m < 4; ++m) {
            uint32_t code = static_cast<uint32_t>(n) << f.mantissa_bits;
            if (m % 2 == 1)
              code |= static_cast<uint32_t>(random()) &
                      ((1u << f.mantissa_bits) - 1);
            WriteCode(x.c.view, m, n, code | (m >= 2 ? f.sign_mask() : 0));
          }
        }
        x.ExpectExact();
      }
    }
  });
}

// Of e5m2, which has infinities: before, with and after sums that overflow.
TEST_P(Floor32Test, InfinitiesNanAndOverflowInEveryOrder) {
  std::mt19937 random(4);
  const FormatInfo& f = Info(Format::kE5M2);
  for (int round = 0; round < 12; ++round) {
    Inputs x(row(), Format::kE5M2, Format::kE5M2, 5, 140, 4 * chunk());
    DrawOnGrid(x, round % 2 == 0 ? 14 : 28, false, random);
    DrawC(x, 14, random);
    for (int i = 0; i < 6; ++i) {
      const Matrix& to = i % 2 == 0 ? x.a : x.b;
      const auto special = static_cast<uint32_t>(
          random() % 4 == 0 ? f.nan_code() : f.infinity_code());
      WriteCode(to.view, static_cast<int64_t>(random()) % to.view.rows,
                static_cast<int64_t>(random()) % to.view.cols,
                special | (random() % 2 == 0 ? f.sign_mask() : 0));
    }
    x.ExpectExact();
  }
}

TEST_P(Floor32Test, PromotionWithScalesAcrossTiles) {
  std::mt19937 random(5);
  const int64_t m = 19, n = 140, every = 4 * chunk(), k = 2 * every + 9;
  Inputs x(row(), Format::kE4M3FN, Format::kE4M3FN, m, n, k);
  DrawOnGrid(x, 3, false, random);
  DrawC(x, 3, random);
  WriteCode(x.a.view, 3, 5, Info(Format::kE4M3FN).nan_code());
  x.promote_every = every;
  x.ExpectExact();
  const auto draw = [&](int64_t rows) {
    Matrix s(Format::kF32, rows, 3, 0);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < 3; ++i) {
        WriteCode(s.view, r, i,
                  std::bit_cast<uint32_t>(
                      1.0f + static_cast<float>(random() % 1000) / 1001.0f));
      }
    }
    return s;
  };
  const Matrix a_scales = draw(m), b_scales = draw((n + 127) / 128);
  x.b_scales = {b_scales.view, every, 128};
  x.ExpectExact();
  x.a_scales = {a_scales.view, every, 1};
  x.ExpectExact();
}

}  // namespace
}  // namespace zeroulp
