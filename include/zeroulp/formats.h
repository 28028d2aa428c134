// SPDX-License-Identifier: Apache-2.0
// Number formats: one row each; every other fact is derived from the row.
//
// A code of b bits is sign | exponent field E | fraction f, M fraction bits:
//   E > 0:  (-1)^s * (1 + f / 2^M) * 2^(E - bias)
//   E = 0:  (-1)^s * (f / 2^M) * 2^(1 - bias)
// apart from the codes that `specials` takes away from the top (or, fnuz, from
// minus zero).
#ifndef ZEROULP_FORMATS_H_
#define ZEROULP_FORMATS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "zeroulp/error.h"

namespace zeroulp {

// Names follow ml_dtypes, LLVM and DLPack. "FN": finite, NaN only; "UZ":
// unsigned zero, so the code of minus zero is the only NaN.
enum class Format : uint8_t {
  kE5M2,
  kE4M3FN,
  kE4M3,
  kE3M4,
  kE4M3FNUZ,
  kE5M2FNUZ,
  kE4M3B11FNUZ,
  kE3M2FN,
  kE2M3FN,
  kE2M1FN,
  kUE4M3,
  kE8M0FNU,
  kF16,
  kBF16,
  kTF32,
  kF32,
};

// What the codes that do not follow the formula mean.
enum class Specials : uint8_t {
  kIeee,          // top exponent field: infinity (f = 0), NaN (f > 0)
  kNanAllOnes,    // no infinity; NaN is the largest magnitude code
  kNanMinusZero,  // no infinity, no minus zero: its code is the only NaN
  kFinite,        // every code is a finite number
};

// How a value between two codes becomes one of them.
enum class Rounding : uint8_t {
  kNearestEven,
  kTowardZero,
  kNearestAway,  // ties away from zero
  kUp,           // toward plus infinity
  kDown,         // toward minus infinity
  kAwayFromZero,
  kOdd,         // inexact results get an odd code
  kStochastic,  // up with the probability that the discarded bits state
};

struct FormatInfo {
  Format id;
  std::string_view name;     // canonical; the only spelling ever printed
  std::string_view aliases;  // other accepted spellings, space separated
  int bits;                  // of a code, sign included
  int storage_bits;          // of an element in memory; code in the low bits,
                             // tf32 alone in the high bits of its f32 word
  int exponent_bits, mantissa_bits, bias;
  bool has_sign, has_zero;  // without zero, exponent field 0 is normal
  Specials specials;
  int dlpack_code;               // DLDataTypeCode, -1: DLPack has none
  std::string_view safetensors;  // dtype in a safetensors header
  std::string_view source;       // document that defines the row

