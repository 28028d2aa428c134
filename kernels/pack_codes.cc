// SPDX-License-Identifier: Apache-2.0
#include "kernels/pack_codes.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pack_codes.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/smallest.h"
#include "zeroulp/packed.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kRows = static_cast<size_t>(PackedMatrix::kRows);
constexpr size_t kQuad = static_cast<size_t>(PackedMatrix::kQuad);
constexpr size_t kQuadBytes = kRows * kQuad;

// A group of rows whose columns are bytes, or two codes a byte.
struct Source {
  const uint8_t* rows;
  size_t stride;  // bytes
  size_t count;   // rows, at most kRows
  size_t cols;    // bytes of a packed row
  bool nibbles;
};

// One row of a quad, of which `size` bytes exist.
void PackRow(const Source& from, size_t row, size_t quad, size_t size,
             uint8_t* HWY_RESTRICT to) {
  const uint8_t* source = from.rows + row * from.stride;
  if (!from.nibbles) {
    std::memcpy(to, source + quad * kQuad, size);
    return;
  }
  for (size_t i = 0; i < size; ++i) {
    const int pair = source[(quad * kQuad + i) / 2];
    to[i] = static_cast<uint8_t>(i % 2 == 0 ? pair & 15 : pair >> 4);
  }
}

// Quads that are not whole in both directions.
void PackRest(const Source& from, size_t quad, size_t quads,
              uint8_t* HWY_RESTRICT to) {
  std::memset(to + quad * kQuadBytes, 0, (quads - quad) * kQuadBytes);
  for (; quad < quads; ++quad) {
    const size_t size = std::min(kQuad, from.cols - quad * kQuad);
    for (size_t row = 0; row < from.count; ++row) {
      PackRow(from, row, quad, size, to + quad * kQuadBytes + row * kQuad);
    }
  }
}

#if HWY_TARGET != HWY_SCALAR

// Four quads at a time: words of 4 rows x 4 quads, transposed.
constexpr size_t kBlock = 4;
using D8 = hn::FixedTag<uint8_t, 16>;
using D32 = hn::FixedTag<uint32_t, 4>;
using D64 = hn::FixedTag<uint64_t, 2>;
using V32 = hn::Vec<D32>;

template <bool kNibbles>
HWY_INLINE V32 LoadBlock(const uint8_t* HWY_RESTRICT source, size_t quad) {
  const D8 d8;
  if constexpr (kNibbles) {
    const hn::FixedTag<uint8_t, 8> half;
    const auto pairs = hn::LoadU(half, source + quad * kQuad / 2);
    const auto mask = hn::Set(half, uint8_t{15});
    const auto even = hn::And(pairs, mask);
    const hn::FixedTag<uint16_t, 4> words;
    const auto odd = hn::And(
        hn::BitCast(half, hn::ShiftRight<4>(hn::BitCast(words, pairs))), mask);
    return hn::BitCast(D32(),
                       hn::InterleaveLower(d8, hn::ZeroExtendVector(d8, even),
                                           hn::ZeroExtendVector(d8, odd)));
  } else {
    return hn::BitCast(D32(), hn::LoadU(d8, source + quad * kQuad));
  }
}

template <bool kNibbles>
void PackBlocks(const Source& from, size_t quads, uint8_t* HWY_RESTRICT to) {
  const D32 d32;
  const D64 d64;
  for (size_t quad = 0; quad < quads; quad += kBlock) {
    for (size_t row = 0; row < kRows; row += kBlock) {
      const uint8_t* source = from.rows + row * from.stride;
      const V32 r0 = LoadBlock<kNibbles>(source, quad);
      const V32 r1 = LoadBlock<kNibbles>(source + from.stride, quad);
      const V32 r2 = LoadBlock<kNibbles>(source + 2 * from.stride, quad);
      const V32 r3 = LoadBlock<kNibbles>(source + 3 * from.stride, quad);
      // Words of rows 0 and 1, of rows 2 and 3; of the first, last two quads.
      const auto a0 = hn::BitCast(d64, hn::InterleaveLower(d32, r0, r1));
      const auto a1 = hn::BitCast(d64, hn::InterleaveUpper(d32, r0, r1));
      const auto b0 = hn::BitCast(d64, hn::InterleaveLower(d32, r2, r3));
      const auto b1 = hn::BitCast(d64, hn::InterleaveUpper(d32, r2, r3));
      auto* out =
          reinterpret_cast<uint64_t*>(to + quad * kQuadBytes + row * kQuad);
      constexpr size_t kNext = kQuadBytes / sizeof(uint64_t);
      hn::Store(hn::InterleaveLower(d64, a0, b0), d64, out);
      hn::Store(hn::InterleaveUpper(d64, a0, b0), d64, out + kNext);
      hn::Store(hn::InterleaveLower(d64, a1, b1), d64, out + 2 * kNext);
      hn::Store(hn::InterleaveUpper(d64, a1, b1), d64, out + 3 * kNext);
    }
  }
}

void PackGroup(const Source& from, size_t quads, uint8_t* HWY_RESTRICT to) {
  const size_t whole =
      from.count == kRows ? from.cols / (kBlock * kQuad) * kBlock : 0;
  if (from.nibbles) {
    PackBlocks<true>(from, whole, to);
  } else {
    PackBlocks<false>(from, whole, to);
  }
  PackRest(from, whole, quads, to);
}

#else

void PackGroup(const Source& from, size_t quads, uint8_t* HWY_RESTRICT to) {
  PackRest(from, 0, quads, to);
}

#endif

void PackTarget(const ConstMatrixView& matrix, uint8_t* quads,
                std::span<uint16_t> smallest) {
  const auto bits = static_cast<size_t>(Info(matrix.format).storage_bits);
  const auto rows = static_cast<size_t>(matrix.rows);
  Source from;
  from.nibbles = bits == 4;
  from.stride = static_cast<size_t>(matrix.row_stride) * bits / 8;
  from.cols = static_cast<size_t>(matrix.cols) * std::max(bits, size_t{8}) / 8;
  const size_t num_quads = (from.cols + kQuad - 1) / kQuad;
  const auto* codes = reinterpret_cast<const uint8_t*>(matrix.bytes.data());
  for (size_t row = 0; row < rows; row += kRows) {
    from.rows = codes + row * from.stride;
    from.count = std::min(kRows, rows - row);
    uint8_t* group = quads + row * kQuad * num_quads;
    PackGroup(from, num_quads, group);
    if (smallest.empty()) continue;
    smallest[row / kRows] =
        SmallestBf16(group, static_cast<int64_t>(kQuadBytes * num_quads));
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {
HWY_EXPORT(PackTarget);
}  // namespace

void PackCodes(const ConstMatrixView& matrix, uint8_t* quads,
               std::span<uint16_t> smallest) noexcept {
  HWY_DYNAMIC_DISPATCH(PackTarget)(matrix, quads, smallest);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
