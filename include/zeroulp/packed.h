// SPDX-License-Identifier: Apache-2.0
// PackedMatrix: an operand rearranged once for any number of products.
#ifndef ZEROULP_PACKED_H_
#define ZEROULP_PACKED_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "zeroulp/formats.h"
#include "zeroulp/view.h"

namespace zeroulp {

// Owns a copy of a matrix in the order the kernels read it: groups of 16 rows;
// in a group, 64-byte quads of 16 rows x 4 consecutive k, one code a byte.
// Rows and k past the end are zero codes. The layout is the same on every CPU
// and as small as the codes themselves. Move-only, immutable, safe to share
// between threads.
class PackedMatrix {
 public:
  static constexpr int64_t kRows = 16;  // rows of a group
  static constexpr int64_t kQuad = 4;   // consecutive k of a row

  PackedMatrix(PackedMatrix&&) = default;
  PackedMatrix& operator=(PackedMatrix&&) = default;

  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }  // K
  Format format() const { return format_; }

  int64_t groups() const { return (rows_ + kRows - 1) / kRows; }
  int64_t quads() const { return (cols_ + kQuad - 1) / kQuad; }
  int64_t size_bytes() const { return groups() * quads() * kRows * kQuad; }

  // 64-byte aligned; quad `q` of group `g` is at (g * quads() + q) * 64.
  const uint8_t* data() const { return data_.get(); }

 private:
  friend PackedMatrix Pack(const ConstMatrixView& matrix);
  PackedMatrix(int64_t rows, int64_t cols, Format format);

  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(uint8_t* data) const {
      ::operator delete[](data, kAlignment);
    }
  };

  int64_t rows_, cols_;
  Format format_;
  std::unique_ptr<uint8_t[], Free> data_;
};

// Packs rows x K codes of any format of at most 8 bits: A as M x K, B
// transposed as N x K. `matrix` is not referenced afterwards.
//
// Throws Error{kShape, kOverflow, kArgument} on an impossible view,
// Error{kFormat} on a wider format, std::bad_alloc. Thread-safe.
PackedMatrix Pack(const ConstMatrixView& matrix);

}  // namespace zeroulp

#endif  // ZEROULP_PACKED_H_
