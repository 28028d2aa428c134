// SPDX-License-Identifier: Apache-2.0
// PackedMatrix: an operand rearranged once for any number of products.
#ifndef ZEROULP_PACKED_H_
#define ZEROULP_PACKED_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "zeroulp/formats.h"
#include "zeroulp/operand.h"

namespace zeroulp {

namespace kernels {
class PackedScratch;  // fills one that nobody else has seen yet
}  // namespace kernels

// Owns a copy of a matrix in the order the kernels read it. Layout, version 1:
// groups of 16 rows; in a group, 64-byte quads of 16 rows x 4 bytes, the codes
// of 4, 2 or 1 consecutive k (formats of at most 8 bits take a byte a code, f16
// and bf16 two, tf32 its binary32 word), little-endian. Rows and k past the end
// are zero codes. The layout is the same on every CPU and as small as the codes
// themselves. Block scales follow in the same groups: one code for each of the
// 16 rows, block after block. Move-only, immutable, safe to share between
// threads.
class PackedMatrix {
 public:
  static constexpr int64_t kRows = 16;  // rows of a group
  static constexpr int64_t kQuad = 4;   // bytes of a row in a quad

  PackedMatrix(PackedMatrix&&) = default;
  PackedMatrix& operator=(PackedMatrix&&) = default;

  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }  // K
  Format format() const { return format_; }

  int64_t groups() const { return (rows_ + kRows - 1) / kRows; }
  int64_t quad_cols() const {  // consecutive k in a quad
    return kQuad / CodeBytes(format_);
  }
  int64_t quads() const { return (cols_ + quad_cols() - 1) / quad_cols(); }
  int64_t size_bytes() const { return groups() * quads() * kRows * kQuad; }

  // 64-byte aligned; quad `q` of group `g` is at (g * quads() + q) * 64.
  const uint8_t* data() const { return data_.get(); }

  // Block scales: of every scale_block() consecutive k; 0: none.
  int64_t scale_block() const { return scale_block_; }
  Format scale_format() const { return scale_format_; }
  int64_t scale_cols() const {  // of a row
    return scale_block_ == 0 ? 0 : (cols_ + scale_block_ - 1) / scale_block_;
  }
  int64_t scale_bytes() const {
    return groups() * scale_cols() * kRows * CodeBytes(scale_format_);
  }
  // 64-byte aligned; the 16 codes of block `b` of group `g` begin at element
  // (g * scale_cols() + b) * 16. Rows past the end repeat the last one.
  const uint8_t* scales() const { return scales_.get(); }

  // Of every group of a bf16 matrix the smallest magnitude but zero, as a code:
  // kernels whose dot flushes subnormal numbers ask in every product. Other
  // formats have none.
  static constexpr uint16_t kNothingButZero = 0xFFFF;
  std::span<const uint16_t> smallest() const { return smallest_; }

  // As bytes of any machine, and back: weights are packed once and kept. A
  // header of 64 bytes with a version, formats by name and sizes, then the
  // codes and the block scales in the layout above.
  //
  // Deserialize throws Error{kFile} for bytes that are not those of such an
  // operand: shorter or longer than the header says, of a version or format
  // that this library does not know, codes with more bits than their format
  // has or past the end of a row. std::bad_alloc. Both are thread-safe.
  std::vector<std::byte> Serialize() const;
  static PackedMatrix Deserialize(std::span<const std::byte> bytes);

 private:
  friend PackedMatrix Pack(const Operand& operand);
  friend class kernels::PackedScratch;
  // Memory is not initialised.
  PackedMatrix(int64_t rows, int64_t cols, Format format, int64_t scale_block,
               Format scale_format);

  static constexpr int64_t CodeBytes(Format format) {
    return (Info(format).storage_bits + 7) / 8;
  }

  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(uint8_t* data) const {
      ::operator delete[](data, kAlignment);
    }
  };
  using Bytes = std::unique_ptr<uint8_t[], Free>;
  static Bytes Allocate(int64_t size_bytes);

  int64_t rows_, cols_;
  Format format_;
  int64_t scale_block_;
  Format scale_format_;
  Bytes data_, scales_;
  std::vector<uint16_t> smallest_;  // 0: any
};

// Packs rows x K codes of any format that an arithmetic row takes, with their
// block scales: A as M x K, B transposed as N x K. `operand` is not referenced
// afterwards.
//
// Throws Error{kShape, kOverflow, kArgument} on an impossible view,
// Error{kFormat} on another format, {kUnsupported} on structured sparsity,
// std::bad_alloc. Thread-safe.
PackedMatrix Pack(const Operand& operand);

}  // namespace zeroulp

#endif  // ZEROULP_PACKED_H_
