// SPDX-License-Identifier: Apache-2.0
// The argument checks that both Gemm twins make on every call. Not installed.
#ifndef ZEROULP_INTERNAL_CHECK_H_
#define ZEROULP_INTERNAL_CHECK_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "zeroulp/arithmetic.h"
#include "zeroulp/gemm.h"
#include "zeroulp/internal/fail.h"
#include "zeroulp/view.h"

namespace zeroulp::internal {

// What an operand is, packed or not.
struct Operand {
  int64_t rows, cols;
  Format format;
};

inline std::string Describe(int64_t rows, int64_t cols, Format format) {
  return fmt::format("{}x{} {}", rows, cols, Info(format).name);
}
inline std::string Describe(const ConstMatrixView& v) {
  return Describe(v.rows, v.cols, v.format);
}
inline std::string Describe(const Operand& v) {
  return Describe(v.rows, v.cols, v.format);
}

// True if a * b * c (none negative) fits in an int64_t.
constexpr bool ProductFits(int64_t a, int64_t b, int64_t c) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  if (a == 0 || b == 0 || c == 0) return true;
  return b <= kMax / a && c <= kMax / (a * b);
}

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
  // Sizes that would overflow once rounded up to a tile do not exist either.
  constexpr int64_t kMaxSize = int64_t{1} << 62;
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

// The rules of zeroulp::Gemm but for overlap with a and b_t; returns the row.
inline const ArithInfo& CheckGemm(const Operand& a, const Operand& b_t,
                                  const ConstMatrixView& c, const MatrixView& d,
                                  const GemmOptions& options) {
  const ArithInfo& row = FindArith(options.arith);
  if (options.threads < 0) {
    Fail(ErrorCode::kArgument,
         "Gemm: threads is {}: it must be 0 (all) or a positive number",
         options.threads);
  }
  if (!row.a.contains(a.format) || !row.b.contains(b_t.format)) {
    Fail(ErrorCode::kFormat,
         "Gemm: {} does not take A {} with B^T {}: A may be {}; B^T may be {}",
         row.name, Describe(a), Describe(b_t), row.a.names(), row.b.names());
  }
  if (a.cols != b_t.cols) {
    Fail(ErrorCode::kShape,
         "Gemm: A is {} and B^T is {}: K (columns) must be equal, got {} and "
         "{}",
         Describe(a), Describe(b_t), a.cols, b_t.cols);
  }
  CheckView("Gemm", "D", d);
  if (d.rows != a.rows || d.cols != b_t.rows) {
    Fail(ErrorCode::kShape,
         "Gemm: A is {} and B^T is {}: D must be {}x{}, "
         "got {}",
         Describe(a), Describe(b_t), a.rows, b_t.rows, Describe(d));
  }
  if (d.format != row.output) {
    Fail(ErrorCode::kFormat, "Gemm: {} writes {}, but D is {}", row.name,
         Info(row.output).name, Describe(d));
  }
  if (IsEmpty(c)) return row;
  CheckView("Gemm", "C", c);
  if (c.rows != d.rows || c.cols != d.cols) {
    Fail(ErrorCode::kShape, "Gemm: C is {} and D is {}: they must be equal",
         Describe(c), Describe(d));
  }
  if (c.format != row.accumulator) {
    Fail(ErrorCode::kFormat, "Gemm: {} accumulates in {}, but C is {}",
         row.name, Info(row.accumulator).name, Describe(c));
  }
  const bool same =
      c.bytes.data() == d.bytes.data() && c.row_stride == d.row_stride;
  if (!same && Overlap(c, d)) {
    Fail(ErrorCode::kOverlap,
         "Gemm: D ({}, row_stride {}) overlaps C ({}, row_stride {}): C may be "
         "D itself or apart from it",
         Describe(d), d.row_stride, Describe(c), c.row_stride);
  }
  return row;
}

// The rest, for operands that are views.
inline void CheckOperandView(std::string_view name, const ConstMatrixView& v,
                             const MatrixView& d) {
  CheckView("Gemm", name, v);
  if (Overlap(v, d)) {
    Fail(ErrorCode::kOverlap,
         "Gemm: D ({}) overlaps {} ({}): they must be "
         "apart",
         Describe(d), name, Describe(v));
  }
}

}  // namespace zeroulp::internal

#endif  // ZEROULP_INTERNAL_CHECK_H_
