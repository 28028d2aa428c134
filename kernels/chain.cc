// SPDX-License-Identifier: Apache-2.0
#include "kernels/chain.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/chain.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/panel-inl.h"
#include "kernels/tile-inl.h"

#ifndef ZEROULP_KERNELS_CHAIN_ONCE_
#define ZEROULP_KERNELS_CHAIN_ONCE_
namespace zeroulp::kernels {

// Block sizes in bytes of decoded panels, so that they hold for both kinds of
// lanes. kPanelBytes, of a panel of 16 rows: as long as fits the L1 cache (32K
// on Zen 4, 48K on Sapphire Rapids), since every pass over K reads and writes
// all of D. kBBytes, of the B block: in an L2 cache of 1M beside A and D.
inline constexpr size_t kPanelBytes = 32 << 10;
inline constexpr size_t kBBytes = 768 << 10;
inline constexpr size_t kGroup = static_cast<size_t>(PackedMatrix::kRows);
inline constexpr size_t kQuad = static_cast<size_t>(PackedMatrix::kQuad);
inline constexpr size_t kPassSteps = kPanelBytes / (kGroup * sizeof(float));
// One line more than a multiple of 4 KiB, so that panels read side by side do
// not fall on the same cache sets.
inline constexpr size_t kPanelFloats = kPanelBytes / sizeof(float) + kGroup;
inline constexpr size_t kBGroups = kBBytes / kPanelBytes;
// Rows x columns of the largest tile, for tiles at the edges of D.
inline constexpr size_t kEdgeFloats = 8 * 3 * 16;

}  // namespace zeroulp::kernels
#endif  // ZEROULP_KERNELS_CHAIN_ONCE_

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

static_assert(kMR * kNV * kLanes <= kEdgeFloats);

// A range of K for a range of columns of D.
struct Pass {
  size_t n_begin, n_end;
  size_t quad_begin, quads;
  size_t steps;
  bool half_step;    // the last step has one k of two
  bool first, last;  // of the passes over these columns
};

template <class Dot>
void DecodeGroups(const PackedMatrix& matrix, size_t group_begin, size_t groups,
                  const Pass& pass, float* panels) {
  const PanelDecoder decoder(Info(matrix.format()));
  const size_t all_quads = static_cast<size_t>(matrix.quads());
  for (size_t g = 0; g < groups; ++g) {
    const size_t quad = (group_begin + g) * all_quads + pass.quad_begin;
    DecodePanel<Dot>(decoder, matrix.data() + quad * kQuadBytes, pass.quads,
                     panels + g * kPanelFloats);
  }
}

// The second half of the last step is no product of the chain, and must not
// turn a sum of minus zero into plus zero. -0 * +0 does not.
void PadLastStep(size_t steps, float* a_panel) {
  const DI di;
  int32_t* last = reinterpret_cast<int32_t*>(a_panel + (steps - 1) * kGroup);
  for (size_t lane = 0; lane < kGroup; lane += kLanes) {
    hn::Store(hn::Or(hn::Load(di, last + lane), hn::Set(di, 0x8000)), di,
              last + lane);
  }
}

// One tile whose full size would leave D: through `edge`.
template <class Dot>
void EdgeTile(size_t vectors, size_t rows, size_t cols, size_t steps,
              const float* a, const float* const* b, const TileOutput& out,
              float* edge) {
  constexpr size_t kStride = kNV * kLanes;
  std::fill_n(edge, kEdgeFloats, 0.0f);
  if (out.from != nullptr) {
    for (size_t i = 0; i < rows; ++i) {
      std::copy_n(out.from + i * out.from_stride, cols, edge + i * kStride);
    }
  }
  RunTile<Dot>(vectors, steps, a, b, {edge, kStride, edge, kStride, out.last});
  for (size_t i = 0; i < rows; ++i) {
    std::copy_n(edge + i * kStride, cols, out.to + i * out.to_stride);
  }
}

// All tiles of kMR rows of D from row `m`, whose panel is `a`: A stays in the
// L1 cache, B streams past it from L2, and D is written along its rows.
template <class Dot>
void RowOfTiles(const GemmBlock& block, const Pass& pass, size_t m,
                const float* a, const float* b_panels, float* edge) {
  const size_t rows = std::min(kMR, static_cast<size_t>(block.m_end) - m);
  const size_t n_size = pass.n_end - pass.n_begin;
  const size_t all_vectors = hwy::RoundUpTo(n_size, kGroup) / kLanes;
  const float* from = pass.first ? block.c : block.d;
  const size_t from_stride =
      static_cast<size_t>(pass.first ? block.c_stride : block.d_stride);
  const size_t to_stride = static_cast<size_t>(block.d_stride);
  for (size_t v = 0; v * kLanes < n_size; v += kNV) {
    const size_t vectors = std::min(all_vectors - v, kNV);
    const float* b[kNV];
    for (size_t i = 0; i < vectors; ++i) {
      const size_t row = (v + i) * kLanes;
      b[i] = b_panels + row / kGroup * kPanelFloats + row % kGroup;
    }
    const size_t n = pass.n_begin + v * kLanes;
    const TileOutput out = {
        from == nullptr ? nullptr : from + m * from_stride + n, from_stride,
        block.d + m * to_stride + n, to_stride, pass.last};
    const size_t cols = std::min(vectors * kLanes, pass.n_end - n);
    if (rows == kMR && cols == vectors * kLanes) {
      RunTile<Dot>(vectors, pass.steps, a, b, out);
    } else {
      EdgeTile<Dot>(vectors, rows, cols, pass.steps, a, b, out, edge);
    }
  }
}

