// SPDX-License-Identifier: Apache-2.0
// Two-level accumulation: sums of promote_every products, times binary32 block
// scales, are added to binary32 accumulators.

#if defined(ZEROULP_KERNELS_PROMOTE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_PROMOTE_INL_H_
#undef ZEROULP_KERNELS_PROMOTE_INL_H_
#else
#define ZEROULP_KERNELS_PROMOTE_INL_H_
#endif

#include <algorithm>
#include <cstddef>

#include "kernels/gemm_call.h"
#include "kernels/wide-inl.h"
#include "zeroulp/packed.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// The promotion of sums that k, or what was before it, is the last product of.
class Promotion {
 public:
  Promotion(const GemmCall& call, size_t k)
      : a_(*call.a, k), b_(*call.b_t, k) {}

  // Where the one after k comes; `k_end` is one, too, and without promotion the
  // only one.
  static size_t After(const GemmCall& call, size_t k, size_t k_end) {
    const auto every = static_cast<size_t>(call.promote_every);
    return every == 0 ? k_end : std::min((k / every + 1) * every, k_end);
  }

  // sum + part * scales of a row of D from column n on, rounded once.
  HWY_INLINE VF operator()(size_t m, size_t n, VF part, VF sum) const {
    const DF df;
    VF scale = hn::Set(df, a_.scales == nullptr ? 1.0f : *a_.At(m));
    if (b_.scales != nullptr) scale = hn::Mul(scale, hn::LoadU(df, b_.At(n)));
    return MulAddOnce(part, scale, sum);
  }

 private:
  // Scales of the block that k is in; null: none.
  struct Side {
    Side(const PackedMatrix& x, size_t k) {
      if (x.scale_block() == 0) return;
      blocks = static_cast<size_t>(x.scale_cols());
      scales = reinterpret_cast<const float*>(x.scales()) +
               k / static_cast<size_t>(x.scale_block()) * kRows;
    }
    const float* At(size_t row) const {
      return scales + row / kRows * blocks * kRows + row % kRows;
    }

    static constexpr auto kRows = static_cast<size_t>(PackedMatrix::kRows);
    const float* scales = nullptr;
    size_t blocks = 0;
  };

  Side a_, b_;
};

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_PROMOTE_INL_H_
