// SPDX-License-Identifier: Apache-2.0
// One operand of exact sums as panels of binary64 values, and the exponents
// that say which of their sums are exact.

#if defined(ZEROULP_KERNELS_EXACT_OPERAND_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_EXACT_OPERAND_INL_H_
#undef ZEROULP_KERNELS_EXACT_OPERAND_INL_H_
#else
#define ZEROULP_KERNELS_EXACT_OPERAND_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/panel-inl.h"
#include "kernels/scale_rows-inl.h"
#include "kernels/wide-inl.h"
#include "zeroulp/packed.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// Values are multiples of 2^unit and below 2^top; of nothing but zeros, the
// unit is above the top.
struct ExponentRange {
  int unit = 1000, top = -1000;

  void Join(const ExponentRange& other) {
    unit = std::min(unit, other.unit);
    top = std::max(top, other.top);
  }
  bool zeros_alone() const { return unit > top; }
};

// Of products of a value of each.
inline ExponentRange Times(const ExponentRange& a, const ExponentRange& b) {
  if (a.zeros_alone() || b.zeros_alone()) return {};
  return {a.unit + b.unit, a.top + b.top};
}

// A range of K of one group of rows.
struct ExactQuads {
  ExactQuads(const PackedMatrix& matrix, size_t group, size_t k, size_t k_size)
      : codes(matrix.data() +
              (group * static_cast<size_t>(matrix.quads()) + k / 4) *
                  kQuadBytes),
        count(hwy::DivCeil(k_size, size_t{4})) {}
  const uint8_t* codes;
  size_t count;
};

// Of codes from `min`, which is not zero's, to `max`.
inline ExponentRange RangeOfCodes(const FormatInfo& f, uint32_t min,
                                  uint32_t max) {
  const auto exponent = [&f](uint32_t code) {
    return std::max(static_cast<int>(code >> f.mantissa_bits), 1) - f.bias;
  };
  return {exponent(min) - f.mantissa_bits, exponent(max) + 1};
}

// Codes grow with the magnitude. Those of infinity and NaN do not matter: they
// need not be exact.
inline ExponentRange RangeOfValues(const FormatInfo& f,
                                   const ExactQuads& quads) {
  const hn::ScalableTag<uint8_t> d;
  const auto magnitude = hn::Set(d, static_cast<uint8_t>(f.magnitude_mask()));
  const auto one = hn::Set(d, uint8_t{1});
  auto smallest = hn::Set(d, uint8_t{0xFF});  // less one: zero is the largest
  auto largest = hn::Zero(d);
  for (size_t i = 0; i < quads.count * kQuadBytes; i += hn::Lanes(d)) {
    const auto x = hn::And(hn::Load(d, quads.codes + i), magnitude);
    smallest = hn::Min(smallest, hn::Sub(x, one));
    largest = hn::Max(largest, x);
  }
  alignas(64) uint8_t low[HWY_LANES(uint8_t)], high[HWY_LANES(uint8_t)];
  hn::Store(smallest, d, low);
  hn::Store(largest, d, high);
  const size_t lanes = hn::Lanes(d);
  const uint32_t min = *std::min_element(low, low + lanes) + 1u;
  const uint32_t max =
      std::min<uint32_t>(*std::max_element(high, high + lanes), f.max_code());
  if (max == 0) return {};
  return RangeOfCodes(f, min, max);
}

// Of the block scales of a group of rows for a range of K.
inline ExponentRange RangeOfScales(const PackedMatrix& matrix, size_t group,
                                   size_t k, size_t k_size) {
  const auto block = static_cast<size_t>(matrix.scale_block());
  const auto blocks = static_cast<size_t>(matrix.scale_cols());
  const uint8_t* codes = matrix.scales() + group * blocks * kPanelRows;
  const uint8_t* begin = codes + k / block * kPanelRows;
  const uint8_t* end = codes + ((k + k_size - 1) / block + 1) * kPanelRows;
  if (matrix.scale_format() == Format::kE8M0FNU) {
    const FormatInfo& f = Info(Format::kE8M0FNU);
    return {*std::min_element(begin, end) - f.bias,
            *std::max_element(begin, end) - f.bias};
  }
  // UE4M3: E4M3FN without the sign bit, which is ignored.
  const FormatInfo& f = Info(Format::kE4M3FN);
  uint32_t min = f.max_code() + 1, max = 0;
  for (; begin != end; ++begin) {
    const uint32_t code = *begin & f.magnitude_mask();
    if (code != 0) min = std::min(min, code);
    max = std::max(max, code);
  }
  return max == 0 ? ExponentRange() : RangeOfCodes(f, min, max);
}

// One operand: values times their block scales, if these are exact.
class WideOperand {
 public:
  WideOperand(const PackedMatrix& matrix, bool exact_scales)
      : matrix_(matrix),
        format_(Info(matrix.format())),
        decoder_(format_),
        scales_(matrix, ScaleRange()),
        block_(exact_scales ? static_cast<size_t>(matrix.scale_block()) : 0) {}

  ExponentRange RangeOf(size_t group, size_t k, size_t k_size) const {
    const ExponentRange values =
        RangeOfValues(format_, ExactQuads(matrix_, group, k, k_size));
    if (block_ == 0) return values;
    return Times(values, RangeOfScales(matrix_, group, k, k_size));
  }

  // Of 16 rows, which have one scale each.
  void RowScales(size_t group, float* HWY_RESTRICT row) const {
    if (matrix_.cols() == 0) {  // nor are there scales
      std::fill_n(row, kPanelRows, 1.0f);
      return;
    }
    scales_.Fill(group, 0, row);
  }

  void Decode(size_t group, size_t k, size_t k_size,
              double* HWY_RESTRICT panel) const {
    const DD dd;
    const ExactQuads quads(matrix_, group, k, k_size);
    alignas(64) float values[4 * kPanelRows], scales[kPanelRows];
    for (size_t q = 0; q < quads.count; ++q) {
      decoder_.template Decode4<FmaDot>(quads.codes + q * kQuadBytes, values);
      double* to = panel + q * 4 * kPanelRows;
      if (block_ != 0 && (q == 0 || (k + 4 * q) % block_ == 0)) {
        scales_.Fill(group, k + 4 * q, scales);
      }
      for (size_t i = 0; i < 4 * kPanelRows; i += kLanesF64) {
        VD x = WideFrom(values + i);
        if (block_ != 0) x = hn::Mul(x, WideFrom(scales + i % kPanelRows));
        hn::Store(x, dd, to + i);
      }
    }
  }

 private:
  const PackedMatrix& matrix_;
  const FormatInfo& format_;
  PanelDecoder decoder_;
  ScaleRows scales_;
  size_t block_;
};

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_EXACT_OPERAND_INL_H_
