// SPDX-License-Identifier: Apache-2.0
// Encode, Decode, Reencode: arrays of values to codes and back.
#ifndef ZEROULP_CONVERT_H_
#define ZEROULP_CONVERT_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "zeroulp/codec.h"
#include "zeroulp/view.h"

namespace zeroulp {

// Where Rounding::kStochastic takes its random bits from: exactly one of `seed`
// and `words`.
struct RandomSource {
  // Word i is RandomWord(*seed, i).
  std::optional<uint64_t> seed;
  // Word i is words[i]; at least as many as are needed.
  std::span<const uint32_t> words;
  // A name of kRandomLayouts: which bits of which word an element takes. Words
  // are counted row by row: a row of `cols` elements takes
  // ceil(cols / RandomLayout::elements) of them. With "element", that of
  // (row, col) is word row * cols + col.
  std::string_view layout = "element";
};

struct EncodeOptions {
  // By hand, or ConventionRules("nvidia", codes.format).
  EncodeRules rules = {};
  RandomSource random = {};
  // 0: the calling thread's oneTBB arena. 1: the calling thread alone.
  int threads = 0;
};

struct DecodeOptions {
  int threads = 0;
};

// Computes codes[m][n] = the code of source[m][n], rounded once.
//
//   source  M x N    f32, f16 or bf16
//   codes   M x N    any format but f32 and the source's own; every element
//                    written. Two codes a byte: where N is odd, the high nibble
//                    of a row's last byte becomes 0
//
// The codes are those of the scalar Encode on the exact values. They depend on
// nothing else: not on the CPU, the SIMD target, the number of threads,
// strides, alignment, or the caller's floating-point environment, which is left
// as it was. Bytes of `codes` between rows keep their contents.
//
// Throws Error{kShape} if the shapes differ or a view is too small, {kFormat}
// for other formats, {kOverlap} if the views overlap, {kArgument} if random
// bits are missing, given twice, too few, or given for another rounding,
// {kUnknownName, kUnsupported} for `random.layout`, {kOverflow},
// std::bad_alloc. On throw, `codes` is unchanged. Thread-safe.
//
// Oracle: Encode of codec.h.
void Encode(const ConstMatrixView& source, const MatrixView& codes,
            const EncodeOptions& options = {});

// Computes values[m][n] = the value of codes[m][n], exactly.
//
//   codes   M x N    any format but f32; bits above a code are ignored
//   values  M x N    f32; or, for formats of at most 8 bits, bf16 and (all but
//                    e8m0fnu, whose values do not fit) f16
//
// NaN codes become the canonical quiet NaN with the code's sign. Everything
// else as for Encode.
//
// Oracle: Decode of codec.h.
void Decode(const ConstMatrixView& codes, const MatrixView& values,
            const DecodeOptions& options = {});

// Computes to[m][n] = the code of (value of from[m][n]) * 2^exponent, rounded
// once, between any two formats of at most 8 bits but e8m0fnu. |exponent| is at
// most 64; stochastic rounding is not offered. Everything else as for Encode.
//
// e4m3fn weights on hardware that knows e4m3fnuz, and back: the same codes mean
// half the value there, so Reencode with exponent -1 (back: 1) keeps every
// code, and the scales are to be doubled (back: halved), but for the traps:
// minus zero is e4m3fnuz's NaN and becomes plus zero; e4m3fn's NaN 0x7F and
// 0xFF, which e4m3fnuz reads as 240, become 0x80; back, e4m3fnuz's largest
// codes 0x7F and 0xFF mean 480 and overflow as `rules` says. Exponent 0 keeps
// the values instead, rounded, and overflows above 240.
void Reencode(const ConstMatrixView& from, const MatrixView& to, int exponent,
              const EncodeOptions& options = {});

}  // namespace zeroulp

#endif  // ZEROULP_CONVERT_H_
