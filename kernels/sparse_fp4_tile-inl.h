// SPDX-License-Identifier: Apache-2.0
// Tiles of sparse e2m1, without scales and with those of blocks.

#if defined(ZEROULP_KERNELS_SPARSE_FP4_TILE_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_SPARSE_FP4_TILE_INL_H_
#undef ZEROULP_KERNELS_SPARSE_FP4_TILE_INL_H_
#else
#define ZEROULP_KERNELS_SPARSE_FP4_TILE_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "kernels/sparse_loops-inl.h"

#ifndef ZEROULP_KERNELS_SPARSE_FP4_TILE_ONCE_
#define ZEROULP_KERNELS_SPARSE_FP4_TILE_ONCE_
namespace zeroulp::kernels {

inline constexpr size_t kByteLanes = 64;  // of a window
inline constexpr size_t kBytesPerStep = 4;
// Values are twice those of e2m1, which are multiples of 1/2 up to 6: the
// sparse ones signed, the dense ones unsigned by this much more.
inline constexpr int32_t kDenseOffset = 12;

// Of the shortest block of scales, 16 products; behind the steps, for each
// block [16] corrections and [16] scales; behind the windows, [16] scales.
inline constexpr size_t kMinBlockSteps = 4;
inline constexpr size_t kBlockBytes = 2 * kStepBytes;
constexpr SparseSizes Fp4Sizes(size_t steps) {
  return {steps, steps / kMinBlockSteps * kBlockBytes,
          steps / kMinBlockSteps * kStepBytes};
}
// At 4:16 a pass is 4096 elements of K, at 2:4 half as many: see
// sparse_chain.cc.
inline constexpr SparseSizes kFp4Sizes = Fp4Sizes(256);

}  // namespace zeroulp::kernels
#endif  // ZEROULP_KERNELS_SPARSE_FP4_TILE_ONCE_

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3_DL

// How the scales of both operands become a factor of a block's sum, in quarters
// of the unit of e2m1's products.
enum class ScaleKind {
  kNone,       // no blocks: sums stay integers until the end
  kExponents,  // E8M0: words are exponents in place, added
  kFactors,    // UE4M3: binary32 values, multiplied
};

// MR dense rows at a time: 16 integer accumulators; or 8, and 8 of binary32.
template <ScaleKind kKind>
constexpr size_t TileRows() {
  return kKind == ScaleKind::kNone ? 8 : 4;
}

// Where a tile reads.
struct TileInput {
  const uint8_t* windows;        // [window][rows][64]
  const int32_t* scales;         // of dense rows: [block][16]
  const uint8_t* const* panels;  // of sparse rows
  const uint8_t* ahead;          // see sparse_loops-inl.h
  size_t window_steps, block_steps;
};

template <size_t kRows, size_t kVectors>
HWY_INLINE void Dots(const uint8_t* HWY_RESTRICT windows,
                     const uint8_t* HWY_RESTRICT* HWY_RESTRICT at,
                     const uint8_t*& ahead, size_t steps,
                     VI (&acc)[kRows][kVectors]) {
  const DI di;
  for (size_t s = 0; s < steps; s += kSparseRows / kRows) {
    PrefetchL2(ahead);
    ahead += kStepBytes;
  }
  for (size_t s = 0; s < steps; ++s) {
    VI index[kVectors], value[kVectors];
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      value[v] = hn::Load(di, reinterpret_cast<const int32_t*>(at[v]));
      index[v] =
          hn::Load(di, reinterpret_cast<const int32_t*>(at[v] + kStepBytes));
      at[v] += kPanelStepBytes;
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
      const VI row = hn::Load(
          di, reinterpret_cast<const int32_t*>(windows + i * kStepBytes));
      ZEROULP_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        acc[i][v] = DotU8S8(acc[i][v], SelectBytes(row, index[v]), value[v]);
      }
    }
  }
}

