// SPDX-License-Identifier: Apache-2.0
// Register tiles of a sparse operand: every product, with and without scales of
// blocks.
//
// A Product has
//   Sum             of a lane
//   kLanes          elements of K a vector of a dense row holds: a window
//   kPerStep        stored elements of a step
//   Sum Step(sum, row, index, values)
//   Sum Begin(block)            what a block's sum starts from, stored there
//   Sum Resume(block, from)     the same, with what earlier passes left in D
//   VF ToFloat(sum)             in units of its products
//   Finish(sum, last)           words for D

#if defined(ZEROULP_KERNELS_SPARSE_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_SPARSE_TILE_INL_H_
#undef ZEROULP_KERNELS_SPARSE_TILE_INL_H_
#else
#define ZEROULP_KERNELS_SPARSE_TILE_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/sparse_ops-inl.h"
#include "kernels/sparse_pairs.h"
#include "kernels/sparse_scales.h"
#include "kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

#if ZEROULP_TARGET_HAS_512

HWY_INLINE VI LoadLine(const uint8_t* from) {
  return hn::Load(DI(), reinterpret_cast<const int32_t*>(from));
}

// Pairs of bf16, the first in the high half.
struct Bf16Product {
  using Sum = VF;
  static constexpr size_t kLanes = kPairLanes;
  static constexpr size_t kPerStep = kPairPerStep;

  static HWY_INLINE VF Step(VF sum, VI row, VI index, VI values) {
    const DF df;
    return DotBf16HighLow(sum, SelectWords(hn::BitCast(df, row), index),
                          hn::BitCast(df, values));
  }
  static HWY_INLINE VF Begin(const uint8_t* /*block*/) {
    return hn::Zero(DF());
  }
  static HWY_INLINE VF Resume(const uint8_t* /*block*/, const float* from) {
    return hn::LoadU(DF(), from);
  }
  static HWY_INLINE VF ToFloat(VF sum) { return sum; }
  static HWY_INLINE VF Finish(VF sum, bool last) {
    const DF df;
    const VF nan = hn::BitCast(df, hn::Set(DI(), 0x7FC00000));
    return last ? hn::IfThenElse(hn::IsNaN(sum), nan, sum) : sum;
  }
};

#if HWY_TARGET == HWY_AVX3_DL
// Four e2m1 as bytes, twice their values: multiples of 1/2 up to 6. The dense
// ones are unsigned and larger by kOffset, so that a sum begins with what that
// adds to it, negative. D holds integers between passes.
struct Fp4Product {
  using Sum = VI;
  static constexpr size_t kLanes = 64;
  static constexpr size_t kPerStep = 4;
  static constexpr int32_t kOffset = 12;

  static HWY_INLINE VI Step(VI sum, VI row, VI index, VI values) {
    return DotU8S8(sum, SelectBytes(row, index), values);
  }
  static HWY_INLINE VI Begin(const uint8_t* block) { return LoadLine(block); }
  static HWY_INLINE VI Resume(const uint8_t* block, const float* from) {
    return hn::Add(LoadLine(block),
                   hn::LoadU(DI(), reinterpret_cast<const int32_t*>(from)));
  }
  static HWY_INLINE VF ToFloat(VI sum) { return hn::ConvertTo(DF(), sum); }
  static HWY_INLINE VF Finish(VI sum, bool last) {
    const DF df;
    return last ? hn::Mul(ToFloat(sum), hn::Set(df, 0.25f))
                : hn::BitCast(df, sum);
  }
};
#endif  // HWY_TARGET == HWY_AVX3_DL

// Dense rows of a tile of kSparseNV vectors: 16 sums; or 8, and 8 of binary32
// for what scales multiply. Beside them two indices, two vectors of values, a
// window and what is selected from it.
template <ScaleKind kKind>
constexpr size_t TileRows() {
  return kKind == ScaleKind::kNone ? 8 : 4;
}

// Steps before the end of a tile: long enough for D to come from L3, and not so
// long that panels drive it out of L1 again.
inline constexpr size_t kFetchSteps = 32;

// Where a tile reads.
struct SparseTileInput {
  size_t steps;                  // of the pass
  size_t window_steps;           // of a whole window
  size_t block_steps;            // of a block of scales
  const uint8_t* windows;        // [window][rows][64]
  const uint8_t* dense_scales;   // [block][16]
  const uint8_t* const* panels;  // [step] values, indices
  size_t blocks;                 // from the beginning of a panel
  const uint8_t* ahead;          // see sparse_loops-inl.h
};

// The lines of D that a tile is about to write, and where the next one, below,
// starts from.
template <size_t kRows, size_t kVectors>
HWY_INLINE void PrefetchOutput(const TileOutput& out) {
  ZEROULP_UNROLL
  for (size_t i = 0; i < kRows; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      hwy::Prefetch(out.to + i * out.to_stride + v * kLanes);
    }
  }
  if (out.from == nullptr) return;
  ZEROULP_UNROLL
  for (size_t i = kRows; i < 2 * kRows; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      hwy::Prefetch(out.from + i * out.from_stride + v * kLanes);
    }
  }
}

// What moves while a tile goes along K.
template <size_t kRows, size_t kVectors>
struct SparseCursor {
  HWY_INLINE explicit SparseCursor(const SparseTileInput& in)
      : windows(in.windows), ahead(in.ahead) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) at[v] = in.panels[v];
  }

  const uint8_t* HWY_RESTRICT windows;
  const uint8_t* HWY_RESTRICT at[kVectors];
  const uint8_t* ahead;
};

