// SPDX-License-Identifier: Apache-2.0
// Quantize and Dequantize: matrices to and from block formats.
#ifndef ZEROULP_QUANTIZE_H_
#define ZEROULP_QUANTIZE_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "zeroulp/blocks.h"
#include "zeroulp/formats.h"
#include "zeroulp/view.h"

namespace zeroulp {

// What a block with an infinity, but no NaN, becomes where scales are E8M0 or
// binary32. UE4M3 rules need no choice: their formulas say it.
enum class InfinityBlock : uint8_t {
  kNan,      // scale NaN, as for a NaN (E8M0: FF; torchao)
  kLargest,  // E8M0: scale FE (Transformer Engine); binary32: the scale of a
             // block whose largest magnitude is FLT_MAX
};

struct QuantizeOptions {
  std::string_view format;     // a name of kBlocks
  std::string_view rule = {};  // a name of kScaleRules; empty: the default one
  InfinityBlock infinity = InfinityBlock::kNan;
  // Of elements: kNearestEven or kStochastic. Scales are rounded by the rule.
  Rounding rounding = Rounding::kNearestEven;
  std::optional<uint64_t> seed = {};  // of kStochastic, which needs one
  // The largest magnitude of the matrix, for rules that use it: saves reading
  // the matrix twice, or calibrates. Elements beyond it saturate.
  std::optional<float> amax = {};
  // 0: the calling thread's oneTBB arena. 1: the calling thread alone.
  int threads = 0;
};

struct QuantizeResult {
  // Largest magnitude of the matrix, NaN left out, or options.amax.
  float amax = 0;
  // t, the direct convention: value = P * block scale * t. 1 if the format or
  // the rule has none.
  float tensor_scale = 1;
};

// Computes the scale of every block of `source`, and every element divided by
// it as a code: kScaleRules states the formulas.
//
//   source  M x K   f32, f16 or bf16
//   codes   M x K   of the block format's element; every code written, but no
//                   nibble past the end of an odd 4-bit row
//   scales  BlockInfo::ScaleRows(M) x ScaleCols(K), of its scale format
//
// Special blocks, in every rule:
//   * all zeros: E8M0 00; binary32 1; UE4M3 as the formula says (`te` and
//     `4over6` 00, torchao 08). Codes are zeros that keep their sign.
//   * a NaN: the scale is NaN (E8M0 FF, UE4M3 7F, binary32 7FC00000), and every
//     element the code of +NaN: the format's NaN, or the largest value where
//     it has none. A NaN does not count in the matrix's amax.
//   * an infinity: options.infinity; UE4M3: the formula. Infinite elements of a
//     block with a finite scale saturate.
//   * the E8M0 exponent is clamped to codes 00 ... FE; floor(log2 a) is -127
//     for subnormal a. Scale 2^127 divides exactly, 2^-127 too.
//
// Stochastic rounding takes its bits for the element at (row, col) from
// counter row * K + col of the generator of random.h, keyed by the seed.
//
// The result is a function of source and options, but not of options.threads:
// not of the CPU, the SIMD target, strides, alignment or the caller's
// floating-point environment, which is left as it was.
//
// Throws Error{kUnknownName} for names, {kShape, kFormat, kOverflow, kOverlap}
// for views, {kArgument} for options that contradict each other. On throw
// nothing is written. Thread-safe.
//
// Oracle: reference::Quantize.
QuantizeResult Quantize(const ConstMatrixView& source, const MatrixView& codes,
                        const MatrixView& scales,
                        const QuantizeOptions& options);

struct DequantizeOptions {
  std::string_view format;  // a name of kBlocks
  float tensor_scale = 1;   // t; must be 1 where the format has none
  int threads = 0;          // as in QuantizeOptions
};

// Computes destination = fl(fl(P * scale) * t) for every element, in binary32
// to nearest even; every NaN is 7FC00000.
//
//   codes        M x K   of the block format's element
//   scales       BlockInfo::ScaleRows(M) x ScaleCols(K), of its scale format
//   destination  M x K   f32, every element written
//
// Throws as Quantize does; the same promises. Oracle: reference::Dequantize.
void Dequantize(const ConstMatrixView& codes, const ConstMatrixView& scales,
                const MatrixView& destination,
                const DequantizeOptions& options);

}  // namespace zeroulp

#endif  // ZEROULP_QUANTIZE_H_
