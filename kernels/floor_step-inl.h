// SPDX-License-Identifier: Apache-2.0
// How steps of floor_tile-inl.h begin and end.

#if defined(ZEROULP_KERNELS_FLOOR_STEP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_FLOOR_STEP_INL_H_
#undef ZEROULP_KERNELS_FLOOR_STEP_INL_H_
#else
#define ZEROULP_KERNELS_FLOOR_STEP_INL_H_
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/wide-inl.h"
#include "zeroulp/arithmetic.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

using DUL = hn::ScalableTag<uint64_t>;
using VUL = hn::Vec<DUL>;

// Toward zero, by the instruction where one says so, else by the environment,
// which must be set.
inline constexpr bool kRoundsInInstruction = ZEROULP_TARGET_HAS_512;
#if ZEROULP_TARGET_HAS_512
inline constexpr __mmask8 kAllLanes = 0xFF;
#endif
HWY_INLINE VD AddTowardZero(VD x, VD y) {
#if ZEROULP_TARGET_HAS_512
  // The forms without a mask warn of an uninitialised variable in g++ 12.
  return VD{_mm512_maskz_add_round_pd(kAllLanes, x.raw, y.raw,
                                      _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)};
#else
  return hn::Add(x, y);
#endif
}
// Products are exact in binary64, so that targets without FMA agree.
HWY_INLINE VD MulAddTowardZero(VD a, VD b, VD c) {
#if ZEROULP_TARGET_HAS_512
  return VD{_mm512_fmadd_round_pd(a.raw, b.raw, c.raw,
                                  _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)};
#else
  return hn::MulAdd(a, b, c);
#endif
}

// One number in every lane. As asm: compilers broadcast a binary64 one by an
// instruction that on Zen 4 occupies a pipe of the multiply-adds, which this
// one, a load like any other, leaves alone.
HWY_INLINE VD BroadcastFrom(const double* from) {
#if ZEROULP_TARGET_HAS_512
  VD x;
  asm("vpbroadcastq %1, %0" : "=v"(x.raw) : "m"(*from));
  return x;
#else
  return hn::Set(DD(), *from);
#endif
}

// How a step ends.
enum class FloorFinish : uint8_t {
  kBinary32,     // toward zero; accumulators finite, results 0 or normal
  kAnyBinary32,  // toward zero, whatever they are
  // To nearest even; accumulators and results far from overflow, or whatever
  // they are.
  kBinary16,
  kAnyBinary16,
  // Beside the accumulator, to nearest even in binary32; accumulators and
  // results 0 or normal, or whatever they are.
  kEvenOdd,
  kAnyEvenOdd,
};

// A row's numbers, scaled as the accumulators.
struct FloorConstants {
  int step;                  // products
  int first_largest;         // of exponents, biased
  int grid_to_base;          // exponent of C less the largest exponent
  int dropped_bits;          // of binary64, by the result
  double min_normal, limit;  // of the result; the latter is already infinite
  double unit;               // what 1 is scaled to
  double fine_base;          // of kEvenOdd: C of the final sum to that of c

  // The final sum of kEvenOdd ends so far below the largest exponent.
  static constexpr int kRegisterBits = 31;

  template <class Exponents>
  static FloorConstants Of(const ArithInfo& row, Exponents /*tag*/) {
    const FormatInfo& out = Info(row.output);
    const int lowest = HWY_MAX(row.exponent_floor.value_or(Exponents::kLowest),
                               Exponents::kLowest);
    const int scale = Exponents::kBias - 1023;
    const bool halves = row.model == Model::kSplitFused ||
                        (row.model == Model::kEvenOdd && row.group == 2);
    return {halves ? row.chunk / 2 : row.chunk,
            lowest + Exponents::kAddA + Exponents::kAddB,
            52 - row.align_bits,
            52 - row.out_fraction_bits,
            std::ldexp(1.0, out.min_exponent() + scale),
            std::ldexp(1.0, out.bias + 1 + scale),
            std::ldexp(1.0, scale),
            std::ldexp(1.0, row.align_bits - kRegisterBits)};
  }

  // What C is to a power of two: 1.5 * 2^grid_to_base as large.
  HWY_INLINE VUL ToBase() const {
    return hn::Set(DUL(), (static_cast<uint64_t>(grid_to_base) << 52) |
                              (uint64_t{1} << 51));
  }
};

// C, and the accumulator cut to its grid beside it.
struct FloorStart {
  VD base, acc;
};

