// SPDX-License-Identifier: Apache-2.0
// Inputs of conversions, derived from the format table, and the floating-point
// environments that callers may have set.
#ifndef ZEROULP_TESTS_CONVERT_CASES_H_
#define ZEROULP_TESTS_CONVERT_CASES_H_

#include <algorithm>
#include <bit>
#include <cfenv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "zeroulp/codec.h"
#include "zeroulp/formats.h"
#include "zeroulp/view.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace zeroulp::testing {

inline constexpr Rounding kRoundings[] = {
    Rounding::kNearestEven, Rounding::kTowardZero, Rounding::kNearestAway,
    Rounding::kUp,          Rounding::kDown,       Rounding::kAwayFromZero,
    Rounding::kOdd,         Rounding::kStochastic};
inline constexpr Overflow kOverflows[] = {Overflow::kIeee, Overflow::kSaturate,
                                          Overflow::kSaturateFinite};
inline constexpr NanRule kNanRules[] = {
    NanRule::kKeepSign, NanRule::kPositive, NanRule::kOnesKeepSign,
    NanRule::kOnesPositive, NanRule::kInvertedZero};

// binary32 values that every format must get right: NaN with extreme payloads,
// quiet and signalling, infinities, zeros, subnormals, ends of the range.
inline std::vector<float> SpecialFloats() {
  std::vector<float> values;
  for (const uint32_t magnitude :
       {0x00000000u, 0x00000001u, 0x00000002u, 0x003FFFFFu, 0x00400000u,
        0x00400001u, 0x00600000u, 0x007FFFFFu, 0x00800000u, 0x00800001u,
        0x00C00000u, 0x3F800000u, 0x7F000000u, 0x7F400000u, 0x7F7FFFFFu,
        0x7F800000u, 0x7F800001u, 0x7FBFFFFFu, 0x7FC00000u, 0x7FFFFFFFu}) {
    values.push_back(std::bit_cast<float>(magnitude));
    values.push_back(std::bit_cast<float>(magnitude | 0x80000000u));
  }
  return values;
}

// SpecialFloats, and both binary32 neighbours of every quarter of the way from
// one magnitude to the next, in both signs: every value where some rounding
// changes its result, and the first overflow. Of formats wider than 8 bits only
// around powers of two and the middles between them. A multiple of 16 values.
inline std::vector<float> BoundaryFloats(const FormatInfo& f) {
  std::vector<float> inputs = SpecialFloats();
  const auto add = [&](double x) {
    const auto middle = static_cast<float>(x);
    for (const float y : {std::nextafter(middle, 0.0f), middle,
                          std::nextafter(middle, 3e38f)}) {
      inputs.push_back(y);
      inputs.push_back(-y);
    }
  };
  const uint32_t half_binade =
      f.mantissa_bits > 0 ? 1u << (f.mantissa_bits - 1) : 1u;
  for (uint32_t code = 0; code <= f.max_code(); ++code) {
    const uint32_t place = code % half_binade;
    const bool is_edge =
        place <= 1 || place + 1 == half_binade || code == f.max_code();
    if (f.bits > 8 && !is_edge) continue;
    const double here = Decode(f, code);
    const double next = code < f.max_code()
                            ? double{Decode(f, code + 1)}
                            : 2 * here - double{Decode(f, code - 1)};
    for (const double part : {0.0, 0.25, 0.5, 0.75, 1.0}) {
      add(here + part * (next - here));
    }
  }
  while (inputs.size() % 16 != 0) inputs.push_back(0.0f);
  return inputs;
}

inline constexpr std::byte kCanary{0xA5};

// A matrix in memory of its own, `offset` bytes off the alignment of a vector,
// with `padding` elements after each row and canaries all around.
class Matrix {
 public:
  Matrix(Format format, int64_t rows, int64_t cols, int64_t padding = 0,
         size_t offset = 0)
      : bits_(Info(format).storage_bits) {
    const int64_t stride = DenseStride(format, cols + padding);
    const auto size = static_cast<size_t>((rows * stride * bits_ + 7) / 8);
    bytes_.assign(size + 256, kCanary);
    const size_t start =
        64 - reinterpret_cast<uintptr_t>(bytes_.data()) % 64 + offset;
    view_ = {std::span(bytes_).subspan(start, size), format, rows, cols,
             stride};
  }
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  const MatrixView& view() const { return view_; }
  const std::vector<std::byte>& bytes() const { return bytes_; }
  void Reset() { std::fill(bytes_.begin(), bytes_.end(), kCanary); }

  void Fill(const std::vector<uint32_t>& codes) {
    for (int64_t i = 0; i < view_.rows * view_.cols; ++i) {
      WriteCode(view_, i / view_.cols, i % view_.cols,
                codes[static_cast<size_t>(i) % codes.size()]);
    }
  }
  // As Encode leaves it: odd rows of nibbles end in a zero nibble.
  void ZeroPadNibbles() {
    if (bits_ != 4 || view_.cols % 2 == 0) return;
    for (int64_t row = 0; row < view_.rows; ++row) {
      WriteCode(view_, row, view_.cols, 0);
    }
  }

 private:
  int bits_;
  std::vector<std::byte> bytes_;
  MatrixView view_;
};

// Runs `body(name)` in every rounding mode, once as it is and, where the CPU
// has that, once with subnormals taken for zero and flushed to zero; then
// restores the environment.
template <class Body>
void ForEachFloatEnvironment(const Body& body) {
  struct Mode {
    int rounding;
    const char* name;
  };
  for (const Mode& mode :
       {Mode{FE_TONEAREST, "to nearest"}, Mode{FE_UPWARD, "upward"},
        Mode{FE_DOWNWARD, "downward"}, Mode{FE_TOWARDZERO, "toward zero"}}) {
    std::fenv_t saved;
    std::fegetenv(&saved);
    std::fesetround(mode.rounding);
    body(mode.name);
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() | 0x8040u);
    body(mode.name);
#endif
    std::fesetenv(&saved);
  }
}

}  // namespace zeroulp::testing

#endif  // ZEROULP_TESTS_CONVERT_CASES_H_
