// SPDX-License-Identifier: Apache-2.0
// The models: one dot product each, from codes taken apart to a word.
#ifndef ZEROULP_EMULATION_DOT_H_
#define ZEROULP_EMULATION_DOT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "emulation/number.h"
#include "zeroulp/arithmetic.h"

namespace zeroulp::emulation {

// One element of D. Products are in the order of K; with block scales,
// scales[k / block] is the product of both operands' scales for product k.
struct Dot {
  std::span<const Number> products;
  std::span<const Number> scales;
  int64_t block = 0;
  uint32_t c = 0;  // a code of the row's accumulator format

  // Products first ... first + count - 1, those that exist, from `acc`.
  Dot Slice(size_t first, size_t count, uint32_t acc) const {
    Dot slice = *this;
    slice.products = products.subspan(
        std::min(first, products.size()),
        std::min(count, products.size() - std::min(first, products.size())));
    slice.c = acc;
    if (block != 0) {
      slice.scales = scales.subspan(first / static_cast<size_t>(block));
    }
    return slice;
  }

  // Product k with its scales; exact.
  Number Scaled(size_t k) const {
    return block == 0
               ? products[k]
               : Multiply(products[k], scales[k / static_cast<size_t>(block)]);
  }
};

// Each is the function of emulation/README.md of the same name.
uint32_t Exact(const ArithInfo& row, const Dot& dot);
uint32_t Chain(const ArithInfo& row, const Dot& dot);
uint32_t FusedDot(const ArithInfo& row, const Dot& dot);
uint32_t SplitFused(const ArithInfo& row, const Dot& dot);
uint32_t GroupFused(const ArithInfo& row, const Dot& dot);
uint32_t EvenOdd(const ArithInfo& row, const Dot& dot);
uint32_t PairTree(const ArithInfo& row, const Dot& dot);
uint32_t Systolic(const ArithInfo& row, const Dot& dot);
uint32_t DotPairs(const ArithInfo& row, const Dot& dot);

// Runs step(chunk, acc) on consecutive chunks of the row's length; acc starts
// as C and is each step's result. No product: C itself, NaN made canonical.
template <class Step>
uint32_t ForEachChunk(const ArithInfo& row, const Dot& dot, const Step& step) {
  uint32_t acc = dot.c;
  if (Unpack(Info(row.accumulator), acc).kind == Kind::kNan)
    return row.nan_word;
  const size_t chunk = static_cast<size_t>(row.chunk);
  for (size_t k = 0; k < dot.products.size(); k += chunk) {
    acc = step(dot.Slice(k, chunk, acc));
  }
  return acc;
}

}  // namespace zeroulp::emulation

#endif  // ZEROULP_EMULATION_DOT_H_
