// SPDX-License-Identifier: Apache-2.0
// Quads of packed codes -> panels of [step][16 rows] lanes, as tile-inl.h reads
// them.

#if defined(ZEROULP_KERNELS_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_PANEL_INL_H_
#undef ZEROULP_KERNELS_PANEL_INL_H_
#else
#define ZEROULP_KERNELS_PANEL_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "kernels/decode-inl.h"
#include "kernels/narrow_bytes.h"
#include "kernels/tile-inl.h"
#include "zeroulp/formats.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

inline constexpr size_t kQuadBytes = 64;  // 16 rows x 4 k

#if HWY_TARGET == HWY_AVX3_DL

// A narrow value is a bf16: two bytes, each from a table of 128. Some 3 times
// as fast as Decoder, and decoding A again for every block of B is what a GEMM
// of a few thousand rows would otherwise notice.
class PanelDecoder {
 public:
  explicit PanelDecoder(const FormatInfo& f)
      : sign_(hn::Set(DB(), f.bits == 8 ? uint8_t{0x80} : uint8_t{0})),
        minus_zero_is_nan_(f.specials == Specials::kNanMinusZero) {
    const NarrowBytes& bytes = kNarrowBytes[static_cast<size_t>(f.id)];
    for (size_t i = 0; i < 2; ++i) {
      high_[i] = hn::Load(DB(), bytes.high.data() + 64 * i);
      low_[i] = hn::Load(DB(), bytes.low.data() + 64 * i);
    }
  }

  // Steps of Bf16Dot may be `stride` lanes apart.
  template <class Dot>
  HWY_INLINE void Decode4(const uint8_t* HWY_RESTRICT quad,
                          float* HWY_RESTRICT out,
                          size_t stride = kPanelRows) const {
    const DF df;
    VB high, low;
    Bytes(hn::LoadU(DB(), quad), high, low);
    if constexpr (Dot::kStepK == 2) {
      hn::Store(Pairs(high, low, 0), df, out);
      hn::Store(Pairs(high, low, 2), df, out + stride);
    } else {
      const DI di;
      const VI h = hn::BitCast(di, high), l = hn::BitCast(di, low);
      hn::Store(Join(hn::ShiftLeft<24>(h), hn::ShiftLeft<16>(l)), df, out);
      hn::Store(Join(hn::ShiftLeft<16>(h), hn::ShiftLeft<8>(l)), df,
                out + kPanelRows);
      hn::Store(Join(hn::ShiftLeft<8>(h), l), df, out + 2 * kPanelRows);
      hn::Store(Join(h, hn::ShiftRight<8>(l)), df, out + 3 * kPanelRows);
    }
  }

  // 32 codes of each of two rows, 16 in every second block, as bf16 in order.
  HWY_INLINE void DecodeRows(VI codes, VI& first, VI& second) const {
    const DI di;
    VB high, low;
    Bytes(hn::BitCast(DB(), codes), high, low);
    // Where codes 2r and 2r + 1 of the first row are, low table first.
    const VI words = hn::ShiftLeft<1>(hn::Iota(di, 0));
    const VI lanes = hn::Add(words, hn::And(words, hn::Set(di, 16)));
    const VI index = hn::Add(SameBytes(lanes), hn::Set(di, 0x01410040));
    const VI behind = hn::Add(index, hn::Set(di, 0x10101010));
    first = hn::BitCast(di, TwoTableBytes(high, low, hn::BitCast(DB(), index)));
    second =
        hn::BitCast(di, TwoTableBytes(high, low, hn::BitCast(DB(), behind)));
  }

