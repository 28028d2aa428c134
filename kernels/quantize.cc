// SPDX-License-Identifier: Apache-2.0
// Quantize and Dequantize: check, cut into parts, distribute. No SIMD.
#include "zeroulp/quantize.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "kernels/float_environment.h"
#include "kernels/parallel.h"
#include "kernels/quantize.h"
#include "zeroulp/codec.h"
#include "zeroulp/internal/check_quantize.h"

namespace zeroulp {
namespace {

using kernels::PartGrid;

// Runs task(begin, end) on consecutive parts. A task is large enough that
// starting it, and setting up its constants, costs nothing.
template <class Task>
void ForParts(const PartGrid& grid, int threads, const Task& task) {
  constexpr int64_t kTaskElements = 1 << 16;
  const int64_t count = grid.count();
  const int64_t per_task = std::max<int64_t>(
      1, kTaskElements / std::max<int64_t>(1, grid.height * grid.width));
  const int64_t num_tasks = count / per_task + (count % per_task != 0);
  kernels::ParallelFor(num_tasks, threads, [&](int64_t i) {
    const kernels::DefaultFloatEnvironment environment;
    task(i * per_task, std::min((i + 1) * per_task, count));
  });
}

void Raise(std::atomic<uint32_t>& largest, uint32_t word) {
  uint32_t seen = largest.load(std::memory_order_relaxed);
  while (seen < word && !largest.compare_exchange_weak(
                            seen, word, std::memory_order_relaxed)) {
  }
}

kernels::Amax AmaxOfMatrix(const ConstMatrixView& source, int threads) {
  const PartGrid grid = {source.rows, source.cols, 1, kernels::kSegment};
  std::atomic<uint32_t> any = 0, number = 0;
  ForParts(grid, threads, [&](int64_t begin, int64_t end) {
    const kernels::Amax amax = kernels::AmaxOfParts(source, grid, begin, end);
    Raise(any, amax.any);
    Raise(number, amax.number);
  });
  return {any, number};
}

// Parts of whole blocks where a block is less than the matrix.
PartGrid Cut(const BlockInfo& block, int64_t rows, int64_t cols) {
  // The rows of a part are read twice: they have to stay in L2.
  constexpr int64_t kTallWidth = 512;
  const int64_t height = block.block_rows == 0 && block.block_cols == 1
                             ? rows
                             : std::max<int64_t>(1, block.block_rows);
  const int64_t width = block.block_cols == 0 && block.block_rows == 1 ? cols
                        : height >= 64 ? kTallWidth
                                       : kernels::kSegment;
  return {rows, cols, height, width};
}

kernels::ScaleValues ScaleValuesOf(Format scale) {
  kernels::ScaleValues values = {};
  if (scale == Format::kF32) return values;
  for (size_t code = 0; code < values.size(); ++code) {
    values[code] = Decode(scale, static_cast<uint32_t>(code));
  }
  return values;
}

}  // namespace

QuantizeResult Quantize(const ConstMatrixView& source, const MatrixView& codes,
                        const MatrixView& scales,
                        const QuantizeOptions& options) {
  const internal::BlockChoice choice =
      internal::CheckQuantize(source, codes, scales, options);
  const BlockInfo& block = *choice.block;
  kernels::QuantizeJob job = {
      .block = block,
      .rule = choice.rule->id,
      .infinity = options.infinity,
      .rounding = options.rounding,
      .seed = options.seed.value_or(0),
      .source = source,
      .codes = codes,
      .scales = scales,
      .tensor = {},
      .scale_values = ScaleValuesOf(block.scale),
      .known_amax = {},
  };
  std::atomic<uint32_t> number = 0;
  if (source.rows != 0 && source.cols != 0) {
    const bool one_block = block.block_rows == 0 && block.block_cols == 0;
    if (options.amax) {
      number = std::bit_cast<uint32_t>(*options.amax);
    } else if (one_block || choice.rule->uses_tensor_amax) {
      const kernels::Amax amax = AmaxOfMatrix(source, options.threads);
      number = amax.number;
      if (one_block) job.known_amax = amax.any;
    }
    if (choice.rule->uses_tensor_amax) {
      const kernels::DefaultFloatEnvironment environment;
      job.tensor = kernels::MakeTensorLevel(
          job.rule, std::bit_cast<float>(number.load()));
    }
    const PartGrid grid = Cut(block, source.rows, source.cols);
    ForParts(grid, options.threads, [&](int64_t begin, int64_t end) {
      const uint32_t found = kernels::QuantizeParts(job, grid, begin, end);
      if (!options.amax) Raise(number, found);
    });
  } else if (options.amax) {
    number = std::bit_cast<uint32_t>(*options.amax);
  }
  return {std::bit_cast<float>(number.load()), job.tensor.direct};
}

void Dequantize(const ConstMatrixView& codes, const ConstMatrixView& scales,
                const MatrixView& destination,
                const DequantizeOptions& options) {
  const BlockInfo& block =
      internal::CheckDequantize(codes, scales, destination, options);
  if (destination.rows == 0 || destination.cols == 0) return;
  const kernels::DequantizeJob job = {block,
                                      codes,
                                      scales,
                                      destination,
                                      options.tensor_scale,
                                      ScaleValuesOf(block.scale)};
  const PartGrid grid = {destination.rows, destination.cols, 1,
                         kernels::kSegment};
  ForParts(grid, options.threads, [&](int64_t begin, int64_t end) {
    kernels::DequantizeParts(job, grid, begin, end);
  });
}

}  // namespace zeroulp
