// SPDX-License-Identifier: Apache-2.0
// Steps of a fused dot in binary32 lanes, a tile of D at a time.
//
// A step cuts its addends toward zero to multiples of one unit, 2^(largest
// exponent - align_bits), adds them exactly and rounds the sum.
//
// With multiply-adds that round toward zero, one instruction a product does it.
// The chain starts from 1.5 * 2^23 units and stays between 2^23 and 2^24, where
// a unit is the last bit: adding a product cuts it toward minus infinity. The
// panels make sure that no product is a multiple of the unit, so that every
// negative one loses exactly one unit more than it should. How many are
// negative is counted in the words of signs, and added to the bits of the
// chain: units. The accumulator of the step before is added in the same way,
// its last bit set: a sum of units, below 2^22 of them, it does not reach the
// next multiple of its last bit but one.
//
// Elsewhere products are multiplied by 1 / unit and cut to integers.
//
// Largest exponents are found in bytes, for 64 columns at once, one step ahead.
// So that multiply-adds never wait for a step to end and another to begin, a
// tile is two halves, which do so one after the other.

#if defined(ZEROULP_KERNELS_FLOOR32_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_FLOOR32_TILE_INL_H_
#undef ZEROULP_KERNELS_FLOOR32_TILE_INL_H_
#else
#define ZEROULP_KERNELS_FLOOR32_TILE_INL_H_
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/floor32_block.h"
#include "kernels/floor32_rule-inl.h"
#include "kernels/fused-inl.h"
#include "zeroulp/arithmetic.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

using DU8 = hn::ScalableTag<uint8_t>;
using VU8 = hn::Vec<DU8>;

inline constexpr size_t kFloor32Lanes = HWY_LANES(float);
inline constexpr size_t kFloor32ByteLanes = HWY_LANES(uint8_t);

// Chunks `begin` ... `end` - 1 of a panel of B, beside `tiles` tiles of rows.
struct Floor32Column {
  size_t begin, end;
  size_t tiles;
  const Floor32PanelA* a;
  const Floor32PanelB* b;
  float* acc;  // [tile][4][64]
};

// Where a step of a tile reads, 4 rows of A.
template <size_t kChunk>
HWY_INLINE const float* StepOfA(const Floor32Column& w, size_t tile, size_t i) {
  constexpr size_t kTilesOfGroup = kFloor32Group / kFloor32TileRows;
  return w.a[tile / kTilesOfGroup].values + i * kChunk * 2 * kFloor32Group +
         tile % kTilesOfGroup * kFloor32TileRows;
}

template <size_t kChunk>
HWY_INLINE const uint8_t* ExponentsOfB(const Floor32Column& w, size_t i) {
  return reinterpret_cast<const uint8_t*>(w.b->exponents +
                                          i * kChunk * kFloor32TileWords);
}

HWY_INLINE VU8 ExponentOfA(const float* a, size_t k, size_t row) {
  return hn::BitCast(
      DU8(), hn::Set(DF(), a[k * 2 * kFloor32Group + kFloor32Group + row]));
}

#if ZEROULP_TARGET_HAS_512

// Zen 4 executes a multiply-add and one other vector operation a cycle; what a
// step adds to its products is chosen accordingly. Stores, ternary logic,
// multiplications and counts of bits take the place of multiply-adds.
template <class Rule, size_t kChunk>
class Floor32Tile {
 public:
  explicit Floor32Tile(const ArithInfo& row)
      : rule_(row), start_(std::ldexp(1.5f, 23 - row.align_bits)) {}

  HWY_NOINLINE void Run(const Floor32Column& column) const {
    // Copies, which no store can change.
    const Floor32Tile tile(*this);
    tile.RunColumn(Floor32Column(column));
  }

 private:
  // A chunk of a tile.
  struct Place {
    const float* a;
    const float* b;
    const uint8_t* b_exponents;
    const uint32_t* a_signs;
    const uint32_t* b_signs;
    float* acc;
  };

  static constexpr size_t kVectors = kFloor32TileCols / kFloor32Lanes;
  static_assert(kFloor32ByteLanes == kFloor32TileCols);
  using Chains = VF[kFloor32TileRows][kVectors];
  using Largest = VU8[kFloor32TileRows];

  // Half 0 is this many products ahead of half 1: while one turns from a chunk
  // to the next, there is a product of the other for each of its vectors.
  static constexpr size_t kHalf = kVectors / 2;
  static constexpr size_t kAhead = kFloor32TileRows * kHalf;
  static_assert(kChunk >= 2 * kAhead);

