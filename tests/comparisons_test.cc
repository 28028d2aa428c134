// SPDX-License-Identifier: Apache-2.0
// docs/projections.md: the comparisons there are computed here, from the rows,
// and each must be on the page in these words.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "zeroulp/chips.h"

namespace zeroulp {
namespace {

using testing::HasSubstr;

const ChipPeak& Peak(std::string_view chip, std::string_view label) {
  for (const ChipPeak& p : Chip(chip).peaks) {
    if (p.label == label) return p;
  }
  ADD_FAILURE() << chip << " " << label;
  return Chip(chip).peaks[0];
}

double Dense(std::string_view chip, std::string_view label) {
  return Peak(chip, label).dense_tflops.value;
}

double Rack(std::string_view id, std::string_view label, bool sparse = false) {
  for (const SystemPeak& p : System(id).peaks) {
    if (p.label == label) {
      return sparse ? p.sparse_pflops.value : p.dense_pflops.value;
    }
  }
  ADD_FAILURE() << id << " " << label;
  return 0;
}

double Bandwidth(std::string_view chip) {
  return Chip(chip).memory.bandwidth_gbytes_per_s.value;
}

double Watts(std::string_view chip) { return Chip(chip).power_w.value; }

// USD an hour and PFLOPS of the first price and the dense peak.
double UsdPerPflopHour(std::string_view chip, std::string_view label) {
  return Chip(chip).prices[0].usd_per_hour.value / Dense(chip, label) * 1000;
}

class ComparisonsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(std::string(ZEROULP_SOURCE_DIR) +
                       "/docs/projections.md");
    page_ = {std::istreambuf_iterator<char>(file), {}};
    ASSERT_FALSE(page_.empty());
  }

  template <typename... Args>
  void Says(fmt::format_string<Args...> line, Args&&... args) {
    EXPECT_THAT(page_,
                HasSubstr(fmt::format(line, std::forward<Args>(args)...)));
  }

  std::string page_;
};

TEST_F(ComparisonsTest, ChipsAndMemory) {
  Says("Trainium3 {:.0f} / Trainium2 {:.0f} TFLOPS dense = {:.2f} x",
       Dense("trainium3", "MXFP8"), Dense("trainium2", "FP8"),
       Dense("trainium3", "MXFP8") / Dense("trainium2", "FP8"));
  Says("{:.0f} / {:.0f} GB/s = {:.2f} x", Bandwidth("trainium3"),
       Bandwidth("trainium2"), Bandwidth("trainium3") / Bandwidth("trainium2"));
  Says("GB200 and GB300 {:.0f}, HGX B200 and B300 {:.0f}",
       Dense("gb300", "FP8"), Dense("b200", "FP8"));
}

TEST_F(ComparisonsTest, RackParity) {
  const double trn = Rack("trn3_ultraserver", "MXFP8");
  const double gb = Rack("gb300_nvl72", "FP8");
  Says("{:.1f} / {:.0f} PF dense = {:.3f} x", trn, gb, trn / gb);
  Says("{:.0f} chips against {:.0f}", System("trn3_ultraserver").chips.value,
       System("gb300_nvl72").chips.value);
  Says("a chip {:.2f} x", Dense("trainium3", "MXFP8") / Dense("gb300", "FP8"));
  Says("{:.2f} EF", Rack("ironwood_pod", "FP8") / 1000);
}

TEST_F(ComparisonsTest, SparsityIsForSixteenBitsOnly) {
  EXPECT_FALSE(Peak("trainium3", "MXFP8").sparse_tflops.known());
  const double sparse = Rack("trn3_ultraserver", "BF16", true);
  Says("{:.1f} PF, the dense MXFP8 rate", sparse);
  EXPECT_NEAR(sparse, Rack("trn3_ultraserver", "MXFP8"), 0.1);
  Says("{:.2f} x its dense BF16",
       Peak("trainium3", "BF16").sparse_tflops.value /
           Dense("trainium3", "BF16"));
  Says("{:.2f} x its dense FP8", Peak("trainium2", "FP8").sparse_tflops.value /
                                     Dense("trainium2", "FP8"));
}

TEST_F(ComparisonsTest, FourBits) {
  EXPECT_EQ(Dense("trainium3", "MXFP4"), Dense("trainium3", "MXFP8"));
  Says("a rack {:.2f} x",
       Rack("gb300_nvl72", "NVFP4") / Rack("trn3_ultraserver", "MXFP4"));
  Says("a chip {:.2f} x in FP4",
       Dense("gb300", "NVFP4") / Dense("trainium3", "MXFP4"));
}

TEST_F(ComparisonsTest, Power) {
  Says("{:.0f} W is {:.1f} % less than {:.0f} W", Watts("trainium3"),
       100 * (1 - Watts("trainium3") / Watts("gb300")), Watts("gb300"));
  const auto rack = [](std::string_view system, std::string_view chip) {
    return System(system).chips.value * Watts(chip) / 1000;
  };
  Says("{:.1f} kW against {:.1f} kW", rack("trn3_ultraserver", "trainium3"),
       rack("gb300_nvl72", "gb300"));
  const double trn = Watts("trainium3") / Dense("trainium3", "MXFP8");
  const double gb = Watts("gb300") / Dense("gb300", "FP8");
  Says("{:.2f} against {:.2f} W per dense FP8 TFLOPS, {:.0f} % more", trn, gb,
       100 * (trn / gb - 1));
}

TEST_F(ComparisonsTest, Price) {
  const double trn2 = UsdPerPflopHour("trainium2", "BF16");
  const double h100 = UsdPerPflopHour("h100_sxm", "BF16");
  Says(
      "{:.2f} against {:.2f} USD per dense BF16 PFLOPS and hour, {:.0f} % less",
      trn2, h100, 100 * (1 - trn2 / h100));
  Says("Trainium1 at its list price is {:.2f}",
       UsdPerPflopHour("trainium1", "BF16"));
  EXPECT_TRUE(Chip("trainium3").prices.empty());
}

TEST_F(ComparisonsTest, Trainium4AndRainier) {
  Says("{:.1f} x FP8, {:.1f} x FP4, {:.1f} x bandwidth",
       Dense("trainium4", "FP8") / Dense("trainium3", "MXFP8"),
       Dense("trainium4", "FP4") / Dense("trainium3", "MXFP4"),
       Bandwidth("trainium4") / Bandwidth("trainium3"));
  Says("{:.0f} chips x {:.0f} TFLOPS = {:.0f} EF",
       System("project_rainier").chips.value, Dense("trainium2", "FP8"),
       System("project_rainier").chips.value * Dense("trainium2", "FP8") / 1e6);
}

}  // namespace
}  // namespace zeroulp
