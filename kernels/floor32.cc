// SPDX-License-Identifier: Apache-2.0
#include "kernels/floor32.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/floor32.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/block.h"
#include "kernels/floor32_block.h"
#include "kernels/floor32_panel-inl.h"
#include "kernels/floor32_tile-inl.h"
#include "kernels/promote-inl.h"
#include "kernels/rows-inl.h"

#ifndef ZEROULP_KERNELS_FLOOR32_ONCE_
#define ZEROULP_KERNELS_FLOOR32_ONCE_
namespace zeroulp::kernels {

// Scratch memory of one task. `sums`: with promotion alone, what the
// accumulators of a block are added to.
struct Floor32Memory {
  Floor32PanelB b;
  Floor32PanelA a[kFloor32Groups];
  alignas(64) float acc[kFloor32Block];
  alignas(64) float verdicts[kFloor32Block];
  alignas(64) float sums[kFloor32Block];
};

}  // namespace zeroulp::kernels
#endif  // ZEROULP_KERNELS_FLOOR32_ONCE_

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

// Calls body(row, col, cols, index) for each row of each tile of a block.
template <class Body>
void ForEachRow(const Floor32Block& block, const Body& body) {
  for (size_t col = 0; col < block.cols; col += kFloor32TileCols) {
    const size_t cols = std::min(block.cols - col, kFloor32TileCols);
    for (size_t row = 0; row < block.rows; ++row) {
      body(row, col, cols, Floor32Block::At(row, col));
    }
  }
}

template <class Rule, size_t kChunk>
class Floor32Gemm {
 public:
  Floor32Gemm(const GemmCall& call, Floor32Memory& memory)
      : call_(call),
        memory_(memory),
        tile_(*call.row),
        verdicts_(call, memory.verdicts, memory.acc),
        a_(*call.a, kFloor32BiasA, 0),
        b_(*call.b_t, kFloor32BiasB, kExcess),
        promotes_(call.promote_every != 0) {}

  void Run(const Floor32Block& block) {
    const auto k_end = static_cast<size_t>(call_.a->cols());
    verdicts_.Begin(block);
    LoadC(block);
    for (size_t k = 0; k < k_end;) {
      const size_t promotion = Promotion::After(call_, k, k_end);
      const size_t next = std::min(k + kFloor32PassK, promotion);
      Pass(block, k, next);
      if (promotes_ && next == promotion) Promote(block, k);
      k = next;
    }
    StoreD(block);
  }

 private:
  // Whether the chain can start from all of a row.
  static bool Fits(const float* HWY_RESTRICT row) {
    const DF df;
    auto fits = hn::Eq(hn::Zero(df), hn::Zero(df));
    for (size_t i = 0; i < kFloor32TileCols; i += kFloor32Lanes) {
      const VF x = hn::Abs(hn::Load(df, row + i));
      fits =
          hn::And(fits, hn::Or(hn::Eq(x, hn::Zero(df)),
                               hn::And(hn::Ge(x, hn::Set(df, kFloor32Least)),
                                       hn::Lt(x, hn::Set(df, kFloor32Most)))));
    }
    return hn::AllTrue(df, fits);
  }

  void LoadC(const Floor32Block& block) {
    const DF df;
    const DI di;
    // What the first step would cut anyway.
    const VI mask = hn::Set(
        di, static_cast<int32_t>(~0u << (23 - call_.row->out_fraction_bits)));
    float* to = promotes_ ? memory_.sums : memory_.acc;
    // Rows and columns past the end, too.
    const size_t tile_rows = hwy::DivCeil(block.rows, kFloor32TileRows);
    for (size_t col = 0; col < block.cols; col += kFloor32TileCols) {
      const size_t at = Floor32Block::TileAt(0, col / kFloor32TileCols);
      std::fill_n(memory_.acc + at, tile_rows * kFloor32Tile, 0.0f);
      if (promotes_) std::fill_n(to + at, tile_rows * kFloor32Tile, 0.0f);
    }
    if (call_.c.rows == 0) return;
    ForEachRow(block, [&](size_t row, size_t col, size_t cols, size_t at) {
      LoadRow(call_.c, block.m + row, block.n + col, cols, to + at);
      if (promotes_) return;
      if (!Fits(to + at)) {
        for (size_t i = 0; i < cols; ++i) {
          const float x = std::fabs(to[at + i]);
          if (x == 0 || (x >= kFloor32Least && x < kFloor32Most)) continue;
          verdicts_.SetAside(row, col + i);
        }
      }
      for (size_t i = 0; i < kFloor32TileCols; i += kFloor32Lanes) {
        const VI x = hn::BitCast(di, hn::Load(df, to + at + i));
        const VF cut = hn::BitCast(df, hn::And(x, mask));
        // The sum of zeros of both signs is +0, and so is any result.
        hn::Store(hn::Add(cut, hn::Zero(df)), df, to + at + i);
      }
    });
  }

