// SPDX-License-Identifier: Apache-2.0
// kernels/encode-inl.h and kernels/narrow-inl.h on every target, against the
// scalar Encode.
#include "kernels/targets.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <random>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/encode_test.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/encode-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

template <Rounding kRounding>
void RunOne(const FormatInfo& f, Overflow overflow, NanRule nan, int width,
            const float* values, const uint32_t* random, size_t count,
            uint32_t* codes) {
  const Encoder<kRounding> encode(f, overflow, nan, width);
  for (size_t i = 0; i < count; i += hn::Lanes(DF())) {
    const VF value = hn::LoadU(DF(), values + i);
    if constexpr (kRounding == Rounding::kStochastic) {
      hn::StoreU(encode(value, hn::LoadU(DU(), random + i)), DU(), codes + i);
    } else {
      hn::StoreU(encode(value), DU(), codes + i);
    }
  }
}

// `count` is a multiple of 16; `random` holds bits at the top of each word.
void RunEncode(const FormatInfo& f, Rounding rounding, Overflow overflow,
               NanRule nan, int width, const float* values,
               const uint32_t* random, size_t count, uint32_t* codes) {
  const auto run = [&](auto one) {
    one(f, overflow, nan, width, values, random, count, codes);
  };
  switch (rounding) {
    case Rounding::kNearestEven:
      return run(RunOne<Rounding::kNearestEven>);
    case Rounding::kTowardZero:
      return run(RunOne<Rounding::kTowardZero>);
    case Rounding::kNearestAway:
      return run(RunOne<Rounding::kNearestAway>);
    case Rounding::kUp:
      return run(RunOne<Rounding::kUp>);
    case Rounding::kDown:
      return run(RunOne<Rounding::kDown>);
    case Rounding::kAwayFromZero:
      return run(RunOne<Rounding::kAwayFromZero>);
    case Rounding::kOdd:
      return run(RunOne<Rounding::kOdd>);
    case Rounding::kStochastic:
      return run(RunOne<Rounding::kStochastic>);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "tests/cases.h"
#include "tests/convert_cases.h"
#include "zeroulp/codec.h"

namespace zeroulp::kernels {
HWY_EXPORT(RunEncode);

namespace {

void EncodeAll(const FormatInfo& f, Rounding rounding, Overflow overflow,
               NanRule nan, int width, const std::vector<float>& values,
               const std::vector<uint32_t>& random,
               std::vector<uint32_t>& codes) {
  HWY_DYNAMIC_DISPATCH(RunEncode)
  (f, rounding, overflow, nan, width, values.data(), random.data(),
   values.size(), codes.data());
}

TEST(Encode, EqualsTheCodecAroundEveryBoundaryOfEveryFormat) {
  std::mt19937 generator(7);
  for (const FormatInfo& f : kFormats) {
    if (f.bits > 19) continue;
    const std::vector<float> inputs = testing::BoundaryFloats(f);
    std::vector<uint32_t> random(inputs.size()), codes(inputs.size());
    for (uint32_t& word : random) word = static_cast<uint32_t>(generator());
    for (const Rounding rounding : testing::kRoundings) {
      for (const Overflow overflow : testing::kOverflows) {
        const NanRule nan = testing::kNanRules[generator() % 5];
        for (const int width : {1, 8, 13, 16, 32}) {
          if (rounding != Rounding::kStochastic && width != 32) continue;
          testing::ForEachTarget([&](const char* target) {
            EncodeAll(f, rounding, overflow, nan, width, inputs, random, codes);
            for (size_t i = 0; i < inputs.size(); ++i) {
              const RandomBits bits = {random[i] >> (32 - width), width};
              ASSERT_EQ(codes[i],
                        Encode(f, inputs[i], rounding, overflow, bits, nan))
                  << f.name << " of " << inputs[i] << " = 0x" << std::hex
                  << std::bit_cast<uint32_t>(inputs[i]) << " rounding "
                  << static_cast<int>(rounding) << " overflow "
                  << static_cast<int>(overflow) << " nan "
                  << static_cast<int>(nan) << " width " << width << " on "
                  << target;
            }
          });
        }
      }
    }
  }
}

TEST(Encode, CallersFloatingPointEnvironmentChangesNothing) {
  for (const FormatInfo& f : kFormats) {
    if (f.bits > 19) continue;
    const std::vector<float> inputs = testing::BoundaryFloats(f);
    const std::vector<uint32_t> random(inputs.size(), 0x5A5A5A5Au);
    std::vector<uint32_t> expected(inputs.size()), codes(inputs.size());
    for (const Rounding rounding : testing::kRoundings) {
      testing::ForEachTarget([&](const char* target) {
        EncodeAll(f, rounding, Overflow::kIeee, NanRule::kKeepSign, 32, inputs,
                  random, expected);
        testing::ForEachFloatEnvironment([&](const char* environment) {
          EncodeAll(f, rounding, Overflow::kIeee, NanRule::kKeepSign, 32,
                    inputs, random, codes);
          EXPECT_EQ(codes, expected)
              << f.name << " on " << target << " in " << environment;
        });
      });
    }
  }
}

}  // namespace
}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
