// SPDX-License-Identifier: Apache-2.0
// Sizes and scalar parts of the loops in block-inl.h.
#ifndef ZEROULP_KERNELS_BLOCK_H_
#define ZEROULP_KERNELS_BLOCK_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/gemm_call.h"
#include "kernels/operand.h"
#include "zeroulp/codec.h"
#include "zeroulp/view.h"

namespace zeroulp::kernels {

// A block of D: its accumulators, and the panels of its rows and columns of
// some 256 products, share L2. Codes of A are taken apart once per 128 columns,
// those of B once per 64 rows.
inline constexpr size_t kBlockRows = 64;
inline constexpr size_t kBlockCols = 128;
// A panel that does not begin with a block has one more of them.
inline constexpr size_t kScaleSlack = 1;

// See PanelAt. One line more than a power of two, so that panels read side by
// side do not fall on the same cache sets.
constexpr size_t PanelBytes(const ArithInfo& row) {
  constexpr size_t kRowBytes = 16 * sizeof(float);
  return (4 * PanelK(row) + kScaleSlack + 1) * kRowBytes +
         (PanelK(row) + 63) / 64 * 64;
}

inline size_t BlockWorkspaceBytes(const ArithInfo& row) {
  return 2 * kBlockRows * kBlockCols * sizeof(float) +
         (kBlockRows + kBlockCols) / 16 * PanelBytes(row);
}

// Whether the sum of 2^log2_products products of narrow formats is exact in
// binary64: a multiple of the smallest one of at most 53 bits.
inline bool FitsBinary64(const GemmCall& call, int log2_products) {
  const auto bits = [](Format format) {  // of the largest, in smallest ones
    const FormatInfo& f = Info(format);
    const int field = static_cast<int>(f.max_code() >> f.mantissa_bits);
    return field + f.mantissa_bits + 1;
  };
  return bits(call.a->format()) + bits(call.b_t->format()) + log2_products <=
         53;
}

// Elements of C and D as binary32; both formats are part of it.
inline float ReadElement(const ConstMatrixView& c, int64_t m, int64_t n) {
  const uint32_t code = ReadCode(c, m, n);
  return c.format == Format::kF32 ? std::bit_cast<float>(code)
                                  : Decode(c.format, code);
}

inline void WriteElement(const ArithInfo& row, const MatrixView& d, int64_t m,
                         int64_t n, float x) {
  const uint32_t word = std::bit_cast<uint32_t>(x);
  const uint32_t code =
      (word & 0x7FFFFFFFu) > 0x7F800000u ? row.nan_word
      : d.format == Format::kF32
          ? word
          : Encode(d.format, x, Rounding::kNearestEven, Overflow::kIeee);
  WriteCode(d, m, n, code);
}

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_BLOCK_H_
