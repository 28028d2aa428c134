// SPDX-License-Identifier: Apache-2.0
#include "kernels/scaled_long.h"

#include <algorithm>
#include <cstdint>

#include "kernels/scaled.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/scaled_long.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/scale_rows-inl.h"
#include "kernels/wide-inl.h"

#ifndef ZEROULP_KERNELS_SCALED_LONG_ONCE_
#define ZEROULP_KERNELS_SCALED_LONG_ONCE_
namespace zeroulp::kernels {

// A part of D, with the sums of a block. Columns that chain.cc takes at a time,
// and more where there are fewer rows; rows enough that decoding B for every
// part, 16 multiply-adds a code, does not show. The sums are 768K at most: with
// 128 or 256 rows, which leave more of an L2 cache to B, Zen 4 is no faster.
struct LongPart {
  static constexpr int64_t kRows = 512, kCols = 384;

  explicit LongPart(const GemmCall& call) {
    const auto rounded = [](int64_t size) { return (size + 15) / 16 * 16; };
    rows = std::min(rounded(call.a->rows()), kRows);
    cols = std::min(rounded(call.b_t->rows()),
                    kRows / std::max(rows, int64_t{1}) * kCols);
  }

  int64_t rows, cols;  // multiples of 16
};

}  // namespace zeroulp::kernels
#endif  // ZEROULP_KERNELS_SCALED_LONG_ONCE_

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

// One row: d = fma(sums, a_scale * b_scales, c); no c: zero. The first product
// rounds too.
void FoldRow(const float* HWY_RESTRICT sums, float a_scale,
             const float* HWY_RESTRICT b_scales, size_t cols, const float* c,
             float* d) {
  const DF df;
  const VF nan = hn::BitCast(df, hn::Set(DI(), 0x7FC00000));
  const auto fold = [&](size_t j, VF before) HWY_ATTR {
    const VF scale = hn::Mul(hn::Set(df, a_scale), hn::Load(df, b_scales + j));
    const VF x = MulAddOnce(hn::Load(df, sums + j), scale, before);
    return hn::IfThenElse(hn::IsNaN(x), nan, x);
  };
  size_t j = 0;
  for (; j + kLanes <= cols; j += kLanes) {
    const VF before = c == nullptr ? hn::Zero(df) : hn::LoadU(df, c + j);
    hn::StoreU(fold(j, before), df, d + j);
  }
  if (j == cols) return;
  alignas(64) float rest[kLanes] = {};
  if (c != nullptr) std::copy(c + j, c + cols, rest);
  hn::Store(fold(j, hn::Load(df, rest)), df, rest);
  std::copy_n(rest, cols - j, d + j);
}

// Adds the sums of `block`, where its D is, to the call's D, which begins as C.
// `b_scales` has room for a scale of every column.
void FoldTarget(const GemmCall& call, const GemmBlock& block, float* b_scales) {
  const ScaleRows a(*call.a, {}), b(*call.b_t, {});
  const auto k = static_cast<size_t>(block.k_begin);
  const auto n = static_cast<size_t>(block.n_begin);
  const auto cols = static_cast<size_t>(block.n_end) - n;
  for (size_t j = 0; j < cols; j += kPanelRows) {
    b.Fill((n + j) / kPanelRows, k, b_scales + j);
  }
  auto* d = reinterpret_cast<float*>(call.d.bytes.data());
  const float* c = d;
  int64_t c_stride = call.d.row_stride;
  if (k == 0) {
    c = reinterpret_cast<const float*>(call.c.bytes.data());
    c_stride = call.c.row_stride;
  }
  const bool from_zero = k == 0 && call.c.rows == 0;
  alignas(64) float a_scales[kPanelRows];
  for (int64_t m = block.m_begin; m < block.m_end; ++m) {
    const auto row = static_cast<size_t>(m);
    if (row % kPanelRows == 0) a.Fill(row / kPanelRows, k, a_scales);
    FoldRow(block.d + (m - block.m_begin) * block.d_stride,
            a_scales[row % kPanelRows], b_scales, cols,
            from_zero ? nullptr : c + m * c_stride + block.n_begin,
            d + m * call.d.row_stride + block.n_begin);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {
HWY_EXPORT(FoldTarget);
}  // namespace

size_t ScaledLongBytes(const GemmCall& call) {
  const LongPart part(call);
  return static_cast<size_t>((part.rows + 1) * part.cols) * sizeof(float);
}

void ScaledLong(const GemmCall& call,
                void (*chain)(const GemmBlock& block,
                              std::byte* workspace) noexcept,
                std::byte* workspace) noexcept {
  const LongPart part(call);
  auto* b_scales = reinterpret_cast<float*>(workspace);
  const int64_t k_end = call.a->cols();
  const int64_t k_block = std::min(ScaledBlock(call), k_end);
  GemmBlock block = {};
  block.a = call.a;
  block.b_t = call.b_t;
  block.d = b_scales + part.cols;
  block.d_stride = part.cols;
  std::byte* const chain_memory = workspace + ScaledLongBytes(call);
  for (int64_t n = call.n_begin; n < call.n_end; n += part.cols) {
    for (int64_t m = call.m_begin; m < call.m_end; m += part.rows) {
      for (int64_t k = 0; k < k_end; k += k_block) {
        block.n_begin = n;
        block.n_end = std::min(n + part.cols, call.n_end);
        block.m_begin = m;
        block.m_end = std::min(m + part.rows, call.m_end);
        block.k_begin = k;
        block.k_end = std::min(k + k_block, k_end);
        chain(block, chain_memory);
        HWY_DYNAMIC_DISPATCH(FoldTarget)(call, block, b_scales);
      }
    }
  }
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
