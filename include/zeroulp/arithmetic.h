// SPDX-License-Identifier: Apache-2.0
// Accelerator arithmetic: one row per instruction family.
//
// A row says which model computes a dot product and with which parameters; the
// models are in emulation/README.md. A chip that needs something no column
// expresses gets a new column with a default, never a branch on its name.
#ifndef ZEROULP_ARITHMETIC_H_
#define ZEROULP_ARITHMETIC_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "zeroulp/error.h"
#include "zeroulp/formats.h"

namespace zeroulp {

// How the products of one output element become one number.
enum class Model : uint8_t {
  kExact,  // all products and C summed exactly, one rounding at the end
  kChain,  // acc = round(acc + a[k] * b[k]), k ascending from acc = C
};

enum class Evidence : uint8_t {
  kDefinition,  // the row is its own definition (IEEE 754 arithmetic)
  kHardware,    // reproduces words that hardware returned
  kPublished,   // a published bit-level model
  kDocumented,  // vendor documentation
  kAssumed,     // no evidence seen
};

constexpr std::string_view Name(Evidence evidence) {
  constexpr std::array<std::string_view, 5> kNames = {
      "definition", "hardware", "published", "documented", "assumed"};
  return kNames[static_cast<size_t>(evidence)];
}

// A set of formats as bits, so that a row can state it as data.
class FormatSet {
 public:
  constexpr FormatSet(std::initializer_list<Format> formats) {
    for (const Format f : formats) bits_ |= Bit(f);
  }
  constexpr bool contains(Format f) const { return (bits_ & Bit(f)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }

  // "e5m2 e4m3fn", in the order of kFormats.
  std::string names() const {
    std::string list;
    for (const FormatInfo& f : kFormats) {
      if (!contains(f.id)) continue;
      if (!list.empty()) list += ' ';
      list += f.name;
    }
    return list;
  }

 private:
  static constexpr uint32_t Bit(Format f) {
    return 1u << static_cast<unsigned>(f);
  }
  uint32_t bits_ = 0;
};

// Formats whose every product is exact in binary32.
inline constexpr FormatSet kNarrowFormats = {
    Format::kE5M2,     Format::kE4M3FN,   Format::kE4M3,        Format::kE3M4,
    Format::kE4M3FNUZ, Format::kE5M2FNUZ, Format::kE4M3B11FNUZ, Format::kE3M2FN,
    Format::kE2M3FN,   Format::kE2M1FN};

struct ArithInfo {
  std::string_view name;
  Model model;
  FormatSet a, b;      // operand formats; any pair of them
  Format accumulator;  // of C
  Format output;       // of D
  // One step takes `chunk` products; 0: all of K.
  int chunk = 0;
  // Addends are cut to 2^(largest exponent - align_bits); 0: never cut.
  int align_bits = 0;
  std::optional<int> exponent_floor = {};  // of that largest exponent
  // Fraction bits a step's result keeps, in the output's exponent range.
  int out_fraction_bits;
  Rounding out_rounding;
  uint32_t nan_word;  // every NaN result
  Evidence evidence;
  int evidence_words = 0;  // hardware words reproduced, where counted
  std::string_view rule;   // in one sentence
  std::string_view source;
};

inline constexpr auto kArith = std::to_array<ArithInfo>({
    {.name = "exact.f32",
     .model = Model::kExact,
     .a = kNarrowFormats,
     .b = kNarrowFormats,
     .accumulator = Format::kF32,
     .output = Format::kF32,
     .out_fraction_bits = 23,
     .out_rounding = Rounding::kNearestEven,
     .nan_word = 0x7FC00000,
     .evidence = Evidence::kDefinition,
     .rule = "All products and C are summed exactly and rounded once to "
             "binary32, to nearest even; the order of K does not matter.",
     .source = "definition, IEEE 754-2019 5.4.1"},
    {.name = "chain.f32",
     .model = Model::kChain,
     .a = kNarrowFormats,
     .b = kNarrowFormats,
     .accumulator = Format::kF32,
     .output = Format::kF32,
     .chunk = 1,
     .out_fraction_bits = 23,
     .out_rounding = Rounding::kNearestEven,
     .nan_word = 0x7FC00000,
     .evidence = Evidence::kDefinition,
     .rule = "acc = fma(a[k], b[k], acc) in binary32, to nearest even, k "
             "ascending from acc = C.",
     .source = "definition, IEEE 754-2019 5.4.1 fusedMultiplyAdd"},
});

namespace internal {
constexpr bool ArithRowsAreValid() {
  for (size_t i = 0; i < kArith.size(); ++i) {
    const ArithInfo& row = kArith[i];
    if (row.a.empty() || row.b.empty()) return false;
    if (row.name.empty() || row.rule.empty() || row.source.empty()) {
      return false;
    }
    if (row.out_fraction_bits > Info(row.output).mantissa_bits) return false;
    for (size_t j = 0; j < i; ++j) {
      if (kArith[j].name == row.name) return false;
    }
  }
  return true;
}
}  // namespace internal
static_assert(internal::ArithRowsAreValid(), "a row of kArith is incomplete");

// Throws Error{kUnknownName} that lists every name.
inline const ArithInfo& FindArith(std::string_view name) {
  std::string known;
  for (const ArithInfo& row : kArith) {
    if (row.name == name) return row;
    known.append(known.empty() ? "" : " ").append(row.name);
  }
  throw Error(
      ErrorCode::kUnknownName,
      "no arithmetic is named '" + std::string(name) + "'; known: " + known);
}

}  // namespace zeroulp

#endif  // ZEROULP_ARITHMETIC_H_