  HWY_INLINE void RunColumn(const Floor32Column w) const {
    Chains chains;
    Largest largest;
    Place now = At(w, 0, w.begin);
    Clear(largest);
    for (size_t k = 0; k < kChunk; ++k) FindLargest(now, k, largest);
    Begin(now, chains, largest);
    for (size_t k = 0; k < kAhead; ++k) Products<0>(now, k, chains);
    for (size_t tile = 0, c = w.begin;;) {
      const bool last = ++c == w.end;
      if (last) {
        c = w.begin;
        ++tile;
      }
      const bool done = tile == w.tiles;
      // The last place is followed by the first, in vain.
      const Place next = At(w, done ? 0 : tile, c);
      Middle(now, next, chains, largest);
      if (done) break;
      if (last) {
        Turn<true>(now, next, chains, largest);
      } else {
        Turn<false>(now, next, chains, largest);
      }
      now = next;
    }
    for (size_t k = kChunk - kAhead; k < kChunk; ++k) {
      Products<1>(now, k, chains);
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      ZEROULP_UNROLL
      for (size_t j = 0; j < kVectors; ++j) {
        hn::Store(rule_.Result(Sum(chains[i][j])), DF(),
                  now.acc + i * kFloor32TileCols + j * kFloor32Lanes);
      }
    }
  }

  static HWY_INLINE Place At(const Floor32Column& w, size_t tile, size_t c) {
    constexpr size_t kTilesOfGroup = kFloor32Group / kFloor32TileRows;
    return {StepOfA<kChunk>(w, tile, c),
            w.b->values + c * kChunk * kFloor32TileCols,
            ExponentsOfB<kChunk>(w, c),
            w.a[tile / kTilesOfGroup].signs + c * kFloor32Group +
                tile % kTilesOfGroup * kFloor32TileRows,
            w.b->signs + c * kFloor32TileCols,
            w.acc + tile * kFloor32Tile};
  }

