// SPDX-License-Identifier: Apache-2.0
// Mirrors include/zeroulp/random.h and kernels/philox-inl.h.
#include "kernels/targets.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/philox_test.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/philox-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

void RunPhilox(uint64_t seed, uint64_t block, size_t blocks, uint32_t* words) {
  PhiloxBlocks(seed, block, blocks, words);
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "tests/cases.h"
#include "zeroulp/random.h"

namespace zeroulp::kernels {
HWY_EXPORT(RunPhilox);

namespace {

using Words = std::array<uint32_t, 4>;

TEST(Philox, KnownAnswers) {
  // Random123 1.14, tests/kat_vectors, "philox4x32 10".
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                       {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, WordsOfASeedAreNumberedThroughTheBlocks) {
  constexpr uint64_t kSeed = 0x0123456789ABCDEFu;
  for (const uint64_t block : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32}) {
    const Words words = Philox4x32({static_cast<uint32_t>(block),
                                    static_cast<uint32_t>(block >> 32), 0, 0},
                                   {0x89ABCDEFu, 0x01234567u});
    for (uint64_t i = 0; i < 4; ++i) {
      EXPECT_EQ(RandomWord(kSeed, 4 * block + i), words[i]);
    }
  }
}

TEST(Philox, EveryTargetEqualsTheDefinition) {
  testing::ForEachTarget([](const char* target) {
    // Across the carry out of the low counter word, at every place of a vector.
    for (uint64_t block = (uint64_t{1} << 32) - 20;
         block < (uint64_t{1} << 32) + 2; ++block) {
      for (const size_t blocks : {size_t{1}, size_t{5}, size_t{40}}) {
        constexpr uint64_t kSeed = 0xFEDCBA9876543210u;
        std::vector<uint32_t> words(4 * (blocks + 16));
        HWY_DYNAMIC_DISPATCH(RunPhilox)(kSeed, block, blocks, words.data());
        for (size_t i = 0; i < 4 * blocks; ++i) {
          ASSERT_EQ(words[i], RandomWord(kSeed, 4 * block + i))
              << "word " << i << " on " << target;
        }
      }
    }
  });
}

}  // namespace
}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
