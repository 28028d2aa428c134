// SPDX-License-Identifier: Apache-2.0
// What the parts of Quantize and Dequantize say to each other. All functions
// below run in the default floating-point environment.
#ifndef ZEROULP_KERNELS_QUANTIZE_H_
#define ZEROULP_KERNELS_QUANTIZE_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "zeroulp/blocks.h"
#include "zeroulp/quantize.h"
#include "zeroulp/view.h"

namespace zeroulp::kernels {

// The tensor level of a scale rule, S and t of kScaleRules; 1 where the rule
// has none.
struct TensorLevel {
  float encode = 1, direct = 1;
};

TensorLevel MakeTensorLevel(ScaleRule rule, float amax) noexcept;

// A matrix cut into parts of height x width, numbered row-major.
struct PartGrid {
  int64_t rows, cols;     // of the matrix
  int64_t height, width;  // of a part

  int64_t across() const { return cols / width + (cols % width != 0); }
  int64_t count() const {
    return across() * (rows / height + (rows % height != 0));
  }
};

struct Part {
  int64_t row_begin, row_end, col_begin, col_end;
};

inline Part PartOf(const PartGrid& grid, int64_t index) {
  const int64_t row = index / grid.across() * grid.height;
  const int64_t col = index % grid.across() * grid.width;
  return {row, std::min(row + grid.height, grid.rows), col,
          std::min(col + grid.width, grid.cols)};
}

// Columns that are converted and encoded at once: a segment and what becomes of
// it stay in L1. A multiple of every block but those as wide as the matrix.
inline constexpr int64_t kSegment = 2048;

// Magnitudes are binary32 words without sign: they order like the numbers, with
// infinity and then NaN at the end.
struct Amax {
  uint32_t any = 0;     // the largest word
  uint32_t number = 0;  // the largest that is no NaN
};

Amax AmaxOfParts(const ConstMatrixView& source, const PartGrid& grid,
                 int64_t begin, int64_t end) noexcept;

// The value of every code of a scale format of at most 8 bits.
using ScaleValues = std::array<float, 256>;

struct QuantizeJob {
  const BlockInfo& block;
  ScaleRule rule;
  InfinityBlock infinity;
  Rounding rounding;
  uint64_t seed;
  ConstMatrixView source;
  MatrixView codes, scales;
  TensorLevel tensor;
  ScaleValues scale_values;  // of UE4M3, for 4over6
  // Amax::any of the one block that is the whole matrix: its parts are not
  // whole blocks.
  std::optional<uint32_t> known_amax;
};

// Quantises parts begin ... end - 1. A part is one row of blocks high, and
// whole blocks or at most kSegment wide. Returns their Amax::number, 0 with
// known_amax.
uint32_t QuantizeParts(const QuantizeJob& job, const PartGrid& grid,
                       int64_t begin, int64_t end) noexcept;

struct DequantizeJob {
  const BlockInfo& block;
  ConstMatrixView codes, scales;
  MatrixView destination;
  float tensor_scale;
  ScaleValues scale_values;
};

// Parts are one row high and kSegment wide.
void DequantizeParts(const DequantizeJob& job, const PartGrid& grid,
                     int64_t begin, int64_t end) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_QUANTIZE_H_
