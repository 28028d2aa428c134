// SPDX-License-Identifier: Apache-2.0
// What vendors and libraries do where formats leave a choice: overflow,
// infinity, NaN, and which random bits a stochastic rounding takes. A row per
// convention and group of formats, each with its evidence.
#ifndef ZEROULP_CONVENTIONS_H_
#define ZEROULP_CONVENTIONS_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "zeroulp/arithmetic.h"
#include "zeroulp/codec.h"
#include "zeroulp/error.h"
#include "zeroulp/formats.h"

namespace zeroulp {

// "rne", ... in the order of Rounding.
inline constexpr std::array<std::string_view, 8> kRoundingNames = {
    "rne", "rz", "rna", "ru", "rd", "ra", "odd", "stochastic"};

constexpr std::string_view Name(Rounding rounding) {
  return kRoundingNames[static_cast<size_t>(rounding)];
}

// Throws Error{kUnknownName} that lists every name.
inline Rounding FindRounding(std::string_view name) {
  std::string known;
  for (size_t i = 0; i < kRoundingNames.size(); ++i) {
    if (name == kRoundingNames[i]) return static_cast<Rounding>(i);
    known.append(known.empty() ? "" : " ").append(kRoundingNames[i]);
  }
  throw Error(
      ErrorCode::kUnknownName,
      "no rounding is named '" + std::string(name) + "'; known: " + known);
}

// A set of roundings as bits, so that a row can state it as data.
class RoundingSet {
 public:
  constexpr RoundingSet(std::initializer_list<Rounding> roundings) {
    for (const Rounding r : roundings) bits_ |= 1u << static_cast<unsigned>(r);
  }
  constexpr bool contains(Rounding r) const {
    return (bits_ >> static_cast<unsigned>(r) & 1) != 0;
  }
  // "rne rz", in the order of Rounding.
  std::string names() const {
    std::string list;
    for (size_t i = 0; i < kRoundingNames.size(); ++i) {
      if (!contains(static_cast<Rounding>(i))) continue;
      if (!list.empty()) list += ' ';
      list += kRoundingNames[i];
    }
    return list;
  }

