// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10: random words as a function of a seed and an index, so that
// they do not depend on who asks for them, in which order or how often.
//
// Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3.
// SC 2011, section 4.3.
#ifndef ZEROULP_RANDOM_H_
#define ZEROULP_RANDOM_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace zeroulp {

namespace internal {
inline constexpr std::array<uint32_t, 2> kPhiloxMultipliers = {0xD2511F53u,
                                                               0xCD9E8D57u};
inline constexpr std::array<uint32_t, 2> kPhiloxWeyl = {0x9E3779B9u,
                                                        0xBB67AE85u};
inline constexpr int kPhiloxRounds = 10;
}  // namespace internal

// Four random words: a bijection of the counter for every key.
constexpr std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter,
                                             std::array<uint32_t, 2> key) {
  for (int round = 0; round < internal::kPhiloxRounds; ++round) {
    const uint64_t a = uint64_t{internal::kPhiloxMultipliers[0]} * counter[0];
    const uint64_t b = uint64_t{internal::kPhiloxMultipliers[1]} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(a)};
    key[0] += internal::kPhiloxWeyl[0];
    key[1] += internal::kPhiloxWeyl[1];
  }
  return counter;
}

// Word `index` of the sequence of `seed`: word index mod 4 of the Philox block
// whose counter is index / 4 and whose key is the seed, low words first.
constexpr uint32_t RandomWord(uint64_t seed, uint64_t index) {
  const uint64_t block = index / 4;
  const std::array<uint32_t, 4> words = Philox4x32(
      {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0, 0},
      {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  return words[static_cast<size_t>(index % 4)];
}

}  // namespace zeroulp

#endif  // ZEROULP_RANDOM_H_
