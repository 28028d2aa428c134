// SPDX-License-Identifier: Apache-2.0
// Single products of packed operands, for the few that are not finite.
#ifndef ZEROULP_KERNELS_FLOOR_SPECIAL_H_
#define ZEROULP_KERNELS_FLOOR_SPECIAL_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/gemm_call.h"
#include "zeroulp/codec.h"
#include "zeroulp/packed.h"

namespace zeroulp::kernels {

// Element k of a row; zero past the end. With a NaN block scale NaN.
inline double PackedElement(const PackedMatrix& x, bool scaled, size_t row,
                            size_t k) {
  if (row >= static_cast<size_t>(x.rows()) ||
      k >= static_cast<size_t>(x.cols())) {
    return 0.0;
  }
  constexpr auto kRows = static_cast<size_t>(PackedMatrix::kRows);
  constexpr auto kQuad = static_cast<size_t>(PackedMatrix::kQuad);
  const FormatInfo& f = Info(x.format());
  const auto per_quad = static_cast<size_t>(x.quad_cols());
  const size_t quad =
      row / kRows * static_cast<size_t>(x.quads()) + k / per_quad;
  uint32_t word;
  std::memcpy(&word, x.data() + (quad * kRows + row % kRows) * kQuad,
              sizeof(word));
  word >>= k % per_quad * (32 / per_quad);
  if (f.storage_bits == 32) word >>= 32 - f.bits;
  if (scaled && x.scale_block() != 0) {
    const size_t block = k / static_cast<size_t>(x.scale_block());
    const uint8_t scale =
        x.scales()[(row / kRows * static_cast<size_t>(x.scale_cols()) + block) *
                       kRows +
                   row % kRows];
    if (scale == Info(x.scale_format()).nan_code()) {
      return std::numeric_limits<double>::quiet_NaN();
    }
  }
  return double{Decode(f, word & (f.sign_mask() | f.magnitude_mask()))};
}

// Product k of element (m, n) of D if it is infinite or NaN, else 0. Those of
// Model::kEvenOdd are infinite where binary32 ends.
inline double SpecialProduct(const GemmCall& call, size_t m, size_t n,
                             size_t k) {
  const bool scaled = !call.row->scales.empty();
  double product = PackedElement(*call.a, scaled, m, k) *
                   PackedElement(*call.b_t, scaled, n, k);
  if (call.row->model == Model::kEvenOdd && std::fabs(product) >= 0x1p128) {
    product = std::copysign(std::numeric_limits<double>::infinity(), product);
  }
  return std::isfinite(product) ? 0.0 : product;
}

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_FLOOR_SPECIAL_H_
