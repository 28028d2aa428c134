// SPDX-License-Identifier: Apache-2.0
#include "tools/checkpoint_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "zeroulp/codec.h"
#include "zeroulp/convert.h"
#include "zeroulp/view.h"

namespace zeroulp::cli {
namespace {

std::optional<Format> FormatOf(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32:
      return Format::kF32;
    case Dtype::kF16:
      return Format::kF16;
    case Dtype::kBF16:
      return Format::kBF16;
    case Dtype::kF8E4M3:
      return Format::kE4M3FN;
    case Dtype::kF8E5M2:
      return Format::kE5M2;
    case Dtype::kF8E8M0:
      return Format::kE8M0FNU;
    case Dtype::kF4:
      return Format::kE2M1FN;
    default:
      return {};
  }
}

// Calls `use` with the tensor's values, some at a time, read as `format`.
void ForPieces(const SafetensorsFile& file, const TensorInfo& tensor,
               Format format, int64_t piece_elements,
               const std::function<void(std::span<const float>)>& use) {
  const int bits = Info(format).storage_bits;
  const int64_t elements = tensor.size_bytes * 8 / bits;
  std::vector<std::byte> bytes;
  std::vector<float> values;
  for (int64_t first = 0; first < elements; first += piece_elements) {
    const int64_t count = std::min(piece_elements, elements - first);
    bytes.resize(static_cast<size_t>(count * bits / 8));
    values.resize(static_cast<size_t>(count));
    file.Read(tensor, first * bits / 8, bytes);
    if (format == Format::kF32) {
      std::memcpy(values.data(), bytes.data(), bytes.size());
    } else {
      Decode({bytes, format, 1, count, DenseStride(format, count)},
             F32View(values, 1, count));
    }
    use(values);
  }
}

class RangeScan {
 public:
  explicit RangeScan(int64_t row_length) : row_length_(row_length) {}

  template <typename Value>
  void operator()(std::span<const Value> values) {
    for (const Value value : values) {
      Add(static_cast<double>(value));
      if (++column_ != row_length_) continue;
      range_.zero_rows += row_is_zero_;
      row_is_zero_ = true;
      column_ = 0;
    }
  }
  const ValueRange& range() const { return range_; }

 private:
  void Add(double value) {
    if (value != 0) row_is_zero_ = false;
    if (std::isnan(value)) {
      ++range_.nan;
    } else if (std::isinf(value)) {
      ++range_.infinite;
    } else {
      const bool first = range_.finite++ == 0;
      range_.min = first ? value : std::min(range_.min, value);
      range_.max = first ? value : std::max(range_.max, value);
    }
  }

