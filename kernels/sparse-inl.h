// SPDX-License-Identifier: Apache-2.0
// What the sparse kernels of 512-bit targets share: panels and tiles.
//
// A lane is a sparse row. A step of 16 sparse rows is a vector of values (two
// bf16 or four bytes a lane) and a vector of indices, which select the same
// number of elements for each lane from one vector of a dense row: its window
// of K. A tile is kSparseMR dense rows times up to kSparseNV such panels.

#if defined(ZEROULP_KERNELS_SPARSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_SPARSE_INL_H_
#undef ZEROULP_KERNELS_SPARSE_INL_H_
#else
#define ZEROULP_KERNELS_SPARSE_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/sparse_ops-inl.h"
#include "kernels/sparse_window.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

#if ZEROULP_TARGET_HAS_512

// Blocks of 4 x 4 words, transposed: y[4q + r], block b, has rows 4q ... 4q + 3
// of column 4b + r.
template <size_t kRows>
HWY_INLINE void TransposeBlocks(const VI (&in)[kRows], VI (&y)[kRows]) {
  const DI di;
  const hn::Repartition<int64_t, DI> d64;
  VI x[kRows];
  ZEROULP_UNROLL
  for (size_t i = 0; i < kRows; i += 2) {
    x[i] = hn::InterleaveLower(di, in[i], in[i + 1]);
    x[i + 1] = hn::InterleaveUpper(di, in[i], in[i + 1]);
  }
  ZEROULP_UNROLL
  for (size_t q = 0; q < kRows; q += 4) {
    ZEROULP_UNROLL
    for (size_t r = 0; r < 2; ++r) {
      const auto low = hn::BitCast(d64, x[q + r]);
      const auto high = hn::BitCast(d64, x[q + r + 2]);
      y[q + 2 * r] = hn::BitCast(di, hn::InterleaveLower(d64, low, high));
      y[q + 2 * r + 1] = hn::BitCast(di, hn::InterleaveUpper(d64, low, high));
    }
  }
}

// 16 x 16 words of 32 bits; `out` rows are `stride` bytes apart, and kRows of
// them `tile_stride`. In place of a row-major matrix its transpose.
template <size_t kRows = 16>
HWY_INLINE void Transpose16(const VI (&in)[16], uint8_t* HWY_RESTRICT out,
                            size_t stride, size_t tile_stride = 0) {
  const DI di;
  VI y[16];
  TransposeBlocks(in, y);
  ZEROULP_UNROLL
  for (size_t r = 0; r < 4; ++r) {
    // Blocks 0 2 | 1 3 of quads of rows 0, 4 and 8, 12 to rows 4b + r.
    const VI a = hn::ConcatLowerLower(di, y[8 + r], y[r]);       // 0 1 of q0 q2
    const VI b = hn::ConcatLowerLower(di, y[12 + r], y[4 + r]);  // of q1 q3
    const VI c = hn::ConcatUpperUpper(di, y[8 + r], y[r]);       // 2 3
    const VI d = hn::ConcatUpperUpper(di, y[12 + r], y[4 + r]);
    const auto store = [&](VI v, size_t row) HWY_ATTR {
      hn::StoreU(v, di,
                 reinterpret_cast<int32_t*>(out + row / kRows * tile_stride +
                                            row % kRows * stride));
    };
    store(hn::OddEvenBlocks(hn::SwapAdjacentBlocks(b), a), r);
    store(hn::OddEvenBlocks(b, hn::SwapAdjacentBlocks(a)), r + 4);
    store(hn::OddEvenBlocks(hn::SwapAdjacentBlocks(d), c), r + 8);
    store(hn::OddEvenBlocks(d, hn::SwapAdjacentBlocks(c)), r + 12);
  }
}

// Rows of `row_bytes` bytes -> [window][kRows][64 bytes], for 16 / kRows panels
// of kRows rows.
template <size_t kRows>
void ToWindows(const uint8_t* HWY_RESTRICT rows, size_t row_bytes,
               size_t windows, size_t window_bytes, uint8_t* HWY_RESTRICT out) {
  for (size_t first = 0; first < kSparseRows; first += kRows) {
    for (size_t w = 0; w < windows; ++w) {
      for (size_t i = 0; i < kRows; ++i) {
        std::memcpy(out, rows + (first + i) * row_bytes + w * window_bytes,
                    kStepBytes);
        out += kStepBytes;
      }
    }
  }
}

// 16 x 16 words of D, whose rows are lanes of the tile's dense rows: both ways.
inline void TransposeWords(const float* from, size_t from_stride, float* to,
                           size_t to_stride) {
  const DI di;
  VI in[16];
  ZEROULP_UNROLL
  for (size_t i = 0; i < 16; ++i) {
    in[i] =
        hn::LoadU(di, reinterpret_cast<const int32_t*>(from) + i * from_stride);
  }
  Transpose16(in, reinterpret_cast<uint8_t*>(to), to_stride * sizeof(float));
}

// Rows 0 ... 15 of part `part` of K, transposed: part after part of a row if
// windows are shorter than a vector, for ToWindows, else windows of tiles.
template <size_t kRows>
HWY_INLINE void StorePart(const VI (&in)[16], size_t part, bool whole_windows,
                          size_t windows, uint8_t* HWY_RESTRICT rows,
                          size_t row_bytes, uint8_t* HWY_RESTRICT panel) {
  if (whole_windows) {
    Transpose16<kRows>(in, panel + part * kRows * kStepBytes, kStepBytes,
                       windows * kRows * kStepBytes);
  } else {
    Transpose16(in, rows + part * kStepBytes, row_bytes);
  }
}

#endif  // ZEROULP_TARGET_HAS_512

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_SPARSE_INL_H_
