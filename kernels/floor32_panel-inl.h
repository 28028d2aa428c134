// SPDX-License-Identifier: Apache-2.0
// FP8 codes -> the panels of floor32_block.h.
//
// Where multiply-adds round toward zero (see floor32_tile-inl.h), zeros are
// tiny numbers with their sign, so that every product but none counts as
// negative or positive, and values of B are a little too large, so that no
// product but a tiny one is a multiple of the grid. Elsewhere zeros are zeros.
// Infinity and NaN are zeros, too: Floor32Verdicts decides what they become.

#if defined(ZEROULP_KERNELS_FLOOR32_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_FLOOR32_PANEL_INL_H_
#undef ZEROULP_KERNELS_FLOOR32_PANEL_INL_H_
#else
#define ZEROULP_KERNELS_FLOOR32_PANEL_INL_H_
#endif

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "hwy/cache_control.h"
#include "kernels/floor32_block.h"
#include "kernels/narrow-inl.h"
#include "kernels/operand-inl.h"
#include "zeroulp/codec.h"
#include "zeroulp/packed.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

inline constexpr bool kFloor32TowardZero = ZEROULP_TARGET_HAS_512;

// Times any value it is below every grid, at least 2^(-47 - 23).
inline constexpr uint32_t kTinyBits = 7u << 23;  // 2^-120
// Added to a value of B: at least 2^-17 of it, below 2^-15. A product has at
// most 8 bits and is below 2^15 grids: its excess does not reach the next
// multiple of its last bit, nor of the grid.
inline constexpr uint32_t kExcess = 0x80;

inline constexpr size_t kFloor32QuadBytes = 64;  // 16 rows x 4 k

// Bytes 0, 1, 2, 3 are put one after another.
HWY_INLINE void PutByte(VI x, int byte, int32_t* HWY_RESTRICT words) {
  const DI di;
  if (byte != 0) {
    x = hn::Or(hn::Load(di, words), hn::ShiftLeftSame(x, 8 * byte));
  }
  hn::Store(x, di, words);
}

#if HWY_TARGET == HWY_AVX3_DL

// Bytes of values and exponents from tables of 128.
class Floor32Decoder {
 public:
  Floor32Decoder(const FormatInfo& f, int bias, uint32_t excess)
      : excess_(hn::Set(DI(), static_cast<int32_t>(excess))) {
    alignas(64) uint8_t high[128], low[128], exponent[128];
    for (uint32_t i = 0; i < 128; ++i) {
      const float x = Decode(f, i);
      const bool is_product = x != 0 && std::isfinite(x);
      const uint32_t word = is_product ? std::bit_cast<uint32_t>(x) : kTinyBits;
      const int e = std::max(is_product ? std::ilogb(x) : 0, f.min_exponent());
      high[i] = static_cast<uint8_t>(word >> 24);
      low[i] = static_cast<uint8_t>(word >> 16);
      exponent[i] = static_cast<uint8_t>(is_product ? e + bias : 0);
    }
    for (size_t i = 0; i < 2; ++i) {
      high_[i] = hn::Load(DB(), high + 64 * i);
      low_[i] = hn::Load(DB(), low + 64 * i);
      exponent_[i] = hn::Load(DB(), exponent + 64 * i);
    }
  }

  // 16 rows x 4 k of A, whose rows are `kFloor32Group` words.
  HWY_INLINE void DecodeA(const uint8_t* codes, float* HWY_RESTRICT to) const {
    constexpr size_t kStride = 2 * kFloor32Group;
    const Quad quad = Lookup(codes);
    StoreValues<kStride>(quad, to);
    // One byte of each word to all four.
    const DI di;
    const VI word = hn::And(hn::Iota(di, 0), hn::Set(di, 3));
    VI index = hn::Mul(word, hn::Set(di, 0x04040404));
    for (size_t k = 0; k < 4; ++k) {
      hn::Store(
          hn::BitCast(DF(), hn::TableLookupBytes(quad.exponents,
                                                 hn::BitCast(DB(), index))),
          DF(), to + k * kStride + kFloor32Group);
      index = hn::Add(index, hn::Set(di, 0x01010101));
    }
  }

  // The same of B; exponents become byte `byte` of their words.
  HWY_INLINE void DecodeB(const uint8_t* codes, int byte,
                          float* HWY_RESTRICT values,
                          int32_t* HWY_RESTRICT words) const {
    const DI di;
    const Quad quad = Lookup(codes);
    StoreValues<kFloor32TileCols>(quad, values);
    VI exponents = hn::BitCast(di, quad.exponents);
    for (size_t k = 0; k < 4; ++k) {
      PutByte(hn::And(exponents, hn::Set(di, 0xFF)), byte,
              words + k * kFloor32TileWords);
      exponents = hn::ShiftRight<8>(exponents);
    }
  }

