// SPDX-License-Identifier: Apache-2.0
#include "kernels/smallest.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/smallest.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Of bf16 codes that fill whole quads.
uint16_t SmallestTarget(const uint16_t* HWY_RESTRICT codes, size_t count) {
  const hn::ScalableTag<uint16_t> d;
  const auto magnitude = hn::Set(d, uint16_t{0x7FFF});
  const auto one = hn::Set(d, uint16_t{1});
  // Less one, zero is the largest.
  constexpr uint16_t kZero = PackedMatrix::kNothingButZero;
  auto smallest = hn::Set(d, kZero);
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    const auto x = hn::And(hn::Load(d, codes + i), magnitude);
    smallest = hn::Min(smallest, hn::Sub(x, one));
  }
  alignas(64) uint16_t lanes[HWY_LANES(uint16_t)];
  hn::Store(smallest, d, lanes);
  const int least = *std::min_element(lanes, lanes + hn::Lanes(d));
  return static_cast<uint16_t>(std::min<int>(least + 1, kZero));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {
HWY_EXPORT(SmallestTarget);
}  // namespace

uint16_t SmallestBf16(const uint8_t* quads, int64_t bytes) noexcept {
  return HWY_DYNAMIC_DISPATCH(SmallestTarget)(
      reinterpret_cast<const uint16_t*>(quads),
      static_cast<size_t>(bytes) / sizeof(uint16_t));
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