 private:
  uint32_t bits_ = 0;
};

struct Convention {
  std::string_view name;  // shared by the rows of its groups of formats
  FormatSet targets;
  RoundingSet roundings;
  Overflow overflow;
  NanRule nan;
  Evidence evidence;
  std::string_view note;
  std::string_view source;
};

// clang-format off
inline constexpr auto kConventions = std::to_array<Convention>({
    // NVIDIA: PTX cvt with .satfinite, which narrow formats demand.
    {"nvidia", {Format::kE4M3FN, Format::kE5M2},
     {Rounding::kNearestEven, Rounding::kStochastic},
     Overflow::kSaturate, NanRule::kOnesPositive, Evidence::kDocumented,
     "NaN is 0x7F for both, as in CUDA's own software conversion",
     "PTX ISA 8.8, cvt .satfinite; CUDA 12.2 cuda_fp8.hpp, __nv_cvt_float_to_fp8"},
    {"nvidia", {Format::kE2M3FN, Format::kE3M2FN, Format::kE2M1FN},
     {Rounding::kNearestEven, Rounding::kStochastic},
     Overflow::kSaturate, NanRule::kPositive, Evidence::kDocumented,
     "NaN is the largest positive number",
     "PTX ISA 8.8, cvt .satfinite; CUDA 12.8 cuda_fp6.h, cuda_fp4.h"},
    {"nvidia", {Format::kUE4M3},
     {Rounding::kNearestEven},
     Overflow::kSaturate, NanRule::kOnesPositive, Evidence::kAssumed,
     "scales are made by the e4m3x2 conversion; the sign is dropped",
     "PTX ISA 8.8, ue4m3 scales; not stated for negative values"},
    {"nvidia", {Format::kF16, Format::kBF16},
     {Rounding::kNearestEven, Rounding::kTowardZero, Rounding::kStochastic},
     Overflow::kSaturate, NanRule::kOnesPositive, Evidence::kDocumented,
     "NaN is 0x7FFF",
     "PTX ISA 8.8, cvt .satfinite"},
    // NVIDIA without saturation: CUDA's software conversion, plain cvt.
    {"nvidia-nosat", {Format::kE4M3FN, Format::kE5M2},
     {Rounding::kNearestEven},
     Overflow::kIeee, NanRule::kOnesPositive, Evidence::kDocumented,
     "e4m3fn overflows to NaN with the sign of the input; NaN itself is 0x7F",
     "CUDA 12.2 cuda_fp8.hpp, __nv_cvt_double_to_fp8 with __NV_NOSAT"},
    {"nvidia-nosat", {Format::kF16, Format::kBF16},
     {Rounding::kNearestEven, Rounding::kTowardZero, Rounding::kStochastic},
     Overflow::kIeee, NanRule::kOnesPositive, Evidence::kDocumented,
     "NaN is 0x7FFF",
     "PTX ISA 8.8, cvt"},
    // OCP: saturating conversion; the documents leave NaN codes of e5m2 open.
    {"ocp", {Format::kE4M3FN, Format::kE5M2},
     {Rounding::kNearestEven},
     Overflow::kSaturate, NanRule::kKeepSign, Evidence::kDocumented,
     "saturation mode; infinities saturate too, NaN stays NaN, its code and sign are not stated",
     "OCP 8-bit Floating Point (OFP8) 1.0, section 5.2.1, table 2"},
    {"ocp", {Format::kE2M3FN, Format::kE3M2FN, Format::kE2M1FN},
     {Rounding::kNearestEven},
     Overflow::kSaturate, NanRule::kKeepSign, Evidence::kAssumed,
     "values beyond the largest are clamped; NaN of an element is left to the implementation",
     "OCP Microscaling Formats (MX) 1.0, section 6.3"},
    // ml_dtypes, XLA, and PyTorch before 2.13. Its e8m0fnu is none of the
    // roundings here: ties go up, subnormals too, and zero becomes NaN.
    {"ml_dtypes", {Format::kE5M2, Format::kE4M3FN, Format::kE4M3, Format::kE3M4,
                   Format::kE4M3FNUZ, Format::kE5M2FNUZ, Format::kE4M3B11FNUZ,
                   Format::kBF16, Format::kF16},
     {Rounding::kNearestEven},
     Overflow::kIeee, NanRule::kKeepSign, Evidence::kPublished,
     "compared over every f16, bf16 and edge value",
     "ml_dtypes 0.5, float8.h; tests/ml_dtypes_test.py"},
    {"ml_dtypes", {Format::kE2M3FN, Format::kE3M2FN, Format::kE2M1FN},
     {Rounding::kNearestEven},
     Overflow::kIeee, NanRule::kInvertedZero, Evidence::kPublished,
     "NaN becomes zero with the opposite sign",
     "ml_dtypes 0.5, mxfloat.h; tests/ml_dtypes_test.py"},
    // CUTLASS host code.
    {"cutlass", {Format::kE5M2},
     {Rounding::kNearestEven},
     Overflow::kIeee, NanRule::kOnesKeepSign, Evidence::kPublished,
     "overflows to infinity; NaN is all ones with the sign",
     "CUTLASS 4.0 exmy_base.h, FpBitRepresentation::convert"},
    {"cutlass", {Format::kE4M3FN, Format::kUE4M3, Format::kE2M3FN,
                 Format::kE3M2FN, Format::kE2M1FN},
     {Rounding::kNearestEven},
     Overflow::kSaturate, NanRule::kOnesKeepSign, Evidence::kPublished,
     "formats without infinity saturate; NaN is all ones with the sign, even in FP6 and FP4",
     "CUTLASS 4.0 exmy_base.h, FpBitRepresentation::convert"},
    // AMD gfx942: frameworks clamp finite values before the instruction.
    {"amd", {Format::kE4M3FNUZ, Format::kE5M2FNUZ},
     {Rounding::kNearestEven},
     Overflow::kSaturateFinite, NanRule::kKeepSign, Evidence::kPublished,
     "finite values are clamped, infinity and NaN become 0x80",
     "ROCm amd_hip_fp8.h, gfx942 fast path with saturation"},
    // Trainium: the cast itself is undocumented.
    {"trainium", {Format::kE4M3, Format::kE4M3FN},
     {Rounding::kNearestEven},
     Overflow::kSaturate, NanRule::kKeepSign, Evidence::kAssumed,
     "kernels clamp to 240 (Trn2) or 448 (Trn3) before casting; NaN is not stated",
     "AWS NKI samples, FP8 quantisation kernels"},
});
// clang-format on

namespace internal {
// The row of `rows` with this name and target. Throws Error{kUnknownName} that
// lists every name, {kUnsupported} that lists the name's targets.
template <class Rows>
const typename Rows::value_type& FindNamed(const Rows& rows,
                                           std::string_view what,
                                           std::string_view name,
                                           Format target) {
  std::string known, targets;
  for (const auto& row : rows) {
    if (row.name == name) {
      if (row.targets.contains(target)) return row;
      targets.append(targets.empty() ? "" : " ").append(row.targets.names());
    }
    if (known.ends_with(row.name)) continue;  // rows of a name are neighbours
    known.append(known.empty() ? "" : " ").append(row.name);
  }
  std::string quoted = "'";
  quoted.append(name).append("'");
  if (targets.empty()) {
    throw Error(ErrorCode::kUnknownName, "no " + std::string(what) +
                                             " is named " + quoted +
                                             "; known: " + known);
  }
  throw Error(ErrorCode::kUnsupported,
              std::string(what) + " " + quoted + " states nothing about " +
                  std::string(Info(target).name) + ", only about " + targets);
}
}  // namespace internal

// The row of a convention for this target and rounding. Throws
// Error{kUnknownName} that lists every convention, {kUnsupported} where it
// states nothing about the target or the rounding: that is never guessed.
inline const Convention& FindConvention(
    std::string_view name, Format target,
    Rounding rounding = Rounding::kNearestEven) {
  const Convention& row =
      internal::FindNamed(kConventions, "convention", name, target);
  if (row.roundings.contains(rounding)) return row;
  throw Error(ErrorCode::kUnsupported,
              "convention '" + std::string(name) + "' does not round " +
                  std::string(Info(target).name) + " by " +
                  std::string(Name(rounding)) + ", only by " +
                  row.roundings.names());
}

// The same as rules, to encode by.
inline EncodeRules ConventionRules(std::string_view name, Format target,
                                   Rounding rounding = Rounding::kNearestEven) {
  const Convention& row = FindConvention(name, target, rounding);
  return {rounding, row.overflow, row.nan};
}

// Which bits of which random word round an element. One word serves
// `elements` consecutive columns, the last word of a row possibly fewer; the
// column at position p of them takes `width` bits from bit shifts[p] upward.
struct RandomLayout {
  std::string_view name;
  FormatSet targets;
  int elements;
  int width;
  std::array<int, 4> shifts;
  Evidence evidence;
  std::string_view source;
};

// Operand order of cvt.rs: d = {a, b, e, f} has a in the top element, so that
// column 0 of four is f, and of two is b.
// clang-format off
inline constexpr auto kRandomLayouts = std::to_array<RandomLayout>({
    {"element",
     {Format::kE5M2, Format::kE4M3FN, Format::kE4M3, Format::kE3M4,
      Format::kE4M3FNUZ, Format::kE5M2FNUZ, Format::kE4M3B11FNUZ,
      Format::kE3M2FN, Format::kE2M3FN, Format::kE2M1FN, Format::kUE4M3,
      Format::kE8M0FNU, Format::kF16, Format::kBF16, Format::kTF32},
     1, 32, {0}, Evidence::kDefinition, "a word of its own for each element"},
    {"nvidia.cvt.rs", {Format::kF16}, 2, 13, {0, 16}, Evidence::kDocumented,
     "PTX ISA 8.8, cvt.rs.f16x2.f32: a takes bits 28 to 16, b 12 to 0"},
    {"nvidia.cvt.rs", {Format::kBF16}, 2, 16, {0, 16}, Evidence::kDocumented,
     "PTX ISA 8.8, cvt.rs.bf16x2.f32: a takes bits 31 to 16, b 15 to 0"},
    {"nvidia.cvt.rs",
     {Format::kE4M3FN, Format::kE5M2, Format::kE2M3FN, Format::kE3M2FN},
     4, 16, {0, 0, 16, 16}, Evidence::kDocumented,
     "PTX ISA 8.8, cvt.rs .e4m3x4 .e5m2x4 .e2m3x4 .e3m2x4: a and b share bits 31 to 16, e and f 15 to 0"},
    {"nvidia.cvt.rs", {Format::kE2M1FN}, 4, 8, {0, 16, 8, 24}, Evidence::kAssumed,
     "PTX ISA 8.8, cvt.rs.e2m1x4: a and b take the upper 8 bits of the halves, e and f the lower; that a and e take the high half is assumed"},
});
// clang-format on

// Throws Error{kUnknownName} that lists every layout, {kUnsupported} if `name`
// has no row for this target.
inline const RandomLayout& FindRandomLayout(std::string_view name,
                                            Format target) {
  return internal::FindNamed(kRandomLayouts, "random layout", name, target);
}

namespace internal {
// A target belongs to one row of a name at most, and every row says why.
template <class Rows>
constexpr bool NamedRowsAreValid(const Rows& rows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].name.empty() || rows[i].source.empty()) return false;
    for (size_t j = 0; j < i; ++j) {
      if (rows[i].name != rows[j].name) continue;
      for (const FormatInfo& f : kFormats) {
        if (rows[i].targets.contains(f.id) && rows[j].targets.contains(f.id)) {
          return false;
        }
      }
    }
  }
  return true;
}
}  // namespace internal
static_assert(internal::NamedRowsAreValid(kConventions));
static_assert(internal::NamedRowsAreValid(kRandomLayouts));

}  // namespace zeroulp

#endif  // ZEROULP_CONVENTIONS_H_
