// SPDX-License-Identifier: Apache-2.0
// Models made of ordinary IEEE 754 operations on exact intermediate sums.
#include <vector>

#include "emulation/dot.h"
#include "emulation/sum.h"

namespace zeroulp::emulation {
namespace {

constexpr const FormatInfo& kF32Info = Info(Format::kF32);

// Subnormal results of an operation become zero of their sign.
uint32_t Flushed(const ArithInfo& row, uint32_t word) {
  const bool subnormal =
      (word & kF32Info.magnitude_mask()) < kF32Info.min_normal_code();
  return row.flush_results && subnormal ? word & kF32Info.sign_mask() : word;
}

// x + y, rounded to binary32.
uint32_t Add(const ArithInfo& row, const Number& x, const Number& y) {
  Sum sum;
  sum.Add(x);
  sum.Add(y);
  return Flushed(row, sum.Rounded(kF32Info, row.nan_word));
}

Number F32(uint32_t word) { return Unpack(kF32Info, word); }

// The ordered chain over products, from `acc`.
uint32_t ChainFrom(const ArithInfo& row, std::span<const Number> products,
                   uint32_t acc) {
  for (const Number& p : products) acc = Add(row, F32(acc), p);
  return acc;
}

}  // namespace

uint32_t Exact(const ArithInfo& row, const Dot& dot) {
  Sum sum;
  sum.Add(F32(dot.c));
  for (size_t k = 0; k < dot.products.size(); ++k) sum.Add(dot.Scaled(k));
  return sum.Rounded(kF32Info, row.nan_word);
}

uint32_t Chain(const ArithInfo& row, const Dot& dot) {
  const Number c = F32(dot.c);
  uint32_t acc = c.kind == Kind::kNan ? row.nan_word : dot.c;
  if (dot.block == 0) return ChainFrom(row, dot.products, acc);
  const size_t block = static_cast<size_t>(dot.block);
  for (size_t k = 0; k < dot.products.size(); k += block) {
    const Dot part = dot.Slice(k, block, 0);
    const uint32_t sum = ChainFrom(row, part.products, 0);
    acc = Add(row, F32(acc), Multiply(F32(sum), part.scales[0]));
  }
  return acc;
}

uint32_t Systolic(const ArithInfo& row, const Dot& dot) {
  const size_t rows = static_cast<size_t>(row.rows);
  const size_t group = static_cast<size_t>(row.group);
  return ForEachChunk(row, dot, [&](const Dot& chunk) {
    uint32_t partial = 0;
    for (size_t r = 0; r < rows; ++r) {
      Sum sum;
      sum.Add(F32(partial));
      for (size_t j = 0; j < group; ++j) {
        const size_t k = row.interleaved ? group * r + j : rows * j + r;
        if (k < chunk.products.size()) sum.Add(chunk.Scaled(k));
      }
      partial = sum.Rounded(kF32Info, kF32Info.nan_code());
    }
    Sum sum;
    sum.Add(Unpack(Info(row.accumulator), chunk.c));
    sum.Add(F32(partial));
    return sum.Rounded(Info(row.accumulator), row.nan_word);
  });
}

uint32_t DotPairs(const ArithInfo& row, const Dot& dot) {
  return ForEachChunk(row, dot, [&](const Dot& pair) {
    // A missing odd element is a zero the instruction would add.
    const Number zero;
    const bool whole = pair.products.size() == 2;
    const uint32_t acc =
        Add(row, F32(Flushed(row, pair.c)), whole ? pair.products[1] : zero);
    return Add(row, F32(acc), pair.products[0]);
  });
}

uint32_t PairTree(const ArithInfo& row, const Dot& dot) {
  return ForEachChunk(row, dot, [&](const Dot& chunk) {
    const Number zero;
    std::vector<uint32_t> sums(static_cast<size_t>(row.chunk));
    for (size_t k = 0; k < sums.size(); ++k) {
      const bool exists = k < chunk.products.size();
      sums[k] = Add(row, exists ? chunk.products[k] : zero, zero);
    }
    for (; sums.size() > 1; sums.resize(sums.size() / 2)) {
      for (size_t i = 0; i < sums.size() / 2; ++i) {
        sums[i] = Add(row, F32(sums[2 * i]), F32(sums[2 * i + 1]));
      }
    }
    return Add(row, F32(Flushed(row, chunk.c)), F32(sums[0]));
  });
}

}  // namespace zeroulp::emulation
