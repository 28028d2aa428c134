// SPDX-License-Identifier: Apache-2.0
#include "tools/checkpoint_quantize.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <exception>
#include <limits>
#include <thread>

#include "zeroulp/codec.h"
#include "zeroulp/convert.h"
#include "zeroulp/view.h"

namespace zeroulp::cli {
namespace {

Format FormatOf(Dtype dtype) {
  return dtype == Dtype::kF16    ? Format::kF16
         : dtype == Dtype::kBF16 ? Format::kBF16
                                 : Format::kF32;
}

// Rows [first, first + count) of a dense view.
ConstMatrixView Rows(const ConstMatrixView& view, int64_t first,
                     int64_t count) {
  const int bits = Info(view.format).storage_bits;
  const auto from = static_cast<size_t>(first * view.row_stride * bits / 8);
  return {view.bytes.subspan(from), view.format, count, view.cols,
          view.row_stride};
}

// 2^exponent, for exponents of normal numbers.
double PowerOfTwo(int exponent) {
  return std::bit_cast<double>(static_cast<uint64_t>(exponent + 1023) << 52);
}

// What the comparison asks of an element format.
struct ElementRange {
  explicit ElementRange(Format format)
      : info(Info(format)),
        max(Decode(format, info.max_code())),
        top(std::ilogb(max)),
        overflow(max + PowerOfTwo(top - info.mantissa_bits) / 2) {}

  // One unit in the last place at |v|, which is not negative.
  double Ulp(double v) const {
    const auto field = static_cast<int>(std::bit_cast<uint64_t>(v) >> 52);
    const int exponent = std::clamp(field - 1023, info.min_exponent(), top);
    return PowerOfTwo(exponent - info.mantissa_bits);
  }

