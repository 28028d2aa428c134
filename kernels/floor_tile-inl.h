// SPDX-License-Identifier: Apache-2.0
// Register tiles of fused dot products: cut products by one multiply-add each.
//
// The grid of a step is L = 2^(largest exponent - align_bits). Beside the
// number C = 1.5 * 2^52 * L, whose last place is L and stays so while anything
// of the size of a step is added,
//   fma(a, b, acc) toward zero adds floor(a * b / L) * L exactly.
// To cut toward zero, a negative product needs one L more than its floor, if
// and only if it is not a multiple of L. So B is multiplied by 1 + 2^-30: now
// no product but zero is a multiple of L, no floor of a positive one changes,
// and the floor of every negative one lacks exactly one L. How many are
// negative, the signs tell: popcount(signs of a ^ signs of b) once per step.
// Zeros are stored as positive numbers too small to matter, counted like any.
// The accumulator joins in the same way, its last bit set for 1 + 2^-30; beside
// sums of Model::kEvenOdd it stays apart and is floored with them at the end.
//
// Accumulators are binary64 from step to step. All values are scaled by
// 2^(Exponents::kBias - 1023): the exponent of a product plus kBias is its
// exponent field as binary64. The largest of them is found beside the
// multiply-adds of the step before, in bytes or 16-bit words, on execution
// units that these leave idle.

#if defined(ZEROULP_KERNELS_FLOOR_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_FLOOR_TILE_INL_H_
#undef ZEROULP_KERNELS_FLOOR_TILE_INL_H_
#else
#define ZEROULP_KERNELS_FLOOR_TILE_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/cache_control.h"
#include "kernels/floor_step-inl.h"
#include "kernels/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// A tile: kFloorRows accumulators of kFloorVectors vectors, beside them the
// vectors of B and of largest exponents.
inline constexpr size_t kFloorRows =
    ZEROULP_TARGET_HAS_512 || HWY_ARCH_ARM_A64 ? 4 : 2;
inline constexpr size_t kFloorVectors = 4;
inline constexpr size_t kFloorCols = kFloorVectors * kLanesF64;
// Columns of B side by side in a panel: whole groups and whole tiles.
inline constexpr size_t kFloorStrip = HWY_MAX(kFloorCols, kGroupRows);

// How exponents are stored: plus kAddA and kAddB, whose sum is kBias modulo
// 2^12, the width of a binary64's sign and exponent; zero as kZero. The sum of
// two, modulo the width of a lane, is the exponent of a product plus kBias, and
// below kLowest + kBias if either is zero.
struct NarrowExponents {  // of products: -30 ... 30
  using Lane = uint8_t;
  static constexpr int kBias = 220, kAddA = 110, kAddB = 110, kZero = 161;
  static constexpr int32_t kReplicate = 0x01010101;  // an A lane in 32 bits
  // Below the exponent of any accumulator; its grid is above the products of
  // the stand-ins for zero, which are no zeros on targets without FMA either.
  static constexpr int kLowest = -150;
  static constexpr int kScaleA = -402, kScaleB = -401;
  static constexpr double kZeroA = 0x1p-600, kZeroB = 0x1p-599;
};
struct WideExponents {  // of products: -330 ... 400
  using Lane = uint16_t;
  static constexpr int kBias = 1023, kAddA = 8192, kAddB = 8192 + 1023,
                       kZero = 0;
  static constexpr int32_t kReplicate = 0x00010001;
  static constexpr int kLowest = -330;
  static constexpr int kScaleA = 0, kScaleB = 0;
  static constexpr double kZeroA = 0x1p-530, kZeroB = 0x1p-530;
};

// What a tile reads of a panel: [k][stride] elements.
template <class Exponents>
struct FloorTileInput {
  const double* a;  // stride kGroupRows
  const uint32_t* a_exponents;
  const uint64_t* a_signs;  // [step][kGroupRows]
  const double* b;          // stride kFloorStrip
  const typename Exponents::Lane* b_exponents;
  const uint64_t* b_signs;  // [step][kFloorStrip]
  size_t steps;
  // Exponents of the step after these.
  const uint32_t* next_a;
  const typename Exponents::Lane* next_b;
  typename Exponents::Lane* largest;  // [kFloorRows][kFloorCols]
};

// Biased exponents -> exponent fields.
HWY_INLINE VD FieldsFrom(const uint8_t* HWY_RESTRICT from) {
  const DUL du;
#if ZEROULP_TARGET_HAS_512
  const VUL x{_mm512_maskz_cvtepu8_epi64(
      kAllLanes, _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)))};
#else
  const hn::Rebind<uint8_t, DD> d8;
  const hn::Rebind<uint32_t, DD> d32;
  const VUL x = hn::PromoteTo(du, hn::PromoteTo(d32, hn::LoadU(d8, from)));
