// SPDX-License-Identifier: Apache-2.0
// The argument checks that both Gemm twins make on every call. Not installed.
#ifndef ZEROULP_INTERNAL_CHECK_H_
#define ZEROULP_INTERNAL_CHECK_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "zeroulp/arithmetic.h"
#include "zeroulp/gemm.h"
#include "zeroulp/internal/fail.h"
#include "zeroulp/operand.h"
#include "zeroulp/view.h"

namespace zeroulp::internal {

inline std::string Describe(int64_t rows, int64_t cols, Format format) {
  return fmt::format("{}x{} {}", rows, cols, Info(format).name);
}
inline std::string Describe(const ConstMatrixView& v) {
  return Describe(v.rows, v.cols, v.format);
}
inline std::string Describe(const Operand& v) {
  return Describe(v.codes.rows, v.k(), v.codes.format);
}
inline std::string Describe(const PackedMatrix& v) {
  return Describe(v.rows(), v.cols(), v.format());
}

// True if a * b * c (none negative) fits in an int64_t.
constexpr bool ProductFits(int64_t a, int64_t b, int64_t c) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  if (a == 0 || b == 0 || c == 0) return true;
  return b <= kMax / a && c <= kMax / (a * b);
}

// How many parts of `part` elements hold `size` of them. Both may be as large
// as an int64_t; size is not negative, part positive.
constexpr int64_t NumParts(int64_t size, int64_t part) {
  return size / part + (size % part != 0);
}

// Sizes beyond it would overflow once rounded up to a tile.
inline constexpr int64_t kMaxSize = int64_t{1} << 62;

// Bytes from the first element to the end of the last one.
constexpr int64_t ExtentBytes(const ConstMatrixView& v) {
  if (v.rows == 0 || v.cols == 0) return 0;
  const int64_t elements = (v.rows - 1) * v.row_stride + v.cols;
  return (elements * Info(v.format).storage_bits + 7) / 8;
}

// Throws unless every element of the view is inside its bytes.
inline void CheckView(std::string_view operation, std::string_view name,
                      const ConstMatrixView& v) {
  const FormatInfo& f = Info(v.format);
  if (v.rows < 0 || v.cols < 0) {
    Fail(ErrorCode::kShape, "{}: {} is {}: sizes must not be negative",
         operation, name, Describe(v));
  }
  if (v.row_stride < v.cols) {
    Fail(ErrorCode::kShape,
         "{}: {} is {} with row_stride {}: rows overlap, row_stride must be at "
         "least {}",
         operation, name, Describe(v), v.row_stride, v.cols);
  }
  if (f.storage_bits == 4 && v.row_stride % 2 != 0) {
    Fail(ErrorCode::kShape,
         "{}: {} is {} with row_stride {}: 4-bit rows start on a byte, "
         "row_stride must be even",
         operation, name, Describe(v), v.row_stride);
  }
  if (v.rows > kMaxSize || v.row_stride > kMaxSize ||
      !ProductFits(v.rows, v.row_stride, f.storage_bits)) {
    Fail(ErrorCode::kOverflow,
         "{}: {} is {} with row_stride {}: its size in bits exceeds 2^63 - 1",
         operation, name, Describe(v), v.row_stride);
  }
  const int64_t needed = ExtentBytes(v);
  if (std::cmp_less(v.bytes.size(), needed)) {
    Fail(ErrorCode::kShape,
         "{}: {} is {} with row_stride {}: it needs {} bytes, the view has {}",
         operation, name, Describe(v), v.row_stride, needed, v.bytes.size());
  }
  if (needed > 0 && v.bytes.data() == nullptr) {
    Fail(ErrorCode::kArgument, "{}: {} is {}, but its data is null", operation,
         name, Describe(v));
  }
  const auto address = reinterpret_cast<uintptr_t>(v.bytes.data());
  const auto alignment =
      static_cast<uintptr_t>(f.storage_bits < 8 ? 1 : f.storage_bits / 8);
  if (needed > 0 && address % alignment != 0) {
    Fail(ErrorCode::kArgument, "{}: {} is {}: its data must be {}-byte aligned",
         operation, name, Describe(v), alignment);
  }
}

inline bool Overlap(const ConstMatrixView& x, const ConstMatrixView& y) {
  const std::less<const std::byte*> before;
  const int64_t x_size = ExtentBytes(x), y_size = ExtentBytes(y);
  return x_size > 0 && y_size > 0 &&
         before(x.bytes.data(), y.bytes.data() + y_size) &&
         before(y.bytes.data(), x.bytes.data() + x_size);
}

inline bool IsEmpty(const ConstMatrixView& v) {
  return v.rows == 0 && v.cols == 0;
}

// Whether C is D itself: read and written in place.
inline bool IsSame(const ConstMatrixView& c, const ConstMatrixView& d) {
  return c.bytes.data() == d.bytes.data() && c.row_stride == d.row_stride &&
         c.format == d.format;
}

