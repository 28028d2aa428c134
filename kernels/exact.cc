// SPDX-License-Identifier: Apache-2.0
#include "kernels/exact.h"

#include <algorithm>

#include "kernels/wide_sum.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/exact.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/block-inl.h"

#ifndef ZEROULP_KERNELS_EXACT_ONCE_
#define ZEROULP_KERNELS_EXACT_ONCE_
namespace zeroulp::kernels {

// A block of D whose sums, some 400 KB, stay in L2.
inline constexpr size_t kExactRows = 32;
inline constexpr size_t kExactCols = 64;
inline constexpr size_t kExactTile = 16 * 16;

// Sums of a tile of D. Those of at most kSegment products are whole numbers in
// `high`, and the rest in `low`: binary64 holds both exactly.
struct alignas(64) ExactTile {
  double high[kExactTile], low[kExactTile];
  WideSum sums[kExactTile];
  // The sum of signs, infinities and NaN of addends: what an exact sum cannot
  // tell. Of all addends where `every_sign`, else only of products where some
  // operand or scale is not finite.
  float signs[kExactTile];
  bool every_sign;
};

}  // namespace zeroulp::kernels
#endif  // ZEROULP_KERNELS_EXACT_ONCE_

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

constexpr int kLog2Segment = 16;
constexpr size_t kSegment = size_t{1} << kLog2Segment;
constexpr size_t kStepRows = 4;

// +-1 for finite numbers but zero; zeros, infinities and NaN stay.
HWY_INLINE VF Sign(VF x) {
  const DF df;
  const auto stays = hn::Or(hn::Eq(x, hn::Zero(df)), hn::Not(hn::IsFinite(x)));
  return hn::IfThenElse(stays, x, hn::CopySign(hn::Set(df, 1.0f), x));
}

class ExactSums {
 public:
  static constexpr size_t kRows = kExactRows;
  static constexpr size_t kCols = kExactCols;

  ExactSums(const GemmCall& call, ExactTile* tiles)
      : call_(call),
        one_(FitsBinary64(call, kLog2Segment)),
        every_(FoldEvery(call, /*scales_multiply_sums=*/true)),
        scales_(call),
        tiles_(tiles) {
    if (every_ == 0) every_ = kSegment;
  }

  void Prepare(const PackedMatrix& /*matrix*/, size_t /*k*/, size_t count,
               const Panel& panel) const {
    FindSpecials(panel.values, count, count, panel.special);
  }

  void Begin(size_t index, size_t m, size_t n) const {
    ExactTile& tile = tiles_[index];
    LoadTile(call_, m, n, tile.signs);
    tile.every_sign = false;
    for (size_t i = 0; i < kExactTile; ++i) {
      const float c = tile.signs[i];
      tile.high[i] = tile.low[i] = 0;
      tile.sums[i].Clear();
      const bool finite = std::isfinite(c);
      if (finite) tile.sums[i].Add(double{c}, 1.0);
      // Only with C = -0 can the result be -0.
      const bool minus_zero = c == 0 && std::signbit(c);
      tile.every_sign = tile.every_sign || minus_zero;
      if (finite && !minus_zero) tile.signs[i] = 0;
    }
  }

  void Add(size_t index, const Panel& a, const Panel& b, size_t k_begin,
           size_t count, size_t rows) const {
    ExactTile& tile = tiles_[index];
    const size_t k_end = static_cast<size_t>(call_.a->cols());
    const bool special = (*a.special | *b.special) != 0 || tile.every_sign;
    for (size_t k = k_begin; k < k_begin + count;) {
      // No further than the block of scales, and than a sum is exact.
      const size_t block_end = (k / every_ + 1) * every_;
      const size_t sum_end = (k / kSegment + 1) * kSegment;
      const size_t next = std::min(block_end, sum_end);
      const size_t stop = std::min(next, k_begin + count);
      const size_t first = k - k_begin, last = stop - k_begin;
      for (size_t r = 0; r < rows; r += kStepRows) {
        for (size_t lane = 0; lane < kGroupRows; lane += kLanesF64) {
          if (one_) {
            Products<true>(a, b, r, lane, first, last, tile);
          } else {
            Products<false>(a, b, r, lane, first, last, tile);
          }
        }
      }
      const bool ends = stop == next || stop == k_end;
      for (size_t r = 0; r < rows; ++r) {
        alignas(64) double scales[kGroupRows];
        bool finite = true;
        for (size_t lane = 0; lane < kGroupRows; lane += kLanesF64) {
          const VD scale = scales_(a, b, k, k_begin, r, lane);
          finite = finite && hn::AllTrue(DD(), hn::IsFinite(scale));
          hn::Store(scale, DD(), scales + lane);
        }
        if (special || !finite) AddSigns(a, b, r, first, last, scales, tile);
        if (ends) Flush(r, scales, tile);
      }
      k = stop;
    }
  }

