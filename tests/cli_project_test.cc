// SPDX-License-Identifier: Apache-2.0
// `zeroulp project`: models, divided GEMMs, pictures, chips from files. The
// figures themselves: project_test.cc and calibration_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "tests/cli_run.h"

namespace zeroulp {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CliProjectTest : public CliRun {
 protected:
  json Project(const std::string& arguments) {
    const Outcome run = Run("project --json " + arguments);
    EXPECT_EQ(run.code, 0) << run.err;
    return run.code == 0 ? json::parse(run.out) : json();
  }
};

constexpr char kShape[] = "--shape 1024x2048x4096 --format e4m3fn ";

// ---------------------------------------------------------------------------
// One GEMM

TEST_F(CliProjectTest, AllChipsThatCanAndTheReasonsOfTheOthers) {
  const json all = Project(std::string(kShape) + "--chips all");
  EXPECT_GT(all["rows"].size(), 20u);
  EXPECT_THAT(all["refused"].dump(), HasSubstr("trainium2 does not multiply"));
  EXPECT_EQ(Project(kShape)["rows"], all["rows"]);
  for (const json& row : all["rows"]) {
    EXPECT_EQ(row["time_s"], row["calibrated_time_s"]);
    EXPECT_GT(row["time_s"], row["roofline_time_s"]);
    EXPECT_FALSE(row["assumptions"].empty());
  }
}

TEST_F(CliProjectTest, TheHostsEfficiencyReplacesTheCalibration) {
  const json row =
      Project(std::string(kShape) + "--chips b200 --efficiency 0.5")["rows"][0];
  EXPECT_EQ(row["time_s"], row["spec_scaled_time_s"]);
  EXPECT_NE(row["time_s"], row["calibrated_time_s"]);
}

TEST_F(CliProjectTest, ConditionsReachTheModel) {
  const auto time = [this](const std::string& options) {
    return Project("--shape 8192x8192x8192 --format e4m3fn --chips b200 " +
                   options)["rows"][0]["time_s"]
        .get<double>();
  };
  EXPECT_LT(time("--clock cool"), time(""));
  EXPECT_EQ(time("--clock heating"), time(""));
  EXPECT_LT(time(""), time("--clock hot"));
  EXPECT_LT(time(""), time("--quantise-a"));
  EXPECT_LT(time(""), time("--block-scales"));
  EXPECT_LT(time("--sparsity 2:4"), time(""));
}

TEST_F(CliProjectTest, BadArgumentsRefuse) {
  const auto refuse = [this](const std::string& arguments) {
    return Refusal("$Z project " + arguments);
  };
  EXPECT_THAT(refuse("--format bf16"), HasSubstr("--shape"));
  EXPECT_THAT(refuse(std::string(kShape) + "--shapes llama3-8b"),
              HasSubstr("--shape"));
  EXPECT_THAT(refuse("--shape 1x1x1"), HasSubstr("--format is required"));
  for (const char* shape : {"1x1", "1x1x1x1", "axbxc", "1x1x", "-1x1x1",
                            "9223372036854775807x9x9", "1.5x1x1"}) {
    EXPECT_NE(refuse(std::string("--format bf16 --shape ") + shape), "");
  }
  EXPECT_THAT(refuse(std::string(kShape) + "--chips b200,b201"),
              AllOf(HasSubstr("'b201'"), HasSubstr("h100_sxm"),
                    HasSubstr("gb300_nvl72")));
  EXPECT_THAT(refuse(std::string(kShape) + "--chips trainium2"),
              HasSubstr("e4m3 e5m2"));
  EXPECT_THAT(refuse(std::string(kShape) + "--sparsity 4:16 --chips b200"),
              HasSubstr("2:4 for FP8"));
  EXPECT_THAT(refuse(std::string(kShape) + "--sparsity 7:9"),
              HasSubstr("no chip or system takes this"));
  EXPECT_THAT(refuse(std::string(kShape) + "--clock warm"), HasSubstr("warm"));
  EXPECT_THAT(refuse(std::string(kShape) + "--sparse-side c"), HasSubstr("c"));
  EXPECT_THAT(refuse(std::string(kShape) + "--efficiency 1.5"),
              HasSubstr("1.5"));
  EXPECT_THAT(refuse("--shape 8x8x8 --format bf16 --block-scales"),
              HasSubstr("FP8"));
}

// ---------------------------------------------------------------------------
// Divided

TEST_F(CliProjectTest, ASystemDividesAGemm) {
  const std::string gemm =
      "--shape 4096x8192x8192 --format bf16 --chips hgx_h100 ";
  const json whole = Project(gemm)["rows"][0];
  const json part = Project(gemm + "--split columns=4,data=2")["rows"][0];
  EXPECT_EQ(part["chips"], 8);
  EXPECT_GT(part["fabric_s"], 0);
  EXPECT_LT(part["time_s"], whole["time_s"]);
  EXPECT_GT(part["time_s"].get<double>(), whole["time_s"].get<double>() / 8);
}

TEST_F(CliProjectTest, BadSplitsRefuse) {
  const auto refuse = [this](const std::string& split,
                             const std::string& chips = "hgx_h100") {
    return Refusal("$Z project " + std::string(kShape) + "--chips " + chips +
                   " --split " + split);
  };
  for (const char* bad : {"data", "data=", "data=x", "data=2,", "depth=2",
                          "data=2;rows=2", "data=99999999999999999999"}) {
    EXPECT_THAT(refuse(std::string("'") + bad + "'"),
                HasSubstr("data=D,columns=C,rows=R,stages=S"))
        << bad;
  }
  EXPECT_THAT(refuse("data=0"), HasSubstr("at least 1"));
  EXPECT_THAT(refuse("data=9"), HasSubstr("more chips than the 8"));
  EXPECT_THAT(refuse("data=2", "h100_sxm"), HasSubstr("one chip"));
}

// ---------------------------------------------------------------------------
// Models

TEST_F(CliProjectTest, ModelsBuiltInHaveTheirWeights) {
  // Parameters of the products alone: embeddings, norms and the like add the
  // rest of 8.03, 70.6, 405.9 and 32.8 e9; DeepSeek-V3 has 671e9 without its
  // next-token module.
  for (const auto& [model, billions] : {std::pair{"llama3-8b", 7.5},
                                        {"llama3-70b", 69.5},
                                        {"llama3-405b", 403.8},
                                        {"qwen3-32b", 32.0},
                                        {"deepseek-v3", 670.0}}) {
    const json target = Project(std::string("--format bf16 --chips b200 ") +
                                "--shapes " + model)["targets"][0];
    EXPECT_NEAR(target["weight_bytes_per_chip"].get<double>() / 2e9, billions,
                0.01 * billions)
        << model;
  }
}

TEST_F(CliProjectTest, DecodeReadsTheWeightsAndPrefillComputes) {
  const std::string model = "--shapes llama3-70b --format bf16 --chips b200 ";
  const json decode = Project(model + "--batch 8")["targets"][0];
  const json prefill = Project(model + "--batch 8 --tokens 2048")["targets"][0];
  double times = 0;
  for (const json& layer : decode["layers"]) {
    EXPECT_EQ(layer["m"], 8);
    EXPECT_EQ(layer["bound"], "memory") << layer["name"];
    times += layer["times"].get<double>() * layer["time_s"].get<double>();
  }
  EXPECT_NEAR(times, decode["time_s"].get<double>(), 1e-12);
  for (const json& layer : prefill["layers"]) {
    const bool head = layer["name"] == "head";  // of the last tokens alone
    EXPECT_EQ(layer["m"], head ? 8 : 8 * 2048);
    if (!head) {
      EXPECT_EQ(layer["bound"], "compute") << layer["name"];
    }
  }
}

TEST_F(CliProjectTest, ShapesOfAFile) {
  Spill(Path("s.txt"),
        "# comment\n"
        "fixed 7 64 128\n"
        "\n"
        "per-token T 256 512 3 # three\n"
        "last\tB 1000 512\r\n"
        "experts T 64 32 2 experts=2/8\n");
  const auto layers = [this](const std::string& load) {
    return Project("--shapes s.txt --format bf16 --chips b200 " +
                   load)["targets"][0]["layers"];
  };
  const json one = layers("");
  ASSERT_EQ(one.size(), 4u);
  EXPECT_EQ(one[0]["m"], 7);
  EXPECT_EQ(one[0]["times"], 1);
  EXPECT_EQ(one[1]["m"], 1);
  EXPECT_EQ(one[1]["times"], 3);
  // One token visits 2 of 8 experts, in each of 2 layers.
  EXPECT_EQ(one[3]["m"], 1);
  EXPECT_EQ(one[3]["times"], 4);
  const json many = layers("--batch 6 --tokens 10");
  EXPECT_EQ(many[1]["m"], 60);
  EXPECT_EQ(many[2]["m"], 6);
  // 120 visits to 8 experts
  EXPECT_EQ(many[3]["m"], 15);
  EXPECT_EQ(many[3]["times"], 16);
}

TEST_F(CliProjectTest, TheBenchmarksShapesAreAModel) {
  const json model =
      Project(std::string("--format bf16 --chips b200 ") + "--shapes " +
              ZEROULP_SOURCE_DIR + "/bench/shapes.txt");
  EXPECT_GT(model["targets"][0]["layers"].size(), 5u);
}

TEST_F(CliProjectTest, TextHasLayersTotalsAndAssumptions) {
  const std::string model = "project --shapes llama3-8b --format e4m3fn ";
  const Outcome two = Run(model + "--chips b200,hgx_b200");
  EXPECT_EQ(two.code, 0) << two.err;
  EXPECT_THAT(two.out, AllOf(HasSubstr("gate-up"), HasSubstr("tokens/s"),
                             HasSubstr("chips to match"), HasSubstr("assumed"),
                             HasSubstr("no attention")));
  const Outcome all = Run(model + "--chips all --markdown");
  EXPECT_THAT(all.out, AllOf(HasSubstr("| trainium3 |"), HasSubstr("tpu7x"),
                             Not(HasSubstr("gate-up"))));
}

TEST_F(CliProjectTest, BadShapesRefuse) {
  const auto refuse = [this](const std::string& text) {
    Spill(Path("s.txt"), text);
    return Refusal("$Z project --format bf16 --shapes s.txt");
  };
  EXPECT_THAT(Refusal("$Z project --format bf16 --shapes gpt9"),
              AllOf(HasSubstr("'gpt9'"), HasSubstr("deepseek-v3")));
  EXPECT_THAT(refuse(""), HasSubstr("no line has a shape"));
  EXPECT_THAT(refuse("# only this\n"), HasSubstr("no line has a shape"));
  EXPECT_THAT(refuse("\na 1 2\n"), HasSubstr("line 2"));
  for (const char* bad :
       {"a 0 1 1", "a -1 1 1", "a 1 x 1", "a 1 1 1.5", "a t 1 1", "a 1 1 1 0",
        "a 1 1 1 1 1", "a 1 1 2000000000000", "a 1 1 1 experts=",
        "a 1 1 1 experts=2", "a 1 1 1 experts=9/8", "a 1 1 1 experts=0/8",
        "a 1 1 1 experts=1/8 2", "a 1 1 1 experts=1/9999999"}) {
    EXPECT_THAT(refuse(bad), HasSubstr("s.txt: line 1")) << bad;
  }
  for (const char* bad : {"--batch 0", "--tokens -1", "--batch 9999999999",
                          "--batch 65536 --tokens 65536"}) {
    EXPECT_THAT(Refusal("$Z project --format bf16 --shapes llama3-8b " +
                        std::string(bad)),
                HasSubstr("at least 1"))
        << bad;
  }
}

// None is ignored.
TEST_F(CliProjectTest, OptionsThatDoNotApplyRefuse) {
  const std::string shape = "$Z project --shape 8x8x8 --format bf16 ";
  EXPECT_THAT(Refusal(shape + "--batch 2"), HasSubstr("requires --shapes"));
  EXPECT_THAT(Refusal(shape + "--tokens 2"), HasSubstr("requires --shapes"));
  for (const char* option :
       {"--format bf16", "--sparsity 2:4", "--split data=2", "--clock hot",
        "--chips b200", "--block-scales", "--efficiency 0.5", "--svg s.svg"}) {
    EXPECT_THAT(Refusal("$Z project --backtest m.csv " + std::string(option)),
                HasSubstr("excludes --backtest"))
        << option;
  }
  for (const char* share : {"0", "-0.5", "1.5", "nan", "much"}) {
    EXPECT_THAT(Refusal(shape + "--efficiency " + share),
                HasSubstr("is not above 0 and at most 1"))
        << share;
  }
  EXPECT_THAT(Refusal(shape + "--chips gb200_nvl72 --split data=2,data=3"),
              HasSubstr("each once"));
}

// ---------------------------------------------------------------------------
// Pictures

TEST_F(CliProjectTest, ThePictureHasARoofAPointAndABarEach) {
  const auto count = [](const std::string& text, const std::string& what) {
    size_t n = 0;
    for (size_t at = 0; (at = text.find(what, at)) != text.npos; ++at) ++n;
    return n;
  };
  ASSERT_EQ(Run("project --shape 512x512x512 --format bf16 --sparsity 2:4 "
                "--chips b200,h100_sxm --svg s.svg")
                .code,
            0);
  const std::string svg = Slurp(Path("s.svg"));
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_EQ(count(svg, "<polyline"), 4u);  // dense and sparse
  EXPECT_EQ(count(svg, "stroke-dasharray=\"7 4\""), 2u);
  EXPECT_EQ(count(svg, "<circle"), 4u);
  EXPECT_EQ(svg.find("nan"), svg.npos);
  EXPECT_EQ(svg.find("inf"), svg.npos);
  ASSERT_EQ(Run("project --shapes llama3-8b --format bf16 --chips all "
                "--svg m.svg")
                .code,
            0);
  EXPECT_GT(count(Slurp(Path("m.svg")), "<circle"), 100u);
}

TEST_F(CliProjectTest, APictureThatCannotBeWrittenIsAnError) {
  const Outcome run =
      Run("project --shape 8x8x8 --format bf16 --chips b200 "
          "--svg no/such/folder.svg");
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("no/such/folder.svg"));
}

}  // namespace
}  // namespace zeroulp
