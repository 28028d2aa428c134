// SPDX-License-Identifier: Apache-2.0
// Every operation of kernels/ops-inl.h and kernels/decode-inl.h on every
// target, against its scalar definition.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/ops_test.cc"
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/decode-inl.h"
#include "kernels/floor32_ops-inl.h"
#include "kernels/ops-inl.h"
#include "kernels/wide-inl.h"

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

bool RunSelectBytes(const int32_t* bytes, const int32_t* index, size_t count,
                    int32_t* selected) {
#if HWY_TARGET == HWY_AVX3_DL
  for (size_t i = 0; i < count; i += hn::Lanes(DI())) {
    hn::StoreU(
        SelectBytes(hn::LoadU(DI(), bytes + i), hn::LoadU(DI(), index + i)),
        DI(), selected + i);
  }
  return true;
#else
  (void)bytes, (void)index, (void)count, (void)selected;
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

bool RunDotSmallBytes(const int32_t* a, const int32_t* b, size_t count,
                      int32_t* acc) {
#if ZEROULP_TARGET_HAS_BYTE_DOT
  for (size_t i = 0; i < count; i += hn::Lanes(DI())) {
    hn::StoreU(DotSmallBytes(hn::LoadU(DI(), acc + i), hn::LoadU(DI(), a + i),
                             hn::LoadU(DI(), b + i)),
               DI(), acc + i);
  }
  return true;
#else
  (void)a, (void)b, (void)count, (void)acc;
  return false;
#endif
}

bool RunMulAddTowardZero(const float* a, const float* b, size_t count,
                         float* acc) {
#if ZEROULP_TARGET_HAS_512
  for (size_t i = 0; i < count; i += hn::Lanes(DF())) {
    hn::StoreU(MulAddTowardZero(hn::LoadU(DF(), acc + i),
                                hn::LoadU(DF(), a + i), hn::LoadU(DF(), b + i)),
               DF(), acc + i);
  }
  return true;
#else
  (void)a, (void)b, (void)count, (void)acc;
  return false;
#endif
}

bool RunLargerMagnitude(const float* a, const float* b, size_t count,
                        float* out) {
#if ZEROULP_TARGET_HAS_512
  for (size_t i = 0; i < count; i += hn::Lanes(DF())) {
    hn::StoreU(LargerMagnitude(hn::LoadU(DF(), a + i), hn::LoadU(DF(), b + i)),
               DF(), out + i);
  }
  return true;
#else
  (void)a, (void)b, (void)count, (void)out;
  return false;
#endif
}

bool RunSmallerMagnitude(const float* a, const float* b, size_t count,
                         float* out) {
#if ZEROULP_TARGET_HAS_512
  for (size_t i = 0; i < count; i += hn::Lanes(DF())) {
    hn::StoreU(SmallerMagnitude(hn::LoadU(DF(), a + i), hn::LoadU(DF(), b + i)),
               DF(), out + i);
  }
  return true;
#else
  (void)a, (void)b, (void)count, (void)out;
  return false;
#endif
}

bool RunSignIntoHighHalf(const int32_t* a, const int32_t* b, size_t count,
                         int32_t* out) {
#if ZEROULP_TARGET_HAS_512
  for (size_t i = 0; i < count; i += hn::Lanes(DI())) {
    hn::StoreU(SignIntoHighHalf(hn::LoadU(DI(), a + i), hn::LoadU(DI(), b + i)),
               DI(), out + i);
  }
  return true;
#else
  (void)a, (void)b, (void)count, (void)out;
  return false;
#endif
}

void RunToBinary32TowardZero(const double* from, size_t count, float* to) {
  for (size_t i = 0; i < count; i += hn::Lanes(DD())) {
    hn::StoreU(ToBinary32TowardZero(hn::LoadU(DD(), from + i)), DFHalf(),
               to + i);
  }
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
HWY_EXPORT(RunSelectBytes);
HWY_EXPORT(RunDotU8S8);
HWY_EXPORT(RunDotSmallBytes);
HWY_EXPORT(RunMulAddTowardZero);
HWY_EXPORT(RunLargerMagnitude);
HWY_EXPORT(RunSmallerMagnitude);
HWY_EXPORT(RunSignIntoHighHalf);
HWY_EXPORT(RunToBinary32TowardZero);

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

TEST(Ops, MulAddTowardZeroIsOneRoundingInAnyMode) {
  std::mt19937 random(6);
  std::vector<float> a(kCount), b(kCount), c(kCount), expected(kCount);
  std::fesetround(FE_TOWARDZERO);
  for (size_t i = 0; i < kCount; ++i) {
    // Down to products that no binary32 holds.
    const float scale = i % 3 == 0 ? 0x1p-100f : 1.0f;
    a[i] = scale * Decode(Format::kE4M3FN, static_cast<uint32_t>(random()));
    b[i] = scale * Decode(Format::kE5M2, static_cast<uint32_t>(random()));
    c[i] = testing::DrawWord(testing::DrawC::kOrdinary, random);
    expected[i] = std::fma(a[i], b[i], c[i]);
  }
  std::fesetround(FE_TONEAREST);
  bool ran = false;
  testing::ForEachTarget([&](const char* target) {
    for (const int mode : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD}) {
      std::vector<float> acc = c;
      std::fesetround(mode);
      const bool has = HWY_DYNAMIC_DISPATCH(RunMulAddTowardZero)(
          a.data(), b.data(), kCount, acc.data());
      std::fesetround(FE_TONEAREST);
      ran = ran || has;
      for (size_t i = 0; has && i < kCount; ++i) {
        ASSERT_EQ(Canonical(acc[i]), Canonical(expected[i])) << target;
      }
    }
  });
  if (!ran) GTEST_SKIP() << "no target with 512-bit vectors";
}

// Pairs of finite numbers, infinities and zeros; some of equal magnitude.
void DrawMagnitudes(std::vector<float>& a, std::vector<float>& b) {
  std::mt19937 random(7);
  const auto draw = [&random] {
    const uint32_t exponent = static_cast<uint32_t>(random()) % 256;
    const bool whole = exponent == 0 || exponent == 255;
    const uint32_t fraction =
        whole ? 0 : static_cast<uint32_t>(random()) & 0x7FFFFFu;
    return std::bit_cast<float>(static_cast<uint32_t>(random()) << 31 |
                                exponent << 23 | fraction);
  };
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = draw();
    b[i] = i % 8 == 0 ? -a[i] : draw();
  }
}

