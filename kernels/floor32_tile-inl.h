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
// negative is counted in the words of signs. The accumulator of the step before
// is added in the same way, times the number after 1: a sum of units, below
// 2^22 of them, it does not reach the next multiple of its last bit. It must
// not be -0, which counts as negative and loses nothing. Chains are scaled
// (Floor32ChainShift), A with them: what they start from is then an exponent
// and one bit of fraction.
//
// Elsewhere products are multiplied by 1 / unit and cut to integers.
//
// Largest exponents are found in bytes, for 64 columns at once, one step ahead,
// and so are signs counted: that occupies other ports than the multiply-adds.

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
inline constexpr size_t kFloor32Vectors = kFloor32TileCols / kFloor32Lanes;
inline constexpr size_t kFloor32ByteVectors =
    kFloor32TileCols / kFloor32ByteLanes;

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

template <class Rule, size_t kChunk>
class Floor32Tile {
 public:
  explicit Floor32Tile(const ArithInfo& row)
      : rule_(row),
        to_sums_(std::ldexp(1.0f, Floor32ChainShift(row))),
        to_chain_(std::ldexp(0x1.000002p0f, -Floor32ChainShift(row))),
        to_minus_base_(0x80000000u +
                       (static_cast<uint32_t>(Floor32ChainShift(row)) << 23)) {}

  HWY_NOINLINE void Run(const Floor32Column& column) const {
    // Copies, which no store can change.
    const Floor32Tile tile(*this);
    tile.RunColumn(Floor32Column(column));
  }

