// SPDX-License-Identifier: Apache-2.0
// Patterns of structured sparsity: one row each.
#ifndef ZEROULP_SPARSITY_H_
#define ZEROULP_SPARSITY_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "zeroulp/error.h"
#include "zeroulp/operand.h"

namespace zeroulp {

// What NVIDIA's metadata has for a group: one nibble.
enum class MetadataNibble : uint8_t {
  kNone,       // no such instruction
  kTwoFields,  // positions n & 3 and n >> 2 of 4
  kTwoPairs,   // the same of 4 pairs of neighbours
  kTf32,       // 0x4 the lower of 2, 0xE the upper
};

struct SparsityInfo {
  std::string_view name;
  Sparsity ratio;
  // Kept elements come in runs of so many neighbours, the first of them at a
  // multiple of it.
  int64_t unit;
  MetadataNibble nvidia;
  bool trainium;  // has 4-bit tags
  std::string_view source;
};

inline constexpr auto kSparsities = [] {
  constexpr std::string_view kNeuron =
      "AWS Neuron, Trainium structured sparsity";
  constexpr std::string_view kBoth =
      "NVIDIA PTX ISA, mma.sp, wgmma.sp, tcgen05.mma.sp; AWS Neuron";
  return std::to_array<SparsityInfo>({
      {"4:16", {4, 16}, 1, MetadataNibble::kNone, true, kNeuron},
      {"4:12", {4, 12}, 1, MetadataNibble::kNone, true, kNeuron},
      {"4:8", {4, 8}, 1, MetadataNibble::kNone, true, kNeuron},
      {"2:8", {2, 8}, 1, MetadataNibble::kNone, true, kNeuron},
      {"2:4", {2, 4}, 1, MetadataNibble::kTwoFields, true, kBoth},
      {"1:4", {1, 4}, 1, MetadataNibble::kNone, true, kNeuron},
      {"1:2", {1, 2}, 1, MetadataNibble::kTf32, true, kBoth},
      {"4:8-pairs",
       {4, 8},
       2,
       MetadataNibble::kTwoPairs,
       false,
       "NVIDIA PTX ISA, tcgen05.mma.sp kind::mxf4 and mxf4nvf4"},
  });
}();

// Throws Error{kUnknownName} that lists every name.
inline const SparsityInfo& FindSparsity(std::string_view name) {
  std::string known;
  for (const SparsityInfo& row : kSparsities) {
    if (row.name == name) return row;
    known.append(known.empty() ? "" : " ").append(row.name);
  }
  throw Error(
      ErrorCode::kUnknownName,
      "no sparsity is named '" + std::string(name) + "'; known: " + known);
}

namespace internal {
constexpr bool SparsityRowsAreValid() {
  for (const SparsityInfo& row : kSparsities) {
    const auto [keep, group] = row.ratio;
    if (keep <= 0 || keep >= group || group > 16) return false;
    if (keep % row.unit != 0 || group % row.unit != 0) return false;
    const bool four = row.nvidia == MetadataNibble::kTwoFields ||
                      row.nvidia == MetadataNibble::kTwoPairs;
    if (four && (keep != 2 * row.unit || group != 4 * row.unit)) return false;
    if (row.nvidia == MetadataNibble::kTf32 && (keep != 1 || group != 2)) {
      return false;
    }
  }
  return true;
}
}  // namespace internal
static_assert(internal::SparsityRowsAreValid(),
              "positions fit a tag, nibbles fit their group");

}  // namespace zeroulp

#endif  // ZEROULP_SPARSITY_H_