 private:
  struct Quad {
    VI high, low;  // bytes of values
    VB exponents;
  };
  HWY_INLINE Quad Lookup(const uint8_t* codes) const {
    const DB db;
    const DI di;
    const VB x = hn::Load(db, codes);
    const VB high = hn::OrAnd(TwoTableBytes(high_[0], high_[1], x), x,
                              hn::Set(db, uint8_t{0x80}));
    return {hn::BitCast(di, high),
            hn::BitCast(di, TwoTableBytes(low_[0], low_[1], x)),
            TwoTableBytes(exponent_[0], exponent_[1], x)};
  }
  template <size_t kStride>
  HWY_INLINE void StoreValues(const Quad& quad, float* HWY_RESTRICT to) const {
    const VI h = quad.high, l = quad.low;
    const DF df;
    hn::Store(Join(hn::ShiftLeft<24>(h), hn::ShiftLeft<16>(l)), df, to);
    hn::Store(Join(hn::ShiftLeft<16>(h), hn::ShiftLeft<8>(l)), df,
              to + kStride);
    hn::Store(Join(hn::ShiftLeft<8>(h), l), df, to + 2 * kStride);
    hn::Store(Join(h, hn::ShiftRight<8>(l)), df, to + 3 * kStride);
  }
  // Byte 3 of `high`, byte 2 of `low`, the excess.
  HWY_INLINE VF Join(VI high, VI low) const {
    const DI di;
    const VI top = hn::Set(di, static_cast<int32_t>(0xFF000000u));
    const VI rest = hn::OrAnd(excess_, low, hn::Set(di, 0x00FF0000));
    return hn::BitCast(DF(), hn::OrAnd(rest, high, top));
  }

  VB high_[2], low_[2], exponent_[2];
  VI excess_;
};

#else

class Floor32Decoder {
 public:
  Floor32Decoder(const FormatInfo& f, int bias, uint32_t excess)
      : decode_(f),
        min_exponent_(f.min_exponent()),
        bias_(bias),
        excess_(static_cast<int32_t>(excess)) {}

  HWY_INLINE void DecodeA(const uint8_t* codes, float* HWY_RESTRICT to) const {
    const DI di;
    for (size_t row = 0; row < kFloor32Group; row += kLanesF32) {
      VI words = hn::Load(di, reinterpret_cast<const int32_t*>(codes) + row);
      for (size_t k = 0; k < 4; ++k) {
        float* at = to + k * 2 * kFloor32Group + row;
        const VI e = Decode1(words, at);
        hn::Store(hn::BitCast(DF(), hn::Mul(e, hn::Set(di, 0x01010101))), DF(),
                  at + kFloor32Group);
        words = hn::ShiftRight<8>(words);
      }
    }
  }

  HWY_INLINE void DecodeB(const uint8_t* codes, int byte,
                          float* HWY_RESTRICT values,
                          int32_t* HWY_RESTRICT words) const {
    const DI di;
    for (size_t row = 0; row < kFloor32Group; row += kLanesF32) {
      VI quad = hn::Load(di, reinterpret_cast<const int32_t*>(codes) + row);
      for (size_t k = 0; k < 4; ++k) {
        PutByte(Decode1(quad, values + k * kFloor32TileCols + row), byte,
                words + k * kFloor32TileWords + row);
        quad = hn::ShiftRight<8>(quad);
      }
    }
  }

 private:
  // Stores the values of the low bytes; returns their exponents.
  HWY_INLINE VI Decode1(VI codes, float* HWY_RESTRICT to) const {
    const DI di;
    const DF df;
    const VF x = decode_(codes);
    const auto is_product =
        hn::AndNot(hn::Eq(x, hn::Zero(df)), hn::IsFinite(x));
    const VF none =
        kFloor32TowardZero
            ? hn::CopySign(hn::BitCast(df, hn::Set(di, kTinyBits)), x)
            : hn::Zero(df);
    const VF value = hn::IfThenElse(is_product, x, none);
    hn::Store(
        hn::BitCast(df, hn::Or(hn::BitCast(di, value), hn::Set(di, excess_))),
        df, to);
    return hn::IfThenElseZero(
        hn::RebindMask(di, is_product),
        hn::Add(AlignerExponent(x, min_exponent_), hn::Set(di, bias_)));
  }

  Decoder decode_;
  int min_exponent_, bias_;
  int32_t excess_;
};

#endif

// What a panel is made from.
struct Floor32Source {
  Floor32Source(const PackedMatrix& x, int bias, uint32_t excess)
      : matrix(x),
        decoder(Info(x.format()), bias, kFloor32TowardZero ? excess : 0),
        max_code(static_cast<uint8_t>(Info(x.format()).max_code())) {}

  const PackedMatrix& matrix;
  Floor32Decoder decoder;
  uint8_t max_code;
};