TEST(Ops, LargerMagnitudeHasNoSign) {
  std::vector<float> a(kCount), b(kCount), out(kCount);
  DrawMagnitudes(a, b);
  bool ran = false;
  testing::ForEachTarget([&](const char* target) {
    if (!HWY_DYNAMIC_DISPATCH(RunLargerMagnitude)(a.data(), b.data(), kCount,
                                                  out.data())) {
      return;
    }
    ran = true;
    for (size_t i = 0; i < kCount; ++i) {
      ASSERT_EQ(Word(out[i]), Word(std::max(std::fabs(a[i]), std::fabs(b[i]))))
          << target << " " << a[i] << " " << b[i];
    }
  });
  if (!ran) GTEST_SKIP() << "no target with 512-bit vectors";
}

TEST(Ops, SmallerMagnitudeHasTheSignOfTheFirst) {
  std::vector<float> a(kCount), b(kCount), out(kCount);
  DrawMagnitudes(a, b);
  bool ran = false;
  testing::ForEachTarget([&](const char* target) {
    if (!HWY_DYNAMIC_DISPATCH(RunSmallerMagnitude)(a.data(), b.data(), kCount,
                                                   out.data())) {
      return;
    }
    ran = true;
    for (size_t i = 0; i < kCount; ++i) {
      const float smaller = std::min(std::fabs(a[i]), std::fabs(b[i]));
      ASSERT_EQ(Word(out[i]), Word(std::copysign(smaller, a[i])))
          << target << " " << a[i] << " " << b[i];
    }
  });
  if (!ran) GTEST_SKIP() << "no target with 512-bit vectors";
}