 private:
  HWY_INLINE void RunColumn(const Floor32Column w) const {
    const DF df;
    Scratch scratch = {};  // no base before the first chunk
    VF acc[kFloor32TileRows][kFloor32Vectors];
    VU8 most[kFloor32TileRows][kFloor32ByteVectors];
    Place now = At(w, 0, w.begin);
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      ZEROULP_UNROLL
      for (size_t j = 0; j < kFloor32Vectors; ++j) {
        const size_t at = i * kFloor32TileCols + j * kFloor32Lanes;
        acc[i][j] =
            hn::Mul(hn::Load(df, now.acc + at), hn::Set(df, 1.0f / to_sums_));
      }
    }
    Clear(most);
    for (size_t k = 0; k < kChunk; ++k) {
      ZEROULP_UNROLL
      for (size_t v = 0; v < kFloor32ByteVectors; ++v) Largest(now, k, v, most);
    }
    for (size_t v = 0; v < kVectors; ++v) Count(now, v, scratch);
    for (size_t tile = 0; tile < w.tiles; ++tile) {
      for (size_t c = w.begin; c < w.end; ++c) {
        const bool last = c + 1 == w.end;
        // The last place is followed by the first, in vain.
        const size_t next_tile = tile + 1 < w.tiles ? tile + 1 : 0;
        const Place next =
            At(w, last ? next_tile : tile, last ? w.begin : c + 1);
        if (tile != 0 && c == w.begin) {
          Turn<true>(now, scratch, acc, most);
        } else {
          Turn<false>(now, scratch, acc, most);
        }
        Steps(now, next, acc, most, scratch);
        now = next;
      }
    }
    float* to = w.acc + (w.tiles - 1) * kFloor32Tile;
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      ZEROULP_UNROLL
      for (size_t j = 0; j < kFloor32Vectors; ++j) {
        const size_t at = i * kFloor32TileCols + j * kFloor32Lanes;
        const VF base = hn::Load(df, &scratch.bases[0][0] + at);
        hn::Store(rule_.Round(SumOf(acc[i][j], base)), df, to + at);
      }
    }
  }

  struct alignas(64) Scratch {
    // What takes a chain to its sum: minus the number it started from, with
    // the units that negative addends lost.
    float bases[kFloor32TileRows][kFloor32TileCols];
    // Negative products of the next chunk, less to_minus_base_.
    uint32_t negative[kFloor32TileRows][kFloor32TileCols];
  };
  static constexpr size_t kVectors = kFloor32TileRows * kFloor32Vectors;
  static_assert(kChunk % kVectors == 0);

  // A chunk of a tile.
  struct Place {
    const float* a;
    const float* b;
    const uint8_t* b_exponents;
    const uint32_t* a_signs;
    const uint32_t* b_signs;
    float* acc;
  };

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

  static HWY_INLINE void Clear(VU8 (*HWY_RESTRICT most)[kFloor32ByteVectors]) {
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      ZEROULP_UNROLL
      for (size_t v = 0; v < kFloor32ByteVectors; ++v) {
        most[i][v] = hn::Set(DU8(), uint8_t{kFloor32NoProduct});
      }
    }
  }
  static HWY_INLINE void Largest(
      const Place& place, size_t k, size_t v,
      VU8 (*HWY_RESTRICT most)[kFloor32ByteVectors]) {
    const VU8 b = hn::Load(DU8(), place.b_exponents + k * kFloor32TileCols +
                                      v * kFloor32ByteLanes);
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      most[i][v] = hn::Max(most[i][v], hn::Add(ExponentOfA(place.a, k, i), b));
    }
  }

  // Counts the negative products of a chunk, for vector v of a tile.
  HWY_INLINE void Count(const Place& place, size_t v, Scratch& scratch) const {
    const hn::RebindToUnsigned<DI> du;
    const size_t i = v / kFloor32Vectors;
    const size_t col = v % kFloor32Vectors * kFloor32Lanes;
    const auto signs =
        hn::Xor(hn::BitCast(du, BroadcastWord(place.a_signs + i)),
                hn::Load(du, place.b_signs + col));
    hn::Store(hn::Sub(hn::PopulationCount(signs), hn::Set(du, to_minus_base_)),
              du, scratch.negative[i] + col);
  }

  // The products of a chunk; largest exponents and signs of the next.
  HWY_INLINE void Steps(const Place& now, const Place& next,
                        VF (*HWY_RESTRICT acc)[kFloor32Vectors],
                        VU8 (*HWY_RESTRICT most)[kFloor32ByteVectors],
                        Scratch& scratch) const {
    for (size_t v = 0; v < kVectors; ++v) {
      constexpr size_t kSteps = kChunk / kVectors;
      ZEROULP_UNROLL
      for (size_t k = 0; k < kSteps; ++k) {
        Step(now, next, v * kSteps + k, acc, most);
      }
      Count(next, v, scratch);
    }
  }

  static HWY_INLINE void Step(const Place& now, const Place& next, size_t k,
                              VF (*HWY_RESTRICT acc)[kFloor32Vectors],
                              VU8 (*HWY_RESTRICT most)[kFloor32ByteVectors]) {
    const DF df;
    const DU8 d8;
    VF a[kFloor32TileRows];
    VU8 a_exponents[kFloor32TileRows];
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      const size_t at = k * 2 * kFloor32Group + i;
      a[i] = hn::BitCast(df, BroadcastWord(now.a + at));
      a_exponents[i] =
          hn::BitCast(d8, BroadcastWord(next.a + at + kFloor32Group));
    }
    ZEROULP_UNROLL
    for (size_t v = 0; v < kFloor32ByteVectors; ++v) {
      constexpr size_t kOfBytes = kFloor32Vectors / kFloor32ByteVectors;
      ZEROULP_UNROLL
      for (size_t j = v * kOfBytes; j < (v + 1) * kOfBytes; ++j) {
        const VF b =
            hn::Load(df, now.b + k * kFloor32TileCols + j * kFloor32Lanes);
        ZEROULP_UNROLL
        for (size_t i = 0; i < kFloor32TileRows; ++i) {
          acc[i][j] = MulAddTowardZero(acc[i][j], a[i], b);
        }
      }
      const VU8 b_exponents = hn::Load(
          d8, next.b_exponents + k * kFloor32TileCols + v * kFloor32ByteLanes);
      ZEROULP_UNROLL
      for (size_t i = 0; i < kFloor32TileRows; ++i) {
        most[i][v] = hn::Max(most[i][v], hn::Add(a_exponents[i], b_exponents));
      }
    }
  }

  // Ends the chunk before `now`, which is of the tile before it (kNewTile) or
  // the same, and begins `now`.
  template <bool kNewTile>
  HWY_INLINE void Turn(const Place& now, Scratch& scratch,
                       VF (*HWY_RESTRICT acc)[kFloor32Vectors],
                       VU8 (*HWY_RESTRICT most)[kFloor32ByteVectors]) const {
    ZEROULP_UNROLL
    for (size_t i = 0; i < kFloor32TileRows; ++i) {
      ZEROULP_UNROLL
      for (size_t v = 0; v < kFloor32ByteVectors; ++v) {
        // Each byte to where binary32 has its exponent.
        const VI words = hn::BitCast(DI(), most[i][v]);
        const VI fields[] = {hn::ShiftLeft<23>(words), hn::ShiftLeft<15>(words),
                             hn::ShiftLeft<7>(words), hn::ShiftRight<1>(words)};
        ZEROULP_UNROLL
        for (size_t byte = 0; byte < 4; ++byte) {
          const size_t j = 4 * v + byte;
          acc[i][j] =
              Restart<kNewTile>(now, i, j, fields[byte], scratch, acc[i][j]);
        }
      }
    }
    Clear(most);
  }

  HWY_INLINE VF SumOf(VF chain, VF base) const {
    return hn::MulAdd(chain, hn::Set(DF(), to_sums_), base);
  }

  // The end of a chain -> where the next one starts.
  template <bool kNewTile>
  HWY_INLINE VF Restart(const Place& place, size_t i, size_t j, VI largest,
                        Scratch& scratch, VF chain) const {
    const DI di;
    const DF df;
    const hn::RebindToUnsigned<DI> du;
    const size_t col = j * kFloor32Lanes;
    const size_t at = i * kFloor32TileCols + col;
    float* HWY_RESTRICT base = scratch.bases[i] + col;
    VF acc = SumOf(chain, hn::Load(df, base));
    if (Rule::kRoundEveryStep || kNewTile) acc = rule_.Round(acc);
    if (kNewTile) {
      hn::Store(acc, df, place.acc - kFloor32Tile + at);
      acc = hn::Load(df, place.acc + at);
    }
    const VI start = hn::OrAnd(hn::Set(di, 0x400000),
                               rule_.Largest(acc, hn::BitCast(df, largest)),
                               hn::Set(di, 0x7F800000));
    const VI negative =
        hn::BitCast(di, hn::Load(du, scratch.negative[i] + col));
    const VI sign = hn::BroadcastSignBit(hn::BitCast(di, acc));
    hn::Store(hn::BitCast(df, hn::Add(hn::Sub(start, negative), sign)), df,
              base);
    return MulAddTowardZero(hn::BitCast(df, start), acc,
                            hn::Set(df, to_chain_));
  }

  Rule rule_;
  float to_sums_, to_chain_;
  uint32_t to_minus_base_;
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
        hn::Store(rule_.Round(hn::Mul(hn::ConvertTo(df, sum[i][j]), unit)), df,
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
