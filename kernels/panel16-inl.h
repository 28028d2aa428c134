// SPDX-License-Identifier: Apache-2.0
// Quads of two-byte codes, bf16 or f16 -> panels as tile-inl.h reads them.

#if defined(ZEROULP_KERNELS_PANEL16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_PANEL16_INL_H_
#undef ZEROULP_KERNELS_PANEL16_INL_H_
#else
#define ZEROULP_KERNELS_PANEL16_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "kernels/decode-inl.h"
#include "kernels/panel-inl.h"
#include "kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

class Panel16Decoder {
 public:
  explicit Panel16Decoder(const FormatInfo& f)
      : is_bf16_(f.id == Format::kBF16), decode_f16_(f) {}

  // Consecutive quads of one group of rows. Bf16Dot: of bf16 alone.
  template <class Dot>
  void operator()(const uint8_t* HWY_RESTRICT quads, size_t count,
                  float* HWY_RESTRICT panel) const {
    const DI di;
    const DF df;
    const auto* words = reinterpret_cast<const int32_t*>(quads);
    const VI high_half = hn::Set(di, static_cast<int32_t>(0xFFFF0000u));
    for (size_t q = 0; q < count; ++q) {
      // k in the low half of each word, k + 1 in the high one.
      float* HWY_RESTRICT out = panel + q * 2 / Dot::kStepK * kPanelRows;
      for (size_t row = 0; row < kPanelRows; row += kLanes) {
        const VI codes = hn::Load(di, words + q * kPanelRows + row);
        if constexpr (Dot::kStepK == 2) {
          const hn::RebindToUnsigned<DI> du;
          const auto first_high = hn::RotateRight<16>(hn::BitCast(du, codes));
          hn::Store(hn::BitCast(df, first_high), df, out + row);
        } else if (is_bf16_) {
          hn::Store(hn::BitCast(df, hn::ShiftLeft<16>(codes)), df, out + row);
          hn::Store(hn::BitCast(df, hn::And(codes, high_half)), df,
                    out + kPanelRows + row);
        } else {
          hn::Store(decode_f16_(codes), df, out + row);
          hn::Store(decode_f16_(hn::ShiftRight<16>(codes)), df,
                    out + kPanelRows + row);
        }
      }
    }
  }

 private:
  bool is_bf16_;
  Decoder decode_f16_;
};

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_PANEL16_INL_H_
