// SPDX-License-Identifier: Apache-2.0
// Codes and scales back to values: the SIMD half of Dequantize.
#include <algorithm>
#include <bit>

#include "kernels/quantize.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dequantize_parts.cc"  // per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/decode-inl.h"
#include "kernels/segment-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

class PartDequantizer {
 public:
  explicit PartDequantizer(const DequantizeJob& job)
      : job_(job), decode_(Info(job.block.element)) {}

  void operator()(const Part& part) {
    const int64_t row = part.row_begin;
    const auto n = static_cast<size_t>(part.col_end - part.col_begin);
    const uint8_t* codes = LoadCodes(row, part.col_begin, n);
    auto* to = reinterpret_cast<float*>(
        ElementAt(job_.destination, row, part.col_begin));
    // The last vector of a row may reach past it.
    float* values = Padded(n) == n ? to : buffers_.values;
    if (job_.block.block_cols == 1) {
      Columns(codes, part, n, values);
    } else {
      Blocks(codes, part, n, values);
    }
    if (values != to) std::memcpy(to, values, n * sizeof(float));
  }

 private:
  // Padded(n) codes, one a byte.
  const uint8_t* LoadCodes(int64_t row, int64_t col, size_t n) {
    const auto* from =
        reinterpret_cast<const uint8_t*>(ElementAt(job_.codes, row, col));
    if (Info(job_.codes.format).storage_bits == 4) {
      UnpackNibbles(from, n, buffers_.codes);
    } else if (Padded(n) == n) {
      return from;
    } else {
      std::memcpy(buffers_.codes, from, n);
    }
    std::fill(buffers_.codes + n, buffers_.codes + Padded(n), uint8_t{0});
    return buffers_.codes;
  }

  float ScaleAt(int64_t row, int64_t col) const {
    const std::byte* from = ElementAt(job_.scales, row, col);
    if (job_.block.scale != Format::kF32) {
      const auto code = std::to_integer<size_t>(*from);
      return job_.scale_values[code];
    }
    float scale;
    std::memcpy(&scale, from, sizeof(scale));
    return scale;
  }

  int64_t ScaleRow(int64_t row) const {
    return job_.block.block_rows == 0 ? 0 : row / job_.block.block_rows;
  }

  HWY_INLINE VF Values(const uint8_t* codes, VF scale) const {
    const DF df;
    const DI di;
    const hn::Rebind<uint8_t, DF> d8;
    const VF p = decode_(hn::PromoteTo(di, hn::LoadU(d8, codes)));
    const VF value = hn::Mul(hn::Mul(p, scale), hn::Set(df, job_.tensor_scale));
    // NaN differs from one instruction set to the next.
    return hn::IfThenElse(hn::Eq(value, value), value,
                          hn::BitCast(df, hn::Set(di, 0x7FC00000)));
  }

  void Blocks(const uint8_t* HWY_RESTRICT codes, const Part& part, size_t n,
              float* HWY_RESTRICT values) const {
    const DF df;
    const size_t padded = Padded(n);
    const size_t width = job_.block.block_cols == 0
                             ? padded
                             : static_cast<size_t>(job_.block.block_cols);
    int64_t block =
        job_.block.block_cols == 0 ? 0 : part.col_begin / job_.block.block_cols;
    const int64_t scale_row = ScaleRow(part.row_begin);
    for (size_t begin = 0; begin < padded; begin += width, ++block) {
      const VF scale = hn::Set(df, ScaleAt(scale_row, block));
      const size_t end = std::min(padded, begin + width);
      for (size_t i = begin; i < end; i += hn::Lanes(df)) {
        hn::StoreU(Values(codes + i, scale), df, values + i);
      }
    }
  }

  void Columns(const uint8_t* HWY_RESTRICT codes, const Part& part, size_t n,
               float* HWY_RESTRICT values) {
    const DF df;
    const int64_t scale_row = ScaleRow(part.row_begin);
    std::memcpy(scales_, ElementAt(job_.scales, scale_row, part.col_begin),
                n * sizeof(float));
    std::fill(scales_ + n, scales_ + Padded(n), 0.0f);
    for (size_t i = 0; i < n; i += hn::Lanes(df)) {
      hn::StoreU(Values(codes + i, hn::LoadU(df, scales_ + i)), df, values + i);
    }
  }

  const DequantizeJob& job_;
  Decoder decode_;
  SegmentBuffers buffers_;
  alignas(64) float scales_[kSegmentSize];  // of columns
};

void DequantizePartsTarget(const DequantizeJob& job, const PartGrid& grid,
                           int64_t begin, int64_t end) {
  PartDequantizer dequantize(job);
  for (int64_t i = begin; i < end; ++i) dequantize(PartOf(grid, i));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {

HWY_EXPORT(DequantizePartsTarget);

}  // namespace

void DequantizeParts(const DequantizeJob& job, const PartGrid& grid,
                     int64_t begin, int64_t end) noexcept {
  HWY_DYNAMIC_DISPATCH(DequantizePartsTarget)(job, grid, begin, end);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