  void End(size_t index, size_t m, size_t n) const {
    ExactTile& tile = tiles_[index];
    for (size_t i = 0; i < kExactTile; ++i) {
      const float sign = tile.signs[i];
      const bool decides =
          !std::isfinite(sign) || (sign == 0 && std::signbit(sign));
      const float sum = tile.sums[i].Round();
      if (!decides) tile.signs[i] = sum;
    }
    StoreTile(call_, m, n, tile.signs);
  }

 private:
  // tile.high + tile.low += products first ... last - 1 of kStepRows rows.
  template <bool kOne>
  void Products(const Panel& a, const Panel& b, size_t row, size_t lane,
                size_t first, size_t last, ExactTile& tile) const {
    const DD dd;
    // Rounds to whole numbers; products are below 2^32.
    const VD cut = hn::Set(dd, 0x1.8p52);
    double* HWY_RESTRICT highs = tile.high + row * kGroupRows + lane;
    double* HWY_RESTRICT lows = tile.low + row * kGroupRows + lane;
    VD high[kStepRows], low[kStepRows];
    ZEROULP_UNROLL
    for (size_t i = 0; i < kStepRows; ++i) {
      high[i] = hn::Load(dd, highs + i * kGroupRows);
      low[i] = hn::Load(dd, lows + i * kGroupRows);
    }
    for (size_t k = first; k < last; ++k) {
      const size_t at = k * kGroupRows;
      const VD b_now = WideFrom(b.values + at + lane);
      ZEROULP_UNROLL
      for (size_t i = 0; i < kStepRows; ++i) {
        const VD a_now = hn::Set(dd, double{a.values[at + row + i]});
        if constexpr (kOne) {
          high[i] = hn::MulAdd(a_now, b_now, high[i]);
        } else {
          const VD product = hn::Mul(a_now, b_now);
          const VD whole = hn::Sub(hn::Add(product, cut), cut);
          high[i] = hn::Add(high[i], whole);
          low[i] = hn::Add(low[i], hn::Sub(product, whole));
        }
      }
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kStepRows; ++i) {
      hn::Store(high[i], dd, highs + i * kGroupRows);
      hn::Store(low[i], dd, lows + i * kGroupRows);
    }
  }

  void AddSigns(const Panel& a, const Panel& b, size_t row, size_t first,
                size_t last, const double* HWY_RESTRICT scales,
                ExactTile& tile) const {
    const DF df;
    alignas(64) float scale_signs[kGroupRows];
    for (size_t i = 0; i < kGroupRows; ++i) {
      const bool stays = scales[i] == 0 || !std::isfinite(scales[i]);
      scale_signs[i] =
          static_cast<float>(stays ? scales[i] : std::copysign(1.0, scales[i]));
    }
    float* HWY_RESTRICT signs = tile.signs + row * kGroupRows;
    for (size_t lane = 0; lane < kGroupRows; lane += kLanesF32) {
      const VF scale = hn::Load(df, scale_signs + lane);
      VF sum = hn::Load(df, signs + lane);
      for (size_t k = first; k < last; ++k) {
        const size_t at = k * kGroupRows;
        const VF product = hn::Mul(Sign(hn::Set(df, a.values[at + row])),
                                   Sign(hn::Load(df, b.values + at + lane)));
        sum = hn::Add(sum, hn::Mul(product, scale));
      }
      hn::Store(sum, df, signs + lane);
    }
  }

  // Sums that are not finite have their sign.
  static void Flush(size_t row, const double* HWY_RESTRICT scales,
                    ExactTile& tile) {
    for (size_t i = 0; i < kGroupRows; ++i) {
      const size_t at = row * kGroupRows + i;
      double& high = tile.high[at];
      double& low = tile.low[at];
      if (std::isfinite(high) && std::isfinite(low) &&
          std::isfinite(scales[i])) {
        tile.sums[at].Add(high, scales[i]);
        tile.sums[at].Add(low, scales[i]);
      }
      high = low = 0;
    }
  }

  const GemmCall& call_;
  bool one_;
  size_t every_;
  ScaleProducts scales_;
  ExactTile* tiles_;
};

void ExactTarget(const GemmCall& call, std::byte* workspace) {
  constexpr size_t kTiles = kExactRows * kExactCols / kExactTile;
  auto* tiles = reinterpret_cast<ExactTile*>(workspace);
  RunBlock(call, ExactSums(call, tiles),
           reinterpret_cast<std::byte*>(tiles + kTiles));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {
HWY_EXPORT(ExactTarget);
}  // namespace

size_t ExactWorkspaceBytes(const ArithInfo& row) {
  constexpr size_t kTiles = kExactRows * kExactCols / kExactTile;
  return kTiles * sizeof(ExactTile) +
         (kExactRows + kExactCols) / 16 * PanelBytes(row);
}

void Exact(const GemmCall& call, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(ExactTarget)(call, workspace);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
