// SPDX-License-Identifier: Apache-2.0
// Rows of C and D, binary32 or binary16, as binary32 numbers.

#if defined(ZEROULP_KERNELS_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_ROWS_INL_H_
#undef ZEROULP_KERNELS_ROWS_INL_H_
#else
#define ZEROULP_KERNELS_ROWS_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/block.h"
#include "kernels/ops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// Targets that convert binary16 by an instruction.
inline constexpr bool kHaveF16 =
    HWY_TARGET == HWY_AVX2 || ZEROULP_TARGET_HAS_512 || HWY_ARCH_ARM_A64;
using DF16 = hn::Rebind<hwy::float16_t, DF>;

inline void LoadRow(const ConstMatrixView& c, size_t row, size_t col,
                    size_t cols, float* HWY_RESTRICT to) {
  const DF df;
  const size_t at = row * static_cast<size_t>(c.row_stride) + col;
  size_t i = 0;
  if (c.format == Format::kF32) {
    std::copy_n(reinterpret_cast<const float*>(c.bytes.data()) + at, cols, to);
    return;
  }
  if constexpr (kHaveF16) {
    const auto* from =
        reinterpret_cast<const hwy::float16_t*>(c.bytes.data()) + at;
    for (; i + hn::Lanes(df) <= cols; i += hn::Lanes(df)) {
      hn::StoreU(hn::PromoteTo(df, hn::LoadU(DF16(), from + i)), df, to + i);
    }
  }
  for (; i < cols; ++i) {
    to[i] = ReadElement(c, static_cast<int64_t>(row),
                        static_cast<int64_t>(col + i));
  }
}

// Numbers of D's format, larger ones, which become infinity, and NaN, which
// becomes the row's.
inline void StoreRow(const ArithInfo& info, const MatrixView& d, size_t row,
                     size_t col, size_t cols, const float* HWY_RESTRICT from) {
  const DF df;
  const size_t at = row * static_cast<size_t>(d.row_stride) + col;
  size_t i = 0;
  if (d.format == Format::kF32) {
    const VF nan =
        hn::BitCast(df, hn::Set(DI(), static_cast<int32_t>(info.nan_word)));
    auto* to = reinterpret_cast<float*>(d.bytes.data()) + at;
    for (; i + hn::Lanes(df) <= cols; i += hn::Lanes(df)) {
      const VF x = hn::LoadU(df, from + i);
      hn::StoreU(hn::IfThenElse(hn::IsNaN(x), nan, x), df, to + i);
    }
  } else if constexpr (kHaveF16) {
    auto* to = reinterpret_cast<hwy::float16_t*>(d.bytes.data()) + at;
    for (; i + hn::Lanes(df) <= cols; i += hn::Lanes(df)) {
      const VF x = hn::LoadU(df, from + i);
      if (!hn::AllFalse(df, hn::IsNaN(x))) break;
      hn::StoreU(hn::DemoteTo(DF16(), x), DF16(), to + i);
    }
  }
  for (; i < cols; ++i) {
    WriteElement(info, d, static_cast<int64_t>(row),
                 static_cast<int64_t>(col + i), from[i]);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_ROWS_INL_H_
