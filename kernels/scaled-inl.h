// SPDX-License-Identifier: Apache-2.0
// The loops around the tiles of scaled_tile-inl.h.

#if defined(ZEROULP_KERNELS_SCALED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_SCALED_INL_H_
#undef ZEROULP_KERNELS_SCALED_INL_H_
#else
#define ZEROULP_KERNELS_SCALED_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/gemm_call.h"
#include "kernels/ieee.h"
#include "kernels/scale_rows-inl.h"
#include "kernels/scaled_sizes.h"
#include "kernels/scaled_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

inline constexpr size_t kGroup = kPanelRows;
inline constexpr size_t kQuad = static_cast<size_t>(PackedMatrix::kQuad);
static_assert(kScaledAGroups * kGroup * kSumStride <= kSumFloats);
inline constexpr size_t kRowsAtOnce = kScaledAGroups * kGroup;

// A range of K, in blocks, for a range of columns of D.
struct ScaledPass {
  size_t n_begin, n_end;
  size_t k_begin;
  size_t blocks, block_quads;
  size_t quads;      // that exist: the last block may be short
  bool first, last;  // of the passes over these columns
};

// Calls fill(block, quad, quads, to) for every block of a panel: `quads` quads
// of codes from `quad` on become steps at `to`. Missing ones become zeros.
template <class Fill>
HWY_INLINE void ForEachBlock(const ScaledPass& pass, size_t steps, size_t rows,
                             float* panel, const Fill& fill) {
  const size_t steps_per_quad = steps / pass.block_quads;
  for (size_t block = 0; block < pass.blocks; ++block) {
    const size_t quad = block * pass.block_quads;
    const size_t quads = std::min(pass.block_quads, pass.quads - quad);
    fill(block, quad, quads, panel);
    std::fill(panel + quads * steps_per_quad * kGroup, panel + steps * kGroup,
              0.0f);
    panel += (steps + rows) * kGroup;
  }
}

inline void LoadSums(const float* from, size_t stride, size_t rows, size_t cols,
                     float* HWY_RESTRICT sums) {
  const DF df;
  if (from == nullptr) {
    std::fill_n(sums, rows * kSumStride, 0.0f);
    return;
  }
  for (size_t i = 0; i < rows; ++i) {
    size_t j = 0;
    for (; j + kLanes <= cols; j += kLanes) {
      hn::Store(hn::LoadU(df, from + i * stride + j), df,
                sums + i * kSumStride + j);
    }
    std::copy(from + i * stride + j, from + i * stride + cols,
              sums + i * kSumStride + j);
  }
}

// Of the last pass every NaN is 0x7FC00000.
inline void StoreSums(const float* HWY_RESTRICT sums, size_t stride,
                      size_t rows, size_t cols, bool last, float* to) {
  const DF df;
  const VF nan = hn::BitCast(df, hn::Set(DI(), 0x7FC00000));
  const auto result = [&](size_t at) HWY_ATTR {
    const VF x = hn::Load(df, sums + at);
    return last ? hn::IfThenElse(hn::IsNaN(x), nan, x) : x;
  };
  for (size_t i = 0; i < rows; ++i) {
    size_t j = 0;
    for (; j + kLanes <= cols; j += kLanes) {
      hn::StoreU(result(i * kSumStride + j), df, to + i * stride + j);
    }
    if (j == cols) continue;
    alignas(64) float rest[kLanes];
    hn::Store(result(i * kSumStride + j), df, rest);
    std::copy_n(rest, cols - j, to + i * stride + j);
  }
}

// An odd number of lines, so that panels read side by side do not fall on the
// same cache sets.
constexpr size_t OddLines(size_t floats) {
  return (floats / kGroup | 1) * kGroup;
}

// What Panels must have:
//   Dot, Fold: of the tile
//   block(): products of a block
//   FillA(group, pass, panel), FillB: one group of 16 rows
template <class Panels>
class ScaledGemm {
 public:
  ScaledGemm(const GemmCall& call, const Panels& panels, std::byte* workspace)
      : call_(call),
        panels_(panels),
        c_(call.c.rows == 0
               ? nullptr
               : reinterpret_cast<const float*>(call.c.bytes.data())),
        d_(reinterpret_cast<float*>(call.d.bytes.data())),
        blocks_(
            hwy::DivCeil(static_cast<size_t>(call.a->cols()), panels.block())),
        passes_(
            std::max(hwy::DivCeil(blocks_, kScaledPanelFloats / BlockFloats()),
                     size_t{1})),
        pass_blocks_(hwy::DivCeil(blocks_, passes_)),
        panel_floats_(OddLines(pass_blocks_ * BlockFloats())),
        b_groups_(kScaledBFloats / panel_floats_ / kNV * kNV),
        sums_(reinterpret_cast<float*>(workspace)),
        a_panels_(sums_ + kSumFloats),
        b_panels_(a_panels_ + kScaledAGroups * panel_floats_) {}