 private:
  // Both bytes of bf16.
  HWY_INLINE void Bytes(VB codes, VB& high, VB& low) const {
    const DB db;
    high = hn::OrAnd(TwoTableBytes(high_[0], high_[1], codes), codes, sign_);
    low = TwoTableBytes(low_[0], low_[1], codes);
    if (minus_zero_is_nan_) {
      const auto nan = hn::Eq(codes, sign_);
      high = hn::IfThenElse(nan, hn::Set(db, uint8_t{0x7F}), high);
      low = hn::IfThenElse(nan, hn::Set(db, uint8_t{0xC0}), low);
    }
  }
  // Byte 3 of `high`, byte 2 of `low`, zeros.
  static HWY_INLINE VF Join(VI high, VI low) {
    const DI di;
    const VI top = hn::Set(di, static_cast<int32_t>(0xFF000000u));
    return hn::BitCast(
        DF(), hn::OrAnd(hn::And(low, hn::Set(di, 0x00FF0000)), high, top));
  }
  // bf16 of element k (high half) and k + 1 (low half) of each lane.
  static HWY_INLINE VF Pairs(VB high, VB low, int k) {
    const DI di;
    // Of lane r: bytes 4r + k + 1 and 4r + k, low table first.
    const VI lanes = hn::ShiftLeft<2>(hn::Iota(di, 0));
    const auto step = static_cast<uint32_t>(k);
    const uint32_t bytes =
        (step << 24) | ((step + 64) << 16) | ((step + 1) << 8) | (step + 65);
    const VI index =
        hn::Add(SameBytes(lanes), hn::Set(di, static_cast<int32_t>(bytes)));
    return hn::BitCast(DF(),
                       TwoTableBytes(high, low, hn::BitCast(DB(), index)));
  }
  // A byte of each lane in all four.
  static HWY_INLINE VI SameBytes(VI bytes) {
    const VI two = hn::Or(bytes, hn::ShiftLeft<8>(bytes));
    return hn::Or(two, hn::ShiftLeft<16>(two));
  }

  VB high_[2], low_[2], sign_;
  bool minus_zero_is_nan_;
};

#else

class PanelDecoder {
 public:
  explicit PanelDecoder(const FormatInfo& f) : decode_(f) {}

  // Steps of Bf16Dot may be `stride` lanes apart.
  template <class Dot>
  HWY_INLINE void Decode4(const uint8_t* HWY_RESTRICT quad,
                          float* HWY_RESTRICT out,
                          size_t stride = kPanelRows) const {
    const DI di;
    const DF df;
    for (size_t row = 0; row < kPanelRows; row += kLanes) {
      const VI codes =
          hn::LoadU(di, reinterpret_cast<const int32_t*>(quad) + row);
      // The codes of k, k + 1, k + 2, k + 3, one in each byte.
      const VF k0 = decode_(codes);
      const VF k1 = decode_(hn::ShiftRight<8>(codes));
      const VF k2 = decode_(hn::ShiftRight<16>(codes));
      const VF k3 = decode_(hn::ShiftRight<24>(codes));
      if constexpr (Dot::kStepK == 2) {
        hn::Store(hn::Or(k0, Low(k1)), df, out + row);
        hn::Store(hn::Or(k2, Low(k3)), df, out + stride + row);
      } else {
        hn::Store(k0, df, out + row);
        hn::Store(k1, df, out + kPanelRows + row);
        hn::Store(k2, df, out + 2 * kPanelRows + row);
        hn::Store(k3, df, out + 3 * kPanelRows + row);
      }
    }
  }

 private:
  // A narrow value is a bf16, whose binary32 has a low half of zero: the value
  // in the low half of its lane.
  static HWY_INLINE VF Low(VF x) {
    const hn::RebindToUnsigned<DF> du;
    return hn::BitCast(DF(), hn::ShiftRight<16>(hn::BitCast(du, x)));
  }

  Decoder decode_;
};

#endif

// Decodes consecutive quads of one group of rows.
template <class Dot>
void DecodePanel(const PanelDecoder& decoder, const uint8_t* HWY_RESTRICT codes,
                 size_t quads, float* HWY_RESTRICT panel) {
  for (size_t q = 0; q < quads; ++q) {
    decoder.template Decode4<Dot>(codes + q * kQuadBytes,
                                  panel + q * 4 / Dot::kStepK * kPanelRows);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_PANEL_INL_H_
