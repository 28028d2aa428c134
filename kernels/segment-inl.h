// SPDX-License-Identifier: Apache-2.0
// Segments: up to kSegment consecutive elements of a row, as binary32 values
// on one side and one code a byte on the other. Their length is rounded up to
// whole vectors; values past the end are zero.

#if defined(ZEROULP_KERNELS_SEGMENT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_SEGMENT_INL_H_
#undef ZEROULP_KERNELS_SEGMENT_INL_H_
#else
#define ZEROULP_KERNELS_SEGMENT_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/decode-inl.h"
#include "kernels/ops-inl.h"
#include "kernels/quantize.h"
#include "zeroulp/codec.h"
#include "zeroulp/view.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// Whole vectors of 32-bit lanes on every target.
inline constexpr size_t kPad = 16;
inline constexpr size_t kSegmentSize = static_cast<size_t>(kSegment);

constexpr size_t Padded(size_t n) { return (n + kPad - 1) / kPad * kPad; }

struct alignas(64) SegmentBuffers {
  float values[kSegmentSize];
  uint8_t codes[kSegmentSize];
};
static_assert(kSegmentSize % kPad == 0);

// Elements are read once, in order, and hardware prefetchers stop at the end of
// every page: asks for what is three segments after `x` to come to L2. Any
// address will do.
HWY_INLINE void PrefetchAfter(const float* x) {
  constexpr uintptr_t kAhead = 3 * kSegmentSize * sizeof(float);
  __builtin_prefetch(
      reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(x) + kAhead), 0,
      2);
}

// Where an element is: in a 4-bit format, of an even column.
template <class View>
auto* ElementAt(const View& view, int64_t row, int64_t col) {
  const int64_t bits = Info(view.format).storage_bits;
  return view.bytes.data() + (row * view.row_stride + col) * bits / 8;
}

// 16-bit elements: `lanes` turns each into a binary32 word.
template <class Lanes>
void WidenSegment(const std::byte* from, size_t n, Format format,
                  const Lanes& lanes, float* HWY_RESTRICT values) {
  const DF df;
  const hn::Rebind<uint16_t, DI> d16;
  const auto* words = reinterpret_cast<const uint16_t*>(from);
  size_t i = 0;
  for (; i + hn::Lanes(df) <= n; i += hn::Lanes(df)) {
    const VI codes = hn::PromoteTo(DI(), hn::LoadU(d16, words + i));
    hn::StoreU(lanes(codes), df, values + i);
  }
  for (; i < n; ++i) values[i] = Decode(format, words[i]);
}

// Elements col ... col + n - 1 of a row: where they are, or in `buffer`.
inline const float* LoadSegment(const ConstMatrixView& source,
                                const Decoder& decode_f16, int64_t row,
                                int64_t col, size_t n, float* buffer) {
  const std::byte* from = ElementAt(source, row, col);
  if (source.format == Format::kF32) {
    if (n % kPad == 0) return reinterpret_cast<const float*>(from);
    std::memcpy(buffer, from, n * sizeof(float));
  } else if (source.format == Format::kBF16) {
    WidenSegment(
        from, n, source.format,
        [](VI codes)
            HWY_ATTR { return hn::BitCast(DF(), hn::ShiftLeft<16>(codes)); },
        buffer);
  } else {
    WidenSegment(from, n, source.format, decode_f16, buffer);
  }
  std::fill(buffer + n, buffer + Padded(n), 0.0f);
  return buffer;
}

// Two codes a byte, the first in the low nibble. An odd last one leaves the
// high nibble as it is: that is not part of the row.
inline void PackNibbles(const uint8_t* HWY_RESTRICT codes, size_t n,
                        uint8_t* HWY_RESTRICT packed) {
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<uint16_t> d16;
  const hn::RebindToSigned<decltype(d16)> di16;
  const hn::Rebind<uint8_t, decltype(d16)> d8;
  const size_t lanes = hn::Lanes(d16);
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const auto pair =
        hn::LoadU(d16, reinterpret_cast<const uint16_t*>(codes + i));
    const auto both = hn::And(hn::Or(pair, hn::ShiftRight<4>(pair)),
                              hn::Set(d16, uint16_t{0xFF}));
    hn::StoreU(hn::DemoteTo(d8, hn::BitCast(di16, both)), d8, packed + i / 2);
  }
#endif
  for (; i + 2 <= n; i += 2) {
    packed[i / 2] = static_cast<uint8_t>(codes[i] | (codes[i + 1] << 4));
  }
  if (i < n) {
    packed[i / 2] = static_cast<uint8_t>((packed[i / 2] & 0xF0) | codes[i]);
  }
}

// The inverse; writes an even number of codes.
inline void UnpackNibbles(const uint8_t* HWY_RESTRICT packed, size_t n,
                          uint8_t* HWY_RESTRICT codes) {
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<uint16_t> d16;
  const hn::Rebind<uint8_t, decltype(d16)> d8;
  const size_t lanes = hn::Lanes(d16);
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const auto pair = hn::PromoteTo(d16, hn::LoadU(d8, packed + i / 2));
    const auto both = hn::And(hn::Or(pair, hn::ShiftLeft<4>(pair)),
                              hn::Set(d16, uint16_t{0x0F0F}));
    hn::StoreU(both, d16, reinterpret_cast<uint16_t*>(codes + i));
  }
#endif
  for (; i < n; i += 2) {
    codes[i] = packed[i / 2] & 15;
    codes[i + 1] = packed[i / 2] >> 4;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_SEGMENT_INL_H_