  constexpr uint32_t sign_mask() const {
    return has_sign ? 1u << (bits - 1) : 0u;
  }
  constexpr uint32_t magnitude_mask() const {
    return static_cast<uint32_t>((uint64_t{1} << (bits - has_sign)) - 1);
  }
  // Codes 0 ... num_codes() - 1 exist; f32 has 2^32, hence the width.
  constexpr uint64_t num_codes() const { return uint64_t{1} << bits; }
  constexpr bool has_infinity() const { return specials == Specials::kIeee; }
  constexpr bool has_nan() const { return specials != Specials::kFinite; }
  constexpr bool has_minus_zero() const {
    return has_sign && has_zero && specials != Specials::kNanMinusZero;
  }
  constexpr uint32_t infinity_code() const {  // positive; only if has_infinity
    return magnitude_mask() & ~((1u << mantissa_bits) - 1);
  }
  // The canonical NaN, sign clear where the format leaves a choice: quiet.
  constexpr uint32_t nan_code() const {
    switch (specials) {
      case Specials::kIeee:
        return infinity_code() | (1u << (mantissa_bits - 1));
      case Specials::kNanAllOnes:
        return magnitude_mask();
      case Specials::kNanMinusZero:
        return sign_mask();
      case Specials::kFinite:
        break;
    }
    return 0;  // no NaN: callers ask has_nan() first
  }
  // Largest finite magnitude. Derived, so no row can disagree with it.
  constexpr uint32_t max_code() const {
    switch (specials) {
      case Specials::kIeee:
        return infinity_code() - 1;
      case Specials::kNanAllOnes:
        return magnitude_mask() - 1;
      case Specials::kNanMinusZero:
      case Specials::kFinite:
        break;
    }
    return magnitude_mask();
  }
  constexpr uint32_t min_normal_code() const {
    return has_zero ? 1u << mantissa_bits : 0u;
  }
  // Exponents of 2: of the smallest normal, and of one unit in the last place
  // at and below it.
  constexpr int min_exponent() const { return has_zero ? 1 - bias : -bias; }
  constexpr int min_ulp_exponent() const {
    return min_exponent() - mantissa_bits;
  }
  // Number of codes with a finite value; minus zero and plus zero are two.
  constexpr uint64_t num_finite_codes() const {
    const uint64_t magnitudes = uint64_t{max_code()} + 1;
    const uint64_t signs = has_sign ? 2 : 1;
    return signs * magnitudes - (specials == Specials::kNanMinusZero);
  }
};

// clang-format off
inline constexpr auto kFormats = std::to_array<FormatInfo>({
    // id, name, aliases, bits, storage, E, M, bias, sign, zero, specials, dlpack, safetensors, source
    {Format::kE5M2, "e5m2", "fp8_e5m2 float8_e5m2 f8e5m2 F8_E5M2",
     8, 8, 5, 2, 15, true, true, Specials::kIeee, 12, "F8_E5M2", "OCP 8-bit Floating Point (OFP8) 1.0, section 5"},
    {Format::kE4M3FN, "e4m3fn", "fp8_e4m3fn fp8_e4m3 float8_e4m3fn f8e4m3fn F8_E4M3 ofp8_e4m3",
     8, 8, 4, 3, 7, true, true, Specials::kNanAllOnes, 10, "F8_E4M3", "OCP 8-bit Floating Point (OFP8) 1.0, section 5"},
    {Format::kE4M3, "e4m3", "fp8_exp4 float8_e4m3 f8e4m3",
     8, 8, 4, 3, 7, true, true, Specials::kIeee, 8, "U8", "AWS Neuron NKI data types, float8_e4m3 (FP8_EXP4, max 240); ml_dtypes float8_e4m3"},
    {Format::kE3M4, "e3m4", "fp8_e3m4 fp8_exp3 float8_e3m4 f8e3m4",
     8, 8, 3, 4, 3, true, true, Specials::kIeee, 7, "U8", "AWS Neuron data types, FP8_E3; ml_dtypes float8_e3m4"},
    {Format::kE4M3FNUZ, "e4m3fnuz", "fp8_e4m3fnuz float8_e4m3fnuz f8e4m3fnuz",
     8, 8, 4, 3, 8, true, true, Specials::kNanMinusZero, 11, "U8", "AMD CDNA3 ISA, FP8; ml_dtypes float8_e4m3fnuz"},
    {Format::kE5M2FNUZ, "e5m2fnuz", "fp8_e5m2fnuz float8_e5m2fnuz f8e5m2fnuz",
     8, 8, 5, 2, 16, true, true, Specials::kNanMinusZero, 13, "U8", "AMD CDNA3 ISA, BF8; ml_dtypes float8_e5m2fnuz"},
    {Format::kE4M3B11FNUZ, "e4m3b11fnuz", "fp8_e4m3b11fnuz float8_e4m3b11fnuz f8e4m3b11fnuz",
     8, 8, 4, 3, 11, true, true, Specials::kNanMinusZero, 9, "U8", "XLA F8E4M3B11FNUZ; ml_dtypes float8_e4m3b11fnuz"},
    {Format::kE3M2FN, "e3m2fn", "fp6_e3m2 float6_e3m2fn f6e3m2fn e3m2",
     6, 8, 3, 2, 3, true, true, Specials::kFinite, 16, "U8", "OCP Microscaling Formats (MX) 1.0, FP6"},
    {Format::kE2M3FN, "e2m3fn", "fp6_e2m3 float6_e2m3fn f6e2m3fn e2m3",
     6, 8, 2, 3, 1, true, true, Specials::kFinite, 15, "U8", "OCP Microscaling Formats (MX) 1.0, FP6"},
    {Format::kE2M1FN, "e2m1fn", "fp4 fp4_e2m1 float4_e2m1fn f4e2m1fn e2m1 F4",
     4, 4, 2, 1, 1, true, true, Specials::kFinite, 17, "F4", "OCP Microscaling Formats (MX) 1.0, FP4"},
    {Format::kUE4M3, "ue4m3", "float8_ue4m3",
     7, 8, 4, 3, 7, false, true, Specials::kNanAllOnes, -1, "F8_E4M3", "NVIDIA PTX ISA, ue4m3 (NVFP4 block scale; bit 7 ignored)"},
    {Format::kE8M0FNU, "e8m0fnu", "e8m0 ue8m0 float8_e8m0fnu f8e8m0fnu F8_E8M0",
     8, 8, 8, 0, 127, false, false, Specials::kNanAllOnes, 14, "F8_E8M0", "OCP Microscaling Formats (MX) 1.0, E8M0"},
    {Format::kF16, "f16", "fp16 float16 half F16",
     16, 16, 5, 10, 15, true, true, Specials::kIeee, 2, "F16", "IEEE 754-2019 binary16"},
    {Format::kBF16, "bf16", "bfloat16 BF16",
     16, 16, 8, 7, 127, true, true, Specials::kIeee, 4, "BF16", "Google bfloat16; Intel BF16 numerics definition"},
    {Format::kTF32, "tf32", "tensorfloat32 TF32",
     19, 32, 8, 10, 127, true, true, Specials::kIeee, -1, "F32", "NVIDIA PTX ISA, tf32 (high 19 bits of a binary32 word)"},
    {Format::kF32, "f32", "fp32 float32 float F32",
     32, 32, 8, 23, 127, true, true, Specials::kIeee, 2, "F32", "IEEE 754-2019 binary32"},
});
// clang-format on

constexpr const FormatInfo& Info(Format format) {
  return kFormats[static_cast<size_t>(format)];
}

namespace internal {
constexpr bool ListContains(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const size_t end = std::min(list.find(' '), list.size());
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

constexpr bool FormatRowsAreValid() {
  for (size_t i = 0; i < kFormats.size(); ++i) {
    const FormatInfo& f = kFormats[i];
    if (static_cast<size_t>(f.id) != i) return false;  // enum order
    if (f.bits != f.has_sign + f.exponent_bits + f.mantissa_bits) return false;
    if (f.storage_bits < f.bits) return false;
    if (f.name.empty() || f.source.empty()) return false;
  }
  return kFormats.size() == static_cast<size_t>(Format::kF32) + 1;
}
}  // namespace internal

// Accepts the canonical name and the aliases. Throws Error{kUnknownName} that
// lists every canonical name.
inline const FormatInfo& FindFormat(std::string_view name) {
  std::string known;
  for (const FormatInfo& f : kFormats) {
    if (name == f.name || internal::ListContains(f.aliases, name)) return f;
    known.append(known.empty() ? "" : " ").append(f.name);
  }
  throw Error(
      ErrorCode::kUnknownName,
      "no number format is named '" + std::string(name) + "'; known: " + known);
}

static_assert(internal::FormatRowsAreValid(),
              "kFormats lists every Format in enum order, widths adding up");
static_assert(Info(Format::kE5M2).max_code() == 0x7B);
static_assert(Info(Format::kE4M3FN).max_code() == 0x7E);
static_assert(Info(Format::kE4M3).max_code() == 0x77);
static_assert(Info(Format::kE3M4).max_code() == 0x6F);
static_assert(Info(Format::kE4M3FNUZ).max_code() == 0x7F);
static_assert(Info(Format::kE3M2FN).max_code() == 0x1F);
static_assert(Info(Format::kE2M1FN).max_code() == 0x7);
static_assert(Info(Format::kUE4M3).max_code() == 0x7E);
static_assert(Info(Format::kE8M0FNU).max_code() == 0xFE);
static_assert(Info(Format::kE5M2).num_finite_codes() == 248);
static_assert(Info(Format::kE4M3FN).num_finite_codes() == 254);
static_assert(Info(Format::kE4M3).num_finite_codes() == 240);
static_assert(Info(Format::kE3M4).num_finite_codes() == 224);
static_assert(Info(Format::kE4M3FNUZ).num_finite_codes() == 255);
static_assert(Info(Format::kE2M3FN).num_finite_codes() == 64);
static_assert(Info(Format::kUE4M3).num_finite_codes() == 127);
static_assert(Info(Format::kE8M0FNU).num_finite_codes() == 255);

}  // namespace zeroulp

#endif  // ZEROULP_FORMATS_H_
