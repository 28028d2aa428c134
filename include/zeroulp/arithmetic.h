// SPDX-License-Identifier: Apache-2.0
// Accelerator arithmetic: one row per instruction family.
//
// A row says which model computes a dot product and with which parameters; the
// models are in emulation/README.md. A chip that needs something no column
// expresses gets a new column with a default, never a branch on its name.
#ifndef ZEROULP_ARITHMETIC_H_
#define ZEROULP_ARITHMETIC_H_

#include <array>
#include <bit>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "zeroulp/error.h"
#include "zeroulp/formats.h"

namespace zeroulp {

// How the products of one output element become one number; each model is a
// function of emulation/, its mathematics in emulation/README.md.
enum class Model : uint8_t {
  kExact,       // all products and C summed exactly, one rounding at the end
  kChain,       // acc = round(acc + a[k] * b[k]), k ascending from acc = C
  kFusedDot,    // steps of `chunk` products and the accumulator: cut to one
                // grid, summed exactly, rounded once
  kSplitFused,  // two fused dots over k mod 4 in {0,1} and {2,3}, then + C
  kGroupFused,  // fused dot over exact sums of groups of 16 scaled products
  kEvenOdd,     // fused dots over even and odd k, cut again beside C (CDNA3)
  kPairTree,    // rounded products added in a binary tree of 4 or 2 (CDNA2)
  kSystolic,    // a column of processing elements, then the partial sum bank
  kDotPairs,    // chain over pairs, the second element of a pair first
};

// Whether a result of exactly zero is always +0. Else it is -0 where every
// addend is -0 or a negative result underflows (IEEE 754-2019 6.3).
constexpr bool ZeroIsPlus(Model model) {
  return model == Model::kFusedDot || model == Model::kSplitFused ||
         model == Model::kGroupFused || model == Model::kEvenOdd;
}

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
  // In the order of kFormats; of a set that is not empty.
  constexpr Format first() const {
    return static_cast<Format>(std::countr_zero(bits_));
  }

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

// The same and the two of 16 bits, with which they multiply as weights.
inline constexpr FormatSet kChainFormats = {
    Format::kE5M2,     Format::kE4M3FN,   Format::kE4M3,        Format::kE3M4,
    Format::kE4M3FNUZ, Format::kE5M2FNUZ, Format::kE4M3B11FNUZ, Format::kE3M2FN,
    Format::kE2M3FN,   Format::kE2M1FN,   Format::kF16,         Format::kBF16};

struct ArithInfo {
  std::string_view name;
  Model model;
  FormatSet a, b;      // operand formats; any pair of them
  Format accumulator;  // of C
  Format output;       // of D
  Evidence evidence;
  int evidence_words = 0;  // hardware words reproduced, where counted
  std::string_view source;
  std::string_view open = {};  // what nobody has measured yet

  // Products of one step; 0: all of K.
  int chunk = 0;

  // Hardware that aligns addends: kFusedDot, kSplitFused, kGroupFused and
  // kEvenOdd. The other models round to nearest even and cut nothing.
  // Addends are cut to 2^(largest exponent - align_bits); 0: never cut.
  int align_bits = 0;
  std::optional<int> exponent_floor = {};  // of that largest exponent
  // kFusedDot, kSplitFused: the exponent of a product is that of its leading
  // bit, not the sum of its factors' exponents. No known hardware.
  bool normalise_products = false;
  // Fraction bits a step's result keeps, in the output's exponent range.
  int out_fraction_bits = 23;
  Rounding out_rounding = Rounding::kNearestEven;

  uint32_t nan_word = 0x7FC00000;  // every NaN result
  // Operands are converted to this format, exactly, before anything else.
  std::optional<Format> widen = {};
  bool flush_inputs = false;   // subnormal operands become zero
  bool flush_results = false;  // so do C and the results of every operation

  // Block scales, applied inside the sum; the empty set: none.
  FormatSet scales = {};
  int scale_block = 0;  // elements of K a scale covers; 0: any number

  // kPairTree: products of a tree. kSystolic: `rows` processing elements, each
  // adding `group` products at once; its k are apart by `rows` (split) or
  // neighbours (interleaved).
  int group = 1;
  int rows = 0;
  bool interleaved = false;
};

}  // namespace zeroulp

#include "zeroulp/arithmetic_table.h"  // IWYU pragma: export

namespace zeroulp {

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
