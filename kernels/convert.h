// SPDX-License-Identifier: Apache-2.0
// Conversions of one run of elements by one thread. Checked operands.
#ifndef ZEROULP_KERNELS_CONVERT_H_
#define ZEROULP_KERNELS_CONVERT_H_

#include <cstddef>
#include <cstdint>

#include "zeroulp/codec.h"
#include "zeroulp/conventions.h"

namespace zeroulp::kernels {

// What is the same for all runs of a call.
struct EncodeJob {
  Format source;  // f32, f16 or bf16
  const FormatInfo* target;
  EncodeRules rules;
  // Of Rounding::kStochastic: random words are words[i], or those of the seed
  // where `words` is null.
  const RandomLayout* layout;
  const uint32_t* words;
  uint64_t seed;
  bool streams;  // stores bypass the caches
};

// `source` points to the first element; so does `codes`, on a whole byte. The
// first element takes random word `first_word`, at its first position. An odd
// number of nibbles ends with a zero nibble.
void EncodeRun(const EncodeJob& job, const std::byte* source, size_t count,
               std::byte* codes, uint64_t first_word) noexcept;

struct DecodeJob {
  const FormatInfo* source;
  Format target;  // f32; of at most 8 source bits also f16 and bf16
  bool streams;
};

void DecodeRun(const DecodeJob& job, const std::byte* codes, size_t count,
               std::byte* values) noexcept;

// to[i] = table[from[i]], for whole bytes.
void MapRun(const uint8_t (&table)[256], const std::byte* from, size_t count,
            std::byte* to) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_CONVERT_H_