  static HWY_INLINE void Clear(Largest& largest) {
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      largest[i] = hn::Set(DU8(), uint8_t{kFloor32NoProduct});
    }
  }
  static HWY_INLINE void FindLargest(const Place& place, size_t k,
                                     Largest& largest) {
    const DU8 d8;
    const VU8 b = hn::Load(d8, place.b_exponents + k * kFloor32TileCols);
    const float* a = place.a + k * 2 * kFloor32Group + kFloor32Group;
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      const VU8 a_now = hn::BitCast(d8, BroadcastWord(a + i));
      largest[i] = ComputeHere(hn::Max(largest[i], hn::Add(a_now, b)));
    }
  }

  // Adds products k to a half.
  template <size_t kWhich>
  static HWY_INLINE void Products(const Place& place, size_t k,
                                  Chains& chains) {
    const DF df;
    constexpr size_t kFirst = kWhich * kHalf;
    const float* a = place.a + k * 2 * kFloor32Group;
    const float* b = place.b + k * kFloor32TileCols + kFirst * kFloor32Lanes;
    VF b_now[kHalf];
    ZEROULP_UNROLL
    for (size_t j = 0; j < kHalf; ++j) {
      b_now[j] = hn::Load(df, b + j * kFloor32Lanes);
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      const VF a_now = hn::BitCast(df, BroadcastWord(a + i));
      ZEROULP_UNROLL
      for (size_t j = 0; j < kHalf; ++j) {
        VF& chain = chains[i][kFirst + j];
        chain = MulAddTowardZero(chain, a_now, b_now[j]);
      }
    }
  }

  // The products of a chunk but the first of half 0 and the last of half 1,
  // which Turn adds; the largest exponents of the next.
  static HWY_INLINE void Middle(const Place& now, const Place& next,
                                Chains& chains, Largest& largest) {
    ZEROULP_UNROLL
    for (size_t k = 0; k < kAhead; ++k) {
      Products<1>(now, k, chains);
      FindLargest(next, k, largest);
    }
    for (size_t k = kAhead; k < kChunk - kAhead; ++k) {
      Products<0>(now, k, chains);
      Products<1>(now, k, chains);
      FindLargest(next, k, largest);
    }
    ZEROULP_UNROLL
    for (size_t k = kChunk - kAhead; k < kChunk; ++k) {
      Products<0>(now, k, chains);
      FindLargest(next, k, largest);
    }
  }

  // To the next chunk, which is of the next tile (kNewTile) or the same.
  template <bool kNewTile>
  HWY_INLINE void Turn(const Place& now, const Place& next, Chains& chains,
                       Largest& largest) const {
    TurnHalf<kNewTile, 0>(now, next, now, kChunk - kAhead, chains, largest);
    TurnHalf<kNewTile, 1>(now, next, next, 0, chains, largest);
    Clear(largest);
  }

  // The same of a half, beside kAhead products of the other from k on.
  template <bool kNewTile, size_t kWhich>
  HWY_INLINE void TurnHalf(const Place& now, const Place& next, Place beside,
                           size_t k, Chains& chains,
                           const Largest& largest) const {
    const DF df;
    beside.a = Anew(beside.a);
    beside.b = Anew(beside.b);
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      const VI a_signs = BroadcastWord(next.a_signs + i);
      ZEROULP_UNROLL
      for (size_t v = 0; v < kHalf; ++v) {
        const size_t j = kWhich * kHalf + v;
        const size_t at = i * kFloor32TileCols + j * kFloor32Lanes;
        const VF sum = Sum(ComputeHere(chains[i][j]));
        VF addend;
        if (kNewTile) {
          hn::Store(rule_.Result(sum), df, now.acc + at);
          addend = hn::Load(df, next.acc + at);
        } else {
          addend = rule_.Addend(sum);
        }
        chains[i][j] = ComputeHere(
            Start(next, j, addend, ExponentField(largest[i], j), a_signs));
        Products<1 - kWhich>(beside, k + i * kHalf + v, chains);
      }
    }
  }

  // The chains of the first chunk.
  HWY_INLINE void Begin(const Place& place, Chains& chains,
                        Largest& largest) const {
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      const VI a_signs = BroadcastWord(place.a_signs + i);
      ZEROULP_UNROLL
      for (size_t j = 0; j < kVectors; ++j) {
        const VF acc = hn::Load(
            DF(), place.acc + i * kFloor32TileCols + j * kFloor32Lanes);
        chains[i][j] =
            Start(place, j, acc, ExponentField(largest[i], j), a_signs);
      }
    }
    Clear(largest);
  }

  // Byte j of each word to where binary32 has its exponent.
  static HWY_INLINE VF ExponentField(VU8 bytes, size_t j) {
    const VI words = hn::BitCast(DI(), bytes);
    return hn::BitCast(DF(), j == 0   ? hn::ShiftLeft<23>(words)
                             : j == 1 ? hn::ShiftLeft<15>(words)
                             : j == 2 ? hn::ShiftLeft<7>(words)
                                      : hn::ShiftRight<1>(words));
  }

  // What was added to a chain. What it started from has its exponent still.
  static HWY_INLINE VF Sum(VF chain) {
    const DI di;
    const VI word = hn::BitCast(di, chain);
    const VI fraction = hn::Set(di, 0x400000);
    const VI field = hn::Set(di, 0x7F800000);
    const VI start = Rule::kOtherPipesAreFull
                         ? hn::OrAnd(fraction, word, field)
                         : hn::Or(fraction, hn::And(word, field));
    return hn::Sub(chain, hn::BitCast(DF(), start));
  }

  // A chain with its first addend, and the units that this and products lose.
  HWY_INLINE VF Start(const Place& place, size_t j, VF addend, VF largest,
                      VI a_signs) const {
    const DI di;
    const DF df;
    const VI power =
        hn::And(rule_.Largest(addend, largest), hn::Set(di, 0x7F800000));
    const VI inexact = hn::Or(hn::BitCast(di, addend), hn::Set(di, 1));
    const VF chain = MulAddTowardZero(
        hn::BitCast(df, inexact), hn::BitCast(df, power), hn::Set(df, start_));
    const VI b_signs =
        hn::Load(di, reinterpret_cast<const int32_t*>(place.b_signs) +
                         j * kFloor32Lanes);
    return hn::BitCast(
        df, hn::Add(hn::BitCast(di, chain), Negative(hn::Xor(a_signs, b_signs),
                                                     hn::BitCast(di, addend))));
  }

  // How many of a chunk's products and the addend are negative.
  static HWY_INLINE VI Negative(VI signs, VI addend) {
    const DI di;
    const hn::RebindToUnsigned<DI> du;
    // A word of 16 signs has room for another.
    constexpr bool kHasRoom = kChunk <= 16;
    if (kHasRoom) signs = SignIntoHighHalf(signs, addend);
    const auto count = hn::PopulationCount(hn::BitCast(du, signs));
    if (kHasRoom) return hn::BitCast(di, count);
    return hn::BitCast(
        di, hn::Add(count, hn::ShiftRight<31>(hn::BitCast(du, addend))));
  }

  Rule rule_;
  float start_;  // of a chain, whose addends align to exponent 0
};

#else

template <class Rule, size_t kChunk>
class Floor32Tile {
 public:
  explicit Floor32Tile(const ArithInfo& row)
      : rule_(row),
        one_(static_cast<int32_t>(
            static_cast<uint32_t>(2 * 127 + row.align_bits) << 23)) {}

