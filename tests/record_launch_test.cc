// SPDX-License-Identifier: Apache-2.0
// Mirrors tools/record/launch.cc: operand words, metadata and descriptors,
// against layouts worked out by hand from the PTX ISA.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "tests/record_fake_gpu.h"
#include "tools/record/launch.h"

namespace zeroulp::record {
namespace {

using testing::ElementsAre;

// The launch of a case whose first row has these codes of A and B at k.
Launch LaunchOf(const char* name, const std::function<uint32_t(int64_t)>& a,
                const std::function<uint32_t(int64_t)>& b) {
  const Case& c = FindCase(name);
  Bundle bundle = Generate(c, 1);
  for (int64_t k = 0; k < bundle.a.cols; ++k) {
    WriteCode(bundle.a.View(0), 0, k, a(k));
  }
  for (int64_t k = 0; k < bundle.b_t.cols; ++k) {
    WriteCode(bundle.b_t.View(0), 0, k, b(k));
  }
  return MakeLaunch(c, bundle);
}

uint32_t Ascending(int64_t k) { return static_cast<uint32_t>(k); }
uint32_t Zero(int64_t) { return 0; }

std::vector<uint32_t> First(const std::vector<uint32_t>& words, size_t count) {
  return {words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count)};
}

TEST(RecordLaunch, Fp8IsOneByteEach) {
  const Launch launch =
      LaunchOf("hopper.wgmma.e4m3fn.e5m2.f32", Ascending, Zero);
  EXPECT_EQ(launch.a.size(), 256u * 8);
  EXPECT_EQ(launch.b.size(), 256u * 8);
  EXPECT_EQ(launch.c.size(), 256u);
  EXPECT_THAT(First(launch.a, 8),
              ElementsAre(0x03020100, 0x07060504, 0x0B0A0908, 0x0F0E0D0C,
                          0x13121110, 0x17161514, 0x1B1A1918, 0x1F1E1D1C));
}

TEST(RecordLaunch, F16AndTf32AreLittleEndianWords) {
  const auto code = [](int64_t k) { return 0x3C00u + Ascending(k); };
  EXPECT_THAT(First(LaunchOf("hopper.mma.f16.f16.f16", code, Zero).a, 2),
              ElementsAre(0x3C013C00, 0x3C033C02));
  const auto one = [](int64_t k) { return 0x1FC00u + Ascending(k); };
  EXPECT_THAT(First(LaunchOf("hopper.mma.tf32.tf32.f32", Zero, one).b, 2),
              ElementsAre(0x3F800000, 0x3F802000));
}

TEST(RecordLaunch, NarrowFormatsInBytesOfMma) {
  const auto six = [](int64_t k) { return Ascending(k) & 0x3F; };
  const auto four = [](int64_t k) { return Ascending(k) & 0xF; };
  const Launch launch =
      LaunchOf("sm120.mma.f8f6f4.e3m2fn.e2m1fn.f32", six, four);
  EXPECT_THAT(First(launch.a, 2), ElementsAre(0x03020100, 0x07060504));
  // Four bits in the middle of the byte.
  EXPECT_THAT(First(launch.b, 2), ElementsAre(0x0C080400, 0x1C181410));
}

TEST(RecordLaunch, NarrowFormatsPackedBySixteenOfTcgen05) {
  const auto six = [](int64_t) { return 0x2Au; };
  const auto four = [](int64_t k) { return Ascending(k) & 0xF; };
  const Launch launch =
      LaunchOf("blackwell.tcgen05.e3m2fn.e2m1fn.f32", six, four);
  // 101010 over and over for 96 bits, 32 bits of nothing.
  EXPECT_THAT(First(launch.a, 8),
              ElementsAre(0xAAAAAAAA, 0xAAAAAAAA, 0xAAAAAAAA, 0, 0xAAAAAAAA,
                          0xAAAAAAAA, 0xAAAAAAAA, 0));
  EXPECT_THAT(First(launch.b, 8), ElementsAre(0x76543210, 0xFEDCBA98, 0, 0,
                                              0x76543210, 0xFEDCBA98, 0, 0));
}

TEST(RecordLaunch, SixBitsCrossAWord) {
  const auto one = [](int64_t k) { return k == 5 ? 0x3Fu : 0u; };
  EXPECT_THAT(
      First(LaunchOf("blackwell.tcgen05.e2m3fn.e2m3fn.f32", one, Zero).a, 2),
      ElementsAre(0xC0000000, 0x0000000F));
}

TEST(RecordLaunch, Fp4AloneIsTwoAByteLowNibbleFirst) {
  const auto four = [](int64_t k) { return Ascending(k) & 0xF; };
  const Launch launch =
      LaunchOf("blackwell.tcgen05.mx4.e2m1fn.e2m1fn.f32", four, Zero);
  EXPECT_THAT(First(launch.a, 2), ElementsAre(0x76543210, 0xFEDCBA98));
}

TEST(RecordLaunch, MetadataNibblesLowestFirst) {
  const Case& c = FindCase("hopper.wgmma.sp.e4m3fn.e4m3fn.f32");
  Bundle bundle = Generate(c, 1);
  for (size_t i = 0; i < 32; i += 2) {  // positions 0 and 1, then 2 and 3
    bundle.a_index[i] = i < 16 ? 0 : 2;
    bundle.a_index[i + 1] = i < 16 ? 1 : 3;
  }
  const Launch launch = MakeLaunch(c, bundle);
  EXPECT_EQ(launch.b.size(), 256u * 16);
  EXPECT_THAT(First(launch.meta, 2), ElementsAre(0x44444444, 0xEEEEEEEE));
}

TEST(RecordLaunch, MetadataOfTf32NamesHalves) {
  const Case& c = FindCase("hopper.mma.sp.tf32.tf32.f32");
  Bundle bundle = Generate(c, 1);
  for (size_t i = 0; i < 8; ++i) bundle.a_index[i] = i % 2 == 0 ? 0 : 1;
  EXPECT_THAT(First(MakeLaunch(c, bundle).meta, 2),
              ElementsAre(0xE4E4E4E4, 0u));
}

TEST(RecordLaunch, ScalesAreBytesOfAWordForEachStep) {
  const Case& c = FindCase("blackwell.tcgen05.nv4.e2m1fn.e2m1fn.f32.x4");
  Bundle bundle = Generate(c, 1);
  for (int64_t i = 0; i < 16; ++i) {
    WriteCode(bundle.a_scales->View(0), 0, i, Ascending(i) + 1);
    WriteCode(bundle.b_scales->View(0), 0, i, Ascending(i) + 0x41);
  }
  EXPECT_THAT(First(MakeLaunch(c, bundle).scales, 4),
              ElementsAre(0x04030201, 0x44434241, 0x08070605, 0x48474645));
}

TEST(RecordLaunch, InstructionDescriptors) {
  const auto descriptor = [](const char* name) {
    const Case& c = FindCase(name);
    return MakeLaunch(c, Generate(c, 1)).descriptor;
  };
  // M = 128 in bits 24 up as 8, N = 16 in bits 17 up as 2.
  constexpr uint32_t kTile = 8u << 24 | 2u << 17;
  EXPECT_EQ(descriptor("blackwell.tcgen05.f16.f16.f32"), kTile | 1u << 4);
  EXPECT_EQ(descriptor("blackwell.tcgen05.f16.f16.f16"), kTile);
  EXPECT_EQ(descriptor("blackwell.tcgen05.bf16.bf16.f32"),
            kTile | 1u << 4 | 1u << 7 | 1u << 10);
  EXPECT_EQ(descriptor("blackwell.tcgen05.tf32.tf32.f32"),
            kTile | 1u << 4 | 2u << 7 | 2u << 10);
  EXPECT_EQ(descriptor("blackwell.tcgen05.e5m2.e2m1fn.f32"),
            kTile | 1u << 4 | 1u << 7 | 5u << 10);
  EXPECT_EQ(descriptor("blackwell.tcgen05.sp.e4m3fn.e5m2.f32"),
            kTile | 1u << 4 | 1u << 2 | 1u << 10);
  EXPECT_EQ(descriptor("blackwell.tcgen05.mx.e3m2fn.e2m3fn.f32"),
            kTile | 1u << 23 | 4u << 7 | 3u << 10);
  EXPECT_EQ(descriptor("blackwell.tcgen05.nv4.e2m1fn.e2m1fn.f32"),
            kTile | 1u << 7 | 1u << 10);
  EXPECT_EQ(descriptor("blackwell.tcgen05.nv4e8.e2m1fn.e2m1fn.f32"),
            kTile | 1u << 23 | 1u << 7 | 1u << 10);
  EXPECT_EQ(descriptor("hopper.wgmma.f16.f16.f32"), 0u);
}

}  // namespace
}  // namespace zeroulp::record
