// SPDX-License-Identifier: Apache-2.0
// The narrow formats as bytes of bf16, for decoding by table.
#ifndef ZEROULP_KERNELS_NARROW_BYTES_H_
#define ZEROULP_KERNELS_NARROW_BYTES_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "zeroulp/arithmetic.h"
#include "zeroulp/codec.h"
#include "zeroulp/formats.h"

namespace zeroulp::kernels {

// The bf16 of the codes without their sign bit, in two bytes.
struct NarrowBytes {
  alignas(64) std::array<uint8_t, 128> high, low;
};

// In the order of kFormats, the first ones of which are narrow. Tables that are
// made once: a product of small matrices takes less time than making one.
inline constexpr auto kNarrowBytes = [] {
  std::array<NarrowBytes, static_cast<size_t>(Format::kE2M1FN) + 1> tables = {};
  for (size_t i = 0; i < tables.size(); ++i) {
    for (uint32_t code = 0; code < 128; ++code) {
      const auto word = std::bit_cast<uint32_t>(Decode(kFormats[i], code));
      tables[i].high[code] = static_cast<uint8_t>(word >> 24);
      tables[i].low[code] = static_cast<uint8_t>(word >> 16);
    }
  }
  return tables;
}();

constexpr bool EveryNarrowFormatHasBytes() {
  for (size_t i = 0; i < kFormats.size(); ++i) {
    const bool narrow = kNarrowFormats.contains(kFormats[i].id);
    if (narrow != (i < kNarrowBytes.size())) return false;
  }
  return true;
}
static_assert(EveryNarrowFormatHasBytes());

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_NARROW_BYTES_H_