// One pass: the B block decoded once, A one group of 16 rows at a time.
template <class Dot>
void RunPass(const GemmBlock& block, const Pass& pass, float* workspace) {
  float* a_panel = workspace;
  float* b_panels = a_panel + kPanelFloats;
  float* edge = b_panels + kBGroups * kPanelFloats;
  DecodeGroups<Dot>(*block.b_t, pass.n_begin / kGroup,
                    hwy::DivCeil(pass.n_end - pass.n_begin, kGroup), pass,
                    b_panels);
  const size_t m_end = static_cast<size_t>(block.m_end);
  for (size_t m = static_cast<size_t>(block.m_begin); m < m_end; m += kGroup) {
    DecodeGroups<Dot>(*block.a, m / kGroup, 1, pass, a_panel);
    if (pass.half_step) PadLastStep(pass.steps, a_panel);
    const size_t rows = std::min(kGroup, m_end - m);
    for (size_t row = 0; row < rows; row += kMR) {
      RowOfTiles<Dot>(block, pass, m + row, a_panel + row, b_panels, edge);
    }
  }
}

// Loops, outermost first: columns of D that fit the B block; passes over K.
template <class Dot>
void Chain(const GemmBlock& block, std::byte* workspace) {
  const size_t k = static_cast<size_t>(block.a->cols());
  const size_t n_end = static_cast<size_t>(block.n_end);
  constexpr size_t kPassK = kPassSteps * Dot::kStepK;
  static_assert(kPassK % kQuad == 0);
  for (size_t n = static_cast<size_t>(block.n_begin); n < n_end;
       n += kBGroups * kGroup) {
    size_t k_begin = 0;
    do {  // at least once: K = 0 copies C
      const size_t k_size = std::min(k - k_begin, kPassK);
      const Pass pass = {.n_begin = n,
                         .n_end = std::min(n + kBGroups * kGroup, n_end),
                         .quad_begin = k_begin / kQuad,
                         .quads = hwy::DivCeil(k_size, kQuad),
                         .steps = hwy::DivCeil(k_size, Dot::kStepK),
                         .half_step = k_size % Dot::kStepK != 0,
                         .first = k_begin == 0,
                         .last = k_begin + k_size == k};
      RunPass<Dot>(block, pass, reinterpret_cast<float*>(workspace));
      k_begin += k_size;
    } while (k_begin < k);
  }
}

void ChainFmaTarget(const GemmBlock& block, std::byte* workspace) {
  Chain<FmaDot>(block, workspace);
}

void ChainBf16Target(const GemmBlock& block, std::byte* workspace) {
#if ZEROULP_TARGET_HAS_512
  Chain<Bf16Dot>(block, workspace);
#else
  ChainFmaTarget(block, workspace);  // never selected, see kernel_table.cc
#endif
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {

HWY_EXPORT(ChainFmaTarget);
HWY_EXPORT(ChainBf16Target);

bool IsSubnormal(float x) {
  const uint32_t magnitude = std::bit_cast<uint32_t>(x) & 0x7FFFFFFFu;
  return magnitude - 1 < 0x7FFFFFu;
}

bool AnySubnormalC(const GemmBlock& block, int64_t m_begin, int64_t m_end) {
  if (block.c == nullptr) return false;
  for (int64_t m = m_begin; m < m_end; ++m) {
    const float* row = block.c + m * block.c_stride;
    if (std::any_of(row + block.n_begin, row + block.n_end, IsSubnormal)) {
      return true;
    }
  }
  return false;
}

}  // namespace

size_t ChainWorkspaceBytes() {
  return ((1 + kBGroups) * kPanelFloats + kEdgeFloats) * sizeof(float);
}

void ChainFma(const GemmBlock& block, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(ChainFmaTarget)(block, workspace);
}

void ChainBf16(const GemmBlock& block, std::byte* workspace) noexcept {
  // One subnormal C among many rows is no reason to slow all of them.
  constexpr int64_t kRowsAtOnce = 256;
  GemmBlock part = block;
  for (part.m_begin = block.m_begin; part.m_begin < block.m_end;) {
    bool subnormal = false;
    part.m_end = part.m_begin;
    do {
      const int64_t next = std::min(part.m_end + kRowsAtOnce, block.m_end);
      const bool here = AnySubnormalC(block, part.m_end, next);
      if (part.m_end > part.m_begin && here != subnormal) break;
      subnormal = here;
      part.m_end = next;
    } while (part.m_end < block.m_end);
    if (subnormal) {
      ChainFma(part, workspace);
    } else {
      HWY_DYNAMIC_DISPATCH(ChainBf16Target)(part, workspace);
    }
    part.m_begin = part.m_end;
  }
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
