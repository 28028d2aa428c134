// SPDX-License-Identifier: Apache-2.0
// Structured sparsity: choosing what is kept, compressed matrices, the
// accelerators' metadata, and SparseGemm.
//
// Positions are bytes, rows x (K / group * keep): of every stored element its
// place in its group. Matrices are of any signed format; K must be a multiple
// of the group. Every error names the row and the group where it was found.
#ifndef ZEROULP_SPARSE_H_
#define ZEROULP_SPARSE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zeroulp/gemm.h"
#include "zeroulp/operand.h"
#include "zeroulp/packed.h"
#include "zeroulp/sparsity.h"
#include "zeroulp/view.h"

namespace zeroulp {

// --- What is kept ----------------------------------------------------------

// The `keep` elements of every group with the largest magnitudes, ties to the
// lower position; NaN counts as larger than infinity. Patterns of pairs keep
// the pairs whose magnitudes have the larger sum. Positions ascend.
//
// These four throw Error{kShape} unless K is a multiple of the group, {kFormat}
// for a format without a sign, {kArgument, kOverflow} for an impossible view.
std::vector<uint8_t> LargestPositions(const ConstMatrixView& matrix,
                                      const SparsityInfo& pattern);

// The same by somebody else's scores, one for each element: the largest
// values. Throws Error{kArgument} if a score is NaN.
std::vector<uint8_t> HighestPositions(const ConstMatrixView& scores,
                                      const SparsityInfo& pattern);

// Where a mask is not zero. Throws Error{kArgument} unless every group keeps as
// many elements as the pattern says, in its units.
std::vector<uint8_t> MaskPositions(const ConstMatrixView& mask,
                                   const SparsityInfo& pattern);

// Where a matrix that is sparse already is not zero (of either sign), and in
// groups with fewer of those the lowest other positions. Throws
// Error{kArgument} if a group has more than the pattern keeps.
std::vector<uint8_t> NonzeroPositions(const ConstMatrixView& matrix,
                                      const SparsityInfo& pattern);

// The rows of kSparsities that a matrix satisfies.
std::vector<const SparsityInfo*> PatternsOf(const ConstMatrixView& matrix);

// Overwrites what is not kept by +0.
void Prune(const MatrixView& matrix, const SparsityInfo& pattern,
           std::span<const uint8_t> positions);

// --- Compressed ------------------------------------------------------------

// Stored codes and their positions, owned.
struct SparseMatrix {
  Format format = Format::kF32;
  Sparsity sparsity;
  int64_t rows = 0, stored_cols = 0;
  std::vector<std::byte> codes;  // rows x stored_cols, smallest row stride
  std::vector<uint8_t> positions;

