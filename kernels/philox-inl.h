// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10 blocks, one in each lane.

#if defined(ZEROULP_KERNELS_PHILOX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_PHILOX_INL_H_
#undef ZEROULP_KERNELS_PHILOX_INL_H_
#else
#define ZEROULP_KERNELS_PHILOX_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "kernels/narrow-inl.h"
#include "zeroulp/random.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

inline constexpr size_t kPhiloxExcess = 4 * (HWY_LANES(uint64_t) - 1);

#if HWY_TARGET == HWY_SCALAR
// One lane has no neighbour to hold the high half of a product.
inline void PhiloxBlocks(uint64_t seed, uint64_t block, size_t blocks,
                         uint32_t* words) {
  for (size_t i = 0; i < 4 * blocks; ++i) {
    words[i] = RandomWord(seed, 4 * block + i);
  }
}
#else
// The words of `blocks` blocks from `block` on, as RandomWord numbers them.
// Writes whole vectors: up to kPhiloxExcess words more than asked for.
//
// A block is a 64-bit lane of four vectors, its words their low halves; the
// high halves are left to whatever products put there, since a product looks at
// low halves only.
inline void PhiloxBlocks(uint64_t seed, uint64_t block, size_t blocks,
                         uint32_t* HWY_RESTRICT words) {
  const DU du;
  const hn::RepartitionToWide<DU> dw;
  using VW = hn::Vec<decltype(dw)>;
  const auto multiply = [&](VW x, uint32_t multiplier) HWY_ATTR {
    return hn::MulEven(hn::BitCast(du, x), hn::Set(du, multiplier));
  };
  for (size_t i = 0; i < blocks; i += hn::Lanes(dw)) {
    VW c0 = hn::Add(hn::Set(dw, block + i), hn::Iota(dw, 0));
    VW c1 = hn::ShiftRight<32>(c0);
    VW c2 = hn::Zero(dw), c3 = c2;
    auto key0 = static_cast<uint32_t>(seed);
    auto key1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < internal::kPhiloxRounds; ++round) {
      const VW a = multiply(c0, internal::kPhiloxMultipliers[0]);
      const VW b = multiply(c2, internal::kPhiloxMultipliers[1]);
      c0 = hn::Xor3(hn::ShiftRight<32>(b), c1, hn::Set(dw, uint64_t{key0}));
      c1 = b;
      c2 = hn::Xor3(hn::ShiftRight<32>(a), c3, hn::Set(dw, uint64_t{key1}));
      c3 = a;
      key0 += internal::kPhiloxWeyl[0];
      key1 += internal::kPhiloxWeyl[1];
    }
    const VW low = hn::Set(dw, uint64_t{0xFFFFFFFFu});
    hn::StoreInterleaved2(hn::OrAnd(hn::ShiftLeft<32>(c1), c0, low),
                          hn::OrAnd(hn::ShiftLeft<32>(c3), c2, low), dw,
                          reinterpret_cast<uint64_t*>(words + 4 * i));
  }
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_PHILOX_INL_H_
