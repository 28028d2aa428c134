// SPDX-License-Identifier: Apache-2.0
// AMD CDNA3 matrix cores.
#include <algorithm>
#include <optional>
#include <vector>

#include "emulation/dot.h"
#include "emulation/fixed.h"
#include "emulation/sum.h"

namespace zeroulp::emulation {
namespace {

// Sums on a grid: units of 2^(exponent - 24) of the products' largest exponent.
struct CutSum {
  std::optional<int> exponent;  // none: no product is non-zero
  int64_t units = 0;
};

constexpr int kRegisterBits = 31;  // of the final sum below its exponent

CutSum CutProducts(std::span<const Number> products, int align_bits) {
  CutSum sum;
  for (const Number& p : products) {
    if (p.is_zero()) continue;
    sum.exponent = std::max(sum.exponent.value_or(p.exponent), p.exponent);
  }
  for (const Number& p : products) {
    if (p.is_zero()) continue;
    const int shift = p.unit - (*sum.exponent - align_bits);
    // Toward zero; the significand has at most 22 bits.
    const uint64_t cut = shift >= 0    ? p.significand << shift
                         : shift > -64 ? p.significand >> -shift
                                       : 0;
    sum.units +=
        p.negative ? -static_cast<int64_t>(cut) : static_cast<int64_t>(cut);
  }
  return sum;
}

// units * 2^from in units of 2^to, cut toward minus infinity.
int64_t Floor(int64_t units, int from, int to) {
  if (from >= to) return units << (from - to);
  return units >> std::min(to - from, 63);
}

// A product that overflows binary32 is an infinity.
Number Saturated(Number p) {
  const int top = static_cast<int>(std::bit_width(p.significand)) + p.unit;
  if (p.kind == Kind::kFinite && p.significand != 0 && top > 128) {
    return {Kind::kInfinity, p.negative};
  }
  return p;
}

uint32_t Chunk(const ArithInfo& row, const Dot& chunk) {
  const Number c = Unpack(Info(row.accumulator), chunk.c);
  Sum special;  // decides unless every addend is finite
  special.Add(c);
  bool finite = c.kind == Kind::kFinite;
  std::vector<Number> parts[2];
  for (size_t k = 0; k < chunk.products.size(); ++k) {
    const Number p = Saturated(chunk.products[k]);
    special.Add(p);
    finite = finite && p.kind == Kind::kFinite;
    parts[k % static_cast<size_t>(row.group)].push_back(p);
  }
  const FormatInfo& out = Info(row.output);
  if (!finite) return special.Rounded(out, row.nan_word);

  const CutSum even = CutProducts(parts[0], row.align_bits);
  const CutSum odd = CutProducts(parts[1], row.align_bits);
  if (!even.exponent && !odd.exponent) {
    return c.is_zero() ? 0 : chunk.c;
  }
  const int exponent = std::max(even.exponent.value_or(*odd.exponent),
                                odd.exponent.value_or(*even.exponent));
  const int grid = exponent - row.align_bits;
  int64_t units = 0;
  for (const CutSum& part : {even, odd}) {
    if (part.exponent) {
      units += Floor(part.units, *part.exponent - row.align_bits, grid);
    }
  }
  const int top = c.is_zero() ? exponent : std::max(exponent, c.exponent);
  const bool split = row.group == 2;
  const bool c_lost = c.is_zero() || (split && c.exponent < top - 25);
  Sum sum;
  const auto add = [&sum](int64_t value, int unit) {
    sum.Add({Kind::kFinite, value < 0,
             static_cast<uint64_t>(value < 0 ? -value : value), unit, 0});
  };
  add(Floor(units, grid, top - kRegisterBits), top - kRegisterBits);
  if (!c_lost) {
    const auto significand = static_cast<int64_t>(c.significand);
    add(Floor(c.negative ? -significand : significand, c.unit,
              top - row.align_bits),
        top - row.align_bits);
  }
  const uint32_t word = sum.Rounded(out, row.nan_word, row.out_fraction_bits,
                                    row.out_rounding == Rounding::kTowardZero);
  return (word & out.magnitude_mask()) == 0 ? 0 : word;
}

}  // namespace

uint32_t EvenOdd(const ArithInfo& row, const Dot& dot) {
  return ForEachChunk(row, dot,
                      [&](const Dot& chunk) { return Chunk(row, chunk); });
}

}  // namespace zeroulp::emulation
