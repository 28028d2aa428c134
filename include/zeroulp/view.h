// SPDX-License-Identifier: Apache-2.0
// Non-owning matrices: rows x cols elements of one number format.
//
// Strides are in elements and the columns of a row are contiguous. Elements
// take FormatInfo::storage_bits: one code a byte, but two a byte in 4-bit
// formats (even column in the low nibble; rows start on a byte, so row_stride
// is even), and binary32 words for tf32.
//
// A view knows the bytes it may touch, so that every operation can check on
// every call that rows, cols and row_stride stay inside them.
#ifndef ZEROULP_VIEW_H_
#define ZEROULP_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "zeroulp/formats.h"

namespace zeroulp {

struct ConstMatrixView {
  std::span<const std::byte> bytes;
  Format format = Format::kF32;
  int64_t rows = 0, cols = 0;
  int64_t row_stride = 0;  // elements from one row to the next, >= cols
};

struct MatrixView {
  std::span<std::byte> bytes;
  Format format = Format::kF32;
  int64_t rows = 0, cols = 0;
  int64_t row_stride = 0;

  operator ConstMatrixView() const {  // NOLINT: a view loses nothing by const
    return {bytes, format, rows, cols, row_stride};
  }
};

// The smallest row stride of `cols` elements.
constexpr int64_t DenseStride(Format format, int64_t cols) {
  return Info(format).storage_bits == 4 ? cols + (cols & 1) : cols;
}

// Rows one after the other, over codes held as bytes or over float words.
inline ConstMatrixView CodesView(std::span<const uint8_t> codes, Format format,
                                 int64_t rows, int64_t cols) {
  return {std::as_bytes(codes), format, rows, cols, DenseStride(format, cols)};
}
// Over a vector, array or span of float; of const float: a ConstMatrixView.
template <class Words>
auto F32View(Words&& words, int64_t rows, int64_t cols) {
  const std::span span(words);
  if constexpr (std::is_const_v<typename decltype(span)::element_type>) {
    return ConstMatrixView{std::as_bytes(span), Format::kF32, rows, cols, cols};
  } else {
    return MatrixView{std::as_writable_bytes(span), Format::kF32, rows, cols,
                      cols};
  }
}

// The code at (row, col) of a checked view; memory is little-endian.
inline uint32_t ReadCode(const ConstMatrixView& view, int64_t row,
                         int64_t col) {
  const FormatInfo& f = Info(view.format);
  const int64_t element = row * view.row_stride + col;
  if (f.storage_bits == 4) {
    const auto pair =
        std::to_integer<uint32_t>(view.bytes[static_cast<size_t>(element / 2)]);
    return (pair >> (4 * (element & 1))) & 0xFu;
  }
  const auto size = static_cast<size_t>(f.storage_bits / 8);
  uint32_t word = 0;
  std::memcpy(&word, view.bytes.data() + static_cast<size_t>(element) * size,
              size);
  // tf32 is the one format in the high bits of its word.
  return f.storage_bits == 32 ? word >> (32 - f.bits)
                              : word & (f.sign_mask() | f.magnitude_mask());
}

inline void WriteCode(const MatrixView& view, int64_t row, int64_t col,
                      uint32_t code) {
  const FormatInfo& f = Info(view.format);
  const int64_t element = row * view.row_stride + col;
  if (f.storage_bits == 4) {
    std::byte& pair = view.bytes[static_cast<size_t>(element / 2)];
    const int shift = 4 * static_cast<int>(element & 1);
    pair = (pair & static_cast<std::byte>(0xF0 >> shift)) |
           static_cast<std::byte>((code & 0xFu) << shift);
    return;
  }
  const auto size = static_cast<size_t>(f.storage_bits / 8);
  const uint32_t word = f.storage_bits == 32 ? code << (32 - f.bits) : code;
  std::memcpy(view.bytes.data() + static_cast<size_t>(element) * size, &word,
              size);
}

}  // namespace zeroulp

#endif  // ZEROULP_VIEW_H_
