// SPDX-License-Identifier: Apache-2.0
// Test inputs, derived from the tables so that a new row is tested as it comes.
#ifndef ZEROULP_TESTS_CASES_H_
#define ZEROULP_TESTS_CASES_H_

#include "kernels/targets.h"

#include <bit>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "hwy/targets.h"
#include "zeroulp/arithmetic.h"
#include "zeroulp/codec.h"
#include "zeroulp/formats.h"

namespace zeroulp::testing {

// Every SIMD target of this CPU that was compiled.
inline const std::vector<int64_t>& AllTargets() {
  static const std::vector<int64_t> targets =
      hwy::SupportedAndGeneratedTargets();
  return targets;
}

// Runs `body(name)` once for each target, the others disabled.
template <class Body>
void ForEachTarget(const Body& body) {
  for (const int64_t target : AllTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    body(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
}

inline std::vector<Format> Formats(const FormatSet& set) {
  std::vector<Format> formats;
  for (const FormatInfo& f : kFormats) {
    if (set.contains(f.id)) formats.push_back(f.id);
  }
  return formats;
}
inline std::vector<Format> NarrowFormats() { return Formats(kNarrowFormats); }

// How to draw the codes of a matrix.
enum class Draw {
  kAny,        // every code, NaN and infinity included
  kFinite,     // every finite code
  kLarge,      // the top quarter of the finite magnitudes: sums overflow their
               // addends and cancel
  kSubnormal,  // zeros of both signs and subnormals
  kMinusZero,  // minus zero alone (plus zero where there is none)
};

inline uint32_t DrawCode(const FormatInfo& f, Draw draw, std::mt19937& random) {
  const auto bits = static_cast<uint32_t>(random());
  const uint32_t sign = bits & f.sign_mask();
  const uint32_t zero = f.has_minus_zero() ? f.sign_mask() : 0u;
  const uint32_t max = f.max_code();
  uint32_t magnitude = 0;
  switch (draw) {
    case Draw::kAny:
      return bits & (f.sign_mask() | f.magnitude_mask());
    case Draw::kFinite:
      magnitude = (bits >> 8) % (max + 1);
      break;
    case Draw::kLarge:
      magnitude = max - (bits >> 8) % (max / 4 + 1);
      break;
    case Draw::kSubnormal:
      magnitude = (bits >> 8) % f.min_normal_code();
      break;
    case Draw::kMinusZero:
      return zero;
  }
  return magnitude == 0 ? sign & zero : magnitude | sign;
}

// rows x cols codes with `stride` elements a row, as bytes in memory order.
inline std::vector<uint8_t> DrawCodes(Format format, Draw draw, int64_t rows,
                                      int64_t stride, std::mt19937& random) {
  const FormatInfo& f = Info(format);
  std::vector<uint8_t> codes;
  for (int64_t i = 0; i < rows * stride; ++i) {
    const uint32_t code = DrawCode(f, draw, random);
    if (f.storage_bits == 4 && i % 2 != 0) {
      codes.back() = static_cast<uint8_t>(codes.back() | (code << 4));
      continue;
    }
    for (int bit = 0; bit < f.bits; bit += 8) {
      codes.push_back(static_cast<uint8_t>(code >> bit));
    }
  }
  return codes;
}

// What C holds.
enum class DrawC {
  kNone,
  kOrdinary,
  kSubnormal,
  kFewSubnormal,
  kMinusZero,
  kSpecial
};

inline float DrawWord(DrawC draw, std::mt19937& random) {
  const auto bits = static_cast<uint32_t>(random());
  switch (draw) {
    case DrawC::kNone:
      break;
    case DrawC::kOrdinary:  // about the size of a few products
      return static_cast<float>(static_cast<int32_t>(bits)) * 0x1p-20f;
    case DrawC::kSubnormal:  // and zeros
      return std::bit_cast<float>(bits & (bits & 1 ? 0x807FFFFFu : 0u));
    case DrawC::kFewSubnormal:  // so that only some rows take another kernel
      return bits % 997 == 0 ? 0x1p-140f : 1.0f;
    case DrawC::kMinusZero:
      return -0.0f;
    case DrawC::kSpecial:
      return std::bit_cast<float>(bits | (bits & 2 ? 0x7F800000u : 0u));
  }
  return 0.0f;
}

}  // namespace zeroulp::testing

#endif  // ZEROULP_TESTS_CASES_H_