#endif
  return hn::BitCast(DD(), hn::ShiftLeft<52>(x));
}
HWY_INLINE VD FieldsFrom(const uint16_t* HWY_RESTRICT from) {
  const DUL du;
#if ZEROULP_TARGET_HAS_512
  const VUL x{_mm512_maskz_cvtepu16_epi64(
      kAllLanes, _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)))};
#else
  const hn::Rebind<uint16_t, DD> d16;
  const hn::Rebind<uint32_t, DD> d32;
  const VUL x = hn::PromoteTo(du, hn::PromoteTo(d32, hn::LoadU(d16, from)));
#endif
  return hn::BitCast(DD(), hn::ShiftLeft<52>(x));
}

// kFloorCols accumulators as binary32, which they are but for their scale.
HWY_INLINE void ToFloats(const double* HWY_RESTRICT from, double unit,
                         float* HWY_RESTRICT to) {
  const DD dd;
  const VD scale = hn::Set(dd, 1.0 / unit);
  for (size_t i = 0; i < kFloorCols; i += kLanesF64) {
    hn::Store(ToBinary32(hn::Mul(hn::Load(dd, from + i), scale)), DFHalf(),
              to + i);
  }
}

// Whether the magnitudes of a tile's accumulators are at most `limit`.
HWY_INLINE bool AreWithin(double limit, const double* HWY_RESTRICT state) {
  const DD dd;
  const VD most = hn::Set(dd, limit);
  auto within = hn::Eq(most, most);
  for (size_t i = 0; i < kFloorRows * kFloorCols; i += kLanesF64) {
    within = hn::And(within, hn::Le(hn::Abs(hn::Load(dd, state + i)), most));
  }
  return hn::AllTrue(dd, within);
}

// The largest exponents of a step that nothing is computed beside.
template <class Exponents>
void FirstLargest(const FloorConstants& constants,
                  const FloorTileInput<Exponents>& in) {
  using Lane = typename Exponents::Lane;
  const hn::CappedTag<Lane, kFloorCols> d;
  const hn::Repartition<uint32_t, decltype(d)> d32;
  for (size_t i = 0; i < kFloorRows; ++i) {
    auto most = hn::Set(d, static_cast<Lane>(constants.first_largest));
    for (size_t k = 0; k < static_cast<size_t>(constants.step); ++k) {
      const auto a =
          hn::BitCast(d, hn::Set(d32, in.next_a[k * kGroupRows + i]));
      most =
          hn::Max(most, hn::Add(hn::Load(d, in.next_b + k * kFloorStrip), a));
    }
    hn::Store(most, d, in.largest + i * kFloorCols);
  }
}

