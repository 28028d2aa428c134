// SPDX-License-Identifier: Apache-2.0
#include "kernels/chain.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/chain.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/panel-inl.h"
#include "kernels/panel16-inl.h"
#include "kernels/smallest.h"
#include "kernels/tile-inl.h"
#include "kernels/wide-inl.h"
#include "zeroulp/arithmetic.h"

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
inline constexpr size_t kPassSteps = kPanelBytes / (kGroup * sizeof(float));
inline constexpr size_t kBGroups = kBBytes / kPanelBytes;
// Rows x columns of the largest tile, for tiles at the edges of D.
inline constexpr size_t kEdgeFloats = 8 * 3 * 16;

// The memory of one block, no more than operands of this size need: products of
// small matrices take less time than touching all of it.
struct ChainWorkspace {
  ChainWorkspace(int64_t rows, int64_t cols, int64_t k, std::byte* memory)
      : panel_floats((std::min(kPassSteps, RoundedUp(k, 4)) + 1) * kGroup),
        b_groups(std::min(kBGroups, RoundedUp(cols, 16) / kGroup)),
        a_panel(reinterpret_cast<float*>(memory)),
        b_panels(a_panel + panel_floats),
        edge(b_panels + b_groups * panel_floats),
        refused(reinterpret_cast<uint8_t*>(edge + kEdgeFloats)),
        end(refused + RoundedUp(rows, 16) / kGroup) {}

  static size_t RoundedUp(int64_t size, int64_t unit) {
    return static_cast<size_t>((size + unit - 1) / unit * unit);
  }

  // From one panel to the next: one line more than a power of two, so that
  // panels read side by side do not fall on the same cache sets.
  size_t panel_floats;
  size_t b_groups;  // of the B block
  float* a_panel;
  float* b_panels;
  float* edge;
  uint8_t* refused;  // by the BF16 dot; of each group of rows
  uint8_t* end;
};

}  // namespace zeroulp::kernels
#endif  // ZEROULP_KERNELS_CHAIN_ONCE_

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

static_assert(kMR * kNV * kLanes <= kEdgeFloats);

// acc + a * b rounded once where products leave binary32.
struct FmaOnceDot {
  static constexpr size_t kStepK = 1;
  static HWY_INLINE VF Step(VF acc, VF a, VF b) {
    return MulAddOnce(a, b, acc);
  }
};

// A range of K for a range of columns of D.
struct Pass {
  size_t n_begin, n_end;
  size_t k_begin, k_size;
  bool first, last;  // of the passes over these columns

  size_t groups() const { return hwy::DivCeil(n_end - n_begin, kGroup); }
  template <class Dot>
  size_t steps() const {
    return hwy::DivCeil(k_size, Dot::kStepK);
  }
};

// The packed codes of one group of rows in a pass.
struct Quads {
  Quads(const PackedMatrix& matrix, size_t group, const Pass& pass) {
    const auto per_quad = static_cast<size_t>(matrix.quad_cols());
    const auto all = static_cast<size_t>(matrix.quads());
    codes =
        matrix.data() + (group * all + pass.k_begin / per_quad) * kQuadBytes;
    count = hwy::DivCeil(pass.k_size, per_quad);
  }
  const uint8_t* codes;
  size_t count;
};