  const FormatInfo& info;
  double max;
  int top;
  double overflow;  // where rounding to nearest would go past max
};

// `scale` is that of the block, the tensor's included.
void CompareRun(const float* x, const float* q, int64_t count, double scale,
                const ElementRange& range, ErrorStatistics& sums) {
  const bool usable = scale > 0 && std::isfinite(scale);
  const double inverse = usable ? 1 / scale : 0;
  for (int64_t i = 0; i < count; ++i) {
    const double value = x[i], error = std::abs(value - double{q[i]});
    if (!std::isfinite(x[i])) {
      ++sums.not_finite;
      continue;
    }
    if (!std::isfinite(q[i])) {
      ++sums.lost;
      continue;
    }
    sums.sum_squares += value * value;
    sums.sum_squared_errors += error * error;
    sums.flushed += value != 0 && q[i] == 0;
    if (!usable) continue;  // a block flushed to zero has no unit
    const double v = std::abs(value) * inverse;
    sums.saturated += v > range.overflow;
    sums.max_ulp_error =
        std::max(sums.max_ulp_error, error * inverse / range.Ulp(v));
  }
}

std::vector<float> ToFloats(const ConstMatrixView& view) {
  std::vector<float> values(static_cast<size_t>(view.rows * view.cols));
  if (view.format == Format::kF32) {
    std::memcpy(values.data(), view.bytes.data(), 4 * values.size());
  } else {
    Decode(view, F32View(values, view.rows, view.cols), {.threads = 1});
  }
  return values;
}

// A few rows at a time: what is needed beside the matrix stays small.
ErrorStatistics CompareRows(const ConstMatrixView& source,
                            const ConstMatrixView& codes,
                            const ConstMatrixView& scales,
                            const BlockInfo& block, float tensor_scale,
                            int64_t first, int64_t count) {
  const int64_t block_rows =
      block.block_rows == 0 ? source.rows : block.block_rows;
  const int64_t scale_row = first / block_rows;  // chunks start on blocks
  const ConstMatrixView some = Rows(codes, first, count);
  const std::vector<float> x = ToFloats(Rows(source, first, count));
  std::vector<float> q(x.size());
  const int64_t num_scale_rows =
      (first + count - 1) / block_rows - scale_row + 1;
  Dequantize(
      some, Rows(scales, scale_row, num_scale_rows),
      F32View(q, count, source.cols),
      {.format = block.name, .tensor_scale = tensor_scale, .threads = 1});

  const ElementRange range(block.element);
  const int64_t block_cols =
      block.block_cols == 0 ? source.cols : block.block_cols;
  ErrorStatistics sums;
  sums.elements = count * source.cols;
  for (int64_t row = 0; row < count; ++row) {
    const int64_t at = row * source.cols;
    for (int64_t col = 0; col < source.cols; col += block_cols) {
      const double scale =
          double{Decode(
              scales.format,
              ReadCode(scales, (first + row) / block_rows, col / block_cols))} *
          tensor_scale;
      CompareRun(x.data() + at + col, q.data() + at + col,
                 std::min(block_cols, source.cols - col), scale, range, sums);
    }
  }
  return sums;
}

// Rows of a chunk: a multiple of all block heights, about 2^18 elements. With
// one scale for whole columns the chunk may start anywhere.
int64_t ChunkRows(int64_t cols) {
  constexpr int64_t kHeight = 128, kElements = int64_t{1} << 18;
  return kHeight * std::max<int64_t>(1, kElements / (kHeight * cols));
}

}  // namespace

void ErrorStatistics::Add(const ErrorStatistics& other) {
  elements += other.elements;
  not_finite += other.not_finite;
  lost += other.lost;
  saturated += other.saturated;
  flushed += other.flushed;
  pruned += other.pruned;
  sum_squares += other.sum_squares;
  sum_squared_errors += other.sum_squared_errors;
  max_ulp_error = std::max(max_ulp_error, other.max_ulp_error);
}

double ErrorStatistics::relative_error() const {
  return sum_squared_errors == 0 ? 0
                                 : std::sqrt(sum_squared_errors / sum_squares);
}

double ErrorStatistics::sqnr_db() const {
  if (sum_squared_errors == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(sum_squares / sum_squared_errors);
}

bool IsSourceFloat(Dtype dtype) {
  return dtype == Dtype::kF32 || dtype == Dtype::kF16 || dtype == Dtype::kBF16;
}

ErrorStatistics Compare(const ConstMatrixView& source,
                        const ConstMatrixView& codes,
                        const ConstMatrixView& scales, const BlockInfo& block,
                        float tensor_scale, int threads) {
  // Sums of chunks are added in order, whoever made them.
  const int64_t step = ChunkRows(source.cols);
  const int64_t chunks = (source.rows + step - 1) / step;
  std::vector<ErrorStatistics> parts(static_cast<size_t>(chunks));
  const auto all = static_cast<int>(std::thread::hardware_concurrency());
  const auto workers = static_cast<size_t>(std::clamp<int64_t>(
      threads == 0 ? all : threads, 1, std::max<int64_t>(chunks, 1)));
  std::vector<std::exception_ptr> failures(workers);
  std::atomic<int64_t> next = 0;
  const auto work = [&](size_t worker) {
    try {
      for (int64_t chunk; (chunk = next++) < chunks;) {
        const int64_t first = chunk * step;
        parts[static_cast<size_t>(chunk)] =
            CompareRows(source, codes, scales, block, tensor_scale, first,
                        std::min(step, source.rows - first));
      }
    } catch (...) {
      failures[worker] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> pool;
    for (size_t i = 1; i < workers; ++i) pool.emplace_back(work, i);
    work(0);
  }
  ErrorStatistics sums;
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  for (const ErrorStatistics& part : parts) sums.Add(part);
  return sums;
}

namespace {

// What was not stored, as errors.
ErrorStatistics ComparePruned(const ConstMatrixView& source,
                              const SparsityInfo& sparsity,
                              std::span<const uint8_t> positions) {
  const auto [keep, group] = sparsity.ratio;
  ErrorStatistics sums;
  for (int64_t row = 0; row < source.rows; ++row) {
    for (int64_t col = 0; col < source.cols; col += group) {
      const auto kept = positions.first(static_cast<size_t>(keep));
      positions = positions.subspan(static_cast<size_t>(keep));
      for (int64_t i = 0; i < group; ++i) {
        if (std::find(kept.begin(), kept.end(), i) != kept.end()) continue;
        const double x = Decode(source.format, ReadCode(source, row, col + i));
        ++sums.pruned;
        ++sums.elements;
        if (!std::isfinite(x)) {
          ++sums.not_finite;
          continue;
        }
        sums.sum_squares += x * x;
        sums.sum_squared_errors += x * x;
      }
    }
  }
  return sums;
}

}  // namespace

QuantizedMatrix QuantizeTensor(const SafetensorsFile& file,
                               const TensorInfo& tensor, const BlockInfo& block,
                               const SparsityInfo* sparsity,
                               const QuantizeOptions& options,
                               ErrorStatistics* statistics) {
  const std::vector<std::byte> bytes = file.Read(tensor);
  const int64_t rows = tensor.shape[0];
  const auto view = [](auto data, Format format, int64_t m, int64_t n) {
    return MatrixView{data, format, m, n, DenseStride(format, n)};
  };
  const auto size = [](Format format, int64_t m, int64_t n) {
    return static_cast<size_t>(m * DenseStride(format, n) *
                               Info(format).storage_bits / 8);
  };
  const ConstMatrixView whole = {bytes, FormatOf(tensor.dtype), rows,
                                 tensor.shape[1], tensor.shape[1]};
  SparseMatrix kept;
  if (sparsity != nullptr) {
    kept = Compress(whole, *sparsity, LargestPositions(whole, *sparsity));
  }
  const ConstMatrixView source =
      sparsity != nullptr ? kept.codes_view() : whole;
  const int64_t cols = source.cols;
  const int64_t scale_rows = block.ScaleRows(rows);
  const int64_t scale_cols = block.ScaleCols(cols);
  QuantizedMatrix result;
  result.codes.resize(size(block.element, rows, cols));
  result.scales.resize(size(block.scale, scale_rows, scale_cols));
  const MatrixView codes =
      view(std::span(result.codes), block.element, rows, cols);
  const MatrixView scales =
      view(std::span(result.scales), block.scale, scale_rows, scale_cols);
  result.tensor_scale = Quantize(source, codes, scales, options).tensor_scale;
  if (statistics != nullptr) {
    *statistics = Compare(source, codes, scales, block, result.tensor_scale,
                          options.threads);
    if (sparsity != nullptr) {
      statistics->Add(ComparePruned(whole, *sparsity, kept.positions));
    }
  }
  result.positions = std::move(kept.positions);
  return result;
}

}  // namespace zeroulp::cli