  // Loops, outermost first: columns of D that fit the B block; passes over K,
  // as long as each other.
  void Run() const {
    const size_t k = static_cast<size_t>(call_.a->cols());
    const size_t n_end = static_cast<size_t>(call_.n_end);
    const size_t pass_k = pass_blocks_ * panels_.block();
    const size_t width = b_groups_ * kGroup;
    for (size_t n = static_cast<size_t>(call_.n_begin); n < n_end; n += width) {
      size_t k_begin = 0;
      do {  // at least once: K = 0 copies C
        const size_t k_size = std::min(k - k_begin, pass_k);
        RunPass({.n_begin = n,
                 .n_end = std::min(n + width, n_end),
                 .k_begin = k_begin,
                 .blocks = hwy::DivCeil(k_size, panels_.block()),
                 .block_quads = panels_.block() / kQuad,
                 .quads = hwy::DivCeil(k_size, kQuad),
                 .first = k_begin == 0,
                 .last = k_begin + k_size == k});
        k_begin += k_size;
      } while (k_begin < k);
    }
  }

 private:
  using Dot = typename Panels::Dot;
  using Fold = typename Panels::Fold;

  size_t steps() const { return panels_.block() / Dot::kStepK; }
  size_t BlockFloats() const {
    return (steps() + std::max(Fold::kARows, Fold::kBRows)) * kGroup;
  }

  void RunPass(const ScaledPass& pass) const {
    const size_t groups = hwy::DivCeil(pass.n_end - pass.n_begin, kGroup);
    for (size_t g = 0; g < groups; ++g) {
      panels_.FillB(pass.n_begin / kGroup + g, pass,
                    b_panels_ + g * panel_floats_);
    }
    const size_t m_end = static_cast<size_t>(call_.m_end);
    for (size_t m = static_cast<size_t>(call_.m_begin); m < m_end;
         m += kRowsAtOnce) {
      const size_t rows = std::min(kRowsAtOnce, m_end - m);
      for (size_t row = 0; row < rows; row += kGroup) {
        panels_.FillA((m + row) / kGroup, pass,
                      a_panels_ + row / kGroup * panel_floats_);
      }
      RowOfTiles(pass, m, rows);
    }
  }

  // All elements of D in `rows` rows from row `m`.
  void RowOfTiles(const ScaledPass& pass, size_t m, size_t rows) const {
    const size_t n_size = pass.n_end - pass.n_begin;
    const size_t all_vectors = hwy::RoundUpTo(n_size, kGroup) / kLanes;
    const float* from = pass.first ? c_ : d_;
    const auto from_stride = static_cast<size_t>(
        pass.first ? call_.c.row_stride : call_.d.row_stride);
    const auto to_stride = static_cast<size_t>(call_.d.row_stride);
    for (size_t v = 0, vectors = 0; v * kLanes < n_size; v += vectors) {
      vectors = VectorsOfTile(all_vectors - v);
      const size_t n = pass.n_begin + v * kLanes;
      const size_t cols = std::min(vectors * kLanes, pass.n_end - n);
      const TileOutput out = {
          from == nullptr ? nullptr : from + m * from_stride + n, from_stride,
          d_ + m * to_stride + n, to_stride, pass.last};
      const bool whole = rows % kScaledMR == 0 && cols == vectors * kLanes;
      if (whole && pass.blocks != 0) {
        Tiles(pass, v, vectors, rows, out);
        continue;
      }
      LoadSums(out.from, from_stride, rows, cols, sums_);
      Tiles(pass, v, vectors, rows,
            {sums_, kSumStride, sums_, kSumStride, false});
      StoreSums(sums_, to_stride, rows, cols, pass.last, out.to);
    }
  }

