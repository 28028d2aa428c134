// SPDX-License-Identifier: Apache-2.0
// Register tiles of sums in blocks, each scaled and added to what came before.
//
// Panels are as in tile-inl.h, but in blocks: steps of 16 lanes, then the rows
// of 16 lanes that the fold of the block's sums needs.

#if defined(ZEROULP_KERNELS_SCALED_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_SCALED_TILE_INL_H_
#undef ZEROULP_KERNELS_SCALED_TILE_INL_H_
#else
#define ZEROULP_KERNELS_SCALED_TILE_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "kernels/tile-inl.h"
#include "kernels/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// Rows of a tile. 4 x 3 sums twice, where there are 32 registers for them.
inline constexpr size_t kScaledMR = 4;

// From one row of sums to the next.
inline constexpr size_t kSumStride = kNV * kLanes;

// A fold of block sums p into sums. A's and B's rows of it, after the steps:
//   Begin(a, b): p of no products
//   End(p, a, b, sum): the new sum
// `a` points to one lane of A's rows, `b` to a vector of B's.

// Scales are in the values already.
struct AddFold {
  static constexpr size_t kARows = 0, kBRows = 0;
  static HWY_INLINE VF Begin(const float*, const float*) {
    return hn::Zero(DF());
  }
  static HWY_INLINE VF End(VF p, const float*, const float*, VF sum) {
    return hn::Add(sum, p);
  }
};

// Rows: the scales, whose product rounds to binary32, or is one.
struct ScaleFold {
  static constexpr size_t kARows = 1, kBRows = 1;
  static HWY_INLINE VF Begin(const float*, const float*) {
    return hn::Zero(DF());
  }
  static HWY_INLINE VF End(VF p, const float* a, const float* b, VF sum) {
    const DF df;
    return MulAddOnce(p, hn::Mul(hn::Set(df, *a), hn::Load(df, b)), sum);
  }
};

// Sums of E2M1 products are integers, in quarters: added to the bits of
// 1.5 * 2^21, whose last place is a quarter, they need no conversion.
inline constexpr int32_t kFractionBase = 0x4A400000;

// Powers of two as scales, B's in the exponent of 1.5 * 2^21: no product of
// scales. A: the scale. B: bits to begin with, and 1.5 * 2^21 * scale.
struct FractionFold {
  static constexpr size_t kARows = 1, kBRows = 2;
  static HWY_INLINE VF Begin(const float*, const float* b) {
    return hn::Load(DF(), b);
  }
  static HWY_INLINE VF End(VF p, const float* a, const float* b, VF sum) {
    const DF df;
    const VF scaled = hn::Sub(p, hn::Load(df, b + kPanelRows));
    return hn::MulAdd(scaled, hn::Set(df, *a), sum);
  }
};

// Any scales. A: the scale. B: bits to begin with, and the scale.
struct FractionScaleFold {
  static constexpr size_t kARows = 1, kBRows = 2;
  static HWY_INLINE VF Begin(const float*, const float* b) {
    return hn::Load(DF(), b);
  }
  static HWY_INLINE VF End(VF p, const float* a, const float* b, VF sum) {
    const DF df;
    const VF base = hn::BitCast(df, hn::Set(DI(), kFractionBase));
    const VF scale = hn::Mul(hn::Set(df, *a), hn::Load(df, b + kPanelRows));
    return hn::MulAdd(hn::Sub(p, base), scale, sum);
  }
};

// Integers of at most 24 bits, times powers of two. A: the power. B: bits to
// begin with, and the power.
struct IntegerFold {
  static constexpr size_t kARows = 1, kBRows = 2;
  static HWY_INLINE VF Begin(const float*, const float* b) {
    return hn::Load(DF(), b);
  }
  static HWY_INLINE VF End(VF p, const float* a, const float* b, VF sum) {
    const DF df;
    const VF number = hn::ConvertTo(df, hn::BitCast(DI(), p));
    return hn::MulAdd(hn::Mul(number, hn::Load(df, b + kPanelRows)),
                      hn::Set(df, *a), sum);
  }
};

#if HWY_TARGET == HWY_AVX3_DL
// Four products a step, of unsigned bytes of A and signed bytes of B.
struct Int8Dot {
  static constexpr size_t kStepK = 4;
  static HWY_INLINE VF Step(VF acc, VF a, VF b) {
    const DI di;
    return hn::BitCast(DF(), DotU8S8(hn::BitCast(di, acc), hn::BitCast(di, a),
                                     hn::BitCast(di, b)));
  }
};
#endif

