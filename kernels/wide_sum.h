// SPDX-License-Identifier: Apache-2.0
// WideSum: an exact sum of anything that binary32 operands, two block scales
// and an accumulator can give.
#ifndef ZEROULP_KERNELS_WIDE_SUM_H_
#define ZEROULP_KERNELS_WIDE_SUM_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace zeroulp::kernels {

// Digits of 32 bits in 64, so that carries wait until the end: 2^30 additions
// fit. From 2^-352 (narrow products are multiples of 2^-34, two binary32 scales
// of 2^-298 together) to 2^384.
class WideSum {
 public:
  void Clear() { digits_.fill(0); }

  // Adds x * scale, x an exact number of at most 53 bits and scale, a product
  // of two scales, of at most 48, both finite.
  void Add(double x, double scale) {
    if (x == 0 || scale == 0) return;
    const Parts p = Split(x), q = Split(scale);
    const bool negative = p.negative != q.negative;
    const int exponent = p.exponent + q.exponent;
    constexpr int kHigh = 53 - 24, kLow = 53 - 48;
    constexpr uint64_t kMask = (uint64_t{1} << 24) - 1;
    AddTimes24(negative, p.significand, q.significand >> kHigh,
               exponent + kHigh);
    // None where a factor is a power of two or has few bits.
    const uint64_t low = q.significand >> kLow & kMask;
    if (low != 0) AddTimes24(negative, p.significand, low, exponent + kLow);
  }

  // To nearest even; an exact zero is +0. Spends the sum.
  float Round() {
    int64_t carry = Carry();
    const bool negative = carry < 0;
    if (negative) {
      for (int64_t& digit : digits_) digit = -digit;
      Carry();
    }
    size_t top = kDigits;
    while (top > 0 && digits_[top - 1] == 0) --top;
    if (top == 0) return 0.0f;
    // The first 64 bits; the last of them also stands for all that follow.
    const auto digit = [this](size_t i) {
      return i < kDigits ? static_cast<uint64_t>(digits_[i]) : 0;
    };
    const int zeros = std::countl_zero(static_cast<uint32_t>(digit(top - 1)));
    const uint64_t third = digit(top - 3);
    uint64_t bits = (digit(top - 1) << 32 | digit(top - 2)) << zeros;
    bits |= third << zeros >> 32;
    bool rest = ((third << zeros) & 0xFFFFFFFFu) != 0;
    for (size_t i = 3; i < top; ++i) rest = rest || digits_[top - 1 - i] != 0;
    bits |= rest ? 1u : 0u;
    const int exponent = kUnit + 32 * static_cast<int>(top) - 1 - zeros;
    return FromBits(negative, bits, exponent);
  }

 private:
  static constexpr int kUnit = -352;  // exponent of the lowest digit's unit
  static constexpr size_t kDigits = 23;

  struct Parts {
    bool negative;
    uint64_t significand;  // 53 bits
    int exponent;          // of its last bit
  };
  // Normal numbers.
  static Parts Split(double x) {
    const auto bits = std::bit_cast<uint64_t>(x);
    constexpr uint64_t kHidden = uint64_t{1} << 52;
    return {(bits >> 63) != 0, (bits & (kHidden - 1)) | kHidden,
            static_cast<int>((bits >> 52) & 0x7FF) - 1023 - 52};
  }

  // Of 53 x 24 bits, as 26 x 24 and 27 x 24.
  void AddTimes24(bool negative, uint64_t significand, uint64_t factor,
                  int exponent) {
    constexpr int kLow = 26;
    Add(negative, (significand & ((uint64_t{1} << kLow) - 1)) * factor,
        exponent);
    Add(negative, (significand >> kLow) * factor, exponent + kLow);
  }

  // Bits below the unit are zero: the sum is exact.
  void Add(bool negative, uint64_t significand, int exponent) {
    if (exponent < kUnit) {
      if (significand == 0) return;
      significand >>= kUnit - exponent;
      exponent = kUnit;
    }
    const auto index = static_cast<size_t>((exponent - kUnit) / 32);
    const int shift = (exponent - kUnit) % 32;
    // At most 51 + 31 bits: three digits.
    const uint64_t low = significand << shift;
    const uint64_t high = shift == 0 ? 0 : significand >> (64 - shift);
    const std::array<uint64_t, 3> add = {low & 0xFFFFFFFFu, low >> 32, high};
    for (size_t i = 0; i < add.size(); ++i) {
      const auto digit = static_cast<int64_t>(add[i]);
      digits_[index + i] += negative ? -digit : digit;
    }
  }

  // Brings all digits to 0 ... 2^32 - 1. Returns what is beyond: 0 or -1.
  int64_t Carry() {
    int64_t carry = 0;
    for (int64_t& digit : digits_) {
      const int64_t sum = digit + carry;
      digit = sum & 0xFFFFFFFF;
      carry = sum >> 32;
    }
    return carry;
  }

  // bits / 2^63 * 2^exponent, the top bit set.
  static float FromBits(bool negative, uint64_t bits, int exponent) {
    const int binade = std::max(exponent, -126);
    const int cut = 64 - 24 + (binade - exponent);
    uint64_t kept = 0, rest = 0;
    if (cut <= 64) {
      kept = cut == 64 ? 0 : bits >> cut;
      rest = cut == 64 ? bits : bits << (64 - cut);
    }
    constexpr uint64_t kHalf = uint64_t{1} << 63;
    if (rest > kHalf || (rest == kHalf && (kept & 1) != 0)) ++kept;
    // The hidden bit adds one to the exponent field.
    const uint64_t word = (static_cast<uint64_t>(binade + 126) << 23) + kept;
    return std::bit_cast<float>(
        static_cast<uint32_t>(std::min<uint64_t>(word, 0x7F800000u)) |
        (negative ? 0x80000000u : 0u));
  }

  std::array<int64_t, kDigits> digits_;
};

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_WIDE_SUM_H_