  ValueRange range_;
  int64_t row_length_, column_ = 0;
  bool row_is_zero_ = true;
};

constexpr int64_t kPiece = int64_t{1} << 18;

// The scales of a group as numbers, and what is wrong with them.
std::vector<float> ReadScales(const SafetensorsFile& file,
                              const MatrixGroup& group,
                              std::vector<Finding>& findings) {
  const Format format = group.blocks[0]->scale == Format::kF32
                            ? *FormatOf(group.scale->dtype)
                            : group.blocks[0]->scale;
  std::vector<float> scales;
  ForPieces(file, *group.scale, format, kPiece,
            [&](std::span<const float> piece) {
              scales.insert(scales.end(), piece.begin(), piece.end());
            });
  const auto count = [&](auto wrong) {
    return std::count_if(scales.begin(), scales.end(), wrong);
  };
  const auto complain = [&](int64_t number, std::string_view what) {
    if (number == 0) return;
    findings.push_back(
        {true, group.scale->name,
         fmt::format("{} of {} scales are {}", number, scales.size(), what)});
  };
  complain(count([](float s) { return !std::isfinite(s); }),
           "NaN or infinite: their blocks are lost");
  complain(count([](float s) { return s < 0; }), "negative");
  if (format == Format::kUE4M3) {  // decoding ignores the sign bit
    int64_t negative = 0;
    for (const std::byte code : file.Read(*group.scale)) {
      negative += (code & std::byte{0x80}) != std::byte{0};
    }
    complain(negative, "negative");
  }
  const float zero = format == Format::kE8M0FNU ? 0x1p-127f : 0.0f;
  const int64_t zeros = count([&](float s) { return s == zero; });
  if (!scales.empty() && zeros == static_cast<int64_t>(scales.size())) {
    complain(zeros,
             format == Format::kE8M0FNU ? "00, the smallest there is" : "zero");
  }
  return scales;
}

// What blocks of a matrix have in common.
struct BlockSummary {
  double abs_max = 0, inverted_max = 0;  // |P| * s, |P| / s
  double largest_code = 0;               // |P|
  // floor(log2) of the largest |P| of the block where that is smallest
  int lowest_top = std::numeric_limits<int>::max();
  int64_t blocks = 0;  // not all zeros, their scale finite
};

BlockSummary ScanBlocks(const SafetensorsFile& file, const MatrixGroup& group,
                        std::span<const float> scales) {
  const BlockInfo& block = *group.blocks[0];
  const int64_t height = block.block_rows == 0 ? group.rows : block.block_rows;
  const int64_t width = block.block_cols == 0 ? group.cols : block.block_cols;
  // Largest |P| of each block of the strip of `height` rows being read.
  std::vector<float> strip(static_cast<size_t>(group.scale_cols));
  BlockSummary sum;
  int64_t row = 0, col = 0;
  const auto end_strip = [&] {
    const float* scale = scales.data() + (row - 1) / height * group.scale_cols;
    for (size_t i = 0; i < strip.size(); ++i) {
      const double s = scale[i], p = strip[i];
      if (p == 0 || s <= 0 || !std::isfinite(s)) continue;
      ++sum.blocks;
      sum.abs_max = std::max(sum.abs_max, p * s);
      sum.inverted_max = std::max(sum.inverted_max, p / s);
      sum.largest_code = std::max(sum.largest_code, p);
      sum.lowest_top = std::min(sum.lowest_top, std::ilogb(p));
    }
    std::fill(strip.begin(), strip.end(), 0.0f);
  };
  ForPieces(file, *group.codes, group.element, kPiece,
            [&](std::span<const float> piece) {
              for (const float p : piece) {
                float& largest = strip[static_cast<size_t>(col / width)];
                if (std::abs(p) > largest && !std::isinf(p)) {
                  largest = std::abs(p);
                }
                if (++col != group.cols) continue;
                col = 0;
                ++row;
                if (row % height == 0 || row == group.rows) end_strip();
              }
            });
  return sum;
}

// Which rule leaves such codes: see ScaleRule. E8M0 alone.
std::string GuessMxRule(const BlockSummary& sum, const FormatInfo& element) {
  if (sum.blocks == 0) return "unknown: all blocks are zero";
  const double max = Decode(element, element.max_code());
  const int emax = std::ilogb(max);
  const char* rule = "unknown: some blocks leave more than a binade unused";
  if (sum.lowest_top == emax) {
    rule = "floor or even: every block reaches the element's top binade";
  } else if (sum.lowest_top == emax - 1) {
    rule = sum.largest_code > std::ldexp(1, emax)
               ? "rceil: blocks end in the top two binades, up to the largest "
                 "value"
               : "ceil or trn3: no block goes beyond the top power of two";
  }
  return fmt::format("{} ({} blocks)", rule, sum.blocks);
}

std::string GuessRule(const MatrixGroup& group, const BlockSummary& sum,
                      std::span<const float> scales, float tensor_scale) {
  const BlockInfo& block = *group.blocks[0];
  if (block.scale == Format::kE8M0FNU) {
    return GuessMxRule(sum, Info(block.element));
  }
  const float largest =
      scales.empty() ? 0.0f : *std::max_element(scales.begin(), scales.end());
  if (block.scale == Format::kUE4M3) {
    if (tensor_scale == 1) return "torchao-1: the tensor scale is 1";
    if (largest == 448) return "te or torchao-2: the largest scale is 448";
    if (largest == 256 || largest == 384) {  // 1536 / 6, 1536 / 4
      return fmt::format("4over6: the largest scale is {}", largest);
    }
    return fmt::format("unknown: the largest scale is {}, not 448, 384 or 256",
                       largest);
  }
  const bool powers = std::all_of(scales.begin(), scales.end(), [](float s) {
    int exponent = 0;
    return std::isfinite(s) && s > 0 && std::frexp(s, &exponent) == 0.5f;
  });
  return powers ? "pow2: all scales are powers of two"
                : "divide or reciprocal: scales are no powers of two";
}

// A weight beyond 2688 = 448 * 6 would need an NVFP4 tensor scale above 1, and
// one below 2^-24 would be lost in any sum: either is likelier a scale used
// the wrong way round.
bool Plausible(double abs_max) { return abs_max >= 0x1p-24 && abs_max <= 2688; }

void CheckMagnitude(const MatrixGroup& group, double abs_max, double inverted,
                    std::vector<Finding>& findings) {
  if (abs_max == 0 || Plausible(abs_max)) return;
  const TensorInfo* scale =
      group.tensor_scale != nullptr ? group.tensor_scale : group.scale;
  findings.push_back(
      {true, scale->name,
       Plausible(inverted)
           ? fmt::format(
                 "looks inverted: the largest magnitude of {} is {:.3g} "
                 "with it, {:.3g} with its reciprocal",
                 group.codes->name, abs_max, inverted)
           : fmt::format("the largest magnitude of {} is {:.3g}, which no "
                         "weight has",
                         group.codes->name, abs_max)});
}

// The factor of the whole matrix, in the direct convention.
double TensorScale(const SafetensorsFile& file, const MatrixGroup& group,
                   std::vector<Finding>& findings) {
  if (group.tensor_scale == nullptr) return 1;
  const TensorInfo& tensor = *group.tensor_scale;
  const auto complain = [&](const std::string& text) {
    findings.push_back({true, tensor.name, text});
    return 1.0;
  };
  if (tensor.dtype != Dtype::kF32 || tensor.num_elements() != 1) {
    return complain(
        fmt::format("is {}, a tensor scale is one F32", tensor.ToString()));
  }
  float scale = 0;
  file.Read(tensor, 0, std::as_writable_bytes(std::span(&scale, 1)));
  if (!(scale > 0) || !std::isfinite(scale)) {
    return complain(fmt::format("is {}, a tensor scale is positive", scale));
  }
  return group.naming->convention == TensorScaleConvention::kDirect
             ? scale
             : 1 / double{scale};
}

}  // namespace