  int64_t cols() const { return stored_cols / sparsity.keep * sparsity.group; }
  ConstMatrixView codes_view() const {
    return {codes, format, rows, stored_cols, DenseStride(format, stored_cols)};
  }
  // What Gemm and Pack take; refers to this matrix.
  Operand operand(const BlockScales& scales = {}) const {
    Operand x(codes_view(), scales);
    x.sparsity = sparsity;
    x.index = CodesView(positions, Format::kE8M0FNU, rows, stored_cols);
    return x;
  }
};

// The elements at `positions`, which must be of that many rows and groups and
// inside their groups, else Error{kShape, kArgument}. No arithmetic: NaN
// payloads and -0 survive.
SparseMatrix Compress(const ConstMatrixView& matrix,
                      const SparsityInfo& pattern,
                      std::span<const uint8_t> positions);

// The inverse: stored codes at their places, +0 elsewhere. Throws
// Error{kArgument} if two elements of a group have the same place.
void Decompress(const SparseMatrix& matrix, const MatrixView& destination);

// --- Metadata --------------------------------------------------------------

// Words of 16 bits, of one row after the other, the lowest bits first; a row's
// last word is filled with zero bits. Two are one 32-bit word, the first in its
// low half.
//
// NVIDIA: a nibble a group. Throw Error{kUnsupported} for a pattern without
// such metadata, {kArgument} for positions that no nibble states: descending
// ones but for 2:4 at 2, 1, which only tcgen05 takes (0x6).
std::vector<uint16_t> NvidiaMetadata(const SparsityInfo& pattern, int64_t rows,
                                     int64_t stored_cols,
                                     std::span<const uint8_t> positions);
// Throws Error{kArgument} for a nibble that is not legal, {kShape} unless there
// are as many words as rows and columns need.
std::vector<uint8_t> NvidiaPositions(const SparsityInfo& pattern, int64_t rows,
                                     int64_t stored_cols,
                                     std::span<const uint16_t> words);

// Trainium: a tag of 4 bits an element, any of the group's positions in any
// order. Errors likewise.
std::vector<uint16_t> TrainiumTags(const SparsityInfo& pattern, int64_t rows,
                                   int64_t stored_cols,
                                   std::span<const uint8_t> positions);
std::vector<uint8_t> TrainiumPositions(const SparsityInfo& pattern,
                                       int64_t rows, int64_t stored_cols,
                                       std::span<const uint16_t> words);

// --- Multiplied ------------------------------------------------------------

// A sparse operand rearranged once for any number of products. The stored
// codes, with their block scales, are a PackedMatrix; positions follow in the
// same order, a byte a code: quads of 16 rows x 4 stored elements. Move-only,
// immutable, safe to share between threads.
class PackedSparse {
 public:
  PackedSparse(PackedSparse&&) = default;
  PackedSparse& operator=(PackedSparse&&) = default;

  int64_t rows() const { return stored_.rows(); }
  int64_t cols() const {  // K, of which stored().cols() are stored
    return stored_.cols() / sparsity_.keep * sparsity_.group;
  }
  Format format() const { return stored_.format(); }
  Sparsity sparsity() const { return sparsity_; }
  const PackedMatrix& stored() const { return stored_; }

  // As bytes of any machine, and back: a header with a version, then the memory
  // of codes, scales and positions. Throws Error{kFile} for bytes that are not
  // those of such an operand, {kFormat} for a format that none has.
  std::vector<std::byte> Serialize() const;
  static PackedSparse Deserialize(std::span<const std::byte> bytes);

  // Quad `q` of group `g` of 16 rows is at (g * position_quads() + q) * 64;
  // zero past the end.
  const uint8_t* positions() const { return positions_.data(); }
  int64_t position_quads() const { return (stored_.cols() + 3) / 4; }

 private:
  friend PackedSparse PackSparse(const Operand& operand);
  PackedSparse(PackedMatrix stored, Sparsity sparsity,
               std::vector<uint8_t> positions)
      : stored_(std::move(stored)),
        sparsity_(sparsity),
        positions_(std::move(positions)) {}

  PackedMatrix stored_;
  Sparsity sparsity_;
  std::vector<uint8_t> positions_;
};

// Packs a sparse operand. Throws what Pack throws, Error{kArgument} if it is
// not sparse or a position is outside its group. Thread-safe.
PackedSparse PackSparse(const Operand& operand);

// Gemm where one operand is sparse: a product for every stored element with
// what stands in its place in the other operand, in stored order. Everything
// else of the other operand is absent, be it NaN. Steps and blocks of scales
// are of products: a scale of the dense operand covers group / keep times as
// many of its elements as one of the sparse operand. The same errors, rules and
// promises as Gemm.
//
// Gemm of views takes sparse operands, too, and packs them on every call.
void SparseGemm(const PackedSparse& a, const PackedMatrix& b_t,
                const ConstMatrixView& c, const MatrixView& d,
                const GemmOptions& options = {});
void SparseGemm(const PackedMatrix& a, const PackedSparse& b_t,
                const ConstMatrixView& c, const MatrixView& d,
                const GemmOptions& options = {});

}  // namespace zeroulp

#endif  // ZEROULP_SPARSE_H_