  // Products k ... k_end - 1, at most kFloor32PassK.
  void Pass(const Floor32Block& block, size_t k, size_t k_end) {
    const size_t groups = hwy::DivCeil(block.rows, kFloor32Group);
    const size_t chunks = hwy::DivCeil(k_end - k, kChunk);
    bool a_special = false;
    for (size_t g = 0; g < groups; ++g) {
      a_special = MakePanelA(a_, block.m / kFloor32Group + g, k,
                             chunks * kChunk, kChunk, memory_.a[g]) ||
                  a_special;
    }
    for (size_t col = 0; col < block.cols; col += kFloor32TileCols) {
      const bool special = MakePanelB(b_, (block.n + col) / kFloor32Group, k,
                                      chunks * kChunk, kChunk, memory_.b) ||
                           a_special;
      Floor32Column work = {
          .begin = 0,
          .end = chunks,
          .tiles = hwy::DivCeil(block.rows, kFloor32TileRows),
          .a = memory_.a,
          .b = &memory_.b,
          .acc = memory_.acc + Floor32Block::TileAt(0, col / kFloor32TileCols)};
      if (!special) {
        tile_.Run(work);
        continue;
      }
      // An accumulator may overflow before it meets an infinity.
      for (; work.begin < chunks; ++work.begin) {
        work.end = work.begin + 1;
        verdicts_.AddProducts(col, k + work.begin * kChunk,
                              std::min(k + work.end * kChunk, k_end));
        tile_.Run(work);
      }
    }
  }

  // Adds the accumulators, times the scales at k, to the sums: one rounding.
  void Promote(const Floor32Block& block, size_t k) {
    const DF df;
    verdicts_.MoveToSums();
    const Promotion promote(call_, k);
    ForEachRow(block, [&](size_t row, size_t col, size_t cols, size_t at) {
      for (size_t i = 0; i < cols; i += kFloor32Lanes) {
        float* part = memory_.acc + at + i;
        float* sum = memory_.sums + at + i;
        hn::Store(promote(block.m + row, block.n + col + i, hn::Load(df, part),
                          hn::Load(df, sum)),
                  df, sum);
        hn::Store(hn::Zero(df), df, part);
      }
    });
  }

  void StoreD(const Floor32Block& block) {
    float* from = promotes_ ? memory_.sums : memory_.acc;
    ForEachRow(block, [&](size_t row, size_t col, size_t cols, size_t at) {
      StoreRow(*call_.row, call_.d, block.m + row, block.n + col, cols,
               from + at);
    });
    verdicts_.Write();
  }

  const GemmCall& call_;
  Floor32Memory& memory_;
  Floor32Tile<Rule, kChunk> tile_;
  Floor32Verdicts verdicts_;
  Floor32Source a_, b_;
  bool promotes_;
};

template <class Rule, size_t kChunk>
void RunBlocks(const GemmCall& call, Floor32Memory& memory) {
  Floor32Gemm<Rule, kChunk> gemm(call, memory);
  const auto m_end = static_cast<size_t>(call.m_end);
  const auto n_end = static_cast<size_t>(call.n_end);
  for (auto m = static_cast<size_t>(call.m_begin); m < m_end;
       m += kFloor32Rows) {
    for (auto n = static_cast<size_t>(call.n_begin); n < n_end;
         n += kFloor32Cols) {
      gemm.Run({.m = m,
                .n = n,
                .rows = std::min(m_end - m, kFloor32Rows),
                .cols = std::min(n_end - n, kFloor32Cols)});
    }
  }
}

void CopyC(const GemmCall& call) {
  for (int64_t m = call.m_begin; m < call.m_end; ++m) {
    for (int64_t n = call.n_begin; n < call.n_end; ++n) {
      WriteElement(*call.row, call.d, m, n,
                   call.c.rows == 0 ? 0.0f : ReadElement(call.c, m, n));
    }
  }
}

template <class Rule>
void RunRow(const GemmCall& call, Floor32Memory& memory) {
  static_assert(kFloor32MinChunk == 16);
  if (call.row->chunk == 16) {
    RunBlocks<Rule, 16>(call, memory);
  } else {
    RunBlocks<Rule, 32>(call, memory);
  }
}

void Floor32Target(const GemmCall& call, std::byte* workspace) {
  auto& memory = *reinterpret_cast<Floor32Memory*>(workspace);
  const ArithInfo& row = *call.row;
  if (call.a->cols() == 0) return CopyC(call);
  if (row.output == Format::kF32) return RunRow<CutToFraction>(call, memory);
  const int least = Info(call.a->format()).min_exponent() +
                    Info(call.b_t->format()).min_exponent();
  if (least < Info(row.output).min_exponent()) {
    RunRow<RoundToF16<true>>(call, memory);
  } else {
    RunRow<RoundToF16<false>>(call, memory);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
HWY_EXPORT(Floor32Target);

size_t Floor32WorkspaceBytes(const GemmCall& /*call*/) {
  return sizeof(Floor32Memory);
}

void Floor32(const GemmCall& call, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(Floor32Target)(call, workspace);
}
}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
