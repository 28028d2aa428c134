// SPDX-License-Identifier: Apache-2.0
// Every operation of kernels/ops-inl.h and kernels/decode-inl.h on every
// target, against its scalar definition.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/ops_test.cc"
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/decode-inl.h"
#include "kernels/ops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// Each takes whole vectors; `count` is a multiple of 16.
void RunDecode(const FormatInfo& f, const int32_t* codes, size_t count,
               float* values) {
  const Decoder decode(f);
  for (size_t i = 0; i < count; i += hn::Lanes(DF())) {
    hn::StoreU(decode(hn::LoadU(DI(), codes + i)), DF(), values + i);
  }
}

void RunMulAdd(const float* a, const float* b, size_t count, float* acc) {
  for (size_t i = 0; i < count; i += hn::Lanes(DF())) {
    hn::StoreU(
        MulAddExactProduct(hn::LoadU(DF(), acc + i), hn::LoadU(DF(), a + i),
                           hn::LoadU(DF(), b + i)),
        DF(), acc + i);
  }
}

bool RunDotBf16(const float* a, const float* b, size_t count, float* acc) {
#if ZEROULP_TARGET_HAS_512
  for (size_t i = 0; i < count; i += hn::Lanes(DF())) {
    hn::StoreU(DotBf16HighLow(hn::LoadU(DF(), acc + i), hn::LoadU(DF(), a + i),
                              hn::LoadU(DF(), b + i)),
               DF(), acc + i);
  }
  return true;
#else
  (void)a, (void)b, (void)count, (void)acc;
  return false;
#endif
}

bool RunDotU8S8(const int32_t* a, const int32_t* b, size_t count,
                int32_t* acc) {
#if HWY_TARGET == HWY_AVX3_DL
  for (size_t i = 0; i < count; i += hn::Lanes(DI())) {
    hn::StoreU(DotU8S8(hn::LoadU(DI(), acc + i), hn::LoadU(DI(), a + i),
                       hn::LoadU(DI(), b + i)),
               DI(), acc + i);
  }
  return true;
#else
  (void)a, (void)b, (void)count, (void)acc;
  return false;
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu.h"
#include "tests/cases.h"
#include "zeroulp/codec.h"

namespace zeroulp::kernels {
HWY_EXPORT(RunDecode);
HWY_EXPORT(RunMulAdd);
HWY_EXPORT(RunDotBf16);
HWY_EXPORT(RunDotU8S8);

namespace {

constexpr size_t kCount = 1 << 14;

uint32_t Word(float x) { return std::bit_cast<uint32_t>(x); }

// NaN payloads are not promised.
uint32_t Canonical(float x) { return std::isnan(x) ? 0x7FC00000u : Word(x); }

TEST(Ops, DecodeEqualsTheCodecForEveryCodeOfEveryNarrowFormat) {
  testing::ForEachTarget([](const char* target) {
    for (const Format format : testing::NarrowFormats()) {
      // All bytes: bits above a 4- or 6-bit code are ignored; the rest of the
      // lane is other codes.
      std::vector<int32_t> codes(256);
      for (size_t i = 0; i < codes.size(); ++i) {
        codes[i] = static_cast<int32_t>(i * 0x01010101u);
      }
      std::vector<float> values(codes.size());
      HWY_DYNAMIC_DISPATCH(RunDecode)
      (Info(format), codes.data(), codes.size(), values.data());
      for (size_t i = 0; i < codes.size(); ++i) {
        ASSERT_EQ(Canonical(values[i]),
                  Canonical(Decode(format, static_cast<uint32_t>(i))))
            << Info(format).name << " code " << i << " on " << target;
      }
    }
  });
}

TEST(Ops, MulAddIsOneRoundingWhereProductsAreExact) {
  std::mt19937 random(3);
  std::vector<float> a(kCount), b(kCount), c(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    a[i] = Decode(Format::kE4M3FN, static_cast<uint32_t>(random()));
    b[i] = Decode(Format::kE5M2, static_cast<uint32_t>(random()));
    c[i] = testing::DrawWord(
        i % 2 == 0 ? testing::DrawC::kOrdinary : testing::DrawC::kSpecial,
        random);
  }
  testing::ForEachTarget([&](const char* target) {
    std::vector<float> acc = c;
    HWY_DYNAMIC_DISPATCH(RunMulAdd)(a.data(), b.data(), kCount, acc.data());
    for (size_t i = 0; i < kCount; ++i) {
      ASSERT_EQ(Canonical(acc[i]), Canonical(std::fma(a[i], b[i], c[i])))
          << target;
    }
  });
}

TEST(Ops, Bf16DotIsTwoFusedMultiplyAddsHighHalfFirst) {
  if (!HaveBf16Dot()) GTEST_SKIP() << "this CPU has no AVX512_BF16";
  std::mt19937 random(4);
  std::vector<float> a(kCount), b(kCount), c(kCount);
  const auto pair = [&random](Format f) {
    const auto half = [&] {
      return Word(Decode(f, static_cast<uint32_t>(random())));
    };
    const uint32_t high = half();
    return std::bit_cast<float>(high | (half() >> 16));
  };
  for (size_t i = 0; i < kCount; ++i) {
    a[i] = pair(Format::kE4M3FN);
    b[i] = pair(Format::kE5M2);
    c[i] = testing::DrawWord(
        i % 2 == 0 ? testing::DrawC::kOrdinary : testing::DrawC::kMinusZero,
        random);
  }
  const auto high = [](float x) {
    return std::bit_cast<float>(Word(x) & 0xFFFF0000u);
  };
  const auto low = [](float x) { return std::bit_cast<float>(Word(x) << 16); };
  bool ran = false;
  testing::ForEachTarget([&](const char* target) {
    std::vector<float> acc = c;
    if (!HWY_DYNAMIC_DISPATCH(RunDotBf16)(a.data(), b.data(), kCount,
                                          acc.data())) {
      return;
    }
    ran = true;
    for (size_t i = 0; i < kCount; ++i) {
      const float first = std::fma(high(a[i]), high(b[i]), c[i]);
      ASSERT_EQ(Canonical(acc[i]),
                Canonical(std::fma(low(a[i]), low(b[i]), first)))
          << target;
    }
  });
  EXPECT_TRUE(ran);
}

TEST(Ops, DotU8S8IsFourIntegerProducts) {
  std::mt19937 random(5);
  std::vector<int32_t> a(kCount), b(kCount), c(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    a[i] = static_cast<int32_t>(random());
    b[i] = static_cast<int32_t>(random());
    c[i] = static_cast<int32_t>(random());
  }
  bool ran = false;
  testing::ForEachTarget([&](const char* target) {
    std::vector<int32_t> acc = c;
    if (!HWY_DYNAMIC_DISPATCH(RunDotU8S8)(a.data(), b.data(), kCount,
                                          acc.data())) {
      return;
    }
    ran = true;
    for (size_t i = 0; i < kCount; ++i) {
      uint32_t sum = static_cast<uint32_t>(c[i]);
      for (int j = 0; j < 4; ++j) {
        const int x = static_cast<uint8_t>(a[i] >> (8 * j));
        const int y = static_cast<int8_t>(b[i] >> (8 * j));
        sum += static_cast<uint32_t>(x * y);
      }
      ASSERT_EQ(static_cast<uint32_t>(acc[i]), sum) << target;
    }
  });
  if (!ran) GTEST_SKIP() << "no target with 512-bit VNNI";
}

}  // namespace
}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
