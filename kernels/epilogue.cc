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

// The steps in binary32, in place, whole vectors; `bias` may be null. Two
// roundings: no target fuses them.
void ScaleAndAdd(const std::optional<float>& alpha, const float* bias,
                 size_t count, float* HWY_RESTRICT x) {
  const DF df;
  const size_t lanes = hn::Lanes(df);
  if (alpha) {
    const VF factor = hn::Set(df, *alpha);
    for (size_t i = 0; i < count; i += lanes) {
      hn::Store(hn::Mul(hn::Load(df, x + i), factor), df, x + i);
    }
  }
  if (bias == nullptr) return;
  for (size_t i = 0; i < count; i += lanes) {
    hn::Store(hn::Add(hn::Load(df, x + i), hn::Load(df, bias + i)), df, x + i);
  }
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
  const bool has_bias = epilogue.bias.cols != 0;
  alignas(64) float x[kRun], bias[kRun];
  // Whole vectors are computed where fewer lanes count.
  std::fill_n(x, kRun, 0.0f);
  std::fill_n(bias, kRun, 0.0f);
  for (int64_t n = call.n_begin; n < call.n_end; n += int64_t{kRun}) {
    const auto count =
        static_cast<size_t>(std::min(int64_t{kRun}, call.n_end - n));
    if (has_bias) Widen(epilogue.bias, 0, n, count, bias);
    for (int64_t m = call.m_begin; m < call.m_end; ++m) {
      Widen(call.d, m, n, count, x);
      ScaleAndAdd(epilogue.alpha, has_bias ? bias : nullptr, count, x);
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
