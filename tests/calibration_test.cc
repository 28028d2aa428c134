// SPDX-License-Identifier: Apache-2.0
// Mirrors profiles/calibration.h, model.cc and split.cc: what must hold of the
// constants and of every figure they give. How true they are: backtest_test.cc.
#include "profiles/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/refusal.h"
#include "zeroulp/project.h"

namespace zeroulp {
namespace {

using internal::Calibration;
using internal::CalibrationWithout;
using internal::ChipFit;
using internal::FormatFit;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::Refusal;

Measurement Gemm(int64_t m, int64_t n, int64_t k, std::string_view format,
                 std::string_view sparsity = "") {
  return {.m = m,
          .n = n,
          .k = k,
          .a_format = format,
          .b_format = format,
          .sparsity = sparsity};
}

// ---------------------------------------------------------------------------
// The tables

std::vector<const Calibration*> AllCalibrations() {
  std::vector<const Calibration*> all = {&internal::Calibrated()};
  for (const CalibrationWithout& row : internal::Without()) {
    all.push_back(&row.calibration);
  }
  return all;
}

TEST(CalibrationTest, ConstantsArePhysical) {
  for (const Calibration* c : AllCalibrations()) {
    EXPECT_GE(c->shared.wave_rounding, 0);
    EXPECT_LE(c->shared.wave_rounding, 1);
    EXPECT_GE(c->shared.norm, 1);
    EXPECT_GT(c->shared.heat_us, 0);
    EXPECT_GT(c->shared.saturation, 0);
    for (const FormatFit& f : c->formats) {
      SCOPED_TRACE(std::string(f.family));
      EXPECT_GT(f.operand_ratio, 0);
      EXPECT_GE(f.split_us, 0);
      EXPECT_GT(f.quantise_us, 0);
      EXPECT_GT(f.quantise_share, 0);
      EXPECT_LE(f.quantise_share, 1);
    }
    // Shares of a peak: above 1 the peak would be wrong.
    for (const ChipFit& f : c->chips) {
      SCOPED_TRACE(std::string(f.target) + " " + std::string(f.family));
      for (const double share : {f.compute, f.sustained, f.memory}) {
        EXPECT_GT(share, 0);
        EXPECT_LE(share, 1);
      }
      EXPECT_GT(f.launch_us, 0);
    }
  }
}

TEST(CalibrationTest, EveryTargetIsAChipWithRowsOrAnArchitectureOrAll) {
  std::set<std::string_view> chips, architectures;
  for (const ChipInfo& chip : Chips()) {
    chips.insert(chip.id);
    architectures.insert(chip.architecture);
  }
  for (const Calibration* c : AllCalibrations()) {
    std::set<std::tuple<std::string_view, std::string_view, bool>> seen;
    for (const ChipFit& f : c->chips) {
      EXPECT_TRUE(seen.insert({f.target, f.family, f.sparse}).second)
          << f.target << " " << f.family;
      if (f.rows > 0) {
        EXPECT_TRUE(chips.contains(f.target)) << f.target;
        EXPECT_GE(f.rows, 20) << f.target;
      } else {
        EXPECT_TRUE(f.target.empty() || architectures.contains(f.target));
      }
    }
  }
}

TEST(CalibrationTest, EveryFamilyHasConstantsForEveryChip) {
  for (const Calibration* c : AllCalibrations()) {
    for (const ChipInfo& chip : Chips()) {
      for (const std::string_view family :
           {"BF16", "FP8", "FP8 block", "FP4", "INT8"}) {
        for (const bool sparse : {false, true}) {
          const internal::Constants found =
              internal::FindConstants(*c, chip, family, sparse);
          EXPECT_EQ(found.format->family, family);
          EXPECT_EQ(found.chip->sparse, sparse);
        }
      }
    }
  }
}

TEST(CalibrationTest, AChipLeftOutHasNoRowsOfItsOwn) {
  std::set<std::string_view> with_rows;
  for (const ChipFit& f : internal::Calibrated().chips) {
    if (f.rows > 0) with_rows.insert(f.target);
  }
  for (const CalibrationWithout& row : internal::Without()) {
    EXPECT_EQ(with_rows.erase(row.chip), 1u) << row.chip;
    for (const ChipFit& f : row.calibration.chips) {
      EXPECT_EQ(f.rows, 0) << row.chip;
    }
  }
  EXPECT_TRUE(with_rows.empty());
}

// ---------------------------------------------------------------------------
// The model

TEST(ModelTest, NoConstantMakesAChipFasterThanItsRoofline) {
  for (const ChipInfo& chip : Chips()) {
    for (const std::string_view format :
         {"bf16", "e4m3fn", "mxfp8", "nvfp4", "int8", "f32"}) {
      for (const int64_t m : {1, 100, 4096}) {
        try {
          const Projection p = Project(Gemm(m, 3000, 5000, format), chip);
          EXPECT_GT(p.calibrated_time_s, p.roofline_time_s) << chip.id;
          EXPECT_GT(p.engine_occupancy, 0) << chip.id;
          EXPECT_LE(p.engine_occupancy, 1 + 1e-9) << chip.id << " " << m;
          EXPECT_GE(p.calibrated_time_s,
                    std::max(p.compute_s, p.memory_s) + p.launch_s);
        } catch (const Error& e) {
          EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
        }
      }
    }
  }
}

// Small products: twice the tiles keep twice the cores busy, which fill the bus
// better than twice the bytes slow it down. That may be worth a few percent.
TEST(ModelTest, MoreOfEveryDimensionIsNeverFaster) {
  for (const std::string_view id : {"b200", "h100_sxm", "trainium3", "tpu7x"}) {
    const ChipInfo& chip = Chip(id);
    for (int64_t size = 32; size <= 32768; size *= 2) {
      const double base =
          Project(Gemm(size, size, size, "bf16"), chip).calibrated_time_s;
      const double least = size < 512 ? 0.96 * base : base * (1 - 1e-12);
      for (const Measurement& w : {Gemm(2 * size, size, size, "bf16"),
                                   Gemm(size, 2 * size, size, "bf16"),
                                   Gemm(size, size, 2 * size, "bf16")}) {
        EXPECT_GE(Project(w, chip).calibrated_time_s, least)
            << id << " " << w.m << " x " << w.n << " x " << w.k;
      }
    }
  }
}

TEST(ModelTest, TinyAndHugeShapesAreFinite) {
  for (const ChipInfo& chip : Chips()) {
    for (const int64_t size : {int64_t{1}, int64_t{1} << 20}) {
      const std::string_view format = chip.id == "trainium4" ? "mxfp8" : "bf16";
      const Projection p = Project(Gemm(size, size, size, format), chip);
      EXPECT_TRUE(std::isfinite(p.time_s)) << chip.id;
      EXPECT_GT(p.time_s, 0) << chip.id;
      EXPECT_LE(p.pct_of_peak, 100) << chip.id;
    }
  }
}

TEST(ModelTest, ATinyProductIsBoundByItsLaunch) {
  const Projection p = Project(Gemm(1, 64, 64, "bf16"), Chip("h100_sxm"));
  EXPECT_EQ(p.bound, Bound::kLaunch);
  EXPECT_GT(p.launch_s / p.time_s, 0.5);
}

// A 129th column of tiles' width, and an array's 129th row of K, cost like 128
// more would.
TEST(ModelTest, PaddingCosts) {
  const ChipInfo& trn2 = Chip("trainium2");
  const Projection full = Project(Gemm(8192, 4096, 4096, "bf16"), trn2);
  const Projection more = Project(Gemm(8192, 4096, 4097, "bf16"), trn2);
  EXPECT_DOUBLE_EQ(full.engine_occupancy, 1);
  EXPECT_NEAR(more.compute_s / full.compute_s, 33.0 / 32, 1e-9);
  // 100 rows of A hold an array's weights as long as 128 do
  EXPECT_DOUBLE_EQ(Project(Gemm(100, 4096, 4096, "bf16"), trn2).compute_s,
                   Project(Gemm(128, 4096, 4096, "bf16"), trn2).compute_s);
  const ChipInfo& h100 = Chip("h100_sxm");
  EXPECT_LT(Project(Gemm(2049, 2049, 8192, "bf16"), h100).engine_occupancy,
            Project(Gemm(2048, 2048, 8192, "bf16"), h100).engine_occupancy);
}

TEST(ModelTest, ConditionsCostWhatTheyShould) {
  const ChipInfo& chip = Chip("b200");
  const Measurement w = Gemm(8192, 8192, 8192, "e4m3fn");
  const auto time = [&](const Conditions& c) {
    return Project(w, chip, c).calibrated_time_s;
  };
  const double cool = time({.clock = ClockState::kCool});
  const double heating = time({});
  const double hot = time({.clock = ClockState::kHot});
  EXPECT_LT(cool, heating);
  EXPECT_LT(heating, hot);
  const Projection quantised = Project(w, chip, {.quantise_a = true});
  EXPECT_GT(quantised.quantise_s, 0);
  EXPECT_NEAR(quantised.calibrated_time_s, heating + quantised.quantise_s,
              1e-12);
  // Half of a chip takes about twice as long.
  const double half = time({.chip_share = 0.5});
  EXPECT_GT(half / heating, 1.8);
  EXPECT_LT(half / heating, 2.2);
  const Projection blocks = Project(w, chip, {.block_scales = true});
  // 4 bytes a 1x128 of A, and a 128x128 of B
  EXPECT_EQ(blocks.a_bytes, 8192.0 * 8192 + 4 * 8192 * 64);
  EXPECT_EQ(blocks.b_bytes, 8192.0 * 8192 + 4 * 64 * 64);
}

TEST(ModelTest, TheSparseSideIsTheOneThatShrinks) {
  Measurement w = Gemm(64, 1024, 1024, "bf16", "2:4");
  const Projection a = Project(w, Chip("h100_sxm"));
  w.sparse_side = Side::kB;
  const Projection b = Project(w, Chip("h100_sxm"));
  EXPECT_EQ(a.a_bytes, 64 * (1024 + 128));
  EXPECT_EQ(a.b_bytes, 1024 * 2048);
  EXPECT_EQ(b.a_bytes, 64 * 2048);
  EXPECT_EQ(b.b_bytes, 1024 * (1024 + 128));
  EXPECT_THAT(b.assumptions, Contains(HasSubstr("B is stored compressed")));
}

TEST(ModelTest, SaysWhichMeasurementsItRestsOn) {
  const auto on = [](std::string_view id, std::string_view format) {
    return Project(Gemm(512, 512, 512, format), Chip(id));
  };
  EXPECT_EQ(on("b200", "bf16").calibrated, Calibrated::kChip);
  EXPECT_GE(on("b200", "bf16").calibrated_rows, 20);
  EXPECT_THAT(on("b200", "bf16").assumptions,
              Contains(HasSubstr("published times of b200 in BF16")));
  EXPECT_EQ(on("gb300", "bf16").calibrated, Calibrated::kArchitecture);
  EXPECT_THAT(on("gb300", "bf16").assumptions,
              Contains(AllOf(HasSubstr("no published times of gb300"),
                             HasSubstr("Blackwell chips"))));
  EXPECT_EQ(on("trainium3", "bf16").calibrated, Calibrated::kPooled);
  EXPECT_THAT(on("trainium3", "bf16").assumptions,
              Contains(HasSubstr("NVIDIA chips")));
  EXPECT_THAT(on("rubin", "bf16").assumptions,
              Contains(HasSubstr("no tile or wave quantisation")));
}

TEST(ModelTest, BadConditionsRefuse) {
  const Measurement w = Gemm(64, 64, 64, "e4m3fn");
  for (const double bad :
       {0.0, -0.5, 1.5, std::numeric_limits<double>::quiet_NaN(),
        std::numeric_limits<double>::infinity()}) {
    EXPECT_THAT(Refusal(ErrorCode::kArgument,
                        [&] { Project(w, Chip("b200"), {.chip_share = bad}); }),
                HasSubstr("above 0 and at most 1"));
  }
  for (const std::string_view format : {"bf16", "mxfp8", "nvfp4", "int8"}) {
    EXPECT_THAT(Refusal(ErrorCode::kArgument,
                        [&] {
                          Project(Gemm(64, 64, 64, format), Chip("b200"),
                                  {.block_scales = true});
                        }),
                AllOf(HasSubstr("FP8"), HasSubstr(std::string(format))));
  }
}

// ---------------------------------------------------------------------------
// Divided among chips

Projection Divide(const Measurement& w, std::string_view system,
                  const Division& division) {
  const SystemInfo& s = System(system);
  return ProjectSplit(w, s, Chip(s.chip), division);
}

TEST(SplitTest, OnePartIsTheGemmOnOneChip) {
  const Measurement w = Gemm(4096, 4096, 4096, "bf16");
  const Projection one = Divide(w, "hgx_h100", {});
  const Projection chip = Project(w, Chip("h100_sxm"));
  EXPECT_EQ(one.chips, 1);
  EXPECT_EQ(one.time_s, chip.time_s);
  EXPECT_DOUBLE_EQ(one.tflops, chip.tflops);
  EXPECT_EQ(one.fabric_s, 0);
}

TEST(SplitTest, CollectivesByHand) {
  const Measurement w = Gemm(1024, 8192, 4096, "bf16");
  // H100: 900 GB/s in both directions, 450e9 B/s in one; 8 chips, 7 steps of
  // 2 us. A is 1024 x 4096 x 2 = 8388608 bytes.
  const Projection columns = Divide(w, "hgx_h100", {.columns = 8});
  EXPECT_EQ(columns.chips, 8);
  EXPECT_NEAR(columns.fabric_s, 7 * (2e-6 + 8388608.0 / 8 / 450e9), 1e-12);
  EXPECT_NEAR(columns.time_s,
              Project(Gemm(1024, 1024, 4096, "bf16"), Chip("h100_sxm")).time_s +
                  columns.fabric_s,
              1e-12);
  // D is 1024 x 8192 x 2 = 16777216 bytes on each before it is summed.
  const Projection rows = Divide(w, "hgx_h100", {.rows = 8});
  EXPECT_NEAR(rows.fabric_s, 7 * (2e-6 + 16777216.0 / 8 / 450e9), 1e-12);
  // Data needs none. A pipeline sends its D.
  EXPECT_EQ(Divide(w, "hgx_h100", {.data = 8}).fabric_s, 0);
  const Projection stages = Divide(w, "hgx_h100", {.stages = 4});
  EXPECT_NEAR(stages.fabric_s, 2e-6 + 16777216.0 / 450e9, 1e-12);
  EXPECT_DOUBLE_EQ(stages.tflops,
                   4 * 2.0 * 1024 * 8192 * 4096 / stages.time_s / 1e12);
  EXPECT_THAT(rows.assumptions,
              Contains(AllOf(HasSubstr("us a step (assumed)"))));
}

TEST(SplitTest, PowerAndPriceAreOfTheChipsInUse) {
  const Measurement w = Gemm(8192, 8192, 8192, "bf16");
  const Projection half = Divide(w, "hgx_h100", {.data = 4});
  ASSERT_TRUE(half.energy_j && half.usd);
  EXPECT_NEAR(*half.energy_j / half.time_s, 10200.0 / 2, 1e-6);
  EXPECT_NEAR(*half.usd / half.time_s * 3600, 39.33 / 2, 1e-9);
}

TEST(SplitTest, MoreChipsPayAndThenTheFabricBinds) {
  const Measurement w = Gemm(16, 16384, 16384, "e4m3fn");
  const double one = Divide(w, "gb200_nvl72", {}).time_s;
  const double eight = Divide(w, "gb200_nvl72", {.columns = 8}).time_s;
  EXPECT_LT(eight, one);
  const Projection all = Divide(w, "gb200_nvl72", {.columns = 64});
  EXPECT_EQ(all.bound, Bound::kFabric);
  EXPECT_GT(all.time_s, eight);
}

TEST(SplitTest, BeyondTheLinkIsTheNetwork) {
  // trn3_ultraserver's links join 144 chips; trn2's 64 of a million.
  const Measurement w = Gemm(4096, 8192, 4096, "bf16");
  EXPECT_THAT(Refusal(ErrorCode::kUnsupported,
                      [&] { Divide(w, "project_rainier", {.columns = 128}); }),
              AllOf(HasSubstr("128 chips"), HasSubstr("project_rainier")));
  EXPECT_GT(Divide(w, "project_rainier", {.columns = 64}).fabric_s, 0);
}

TEST(SplitTest, BadDivisionsRefuse) {
  const Measurement w = Gemm(64, 64, 64, "bf16");
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const auto refuse = [&](const Division& d) {
    return Refusal(ErrorCode::kArgument, [&] { Divide(w, "hgx_h100", d); });
  };
  EXPECT_THAT(refuse({.data = 0}), HasSubstr("data is 0"));
  EXPECT_THAT(refuse({.columns = -3}), HasSubstr("columns is -3"));
  EXPECT_THAT(refuse({.rows = 9}), HasSubstr("more chips than the 8"));
  EXPECT_THAT(refuse({.data = 3, .columns = 3}), HasSubstr("more chips"));
  EXPECT_THAT(refuse({.data = kMost, .columns = kMost}),
              HasSubstr("more chips"));
  Measurement thin = Gemm(2, 64, 64, "bf16");
  EXPECT_THAT(Refusal(ErrorCode::kArgument,
                      [&] { Divide(thin, "hgx_h100", {.data = 4}); }),
              HasSubstr("cannot be divided"));
  thin.m = 0;
  Refusal(ErrorCode::kShape, [&] { Divide(thin, "hgx_h100", {.data = 4}); });
}

}  // namespace
}  // namespace zeroulp
