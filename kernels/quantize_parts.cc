// SPDX-License-Identifier: Apache-2.0
// Largest magnitudes, scales and codes of parts of a matrix: the SIMD half of
// Quantize. A part is read once for the amax of its blocks and again, from the
// cache, for the codes.
#include <algorithm>
#include <limits>

#include "kernels/quantize.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quantize_parts.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/amax-inl.h"
#include "kernels/element_coder-inl.h"
#include "kernels/scale_rule-inl.h"
#include "kernels/segment-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

// The scales of the blocks of a part, in order of their columns.
template <size_t kBlocks>
struct alignas(64) PartScales {
  int32_t code[kBlocks];
  float factor[kBlocks];  // ScaleLanes::factor
};

// The values of all codes of e2m1fn.
constexpr float kE2m1Values[16] = {0,     0.5f,  1,  1.5f,  2,  3,  4,  6,
                                   -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};

// Everything that is set up once for many parts.
class PartQuantizer {
 public:
  explicit PartQuantizer(const QuantizeJob& job)
      : job_(job),
        decode_f16_(Info(Format::kF16)),
        coder_(job),
        rule_(job.rule, job.infinity, Info(job.block.element), job.tensor,
              1.0f / 6.0f) {}

  // Returns Amax::number of the part.
  uint32_t operator()(const Part& part) {
    const auto cols = static_cast<size_t>(part.col_end - part.col_begin);
    // One block across, or blocks that divide a segment.
    const size_t width = job_.block.block_cols == 0
                             ? Padded(cols)
                             : static_cast<size_t>(job_.block.block_cols);
    const size_t num_blocks = (cols + width - 1) / width;
    std::fill_n(amax_, Padded(num_blocks), 0);
    loaded_ = false;
    uint32_t number = 0;
    if (job_.known_amax) {
      amax_[0] = static_cast<int32_t>(*job_.known_amax);
    } else {
      number = FindAmax(part, width, num_blocks);
    }
    ApplyRule(rule_, num_blocks, scales_.code, scales_.factor);
    if (job_.rule == ScaleRule::kFourOverSix) {
      ChooseFourOrSix(part, width, num_blocks);
    }
    StoreScales(part, num_blocks);
    ForEachSegment(part, [&](int64_t row, int64_t col, size_t n,
                             const float* x) HWY_ATTR {
      const size_t first = static_cast<size_t>(col - part.col_begin) / width;
      StoreCodes(row, col, n, x, width, scales_.factor + first);
    });
    return number;
  }

 private:
  static constexpr size_t kFourOverSixBlocks = kSegmentSize / 16;

  // Calls visit(row, col, n, values) row by row, from left to right.
  template <class Visit>
  void ForEachSegment(const Part& part, const Visit& visit) {
    // The only segment of a part is loaded once and stays where it is.
    const bool single = part.row_end - part.row_begin == 1 &&
                        part.col_end - part.col_begin <= kSegment;
    for (int64_t row = part.row_begin; row < part.row_end; ++row) {
      for (int64_t col = part.col_begin; col < part.col_end; col += kSegment) {
        const auto n =
            static_cast<size_t>(std::min(kSegment, part.col_end - col));
        if (!single || !loaded_) {
          values_ = LoadSegment(job_.source, decode_f16_, row, col, n,
                                buffers_.values);
          loaded_ = true;
        }
        visit(row, col, n, values_);
      }
    }
  }

  uint32_t FindAmax(const Part& part, size_t width, size_t num_blocks) {
    ForEachSegment(part, [&](int64_t, int64_t col, size_t n,
                             const float* x) HWY_ATTR {
      const size_t first = static_cast<size_t>(col - part.col_begin) / width;
      RaiseAmax(x, Padded(n), width, amax_ + first);
    });
    VI largest = hn::Zero(DI());
    for (size_t i = 0; i < num_blocks; i += hn::Lanes(DI())) {
      largest = hn::Max(largest, hn::LoadU(DI(), amax_ + i));
    }
    const int32_t any = hn::GetLane(hn::MaxOfLanes(DI(), largest));
    return any <= 0x7F800000 ? static_cast<uint32_t>(any)
                             : AmaxOf(job_.source, part).number;
  }

  void ApplyRule(const ScaleRuleLanes& rule, size_t num_blocks, int32_t* code,
                 float* factor) const {
    for (size_t i = 0; i < num_blocks; i += hn::Lanes(DI())) {
      const ScaleLanes scale = rule(hn::LoadU(DI(), amax_ + i));
      hn::StoreU(scale.code, DI(), code + i);
      hn::StoreU(scale.factor, DF(), factor + i);
    }
  }

  // Replaces the scales found with fl(1/6) where 1/4 leaves a smaller error.
  void ChooseFourOrSix(const Part& part, size_t width, size_t num_blocks) {
    PartScales<kFourOverSixBlocks> four;
    double six_errors[kFourOverSixBlocks] = {};
    double four_errors[kFourOverSixBlocks] = {};
    ApplyRule(ScaleRuleLanes(job_.rule, job_.infinity, Info(job_.block.element),
                             job_.tensor, 0.25f),
              num_blocks, four.code, four.factor);
    ForEachSegment(
        part, [&](int64_t, int64_t, size_t n, const float* x) HWY_ATTR {
          AddErrors(x, n, width, scales_.code, scales_.factor, six_errors);
          AddErrors(x, n, width, four.code, four.factor, four_errors);
        });
    for (size_t b = 0; b < num_blocks; ++b) {
      if (!(four_errors[b] < six_errors[b])) continue;
      scales_.code[b] = four.code[b];
      scales_.factor[b] = four.factor[b];
    }
  }

