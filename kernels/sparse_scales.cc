// SPDX-License-Identifier: Apache-2.0
// Which block scales the sparse kernels take. No SIMD.
#include "kernels/sparse_scales.h"

#include <algorithm>

#include "zeroulp/codec.h"

namespace zeroulp::kernels {
namespace {

struct Range {
  int low = 255, high = 0;
};

Range CodeRange(const PackedMatrix& matrix) {
  const uint8_t* codes = matrix.scales();
  const int64_t count = matrix.scale_bytes();
  uint8_t low = 255, high = 0;
  for (int64_t i = 0; i < count; ++i) {
    low = std::min(low, codes[i]);
    high = std::max(high, codes[i]);
  }
  return {low, high};
}

// Whether the product of any two E8M0 scales, times 2^unit, is a normal number
// of binary32; NaN is not.
bool ExponentsFit(const PackedMatrix& a, const PackedMatrix& b, int unit) {
  const Range x = CodeRange(a), y = CodeRange(b);
  constexpr int kNan = 255, kBias = 127;
  const int low = x.low + y.low - kBias + unit;
  const int high = x.high + y.high - kBias + unit;
  return x.high != kNan && y.high != kNan && low > 0 && high < kNan;
}

}  // namespace

ScaleKind ScaleKindOf(const SparseCall& call) {
  return call.sparse->stored().scale_format() == Format::kE8M0FNU
             ? ScaleKind::kExponents
             : ScaleKind::kFactors;
}

std::string_view RefusesScales(const SparseCall& call,
                               const SparseWindow& window, size_t max_steps,
                               size_t per_step, int unit) {
  const PackedMatrix& stored = call.sparse->stored();
  const PackedMatrix& dense = *call.dense;
  const auto [keep, group] = call.sparse->sparsity();
  const int64_t block = stored.scale_block();
  if (block == 0 || dense.scale_block() * keep != block * group ||
      stored.scale_format() != dense.scale_format()) {
    return "takes scales of one format of both operands for the same products";
  }
  const size_t pass = MostWindows(max_steps, window, per_step) * window.stored;
  const auto length = static_cast<size_t>(block);
  if (length < kMinBlockSteps * per_step || length % per_step != 0 ||
      length % 4 != 0 || pass % length != 0) {
    return "takes blocks of scales that fill its passes";
  }
  if (stored.scale_format() == Format::kE8M0FNU &&
      !ExponentsFit(stored, dense, unit)) {
    return "takes scales whose products are normal binary32 numbers";
  }
  return {};
}

bool ScalesAreMedium(const PackedMatrix& matrix) {
  const Range codes = CodeRange(matrix);
  if (codes.low > codes.high) return true;  // there are none
  const FormatInfo& format = Info(matrix.scale_format());
  const auto value = [&](int code) {
    return Decode(format, static_cast<uint32_t>(code));
  };
  return static_cast<uint32_t>(codes.high) <= format.max_code() &&
         (value(codes.low) == 0 || value(codes.low) >= 0x1p-50f) &&
         value(codes.high) <= 0x1p50f;
}

}  // namespace zeroulp::kernels
