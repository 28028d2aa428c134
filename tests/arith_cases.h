// SPDX-License-Identifier: Apache-2.0
// Problems for any row of kArith: operands of any formats, block scales, C.
#ifndef ZEROULP_TESTS_ARITH_CASES_H_
#define ZEROULP_TESTS_ARITH_CASES_H_

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "tests/cases.h"
#include "zeroulp/compare.h"
#include "zeroulp/gemm.h"
#include "zeroulp/reference.h"

namespace zeroulp::testing {

// How the values of A, B and C are drawn.
enum class Values {
  kAny,         // every code, NaN and infinity included
  kFinite,      // every finite code: exponents far apart
  kGaussian,    // about one exponent
  kCancelling,  // every product once more with the other sign, far away
  kGrid,        // one large product, others a unit around where it cuts
  kTiny,        // products about and below the smallest normal result, ties
  kZeroGroups,  // runs of zeros of both signs between small numbers
  kSubnormal,   // zeros and subnormals
  kMinusZero,
  kLast = kMinusZero,
};
inline constexpr std::array kValueNames = {
    "any",  "finite",      "gaussian",  "cancelling", "grid",
    "tiny", "zero groups", "subnormal", "minus zero"};

// kTiny: products of two about 2^-140, and far below.
enum class Scales { kNone, kOrdinary, kTiny, kExtreme, kNan };

// One element of a matrix set to a code of its own.
enum class Part : uint8_t { kA, kB, kC, kScalesOfA, kScalesOfB, kBias };
struct Override {
  Part part;
  uint32_t index, code;  // any: taken modulo what there is
};

struct Problem {
  const ArithInfo* row;  // need not be in kArith
  Format a, b;
  int64_t m, n, k;
  Values values = Values::kFinite;
  bool with_c = true;
  int64_t padding = 0;
  int64_t promote_every = 0;
  std::optional<float> alpha = {};
  bool b_row_scales = false, a_row_scales = false;
  std::optional<Format> bias = {};
  std::optional<Overflow> convert = {};
  Format d = Format::kF32;  // where `convert` is given
  Scales scales = Scales::kOrdinary;
  Format scale_format = Format::kE8M0FNU;
  int64_t a_block = 0, b_block = 0;  // 0: as the row says
  int64_t block_rows = 1;
  // Of A or of B; K is a multiple of the group, and block scales of the other
  // operand cover group / keep times as many elements.
  Sparsity sparsity = {};
  bool sparse_is_a = true;
  uint32_t seed = 0;
  std::vector<Override> overrides = {};

  bool has_epilogue() const {
    return alpha || b_row_scales || a_row_scales || bias || convert;
  }
};

inline std::string Describe(const Problem& p) {
  return fmt::format(
      "{} {} x {} {}x{}x{} {} c {} padding {} promote {} alpha {} row "
      "scales {}{} bias {} "
      "convert {} to {} scales {} of {} a block {} b block {} sparse {}:{} {} "
      "seed {}",
      p.row->name, Info(p.a).name, Info(p.b).name, p.m, p.n, p.k,
      kValueNames[static_cast<size_t>(p.values)], p.with_c, p.padding,
      p.promote_every, p.alpha.value_or(0.0f), p.b_row_scales ? "B" : "",
      p.a_row_scales ? "A" : "", p.bias ? Info(*p.bias).name : "none",
      p.convert ? static_cast<int>(*p.convert) : -1, Info(p.d).name,
      static_cast<int>(p.scales), Info(p.scale_format).name, p.a_block,
      p.b_block, p.sparsity.keep, p.sparsity.group, p.sparse_is_a ? "A" : "B",
      p.seed);
}

// A matrix that owns its codes.
struct Matrix {
  Matrix() = default;
  Matrix(Format format, int64_t rows, int64_t cols, int64_t padding)
      : view{{}, format, rows, cols, DenseStride(format, cols + padding)} {
    bytes.resize(static_cast<size_t>(
        (rows * view.row_stride * Info(format).storage_bits + 7) / 8));
    view.bytes = std::as_writable_bytes(std::span(bytes));
  }
  Matrix(Matrix&&) = default;
  Matrix& operator=(Matrix&&) = default;

