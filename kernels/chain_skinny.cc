// SPDX-License-Identifier: Apache-2.0
#include "kernels/chain_skinny.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/chain_skinny.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/panel-inl.h"
#include "kernels/panel16-inl.h"
#include "kernels/smallest.h"

#ifndef ZEROULP_KERNELS_CHAIN_SKINNY_ONCE_
#define ZEROULP_KERNELS_CHAIN_SKINNY_ONCE_
namespace zeroulp::kernels {

// Steps of two k in a pass: 16 rows of A take 128 KiB, an eighth of an L2
// cache, so that few passes read and write D.
inline constexpr size_t kSkinnySteps = 2048;
inline constexpr size_t kSkinnyFloats =
    kSkinnySteps * static_cast<size_t>(kSkinnyRows);

}  // namespace zeroulp::kernels
#endif  // ZEROULP_KERNELS_CHAIN_SKINNY_ONCE_

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

#if ZEROULP_TARGET_HAS_512

// What each stream of codes asks for before it comes to it. Streams of 4 reach
// the 4 to 8 KiB that are under way from an L3 cache or memory.
constexpr size_t kAheadBytes = 2048;

// A range of K.
struct Pass {
  size_t k_begin, k_size, steps;
  bool first, last;
};

// Whether no operand and no sum of the block is flushed. B is narrow.
bool FlushesNothing(const GemmBlock& block) {
  const auto groups = static_cast<size_t>(block.a->groups());
  const int b_unit = Info(block.b_t->format()).min_ulp_exponent();
  if (UnitExponent(*block.a, 0, groups) + b_unit < kLowestUnit) return false;
  for (int64_t m = block.m_begin; block.c != nullptr && m < block.m_end; ++m) {
    const float* row = block.c + (m - block.m_begin) * block.c_stride;
    const auto is_subnormal = [](float x) {
      return x != 0 && x > -0x1p-126f && x < 0x1p-126f;
    };
    if (std::any_of(row, row + (block.n_end - block.n_begin), is_subnormal)) {
      return false;
    }
  }
  return true;
}

// a[step][kRows] of the rows from `first` that exist, then zeros.
template <size_t kRows>
void DecodeRows(const PackedMatrix& a, const Pass& pass, size_t first,
                float* HWY_RESTRICT out) {
  const size_t rows = std::min(kRows, static_cast<size_t>(a.rows()) - first);
  const FormatInfo& f = Info(a.format());
  const bool is_bf16 = f.id == Format::kBF16;
  const Panel16Decoder decode_16(Info(Format::kBF16));
  const PanelDecoder decode_8(is_bf16 ? Info(Format::kE5M2) : f);
  const size_t per_quad = static_cast<size_t>(a.quad_cols());
  const uint8_t* quads = a.data() + pass.k_begin / per_quad * kQuadBytes;
  const size_t count = hwy::DivCeil(pass.k_size, per_quad);
  const size_t quad_steps = per_quad / Bf16Dot::kStepK;
  alignas(64) float panel[2 * kPanelRows];
  for (size_t q = 0; q < count; ++q) {
    if (is_bf16) {
      decode_16.template operator()<Bf16Dot>(quads + q * kQuadBytes, 1, panel);
    } else {
      DecodePanel<Bf16Dot>(decode_8, quads + q * kQuadBytes, 1, panel);
    }
    for (size_t s = 0; s < quad_steps; ++s) {
      float* to = out + (q * quad_steps + s) * kRows;
      std::fill_n(to, kRows, 0.0f);
      std::copy_n(panel + s * kPanelRows + first, rows, to);
    }
  }
  if (pass.k_size % Bf16Dot::kStepK == 0) return;
  // The missing product must not turn a sum of -0 into +0: -0 times +0 does
  // not.
  auto* last = reinterpret_cast<uint32_t*>(out + (pass.steps - 1) * kRows);
  for (size_t i = 0; i < kRows; ++i) last[i] |= 0x8000u;
}

