// SPDX-License-Identifier: Apache-2.0
#include "emulation/epilogue.h"

#include <bit>

#include "emulation/fixed.h"
#include "emulation/number.h"
#include "emulation/round.h"
#include "emulation/sum.h"
#include "zeroulp/view.h"

namespace zeroulp::emulation {
namespace {

constexpr const FormatInfo& kF32Info = Info(Format::kF32);

// A binary32 result of exact addends, taken apart again.
Number Rounded(const Sum& sum) {
  return Unpack(kF32Info, sum.Rounded(kF32Info, kF32Info.nan_code()));
}

// Times a binary32 word, rounded.
Number Scaled(const Number& x, uint32_t factor) {
  Sum product;
  product.Add(Multiply(x, Unpack(kF32Info, factor)));
  return Rounded(product);
}

// What overflows, or is infinite, without saturation: infinity, else NaN.
uint32_t Beyond(const FormatInfo& out) {
  return out.has_infinity() ? out.infinity_code() : out.nan_code();
}

// x in one rounding to nearest even.
uint32_t Converted(const Number& x, const FormatInfo& out, Overflow overflow,
                   uint32_t nan_word) {
  if (x.kind == Kind::kNan) return nan_word;
  uint64_t magnitude = 0;
  if (x.kind == Kind::kInfinity) {
    magnitude = overflow == Overflow::kSaturate ? out.max_code() : Beyond(out);
  } else if (!x.is_zero()) {
    Fixed exact;
    exact.Add(false, x.significand, x.unit);
    magnitude = RoundedMagnitude(exact, out, out.mantissa_bits,
                                 /*toward_zero=*/false);
    if (magnitude > out.max_code()) {
      magnitude = overflow == Overflow::kIeee ? Beyond(out) : out.max_code();
    }
  }
  const bool one_zero = magnitude == 0 && !out.has_minus_zero();
  return static_cast<uint32_t>(magnitude) |
         (x.negative && !one_zero ? out.sign_mask() : 0u);
}

}  // namespace

uint32_t Finished(const ArithInfo& row, const GemmOptions& options,
                  uint32_t sum, int64_t m, int64_t n, Format format) {
  const bool has_b = options.b_row_scales.cols != 0;
  const bool has_a = options.a_row_scales.cols != 0;
  const bool has_bias = options.bias.cols != 0;
  if (!options.alpha && !has_b && !has_a && !has_bias && !options.convert) {
    return sum;
  }
  Number x = Unpack(Info(row.output), sum);
  if (options.alpha) x = Scaled(x, std::bit_cast<uint32_t>(*options.alpha));
  if (has_b) x = Scaled(x, ReadCode(options.b_row_scales, 0, n));
  if (has_a) x = Scaled(x, ReadCode(options.a_row_scales, 0, m));
  if (has_bias) {
    Sum biased;
    biased.Add(x);
    biased.Add(Unpack(Info(options.bias.format), ReadCode(options.bias, 0, n)));
    x = Rounded(biased);
  }
  const FormatInfo& out = Info(format);
  return Converted(x, out, options.convert.value_or(Overflow::kIeee),
                   format == row.output ? row.nan_word : out.nan_code());
}

}  // namespace zeroulp::emulation
