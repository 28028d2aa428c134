// SPDX-License-Identifier: Apache-2.0
// Register tiles of the ordered binary32 chain.
//
// Both operands come as panels [step][16 rows] of 32-bit lanes, a lane holding
// one step of one row: a binary32 value (FmaDot) or two bf16 (Bf16Dot). A tile
// is kMR rows of A, broadcast one by one, times kNV vectors of B rows. Every
// output element has its own lane, so K is summed strictly in order.

#if defined(ZEROULP_KERNELS_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_TILE_INL_H_
#undef ZEROULP_KERNELS_TILE_INL_H_
#else
#define ZEROULP_KERNELS_TILE_INL_H_
#endif

#include <cstddef>

#include "hwy/cache_control.h"
#include "kernels/ops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

inline constexpr size_t kPanelRows = 16;  // PackedMatrix::kRows
inline constexpr size_t kLanes = HWY_LANES(float);
static_assert(kPanelRows % kLanes == 0);

// Tile sizes that fill the registers: kMR * kNV accumulators, kNV vectors of B
// and one broadcast. 8 x 3 of 32 registers loads 11 vectors for 24 multiply-
// adds, 4 x 3 of 16 registers loads 7 for 12; kMR divides 16.
inline constexpr size_t kManyRegisters =
    HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_ARCH_ARM_A64;
inline constexpr size_t kMR = kManyRegisters ? 8 : 4;
inline constexpr size_t kNV = 3;

struct FmaDot {
  static constexpr size_t kStepK = 1;
  static HWY_INLINE VF Step(VF acc, VF a, VF b) {
    return MulAddExactProduct(acc, a, b);
  }
};

#if ZEROULP_TARGET_HAS_512
struct Bf16Dot {
  static constexpr size_t kStepK = 2;
  static HWY_INLINE VF Step(VF acc, VF a, VF b) {
    return DotBf16HighLow(acc, a, b);
  }
};
#endif

// Where a tile starts from and ends.
struct TileOutput {
  const float* from;  // kMR rows of accumulators; null: zero
  size_t from_stride;
  float* to;
  size_t to_stride;
  bool last;  // `to` is D, where every NaN is 0x7FC00000
};

template <size_t kRows, size_t kVectors>
HWY_INLINE void LoadAccumulators(const TileOutput& out,
                                 VF (&acc)[kRows][kVectors]) {
  const DF df;
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
}

template <size_t kRows, size_t kVectors>
HWY_INLINE void StoreAccumulators(const TileOutput& out,
                                  const VF (&acc)[kRows][kVectors]) {
  const DF df;
  const VF nan = hn::BitCast(df, hn::Set(DI(), 0x7FC00000));
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

// `b[v]` is the panel of B vector v, already offset to its first lane.
template <class Dot, size_t kVectors>
HWY_NOINLINE void Tile(size_t steps, const float* HWY_RESTRICT a,
                       const float* const* HWY_RESTRICT b,
                       const TileOutput& out) {
  const DF df;
  VF acc[kMR][kVectors];
  LoadAccumulators<kMR, kVectors>(out, acc);
  // The tile to the right starts from what lies there: by then it is here.
  if (out.from != nullptr) {
    ZEROULP_UNROLL
    for (size_t i = 0; i < kMR; ++i) {
      ZEROULP_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        hwy::Prefetch(out.from + i * out.from_stride + (kVectors + v) * kLanes);
      }
    }
  }
  const float* b_at[kVectors];
  ZEROULP_UNROLL
  for (size_t v = 0; v < kVectors; ++v) b_at[v] = b[v];
  for (size_t s = 0; s < steps; ++s) {
    VF b_now[kVectors];
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      b_now[v] = hn::Load(df, b_at[v] + s * kPanelRows);
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kMR; ++i) {
      const VF a_now = hn::Set(df, a[s * kPanelRows + i]);
      ZEROULP_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        acc[i][v] = Dot::Step(acc[i][v], a_now, b_now[v]);
      }
    }
  }
  StoreAccumulators<kMR, kVectors>(out, acc);
}

// Of the vectors of B that are left, how many the next tile takes: of four, two
// and two. One would leave sums too few to hide the latency of a dot.
constexpr size_t VectorsOfTile(size_t left) {
  static_assert(kNV == 3);
  return left == kNV + 1 ? 2 : left < kNV ? left : kNV;
}

template <class Dot>
HWY_INLINE void RunTile(size_t vectors, size_t steps, const float* a,
                        const float* const* b, const TileOutput& out) {
  static_assert(kNV == 3);
  switch (vectors) {
    case 1:
      return Tile<Dot, 1>(steps, a, b, out);
    case 2:
      return Tile<Dot, 2>(steps, a, b, out);
    default:
      return Tile<Dot, 3>(steps, a, b, out);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_TILE_INL_H_