// From accumulator x, the exponent field of the largest product and the signs
// of products. x of a finite kind may still have the bits that are cut.
// kAny: it may be subnormal.
template <bool kAny>
HWY_INLINE FloorStart StartStep(VD x, VD field, VUL signs,
                                const FloorConstants& constants) {
  const DD dd;
  const DUL du;
  const VD fields = hn::BitCast(dd, hn::Set(du, uint64_t{0x7FF} << 52));
  VD own = hn::And(x, fields);
  if constexpr (kAny) {  // subnormals
    own = hn::IfThenElseZero(hn::Ne(x, hn::Zero(dd)),
                             hn::Max(own, hn::Set(dd, constants.min_normal)));
  }
  const VD base = hn::BitCast(
      dd, hn::Add(hn::BitCast(du, hn::Max(own, field)), constants.ToBase()));
  const VUL bits = hn::BitCast(du, x);
  const VUL off_grid =
      hn::OrAnd(hn::Set(du, uint64_t{1}), bits,
                hn::Set(du, ~uint64_t{0} << constants.dropped_bits));
  const VUL sum =
      hn::BitCast(du, AddTowardZero(base, hn::BitCast(dd, off_grid)));
  const VUL negative = hn::PopulationCount(
      hn::OrAnd(signs, bits, hn::Set(du, uint64_t{1} << 63)));
  return {base, hn::BitCast(dd, hn::Add(sum, negative))};
}

// The same of products alone.
HWY_INLINE FloorStart StartProducts(VD field, VUL signs,
                                    const FloorConstants& constants) {
  const DD dd;
  const VUL base = hn::Add(hn::BitCast(DUL(), field), constants.ToBase());
  return {hn::BitCast(dd, base),
          hn::BitCast(dd, hn::Add(base, hn::PopulationCount(signs)))};
}

// Magnitudes to nearest even; above `dropped` bits of a binary64.
HWY_INLINE VD DropToNearest(VD magnitude, int dropped) {
  const DUL du;
  const VUL bits = hn::BitCast(du, magnitude);
  const VUL odd =
      hn::And(hn::ShiftRightSame(bits, dropped), hn::Set(du, uint64_t{1}));
  const VUL half = hn::Set(du, (uint64_t{1} << (dropped - 1)) - 1);
  const VUL keep = hn::Set(du, ~uint64_t{0} << dropped);
  return hn::BitCast(DD(), hn::And(hn::Add(hn::Add(bits, odd), half), keep));
}

// The magnitude of a result with the sign of x, never -0; an accumulator that
// is not finite stays.
HWY_INLINE VD FloorResult(VD magnitude, VD x, VD acc,
                          const FloorConstants& constants) {
  const DD dd;
  const VD sign =
      hn::And(x, hn::BitCast(dd, hn::Set(DUL(), uint64_t{1} << 63)));
  const VD large = hn::IfThenElse(
      hn::Ge(magnitude, hn::Set(dd, constants.limit)), hn::Inf(dd), magnitude);
  const VD result = hn::Add(hn::Or(large, sign), hn::Zero(dd));
  return hn::IfThenElse(hn::Lt(hn::Abs(acc), hn::Inf(dd)), result, acc);
}

HWY_INLINE VD KeptBits(const FloorConstants& constants) {
  return hn::BitCast(DD(),
                     hn::Set(DUL(), ~uint64_t{0} << constants.dropped_bits));
}

// The exact sum x of a step where the environment rounds to nearest even: what
// is added leaves the last bit of the result as the last one.
HWY_INLINE VD NearestBinary16(VD x, const FloorConstants& constants) {
  const DD dd;
  const DUL du;
  const VD fields = hn::BitCast(dd, hn::Set(du, uint64_t{0x7FF} << 52));
  const VD field =
      hn::Max(hn::And(x, fields), hn::Set(dd, constants.min_normal));
  const VUL up =
      hn::Set(du, (static_cast<uint64_t>(constants.dropped_bits) << 52) |
                      (uint64_t{1} << 51));
  const VD beside = hn::BitCast(dd, hn::Add(hn::BitCast(du, field), up));
  return hn::Sub(hn::Add(x, beside), beside);  // zeros are +0
}

// The exact sum x of a step from accumulator acc, rounded.
template <FloorFinish kFinish>
HWY_INLINE VD FinishStep(VD x, VD acc, const FloorConstants& constants) {
  const DD dd;
  const VD keep = KeptBits(constants);
  // Beside the smallest normal number a binary64 ends where a subnormal does.
  const VD magnitude = hn::Abs(x);
  const VD min_normal = hn::Set(dd, constants.min_normal);
  const VD beside =
      hn::IfThenElseZero(hn::Lt(magnitude, min_normal), min_normal);
  const VD sum = AddTowardZero(magnitude, beside);
  const VD rounded = kFinish == FloorFinish::kAnyBinary16
                         ? DropToNearest(sum, constants.dropped_bits)
                         : hn::And(sum, keep);
  return FloorResult(hn::Sub(rounded, beside), x, acc, constants);
}