std::optional<ValueRange> ScanTensor(const SafetensorsFile& file,
                                     const TensorInfo& tensor) {
  const std::optional<Format> format = FormatOf(tensor.dtype);
  if (tensor.size_bytes == 0) return {};
  RangeScan scan(tensor.shape.size() < 2 ? 0 : tensor.shape.back());
  if (tensor.dtype == Dtype::kF64) {
    std::vector<double> values;
    for (int64_t first = 0; first < tensor.num_elements(); first += kPiece) {
      values.resize(
          static_cast<size_t>(std::min(kPiece, tensor.num_elements() - first)));
      file.Read(tensor, 8 * first, std::as_writable_bytes(std::span(values)));
      scan(std::span<const double>(values));
    }
    return scan.range();
  }
  if (!format) return {};
  ForPieces(file, tensor, *format, kPiece,
            [&](std::span<const float> values) { scan(values); });
  return scan.range();
}

GroupReport ScanGroup(const SafetensorsFile& file, const MatrixGroup& group,
                      std::vector<Finding>& findings) {
  const std::vector<float> scales = ReadScales(file, group, findings);
  const double factor = TensorScale(file, group, findings);
  const BlockSummary sum = ScanBlocks(file, group, scales);
  GroupReport report;
  report.abs_max = sum.abs_max * factor;
  report.guess = GuessRule(group, sum, scales, static_cast<float>(factor));
  const BlockInfo& block = *group.blocks[0];
  if (group.tensor_scale != nullptr) {
    CheckMagnitude(group, report.abs_max, sum.abs_max / factor, findings);
  } else if (block.scale == Format::kF32) {
    CheckMagnitude(group, sum.abs_max, sum.inverted_max, findings);
  }
  if (block.has_tensor_scale && group.tensor_scale == nullptr) {
    findings.push_back(
        {true, group.codes->name,
         fmt::format("{} without a tensor scale beside it", block.name)});
  }
  return report;
}

}  // namespace zeroulp::cli
