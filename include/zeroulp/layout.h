// SPDX-License-Identifier: Apache-2.0
// The same scales and codes in the order and convention another library wants.
// Nothing here changes a value, but for the one rounding of a reciprocal.
#ifndef ZEROULP_LAYOUT_H_
#define ZEROULP_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "zeroulp/view.h"

namespace zeroulp {

// NVIDIA's 128x4 tiled ("swizzled") order of block scales, as cuBLASLt and
// CUTLASS read it. Scales are rows x cols bytes (cols: blocks along K). A tile
// holds 128 rows of 4 columns in 512 bytes; its element (r, c) is byte
//   (r % 32) * 16 + (r / 32) * 4 + c.
// Tiles follow each other row-major over ceil(rows / 128) x ceil(cols / 4).
// Positions past rows or cols are padding, and zero.

inline constexpr int64_t kScaleTileRows = 128;
inline constexpr int64_t kScaleTileCols = 4;
inline constexpr int64_t kScaleTileBytes = kScaleTileRows * kScaleTileCols;

// Bytes of the tiled order. Throws Error{kShape} on a negative size,
// {kOverflow} if it exceeds 2^63 - 1.
int64_t TiledScaleBytes(int64_t rows, int64_t cols);

// Writes every byte of `tiled`, which has TiledScaleBytes(rows, cols) of them,
// from scales of a one-byte format (e8m0fnu, ue4m3, e4m3fn).
//
// Throws Error{kShape, kFormat, kOverflow, kOverlap, kArgument}, before
// anything is written. Thread-safe. TiledToLinear is the inverse.
void LinearToTiled(const ConstMatrixView& linear, std::span<std::byte> tiled);

// Writes every element of `linear`, and returns the number of padding bytes
// that are not zero: the only bytes LinearToTiled will not give back.
int64_t TiledToLinear(std::span<const std::byte> tiled,
                      const MatrixView& linear);

// Exchanges the two nibbles of every byte: low nibble first (DLPack, NVIDIA,
// this library) <-> high nibble first. `to` may be `from` itself.
//
// Throws Error{kShape} if the sizes differ, {kOverlap} if the two overlap
// otherwise, {kArgument} for null. Thread-safe.
void SwapNibbles(std::span<const std::byte> from, std::span<std::byte> to);

// What a tensor scale means; s is the block scale.
enum class TensorScaleConvention : uint8_t {
  kDirect,      // value = P * s * t (Transformer Engine, torchao, bundles)
  kReciprocal,  // value = P * s / g (compressed-tensors, vLLM's global scale)
};

struct ConvertedScale {
  float value = 1;
  // The conversion rounds: fl(1 / x), to nearest even. True if nothing was
  // rounded, which is so for powers of two alone.
  bool exact = true;
};

// The same scale in the other convention. Converting back returns the first
// scale only if `exact`.
//
// Throws Error{kArgument} unless the scale is positive and finite, and so is
// its reciprocal where that is needed. Thread-safe.
ConvertedScale ConvertTensorScale(float scale, TensorScaleConvention from,
                                  TensorScaleConvention to);

}  // namespace zeroulp

#endif  // ZEROULP_LAYOUT_H_