// Continues the accumulators [kFloorRows][kFloorCols] at `to` by in.steps
// steps. kSplit: pairs of steps are summed from zero, and then added; those of
// kEvenOdd are one.
template <class Exponents, FloorFinish kFinish, bool kSplit>
HWY_NOINLINE void FloorTile(const FloorConstants& all_constants,
                            const FloorTileInput<Exponents>& all_in,
                            double* HWY_RESTRICT to) {
  // Copies, which no store can change.
  const FloorConstants constants = all_constants;
  const FloorTileInput<Exponents> in = all_in;
  using Lane = typename Exponents::Lane;
  const DD dd;
  const DUL du;
  const hn::CappedTag<Lane, kFloorCols> dx;
  const hn::Repartition<uint32_t, decltype(dx)> dx32;
  constexpr bool kAnyEvenOdd = kFinish == FloorFinish::kAnyEvenOdd;
  constexpr bool kEvenOdd = kFinish == FloorFinish::kEvenOdd || kAnyEvenOdd;
  constexpr bool kScaled = Exponents::kBias != 1023;
  constexpr bool kBinary16 = kFinish == FloorFinish::kBinary16;
  constexpr bool kKeepsOld =
      kFinish != FloorFinish::kBinary32 && !kBinary16 && !kEvenOdd;
  constexpr bool kSubnormals = kKeepsOld || kBinary16;
  constexpr size_t kSize = kFloorRows * kFloorCols;
  alignas(64) double all_bases[kEvenOdd && kSplit ? 2 * kSize : kSize];
  // Accumulators; kEvenOdd: the sums of even steps.
  alignas(64) double old[kKeepsOld || (kEvenOdd && kSplit) ? kSize : 1];
  const size_t step = static_cast<size_t>(constants.step);
  // The tile below starts from what lies there: by then it is here.
  for (size_t i = 0; i < kSize; i += 64 / sizeof(double)) {
    hwy::Prefetch(to + kSize + i);
  }

  VD acc[kFloorRows][kFloorVectors];
  ZEROULP_UNROLL
  for (size_t i = 0; i < kFloorRows; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kFloorVectors; ++v) {
      acc[i][v] = hn::Load(dd, to + i * kFloorCols + v * kLanesF64);
    }
  }
  const double* HWY_RESTRICT a = in.a;
  const double* HWY_RESTRICT b = in.b;
  const uint32_t* HWY_RESTRICT a_next = in.a_exponents;
  const Lane* HWY_RESTRICT b_next = in.b_exponents;
  for (size_t s = 0; s < in.steps; ++s) {
    double* const bases =
        all_bases + (kEvenOdd && kSplit && s % 2 == 1 ? kSize : 0);
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloorRows; ++i) {
      const VUL a_signs = hn::Set(du, in.a_signs[s * kGroupRows + i]);
      ZEROULP_UNROLL
      for (size_t v = 0; v < kFloorVectors; ++v) {
        const size_t at = i * kFloorCols + v * kLanesF64;
        const VUL b_signs =
            hn::Load(du, in.b_signs + s * kFloorStrip + v * kLanesF64);
        const VUL signs = hn::Xor(a_signs, b_signs);
        const VD field = FieldsFrom(in.largest + at);
        if constexpr (!kEvenOdd) {
          if (kSplit && s % 2 == 0) acc[i][v] = hn::Zero(dd);
          if constexpr (kKeepsOld) hn::Store(acc[i][v], dd, old + at);
        }
        const FloorStart start =
            kEvenOdd
                ? StartProducts(field, signs, constants)
                : StartStep<kSubnormals>(acc[i][v], field, signs, constants);
        hn::Store(start.base, dd, bases + at);
        acc[i][v] = start.acc;
      }
    }
    a_next += step * kGroupRows;
    b_next += step * kFloorStrip;
    if (s + 1 == in.steps) {
      a_next = in.next_a;
      b_next = in.next_b;
    }
    hn::Vec<decltype(dx)> most[kFloorRows];
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloorRows; ++i) {
      most[i] = hn::Set(dx, static_cast<Lane>(constants.first_largest));
    }
    for (size_t k = 0; k < step; ++k) {
      VD b_now[kFloorVectors];
      ZEROULP_UNROLL
      for (size_t v = 0; v < kFloorVectors; ++v) {
        b_now[v] = hn::Load(dd, b + k * kFloorStrip + v * kLanesF64);
      }
      const auto b_exponent = hn::Load(dx, b_next + k * kFloorStrip);
      ZEROULP_UNROLL
      for (size_t i = 0; i < kFloorRows; ++i) {
        const VD a_now = BroadcastFrom(a + k * kGroupRows + i);
        ZEROULP_UNROLL
        for (size_t v = 0; v < kFloorVectors; ++v) {
          acc[i][v] = MulAddTowardZero(a_now, b_now[v], acc[i][v]);
        }
        const auto a_exponent =
            hn::BitCast(dx, hn::Set(dx32, a_next[k * kGroupRows + i]));
        most[i] = hn::Max(most[i], hn::Add(b_exponent, a_exponent));
      }
    }
    a += step * kGroupRows;
    b += step * kFloorStrip;
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloorRows; ++i) {
      hn::Store(most[i], dx, in.largest + i * kFloorCols);
      ZEROULP_UNROLL
      for (size_t v = 0; v < kFloorVectors; ++v) {
        const size_t at = i * kFloorCols + v * kLanesF64;
        const VD base = hn::Load(dd, bases + at);
        acc[i][v] = hn::Sub(acc[i][v], base);
        if constexpr (kBinary16) {
          acc[i][v] = NearestBinary16(acc[i][v], constants);
        }
        if constexpr (kKeepsOld) {
          acc[i][v] =
              FinishStep<kFinish>(acc[i][v], hn::Load(dd, old + at), constants);
        }
        if constexpr (kEvenOdd) {
          FloorSum sum{base, acc[i][v]};
          if constexpr (kSplit) {
            if (s % 2 == 0) {
              hn::Store(sum.sum, dd, old + at);
              continue;
            }
            sum = AddFloors(
                sum, {hn::Load(dd, all_bases + at), hn::Load(dd, old + at)});
          }
          hn::Store(FinishEvenOdd<kAnyEvenOdd, kScaled, kSplit>(
                        sum, hn::Load(dd, to + at), constants),
                    dd, to + at);
        } else if (kSplit && s % 2 == 1) {
          const VD sum = hn::And(acc[i][v], KeptBits(constants));
          hn::Store(AddHalves(hn::Load(dd, to + at), sum, constants), dd,
                    to + at);
        }
      }
    }
  }
  if (kSplit || kEvenOdd) return;
  ZEROULP_UNROLL
  for (size_t i = 0; i < kFloorRows; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kFloorVectors; ++v) {
      const bool cut = kFinish == FloorFinish::kBinary32;
      hn::Store(cut ? hn::And(acc[i][v], KeptBits(constants)) : acc[i][v], dd,
                to + i * kFloorCols + v * kLanesF64);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_FLOOR_TILE_INL_H_
