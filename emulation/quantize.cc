// SPDX-License-Identifier: Apache-2.0
// reference::Quantize and Dequantize: one block, one element, one operation at
// a time, as the formulas of kScaleRules are written.
#include <algorithm>
#include <bit>
#include <cfenv>
#include <cmath>
#include <limits>
#include <vector>

#include "zeroulp/codec.h"
#include "zeroulp/internal/check_quantize.h"
#include "zeroulp/random.h"
#include "zeroulp/reference.h"

namespace zeroulp {
namespace emulation {
namespace {

constexpr float kFloatMax = std::numeric_limits<float>::max();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Binary32 operations to nearest even, subnormals kept, whatever the caller's
// mode: the formulas are written in those.
class NearestEven {
 public:
  NearestEven() {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~NearestEven() { std::fesetenv(&saved_); }
  NearestEven(const NearestEven&) = delete;
  NearestEven& operator=(const NearestEven&) = delete;

 private:
  std::fenv_t saved_;
};

// A block, and everything about the matrix that its scale depends on.
struct Rectangle {
  int64_t row_begin, row_end, col_begin, col_end;
};

struct Matrix {
  const ConstMatrixView& source;
  const BlockInfo& block;
  ScaleRule rule;
  InfinityBlock infinity;
  float amax;
};

float Element(const ConstMatrixView& source, int64_t row, int64_t col) {
  return Decode(source.format, ReadCode(source, row, col));
}

// NaN if there is one.
float LargestMagnitude(const ConstMatrixView& source, const Rectangle& r) {
  float largest = 0;
  for (int64_t row = r.row_begin; row < r.row_end; ++row) {
    for (int64_t col = r.col_begin; col < r.col_end; ++col) {
      const float magnitude = std::fabs(Element(source, row, col));
      if (std::isnan(magnitude)) return kNan;
      largest = std::max(largest, magnitude);
    }
  }
  return largest;
}

// The same, NaN left out.
float TensorAmax(const ConstMatrixView& source) {
  float largest = 0;
  for (int64_t row = 0; row < source.rows; ++row) {
    for (int64_t col = 0; col < source.cols; ++col) {
      largest = std::fmax(largest, std::fabs(Element(source, row, col)));
    }
  }
  return largest;
}

// How the elements of a block become codes. A NaN scale needs no more.
struct BlockScale {
  uint32_t code = 0;  // in the scale format
  float value = 0;    // of the code
  float factor = 1;   // elements are multiplied by it
  float divisor = 1;  // or divided by this: one of the two is 1
  int exponent = 0;   // or multiplied by 2^exponent, exactly
};

int FloorLog2(float a) {  // of a positive number; -127 if subnormal
  return static_cast<int>(std::bit_cast<uint32_t>(a) >> 23) - 127;
}

bool IsPowerOfTwo(float a) {
  return (std::bit_cast<uint32_t>(a) & 0x7FFFFFu) == 0;
}

// The power of two for a finite a > 0, before it is clamped.
int MxExponent(ScaleRule rule, const FormatInfo& element, float a) {
  const float max = Decode(element, element.max_code());
  const int emax = FloorLog2(max);
  switch (rule) {
    case ScaleRule::kCeil:
      // Of a subnormal, -126 at most: clamped like the true one.
      return FloorLog2(a) + (IsPowerOfTwo(a) ? 0 : 1) - emax;
    case ScaleRule::kEven: {
      const uint32_t half = 1u << (22 - element.mantissa_bits);
      return FloorLog2(
                 std::bit_cast<float>(std::bit_cast<uint32_t>(a) + half)) -
             emax;
    }
    case ScaleRule::kRceil: {
      const float reciprocal = 1.0f / max;
      const float d = a * reciprocal;
      if (d < 0x1p-126f) return d <= 0x1p-127f ? -127 : -126;
      return FloorLog2(d) + (IsPowerOfTwo(d) ? 0 : 1);
    }
    case ScaleRule::kTrn3:
      return FloorLog2(a) - (emax - 1);
    default:
      return FloorLog2(a) - emax;
  }
}

BlockScale MxScale(const Matrix& m, float a) {
  BlockScale scale;
  if (a == 0) {
    scale.code = 0;
  } else if (a == kInfinity) {
    scale.code = m.infinity == InfinityBlock::kLargest ? 0xFE : 0xFF;
  } else {
    const int exponent = MxExponent(m.rule, Info(m.block.element), a);
    scale.code = static_cast<uint32_t>(std::clamp(exponent, -127, 127) + 127);
  }
  scale.exponent = 127 - static_cast<int>(scale.code);
  return scale;
}

// The tensor level of the NVFP4 rules: S and t.
struct TensorLevel {
  float encode = 1, direct = 1;
};

TensorLevel TensorScales(ScaleRule rule, float amax) {
  TensorLevel level;
  if (rule == ScaleRule::kTe || rule == ScaleRule::kFourOverSix) {
    const float largest = rule == ScaleRule::kTe ? 448 * 6 : 256 * 6;
    level.encode = amax == 0 ? 1 : std::min(largest / amax, kFloatMax);
    if (level.encode == 0) level.encode = 1;
    level.direct = 1 / level.encode;
  } else if (rule == ScaleRule::kTorchao2) {
    level.direct = amax / (448 * 6);
    if (level.direct == 0) level.direct = 1;
  }
  return level;
}

uint32_t EncodeUe4m3(float x) {
  return Encode(Format::kUE4M3, x, Rounding::kNearestEven, Overflow::kSaturate);
}

BlockScale TeScale(const TensorLevel& tensor, float fraction, float a) {
  BlockScale scale;
  const float multiplier = tensor.encode * fraction;
  scale.code = EncodeUe4m3(std::min(a * multiplier, kFloatMax));
  const float s = Decode(Format::kUE4M3, scale.code);
  const float product = s * tensor.direct;
  scale.factor = s == 0 ? 0 : std::min(1 / product, kFloatMax);
  return scale;
}

BlockScale TorchaoScale(ScaleRule rule, const TensorLevel& tensor, float a) {
  BlockScale scale;
  float b = a / 6;
  if (rule == ScaleRule::kTorchao2) b = b / tensor.direct;
  if (std::isnan(b)) {  // both were infinite
    scale.code = Info(Format::kUE4M3).nan_code();
    return scale;
  }
  scale.code = EncodeUe4m3(std::clamp(b, 0x1p-6f, 448.0f));
  const float s = Decode(Format::kUE4M3, scale.code);
  const float inverse = 1 / tensor.direct;
  scale.factor = std::min(inverse / s, kFloatMax);
  return scale;
}

BlockScale F32Scale(const Matrix& m, float a) {
  BlockScale scale;
  if (a == kInfinity) {
    if (m.infinity == InfinityBlock::kNan) {
      scale.code = internal::kF32Nan;
      return scale;
    }
    a = kFloatMax;
  }
  const FormatInfo& element = Info(m.block.element);
  float value = a / Decode(element, element.max_code());
  if (m.rule == ScaleRule::kPow2) {
    // Doubling stops at the first power of two that is not smaller.
    float power = 0x1p-126f;
    while (power < value) power *= 2;
    value = power;
  } else {
    value = std::max(value, 0x1p-149f);
  }
  if (a == 0) value = 1;
  scale.code = std::bit_cast<uint32_t>(value);
  if (m.rule == ScaleRule::kReciprocal) {
    scale.factor = std::min(1 / value, kFloatMax);
  } else {
    scale.divisor = value;
  }
  return scale;
}

// V * 2^exponent. Where binary32 cannot hold it, it is so far below the
// smallest code that any other such number of the same sign has the same code.
float Scaled(float v, int exponent) { return std::ldexp(v, exponent); }

// What is rounded to become the code of `v`.
float Quotient(const BlockScale& scale, float v) {
  return Scaled(v * scale.factor / scale.divisor, scale.exponent);
}

bool IsNanScale(const BlockInfo& block, const BlockScale& scale) {
  return std::isnan(Decode(block.scale, scale.code));
}

// The sum of squared errors of a block in one of the scales of 4over6.
double SquaredError(const Matrix& m, const Rectangle& r,
                    const TensorLevel& tensor, const BlockScale& scale) {
  const float s = Decode(Format::kUE4M3, scale.code);
  double sum = 0;
  for (int64_t row = r.row_begin; row < r.row_end; ++row) {
    for (int64_t col = r.col_begin; col < r.col_end; ++col) {
      const float v = Element(m.source, row, col);
      const uint32_t code = Encode(m.block.element, Quotient(scale, v),
                                   Rounding::kNearestEven, Overflow::kSaturate);
      const float product = Decode(m.block.element, code) * s;
      const float back = product * tensor.direct;
      const double error = static_cast<double>(v) - static_cast<double>(back);
      const double square = error * error;
      sum += square;
    }
  }
  return sum;
}

BlockScale ScaleOf(const Matrix& m, const TensorLevel& tensor,
                   const Rectangle& r) {
  const float a = LargestMagnitude(m.source, r);
  BlockScale scale;
  if (std::isnan(a)) {
    scale.code = Info(m.block.scale).nan_code();
    return scale;
  }
  switch (m.rule) {
    case ScaleRule::kTe:
      return TeScale(tensor, 1.0f / 6, a);
    case ScaleRule::kFourOverSix: {
      const BlockScale six = TeScale(tensor, 1.0f / 6, a);
      const BlockScale four = TeScale(tensor, 0.25f, a);
      return SquaredError(m, r, tensor, four) < SquaredError(m, r, tensor, six)
                 ? four
                 : six;
    }
    case ScaleRule::kTorchao1:
    case ScaleRule::kTorchao2:
      return TorchaoScale(m.rule, tensor, a);
    case ScaleRule::kDivide:
    case ScaleRule::kReciprocal:
    case ScaleRule::kPow2:
      return F32Scale(m, a);
    default:
      return MxScale(m, a);
  }
}

void WriteCodes(const Matrix& m, const Rectangle& r, const BlockScale& scale,
                const QuantizeOptions& options, const MatrixView& codes) {
  const bool nan = IsNanScale(m.block, scale);
  for (int64_t row = r.row_begin; row < r.row_end; ++row) {
    for (int64_t col = r.col_begin; col < r.col_end; ++col) {
      const float v = Element(m.source, row, col);
      RandomBits random;
      if (options.rounding == Rounding::kStochastic) {
        random.bits = RandomWord(*options.seed,
                                 static_cast<uint64_t>(row * codes.cols + col));
      }
      WriteCode(codes, row, col,
                Encode(m.block.element, nan ? kNan : Quotient(scale, v),
                       options.rounding, Overflow::kSaturate, random));
    }
  }
}

// Calls visit(scale row, scale column, rectangle) for every block.
template <class Visit>
void ForEachBlock(const BlockInfo& block, int64_t rows, int64_t cols,
                  const Visit& visit) {
  const int64_t height = block.block_rows == 0 ? rows : block.block_rows;
  const int64_t width = block.block_cols == 0 ? cols : block.block_cols;
  for (int64_t i = 0; i < block.ScaleRows(rows); ++i) {
    for (int64_t j = 0; j < block.ScaleCols(cols); ++j) {
      visit(i, j,
            Rectangle{i * height, std::min((i + 1) * height, rows), j * width,
                      std::min((j + 1) * width, cols)});
    }
  }
}

}  // namespace
}  // namespace emulation

namespace reference {

QuantizeResult Quantize(const ConstMatrixView& source, const MatrixView& codes,
                        const MatrixView& scales,
                        const QuantizeOptions& options) {
  const internal::BlockChoice choice =
      internal::CheckQuantize(source, codes, scales, options);
  const emulation::NearestEven environment;
  const float amax =
      options.amax ? *options.amax : emulation::TensorAmax(source);
  const ScaleRule rule = choice.rule->id;
  const emulation::Matrix matrix = {source, *choice.block, rule,
                                    options.infinity, amax};
  const emulation::TensorLevel tensor = emulation::TensorScales(rule, amax);
  emulation::ForEachBlock(
      *choice.block, source.rows, source.cols,
      [&](int64_t i, int64_t j, const emulation::Rectangle& r) {
        const emulation::BlockScale scale =
            emulation::ScaleOf(matrix, tensor, r);
        WriteCode(scales, i, j, scale.code);
        emulation::WriteCodes(matrix, r, scale, options, codes);
      });
  return {amax, tensor.direct};
}

void Dequantize(const ConstMatrixView& codes, const ConstMatrixView& scales,
                const MatrixView& destination,
                const DequantizeOptions& options) {
  const BlockInfo& block =
      internal::CheckDequantize(codes, scales, destination, options);
  const emulation::NearestEven environment;
  emulation::ForEachBlock(
      block, destination.rows, destination.cols,
      [&](int64_t i, int64_t j, const emulation::Rectangle& r) {
        const float s = Decode(block.scale, ReadCode(scales, i, j));
        for (int64_t row = r.row_begin; row < r.row_end; ++row) {
          for (int64_t col = r.col_begin; col < r.col_end; ++col) {
            const float p = Decode(block.element, ReadCode(codes, row, col));
            const float product = p * s;
            const float value = product * options.tensor_scale;
            WriteCode(destination, row, col,
                      std::isnan(value) ? internal::kF32Nan
                                        : std::bit_cast<uint32_t>(value));
          }
        }
      });
}

}  // namespace reference
}  // namespace zeroulp
