// SPDX-License-Identifier: Apache-2.0
// Positions of kept elements as the accelerators' metadata words and back.
#include <algorithm>
#include <array>
#include <optional>

#include "zeroulp/internal/check.h"
#include "zeroulp/sparse.h"

namespace zeroulp {
namespace {

constexpr int64_t kNibbles = 4;  // of a word

struct Nibble {
  uint8_t code;
  std::array<uint8_t, 2> at;  // of units; of one unit, the first
};

// The legal nibbles. 0x6 is tcgen05's alone.
constexpr auto kTwoOfFour = std::to_array<Nibble>({{0x4, {0, 1}},
                                                   {0x8, {0, 2}},
                                                   {0x9, {1, 2}},
                                                   {0xC, {0, 3}},
                                                   {0xD, {1, 3}},
                                                   {0xE, {2, 3}},
                                                   {0x6, {2, 1}}});
constexpr auto kOneOfTwo =
    std::to_array<Nibble>({{0x4, {0, 0}}, {0xE, {1, 0}}});

std::span<const Nibble> Nibbles(const SparsityInfo& pattern) {
  switch (pattern.nvidia) {
    case MetadataNibble::kTwoFields:
    case MetadataNibble::kTwoPairs:
      return kTwoOfFour;
    case MetadataNibble::kTf32:
      return kOneOfTwo;
    case MetadataNibble::kNone:
      break;
  }
  return {};
}

// Positions of a group as a nibble of the pattern states them.
void WritePositions(const SparsityInfo& pattern, const Nibble& nibble,
                    uint8_t* positions) {
  const int64_t unit = pattern.unit;
  for (int64_t i = 0; i < pattern.ratio.keep; ++i) {
    positions[i] = static_cast<uint8_t>(
        nibble.at[static_cast<size_t>(i / unit)] * unit + i % unit);
  }
}

struct Shape {
  int64_t rows, stored_cols, row_nibbles, row_words;
};

Shape CheckShape(std::string_view operation, const SparsityInfo& pattern,
                 int64_t rows, int64_t stored_cols, int64_t per_nibble) {
  if (rows < 0 || stored_cols < 0 || stored_cols % pattern.ratio.keep != 0 ||
      !internal::ProductFits(rows, stored_cols, 8)) {
    internal::Fail(ErrorCode::kShape,
                   "{}: {}x{} stored elements with sparsity {}: columns must "
                   "be a multiple of {}, and sizes positive and below 2^60",
                   operation, rows, stored_cols, pattern.name,
                   pattern.ratio.keep);
  }
  const int64_t nibbles = stored_cols / per_nibble;
  return {rows, stored_cols, nibbles, (nibbles + kNibbles - 1) / kNibbles};
}

template <class Element>
void CheckSize(std::string_view operation, const Shape& shape,
               std::string_view what, std::span<const Element> list,
               int64_t expected) {
  if (std::cmp_equal(list.size(), expected)) return;
  internal::Fail(ErrorCode::kShape,
                 "{}: {}x{} stored elements have {} {}, got {}", operation,
                 shape.rows, shape.stored_cols, expected, what, list.size());
}

// encode(row, nibble of the row) -> its 4 bits.
template <class EncodeNibble>
std::vector<uint16_t> ToWords(const Shape& shape, const EncodeNibble& encode) {
  std::vector<uint16_t> words(
      static_cast<size_t>(shape.rows * shape.row_words));
  for (int64_t row = 0; row < shape.rows; ++row) {
    for (int64_t i = 0; i < shape.row_nibbles; ++i) {
      words[static_cast<size_t>(row * shape.row_words + i / kNibbles)] |=
          static_cast<uint16_t>(encode(row, i) << (4 * (i % kNibbles)));
    }
  }
  return words;
}

// decode(row, nibble of the row, its 4 bits).
template <class DecodeNibble>
void FromWords(std::string_view operation, const Shape& shape,
               std::span<const uint16_t> words, const DecodeNibble& decode) {
  CheckSize(operation, shape, "words of metadata", words,
            shape.rows * shape.row_words);
  for (int64_t row = 0; row < shape.rows; ++row) {
    for (int64_t i = 0; i < shape.row_words * kNibbles; ++i) {
      const uint32_t word =
          words[static_cast<size_t>(row * shape.row_words + i / kNibbles)];
      const uint32_t bits = (word >> (4 * (i % kNibbles))) & 0xFu;
      if (i < shape.row_nibbles) {
        decode(row, i, bits);
      } else if (bits != 0) {
        internal::Fail(
            ErrorCode::kArgument,
            "{}: row {}: nibble {} is {:#x}: after the {} of the row "
            "the last word must be zero",
            operation, row, i, bits, shape.row_nibbles);
      }
    }
  }
}

std::span<const Nibble> NvidiaNibbles(std::string_view operation,
                                      const SparsityInfo& pattern) {
  const auto nibbles = Nibbles(pattern);
  if (!nibbles.empty()) return nibbles;
  internal::Fail(ErrorCode::kUnsupported,
                 "{}: NVIDIA hardware has no metadata for sparsity {}",
                 operation, pattern.name);
}

void CheckTags(std::string_view operation, const SparsityInfo& pattern) {
  if (pattern.trainium) return;
  internal::Fail(ErrorCode::kUnsupported,
                 "{}: Trainium has no tags for sparsity {}", operation,
                 pattern.name);
}

void CheckTag(std::string_view operation, const SparsityInfo& pattern,
              int64_t row, int64_t col, uint32_t position) {
  if (std::cmp_less(position, pattern.ratio.group)) return;
  internal::Fail(ErrorCode::kArgument,
                 "{}: row {}, group {}: position {} is outside the group of {} "
                 "of {}",
                 operation, row, col / pattern.ratio.keep, position,
                 pattern.ratio.group, pattern.name);
}

}  // namespace

std::vector<uint16_t> NvidiaMetadata(const SparsityInfo& pattern, int64_t rows,
                                     int64_t stored_cols,
                                     std::span<const uint8_t> positions) {
  constexpr std::string_view kName = "NvidiaMetadata";
  const auto nibbles = NvidiaNibbles(kName, pattern);
  const int64_t keep = pattern.ratio.keep;
  const Shape shape = CheckShape(kName, pattern, rows, stored_cols, keep);
  CheckSize(kName, shape, "positions", positions, rows * stored_cols);
  return ToWords(shape, [&](int64_t row, int64_t group) {
    const uint8_t* at = positions.data() + row * stored_cols + group * keep;
    for (const Nibble& nibble : nibbles) {
      std::array<uint8_t, 4> stated = {};
      WritePositions(pattern, nibble, stated.data());
      if (std::equal(at, at + keep, stated.data()))
        return uint32_t{nibble.code};
    }
    internal::Fail(ErrorCode::kArgument,
                   "{}: row {}, group {}: no nibble of {} states positions {}",
                   kName, row, group, pattern.name,
                   fmt::join(at, at + keep, " "));
  });
}

std::vector<uint8_t> NvidiaPositions(const SparsityInfo& pattern, int64_t rows,
                                     int64_t stored_cols,
                                     std::span<const uint16_t> words) {
  constexpr std::string_view kName = "NvidiaPositions";
  const auto nibbles = NvidiaNibbles(kName, pattern);
  const int64_t keep = pattern.ratio.keep;
  const Shape shape = CheckShape(kName, pattern, rows, stored_cols, keep);
  std::vector<uint8_t> positions(static_cast<size_t>(rows * stored_cols));
  FromWords(
      kName, shape, words, [&](int64_t row, int64_t group, uint32_t bits) {
        const auto nibble =
            std::find_if(nibbles.begin(), nibbles.end(),
                         [&](const Nibble& n) { return n.code == bits; });
        if (nibble == nibbles.end()) {
          internal::Fail(
              ErrorCode::kArgument,
              "{}: row {}, group {}: nibble {:#x} is not legal for {}", kName,
              row, group, bits, pattern.name);
        }
        WritePositions(pattern, *nibble,
                       positions.data() + row * stored_cols + group * keep);
      });
  return positions;
}

std::vector<uint16_t> TrainiumTags(const SparsityInfo& pattern, int64_t rows,
                                   int64_t stored_cols,
                                   std::span<const uint8_t> positions) {
  constexpr std::string_view kName = "TrainiumTags";
  CheckTags(kName, pattern);
  const Shape shape = CheckShape(kName, pattern, rows, stored_cols, 1);
  CheckSize(kName, shape, "positions", positions, rows * stored_cols);
  return ToWords(shape, [&](int64_t row, int64_t col) {
    const uint32_t position =
        positions[static_cast<size_t>(row * stored_cols + col)];
    CheckTag(kName, pattern, row, col, position);
    return position;
  });
}

std::vector<uint8_t> TrainiumPositions(const SparsityInfo& pattern,
                                       int64_t rows, int64_t stored_cols,
                                       std::span<const uint16_t> words) {
  constexpr std::string_view kName = "TrainiumPositions";
  CheckTags(kName, pattern);
  const Shape shape = CheckShape(kName, pattern, rows, stored_cols, 1);
  std::vector<uint8_t> positions;
  positions.reserve(static_cast<size_t>(rows * stored_cols));
  FromWords(kName, shape, words, [&](int64_t row, int64_t col, uint32_t bits) {
    CheckTag(kName, pattern, row, col, bits);
    positions.push_back(static_cast<uint8_t>(bits));
  });
  return positions;
}

}  // namespace zeroulp
