// SPDX-License-Identifier: Apache-2.0
// Fixed: an exact sum.
#ifndef ZEROULP_EMULATION_FIXED_H_
#define ZEROULP_EMULATION_FIXED_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace zeroulp::emulation {

// A two's complement fixed-point number of 896 bits whose unit is 2^-460. It
// holds products of two binary32 values (multiples of 2^-298 below 2^256), and
// binary32 values times two E8M0 scales (multiples of 2^-403 below 2^382); 2^50
// of them fit.
class Fixed {
 public:
  static constexpr int kUnitExponent = -460;

  // Adds (-1)^negative * significand * 2^exponent.
  void Add(bool negative, uint64_t significand, int exponent) {
    const int shift = exponent - kUnitExponent;
    const size_t limb = static_cast<size_t>(shift / 64);
    const int bit = shift % 64;
    const uint64_t low = significand << bit;
    const uint64_t high = bit == 0 ? 0 : significand >> (64 - bit);
    if (negative) {
      Subtract(limb, low, high);
    } else {
      Add(limb, low, high);
    }
  }

  bool negative() const { return (limbs_.back() >> 63) != 0; }

  // The magnitude of a negative number.
  Fixed Negated() const {
    Fixed result;
    uint64_t carry = 1;
    for (size_t i = 0; i < kLimbs; ++i) {
      result.limbs_[i] = ~limbs_[i] + carry;
      carry = carry != 0 && result.limbs_[i] == 0 ? 1 : 0;
    }
    return result;
  }

  // For numbers that are not negative: one more than the index of the highest
  // set bit, 0 for zero.
  int Width() const {
    for (size_t i = kLimbs; i-- > 0;) {
      if (limbs_[i] != 0) {
        return static_cast<int>(i) * 64 +
               static_cast<int>(std::bit_width(limbs_[i]));
      }
    }
    return 0;
  }

  bool Bit(int index) const {
    return ((limbs_[static_cast<size_t>(index / 64)] >> (index % 64)) & 1) != 0;
  }
  bool AnyBitBelow(int index) const {
    const size_t whole = static_cast<size_t>(index / 64);
    for (size_t i = 0; i < whole; ++i) {
      if (limbs_[i] != 0) return true;
    }
    const uint64_t mask = (uint64_t{1} << (index % 64)) - 1;
    return (limbs_[whole] & mask) != 0;
  }
  // Bits index + count - 1 ... index as a number; count at most 63.
  uint64_t Bits(int index, int count) const {
    const size_t limb = static_cast<size_t>(index / 64);
    const int bit = index % 64;
    uint64_t value = limbs_[limb] >> bit;
    if (bit != 0 && limb + 1 < kLimbs) value |= limbs_[limb + 1] << (64 - bit);
    return value & ((uint64_t{1} << count) - 1);
  }

 private:
  static constexpr size_t kLimbs = 14;

  void Add(size_t limb, uint64_t low, uint64_t high) {
    limbs_[limb] += low;
    uint64_t carry = limbs_[limb] < low ? 1 : 0;
    for (size_t i = limb + 1; i < kLimbs && (high | carry) != 0; ++i) {
      const uint64_t sum = limbs_[i] + high;
      const uint64_t total = sum + carry;
      carry = (sum < high ? 1u : 0u) | (total < sum ? 1u : 0u);
      limbs_[i] = total;
      high = 0;
    }
  }
  void Subtract(size_t limb, uint64_t low, uint64_t high) {
    uint64_t borrow = limbs_[limb] < low ? 1 : 0;
    limbs_[limb] -= low;
    for (size_t i = limb + 1; i < kLimbs && (high | borrow) != 0; ++i) {
      const uint64_t difference = limbs_[i] - high;
      const uint64_t total = difference - borrow;
      borrow = (limbs_[i] < high ? 1u : 0u) | (difference < borrow ? 1u : 0u);
      limbs_[i] = total;
      high = 0;
    }
  }

  std::array<uint64_t, kLimbs> limbs_ = {};  // low first
};

}  // namespace zeroulp::emulation

#endif  // ZEROULP_EMULATION_FIXED_H_
