// SPDX-License-Identifier: Apache-2.0
// Operand: codes, and where it has them block scales and a sparsity pattern.
#ifndef ZEROULP_OPERAND_H_
#define ZEROULP_OPERAND_H_

#include <cstdint>

#include "zeroulp/view.h"

namespace zeroulp {

// One scale for every `block` consecutive elements of K of `block_rows` rows:
// ceil(rows / block_rows) x ceil(K / block) codes of e8m0fnu, ue4m3 or f32 in
// linear layout. The value of an element is its code times its scale. K is the
// operand's own: of a sparse one the stored elements.
struct BlockScales {
  ConstMatrixView codes;
  int64_t block = 0;  // 0: no scales
  int64_t block_rows = 1;
};

// keep of every `group` consecutive positions of K are stored; 0 of 0: all.
struct Sparsity {
  int64_t keep = 0, group = 0;
};

// An M x K or N x K operand of Gemm. Sparse: rows x K * keep / group stored
// codes, and for each a byte (U8: the low bits of `index`, whose format is an
// 8-bit one) that says its position in its group. Positions not stored are
// absent from the sum, in the other operand too.
struct Operand {
  Operand(const ConstMatrixView& view) : codes(view) {}  // NOLINT: dense
  Operand(const ConstMatrixView& view, const BlockScales& s)
      : codes(view), scales(s) {}

  bool is_sparse() const { return sparsity.group != 0; }
  int64_t k() const {
    return is_sparse() ? codes.cols / sparsity.keep * sparsity.group
                       : codes.cols;
  }

  ConstMatrixView codes;
  BlockScales scales;
  Sparsity sparsity;
  ConstMatrixView index;
};

}  // namespace zeroulp

#endif  // ZEROULP_OPERAND_H_
