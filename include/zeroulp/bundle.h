// SPDX-License-Identifier: Apache-2.0
// Verification bundles: "these operands, on this arithmetic, gave these words",
// in one safetensors file that NumPy, PyTorch or JAX can write.
//
//   tensor                    shape                      holds
//   a                         [batch, M, K]              codes of A
//   b_t                       [batch, N, K]              codes of B transposed
//   c                         [batch, M, N]              optional, F32 or F16
//   d                         [batch, M, N]              F32, F16 or BF16 words
//   a_scales, b_scales        [batch, M or N, ceil(K / block)]
//                                          optional, F8_E8M0, F8_E4M3 or F32
//   a_row_scales, b_row_scales   [batch, 1, M or N]   optional, F32: D is
//                                 multiplied by those of B, then those of A
//   a_tensor_scale, b_tensor_scale   [1]   optional, F32
//   a_index                   [batch, M, Kc]   optional, U8: `a` is compressed
//                                 to Kc = K * keep / group columns, each with
//                                 its position in its group; blocks of scales
//                                 are of stored elements then, ceil(Kc / block)
//
// `batch` may be absent everywhere. Metadata, all text: zeroulp.bundle = "1";
// zeroulp.arith; zeroulp.a_format and zeroulp.b_format, needed where a dtype
// does not tell (U8, one code a byte, and tf32 in F32); zeroulp.sparsity =
// "keep:group" with a_index; zeroulp.block with scales; zeroulp.promote_every,
// if partial sums of so many products were added to the accumulator apart;
// zeroulp.device and zeroulp.source, free text.
//
// Library zeroulp::io. Nothing here prints.
#ifndef ZEROULP_BUNDLE_H_
#define ZEROULP_BUNDLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zeroulp/arithmetic.h"
#include "zeroulp/compare.h"
#include "zeroulp/formats.h"
#include "zeroulp/operand.h"
#include "zeroulp/safetensors.h"
#include "zeroulp/view.h"

namespace zeroulp {

// `batch` matrices of rows x cols, one after the other, in the layout of
// view.h with the smallest row stride.
struct BundleMatrix {
  Format format = Format::kF32;
  Dtype dtype = Dtype::kF32;  // in the file; kU8 is one code a byte
  int64_t batch = 1, rows = 0, cols = 0;
  std::vector<std::byte> bytes;

  // Zeros. Throws Error{kOverflow} if the size does not fit.
  static BundleMatrix Zeros(Format format, Dtype dtype, int64_t batch,
                            int64_t rows, int64_t cols);

  // Matrix `index`, 0 <= index < batch.
  ConstMatrixView View(int64_t index) const;
  MatrixView View(int64_t index);
};

struct Bundle {
  std::string name;     // for messages: where it was read from
  std::string arith;    // zeroulp.arith; empty: not stated
  bool batched = true;  // shapes in the file have a leading batch dimension

  BundleMatrix a, b_t;
  std::optional<BundleMatrix> c, d;
  std::optional<BundleMatrix> a_scales, b_scales;
  std::optional<BundleMatrix> a_row_scales, b_row_scales;
  std::optional<float> a_tensor_scale, b_tensor_scale;
  int64_t block = 0;  // stored elements of A per scale; 0: no block scales
  int64_t promote_every = 0;  // as GemmOptions
  std::optional<Sparsity> sparsity;
  std::vector<uint8_t> a_index;  // batch x M x Kc; empty: dense
  Metadata notes;  // every other metadata entry, zeroulp.device for one
  std::vector<std::string> warnings;  // one sentence each; extra tensors

  int64_t batch() const { return a.batch; }
  int64_t m() const { return a.rows; }
  int64_t n() const { return b_t.rows; }
  int64_t k() const { return b_t.cols; }  // logical: of B, never compressed
};

// Throws Error{kFile, kUnknownName} for a broken file and everything Check
// refuses. Formats, shapes and codes are checked; whether the arithmetic exists
// is Compute's business, so that bundles for other versions can be looked at.
Bundle ReadBundle(const std::string& path);
Bundle ReadBundle(const SafetensorsFile& file);

// Throws Error{kFile}: shapes that disagree or are empty, scales or sparsity
// that are incomplete, codes and positions out of range.
void Check(const Bundle& bundle);

// Checks, then writes; atomic, see SafetensorsWriter. Warnings are not kept.
void WriteBundle(const std::string& path, const Bundle& bundle);

struct ComputeOptions {
  std::string_view arith = {};  // empty: the bundle's own
  int threads = 0;              // as GemmOptions
  bool oracle = false;          // reference::Gemm even where a kernel exists
  // As GemmOptions; empty: the bundle's own.
  std::optional<int64_t> promote_every = {};
};

// The row that Compute would use. Throws Error{kUnsupported} if the bundle
// names one that is not in kArith, {kUnknownName} if the options do;
// {kArgument} if neither names one.
const ArithInfo& ArithOf(const Bundle& bundle,
                         const ComputeOptions& options = {});

struct ComputeResult {
  BundleMatrix d;
  const ArithInfo* arith = nullptr;
  bool by_kernel = false;  // false: by reference::Gemm
};

// Computes d by Gemm, or by reference::Gemm where no kernel exists.
//
// Throws what ArithOf throws; Error{kFormat} if the arithmetic does not take
// the bundle's formats or scales; whatever Gemm throws.
ComputeResult Compute(const Bundle& bundle, const ComputeOptions& options = {});

struct BundleDifference {
  int64_t batch = 0;
  Difference at;
};

struct VerifyResult {
  const ArithInfo* arith = nullptr;
  Format format = Format::kF32;  // of the words compared, those of d
  bool by_kernel = false;
  int64_t values = 0, mismatches = 0;
  uint64_t max_ulps = 0;  // over mismatches without NaN
  int64_t nan_mismatches = 0;
  UlpHistogram ulp_histogram = {};      // as BitReport
  std::vector<BundleDifference> first;  // at most max_differences

  bool exact() const { return mismatches == 0; }
};

// Computes d again and compares it with the bundle's, word by word: expected is
// what the arithmetic gives, actual what the bundle holds. A d of bfloat16 is
// compared with a binary32 result rounded to nearest even, as libraries store
// it; any other difference of format is Error{kFormat}. Throws what Compute
// throws, and Error{kFile} if the bundle has no d.
VerifyResult Verify(const Bundle& bundle, const ComputeOptions& options = {},
                    size_t max_differences = 8);

}  // namespace zeroulp

#endif  // ZEROULP_BUNDLE_H_