// No scales: D holds integers between passes.
template <size_t kVectors>
HWY_NOINLINE void IntegerTile(const SparsePass& pass, const TileInput& in,
                              const TileOutput& out) {
  constexpr size_t kRows = TileRows<ScaleKind::kNone>();
  const DI di;
  const DF df;
  VI acc[kRows][kVectors];
  const uint8_t* at[kVectors];
  ZEROULP_UNROLL
  for (size_t v = 0; v < kVectors; ++v) {
    at[v] = in.panels[v];
    const VI correction = hn::Load(
        di, reinterpret_cast<const int32_t*>(at[v] + kFp4Sizes.scales()));
    ZEROULP_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
      acc[i][v] = correction;
      if (pass.first) continue;
      const float* from = out.from + i * out.from_stride + v * kLanes;
      acc[i][v] = hn::Add(
          acc[i][v], hn::LoadU(di, reinterpret_cast<const int32_t*>(from)));
    }
  }
  const uint8_t* windows = in.windows;
  const uint8_t* ahead = in.ahead;
  bool fetched = false;
  for (size_t steps = pass.steps; steps != 0;) {
    if (steps <= kFetchSteps && !fetched) {
      PrefetchOutput<kRows, kVectors>(out);
      fetched = true;
    }
    const size_t now = HWY_MIN(steps, in.window_steps);
    Dots(windows, at, ahead, now, acc);
    windows += kRows * kStepBytes;
    steps -= now;
  }
  const VF quarter = hn::Set(df, 0.25f);
  ZEROULP_UNROLL
  for (size_t i = 0; i < kRows; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      const VI x = acc[i][v];
      const VI sum =
          out.last ? hn::BitCast(di, hn::Mul(hn::ConvertTo(df, x), quarter))
                   : x;
      hn::StoreU(
          sum, di,
          reinterpret_cast<int32_t*>(out.to + i * out.to_stride + v * kLanes));
    }
  }
}

// acc = fma(sum of a block, factor of its scales, acc).
template <ScaleKind kKind, size_t kVectors>
HWY_NOINLINE void ScaledTile(const SparsePass& pass, const TileInput& in,
                             const TileOutput& out) {
  constexpr size_t kRows = TileRows<kKind>();
  const DI di;
  const DF df;
  VF acc[kRows][kVectors];
  ZEROULP_UNROLL
  for (size_t i = 0; i < kRows; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      acc[i][v] =
          out.from == nullptr
              ? hn::Zero(df)
              : hn::LoadU(df, out.from + i * out.from_stride + v * kLanes);
    }
  }
  const uint8_t* at[kVectors];
  const uint8_t* blocks[kVectors];
  ZEROULP_UNROLL
  for (size_t v = 0; v < kVectors; ++v) {
    at[v] = in.panels[v];
    blocks[v] = in.panels[v] + kFp4Sizes.scales();
  }
  const uint8_t* windows = in.windows;
  const uint8_t* ahead = in.ahead;
  const int32_t* dense_scales = in.scales;
  size_t window_left = in.window_steps;
  bool fetched = false;
  for (size_t steps = pass.steps; steps != 0;) {
    if (steps <= kFetchSteps && !fetched) {
      PrefetchOutput<kRows, kVectors>(out);
      fetched = true;
    }
    VI sum[kRows][kVectors];
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      const VI correction =
          hn::Load(di, reinterpret_cast<const int32_t*>(blocks[v]));
      ZEROULP_UNROLL
      for (size_t i = 0; i < kRows; ++i) sum[i][v] = correction;
    }
    size_t left = HWY_MIN(steps, in.block_steps);
    steps -= left;
    while (left != 0) {
      const size_t now = HWY_MIN(left, window_left);
      Dots(windows, at, ahead, now, sum);
      left -= now;
      window_left -= now;
      if (window_left == 0) {
        window_left = in.window_steps;
        windows += kRows * kStepBytes;
      }
    }
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      const VI scale = hn::Load(
          di, reinterpret_cast<const int32_t*>(blocks[v] + kStepBytes));
      blocks[v] += kBlockBytes;
      ZEROULP_UNROLL
      for (size_t i = 0; i < kRows; ++i) {
        const VI row = hn::Set(di, dense_scales[i]);
        VF factor;
        if constexpr (kKind == ScaleKind::kExponents) {
          factor = hn::BitCast(df, hn::Add(row, scale));
        } else {
          factor = hn::Mul(hn::BitCast(df, row), hn::BitCast(df, scale));
        }
        acc[i][v] = hn::MulAdd(hn::ConvertTo(df, sum[i][v]), factor, acc[i][v]);
      }
    }
    dense_scales += kSparseRows;
  }
  const VF nan = hn::BitCast(df, hn::Set(di, 0x7FC00000));
  ZEROULP_UNROLL
  for (size_t i = 0; i < kRows; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      const VF x = acc[i][v];
      hn::StoreU(out.last ? hn::IfThenElse(hn::IsNaN(x), nan, x) : x, df,
                 out.to + i * out.to_stride + v * kLanes);
    }
  }
}

#endif  // HWY_TARGET == HWY_AVX3_DL

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_SPARSE_FP4_TILE_INL_H_
