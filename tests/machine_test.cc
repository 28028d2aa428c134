// SPDX-License-Identifier: Apache-2.0
// Mirrors kernels/machine.cc. Nothing here compares two measured rates: on a
// shared machine any such test fails some day.
#include "zeroulp/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "kernels/cpu.h"
#include "kernels/machine.h"
#include "zeroulp/error.h"

namespace zeroulp {
namespace {

using testing::Contains;
using testing::HasSubstr;

bool IsPositive(double rate) { return std::isfinite(rate) && rate > 0; }

class MachineTargetTest : public testing::TestWithParam<kernels::Target> {
 protected:
  kernels::ScopedTarget target_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Targets, MachineTargetTest,
                         testing::ValuesIn(kernels::Targets()),
                         [](const auto& test) { return test.param.name; });

TEST_P(MachineTargetTest, InstructionPeaksAreOfTheTargetInUse) {
  const MachinePeaks peaks = MeasureInstructionPeaks(0);
  EXPECT_EQ(peaks.target, GetParam().name);
  EXPECT_THAT(peaks.targets, Contains(peaks.target));
  EXPECT_TRUE(IsPositive(peaks.fp32_fma_flops)) << peaks.fp32_fma_flops;
  const bool is_512 = peaks.target == "AVX3" || peaks.target == "AVX3_DL";
  EXPECT_EQ(IsPositive(peaks.bf16_dot_flops), is_512 && kernels::HaveBf16Dot());
  EXPECT_EQ(IsPositive(peaks.int8_dot_ops), peaks.target == "AVX3_DL");
  for (const ReadBandwidth& level : peaks.read) {
    EXPECT_EQ(level.bytes_per_s, 0) << level.level;
  }
}

TEST_P(MachineTargetTest, Bf16DotIsFasterIsCallableAndConstant) {
  const bool faster = kernels::Bf16DotIsFaster();
  if (!kernels::HaveBf16Dot()) {
    EXPECT_FALSE(faster);
  }
  EXPECT_EQ(kernels::Bf16DotIsFaster(), faster);
}

TEST_P(MachineTargetTest, Bf16DotIsFasterLeavesTheFloatEnvironmentAlone) {
  std::feclearexcept(FE_ALL_EXCEPT);
  std::fesetround(FE_UPWARD);
  kernels::Bf16DotIsFaster();
  EXPECT_EQ(std::fetestexcept(FE_ALL_EXCEPT), 0);
  EXPECT_EQ(std::fegetround(), FE_UPWARD);
  std::fesetround(FE_TONEAREST);
}

TEST(MachineTest, TargetsAreDistinctAndOneIsInUseWithoutAScope) {
  const std::vector<kernels::Target> targets = kernels::Targets();
  ASSERT_FALSE(targets.empty());
  for (size_t i = 0; i < targets.size(); ++i) {
    for (size_t j = 0; j < i; ++j) EXPECT_NE(targets[i].name, targets[j].name);
  }
  EXPECT_EQ(MeasureInstructionPeaks(0).target, targets.front().name);
}

TEST(MachineTest, Bf16DotIsFasterAnswersAllThreadsAlike) {
  std::vector<std::thread> threads;
  std::vector<int> answers(8, -1);
  for (int& answer : answers) {
    threads.emplace_back([&] { answer = kernels::Bf16DotIsFaster() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(answers, testing::Each(answers.front()));
}

TEST(MachineTest, PeaksAreCompleteWithinTheLargestWorkingSet) {
  const MachinePeaks peaks = MeasurePeaks(0);
  EXPECT_FALSE(peaks.cpu.empty());
  EXPECT_TRUE(IsPositive(peaks.fp32_fma_flops));
  int64_t last_bytes = 0;
  for (const ReadBandwidth& level : peaks.read) {
    // A CPU without the level, or that does not tell, has no figure for it.
    EXPECT_EQ(IsPositive(level.bytes_per_s), level.working_set_bytes > 0)
        << level.level;
    if (level.working_set_bytes == 0) continue;
    EXPECT_GT(level.working_set_bytes, last_bytes) << level.level;
    last_bytes = level.working_set_bytes;
  }
  EXPECT_EQ(peaks.read.back().level, "DRAM");
  EXPECT_TRUE(IsPositive(peaks.read.back().bytes_per_s));
  EXPECT_LE(last_bytes, int64_t{512} << 20);
}

TEST_P(MachineTargetTest, ReadRateOfEverySizeIsMeasured) {
  for (const int64_t bytes : {1, 1000, 1024, 5 << 20, (16 << 20) + 1}) {
    EXPECT_TRUE(IsPositive(kernels::MeasureReadRate(bytes, 0))) << bytes;
  }
}

TEST(MachineTest, ChainPeakIsTheBetterOfTheInstructionsWithItsBits) {
  MachinePeaks peaks;
  peaks.fp32_fma_flops = 2;
  peaks.int8_dot_ops = 9;  // not one of them
  EXPECT_EQ(ChainPeakFlops(peaks), 2);
  peaks.bf16_dot_flops = 1;
  EXPECT_EQ(ChainPeakFlops(peaks), 2);
  peaks.bf16_dot_flops = 4;
  EXPECT_EQ(ChainPeakFlops(peaks), 4);
}

TEST(MachineTest, ABudgetThatIsNoTimeIsRefused) {
  for (const double budget :
       {-1.0, 3601.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    for (const auto measure : {MeasurePeaks, MeasureInstructionPeaks}) {
      try {
        measure(budget);
        FAIL() << budget;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kArgument);
        EXPECT_THAT(error.what(), HasSubstr("from 0 to 3600"));
      }
    }
  }
}

}  // namespace
}  // namespace zeroulp