  std::vector<uint8_t> bytes;
  MatrixView view;
};

inline uint32_t EncodeNear(const FormatInfo& f, double x) {
  return Encode(f, static_cast<float>(x), Rounding::kNearestEven,
                Overflow::kSaturateFinite);
}

// Magnitudes whose products lie about where results become subnormal, C being
// small as well: there the exponent floor decides, and what zero aligns to.
inline uint32_t DrawTiny(const FormatInfo& f, std::mt19937& random) {
  const auto bits = static_cast<uint32_t>(random());
  const uint32_t fraction =
      bits % 2 == 0 ? 0 : (bits >> 8) & ((1u << f.mantissa_bits) - 1);
  if (f.bias == 127) {
    return ((127 - 58 - (bits >> 1) % 35) << f.mantissa_bits) | fraction;
  }
  if (f.id == Format::kF16) {
    // 2^-15 * 2^-10 is half of the smallest result, 2^-24 * 2^-24 breaks ties.
    constexpr std::array<uint32_t, 4> kCodes = {0x0001, 0x0200, 0x0001, 0x1400};
    return bits % 8 == 0 ? fraction : kCodes[(bits >> 4) % 4];
  }
  return (bits >> 1) % (4 * f.min_normal_code());
}

// Element k of one row.
inline uint32_t DrawCode(const FormatInfo& f, Values values, int64_t k,
                         int64_t k_end, std::mt19937& random) {
  const auto bits = static_cast<uint32_t>(random());
  std::normal_distribution<double> normal;
  const uint32_t sign = bits & 1 ? f.sign_mask() : 0;
  const uint32_t one = EncodeNear(f, 1.0);
  uint32_t magnitude = 0;
  switch (values) {
    case Values::kAny:
      // Not too many of them, or all results are NaN.
      if ((bits >> 8) % 64 == 0) {
        return bits & (f.sign_mask() | f.magnitude_mask());
      }
      return EncodeNear(f, normal(random));
    case Values::kFinite:
      return DrawCode(f, Draw::kFinite, random);
    case Values::kGaussian:
    case Values::kCancelling:
      return EncodeNear(f, normal(random));
    case Values::kGrid:
      // Products of about 1, and a few of 2^12 ... 2^14 or of the largest.
      if (k == k_end / 2) return EncodeNear(f, 64.0 + 64.0 * ((bits >> 4) % 3));
      if ((bits >> 8) % 19 == 0) return f.max_code() | sign;
      return (one + (bits >> 8) % 3 - 1) | sign;
    case Values::kTiny:
      magnitude = std::min(DrawTiny(f, random), f.max_code());
      return magnitude == 0 && !f.has_minus_zero() ? 0 : magnitude | sign;
    case Values::kZeroGroups:
      if ((k / 16 + static_cast<int64_t>(bits % 2)) % 2 == 0) {
        return f.has_minus_zero() ? sign : 0;
      }
      return DrawCode(f, Draw::kSubnormal, random);
    case Values::kSubnormal:
      return DrawCode(f, Draw::kSubnormal, random);
    case Values::kMinusZero:
      return DrawCode(f, Draw::kMinusZero, random);
  }
  return 0;
}

inline Matrix DrawMatrix(Format format, const Problem& p, int64_t rows,
                         bool is_a, std::mt19937& random) {
  const FormatInfo& f = Info(format);
  const bool sparse = p.sparsity.group != 0 && p.sparse_is_a == is_a;
  const int64_t cols = sparse ? p.k / p.sparsity.group * p.sparsity.keep : p.k;
  Matrix x(format, rows, cols, p.padding);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < cols; ++k) {
      uint32_t code = DrawCode(f, p.values, k, cols, random);
      const int64_t mirror = k - (cols + 1) / 2;
      if (p.values == Values::kCancelling && mirror >= 0) {
        code = ReadCode(x.view, r, mirror) ^ (is_a ? f.sign_mask() : 0);
        if (code == f.sign_mask() && !f.has_minus_zero()) code = 0;
      }
      WriteCode(x.view, r, k, code);
    }
  }
  return x;
}

