// SPDX-License-Identifier: Apache-2.0
#include "kernels/chain.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/chain.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/decode-inl.h"
#include "kernels/tile-inl.h"

#ifndef ZEROULP_KERNELS_CHAIN_ONCE_
#define ZEROULP_KERNELS_CHAIN_ONCE_
namespace zeroulp::kernels {

// Block sizes in bytes of decoded panels, so that they hold for both kinds of
// lanes. kPanelBytes: of one 16-row panel; the panel of A and the three of a
// tile of B stream from L1 and L2. kABytes: of the A block, in L2 with room for
// B. The B block is as wide as D, at most kBBytes.
inline constexpr size_t kPanelBytes = 32 << 10;
inline constexpr size_t kABytes = 256 << 10;
inline constexpr size_t kBBytes = 4 << 20;
inline constexpr size_t kGroup = static_cast<size_t>(PackedMatrix::kRows);
inline constexpr size_t kQuad = static_cast<size_t>(PackedMatrix::kQuad);
inline constexpr size_t kBlockSteps = kPanelBytes / (kGroup * sizeof(float));
// One line more than a multiple of 4 KiB, so that panels read side by side do
// not fall on the same cache sets.
inline constexpr size_t kPanelFloats = kPanelBytes / sizeof(float) + kGroup;
inline constexpr size_t kAGroups = kABytes / kPanelBytes;
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

// Decodes `quads` quads of one group to [step][16] lanes.
template <class Dot>
void DecodePanel(const Decoder& decode, const uint8_t* HWY_RESTRICT codes,
                 size_t quads, float* HWY_RESTRICT panel) {
  const DI di;
  const DF df;
  for (size_t q = 0; q < quads; ++q) {
    for (size_t lane = 0; lane < kGroup; lane += kLanes) {
      const VI quad = hn::LoadU(
          di,
          reinterpret_cast<const int32_t*>(codes + q * kGroup * kQuad) + lane);
      // The codes of k, k + 1, k + 2, k + 3, one in each byte.
      const VF k0 = decode(quad);
      const VF k1 = decode(hn::ShiftRight<8>(quad));
      const VF k2 = decode(hn::ShiftRight<16>(quad));
      const VF k3 = decode(hn::ShiftRight<24>(quad));
      float* out = panel + q * kQuad / Dot::kStepK * kGroup + lane;
      if constexpr (Dot::kStepK == 1) {
        hn::Store(k0, df, out);
        hn::Store(k1, df, out + kGroup);
        hn::Store(k2, df, out + 2 * kGroup);
        hn::Store(k3, df, out + 3 * kGroup);
      } else {
        // A narrow value is a bf16: the low half of its binary32 is zero.
        const auto low = [df, di](VF x) HWY_ATTR {
          return hn::BitCast(df, hn::And(hn::ShiftRight<16>(hn::BitCast(di, x)),
                                         hn::Set(di, 0xFFFF)));
        };
        hn::Store(hn::Or(k0, low(k1)), df, out);
        hn::Store(hn::Or(k2, low(k3)), df, out + kGroup);
      }
    }
  }
}

// The k range of one pass over D, and where its panels go.
struct Pass {
  size_t quad_begin, quads, steps;
  bool first, last;
};

template <class Dot>
void DecodeGroups(const PackedMatrix& matrix, size_t group_begin, size_t groups,
                  const Pass& pass, float* panels) {
  const Decoder decode(Info(matrix.format()));
  const size_t all_quads = static_cast<size_t>(matrix.quads());
  for (size_t g = 0; g < groups; ++g) {
    const size_t quad = (group_begin + g) * all_quads + pass.quad_begin;
    DecodePanel<Dot>(decode, matrix.data() + quad * kGroup * kQuad, pass.quads,
                     panels + g * kPanelFloats);
  }
}

// K is odd: the second half of the last step is no product of the chain, and
// must not turn a sum of minus zero into plus zero. -0 * +0 does not.
void PadLastStepOfA(size_t groups, size_t steps, float* panels) {
  const DI di;
  for (size_t g = 0; g < groups; ++g) {
    int32_t* last = reinterpret_cast<int32_t*>(panels + g * kPanelFloats +
                                               (steps - 1) * kGroup);
    for (size_t lane = 0; lane < kGroup; lane += kLanes) {
      hn::Store(hn::Or(hn::Load(di, last + lane), hn::Set(di, 0x8000)), di,
                last + lane);
    }
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

// The decoded panels of one pass and the part of D they add to.
struct Panels {
  const float* a;
  const float* b;
  size_t m_begin, m_end, n_begin, n_end;
};

// All tiles that share the kNV vectors of B from column `n`: B stays in the
// cache closest to the core while A streams past it. Returns their width.
template <class Dot>
size_t ColumnOfTiles(const GemmBlock& block, const Pass& pass,
                     const Panels& panels, size_t n, float* edge) {
  const size_t offset = n - panels.n_begin;
  const size_t padded =
      hwy::RoundUpTo(panels.n_end - panels.n_begin, kGroup) - offset;
  const size_t vectors = std::min(padded / kLanes, kNV);
  const size_t width = vectors * kLanes;
  const float* b[kNV];
  for (size_t v = 0; v < vectors; ++v) {
    const size_t row = offset + v * kLanes;
    b[v] = panels.b + row / kGroup * kPanelFloats + row % kGroup;
  }
  const float* from = pass.first ? block.c : block.d;
  const size_t from_stride =
      static_cast<size_t>(pass.first ? block.c_stride : block.d_stride);
  const size_t to_stride = static_cast<size_t>(block.d_stride);
  for (size_t m = panels.m_begin; m < panels.m_end; m += kMR) {
    const size_t row = m - panels.m_begin;
    const float* a = panels.a + row / kGroup * kPanelFloats + row % kGroup;
    const TileOutput out = {
        from == nullptr ? nullptr : from + m * from_stride + n, from_stride,
        block.d + m * to_stride + n, to_stride, pass.last};
    const size_t rows = std::min(kMR, panels.m_end - m);
    if (rows == kMR && n + width <= panels.n_end) {
      RunTile<Dot>(vectors, pass.steps, a, b, out);
    } else {
      EdgeTile<Dot>(vectors, rows, std::min(width, panels.n_end - n),
                    pass.steps, a, b, out, edge);
    }
  }
  return width;
}

// Loops, outermost first: columns that fit the B block, passes over K, the B
// block decoded; rows that fit the A block, the A block decoded; tiles. Each
// code of B is decoded once, each of A once per B block.
template <class Dot>
void Chain(const GemmBlock& block, std::byte* workspace) {
  float* a_panels = reinterpret_cast<float*>(workspace);
  float* b_panels = a_panels + kAGroups * kPanelFloats;
  float* edge = b_panels + kBGroups * kPanelFloats;
  const size_t k = static_cast<size_t>(block.a->cols());
  const size_t m_end = static_cast<size_t>(block.m_end);
  const size_t n_end = static_cast<size_t>(block.n_end);
  constexpr size_t kBlockK = kBlockSteps * Dot::kStepK;
  static_assert(kBlockK % kQuad == 0);

  for (size_t n = static_cast<size_t>(block.n_begin); n < n_end;
       n += kBGroups * kGroup) {
    const size_t n_stop = std::min(n + kBGroups * kGroup, n_end);
    size_t k_begin = 0;
    do {  // at least once: K = 0 copies C
      const size_t k_size = std::min(k - k_begin, kBlockK);
      const Pass pass = {k_begin / kQuad, hwy::DivCeil(k_size, kQuad),
                         hwy::DivCeil(k_size, Dot::kStepK), k_begin == 0,
                         k_begin + k_size == k};
      DecodeGroups<Dot>(*block.b_t, n / kGroup,
                        hwy::DivCeil(n_stop - n, kGroup), pass, b_panels);
      for (size_t m = static_cast<size_t>(block.m_begin); m < m_end;
           m += kAGroups * kGroup) {
        const size_t m_stop = std::min(m + kAGroups * kGroup, m_end);
        const size_t groups = hwy::DivCeil(m_stop - m, kGroup);
        DecodeGroups<Dot>(*block.a, m / kGroup, groups, pass, a_panels);
        if (k_size % Dot::kStepK != 0) {
          PadLastStepOfA(groups, pass.steps, a_panels);
        }
        const Panels panels = {a_panels, b_panels, m, m_stop, n, n_stop};
        for (size_t col = n; col < n_stop;) {
          col += ColumnOfTiles<Dot>(block, pass, panels, col, edge);
        }
      }
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
  return ((kAGroups + kBGroups) * kPanelFloats + kEdgeFloats) * sizeof(float);
}

void ChainFma(const GemmBlock& block, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(ChainFmaTarget)(block, workspace);
}

void ChainBf16(const GemmBlock& block, std::byte* workspace) noexcept {
  // One subnormal C among many rows is no reason to slow all of them.
  constexpr int64_t kRowsAtOnce = static_cast<int64_t>(kAGroups * kGroup);
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