struct BlockRange {
  size_t blocks, steps;  // steps of a block
};

// Sums of no products. `at` is where the rows of the fold are.
template <class Fold, size_t kVectors>
HWY_INLINE void BeginTile(const float* HWY_RESTRICT a,
                          const float* const* HWY_RESTRICT b, size_t at,
                          VF (&acc)[kScaledMR][kVectors]) {
  ZEROULP_UNROLL
  for (size_t i = 0; i < kScaledMR; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      acc[i][v] = Fold::Begin(a + at + i, b[v] + at);
    }
  }
}

// One step of all rows.
template <class Dot, size_t kVectors>
HWY_INLINE void StepTile(const float* HWY_RESTRICT a,
                         const float* const* HWY_RESTRICT b, size_t at,
                         VF (&acc)[kScaledMR][kVectors]) {
  const DF df;
  VF b_now[kVectors];
  ZEROULP_UNROLL
  for (size_t v = 0; v < kVectors; ++v) b_now[v] = hn::Load(df, b[v] + at);
  ZEROULP_UNROLL
  for (size_t i = 0; i < kScaledMR; ++i) {
    const VF a_now = hn::Set(df, a[at + i]);
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      acc[i][v] = Dot::Step(acc[i][v], a_now, b_now[v]);
    }
  }
}

// Continues kScaledMR x kVectors sums. `b[v]` is the panel of B vector v,
// already offset to its first lane. The sums stay in registers where there are
// 32, and otherwise where they go to.
template <class Dot, class Fold, size_t kVectors>
HWY_NOINLINE void ScaledTile(const BlockRange& range,
                             const float* HWY_RESTRICT a,
                             const float* const* HWY_RESTRICT b,
                             const TileOutput& out) {
  const DF df;
  const size_t a_stride = (range.steps + Fold::kARows) * kPanelRows;
  const size_t b_stride = (range.steps + Fold::kBRows) * kPanelRows;
  const size_t fold_at = range.steps * kPanelRows;
  const TileOutput kept = {out.to, out.to_stride, out.to, out.to_stride, false};
  VF sum[kScaledMR][kVectors];
  LoadAccumulators<kScaledMR, kVectors>(out, sum);
  if (!kManyRegisters) StoreAccumulators<kScaledMR, kVectors>(kept, sum);
  const float* b_at[kVectors];
  ZEROULP_UNROLL
  for (size_t v = 0; v < kVectors; ++v) b_at[v] = b[v];
  for (size_t block = 0; block < range.blocks; ++block) {
    VF acc[kScaledMR][kVectors];
    BeginTile<Fold, kVectors>(a, b_at, fold_at, acc);
    for (size_t at = 0; at < fold_at; at += kPanelRows) {
      StepTile<Dot, kVectors>(a, b_at, at, acc);
    }
    ForgetMemory();
    ZEROULP_UNROLL
    for (size_t i = 0; i < kScaledMR; ++i) {
      ZEROULP_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        float* at = kept.to + i * kept.to_stride + v * kLanes;
        if (!kManyRegisters) sum[i][v] = hn::LoadU(df, at);
        sum[i][v] =
            Fold::End(acc[i][v], a + fold_at + i, b_at[v] + fold_at, sum[i][v]);
        if (!kManyRegisters) hn::StoreU(sum[i][v], df, at);
      }
    }
    a += a_stride;
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) b_at[v] += b_stride;
  }
  if (!kManyRegisters) LoadAccumulators<kScaledMR, kVectors>(kept, sum);
  StoreAccumulators<kScaledMR, kVectors>(out, sum);
}

template <class Dot, class Fold>
HWY_INLINE void RunScaledTile(size_t vectors, const BlockRange& range,
                              const float* a, const float* const* b,
                              const TileOutput& out) {
  static_assert(kNV == 3);
  switch (vectors) {
    case 1:
      return ScaledTile<Dot, Fold, 1>(range, a, b, out);
    case 2:
      return ScaledTile<Dot, Fold, 2>(range, a, b, out);
    default:
      return ScaledTile<Dot, Fold, 3>(range, a, b, out);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_SCALED_TILE_INL_H_