inline uint32_t DrawAddend(const FormatInfo& f, Values values,
                           std::mt19937& random) {
  const auto bits = static_cast<uint32_t>(random());
  const uint32_t any = bits & (f.sign_mask() | f.magnitude_mask());
  std::normal_distribution<double> normal(0, 8);
  switch (values) {
    case Values::kAny:
      return bits % 3 == 0   ? any | f.infinity_code()
             : bits % 3 == 1 ? EncodeNear(f, normal(random))
                             : any;
    case Values::kFinite:  // far above, far below, and between
      return DrawCode(f, Draw::kFinite, random);
    case Values::kCancelling:
      return bits % 2 == 0 ? 0 : EncodeNear(f, normal(random));
    case Values::kGrid: {  // powers of two, a unit around
      const double power =
          std::ldexp(1.0, static_cast<int>(bits >> 8) % 30 - 8);
      const uint32_t code = EncodeNear(f, power) + (bits >> 20) % 3 - 1;
      return (bits & 1 ? f.sign_mask() : 0) | code;
    }
    case Values::kTiny:
      if (bits % 3 == 0) {  // down to twice the smallest normal
        return any & (f.sign_mask() | ((2u << f.mantissa_bits) - 1));
      }
      [[fallthrough]];
    case Values::kZeroGroups:
    case Values::kSubnormal:
      return bits % 2 == 0 ? 0 : DrawCode(f, Draw::kSubnormal, random);
    case Values::kMinusZero:
      return bits % 4 == 0 ? 0 : f.sign_mask();
    case Values::kGaussian:
      break;
  }
  return EncodeNear(f, normal(random));
}

inline uint32_t DrawScale(const FormatInfo& f, Scales scales,
                          std::mt19937& random) {
  const auto bits = static_cast<uint32_t>(random());
  switch (scales) {
    case Scales::kNone:
      break;
    case Scales::kOrdinary:
      if (f.id == Format::kF32) {
        // All 24 bits: products of two of them round.
        return (bits & 0x7FFFFF) | (119 + (bits >> 23) % 16) << 23;
      }
      return EncodeNear(f, 1.0) + (bits >> 8) % 9 - 4;
    case Scales::kTiny:
      if (f.id != Format::kE8M0FNU) return f.min_normal_code() + bits % 3 - 1;
      return ((bits & 1) != 0 ? 55u : 20u) + (bits >> 8) % 5;
    case Scales::kExtreme:
      // All finite ones, zeros and 2^-127 among them.
      if (bits % 4 == 0) return 0;
      if (bits % 4 == 1) return f.max_code();
      return DrawCode(f, Draw::kFinite, random);
    case Scales::kNan:
      return bits % 16 == 0 ? f.nan_code() : EncodeNear(f, 1.0);
  }
  return 0;
}

// A problem's operands and the words the oracle gives.
class PreparedProblem {
 public:
  explicit PreparedProblem(const Problem& p) : problem_(p) {
    std::mt19937 random(
        static_cast<uint32_t>(p.m * 7919 + p.n * 31 + p.k +
                              1000 * static_cast<int>(p.values)) +
        p.seed);
    a_ = DrawMatrix(p.a, p, p.m, true, random);
    b_ = DrawMatrix(p.b, p, p.n, false, random);
    const bool scaled = p.scales != Scales::kNone;
    if (scaled && (p.a_block != 0 || p.row->scale_block != 0)) {
      a_scales_ = DrawScales(a_, p.a_block, random);
    }
    if (scaled && (p.b_block != 0 || p.row->scale_block != 0)) {
      b_scales_ = DrawScales(b_, p.b_block, random);
    }
    c_ = Matrix(p.row->accumulator, p.m, p.n, p.padding);
    for (int64_t r = 0; r < p.m; ++r) {
      for (int64_t i = 0; i < p.n; ++i) {
        WriteCode(c_.view, r, i,
                  DrawAddend(Info(c_.view.format), p.values, random));
      }
    }
    if (p.b_row_scales) b_row_scales_ = DrawVector(Format::kF32, p.n, random);
    if (p.a_row_scales) a_row_scales_ = DrawVector(Format::kF32, p.m, random);
    if (p.bias) bias_ = DrawVector(*p.bias, p.n, random);
    if (p.sparsity.group != 0) DrawPositions(random);
    for (const Override& change : p.overrides) Apply(change);
    expected_ = Blank();
    reference::GemmWithRow(*p.row, a(), b(), c(), expected_.view, Options());
  }

