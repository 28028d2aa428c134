// SPDX-License-Identifier: Apache-2.0
// Packed operands taken apart, for every model but the tuned chain.
//
// A panel holds a range of K of one group of 16 rows: [k][16] lanes. Past the
// end of K it is zero.

#if defined(ZEROULP_KERNELS_OPERAND_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_OPERAND_INL_H_
#undef ZEROULP_KERNELS_OPERAND_INL_H_
#else
#define ZEROULP_KERNELS_OPERAND_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/decode-inl.h"
#include "kernels/operand.h"
#include "kernels/wide-inl.h"
#include "zeroulp/arithmetic.h"
#include "zeroulp/codec.h"
#include "zeroulp/packed.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// The exponent of zero: below any sum of exponents, twice over.
inline constexpr int32_t kNoExponent = -10000;

// Exponents of binary32 values as an aligner sees them: not below the smallest
// normal one's.
HWY_INLINE VI AlignerExponent(VF x, int min_exponent) {
  const DI di;
  const VI field =
      hn::And(hn::ShiftRight<23>(hn::BitCast(di, x)), hn::Set(di, 0xFF));
  return hn::Max(hn::Sub(field, hn::Set(di, 127)), hn::Set(di, min_exponent));
}

// Codes in 32-bit lanes -> the values an arithmetic unit sees, as binary32.
class ValueDecoder {
 public:
  ValueDecoder(const ArithInfo& row, Format format)
      : format_(Info(format)),
        decode_(format_),
        // Formats with the exponents of binary32 are its high bits.
        is_cut_f32_(format_.bias == 127),
        shift_(32 - format_.storage_bits),
        mask_(static_cast<int32_t>(~0u << (32 - format_.bits))),
        flush_(row.flush_inputs),
        min_normal_(std::bit_cast<float>(
            static_cast<uint32_t>(127 + format_.min_exponent()) << 23)) {}

  HWY_INLINE VF operator()(VI codes) const {
    const DI di;
    const DF df;
    const VF value =
        is_cut_f32_ ? hn::BitCast(df, hn::And(hn::ShiftLeftSame(codes, shift_),
                                              hn::Set(di, mask_)))
                    : decode_(codes);
    if (!flush_) return value;
    const VF zero = hn::CopySign(hn::Zero(df), value);
    return hn::IfThenElse(hn::Lt(hn::Abs(value), hn::Set(df, min_normal_)),
                          zero, value);
  }

 private:
  const FormatInfo& format_;
  Decoder decode_;
  bool is_cut_f32_;
  int shift_;
  int32_t mask_;
  bool flush_;
  float min_normal_;
};

// values[k][16] of k_begin ... k_begin + count - 1, which begin a quad.
inline void DecodeValues(const ArithInfo& row, const PackedMatrix& matrix,
                         size_t group, size_t k_begin, size_t count,
                         float* HWY_RESTRICT values) {
  const DI di;
  const DF df;
  const ValueDecoder decode(row, matrix.format());
  const size_t quads = static_cast<size_t>(matrix.quads());
  const size_t per_quad = static_cast<size_t>(matrix.quad_cols());
  const int bits = static_cast<int>(32 / per_quad);
  const size_t first = k_begin / per_quad;
  const size_t needed = (count + per_quad - 1) / per_quad;
  const size_t stored = first < quads ? std::min(needed, quads - first) : 0;
  const auto* words = reinterpret_cast<const int32_t*>(matrix.data()) +
                      (group * quads + first) * kGroupRows;
  for (size_t q = 0; q < stored; ++q) {
    for (size_t lane = 0; lane < kGroupRows; lane += kLanesF32) {
      const VI word = hn::Load(di, words + q * kGroupRows + lane);
      for (size_t j = 0; j < per_quad; ++j) {
        const VI codes = hn::ShiftRightSame(word, static_cast<int>(j) * bits);
        hn::Store(decode(codes), df,
                  values + (q * per_quad + j) * kGroupRows + lane);
      }
    }
  }
  std::fill(values + stored * per_quad * kGroupRows,
            values + needed * per_quad * kGroupRows, 0.0f);
}