// A range of K of one group of 16 rows: quads that are stored, and how many
// there are to be, the rest being zeros.
struct Floor32Quads {
  Floor32Quads(const PackedMatrix& matrix, size_t group, size_t k,
               size_t count) {
    const auto quads = static_cast<size_t>(matrix.quads());
    const auto groups = static_cast<size_t>(matrix.groups());
    stored = group < groups ? std::min(count / 4, quads - k / 4) : 0;
    wanted = count / 4;
    codes = stored == 0
                ? kZeros
                : matrix.data() + (group * quads + k / 4) * kFloor32QuadBytes;
    following = stored == 0 ? 0 : std::min(wanted, quads - k / 4 - stored);
  }
  alignas(64) static constexpr uint8_t kZeros[kFloor32QuadBytes] = {};
  const uint8_t* At(size_t q) const {
    return q < stored ? codes + q * kFloor32QuadBytes : kZeros;
  }
  // Fetches what the next pass reads: too few lines, too far from others, for
  // the CPU to foresee.
  void PrefetchNext() const {
    for (size_t q = stored; q < stored + following; ++q) {
      hwy::Prefetch(codes + q * kFloor32QuadBytes);
    }
  }

  const uint8_t* codes;
  size_t stored, wanted;
  size_t following;  // stored ones of the next pass
};

// signs[chunk][stride]: bit of each code's sign, in the same order of A and B.
inline void Floor32Signs(const Floor32Quads& quads, size_t chunk, size_t stride,
                         uint32_t* HWY_RESTRICT signs) {
  const hn::RebindToUnsigned<DI> du;
  for (size_t begin = 0, i = 0; begin < quads.wanted; begin += chunk / 4, ++i) {
    for (size_t row = 0; row < kFloor32Group; row += kLanesF32) {
      auto word = hn::Zero(du);
      for (size_t q = 0; q < chunk / 4; ++q) {
        const auto codes = hn::Load(
            du, reinterpret_cast<const uint32_t*>(quads.At(begin + q)) + row);
        word = hn::Or(hn::ShiftRight<1>(word),
                      hn::And(codes, hn::Set(du, 0x80808080u)));
      }
      if (chunk == 16) {  // upper halves of bytes to the lower half of the word
        word = hn::Or(hn::ShiftRight<16>(word), hn::ShiftRight<4>(word));
        word = hn::And(word, hn::Set(du, 0xFFFF));
      }
      hn::Store(word, du, signs + i * stride + row);
    }
  }
}

// Whether a code is above the largest finite one.
inline bool AnySpecial(const Floor32Quads& quads, uint8_t max_code) {
  const hn::ScalableTag<uint8_t> d8;
  auto most = hn::Zero(d8);
  for (size_t q = 0; q < quads.stored; ++q) {
    for (size_t i = 0; i < kFloor32QuadBytes; i += HWY_LANES(uint8_t)) {
      most = hn::Max(most, hn::And(hn::Load(d8, quads.At(q) + i),
                                   hn::Set(d8, uint8_t{0x7F})));
    }
  }
  const auto cap = hn::Set(d8, max_code);
  return !hn::AllTrue(d8, hn::Eq(hn::Max(most, cap), cap));
}

// `count` products, whole chunks, from k on. True if there is infinity or NaN.
inline bool MakePanelA(const Floor32Source& source, size_t group, size_t k,
                       size_t count, size_t chunk, Floor32PanelA& panel) {
  const Floor32Quads quads(source.matrix, group, k, count);
  quads.PrefetchNext();
  for (size_t q = 0; q < quads.wanted; ++q) {
    source.decoder.DecodeA(quads.At(q), panel.values + q * 8 * kFloor32Group);
  }
  Floor32Signs(quads, chunk, kFloor32Group, panel.signs);
  return AnySpecial(quads, source.max_code);
}

// The same of kFloor32TileCols rows from `group` on; those past the end are
// zero.
inline bool MakePanelB(const Floor32Source& source, size_t group, size_t k,
                       size_t count, size_t chunk, Floor32PanelB& panel) {
  bool special = false;
  for (size_t g = 0; g < kFloor32TileCols / kFloor32Group; ++g) {
    const size_t row = g * kFloor32Group;
    const Floor32Quads quads(source.matrix, group + g, k, count);
    quads.PrefetchNext();
    for (size_t q = 0; q < quads.wanted; ++q) {
      source.decoder.DecodeB(
          quads.At(q), static_cast<int>(g % 4),
          panel.values + q * 4 * kFloor32TileCols + row,
          panel.exponents + q * 4 * kFloor32TileWords + g / 4 * kFloor32Group);
    }
    Floor32Signs(quads, chunk, kFloor32TileCols, panel.signs + row);
    special = AnySpecial(quads, source.max_code) || special;
  }
  return special;
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_FLOOR32_PANEL_INL_H_
