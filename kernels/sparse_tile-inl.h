// SPDX-License-Identifier: Apache-2.0
// Register tiles of a sparse operand: every product, with and without scales of
// blocks.
//
// A Product has
//   Sum             of a lane
//   kLanes          elements of K a vector of a dense row holds: a window
//   kPerStep        stored elements of a step
//   Sum Select(row, index)      elements of a window
//   Sum Dot(sum, selected, values)
//   Sum Begin(block)            what a block's sum starts from, stored there
//   Sum Resume(block, from)     the same, with what earlier passes left in D
//   VF ToFloat(sum)             in units of its products
//   VF Finish(sum)              what D receives at last, before it sums
//   VF FinishAligned(sum, exponents)  the same of integers, times powers of two

#if defined(ZEROULP_KERNELS_SPARSE_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_SPARSE_TILE_INL_H_
#undef ZEROULP_KERNELS_SPARSE_TILE_INL_H_
#else
#define ZEROULP_KERNELS_SPARSE_TILE_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/sparse_ops-inl.h"
#include "kernels/sparse_pairs.h"
#include "kernels/sparse_scales.h"
#include "kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

#if ZEROULP_TARGET_HAS_512

HWY_INLINE VI LoadLine(const uint8_t* from) {
  return hn::Load(DI(), reinterpret_cast<const int32_t*>(from));
}

// Pairs of bf16, the first in the high half.
struct Bf16Product {
  using Sum = VF;
  static constexpr size_t kLanes = kPairLanes;
  static constexpr size_t kPerStep = kPairPerStep;

  static HWY_INLINE VF Select(VI row, VI index) {
    return SelectWords(hn::BitCast(DF(), row), index);
  }
  static HWY_INLINE VF Dot(VF sum, VF selected, VI values) {
    return DotBf16HighLow(sum, selected, hn::BitCast(DF(), values));
  }
  static HWY_INLINE VF Begin(const uint8_t* /*block*/) {
    return hn::Zero(DF());
  }
  static HWY_INLINE VF Resume(const uint8_t* /*block*/, const float* from) {
    return hn::LoadU(DF(), from);
  }
  static HWY_INLINE VF ToFloat(VF sum) { return sum; }
  static HWY_INLINE VF Finish(VF sum) {
    const VF nan = hn::BitCast(DF(), hn::Set(DI(), 0x7FC00000));
    return hn::IfThenElse(hn::IsNaN(sum), nan, sum);
  }
};

#if HWY_TARGET == HWY_AVX3_DL
// Four e2m1 as bytes, twice their values: multiples of 1/2 up to 6. The dense
// ones are unsigned and larger by an offset, so that a sum begins with what
// that adds to it, negative. D holds integers between passes.
struct Fp4Product {
  using Sum = VI;
  static constexpr size_t kLanes = 64;
  static constexpr size_t kPerStep = 4;

  static HWY_INLINE VI Select(VI row, VI index) {
    return SelectBytes(row, index);
  }
  static HWY_INLINE VI Dot(VI sum, VI selected, VI values) {
    return DotU8S8(sum, selected, values);
  }
  static HWY_INLINE VI Begin(const uint8_t* block) { return LoadLine(block); }
  static HWY_INLINE VI Resume(const uint8_t* block, const float* from) {
    return hn::Add(LoadLine(block),
                   hn::LoadU(DI(), reinterpret_cast<const int32_t*>(from)));
  }
  static HWY_INLINE VF ToFloat(VI sum) { return hn::ConvertTo(DF(), sum); }
  static HWY_INLINE VF Finish(VI sum) {
    return hn::Mul(ToFloat(sum), hn::Set(DF(), 0.25f));
  }
  static HWY_INLINE VF FinishAligned(VI sum, VI exponents) {
    return hn::Mul(ToFloat(sum), hn::BitCast(DF(), exponents));
  }
};
#endif  // HWY_TARGET == HWY_AVX3_DL

// Whether every block has a sum of its own, which its scales multiply.
template <ScaleKind kKind>
inline constexpr bool kInBlocks =
    !(kKind == ScaleKind::kNone || kKind == ScaleKind::kAligned);