inline void CheckApart(std::string_view name, const ConstMatrixView& v,
                       const MatrixView& d) {
  if (Overlap(v, d)) {
    Fail(ErrorCode::kOverlap,
         "Gemm: D ({}) overlaps {} ({}): they must be apart", Describe(d), name,
         Describe(v));
  }
}

// D is what the row writes, or what it may be converted to.
inline void CheckResult(const ArithInfo& row, const MatrixView& d,
                        const GemmOptions& options) {
  if (!options.convert && d.format != row.output) {
    Fail(ErrorCode::kFormat,
         "Gemm: {} writes {}, but D is {}: GemmOptions::convert asks for a "
         "conversion",
         row.name, Info(row.output).name, Describe(d));
  }
  if (options.convert && !kResultFormats.contains(d.format)) {
    Fail(ErrorCode::kFormat, "Gemm: D is {}: results can be converted to {}",
         Describe(d), kResultFormats.names());
  }
}

// One number of the epilogue for each of `count` rows or columns of D.
inline void CheckVector(std::string_view name, const ConstMatrixView& vector,
                        int64_t count, const FormatSet& formats,
                        const MatrixView& d) {
  if (IsEmpty(vector)) return;
  CheckView("Gemm", name, vector);
  if (vector.rows != 1 || vector.cols != count) {
    Fail(ErrorCode::kShape, "Gemm: {} is {} and D is {}: it must be 1x{}", name,
         Describe(vector), Describe(d), count);
  }
  if (!formats.contains(vector.format)) {
    Fail(ErrorCode::kFormat, "Gemm: {} is {}: it may be {}", name,
         Describe(vector), formats.names());
  }
  CheckApart(name, vector, d);
}

inline void CheckEpilogue(const GemmOptions& options, const MatrixView& d) {
  constexpr FormatSet kScale = {Format::kF32};
  constexpr FormatSet kBias = {Format::kF16, Format::kBF16, Format::kF32};
  CheckVector("b_row_scales", options.b_row_scales, d.cols, kScale, d);
  CheckVector("a_row_scales", options.a_row_scales, d.rows, kScale, d);
  CheckVector("the bias", options.bias, d.cols, kBias, d);
}

// C, D and the bias of a product of M rows and N columns.
inline void CheckOutput(const ArithInfo& row, int64_t m, int64_t n,
                        const ConstMatrixView& c, const MatrixView& d,
                        const GemmOptions& options) {
  CheckView("Gemm", "D", d);
  if (d.rows != m || d.cols != n) {
    Fail(ErrorCode::kShape,
         "Gemm: A has {} rows and B^T has {}: D must be {}x{}, got {}", m, n, m,
         n, Describe(d));
  }
  CheckResult(row, d, options);
  CheckEpilogue(options, d);
  if (IsEmpty(c)) return;
  CheckView("Gemm", "C", c);
  if (c.rows != d.rows || c.cols != d.cols) {
    Fail(ErrorCode::kShape, "Gemm: C is {} and D is {}: they must be equal",
         Describe(c), Describe(d));
  }
  if (c.format != row.accumulator) {
    Fail(ErrorCode::kFormat, "Gemm: {} accumulates in {}, but C is {}",
         row.name, Info(row.accumulator).name, Describe(c));
  }
  if (!IsSame(c, d) && Overlap(c, d)) {
    Fail(ErrorCode::kOverlap,
         "Gemm: D ({}, row_stride {}) overlaps C ({}, row_stride {}): C may be "
         "D itself or apart from it",
         Describe(d), d.row_stride, Describe(c), c.row_stride);
  }
}

// What does not depend on the operands' memory. A and B^T may be packed.
template <class A, class B>
void CheckOptions(const ArithInfo& row, const A& a, Format a_format,
                  int64_t a_k, const B& b_t, Format b_format, int64_t b_k,
                  const GemmOptions& options) {
  if (options.threads < 0) {
    Fail(ErrorCode::kArgument,
         "Gemm: threads is {}: it must be 0 (all) or a positive number",
         options.threads);
  }
  if (options.promote_every < 0 ||
      (options.promote_every > 0 && row.chunk == 0) ||
      (row.chunk != 0 && options.promote_every % row.chunk != 0)) {
    Fail(ErrorCode::kArgument,
         "Gemm: promote_every is {}: {} can be interrupted after every {} "
         "products only",
         options.promote_every, row.name, row.chunk);
  }
  if (options.promote_every > 0 && row.scale_block != 0) {
    Fail(ErrorCode::kUnsupported,
         "Gemm: promote_every is {}: {} has its block scales inside the sum "
         "and is not promoted",
         options.promote_every, row.name);
  }
  if (!row.a.contains(a_format) || !row.b.contains(b_format)) {
    Fail(ErrorCode::kFormat,
         "Gemm: {} does not take A {} with B^T {}: A may be {}; B^T may be {}",
         row.name, Describe(a), Describe(b_t), row.a.names(), row.b.names());
  }
  if (a_k != b_k) {
    Fail(ErrorCode::kShape,
         "Gemm: A is {} and B^T is {}: K (columns) must be equal, got {} and "
         "{}",
         Describe(a), Describe(b_t), a_k, b_k);
  }
}
template <class A, class B>
const ArithInfo& CheckOptions(const A& a, Format a_format, int64_t a_k,
                              const B& b_t, Format b_format, int64_t b_k,
                              const GemmOptions& options) {
  const ArithInfo& row = FindArith(options.arith);
  CheckOptions(row, a, a_format, a_k, b_t, b_format, b_k, options);
  return row;
}