// scales[block][16] as binary32, of blocks first ... last; 1 past the end.
inline void DecodeScales(const PackedMatrix& matrix, size_t group, size_t first,
                         size_t last, float* HWY_RESTRICT scales) {
  const FormatInfo& f = Info(matrix.scale_format());
  const auto size = static_cast<size_t>(f.storage_bits / 8);
  const size_t blocks = static_cast<size_t>(matrix.scale_cols());
  for (size_t b = first; b <= last; ++b) {
    for (size_t lane = 0; lane < kGroupRows; ++lane) {
      uint32_t code = 0;
      if (b < blocks) {
        std::memcpy(
            &code,
            matrix.scales() + ((group * blocks + b) * kGroupRows + lane) * size,
            size);
      }
      *scales++ = b < blocks ? Decode(f, code) : 1.0f;
    }
  }
}

// special[i]: whether chunk i of the panel holds infinity or NaN.
inline void FindSpecials(const float* HWY_RESTRICT values, size_t count,
                         size_t chunk, uint8_t* special) {
  const DF df;
  for (size_t begin = 0, i = 0; begin < count; begin += chunk, ++i) {
    // Finite values and zeros times zero are zeros; all others NaN.
    VF sum = hn::Zero(df);
    const size_t end = std::min(begin + chunk, count) * kGroupRows;
    for (size_t at = begin * kGroupRows; at < end; at += kLanesF32) {
      sum = hn::Add(sum, hn::Mul(hn::Load(df, values + at), hn::Zero(df)));
    }
    special[i] = !hn::AllTrue(df, hn::Eq(sum, hn::Zero(df)));
  }
}

// exponents[k][16] of the values: not below `min_exponent`, kNoExponent of
// zeros.
inline void Exponents(const float* HWY_RESTRICT values, size_t count,
                      int min_exponent, int32_t* HWY_RESTRICT exponents) {
  const DI di;
  const DF df;
  for (size_t at = 0; at < count * kGroupRows; at += kLanesF32) {
    const VF x = hn::Load(df, values + at);
    const auto zero = hn::RebindMask(di, hn::Eq(x, hn::Zero(df)));
    hn::Store(hn::IfThenElse(zero, hn::Set(di, kNoExponent),
                             AlignerExponent(x, min_exponent)),
              di, exponents + at);
  }
}

// Divides every value by 2^exponent, exactly: binary32 has no room for products
// of values with its own exponents. Infinity and NaN stay.
inline void Normalize(float* HWY_RESTRICT values,
                      const int32_t* HWY_RESTRICT exponents, size_t count) {
  const DI di;
  const DF df;
  for (size_t at = 0; at < count * kGroupRows; at += kLanesF32) {
    const VF x = hn::Load(df, values + at);
    const VI bits = hn::BitCast(di, x);
    const VI magnitude = hn::And(bits, hn::Set(di, 0x7FFFFFFF));
    const VI exponent = hn::Load(di, exponents + at);
    const VF moved =
        hn::BitCast(df, hn::Sub(bits, hn::ShiftLeft<23>(exponent)));
    // Subnormal: its last place is 2^-149, its exponent -126.
    const VF subnormal = hn::CopySignToAbs(
        hn::Mul(hn::ConvertTo(df, magnitude), hn::Set(df, 0x1p-23f)), x);
    const auto keep = hn::Or(hn::Eq(magnitude, hn::Zero(di)),
                             hn::Gt(magnitude, hn::Set(di, 0x7F7FFFFF)));
    const auto is_subnormal = hn::Lt(magnitude, hn::Set(di, 0x00800000));
    const VF result =
        hn::IfThenElse(hn::RebindMask(df, is_subnormal), subnormal, moved);
    hn::Store(hn::IfThenElse(hn::RebindMask(df, keep), x, result), df,
              values + at);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_OPERAND_INL_H_