// Dense rows of a tile of kSparseNV vectors: 16 sums; or 8, and 8 of binary32
// for what scales multiply. Beside them two indices, two vectors of values, a
// window and what is selected from it.
template <ScaleKind kKind>
constexpr size_t TileRows() {
  return kInBlocks<kKind> ? 4 : 8;
}

// Steps before the end of a tile: long enough for D to come from L3, and not so
// long that panels drive it out of L1 again.
inline constexpr size_t kFetchSteps = 32;

// Lines that tiles bring to L2, one each step: `stride` bytes from one to the
// next.
struct Fetch {
  const uint8_t* from;
  size_t stride;
};

// Where a tile reads.
struct SparseTileInput {
  size_t steps;                  // of the pass
  size_t window_steps;           // of a whole window
  size_t block_steps;            // of a block of scales
  const uint8_t* windows;        // [window][rows][64]
  const uint8_t* dense_scales;   // [block][16]
  const uint8_t* const* panels;  // [step] values, indices
  size_t blocks;                 // from the beginning of a panel
  Fetch ahead[2];                // by the upper half of a square, the lower
};

// The lines of D that a tile is about to write, and where the next one, below,
// starts from.
template <size_t kRows, size_t kVectors>
HWY_INLINE void PrefetchOutput(const TileOutput& out) {
  ZEROULP_UNROLL
  for (size_t i = 0; i < kRows; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      hwy::Prefetch(out.to + i * out.to_stride + v * kLanes);
    }
  }
  if (out.from == nullptr) return;
  ZEROULP_UNROLL
  for (size_t i = kRows; i < 2 * kRows; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      hwy::Prefetch(out.from + i * out.from_stride + v * kLanes);
    }
  }
}

// What moves while a tile goes along K.
template <size_t kRows, size_t kVectors>
struct SparseCursor {
  HWY_INLINE explicit SparseCursor(const SparseTileInput& in)
      : windows(in.windows), ahead(in.ahead[0]) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) at[v] = in.panels[v];
  }

  const uint8_t* HWY_RESTRICT windows;
  const uint8_t* HWY_RESTRICT at[kVectors];
  Fetch ahead;
};

// Dots follow four selections at a time: Zen 4 then takes 21.6 cycles for the
// 16 of a step, and 22 if every selection has its dot behind it, where its
// ports allow 21.3. 2:4 gains a point of peak.
inline constexpr size_t kSelections = 4;

// Volatile: GCC would move dots before other selections.
template <class V>
HWY_INLINE void SelectFirst(V (&x)[kSelections]) {
#if HWY_COMPILER_GCC || HWY_COMPILER_CLANG
  asm volatile(""
               : "+v"(x[0].raw), "+v"(x[1].raw), "+v"(x[2].raw),
                 "+v"(x[3].raw));
#endif
}

// `steps` steps of one window.
template <class Product, size_t kRows, size_t kVectors>
HWY_INLINE void AddSteps(size_t steps, SparseCursor<kRows, kVectors>& cursor,
                         typename Product::Sum (&sum)[kRows][kVectors]) {
  constexpr size_t kRowsAtOnce = kSelections / kVectors;
  for (size_t s = 0; s < steps; ++s) {
    PrefetchL2(cursor.ahead.from);
    cursor.ahead.from += cursor.ahead.stride;
    VI index[kVectors], values[kVectors];
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      values[v] = LoadLine(cursor.at[v]);
      index[v] = LoadLine(cursor.at[v] + kStepBytes);
      cursor.at[v] += kPanelStepBytes;
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kRows; i += kRowsAtOnce) {
      typename Product::Sum selected[kSelections];
      ZEROULP_UNROLL
      for (size_t n = 0; n < kSelections; ++n) {
        const size_t row = i + n / kVectors;
        selected[n] = Product::Select(
            LoadLine(cursor.windows + row * kStepBytes), index[n % kVectors]);
      }
      if constexpr (kRows == TileRows<ScaleKind::kNone>()) {
        SelectFirst(selected);
      }
      ZEROULP_UNROLL
      for (size_t n = 0; n < kSelections; ++n) {
        auto& to = sum[i + n / kVectors][n % kVectors];
        to = Product::Dot(to, selected[n], values[n % kVectors]);
      }
    }
  }
}