inline void CheckSparsity(std::string_view operation, std::string_view name,
                          const Operand& x) {
  const auto [keep, group] = x.sparsity;
  if (keep <= 0 || group <= keep || group > 256) {
    Fail(ErrorCode::kArgument,
         "{}: {} has sparsity {}:{}: keep must be positive and below group, "
         "group at most 256",
         operation, name, keep, group);
  }
  const int64_t groups = x.codes.cols / keep;
  if (groups > kMaxSize / group || groups < -(kMaxSize / group)) {
    Fail(ErrorCode::kOverflow,
         "{}: {} stores {} with sparsity {}:{}: K exceeds 2^62", operation,
         name, Describe(x.codes), keep, group);
  }
}

// The pattern of any operand: a dense one has none, and no positions either.
inline void CheckPattern(std::string_view operation, std::string_view name,
                         const Operand& x) {
  if (x.is_sparse()) return CheckSparsity(operation, name, x);
  if (x.sparsity.keep != 0 || !IsEmpty(x.index)) {
    Fail(ErrorCode::kArgument,
         "{}: {} has sparsity {}:{} and an index of {}x{}: a dense operand has "
         "neither, a sparse one both",
         operation, name, x.sparsity.keep, x.sparsity.group, x.index.rows,
         x.index.cols);
  }
}

// Scales that no block length makes anything of.
inline void CheckBlock(std::string_view operation, std::string_view name,
                       const BlockScales& s) {
  if (s.block == 0 && s.codes.rows != 0 && s.codes.cols != 0) {
    Fail(ErrorCode::kArgument,
         "{}: {} has {} scales, but a block of 0 elements: it must be positive",
         operation, name, Describe(s.codes));
  }
}

// Sparse operands: whole groups, one position inside the group a code.
inline void CheckSparse(std::string_view operation, std::string_view name,
                        const Operand& x) {
  CheckSparsity(operation, name, x);
  const ConstMatrixView& codes = x.codes;
  const auto [keep, group] = x.sparsity;
  if (codes.cols % keep != 0) {
    Fail(ErrorCode::kShape,
         "{}: {} stores {} columns with sparsity {}:{}: they must be a "
         "multiple of {}, but group {} of every row has {}",
         operation, name, codes.cols, keep, group, keep, codes.cols / keep,
         codes.cols % keep);
  }
  CheckView(operation, fmt::format("the index of {}", name), x.index);
  if (x.index.rows != codes.rows || x.index.cols != codes.cols ||
      Info(x.index.format).storage_bits != 8) {
    Fail(ErrorCode::kShape,
         "{}: {} stores {}, its index is {}: there must be one byte a code",
         operation, name, Describe(codes), Describe(x.index));
  }
  for (int64_t r = 0; r < codes.rows; ++r) {
    for (int64_t k = 0; k < codes.cols; ++k) {
      const uint32_t position = ReadCode(x.index, r, k);
      if (std::cmp_less(position, group)) continue;
      Fail(ErrorCode::kArgument,
           "{}: {} row {}, group {}: position {} is outside its group of {}",
           operation, name, r, k / keep, position, group);
    }
  }
}

// K of the dense partner of a sparse operand: whole groups.
inline void CheckPartner(std::string_view name, const Operand& x,
                         const Sparsity& partner) {
  if (partner.group == 0 || x.k() % partner.group == 0) return;
  Fail(ErrorCode::kShape,
       "Gemm: {} is {} beside an operand of sparsity {}:{}: K (columns) must "
       "be a multiple of {}, but group {} of every row has {}",
       name, Describe(x), partner.keep, partner.group, partner.group,
       x.k() / partner.group, x.k() % partner.group);
}

