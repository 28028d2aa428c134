// SPDX-License-Identifier: Apache-2.0
// NVIDIA tensor cores: fused dot product and add, and what is built of it.
#include <algorithm>
#include <bit>
#include <optional>
#include <vector>

#include "emulation/dot.h"
#include "emulation/fixed.h"
#include "emulation/round.h"
#include "emulation/sum.h"

namespace zeroulp::emulation {
namespace {

// NaN or infinity if any addend decides the result alone.
std::optional<uint32_t> Special(const ArithInfo& row,
                                std::span<const Number> addends) {
  bool nan = false, plus = false, minus = false;
  for (const Number& x : addends) {
    nan |= x.kind == Kind::kNan;
    plus |= x.kind == Kind::kInfinity && !x.negative;
    minus |= x.kind == Kind::kInfinity && x.negative;
  }
  const FormatInfo& out = Info(row.output);
  if (nan || (plus && minus)) return row.nan_word;
  if (plus) return out.infinity_code();
  if (minus) return out.infinity_code() | out.sign_mask();
  return {};
}

// Adds x to sum, its magnitude cut to a multiple of 2^grid.
void AddCut(Fixed& sum, const Number& x, int grid) {
  const int below = grid - x.unit;  // bits of the significand off the grid
  if (below <= 0) return sum.Add(x.negative, x.significand, x.unit);
  if (below < 64) sum.Add(x.negative, x.significand >> below, grid);
}

// One hardware step: every addend is cut to the grid that the largest exponent
// sets, of the non-zero addends and `largest`; the sum is exact, rounded once.
uint32_t Step(const ArithInfo& row, std::span<const Number> addends,
              std::optional<int> largest = {}) {
  if (const auto special = Special(row, addends)) return *special;
  for (const Number& x : addends) {
    if (x.is_zero()) continue;
    largest = std::max(largest.value_or(x.exponent), x.exponent);
  }
  if (!largest) return 0;
  const int exponent =
      std::max(*largest, row.exponent_floor.value_or(*largest));
  Fixed sum;
  for (const Number& x : addends) AddCut(sum, x, exponent - row.align_bits);
  if (!sum.negative() && sum.Width() == 0) return 0;
  const FormatInfo& out = Info(row.output);
  const uint32_t word = Round(sum, out, row.out_fraction_bits,
                              row.out_rounding == Rounding::kTowardZero);
  return (word & out.magnitude_mask()) == 0 ? 0 : word;  // never -0
}

uint32_t StepOf(const ArithInfo& row, std::vector<Number> products,
                uint32_t acc) {
  for (Number& p : products) {
    if (!row.normalise_products || p.is_zero()) continue;
    p.exponent = p.unit + static_cast<int>(std::bit_width(p.significand)) - 1;
  }
  products.push_back(Unpack(Info(row.accumulator), acc));
  return Step(row, products);
}

}  // namespace

uint32_t FusedDot(const ArithInfo& row, const Dot& dot) {
  return ForEachChunk(row, dot, [&](const Dot& chunk) {
    std::vector<Number> addends;
    for (size_t k = 0; k < chunk.products.size(); ++k) {
      addends.push_back(chunk.Scaled(k));
    }
    return StepOf(row, std::move(addends), chunk.c);
  });
}

uint32_t SplitFused(const ArithInfo& row, const Dot& dot) {
  return ForEachChunk(row, dot, [&](const Dot& chunk) {
    std::vector<Number> halves[2];
    for (size_t k = 0; k < chunk.products.size(); ++k) {
      halves[k % 4 / 2].push_back(chunk.products[k]);
    }
    const uint32_t first = StepOf(row, std::move(halves[0]), 0);
    const uint32_t both = StepOf(row, std::move(halves[1]), first);
    Sum sum;  // one ordinary addition
    sum.Add(Unpack(Info(row.accumulator), both));
    sum.Add(Unpack(Info(row.accumulator), chunk.c));
    const uint32_t word = sum.Rounded(Info(row.output), row.nan_word);
    return word;
  });
}

namespace {

// The exact sum of products of e2m1 codes, quarters of at most 16 * 36, times
// the group's scale, whose exponent alone aligns it.
Number GroupSum(const Dot& group) {
  int64_t quarters = 0;
  for (const Number& p : group.products) {
    const auto magnitude = static_cast<int64_t>(p.significand << (p.unit + 2));
    quarters += p.negative ? -magnitude : magnitude;
  }
  const uint64_t magnitude =
      static_cast<uint64_t>(quarters < 0 ? -quarters : quarters);
  return Multiply({Kind::kFinite, quarters < 0, magnitude, -2, 0},
                  group.scales[0]);
}

}  // namespace

uint32_t GroupFused(const ArithInfo& row, const Dot& dot) {
  const size_t size = static_cast<size_t>(row.group);
  return ForEachChunk(row, dot, [&](const Dot& chunk) {
    std::vector<Number> sums;
    std::optional<int> largest;
    for (size_t first = 0; first < chunk.products.size(); first += size) {
      const Dot group = chunk.Slice(first, size, 0);
      sums.push_back(GroupSum(group));
      // A group aligns the others unless all its products are zero, even if
      // their sum is.
      const int exponent = group.scales[0].exponent;
      if (!std::all_of(group.products.begin(), group.products.end(),
                       [](const Number& p) { return p.is_zero(); })) {
        largest = std::max(largest.value_or(exponent), exponent);
      }
    }
    sums.push_back(Unpack(Info(row.accumulator), chunk.c));
    return Step(row, sums, largest);
  });
}

}  // namespace zeroulp::emulation