// A row of a tile of D to L2. It may begin anywhere in a line, as memory of
// std::vector does, and then ends in one more.
template <size_t kVectors>
HWY_INLINE void PrefetchRow(const float* row) {
  const auto* from = reinterpret_cast<const uint8_t*>(row);
  ZEROULP_UNROLL
  for (size_t v = 0; v < kVectors; ++v) PrefetchL2(from + v * kStepBytes);
  PrefetchL2(from + kVectors * kStepBytes - 1);
}

// Stores a tile in D, and moves `to` behind it.
template <class Product, ScaleKind kKind, bool kLast, size_t kRows,
          size_t kVectors>
HWY_INLINE void StoreTile(const SparseTileInput& in, const int32_t* exponents,
                          const typename Product::Sum (&sum)[kRows][kVectors],
                          size_t to_stride, float*& to) {
  VI columns[kVectors];
  if constexpr (kLast && kKind == ScaleKind::kAligned) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      columns[v] = LoadLine(in.panels[v] + in.blocks + kStepBytes);
    }
  }
  ZEROULP_UNROLL
  for (size_t i = 0; i < kRows; ++i) {
    // One address after the other: GCC 12 would compute all of them before the
    // steps.
    asm volatile("" : "+r"(to));
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      VF word;
      if constexpr (!kLast) {
        word = hn::BitCast(DF(), sum[i][v]);
      } else if constexpr (kKind == ScaleKind::kAligned) {
        word = Product::FinishAligned(
            sum[i][v], hn::Add(hn::Set(DI(), exponents[i]), columns[v]));
      } else {
        word = Product::Finish(sum[i][v]);
      }
      hn::StoreU(word, DF(), to + v * kLanes);
    }
    to += to_stride;
  }
}

// 16 dense rows by `vectors` panels, tile under tile. They are one loop, with
// as few values alive as it can do with: what calls and spilled addresses take
// between two tiles, no dot hides (4 % of 64 steps).
template <class Product, ScaleKind kKind, bool kLast, size_t kVectors>
HWY_NOINLINE void PlainTiles(const SparseTileInput& in, const TileOutput& out) {
  constexpr size_t kRows = TileRows<kKind>();
  const size_t num_windows = hwy::DivCeil(in.steps, in.window_steps);
  const float* from = out.from;
  float* to = out.to;
  const auto* exponents = reinterpret_cast<const int32_t*>(in.dense_scales);
  const size_t to_stride = out.to_stride;
  SparseCursor<kRows, kVectors> cursor(in);
  for (size_t tile = 0; tile < kSparseRows / kRows; ++tile) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) cursor.at[v] = in.panels[v];
    cursor.ahead = in.ahead[tile];
    typename Product::Sum sum[kRows][kVectors];
    ZEROULP_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
      ZEROULP_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        const uint8_t* block = cursor.at[v] + in.blocks;
        sum[i][v] = from == nullptr
                        ? Product::Begin(block)
                        : Product::Resume(
                              block, from + i * out.from_stride + v * kLanes);
      }
    }
    size_t left = in.steps;
    for (size_t w = 0; w < num_windows; ++w) {
      // A row a window, not all at once: lines that come from L3 would keep
      // what the steps read from coming.
      PrefetchRow<kVectors>(to + w % kRows * to_stride);
      AddSteps<Product>(HWY_MIN(left, in.window_steps), cursor, sum);
      cursor.windows += kRows * kStepBytes;
      left -= in.window_steps;
    }
    StoreTile<Product, kKind, kLast>(in, exponents, sum, to_stride, to);
    if (from != nullptr) from += kRows * out.from_stride;
    exponents += kRows;
  }
}