  Operand a() const { return AsOperand(true); }
  Operand b() const { return AsOperand(false); }
  ConstMatrixView c() const {
    return problem_.with_c ? ConstMatrixView(c_.view) : ConstMatrixView();
  }
  const Matrix& expected() const { return expected_; }
  GemmOptions Options() const {
    return {.arith = problem_.row->name,
            .promote_every = problem_.promote_every,
            .alpha = problem_.alpha,
            .b_row_scales = b_row_scales_.view,
            .a_row_scales = a_row_scales_.view,
            .bias = bias_.view,
            .convert = problem_.convert,
            .threads = 1};
  }
  Matrix Blank() const {
    Matrix d(problem_.convert ? problem_.d : problem_.row->output, problem_.m,
             problem_.n, problem_.padding);
    Clear(d);
    return d;
  }
  static void Clear(Matrix& d) {
    std::fill(d.bytes.begin(), d.bytes.end(), uint8_t{0x5A});
  }
  Matrix CopyOfC() const {
    Matrix d = Blank();
    d.bytes = c_.bytes;
    d.view.bytes = std::as_writable_bytes(std::span(d.bytes));
    return d;
  }

  // Empty if all words of D are right, and what lies between its rows.
  std::string Mismatch(const Matrix& d, std::string_view what) const {
    if (d.bytes == expected_.bytes) return {};
    return fmt::format("{} {}: {}", Describe(problem_), what,
                       ToString(CompareBits(expected_.view, d.view)));
  }
  void ExpectExact(const Matrix& d, const std::string& what) const {
    const std::string mismatch = Mismatch(d, what);
    if (!mismatch.empty()) ADD_FAILURE() << mismatch;
  }

 private:
  void Apply(const Override& change) {
    const std::array parts = {&a_, &b_, &c_, &a_scales_, &b_scales_, &bias_};
    const MatrixView& view = parts[static_cast<size_t>(change.part)]->view;
    const auto size = static_cast<uint32_t>(view.rows * view.cols);
    if (size == 0) return;
    const FormatInfo& f = Info(view.format);
    const int64_t at = change.index % size;
    WriteCode(view, at / view.cols, at % view.cols,
              change.code & (f.sign_mask() | f.magnitude_mask()));
  }
  Matrix DrawScales(const Matrix& x, int64_t block, std::mt19937& random) {
    const FormatInfo& f = Info(problem_.scale_format);
    const int64_t length = block != 0 ? block : problem_.row->scale_block;
    Matrix s(f.id,
             (x.view.rows + problem_.block_rows - 1) / problem_.block_rows,
             (x.view.cols + length - 1) / length, 0);
    for (int64_t r = 0; r < s.view.rows; ++r) {
      for (int64_t i = 0; i < s.view.cols; ++i) {
        WriteCode(s.view, r, i, DrawScale(f, problem_.scales, random));
      }
    }
    return s;
  }
  // One addend for each row or column of D.
  Matrix DrawVector(Format format, int64_t count, std::mt19937& random) const {
    Matrix vector(format, 1, count, 0);
    for (int64_t i = 0; i < count; ++i) {
      WriteCode(vector.view, 0, i,
                DrawAddend(Info(format), problem_.values, random));
    }
    return vector;
  }
  // Ascending positions in each group, or now and then any.
  void DrawPositions(std::mt19937& random) {
    const auto [keep, group] = problem_.sparsity;
    const MatrixView& stored = (problem_.sparse_is_a ? a_ : b_).view;
    const bool any = random() % 4 == 0;
    for (int64_t i = 0; i < stored.rows * stored.cols / keep; ++i) {
      int64_t first = 0;
      for (int64_t j = 0; j < keep; ++j) {
        const int64_t room = any ? group : group - keep + j + 1 - first;
        const int64_t at = static_cast<int64_t>(random()) % room;
        positions_.push_back(static_cast<uint8_t>(any ? at : first + at));
        first += at + 1;
      }
    }
  }
  Operand AsOperand(bool is_a) const {
    const Matrix& x = is_a ? a_ : b_;
    const Matrix& s = is_a ? a_scales_ : b_scales_;
    const int64_t block = is_a ? problem_.a_block : problem_.b_block;
    Operand operand(x.view);
    if (s.view.row_stride != 0 || s.view.rows != 0) {
      operand.scales = {s.view, block != 0 ? block : problem_.row->scale_block,
                        problem_.block_rows};
    }
    if (problem_.sparsity.group != 0 && problem_.sparse_is_a == is_a) {
      operand.sparsity = problem_.sparsity;
      operand.index =
          CodesView(positions_, Format::kE8M0FNU, x.view.rows, x.view.cols);
    }
    return operand;
  }

  Problem problem_;
  Matrix a_, b_, a_scales_, b_scales_, c_, bias_, expected_;
  Matrix b_row_scales_, a_row_scales_;
  std::vector<uint8_t> positions_;
};

}  // namespace zeroulp::testing

#endif  // ZEROULP_TESTS_ARITH_CASES_H_