// The exact sum x of a step from accumulator acc, in binary32, to nearest even.
template <bool kAny, bool kScaled>
HWY_INLINE VD NearestBinary32(VD x, VD acc, const FloorConstants& constants) {
  const DD dd;
#if ZEROULP_TARGET_HAS_512
  // Whose environment is to nearest.
  const VD unscaled =
      kScaled ? hn::Mul(x, hn::Set(dd, 1.0 / constants.unit)) : x;
  auto narrow = hn::DemoteTo(DFHalf(), unscaled);
  if (kAny) narrow = hn::Add(narrow, hn::Zero(DFHalf()));  // no -0
  const VD result = hn::PromoteTo(dd, narrow);
  const VD scaled =
      kScaled ? hn::Mul(result, hn::Set(dd, constants.unit)) : result;
  if (!kAny) return scaled;
  return hn::IfThenElse(hn::Lt(hn::Abs(acc), hn::Inf(dd)), scaled, acc);
#else
  const DUL du;
  const VD magnitude = hn::Abs(x);
  if constexpr (!kAny) {
    return hn::CopySignToAbs(DropToNearest(magnitude, constants.dropped_bits),
                             x);
  }
  const VD min_normal = hn::Set(dd, constants.min_normal);
  const VD beside =
      hn::IfThenElseZero(hn::Lt(magnitude, min_normal), min_normal);
  const VD sum = AddTowardZero(magnitude, beside);
  const auto inexact = hn::Ne(hn::Sub(sum, beside), magnitude);
  const VD sticky =
      hn::IfThenElseZero(inexact, hn::BitCast(dd, hn::Set(du, uint64_t{1})));
  const VD rounded = DropToNearest(hn::Or(sum, sticky), constants.dropped_bits);
  return FloorResult(hn::Sub(rounded, beside), x, acc, constants);
#endif
}

// A sum of products and the number C it was summed beside.
struct FloorSum {
  VD base, sum;
};

// Both, floored at the coarser of their grids.
HWY_INLINE FloorSum AddFloors(const FloorSum& x, const FloorSum& y) {
  const VD base = hn::Max(x.base, y.base);
  const VD sum = AddTowardZero(AddTowardZero(base, x.sum), y.sum);
  return {base, hn::Sub(sum, base)};
}

// Products and accumulator floored beside the larger of their exponents, the
// former on a grid finer by the register's bits, and added. kSplit:
// accumulators that lie too far below do not count.
template <bool kAny, bool kScaled, bool kSplit>
HWY_INLINE VD FinishEvenOdd(const FloorSum& products, VD acc,
                            const FloorConstants& constants) {
  const DD dd;
  const DUL du;
  const VD fields = hn::BitCast(dd, hn::Set(du, uint64_t{0x7FF} << 52));
  VD own = hn::And(acc, fields);
  if constexpr (kAny) {  // subnormals
    own = hn::IfThenElseZero(hn::Ne(acc, hn::Zero(dd)),
                             hn::Max(own, hn::Set(dd, constants.min_normal)));
  }
  const VD own_base =
      hn::BitCast(dd, hn::Add(hn::BitCast(du, own), constants.ToBase()));
  const VD base = hn::Max(products.base, own_base);
  // Of base: the number beside which products are floored.
  const VD fine = hn::Set(dd, constants.fine_base);
  VD addend = hn::Sub(AddTowardZero(acc, base), base);
  if constexpr (kSplit) {
    const auto lost = hn::Lt(hn::Mul(own_base, hn::Set(dd, 0x1p25)), base);
    addend = hn::IfThenZeroElse(lost, addend);
  }
  // Exact but for the floor: less than 2^20 as much fits beside fine * base.
  const VD sum = hn::Add(MulAddTowardZero(fine, base, products.sum), addend);
  return NearestBinary32<kAny, kScaled>(hn::NegMulAdd(fine, base, sum), acc,
                                        constants);
}

// c + sum, one IEEE addition of two numbers of the output format.
HWY_INLINE VD AddHalves(VD c, VD sum, const FloorConstants& constants) {
  const DD dd;
  const DUL du;
  const VD cut = AddTowardZero(c, sum);
  // Exact: the operand of larger magnitude is within a factor 2 of `cut`, or
  // `cut` is exact.
  const auto c_larger = hn::Ge(hn::Abs(c), hn::Abs(sum));
  const VD large = hn::IfThenElse(c_larger, c, sum);
  const VD small = hn::IfThenElse(c_larger, sum, c);
  const auto inexact = hn::Ne(hn::Sub(cut, large), small);
  const VUL sticky = hn::BitCast(
      du,
      hn::IfThenElseZero(inexact, hn::BitCast(dd, hn::Set(du, uint64_t{1}))));
  const VD odd = hn::BitCast(dd, hn::Or(hn::BitCast(du, cut), sticky));
  // Sums that would be subnormal are exact and keep all their bits.
  const VD magnitude = DropToNearest(hn::Abs(odd), constants.dropped_bits);
  return FloorResult(magnitude, odd, cut, constants);
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_FLOOR_STEP_INL_H_