// kRows of A from row m by kGroups groups of 16 columns from n.
template <size_t kRows, size_t kGroups>
HWY_NOINLINE void Columns(const GemmBlock& block, const Pass& pass, size_t m,
                          size_t n, const float* HWY_RESTRICT a) {
  const DF df;
  const size_t rows = static_cast<size_t>(block.m_end) - m;
  const size_t n_begin = static_cast<size_t>(block.n_begin);
  const size_t cols = static_cast<size_t>(block.n_end) - n_begin;
  const PanelDecoder decoder(Info(block.b_t->format()));
  const float* from = pass.first ? block.c : block.d;
  const auto from_stride =
      static_cast<size_t>(pass.first ? block.c_stride : block.d_stride);
  const auto to_stride = static_cast<size_t>(block.d_stride);
  VF acc[kRows][kGroups];
  ZEROULP_UNROLL
  for (size_t i = 0; i < kRows; ++i) {
    ZEROULP_UNROLL
    for (size_t g = 0; g < kGroups; ++g) {
      const size_t at = n - n_begin + g * kPanelRows;
      acc[i][g] = hn::Zero(df);
      if (from == nullptr || i >= rows) continue;
      acc[i][g] = hn::MaskedLoad(hn::FirstN(df, cols - at), df,
                                 from + (m + i) * from_stride + at);
    }
  }
  const size_t quads = static_cast<size_t>(block.b_t->quads());
  const uint8_t* b[kGroups];
  ZEROULP_UNROLL
  for (size_t g = 0; g < kGroups; ++g) {
    b[g] = block.b_t->data() +
           ((n / kPanelRows + g) * quads + pass.k_begin / 4) * kQuadBytes;
  }
  const size_t whole = pass.steps / 2;
  for (size_t q = 0; q < whole; ++q) {
    ZEROULP_UNROLL
    for (size_t g = 0; g < kGroups; ++g) {
      hwy::Prefetch(b[g] + q * kQuadBytes + kAheadBytes);
      alignas(64) float pairs[2 * kPanelRows];  // in registers
      decoder.template Decode4<Bf16Dot>(b[g] + q * kQuadBytes, pairs);
      ZEROULP_UNROLL
      for (size_t s = 0; s < 2; ++s) {
        const VF b_now = hn::Load(df, pairs + s * kPanelRows);
        ZEROULP_UNROLL
        for (size_t i = 0; i < kRows; ++i) {
          const VF a_now = hn::Set(df, a[(2 * q + s) * kRows + i]);
          acc[i][g] = Bf16Dot::Step(acc[i][g], a_now, b_now);
        }
      }
    }
  }
  if (pass.steps % 2 != 0) {
    ZEROULP_UNROLL
    for (size_t g = 0; g < kGroups; ++g) {
      alignas(64) float pairs[2 * kPanelRows];
      decoder.template Decode4<Bf16Dot>(b[g] + whole * kQuadBytes, pairs);
      const VF b_now = hn::Load(df, pairs);
      ZEROULP_UNROLL
      for (size_t i = 0; i < kRows; ++i) {
        const VF a_now = hn::Set(df, a[2 * whole * kRows + i]);
        acc[i][g] = Bf16Dot::Step(acc[i][g], a_now, b_now);
      }
    }
  }
  const VF nan = hn::BitCast(df, hn::Set(DI(), 0x7FC00000));
  ZEROULP_UNROLL
  for (size_t i = 0; i < kRows; ++i) {
    ZEROULP_UNROLL
    for (size_t g = 0; g < kGroups; ++g) {
      if (i >= rows) continue;
      const size_t at = n - n_begin + g * kPanelRows;
      const VF x = acc[i][g];
      hn::BlendedStore(pass.last ? hn::IfThenElse(hn::IsNaN(x), nan, x) : x,
                       hn::FirstN(df, cols - at), df,
                       block.d + (m + i) * to_stride + at);
    }
  }
}

// kRows and kGroups: enough accumulators, of streams or of rows, to hide the
// latency of the dot. Further rows find the codes in L2.
template <size_t kRows, size_t kGroups>
void Skinny(const GemmBlock& block, float* a) {
  const size_t m_end = static_cast<size_t>(block.m_end);
  const size_t k_begin = static_cast<size_t>(block.k_begin);
  const size_t k_end = static_cast<size_t>(block.k_end);
  const size_t n_end = static_cast<size_t>(block.n_end);
  size_t k = k_begin;
  do {  // at least once: K = 0 copies C
    Pass pass;
    pass.k_begin = k;
    pass.k_size = std::min(k_end - k, kSkinnySteps * Bf16Dot::kStepK);
    pass.steps = hwy::DivCeil(pass.k_size, Bf16Dot::kStepK);
    pass.first = k == k_begin;
    k += pass.k_size;
    pass.last = k == k_end;
    const size_t rows_floats = hwy::RoundUpTo(pass.steps, 2) * kRows;
    for (size_t m = 0; m < m_end; m += kRows) {
      DecodeRows<kRows>(*block.a, pass, m, a + m / kRows * rows_floats);
    }
    for (size_t n = static_cast<size_t>(block.n_begin); n < n_end;) {
      const bool whole = n + (kGroups - 1) * kPanelRows < n_end;
      const auto columns = whole ? Columns<kRows, kGroups> : Columns<kRows, 1>;
      for (size_t m = 0; m < m_end; m += kRows) {
        columns(block, pass, m, n, a + m / kRows * rows_floats);
      }
      n += (whole ? kGroups : 1) * kPanelRows;
    }
  } while (k < k_end);
}

#endif

void ChainSkinnyTarget(const GemmBlock& block, std::byte* workspace) {
#if ZEROULP_TARGET_HAS_512
  if (block.m_begin == 0 && FlushesNothing(block)) {
    auto* a = reinterpret_cast<float*>(workspace);
    if (block.m_end == 1) return Skinny<1, 4>(block, a);
    if (block.m_end == 2) return Skinny<2, 4>(block, a);
    if (block.m_end <= 4) return Skinny<4, 4>(block, a);
    return Skinny<8, 2>(block, a);
  }
#endif
  ChainBf16(block, workspace);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {
HWY_EXPORT(ChainSkinnyTarget);
}  // namespace

size_t ChainSkinnyWorkspaceBytes(int64_t rows, int64_t cols, int64_t k) {
  const auto steps = static_cast<size_t>((k + 3) / 4 * 2);
  return std::max(
      std::min(steps * static_cast<size_t>(kSkinnyRows), kSkinnyFloats) *
          sizeof(float),
      ChainWorkspaceBytes(rows, cols, k));
}

void ChainSkinny(const GemmBlock& block, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(ChainSkinnyTarget)(block, workspace);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
