// SPDX-License-Identifier: Apache-2.0
// A bundle's operands as Gemm takes them: of a whole matrix, of one element of
// D, of a part of K; the whole batch run, and its result as a file holds it.
#ifndef ZEROULP_TOOLS_IO_BUNDLE_OPERANDS_H_
#define ZEROULP_TOOLS_IO_BUNDLE_OPERANDS_H_

#include <cstdint>
#include <optional>

#include "zeroulp/bundle.h"
#include "zeroulp/gemm.h"
#include "zeroulp/operand.h"
#include "zeroulp/view.h"

namespace zeroulp::io {

// Views into a bundle, which outlives them.
struct Operands {
  Operand a, b_t;
  ConstMatrixView c;                                     // empty: zero
  ConstMatrixView a_row_scales = {}, b_row_scales = {};  // empty: none
};

// Matrix `batch` of a bundle that Check accepts.
Operands MatrixOperands(const Bundle& bundle, int64_t batch);

// What element (row, col) of D is computed from.
Operands ElementOperands(const Operands& x, int64_t row, int64_t col);

// Stored elements first ... first + count - 1 of A's K, those that exist, and
// what they meet in B; not the scales of rows, which come after K. `first` is a
// multiple of PartLength(x, ...).
Operands PartOfK(const Operands& x, int64_t first, int64_t count);

// The least multiple of `length` at which K can be cut: on byte boundaries,
// between groups of sparsity and blocks of scales.
int64_t PartLength(const Operands& x, int64_t length);

// `options` with the scales of rows.
GemmOptions WithRowScales(GemmOptions options, const Operands& x);

// Both tensor scales as the one factor Gemm takes.
std::optional<float> AlphaOf(const Bundle& bundle);

// What the options say, else the bundle.
inline int64_t PromoteEvery(const Bundle& bundle,
                            const ComputeOptions& options) {
  return options.promote_every.value_or(bundle.promote_every);
}

// Whether a bundle's d may hold results of `row` in this format: the row's own
// or, as libraries store binary32 sums, bfloat16 and binary16.
bool MayStore(const ArithInfo& row, Format format);

// A result word of `row` as d holds it in such a format: rounded to nearest
// even where they differ; a NaN of all ones stays one.
uint32_t StoredWord(const ArithInfo& row, Format format, uint32_t word);

// Zeros of the shape of D.
BundleMatrix EmptyResult(const Bundle& bundle, Format format);

// All words of a result of `row`, each as StoredWord gives it.
BundleMatrix Stored(const ArithInfo& row, Format format, BundleMatrix result);

// Fills d, which has the shape of the result, by Gemm. False, and d as it was,
// if no kernel exists for these operands on this CPU.
bool RunKernel(const Bundle& bundle, const GemmOptions& options,
               BundleMatrix& d);

// The same by the oracle, for any row; `options.arith` is not read.
void RunOracle(const Bundle& bundle, const ArithInfo& row,
               const GemmOptions& options, BundleMatrix& d);

}  // namespace zeroulp::io

#endif  // ZEROULP_TOOLS_IO_BUNDLE_OPERANDS_H_