// `steps` steps of one window, and a line of what the next tiles read for each
// that all tiles of a square share.
template <class Product, size_t kRows, size_t kVectors>
HWY_INLINE void AddSteps(size_t steps, SparseCursor<kRows, kVectors>& cursor,
                         typename Product::Sum (&sum)[kRows][kVectors]) {
  for (size_t s = 0; s < steps; s += kSparseRows / kRows) {
    PrefetchL2(cursor.ahead);
    cursor.ahead += kStepBytes;
  }
  for (size_t s = 0; s < steps; ++s) {
    VI index[kVectors], values[kVectors];
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      values[v] = LoadLine(cursor.at[v]);
      index[v] = LoadLine(cursor.at[v] + kStepBytes);
      cursor.at[v] += kPanelStepBytes;
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
      const VI row = LoadLine(cursor.windows + i * kStepBytes);
      ZEROULP_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        sum[i][v] = Product::Step(sum[i][v], row, index[v], values[v]);
      }
    }
  }
}

template <class Product, size_t kVectors>
HWY_NOINLINE void PlainTile(const SparseTileInput& in, const TileOutput& out) {
  constexpr size_t kRows = TileRows<ScaleKind::kNone>();
  typename Product::Sum sum[kRows][kVectors];
  ZEROULP_UNROLL
  for (size_t i = 0; i < kRows; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      const uint8_t* block = in.panels[v] + in.blocks;
      sum[i][v] = out.from == nullptr
                      ? Product::Begin(block)
                      : Product::Resume(
                            block, out.from + i * out.from_stride + v * kLanes);
    }
  }
  SparseCursor<kRows, kVectors> cursor(in);
  bool fetched = false;
  for (size_t steps = in.steps; steps != 0;) {
    if (steps <= kFetchSteps && !fetched) {
      PrefetchOutput<kRows, kVectors>(out);
      fetched = true;
    }
    const size_t now = HWY_MIN(steps, in.window_steps);
    AddSteps<Product>(now, cursor, sum);
    cursor.windows += kRows * kStepBytes;
    steps -= now;
  }
  ZEROULP_UNROLL
  for (size_t i = 0; i < kRows; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      hn::StoreU(Product::Finish(sum[i][v], out.last), DF(),
                 out.to + i * out.to_stride + v * kLanes);
    }
  }
}

// acc = fma(sum of a block, factor of its scales, acc).
template <class Product, ScaleKind kKind, size_t kVectors>
HWY_NOINLINE void ScaledTile(const SparseTileInput& in, const TileOutput& out) {
  constexpr size_t kRows = TileRows<kKind>();
  const DF df;
  VF acc[kRows][kVectors];
  LoadAccumulators<kRows, kVectors>(out, acc);
  const uint8_t* block[kVectors];
  ZEROULP_UNROLL
  for (size_t v = 0; v < kVectors; ++v) block[v] = in.panels[v] + in.blocks;
  SparseCursor<kRows, kVectors> cursor(in);
  const auto* dense_scales = reinterpret_cast<const int32_t*>(in.dense_scales);
  size_t window_left = in.window_steps;
  bool fetched = false;
  for (size_t steps = in.steps; steps != 0;) {
    if (steps <= kFetchSteps && !fetched) {
      PrefetchOutput<kRows, kVectors>(out);
      fetched = true;
    }
    typename Product::Sum sum[kRows][kVectors];
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      ZEROULP_UNROLL
      for (size_t i = 0; i < kRows; ++i) sum[i][v] = Product::Begin(block[v]);
    }
    size_t left = HWY_MIN(steps, in.block_steps);
    steps -= left;
    while (left != 0) {
      const size_t now = HWY_MIN(left, window_left);
      AddSteps<Product>(now, cursor, sum);
      left -= now;
      window_left -= now;
      if (window_left == 0) {
        window_left = in.window_steps;
        cursor.windows += kRows * kStepBytes;
      }
    }
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      const VI scale = LoadLine(block[v] + kStepBytes);
      block[v] += kPanelStepBytes;
      ZEROULP_UNROLL
      for (size_t i = 0; i < kRows; ++i) {
        const VI row = hn::Set(DI(), dense_scales[i]);
        VF factor;
        if constexpr (kKind == ScaleKind::kExponents) {
          factor = hn::BitCast(df, hn::Add(row, scale));
        } else {
          factor = hn::Mul(hn::BitCast(df, row), hn::BitCast(df, scale));
        }
        acc[i][v] = hn::MulAdd(Product::ToFloat(sum[i][v]), factor, acc[i][v]);
      }
    }
    dense_scales += kSparseRows;
  }
  StoreAccumulators<kRows, kVectors>(out, acc);
}

// 16 dense rows by `vectors` panels, tile under tile.
template <class Product, ScaleKind kKind>
void SquareOfTiles(size_t vectors, size_t windows, SparseTileInput in,
                   TileOutput out) {
  constexpr size_t kRows = TileRows<kKind>();
  const auto tile = [&](auto one_or_two) HWY_ATTR {
    constexpr size_t kVectors = decltype(one_or_two)::value;
    if constexpr (kKind == ScaleKind::kNone) {
      PlainTile<Product, kVectors>(in, out);
    } else {
      ScaledTile<Product, kKind, kVectors>(in, out);
    }
  };
  for (size_t i = 0; i < kSparseRows; i += kRows) {
    if (vectors == kSparseNV) {
      tile(std::integral_constant<size_t, kSparseNV>());
    } else {
      tile(std::integral_constant<size_t, 1>());
    }
    in.windows += kRows * windows * kStepBytes;
    in.dense_scales += kRows * sizeof(int32_t);
    in.ahead += in.steps / (kSparseRows / kRows) * kStepBytes;
    if (out.from != nullptr) out.from += kRows * out.from_stride;
    out.to += kRows * out.to_stride;
  }
}

#endif  // ZEROULP_TARGET_HAS_512

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_SPARSE_TILE_INL_H_