  // The sums of some rows and a tile's columns: all tiles of a part of K whose
  // B the L1 cache holds, then the next part. Between parts they are in sums_.
  void Tiles(const ScaledPass& pass, size_t v, size_t vectors, size_t rows,
             const TileOutput& out) const {
    const size_t at_once = std::max(kScaledL1Steps / steps(), size_t{1});
    for (size_t block = 0; block < pass.blocks; block += at_once) {
      const BlockRange range = {std::min(at_once, pass.blocks - block),
                                steps()};
      const bool first = block == 0;
      const bool last = block + at_once >= pass.blocks;
      const float* b[kNV];
      for (size_t i = 0; i < vectors; ++i) {
        const size_t row = (v + i) * kLanes;
        b[i] = b_panels_ + row / kGroup * panel_floats_ + row % kGroup +
               block * (steps() + Fold::kBRows) * kGroup;
      }
      for (size_t row = 0; row < rows; row += kScaledMR) {
        TileOutput tile = {sums_ + row * kSumStride, kSumStride,
                           sums_ + row * kSumStride, kSumStride, false};
        if (first) {
          tile.from =
              out.from == nullptr ? nullptr : out.from + row * out.from_stride;
          tile.from_stride = out.from_stride;
        }
        if (last) {
          tile.to = out.to + row * out.to_stride;
          tile.to_stride = out.to_stride;
          tile.last = out.last;
        }
        // The part before, if any: just before the tile is too late.
        if (last ? first : block + 2 * at_once >= pass.blocks) {
          PrefetchRows(out.to + row * out.to_stride, out.to_stride, vectors);
        }
        const float* a = a_panels_ + row / kGroup * panel_floats_ +
                         row % kGroup +
                         block * (steps() + Fold::kARows) * kGroup;
        RunScaledTile<Dot, Fold>(vectors, range, a, b, tile);
      }
    }
  }

  // Where the sums of a tile will be stored soon.
  static void PrefetchRows(const float* to, size_t stride, size_t vectors) {
    for (size_t row = 0; row < kScaledMR; ++row) {
      for (size_t v = 0; v < vectors; ++v) {
        hwy::Prefetch(to + row * stride + v * kLanes);
      }
    }
  }

  const GemmCall& call_;
  const Panels& panels_;
  const float* c_;
  float* d_;
  size_t blocks_, passes_, pass_blocks_;
  size_t panel_floats_;  // from one panel to the next
  size_t b_groups_;      // B panels at a time
  float* sums_;
  float* a_panels_;
  float* b_panels_;
};

// Calls run(begin, end, good) for the longest runs of groups of 16 rows within
// begin ... end of which all are good(group), or not. Fewer than `few` good
// ones between others count as not good.
template <class Good, class Run>
void ForEachRun(int64_t begin, int64_t end, const Good& good, int64_t few,
                const Run& run) {
  constexpr auto kRows = static_cast<int64_t>(kGroup);
  const auto is_good = [&](int64_t at) {
    return good(static_cast<size_t>(at / kRows));
  };
  int64_t rest = begin;  // of rows that are not good
  for (int64_t at = begin; at < end;) {
    const bool first = is_good(at);
    int64_t stop = std::min(at + kRows, end);
    while (stop < end && is_good(stop) == first) {
      stop = std::min(stop + kRows, end);
    }
    const bool all = at == begin && stop == end;
    if (first && (all || stop - at > (few - 1) * kRows)) {
      if (rest != at) run(rest, at, false);
      run(at, stop, true);
      rest = stop;
    }
    at = stop;
  }
  if (rest != end) run(rest, end, false);
}

// `fast` on the parts of D whose rows of A and of B are good, `general` on
// others.
template <class GoodA, class GoodB, class Fast, class General>
void RunWhere(const GemmCall& call, const GoodA& good_a, const GoodB& good_b,
              int64_t few, const Fast& fast, const General& general) {
  GemmCall part = call;
  const auto run = [](const auto& kernel, GemmCall& of, int64_t begin,
                      int64_t end) {
    of.m_begin = begin;
    of.m_end = end;
    kernel(of);
  };
  ForEachRun(call.n_begin, call.n_end, good_b, few,
             [&](int64_t n_begin, int64_t n_end, bool b_is_good) {
               part.n_begin = n_begin;
               part.n_end = n_end;
               if (!b_is_good) {
                 return run(general, part, call.m_begin, call.m_end);
               }
               ForEachRun(call.m_begin, call.m_end, good_a, few,
                          [&](int64_t m_begin, int64_t m_end, bool is_good) {
                            if (is_good) {
                              run(fast, part, m_begin, m_end);
                            } else {
                              run(general, part, m_begin, m_end);
                            }
                          });
             });
}

// `fast` on the parts of D whose scales are in range, the far slower kernel of
// everything on others.
template <class Fast>
void RunWhereInRange(const GemmCall& call, const ScaleRows& a,
                     const ScaleRows& b, std::byte* workspace,
                     const Fast& fast) {
  const auto in_range = [](const ScaleRows& scales) {
    return [&scales](size_t group) { return scales.AllInRange(group); };
  };
  RunWhere(call, in_range(a), in_range(b), 1, fast,
           [&](const GemmCall& part) { Ieee(part, workspace); });
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_SCALED_INL_H_
