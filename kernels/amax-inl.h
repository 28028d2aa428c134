// SPDX-License-Identifier: Apache-2.0
// Largest magnitudes, of a part of a matrix and of its blocks.

#if defined(ZEROULP_KERNELS_AMAX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_AMAX_INL_H_
#undef ZEROULP_KERNELS_AMAX_INL_H_
#else
#define ZEROULP_KERNELS_AMAX_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/decode-inl.h"
#include "kernels/ops-inl.h"
#include "kernels/quantize.h"
#include "kernels/segment-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

HWY_INLINE VI Magnitudes(const float* x) {
  return hn::And(hn::BitCast(DI(), hn::LoadU(DF(), x)),
                 hn::Set(DI(), 0x7FFFFFFF));
}

inline Amax AmaxOf(const ConstMatrixView& source, const Part& part) {
  const DI di;
  const Decoder decode_f16(Info(Format::kF16));
  alignas(64) float buffer[kSegmentSize];
  VI any = hn::Zero(di), number = any;
  for (int64_t row = part.row_begin; row < part.row_end; ++row) {
    for (int64_t col = part.col_begin; col < part.col_end; col += kSegment) {
      const auto n =
          static_cast<size_t>(std::min(kSegment, part.col_end - col));
      const float* x = LoadSegment(source, decode_f16, row, col, n, buffer);
      for (size_t i = 0; i < n; i += hn::Lanes(di)) {
        PrefetchAfter(x + i);
        const VI word = Magnitudes(x + i);
        any = hn::Max(any, word);
        number = hn::Max(
            number,
            hn::IfThenElseZero(hn::Gt(hn::Set(di, 0x7F800001), word), word));
      }
    }
  }
  const auto largest = [di](VI v) HWY_ATTR {
    return static_cast<uint32_t>(hn::GetLane(hn::MaxOfLanes(di, v)));
  };
  return {largest(any), largest(number)};
}

#if HWY_TARGET != HWY_SCALAR
// The largest lane of each of four vectors.
HWY_INLINE hn::Vec<hn::Full128<int32_t>> LargestOfEach(VI a, VI b, VI c, VI d) {
  const DI di;
  const hn::RepartitionToWide<DI> dw;
  // Within 128 bits: a b a b and c d c d, then a b c d.
  const VI ab =
      hn::Max(hn::InterleaveLower(di, a, b), hn::InterleaveUpper(di, a, b));
  const VI cd =
      hn::Max(hn::InterleaveLower(di, c, d), hn::InterleaveUpper(di, c, d));
  const auto wide_ab = hn::BitCast(dw, ab), wide_cd = hn::BitCast(dw, cd);
  const VI all =
      hn::Max(hn::BitCast(di, hn::InterleaveLower(dw, wide_ab, wide_cd)),
              hn::BitCast(di, hn::InterleaveUpper(dw, wide_ab, wide_cd)));
#if HWY_MAX_BYTES == 16
  return all;
#else
  const hn::Half<DI> dh;
  const auto half = hn::Max(hn::LowerHalf(dh, all), hn::UpperHalf(dh, all));
#if HWY_MAX_BYTES == 32
  return half;
#else
  const hn::Half<decltype(dh)> dq;
  return hn::Max(hn::LowerHalf(dq, half), hn::UpperHalf(dq, half));
#endif
#endif
}
#endif  // HWY_TARGET != HWY_SCALAR

// Of x[begin] ... x[end - 1], whole vectors, lane by lane.
HWY_INLINE VI LargestLanes(const float* x, size_t begin, size_t end) {
  const DI di;
  VI largest = Magnitudes(x + begin);
  for (size_t i = begin + hn::Lanes(di); i < end; i += hn::Lanes(di)) {
    largest = hn::Max(largest, Magnitudes(x + i));
  }
  return largest;
}

// Raises the amax of blocks of kWidth (0: `width`) columns to that of one more
// row of n elements, whole vectors.
template <size_t kWidth>
void RaiseBlockAmax(const float* HWY_RESTRICT x, size_t n, size_t width,
                    int32_t* HWY_RESTRICT amax) {
  if constexpr (kWidth != 0) width = kWidth;
  size_t begin = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::Full128<int32_t> d128;
  for (; begin + 4 * width <= n; begin += 4 * width, amax += 4) {
    const auto lanes = [&](size_t block) HWY_ATTR {
      const size_t first = begin + block * width;
      return LargestLanes(x, first, first + width);
    };
    const auto largest = LargestOfEach(lanes(0), lanes(1), lanes(2), lanes(3));
    hn::StoreU(hn::Max(hn::LoadU(d128, amax), largest), d128, amax);
  }
#endif
  for (; begin < n; begin += width, ++amax) {
    const VI lanes = LargestLanes(x, begin, std::min(n, begin + width));
    *amax = std::max(*amax, hn::GetLane(hn::MaxOfLanes(DI(), lanes)));
  }
}

inline void RaiseAmax(const float* HWY_RESTRICT x, size_t n, size_t width,
                      int32_t* HWY_RESTRICT amax) {
  const DI di;
  if (width == 16) return RaiseBlockAmax<16>(x, n, width, amax);
  if (width == 32) return RaiseBlockAmax<32>(x, n, width, amax);
  if (width != 1) return RaiseBlockAmax<0>(x, n, width, amax);
  for (size_t i = 0; i < n; i += hn::Lanes(di)) {
    const VI larger = hn::Max(hn::LoadU(di, amax + i), Magnitudes(x + i));
    hn::StoreU(larger, di, amax + i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_AMAX_INL_H_