TEST(Ops, SignIntoHighHalf) {
  std::mt19937 random(8);
  std::vector<int32_t> a(kCount), b(kCount), out(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    a[i] = static_cast<int32_t>(random());
    b[i] = static_cast<int32_t>(random());
  }
  bool ran = false;
  testing::ForEachTarget([&](const char* target) {
    if (!HWY_DYNAMIC_DISPATCH(RunSignIntoHighHalf)(a.data(), b.data(), kCount,
                                                   out.data())) {
      return;
    }
    ran = true;
    for (size_t i = 0; i < kCount; ++i) {
      ASSERT_EQ(out[i], (a[i] & 0xFFFF) | (b[i] < 0 ? 0x10000 : 0)) << target;
    }
  });
  if (!ran) GTEST_SKIP() << "no target with 512-bit vectors";
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

using DotOp = bool (*)(const int32_t*, const int32_t*, size_t, int32_t*);

// `run` on every target, for bytes of A below `a_end` and of B within
// +-`b_max`, against four integer products; whether any target ran.
bool ExpectFourProducts(int a_end, int b_max, DotOp (*run)()) {
  std::mt19937 random(5);
  std::vector<int32_t> a(kCount), b(kCount), c(kCount);
  const auto bytes = [&random](const auto& draw) {
    uint32_t word = 0;
    for (int i = 0; i < 4; ++i) {
      word = (word << 8) | (static_cast<uint32_t>(draw()) & 0xFFu);
    }
    return static_cast<int32_t>(word);
  };
  const auto draw_a = [&] { return static_cast<int>(random() % 256) % a_end; };
  const auto draw_b = [&] {
    return static_cast<int>(random() % 1024) % (2 * b_max + 1) - b_max;
  };
  for (size_t i = 0; i < kCount; ++i) {
    a[i] = bytes(draw_a);
    b[i] = bytes(draw_b);
    c[i] = static_cast<int32_t>(random());
  }
  bool ran = false;
  testing::ForEachTarget([&](const char* target) {
    std::vector<int32_t> acc = c;
    if (!run()(a.data(), b.data(), kCount, acc.data())) return;
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
  return ran;
}

TEST(Ops, SelectBytesTakesTheLowSixBits) {
  std::mt19937 random(9);
  std::vector<int32_t> bytes(256), index(256), selected(256);
  for (int32_t& word : bytes) word = static_cast<int32_t>(random());
  for (int32_t& word : index) word = static_cast<int32_t>(random());
  const auto byte_of = [](const std::vector<int32_t>& words, size_t i) {
    return static_cast<uint8_t>(words[i / 4] >> (i % 4 * 8));
  };
  bool ran = false;
  testing::ForEachTarget([&](const char* target) {
    if (!HWY_DYNAMIC_DISPATCH(RunSelectBytes)(bytes.data(), index.data(), 256,
                                              selected.data())) {
      return;
    }
    ran = true;
    for (size_t i = 0; i < 4 * 256; ++i) {
      const size_t from = i / 64 * 64 + byte_of(index, i) % 64;
      ASSERT_EQ(byte_of(selected, i), byte_of(bytes, from)) << target;
    }
  });
  if (!ran) GTEST_SKIP() << "no target with 512-bit VBMI";
}

TEST(Ops, DotU8S8IsFourIntegerProducts) {
  const auto run = [] { return HWY_DYNAMIC_DISPATCH(RunDotU8S8); };
  if (!ExpectFourProducts(256, 127, run)) {
    GTEST_SKIP() << "no target with 512-bit VNNI";
  }
}

TEST(Ops, DotSmallBytesIsFourIntegerProducts) {
  // 2 * 128 * 127 is the largest sum of two that int16 holds.
  const auto run = [] { return HWY_DYNAMIC_DISPATCH(RunDotSmallBytes); };
  if (!ExpectFourProducts(129, 127, run)) {
    GTEST_SKIP() << "no target with a dot of bytes";
  }
}

TEST(Ops, ToBinary32TowardZeroDropsWhatDoesNotFit) {
  std::mt19937_64 random(6);
  std::vector<double> from(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    const uint64_t exponent = 1023 - 126 + random() % 254;
    const uint64_t fraction = random() >> 12;
    // Ties and neighbours of binary32 numbers too.
    const uint64_t end = i % 3 == 0 ? uint64_t{1} << 28 : random() % 3;
    const uint64_t bits =
        i % 2 == 0 ? fraction : (fraction & ~uint64_t{0x1FFFFFFF}) | end;
    from[i] =
        std::bit_cast<double>((random() >> 63 << 63) | (exponent << 52) | bits);
  }
  from[0] = 0.0;
  from[1] = -0.0;
  testing::ForEachTarget([&](const char* target) {
    std::vector<float> to(kCount);
    HWY_DYNAMIC_DISPATCH(RunToBinary32TowardZero)
    (from.data(), kCount, to.data());
    for (size_t i = 0; i < kCount; ++i) {
      const auto nearest = static_cast<float>(from[i]);
      const bool away = std::abs(double{nearest}) > std::abs(from[i]);
      ASSERT_EQ(Word(to[i]), Word(nearest) - (away ? 1 : 0))
          << from[i] << " on " << target;
    }
  });
}

}  // namespace
}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
