// SPDX-License-Identifier: Apache-2.0
#include "kernels/scale_range.h"

#include <algorithm>
#include <bit>

namespace zeroulp::kernels {
namespace {

// Magnitudes of a format are below 2^this.
int UpperExponent(const FormatInfo& f) {
  const auto field = static_cast<int>(f.max_code() >> f.mantissa_bits);
  return field - f.bias + 1;
}

bool IsZero(const FormatInfo& f, uint32_t code) {
  const bool nan =
      f.specials == Specials::kNanMinusZero && code == f.sign_mask();
  return (code & f.magnitude_mask()) == 0 && !nan;
}

}  // namespace

ScaleRange RangeOfProducts(Format a, Format b, int64_t block) {
  const FormatInfo& x = Info(a);
  const FormatInfo& y = Info(b);
  const int min_exponent = -126 - x.min_ulp_exponent() - y.min_ulp_exponent();
  const auto log2_block =
      static_cast<int>(std::bit_width(static_cast<uint64_t>(block)));
  const int max_exponent =
      127 - UpperExponent(x) - UpperExponent(y) - log2_block;
  // Half of it for each operand, towards 0.
  return {static_cast<uint8_t>(127 + min_exponent / 2),
          static_cast<uint8_t>(127 + max_exponent / 2)};
}

bool IsZeroBlock(const PackedMatrix& matrix, size_t group, size_t row,
                 size_t block) {
  const FormatInfo& f = Info(matrix.format());
  const auto length = static_cast<size_t>(matrix.scale_block());
  const size_t end =
      std::min((block + 1) * length, static_cast<size_t>(matrix.cols()));
  constexpr auto kRows = static_cast<size_t>(PackedMatrix::kRows);
  constexpr auto kQuad = static_cast<size_t>(PackedMatrix::kQuad);
  const uint8_t* codes =
      matrix.data() +
      group * static_cast<size_t>(matrix.quads()) * kRows * kQuad;
  for (size_t k = block * length; k < end; ++k) {
    if (!IsZero(f, codes[(k / kQuad * kRows + row) * kQuad + k % kQuad])) {
      return false;
    }
  }
  return true;
}

bool OnlyZerosOutside(const PackedMatrix& matrix, size_t group,
                      const ScaleRange& range) {
  constexpr auto kRows = static_cast<size_t>(PackedMatrix::kRows);
  const auto blocks = static_cast<size_t>(matrix.scale_cols());
  const uint8_t* codes = matrix.scales() + group * blocks * kRows;
  for (size_t i = 0; i < blocks * kRows; ++i) {
    if (range.contains(codes[i])) continue;
    const bool nan = codes[i] == Info(Format::kE8M0FNU).nan_code();
    if (nan || !IsZeroBlock(matrix, group, i % kRows, i / kRows)) return false;
  }
  return true;
}

}  // namespace zeroulp::kernels
