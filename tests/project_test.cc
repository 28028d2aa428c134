// SPDX-License-Identifier: Apache-2.0
// Mirrors profiles/project.cc and work.cc. Expected figures are worked by hand
// from the rows; the arithmetic is beside them.
#include "zeroulp/project.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/refusal.h"
#include "zeroulp/chips.h"

namespace zeroulp {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kRelative = 1e-6;  // of hand arithmetic, 7 digits

Measurement Shape(int64_t m, int64_t n, int64_t k, std::string_view format,
                  std::string_view sparsity = "") {
  return {.m = m,
          .n = n,
          .k = k,
          .a_format = format,
          .b_format = format,
          .sparsity = sparsity};
}

// Measured at `share` of a 100 Gflop/s host peak.
Measurement At(double share, Measurement w) {
  w.flops_per_s = share * 100e9;
  w.peak_flops_per_s = 100e9;
  return w;
}

void ExpectClose(double actual, double expected) {
  EXPECT_NEAR(actual / expected, 1, kRelative)
      << actual << " expected " << expected;
}

template <typename Target>
std::string Refusal(const Measurement& w, const Target& target,
                    ErrorCode code) {
  return testing::Refusal(code, [&] { Project(w, target); });
}

// ---------------------------------------------------------------------------
// Worked by hand

TEST(ProjectTest, Trainium3Mxfp8IsComputeBoundOnTheMatrixEngine) {
  const Projection p =
      Project(At(0.85, Shape(4096, 4096, 4096, "mxfp8")), Chip("trainium3"));
  // flops = 2 * 4096^3 = 137438953472
  // A = B = 4096 * (4096 + 4096 / 32) = 17301504; D = 4096 * 4096 * 2
  //   = 33554432; together 68157440
  EXPECT_EQ(p.a_bytes, 17301504);
  EXPECT_EQ(p.b_bytes, 17301504);
  EXPECT_EQ(p.d_bytes, 33554432);
  ExpectClose(p.arithmetic_intensity_flop_per_byte, 2016.4923);
  // TensorE: 2516.6, not 2517. 137438953472 / 2516.6e12 = 54.61295 us;
  // memory: 68157440 / 4.9e12 = 13.90968 us
  EXPECT_EQ(p.peak_label, "MXFP8");
  EXPECT_EQ(p.peak_tflops, 2516.6);
  EXPECT_EQ(p.roofline_bound, Bound::kCompute);
  ExpectClose(p.roofline_time_s, 54.612952e-6);
  ExpectClose(p.roofline_tflops, 2516.6);
  // at 85 %: 54.612952 / 0.85 = 64.25053 us, 2139.11 TFLOPS
  ASSERT_TRUE(p.spec_scaled_tflops.has_value());
  ExpectClose(*p.spec_scaled_tflops, 2139.11);
  ExpectClose(p.time_s, 64.250532e-6);
  ExpectClose(p.tflops, 2139.11);
  ExpectClose(p.pct_of_peak, 85);
  // 1000 W * 64.250532 us
  ASSERT_TRUE(p.energy_j.has_value());
  ExpectClose(*p.energy_j, 0.064250532);
  EXPECT_FALSE(p.usd.has_value());  // no price is published
  EXPECT_THAT(p.assumptions, Contains(HasSubstr("not the brochure's 2517")));
  EXPECT_THAT(p.assumptions, Contains(HasSubstr("1000 W (inferred")));
}

TEST(ProjectTest, OneRowOnH100IsBytesOverBandwidth) {
  const Projection p =
      Project(At(0.5, Shape(1, 4096, 4096, "e4m3fn")), Chip("h100_sxm"));
  // A = 4096, B = 16777216, D = 4096 * 2: 16789504 / 3.35e12 = 5.011792 us
  EXPECT_EQ(p.bound, Bound::kMemory);
  EXPECT_EQ(p.roofline_bound, Bound::kMemory);
  ExpectClose(p.time_s, 16789504 / 3.35e12);
  EXPECT_EQ(p.time_s, p.roofline_time_s);
  // 2 * 4096 * 4096 = 33554432 flop / 5.011792 us = 6.695098 TFLOPS
  ExpectClose(p.tflops, 6.6950980);
  // first price: 3 USD an hour
  ASSERT_TRUE(p.usd.has_value());
  ExpectClose(*p.usd, 3.0 / 3600 * 16789504 / 3.35e12);
}

TEST(ProjectTest, SparseTrainium2CountsKeptValuesAndTags) {
  const Projection p =
      Project(Shape(4096, 4096, 4096, "bf16", "4:16"), Chip("trainium2"));
  // kept = 4096 / 16 * 4 = 1024 a row: 2048 bytes, 1024 * 4 / 8 = 512 of tags
  EXPECT_EQ(p.a_bytes, 4096 * (2048 + 512));
  EXPECT_EQ(p.b_bytes, 4096 * 4096 * 2);
  EXPECT_EQ(p.peak_tflops, 2516.6);
  ExpectClose(p.roofline_time_s, 54.612952e-6);
  EXPECT_FALSE(p.spec_scaled_tflops.has_value());
  EXPECT_FALSE(p.host_efficiency.has_value());
  EXPECT_EQ(p.time_s, p.calibrated_time_s);
}

TEST(ProjectTest, OtherPatternsGainAtMostWhatTheySkip) {
  const auto peak = [](std::string_view pattern) {
    return Project(Shape(4096, 4096, 4096, "bf16", pattern), Chip("trainium2"))
        .peak_tflops;
  };
  EXPECT_DOUBLE_EQ(peak("4:16"), 2516.6);
  EXPECT_DOUBLE_EQ(peak("4:12"), 629.1 * 3);
  EXPECT_DOUBLE_EQ(peak("4:8"), 629.1 * 2);
  EXPECT_DOUBLE_EQ(peak("2:8"), 629.1 * 4);
  EXPECT_DOUBLE_EQ(peak("1:2"), 629.1 * 2);
}

TEST(ProjectTest, SparseH100MetadataIsTwoBitsPerKeptValue) {
  const Projection p =
      Project(Shape(256, 512, 1024, "e4m3fn", "2:4"), Chip("h100_sxm"));
  // 512 kept bytes + 512 * 2 / 8 = 128 of metadata a row
  EXPECT_EQ(p.a_bytes, 256 * (512 + 128));
  EXPECT_EQ(p.peak_tflops, 3957.8);
}

TEST(ProjectTest, IronwoodPodRunsTheGemmOnEveryChip) {
  const Projection p =
      Project(Shape(8192, 8192, 8192, "e4m3fn"), System("ironwood_pod"));
  // 2 * 8192^3 = 1099511627776 flop / 4614e12 = 238.2990 us on each of 9216
  EXPECT_EQ(p.chips, 9216);
  EXPECT_DOUBLE_EQ(p.peak_tflops, 9216 * 4614.0);
  ExpectClose(p.roofline_time_s, 1099511627776 / 4614e12);
  ExpectClose(p.roofline_tflops, 9216 * 4614.0);
  // 10 MW
  ASSERT_TRUE(p.energy_j.has_value());
  ExpectClose(*p.energy_j, 1e7 * p.time_s);
  EXPECT_THAT(p.assumptions, Contains(AllOf(HasSubstr("data parallel"),
                                            HasSubstr("fabric is not used"))));
}

TEST(ProjectTest, ASystemWithoutItsOwnPowerOrPriceMultipliesTheChips) {
  const Measurement w = Shape(4096, 4096, 4096, "bf16");
  const Projection one = Project(w, Chip("b300"));
  const Projection eight = Project(w, System("hgx_b300"));  // 8, no power
  ASSERT_TRUE(one.energy_j && eight.energy_j);
  EXPECT_DOUBLE_EQ(*eight.energy_j, 8 * *one.energy_j);
  const Projection trn2 = Project(w, Chip("trainium2"));
  const Projection ultra = Project(w, System("trn2_ultraserver"));
  ASSERT_TRUE(trn2.usd && ultra.usd);
  EXPECT_DOUBLE_EQ(*ultra.usd, 64 * *trn2.usd);
  EXPECT_DOUBLE_EQ(ultra.roofline_tflops, 64 * trn2.roofline_tflops);
  EXPECT_DOUBLE_EQ(ultra.time_s, trn2.time_s);
}

// NVIDIA's own "speed of light" of its NVFP4 kernels on a B200, those nine that
// are bound by memory: problems/nvidia/*/task.yml of
// gpu-mode/reference-kernels.
TEST(ProjectTest, ReproducesNvidiasMemoryBoundTimesOnB200) {
  struct Row {
    int64_t num_b;  // B matrices; A is split among them or read for all
    int64_t m, n, k;
    double sol_us;
  };
  const double bytes_per_s =
      Chip("b200").memory.bandwidth_gbytes_per_s.value * 1e9;
  for (const Row& row : std::to_array<Row>({{1, 128, 7168, 16384, 8.994},
                                            {1, 128, 4096, 7168, 2.354},
                                            {1, 128, 7168, 2048, 1.333},
                                            {2, 256, 4096, 7168, 4.708},
                                            {2, 256, 3072, 4096, 2.125},
                                            {8, 1024, 4096, 7168, 18.833},
                                            {8, 1024, 7168, 2048, 10.667},
                                            {2, 512, 3072, 4096, 2.406},
                                            {2, 512, 4096, 1536, 1.525}})) {
    const Projection p =
        Project(Shape(row.m, row.n, row.k, "nvfp4"), Chip("b200"));
    const double bytes =
        p.a_bytes + static_cast<double>(row.num_b) * p.b_bytes + p.d_bytes;
    // the tables count 7.68 TB/s, the row says 7.7
    EXPECT_NEAR(bytes / 7.68e12 * 1e6 / row.sol_us, 1, 0.001) << row.sol_us;
    EXPECT_NEAR(bytes / bytes_per_s * 1e6 / row.sol_us, 1, 0.005) << row.sol_us;
    if (row.num_b == 1) {
      EXPECT_EQ(p.roofline_bound, Bound::kMemory);
      EXPECT_NEAR(p.roofline_time_s * 1e6 / row.sol_us, 1, 0.005);
    }
  }
}

// ---------------------------------------------------------------------------
// Which row of a chip

TEST(ProjectTest, OcpFp8EntersTrainium3AsMxfp8) {
  const Projection p =
      Project(Shape(128, 256, 512, "e4m3fn"), Chip("trainium3"));
  EXPECT_EQ(p.peak_tflops, 2516.6);
  EXPECT_EQ(p.a_bytes, 128 * (512 + 16));  // the unit scales are read too
  EXPECT_THAT(p.assumptions, Contains(HasSubstr("stored as mxfp8")));
}

TEST(ProjectTest, BothOperandsMustBeInOneRow) {
  Measurement w = Shape(128, 256, 512, "mxfp8");
  w.b_format = "mxfp4";
  const Projection p = Project(w, Chip("trainium3"));
  EXPECT_EQ(p.peak_label, "MXFP8");
  EXPECT_EQ(p.b_bytes, 256 * (256 + 16));

  w.a_format = "e4m3";  // Trainium's own does not mix with OCP's
  w.b_format = "e4m3fn";
  EXPECT_THAT(Refusal(w, Chip("trainium3"), ErrorCode::kUnsupported),
              AllOf(HasSubstr("trainium3"), HasSubstr("e4m3 x e4m3fn")));
}

TEST(ProjectTest, AliasesMeanTheirCanonicalFormat) {
  EXPECT_EQ(Project(Shape(64, 64, 64, "fp8_e4m3"), Chip("h100_sxm")).a_bytes,
            Project(Shape(64, 64, 64, "e4m3fn"), Chip("h100_sxm")).a_bytes);
}

TEST(ProjectTest, ProjectedChipsSaySo) {
  const Projection p = Project(Shape(64, 64, 64, "mxfp8"), Chip("trainium4"));
  EXPECT_THAT(p.assumptions, Contains(HasSubstr("(projected, ")));
  EXPECT_THAT(p.assumptions, Contains(HasSubstr("projected, not shipping")));
}

// ---------------------------------------------------------------------------
// What holds for every chip and format

TEST(ProjectTest, EveryPublishedPeakProjectsBelowItAndEveryOtherRefuses) {
  const std::vector<std::string_view> formats = {
      "e5m2",     "e4m3fn", "e4m3",        "e3m4",   "e4m3fnuz",
      "e5m2fnuz", "mxfp8",  "mxfp6",       "mxfp4",  "nvfp4",
      "bf16",     "f16",    "tf32",        "f32",    "int8",
      "f64",      "e2m1fn", "e4m3b11fnuz", "e3m2fn", "e2m3fn"};
  int projected = 0;
  for (const ChipInfo& chip : Chips()) {
    for (const std::string_view format : formats) {
      for (const std::string_view pattern :
           {"", "4:16", "2:4", "1:2", "4:8-pairs"}) {
        SCOPED_TRACE(std::string(chip.id) + " " + std::string(format) + " " +
                     std::string(pattern));
        const Measurement w = At(0.7, Shape(512, 1024, 2048, format, pattern));
        try {
          const Projection p = Project(w, chip);
          ++projected;
          EXPECT_LE(p.roofline_tflops, p.peak_tflops * (1 + 1e-12));
          EXPECT_LE(*p.spec_scaled_tflops, p.roofline_tflops * (1 + 1e-12));
          EXPECT_LE(*p.spec_scaled_tflops, 0.7 * p.peak_tflops * (1 + 1e-12));
          EXPECT_EQ(p.tflops, *p.spec_scaled_tflops);
          EXPECT_GE(p.time_s, p.roofline_time_s);
          EXPECT_GT(p.assumptions.size(), 3u);
        } catch (const Error& e) {
          EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
          EXPECT_THAT(e.what(), AllOf(HasSubstr(std::string(chip.id)),
                                      HasSubstr("it has ")));
        }
      }
    }
  }
  EXPECT_GT(projected, 200);
}

TEST(ProjectTest, TimeGrowsWithEveryDimensionAndFallsWithEfficiency) {
  for (const std::string_view id : {"trainium3", "b200", "tpu7x"}) {
    const ChipInfo& chip = Chip(id);
    double last = 0;
    for (int64_t m = 1; m <= 65536; m *= 4) {
      const double t =
          Project(At(0.6, Shape(m, 1024, 1024, "e4m3fn")), chip).time_s;
      EXPECT_GT(t, last) << id << " m " << m;
      last = t;
    }
    last = 0;
    for (int64_t k = 64; k <= 65536; k *= 2) {
      const double t =
          Project(At(0.6, Shape(512, 512, k, "e4m3fn")), chip).time_s;
      EXPECT_GT(t, last) << id << " k " << k;
      last = t;
    }
    last = std::numeric_limits<double>::infinity();
    for (double share = 0.1; share < 1.05; share += 0.1) {
      const double t =
          Project(At(share, Shape(8192, 8192, 8192, "e4m3fn")), chip).time_s;
      EXPECT_LT(t, last) << id << " share " << share;
      last = t;
    }
  }
}

TEST(ProjectTest, DenseNeverUsesTheSparsePeak) {
  const Measurement w = Shape(16384, 16384, 16384, "bf16");
  for (const std::string_view id : {"trainium2", "h100_sxm", "b200"}) {
    Measurement sparse = w;
    sparse.sparsity = id == "trainium2" ? "4:16" : "2:4";
    const Projection d = Project(w, Chip(id));
    const Projection s = Project(sparse, Chip(id));
    EXPECT_LT(1.9 * d.peak_tflops, s.peak_tflops) << id;
    EXPECT_THAT(d.assumptions, Not(Contains(HasSubstr("sparse peak")))) << id;
    EXPECT_THAT(s.assumptions, Contains(HasSubstr("sparse peak"))) << id;
  }
}

TEST(ProjectTest, AMeasurementAboveItsPeakCountsAsThePeak) {
  const Measurement w = Shape(4096, 4096, 4096, "bf16");
  const Projection p = Project(At(1.02, w), Chip("b200"));
  EXPECT_EQ(p.host_efficiency, 1.0);
  EXPECT_EQ(p.time_s, p.roofline_time_s);
  EXPECT_THAT(p.assumptions, Contains(HasSubstr("more was measured")));
}

// ---------------------------------------------------------------------------
// Refusals

TEST(ProjectTest, AChipWithoutTheFormatNamesWhatItHas) {
  EXPECT_THAT(
      Refusal(Shape(64, 64, 64, "nvfp4"), Chip("h100_sxm"),
              ErrorCode::kUnsupported),
      ::testing::StrEq("Project: h100_sxm does not multiply nvfp4 x nvfp4; it "
                       "has f64; f32; tf32; bf16; f16; e4m3fn e5m2; int8"));
  EXPECT_THAT(Refusal(Shape(64, 64, 64, "e4m3fn"), Chip("trainium2"),
                      ErrorCode::kUnsupported),
              AllOf(HasSubstr("trainium2"), HasSubstr("e4m3fn x e4m3fn"),
                    HasSubstr("e4m3 e5m2; e3m4; bf16")));
  EXPECT_THAT(Refusal(Shape(64, 64, 64, "int8"), System("trn1_32xlarge"),
                      ErrorCode::kUnsupported),
              HasSubstr("trainium1 does not multiply int8"));
}

TEST(ProjectTest, AFormatWithoutAPublishedRateRefuses) {
  EXPECT_THAT(Refusal(Shape(64, 64, 64, "mxfp4"), Chip("gb300"),
                      ErrorCode::kUnsupported),
              AllOf(HasSubstr("gb300 takes mxfp4"), HasSubstr("no dense rate"),
                    HasSubstr("nvfp4")));
  EXPECT_THAT(Refusal(Shape(64, 64, 64, "int8"), Chip("tpu7x"),
                      ErrorCode::kUnsupported),
              HasSubstr("tpu7x"));
}

TEST(ProjectTest, AChipWithoutThePatternNamesWhatItHas) {
  EXPECT_THAT(Refusal(Shape(64, 64, 64, "mxfp8", "4:16"), Chip("trainium3"),
                      ErrorCode::kUnsupported),
              AllOf(HasSubstr("trainium3 has no 4:16 sparsity for MXFP8"),
                    HasSubstr("4:16 4:12 4:8 2:8 2:4 1:4 1:2 for BF16")));
  EXPECT_THAT(
      Refusal(Shape(64, 64, 64, "e4m3fn", "4:16"), Chip("b200"),
              ErrorCode::kUnsupported),
      AllOf(HasSubstr("b200 has no 4:16 sparsity for FP8"),
            HasSubstr("2:4 for FP8"), HasSubstr("4:8-pairs for NVFP4")));
  EXPECT_THAT(Refusal(Shape(64, 64, 64, "bf16", "2:4"), Chip("tpu7x"),
                      ErrorCode::kUnsupported),
              HasSubstr("it has none"));
  for (const std::string_view bad : {"16:4", "2", ":", "2:4 1:2", "dense"}) {
    EXPECT_THAT(Refusal(Shape(64, 64, 64, "bf16", bad), Chip("b200"),
                        ErrorCode::kUnsupported),
                HasSubstr(std::string(bad)));
  }
}

TEST(ProjectTest, UnknownFormatsListTheKnown) {
  for (const std::string_view bad : {"", "fp9", "e4m3fn e5m2"}) {
    EXPECT_THAT(
        Refusal(Shape(64, 64, 64, bad), Chip("b200"), ErrorCode::kUnknownName),
        AllOf(HasSubstr(fmt::format("'{}'", bad)), HasSubstr("e4m3fn"),
              HasSubstr("nvfp4")));
  }
  Measurement w = Shape(64, 64, 64, "bf16");
  w.d_format = "f33";
  EXPECT_THAT(Refusal(w, Chip("b200"), ErrorCode::kUnknownName),
              HasSubstr("'f33'"));
}

TEST(ProjectTest, ZeroNegativeAndAbsurdShapesRefuse) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  const ChipInfo& chip = Chip("b200");
  for (const int64_t bad : {int64_t{0}, int64_t{-1}, kMin}) {
    for (const Measurement& w :
         {Shape(bad, 2, 2, "bf16"), Shape(2, bad, 2, "bf16"),
          Shape(2, 2, bad, "bf16")}) {
      EXPECT_THAT(Refusal(w, chip, ErrorCode::kShape),
                  HasSubstr(std::to_string(bad)));
    }
  }
  for (const Measurement& w :
       {Shape(kMax, kMax, kMax, "bf16"), Shape(kMax, 1, 1, "bf16"),
        Shape(1, 1, kMax, "bf16"), Shape(1 << 21, 1 << 21, 1 << 20, "bf16")}) {
    EXPECT_THAT(Refusal(w, chip, ErrorCode::kOverflow), HasSubstr("63 bits"));
  }
  // the largest that fits: 2 * 2^61 * 1 * 1
  EXPECT_GT(Project(Shape(int64_t{1} << 61, 1, 1, "bf16"), chip).time_s, 0);
}

TEST(ProjectTest, RatesMustBePositiveAndFiniteOrBothAbsent) {
  const auto refuse = [](double flops, double peak) {
    Measurement w = Shape(64, 64, 64, "bf16");
    w.flops_per_s = flops;
    w.peak_flops_per_s = peak;
    Refusal(w, Chip("b200"), ErrorCode::kArgument);
  };
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInf = std::numeric_limits<double>::infinity();
  refuse(0, 1);
  refuse(1, 0);
  refuse(-1, 1);
  refuse(1, -1);
  refuse(kNan, 1);
  refuse(1, kNan);
  refuse(kInf, kInf);
}

}  // namespace
}  // namespace zeroulp
