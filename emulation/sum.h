// SPDX-License-Identifier: Apache-2.0
// Sum: exact addition with the special values of IEEE 754.
#ifndef ZEROULP_EMULATION_SUM_H_
#define ZEROULP_EMULATION_SUM_H_

#include <cstdint>

#include "emulation/fixed.h"
#include "emulation/number.h"
#include "emulation/round.h"
#include "zeroulp/formats.h"

namespace zeroulp::emulation {

class Sum {
 public:
  void Add(const Number& x) {
    if (x.kind == Kind::kNan) nan_ = true;
    if (x.kind == Kind::kInfinity) {
      (x.negative ? minus_infinity_ : plus_infinity_) = true;
    }
    if (x.kind != Kind::kFinite) return;
    if (x.significand != 0) finite_.Add(x.negative, x.significand, x.unit);
    all_minus_zero_ = all_minus_zero_ && x.negative && x.significand == 0;
  }

  uint32_t Rounded(const FormatInfo& out, uint32_t nan_word) const {
    return Rounded(out, nan_word, out.mantissa_bits, /*toward_zero=*/false);
  }
  // One rounding, as Round's. IEEE 754-2019 6.1 to 6.3: opposite
  // infinities are NaN, an exact zero is +0 unless every addend is -0.
  uint32_t Rounded(const FormatInfo& out, uint32_t nan_word, int fraction_bits,
                   bool toward_zero) const {
    if (nan_ || (plus_infinity_ && minus_infinity_)) return nan_word;
    if (plus_infinity_) return out.infinity_code();
    if (minus_infinity_) return out.infinity_code() | out.sign_mask();
    if (finite_.negative() || finite_.Width() > 0) {
      return Round(finite_, out, fraction_bits, toward_zero);
    }
    return all_minus_zero_ ? out.sign_mask() : 0u;
  }

 private:
  Fixed finite_;
  bool nan_ = false, plus_infinity_ = false, minus_infinity_ = false;
  bool all_minus_zero_ = true;
};

}  // namespace zeroulp::emulation

#endif  // ZEROULP_EMULATION_SUM_H_
