// SPDX-License-Identifier: Apache-2.0
// Elements of a segment -> codes, one a byte, given the scales of its blocks.

#if defined(ZEROULP_KERNELS_ELEMENT_CODER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_ELEMENT_CODER_INL_H_
#undef ZEROULP_KERNELS_ELEMENT_CODER_INL_H_
#else
#define ZEROULP_KERNELS_ELEMENT_CODER_INL_H_
#endif

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/encode-inl.h"
#include "kernels/encode_bytes-inl.h"
#include "kernels/ops-inl.h"
#include "kernels/philox-inl.h"
#include "kernels/quantize.h"
#include "kernels/segment-inl.h"
#include "zeroulp/codec.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// How elements become codes. Block factors that are NaN make every code NaN's.
class ElementCoder {
 public:
  explicit ElementCoder(const QuantizeJob& job)
      : divide_(job.rule == ScaleRule::kDivide),
        stochastic_(job.rounding == Rounding::kStochastic),
        seed_(job.seed),
        nearest_(Info(job.block.element), Overflow::kSaturate,
                 NanRule::kPositive),
        random_(Info(job.block.element), Overflow::kSaturate,
                NanRule::kPositive)
#if HWY_TARGET == HWY_AVX3_DL
        ,
        bytes_(
            Info(job.block.element),
            {Rounding::kNearestEven, Overflow::kSaturate, NanRule::kPositive})
#endif
  {
  }

  // Codes of n elements in blocks of `width` columns: 1, a power of two from
  // 16, or n and more. Writes Padded(n) of them.
  void Nearest(const float* x, size_t n, size_t width, const float* factors,
               uint8_t* codes) const {
    Encode(nearest_, nullptr, x, n, width, factors, codes);
  }

  // The same as the options say; the first element is element number `index`
  // of the matrix.
  void operator()(const float* x, size_t n, size_t width, const float* factors,
                  uint64_t index, uint8_t* codes) const {
    if (!stochastic_) return Nearest(x, n, width, factors, codes);
    // Words come in blocks of four, and up to 16 blocks more than asked for.
    uint32_t words[kSegmentSize + 4 + 4 * 16 + kPad];
    const size_t offset = index % 4;
    PhiloxBlocks(seed_, index / 4, (offset + n + 3) / 4, words);
    Encode(random_, words + offset, x, n, width, factors, codes);
  }

 private:
  template <class E>
  void Encode(const E& encode, const uint32_t* random, const float* x, size_t n,
              size_t width, const float* factors, uint8_t* codes) const {
    // Element i is in block i >> shift.
    const int shift = width >= n ? 63 : std::countr_zero(width);
    const size_t padded = Padded(n);
    if (divide_) {
      Run<true>(encode, random, x, padded, shift, factors, codes);
    } else {
      Run<false>(encode, random, x, padded, shift, factors, codes);
    }
  }

  // The factors of one vector of elements.
  static HWY_INLINE VF Factor(const float* factors, size_t i, int shift) {
    const DF df;
    return shift == 0 ? hn::LoadU(df, factors + i)
                      : hn::Set(df, factors[i >> shift]);
  }

  template <bool kDivide>
  static HWY_INLINE VF Quotient(const float* x, VF factor) {
    const VF v = hn::LoadU(DF(), x);
    return kDivide ? hn::Div(v, factor) : hn::Mul(v, factor);
  }

  template <bool kDivide, class E>
  void Run(const E& encoder, const uint32_t* HWY_RESTRICT random,
           const float* HWY_RESTRICT x, size_t n, int shift,
           const float* HWY_RESTRICT factors,
           uint8_t* HWY_RESTRICT codes) const {
    const DF df;
    const hn::Rebind<uint8_t, DF> d8;
    size_t i = 0;
#if HWY_TARGET == HWY_AVX3_DL
    if (random == nullptr) i = Run64<kDivide>(x, n, shift, factors, codes);
#endif
    const E encode = encoder;  // a store of bytes could change what is not ours
    for (; i < n; i += hn::Lanes(df)) {
      PrefetchAfter(x + i);
      const VF quotient = Quotient<kDivide>(x + i, Factor(factors, i, shift));
      VU code;
      if constexpr (std::is_same_v<E, Encoder<Rounding::kStochastic>>) {
        code = encode(quotient, hn::LoadU(DU(), random + i));
      } else {
        code = encode(quotient);
      }
      hn::StoreU(hn::U8FromU32(code), d8, codes + i);
    }
  }

#if HWY_TARGET == HWY_AVX3_DL
  // As many multiples of 64 elements as there are; returns their number.
  template <bool kDivide>
  size_t Run64(const float* HWY_RESTRICT x, size_t n, int shift,
               const float* HWY_RESTRICT factors,
               uint8_t* HWY_RESTRICT codes) const {
    const DB db;
    alignas(64) uint8_t order[64];  // of the bytes that ByteEncoder returns
    for (size_t e = 0; e < 64; ++e) {
      order[e] = static_cast<uint8_t>(4 * (e % 16) + e / 16);
    }
    const VB index = hn::Load(db, order);
    const ByteEncoder encode = bytes_;
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
      const auto quotient = [&](size_t k) HWY_ATTR {
        PrefetchAfter(x + i + k);
        return Quotient<kDivide>(x + i + k, Factor(factors, i + k, shift));
      };
      const VB bytes =
          encode(quotient(0), quotient(16), quotient(32), quotient(48));
      hn::StoreU(PermuteBytes(bytes, index), db, codes + i);
    }
    return i;
  }
#endif

  bool divide_, stochastic_;
  uint64_t seed_;
  Encoder<Rounding::kNearestEven> nearest_;
  Encoder<Rounding::kStochastic> random_;
#if HWY_TARGET == HWY_AVX3_DL
  ByteEncoder bytes_;
#endif
};

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_ELEMENT_CODER_INL_H_