template <class Dot>
void DecodeGroups(const PackedMatrix& matrix, size_t group_begin, size_t groups,
                  const Pass& pass, size_t panel_floats, float* panels) {
  const FormatInfo& f = Info(matrix.format());
  if (f.storage_bits == 16) {
    const Panel16Decoder decoder(f);
    for (size_t g = 0; g < groups; ++g) {
      const Quads quads(matrix, group_begin + g, pass);
      decoder.template operator()<Dot>(quads.codes, quads.count,
                                       panels + g * panel_floats);
    }
    return;
  }
  const PanelDecoder decoder(f);
  for (size_t g = 0; g < groups; ++g) {
    const Quads quads(matrix, group_begin + g, pass);
    DecodePanel<Dot>(decoder, quads.codes, quads.count,
                     panels + g * panel_floats);
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
                const float* a, const ChainWorkspace& workspace) {
  const size_t rows = std::min(kMR, static_cast<size_t>(block.m_end) - m);
  const size_t n_size = pass.n_end - pass.n_begin;
  const size_t steps = pass.steps<Dot>();
  const size_t all_vectors = hwy::RoundUpTo(n_size, kGroup) / kLanes;
  const float* from = pass.first ? block.c : block.d;
  const size_t from_stride =
      static_cast<size_t>(pass.first ? block.c_stride : block.d_stride);
  const size_t to_stride = static_cast<size_t>(block.d_stride);
  const size_t row = m - static_cast<size_t>(block.m_begin);
  for (size_t v = 0, vectors = 0; v * kLanes < n_size; v += vectors) {
    vectors = VectorsOfTile(all_vectors - v);
    const float* b[kNV];
    for (size_t i = 0; i < vectors; ++i) {
      const size_t b_row = (v + i) * kLanes;
      b[i] = workspace.b_panels + b_row / kGroup * workspace.panel_floats +
             b_row % kGroup;
    }
    const size_t n = pass.n_begin + v * kLanes;
    const size_t col = n - static_cast<size_t>(block.n_begin);
    const TileOutput out = {
        from == nullptr ? nullptr : from + row * from_stride + col, from_stride,
        block.d + row * to_stride + col, to_stride, pass.last};
    const size_t cols = std::min(vectors * kLanes, pass.n_end - n);
    if (rows == kMR && cols == vectors * kLanes) {
      RunTile<Dot>(vectors, steps, a, b, out);
    } else {
      EdgeTile<Dot>(vectors, rows, cols, steps, a, b, out, workspace.edge);
    }
  }
}

// One group of rows of A by the B block.
template <class Dot>
void RunGroup(const GemmBlock& block, const Pass& pass, size_t m,
              const ChainWorkspace& workspace) {
  const size_t steps = pass.steps<Dot>();
  DecodeGroups<Dot>(*block.a, m / kGroup, 1, pass, workspace.panel_floats,
                    workspace.a_panel);
  if (pass.k_size % Dot::kStepK != 0) PadLastStep(steps, workspace.a_panel);
  const size_t rows = std::min(kGroup, static_cast<size_t>(block.m_end) - m);
  for (size_t row = 0; row < rows; row += kMR) {
    RowOfTiles<Dot>(block, pass, m + row, workspace.a_panel + row, workspace);
  }
}

// Of the groups of rows, all or those that the BF16 dot took or refused.
enum class Groups { kAll, kTaken, kRefused };

// One pass: the B block decoded once, A one group of 16 rows at a time.
template <class Dot>
void RunPass(const GemmBlock& block, const Pass& pass, Groups groups,
             const ChainWorkspace& workspace) {
  DecodeGroups<Dot>(*block.b_t, pass.n_begin / kGroup, pass.groups(), pass,
                    workspace.panel_floats, workspace.b_panels);
  const size_t m_begin = static_cast<size_t>(block.m_begin);
  const size_t m_end = static_cast<size_t>(block.m_end);
  for (size_t m = m_begin; m < m_end; m += kGroup) {
    if (groups != Groups::kAll) {
      const bool refused = workspace.refused[(m - m_begin) / kGroup] != 0;
      if (refused != (groups == Groups::kRefused)) continue;
    }
    RunGroup<Dot>(block, pass, m, workspace);
  }
}

// Calls run(part) for parts of `whole` of at most Dot's panel length.
template <class Dot, class Run>
void ForEachPass(const Pass& whole, const Run& run) {
  constexpr size_t kPassK = kPassSteps * Dot::kStepK;
  static_assert(kPassK % PackedMatrix::kQuad == 0);
  size_t done = 0;
  do {  // at least once: K = 0 copies C
    Pass part = whole;
    part.k_begin = whole.k_begin + done;
    part.k_size = std::min(whole.k_size - done, kPassK);
    part.first = whole.first && done == 0;
    done += part.k_size;
    part.last = whole.last && done == whole.k_size;
    run(part);
  } while (done < whole.k_size);
}

// Calls run(columns) for columns of D that fit the B block, with all of the
// range of K.
template <class Run>
void ForEachBBlock(const GemmBlock& block, size_t b_groups, const Run& run) {
  const size_t n_end = static_cast<size_t>(block.n_end);
  const size_t cols = b_groups * kGroup;
  for (size_t n = static_cast<size_t>(block.n_begin); n < n_end; n += cols) {
    run(Pass{.n_begin = n,
             .n_end = std::min(n + cols, n_end),
             .k_begin = static_cast<size_t>(block.k_begin),
             .k_size = static_cast<size_t>(block.k_end - block.k_begin),
             .first = true,
             .last = true});
  }
}

ChainWorkspace WorkspaceOf(const GemmBlock& block, std::byte* memory) {
  return {block.a->rows(), block.b_t->rows(), block.a->cols(), memory};
}

template <class Dot>
void Chain(const GemmBlock& block, std::byte* memory) {
  const ChainWorkspace workspace = WorkspaceOf(block, memory);
  ForEachBBlock(block, workspace.b_groups, [&](const Pass& columns) {
    ForEachPass<Dot>(columns, [&](const Pass& pass) {
      RunPass<Dot>(block, pass, Groups::kAll, workspace);
    });
  });
}

void ChainFmaTarget(const GemmBlock& block, std::byte* workspace) {
  const auto is_narrow = [](const PackedMatrix& x) {
    return kNarrowFormats.contains(x.format());
  };
  const auto is_f16_or_narrow = [&](const PackedMatrix& x) {
    return x.format() == Format::kF16 || is_narrow(x);
  };
  // Significands of at most 22 bits and exponents inside binary32's.
  const bool exact = is_f16_or_narrow(*block.a) && is_f16_or_narrow(*block.b_t);
  if (kHaveFma || exact) {
    Chain<FmaDot>(block, workspace);
  } else {
    Chain<FmaOnceDot>(block, workspace);
  }
}

#if ZEROULP_TARGET_HAS_512
// Rows of D that start a pass, or the ones of C.
bool AnySubnormal(const float* from, size_t stride, size_t rows, size_t cols) {
  const DF df;
  const auto is_subnormal = [&](VF x) HWY_ATTR {
    return hn::And(hn::Lt(hn::Abs(x), hn::Set(df, 0x1p-126f)),
                   hn::Ne(x, hn::Zero(df)));
  };
  for (size_t r = 0; r < rows; ++r) {
    const float* HWY_RESTRICT row = from + r * stride;
    auto any = hn::FirstN(df, 0);
    size_t i = 0;
    for (; i + kLanes <= cols; i += kLanes) {
      any = hn::Or(any, is_subnormal(hn::LoadU(df, row + i)));
    }
    if (i < cols) {
      const auto rest = hn::FirstN(df, cols - i);
      any = hn::Or(any, is_subnormal(hn::MaskedLoad(rest, df, row + i)));
    }
    if (!hn::AllFalse(df, any)) return true;
  }
  return false;
}

// Marks the groups of rows that the BF16 dot would compute other bits of, and
// says whether there are any.
bool Refuse(const GemmBlock& block, const Pass& pass, uint8_t* refused) {
  const int b_unit =
      UnitExponent(*block.b_t, pass.n_begin / kGroup, pass.groups());
  const float* from = pass.first ? block.c : block.d;
  const auto stride =
      static_cast<size_t>(pass.first ? block.c_stride : block.d_stride);
  const size_t m_begin = static_cast<size_t>(block.m_begin);
  const size_t m_end = static_cast<size_t>(block.m_end);
  bool any = false;
  for (size_t m = m_begin; m < m_end; m += kGroup) {
    uint8_t& mark = refused[(m - m_begin) / kGroup];
    // What the dot left behind is not subnormal.
    const bool look = pass.first ? from != nullptr : mark != 0;
    const bool subnormal =
        look && AnySubnormal(from + (m - m_begin) * stride + pass.n_begin -
                                 static_cast<size_t>(block.n_begin),
                             stride, std::min(kGroup, m_end - m),
                             pass.n_end - pass.n_begin);
    const int a_unit = UnitExponent(*block.a, m / kGroup, 1);
    mark = subnormal || a_unit + b_unit < kLowestUnit ? 1 : 0;
    any = any || mark != 0;
  }
  return any;
}
#endif

void ChainBf16Target(const GemmBlock& block, std::byte* memory) {
#if ZEROULP_TARGET_HAS_512
  const ChainWorkspace workspace = WorkspaceOf(block, memory);
  ForEachBBlock(block, workspace.b_groups, [&](const Pass& columns) {
    ForEachPass<Bf16Dot>(columns, [&](const Pass& pass) {
      const bool any_refused = Refuse(block, pass, workspace.refused);
      RunPass<Bf16Dot>(block, pass, Groups::kTaken, workspace);
      if (!any_refused) return;
      ForEachPass<FmaDot>(pass, [&](const Pass& part) {
        RunPass<FmaDot>(block, part, Groups::kRefused, workspace);
      });
    });
  });
#else
  ChainFmaTarget(block, memory);  // never selected, see kernel_table.cc
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

}  // namespace

size_t ChainWorkspaceBytes(int64_t rows, int64_t cols, int64_t k) {
  std::byte* const none = nullptr;
  return static_cast<size_t>(
      reinterpret_cast<std::byte*>(ChainWorkspace(rows, cols, k, none).end) -
      none);
}

void ChainFma(const GemmBlock& block, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(ChainFmaTarget)(block, workspace);
}

void ChainBf16(const GemmBlock& block, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(ChainBf16Target)(block, workspace);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