// Block scales an arithmetic row has, in the shape their operand asks for.
// `partner`: the sparsity of the other operand. Scales cover stored elements,
// so that those of its dense partner cover group / keep times as many.
inline void CheckScales(const ArithInfo& row, std::string_view name,
                        const Operand& x, const Sparsity& partner,
                        int64_t promote_every) {
  const BlockScales& s = x.scales;
  CheckBlock("Gemm", name, s);
  if (s.block == 0) {
    if (row.scale_block == 0) return;
    Fail(ErrorCode::kFormat,
         "Gemm: {} has one {} scale for every {} elements of K, but {} ({}) "
         "has none",
         row.name, row.scales.names(), row.scale_block, name, Describe(x));
  }
  if (promote_every > 0 && !row.scales.empty()) {
    Fail(ErrorCode::kUnsupported,
         "Gemm: promote_every is {}: {} applies the block scales of {} ({}) "
         "inside its sums, which cannot be promoted with them",
         promote_every, row.name, name, Describe(x));
  }
  // Between promotions there are no scales inside the sum: the promotion
  // itself applies FP32 ones.
  const bool by_promotion = promote_every > 0 && row.scales.empty();
  const FormatSet formats = by_promotion ? FormatSet{Format::kF32} : row.scales;
  int64_t block = by_promotion ? promote_every : row.scale_block;
  if (partner.group != 0) {
    // No operand is that long: its scales could not have this block either.
    block = std::min(block, kMaxSize / partner.group) * partner.group /
            partner.keep;
  }
  if (!formats.contains(s.codes.format)) {
    Fail(ErrorCode::kFormat, "Gemm: {} takes {} block scales, but {} has {}",
         row.name, formats.empty() ? "no" : formats.names(), name,
         Info(s.codes.format).name);
  }
  if (s.block < 0 || s.block_rows < 1 || (block != 0 && s.block != block)) {
    Fail(ErrorCode::kArgument,
         "Gemm: {} has a scale for every {} elements of K and {} rows: {} "
         "takes one for every {} elements",
         name, s.block, s.block_rows, row.name,
         block == 0 ? "(any number of)" : fmt::format("{}", block));
  }
  if (partner.group != 0 && s.block % partner.group != 0) {
    Fail(ErrorCode::kArgument,
         "Gemm: {} has a scale for every {} elements of K beside sparsity "
         "{}:{}: scales must cover whole groups",
         name, s.block, partner.keep, partner.group);
  }
  CheckView("Gemm", fmt::format("the scales of {}", name), s.codes);
  const int64_t rows = NumParts(x.codes.rows, s.block_rows);
  const int64_t cols = NumParts(x.codes.cols, s.block);
  if (s.codes.rows != rows || s.codes.cols != cols) {
    Fail(ErrorCode::kShape,
         "Gemm: {} stores {} with a scale for every {} elements of {} rows: "
         "its scales must be {}x{}, got {}x{}",
         name, Describe(x.codes), s.block, s.block_rows, rows, cols,
         s.codes.rows, s.codes.cols);
  }
}

inline void CheckOperand(const ArithInfo& row, std::string_view name,
                         const Operand& x, const Sparsity& partner,
                         const MatrixView& d, int64_t promote_every) {
  CheckView("Gemm", name, x.codes);
  CheckApart(name, x.codes, d);
  CheckScales(row, name, x, partner, promote_every);
  CheckApart(fmt::format("the scales of {}", name), x.scales.codes, d);
  if (x.is_sparse()) {
    CheckSparse("Gemm", name, x);
    CheckApart(fmt::format("the index of {}", name), x.index, d);
  }
}

// Every rule of zeroulp::Gemm for operands that are views.
inline void CheckGemm(const ArithInfo& row, const Operand& a,
                      const Operand& b_t, const ConstMatrixView& c,
                      const MatrixView& d, const GemmOptions& options) {
  CheckPattern("Gemm", "A", a);
  CheckPattern("Gemm", "B^T", b_t);
  if (a.is_sparse() && b_t.is_sparse()) {
    Fail(ErrorCode::kUnsupported,
         "Gemm: A and B^T are both sparse: one of them must be dense");
  }
  CheckPartner("A", a, b_t.sparsity);
  CheckPartner("B^T", b_t, a.sparsity);
  CheckOptions(row, a, a.codes.format, a.k(), b_t, b_t.codes.format, b_t.k(),
               options);
  CheckOutput(row, a.codes.rows, b_t.codes.rows, c, d, options);
  CheckOperand(row, "A", a, b_t.sparsity, d, options.promote_every);
  CheckOperand(row, "B^T", b_t, a.sparsity, d, options.promote_every);
}
// The same for the row that `options` names; returns it.
inline const ArithInfo& CheckGemm(const Operand& a, const Operand& b_t,
                                  const ConstMatrixView& c, const MatrixView& d,
                                  const GemmOptions& options) {
  const ArithInfo& row = FindArith(options.arith);
  CheckGemm(row, a, b_t, c, d, options);
  return row;
}

}  // namespace zeroulp::internal

#endif  // ZEROULP_INTERNAL_CHECK_H_
