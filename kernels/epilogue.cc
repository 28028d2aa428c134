// SPDX-License-Identifier: Apache-2.0
#include "kernels/targets.h"

#include "kernels/epilogue.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/epilogue.cc"  // this file, per target
#include <algorithm>
#include <cstring>
#include <limits>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/convert.h"
#include "kernels/ops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

// Sums in binary32 at a time: they and their bias stay in L1, and the calls of
// the conversions are paid for. A multiple of every vector.
constexpr size_t kRun = 256;

template <class View>
auto* ElementOf(const View& view, int64_t row, int64_t col) {
  const int64_t bytes = Info(view.format).storage_bits / 8;
  return view.bytes.data() + (row * view.row_stride + col) * bytes;
}

// `count` elements of f32, f16 or bf16 as binary32.
void Widen(const ConstMatrixView& from, int64_t row, int64_t col, size_t count,
           float* HWY_RESTRICT to) {
  const std::byte* source = ElementOf(from, row, col);
  if (from.format == Format::kF32) {
    std::memcpy(to, source, count * sizeof(float));
    return;
  }
  const DecodeJob job = {
      .source = &Info(from.format), .target = Format::kF32, .streams = false};
  DecodeRun(job, source, count, reinterpret_cast<std::byte*>(to));
}

// Steps in binary32, in place, whole vectors, each rounded: no target fuses
// them.
void Multiply(float factor, size_t count, float* HWY_RESTRICT x) {
  const DF df;
  const VF factors = hn::Set(df, factor);
  for (size_t i = 0; i < count; i += hn::Lanes(df)) {
    hn::Store(hn::Mul(hn::Load(df, x + i), factors), df, x + i);
  }
}
void Multiply(const float* HWY_RESTRICT factors, size_t count,
              float* HWY_RESTRICT x) {
  const DF df;
  for (size_t i = 0; i < count; i += hn::Lanes(df)) {
    hn::Store(hn::Mul(hn::Load(df, x + i), hn::Load(df, factors + i)), df,
              x + i);
  }
}
void Add(const float* HWY_RESTRICT addends, size_t count,
         float* HWY_RESTRICT x) {
  const DF df;
  for (size_t i = 0; i < count; i += hn::Lanes(df)) {
    hn::Store(hn::Add(hn::Load(df, x + i), hn::Load(df, addends + i)), df,
              x + i);
  }
}

// What a run of columns has, as binary32.
struct Columns {
  alignas(64) float scales[kRun] = {}, bias[kRun] = {};
};

// The epilogue up to the conversion, of `count` sums of row m in x.
void ScaleAndAdd(const Epilogue& epilogue, const Columns& columns, int64_t m,
                 size_t count, float* HWY_RESTRICT x) {
  if (epilogue.alpha) Multiply(*epilogue.alpha, count, x);
  if (epilogue.b_row_scales.cols != 0) Multiply(columns.scales, count, x);
  if (epilogue.a_row_scales.cols != 0) {
    float scale = 0;
    Widen(epilogue.a_row_scales, 0, m, 1, &scale);
    Multiply(scale, count, x);
  }
  if (epilogue.bias.cols != 0) Add(columns.bias, count, x);
}

// Binary32 results, in place: the row's NaN, and no infinity if they saturate.
void Canonicalise(uint32_t nan_word, bool saturate, size_t count,
                  float* HWY_RESTRICT x) {
  const DF df;
  const VF nan = hn::BitCast(df, hn::Set(hn::RebindToUnsigned<DF>(), nan_word));
  const VF largest = hn::Set(df, std::numeric_limits<float>::max());
  for (size_t i = 0; i < count; i += hn::Lanes(df)) {
    const VF value = hn::Load(df, x + i);
    const VF bounded =
        saturate ? hn::Min(hn::Max(value, hn::Neg(largest)), largest) : value;
    hn::Store(hn::IfThenElse(hn::IsNaN(value), nan, bounded), df, x + i);
  }
}

void FinishTarget(const GemmCall& call) {
  const Epilogue& epilogue = *call.epilogue;
  const MatrixView& d = epilogue.d;
  const Overflow overflow = epilogue.convert.value_or(Overflow::kIeee);
  const bool own_format = d.format == call.row->output;
  // The row's NaN is one of a format's two: see EveryNanIsKnown.
  const bool ones =
      own_format && call.row->nan_word == Info(d.format).magnitude_mask();
  const EncodeJob job = {
      .source = Format::kF32,
      .target = &Info(d.format),
      .rules = {.rounding = Rounding::kNearestEven,
                .overflow = overflow,
                .nan = ones ? NanRule::kOnesPositive : NanRule::kPositive},
      .layout = nullptr,
      .words = nullptr,
      .seed = 0,
      .streams = false};
  const uint32_t nan_word =
      own_format ? call.row->nan_word : Info(Format::kF32).nan_code();
  const bool has_scales = epilogue.b_row_scales.cols != 0;
  const bool has_bias = epilogue.bias.cols != 0;
  // Whole vectors are computed where fewer lanes count.
  alignas(64) float x[kRun] = {};
  Columns columns;
  for (int64_t n = call.n_begin; n < call.n_end; n += int64_t{kRun}) {
    const auto count =
        static_cast<size_t>(std::min(int64_t{kRun}, call.n_end - n));
    if (has_scales) Widen(epilogue.b_row_scales, 0, n, count, columns.scales);
    if (has_bias) Widen(epilogue.bias, 0, n, count, columns.bias);
    for (int64_t m = call.m_begin; m < call.m_end; ++m) {
      Widen(call.d, m, n, count, x);
      ScaleAndAdd(epilogue, columns, m, count, x);
      if (d.format == Format::kF32) {
        Canonicalise(nan_word, overflow == Overflow::kSaturate, count, x);
        std::memcpy(ElementOf(d, m, n), x, count * sizeof(float));
      } else {
        EncodeRun(job, reinterpret_cast<const std::byte*>(x), count,
                  ElementOf(d, m, n), 0);
      }
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {
HWY_EXPORT(FinishTarget);

// A format's canonical NaN, or the one whose bits are all ones.
constexpr bool EveryNanIsKnown() {
  return std::all_of(kArith.begin(), kArith.end(), [](const ArithInfo& row) {
    const FormatInfo& f = Info(row.output);
    return row.nan_word == f.nan_code() || row.nan_word == f.magnitude_mask();
  });
}
static_assert(EveryNanIsKnown());

}  // namespace

void Finish(const GemmCall& call) noexcept {
  HWY_DYNAMIC_DISPATCH(FinishTarget)(call);
}
}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