  HWY_NOINLINE void Run(const Floor32Column& w) const {
    alignas(64) int32_t largest[kFloor32TileRows][kFloor32TileWords];
    for (size_t c = w.begin; c < w.end; ++c) {
      const size_t k = c * kChunk;
      for (size_t tile = 0; tile < w.tiles; ++tile) {
        const float* a = StepOfA<kChunk>(w, tile, c);
        for (size_t j = 0; j < kFloor32TileCols; j += kFloor32ByteLanes) {
          Largest(a, ExponentsOfB<kChunk>(w, c) + j,
                  reinterpret_cast<uint8_t*>(largest) + j);
        }
        for (size_t j = 0; j < kFloor32TileCols; j += kWidth * kFloor32Lanes) {
          Products(a, w.b->values + k * kFloor32TileCols + j, j, largest,
                   w.acc + tile * kFloor32Tile + j);
        }
      }
    }
  }

 private:
  static constexpr size_t kWidth = 2;  // vectors

  static HWY_INLINE void Largest(const float* HWY_RESTRICT a,
                                 const uint8_t* HWY_RESTRICT b,
                                 uint8_t* HWY_RESTRICT largest) {
    const DU8 d8;
    VU8 most[kFloor32TileRows];
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      most[i] = hn::Set(d8, uint8_t{kFloor32NoProduct});
    }
    for (size_t k = 0; k < kChunk; ++k) {
      const VU8 b_now = hn::Load(d8, b + k * kFloor32TileCols);
      ZEROULP_UNROLL
      for (size_t i = 0; i < kFloor32TileRows; ++i) {
        most[i] = hn::Max(most[i], hn::Add(ExponentOfA(a, k, i), b_now));
      }
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      hn::Store(most[i], d8, largest + i * kFloor32TileCols);
    }
  }

  // Of the columns from `col` on.
  static HWY_INLINE VI LargestField(const int32_t* HWY_RESTRICT words,
                                    size_t col) {
    const DI di;
    const size_t at = col / 64 * kFloor32Group + col % kFloor32Group;
    const int byte = static_cast<int>(col % 64 / kFloor32Group);
    const VI bytes = hn::ShiftRightSame(hn::Load(di, words + at), 8 * byte);
    return hn::ShiftLeft<23>(hn::And(bytes, hn::Set(di, 0xFF)));
  }

  HWY_INLINE void Products(
      const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, size_t col,
      const int32_t (*HWY_RESTRICT largest)[kFloor32TileWords],
      float* HWY_RESTRICT acc) const {
    const DI di;
    const DF df;
    VI sum[kFloor32TileRows][kWidth];
    VF per_unit[kFloor32TileRows][kWidth];  // 1 / unit
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      ZEROULP_UNROLL
      for (size_t j = 0; j < kWidth; ++j) {
        const size_t at = i * kFloor32TileCols + j * kFloor32Lanes;
        const VF c = hn::Load(df, acc + at);
        const VI field =
            hn::Max(LargestField(largest[i], col + j * kFloor32Lanes),
                    rule_.ExponentField(c));
        per_unit[i][j] = hn::BitCast(df, hn::Sub(hn::Set(di, one_), field));
        sum[i][j] = CutToInt(hn::Mul(c, per_unit[i][j]));
      }
    }
    for (size_t k = 0; k < kChunk; ++k) {
      VF b_now[kWidth];
      ZEROULP_UNROLL
      for (size_t j = 0; j < kWidth; ++j) {
        b_now[j] = hn::Load(df, b + k * kFloor32TileCols + j * kFloor32Lanes);
      }
      ZEROULP_UNROLL
      for (size_t i = 0; i < kFloor32TileRows; ++i) {
        const VF a_now = hn::Set(df, a[k * 2 * kFloor32Group + i]);
        ZEROULP_UNROLL
        for (size_t j = 0; j < kWidth; ++j) {
          // Exact: 8 bits. Too small for binary32 is cut to zero anyway.
          const VF product = hn::Mul(a_now, b_now[j]);
          sum[i][j] =
              hn::Add(sum[i][j], CutToInt(hn::Mul(product, per_unit[i][j])));
        }
      }
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      ZEROULP_UNROLL
      for (size_t j = 0; j < kWidth; ++j) {
        const VF unit =
            hn::BitCast(df, hn::Sub(hn::Set(di, 2 * (127 << 23)),
                                    hn::BitCast(di, per_unit[i][j])));
        hn::Store(rule_.Result(hn::Mul(hn::ConvertTo(df, sum[i][j]), unit)), df,
                  acc + i * kFloor32TileCols + j * kFloor32Lanes);
      }
    }
  }

  Rule rule_;
  int32_t one_;  // minus an exponent field: that of 1 / unit
};

#endif

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_FLOOR32_TILE_INL_H_