// acc = fma(sum of a block, factor of its scales, acc). Of kFractions sums
// begin with the bits of 1.5 * 2^23 times a scale of the sparse rows, so that
// integers need no conversion, nor scales a product: the difference is exact.
template <class Product, ScaleKind kKind, size_t kVectors>
HWY_NOINLINE void ScaledTile(const SparseTileInput& in, const TileOutput& out) {
  constexpr size_t kRows = TileRows<kKind>();
  const DF df;
  VF acc[kRows][kVectors];
  LoadAccumulators<kRows, kVectors>(out, acc);
  const uint8_t* block[kVectors];
  ZEROULP_UNROLL
  for (size_t v = 0; v < kVectors; ++v) block[v] = in.panels[v] + in.blocks;
  SparseCursor<kRows, kVectors> cursor(in);
  const auto* dense_scales = reinterpret_cast<const int32_t*>(in.dense_scales);
  size_t window_left = in.window_steps;
  bool fetched = false;
  for (size_t steps = in.steps; steps != 0;) {
    if (steps <= kFetchSteps && !fetched) {
      PrefetchOutput<kRows, kVectors>(out);
      fetched = true;
    }
    typename Product::Sum sum[kRows][kVectors];
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      ZEROULP_UNROLL
      for (size_t i = 0; i < kRows; ++i) sum[i][v] = Product::Begin(block[v]);
    }
    size_t left = HWY_MIN(steps, in.block_steps);
    steps -= left;
    while (left != 0) {
      const size_t now = HWY_MIN(left, window_left);
      AddSteps<Product>(now, cursor, sum);
      left -= now;
      window_left -= now;
      if (window_left == 0) {
        window_left = in.window_steps;
        cursor.windows += kRows * kStepBytes;
      }
    }
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      const VI scale = LoadLine(block[v] + kStepBytes);
      block[v] += kPanelStepBytes;
      ZEROULP_UNROLL
      for (size_t i = 0; i < kRows; ++i) {
        const VI row = hn::Set(DI(), dense_scales[i]);
        VF block_sum, factor;
        if constexpr (kKind == ScaleKind::kFractions) {
          block_sum =
              hn::Sub(hn::BitCast(df, sum[i][v]), hn::BitCast(df, scale));
          factor = hn::BitCast(df, row);
        } else {
          block_sum = Product::ToFloat(sum[i][v]);
          if constexpr (kKind == ScaleKind::kExponents) {
            factor = hn::BitCast(df, hn::Add(row, scale));
          } else {
            factor = hn::Mul(hn::BitCast(df, row), hn::BitCast(df, scale));
          }
        }
        acc[i][v] = hn::MulAdd(block_sum, factor, acc[i][v]);
      }
    }
    dense_scales += kSparseRows;
  }
  StoreAccumulators<kRows, kVectors>(out, acc);
}

template <class Product, ScaleKind kKind, size_t kVectors>
void ScaledTiles(size_t windows, SparseTileInput in, TileOutput out) {
  constexpr size_t kRows = TileRows<kKind>();
  for (size_t i = 0; i < kSparseRows; i += kRows) {
    ScaledTile<Product, kKind, kVectors>(in, out);
    in.windows += kRows * windows * kStepBytes;
    in.dense_scales += kRows * sizeof(int32_t);
    in.ahead[0].from += in.steps * in.ahead[0].stride;
    if (i + kRows == kSparseRows / 2) in.ahead[0] = in.ahead[1];
    if (out.from != nullptr) out.from += kRows * out.from_stride;
    out.to += kRows * out.to_stride;
  }
}

// 16 dense rows by `vectors` panels, tile under tile.
template <class Product, ScaleKind kKind>
void SquareOfTiles(size_t vectors, size_t windows, const SparseTileInput& in,
                   const TileOutput& out) {
  const auto tiles = [&](auto one_or_two) HWY_ATTR {
    constexpr size_t kVectors = decltype(one_or_two)::value;
    if constexpr (kInBlocks<kKind>) {
      ScaledTiles<Product, kKind, kVectors>(windows, in, out);
    } else if (out.last) {
      PlainTiles<Product, kKind, true, kVectors>(in, out);
    } else {
      PlainTiles<Product, kKind, false, kVectors>(in, out);
    }
  };
  if (vectors == kSparseNV) {
    tiles(std::integral_constant<size_t, kSparseNV>());
  } else {
    tiles(std::integral_constant<size_t, 1>());
  }
}

#endif  // ZEROULP_TARGET_HAS_512

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_SPARSE_TILE_INL_H_