  // One element after the other: the order of the sum is part of the rule.
  void AddErrors(const float* x, size_t n, size_t width, const int32_t* code,
                 const float* factor, double* errors) {
    coder_.Nearest(x, n, width, factor, buffers_.codes);
    for (size_t i = 0; i < n; ++i) {
      const size_t b = i / width;
      const float s = job_.scale_values[static_cast<size_t>(code[b])];
      const float product = kE2m1Values[buffers_.codes[i]] * s;
      const float back = product * job_.tensor.direct;
      const double error =
          static_cast<double>(x[i]) - static_cast<double>(back);
      errors[b] += error * error;
    }
  }

  void StoreScales(const Part& part, size_t num_blocks) const {
    // Parts of one block all compute its scale, the first one writes it.
    if (job_.known_amax && (part.row_begin != 0 || part.col_begin != 0)) return;
    const BlockInfo& block = job_.block;
    const int64_t row =
        block.block_rows == 0 ? 0 : part.row_begin / block.block_rows;
    const int64_t col =
        block.block_cols == 0 ? 0 : part.col_begin / block.block_cols;
    std::byte* to = ElementAt(job_.scales, row, col);
    if (block.scale == Format::kF32) {
      std::memcpy(to, scales_.code, num_blocks * sizeof(int32_t));
      return;
    }
    uint8_t bytes[kSegmentSize];
    for (size_t i = 0; i < num_blocks; i += hn::Lanes(DI())) {
      const VI code = hn::LoadU(DI(), scales_.code + i);
      hn::StoreU(hn::U8FromU32(hn::BitCast(DU(), code)),
                 hn::Rebind<uint8_t, DI>(), bytes + i);
    }
    std::memcpy(to, bytes, num_blocks);
  }

  void StoreCodes(int64_t row, int64_t col, size_t n, const float* x,
                  size_t width, const float* factors) {
    auto* to = reinterpret_cast<uint8_t*>(ElementAt(job_.codes, row, col));
    const bool nibbles = Info(job_.codes.format).storage_bits == 4;
    const bool in_place = !nibbles && Padded(n) == n;
    uint8_t* bytes = in_place ? to : buffers_.codes;
    coder_(x, n, width, factors,
           static_cast<uint64_t>(row * job_.source.cols + col), bytes);
    if (nibbles) {
      PackNibbles(bytes, n, to);
    } else if (!in_place) {
      std::memcpy(to, bytes, n);
    }
  }

  const QuantizeJob& job_;
  Decoder decode_f16_;
  ElementCoder coder_;
  ScaleRuleLanes rule_;
  SegmentBuffers buffers_;
  const float* values_ = nullptr;
  bool loaded_ = false;
  alignas(64) int32_t amax_[kSegmentSize];  // Amax::any of the blocks
  PartScales<kSegmentSize> scales_;
};

Amax AmaxOfPartsTarget(const ConstMatrixView& source, const PartGrid& grid,
                       int64_t begin, int64_t end) {
  Amax amax;
  for (int64_t i = begin; i < end; ++i) {
    const Amax part = AmaxOf(source, PartOf(grid, i));
    amax = {std::max(amax.any, part.any), std::max(amax.number, part.number)};
  }
  return amax;
}

uint32_t QuantizePartsTarget(const QuantizeJob& job, const PartGrid& grid,
                             int64_t begin, int64_t end) {
  PartQuantizer quantize(job);
  uint32_t number = 0;
  for (int64_t i = begin; i < end; ++i) {
    number = std::max(number, quantize(PartOf(grid, i)));
  }
  return number;
}

TensorLevel MakeTensorLevelTarget(ScaleRule rule, float amax) {
  constexpr float kMax = std::numeric_limits<float>::max();
  TensorLevel level;
  if (rule == ScaleRule::kTe || rule == ScaleRule::kFourOverSix) {
    const float largest = rule == ScaleRule::kTe ? 2688.0f : 1536.0f;
    const float quotient = largest / amax;  // of zero: infinity
    level.encode = amax == 0 || quotient == 0 ? 1 : std::min(quotient, kMax);
    level.direct = 1 / level.encode;
  } else if (rule == ScaleRule::kTorchao2) {
    const float quotient = amax / 2688.0f;
    level.direct = quotient == 0 ? 1 : quotient;
  }
  return level;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {

HWY_EXPORT(AmaxOfPartsTarget);
HWY_EXPORT(QuantizePartsTarget);
HWY_EXPORT(MakeTensorLevelTarget);

}  // namespace

Amax AmaxOfParts(const ConstMatrixView& source, const PartGrid& grid,
                 int64_t begin, int64_t end) noexcept {
  return HWY_DYNAMIC_DISPATCH(AmaxOfPartsTarget)(source, grid, begin, end);
}

uint32_t QuantizeParts(const QuantizeJob& job, const PartGrid& grid,
                       int64_t begin, int64_t end) noexcept {
  return HWY_DYNAMIC_DISPATCH(QuantizePartsTarget)(job, grid, begin, end);
}

TensorLevel MakeTensorLevel(ScaleRule rule, float amax) noexcept {
  return HWY_DYNAMIC_DISPATCH(MakeTensorLevelTarget)(rule, amax);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
