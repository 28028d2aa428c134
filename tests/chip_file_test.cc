// SPDX-License-Identifier: Apache-2.0
// `zeroulp project --chip-file`: what docs/chip-file.md promises.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli_run.h"

namespace zeroulp {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

json Figure(double value) {
  return {{"value", value}, {"source", "data sheet, page 1"}};
}

json ChipFile() {
  return {
      {"schema", 1},
      {"kind", "chips"},
      {"chips",
       {{{"id", "nova"},
         {"name", "Nova 1"},
         {"vendor", "Us"},
         {"year", 2027},
         {"status", "announced"},
         {"architecture", "Nova"},
         {"peaks",
          {{{"label", "BF16"},
            {"formats", {"bf16"}},
            {"dense_tflops", Figure(1000)},
            {"sparse_tflops", Figure(2000)},
            {"sparsity", {"2:4"}},
            {"sparse_index_bits", Figure(2)}}}},
         {"memory",
          {{"bandwidth_gbytes_per_s", Figure(4000)},
           {"capacity_gbytes", Figure(100)}}},
         {"engine",
          {{"matrix_engines", Figure(4)}, {"array_k", 128}, {"array_n", 128}}},
         {"power_w", Figure(500)},
         {"link", {{"name", "ring"}, {"gbytes_per_s", Figure(1000)}}},
         {"prices", {{{"usd_per_hour", Figure(2)}, {"kind", "list"}}}}}}},
      {"systems",
       {{{"id", "nova_rack"},
         {"name", "Nova rack"},
         {"chip", "nova"},
         {"chips", Figure(16)},
         {"peaks", {{{"label", "BF16"}, {"dense_pflops", Figure(16)}}}},
         {"memory_gbytes_per_s", Figure(64000)}}}}};
}

class ChipFileTest : public CliRun {
 protected:
  std::string RefusalOf(const std::string& text) {
    Spill(Path("c.json"), text);
    return Refusal("$Z project --shape 8x8x8 --format bf16 --chip-file c.json");
  }
  std::string RefusalWith(const std::function<void(json&)>& spoil) {
    json file = ChipFile();
    spoil(file);
    return RefusalOf(file.dump());
  }
};

TEST_F(ChipFileTest, AddsChipsAndSystems) {
  Spill(Path("c.json"), ChipFile().dump());
  const Outcome run =
      Run("project --json --shape 4096x4096x4096 --format bf16 --chip-file "
          "c.json --chips nova,nova_rack,b200");
  ASSERT_EQ(run.code, 0) << run.err;
  const json rows = json::parse(run.out)["rows"];
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0]["peak_tflops"], 1000);
  // 2 * 4096^3 / 1000e12
  EXPECT_NEAR(rows[0]["roofline_time_s"].get<double>(), 137.438953e-6, 1e-11);
  EXPECT_NEAR(
      rows[0]["usd"].get<double>() / rows[0]["time_s"].get<double>() * 3600, 2,
      1e-9);
  EXPECT_THAT(rows[0]["assumptions"].dump(),
              AllOf(HasSubstr("data sheet, page 1"), HasSubstr("not shipping"),
                    HasSubstr("no published times of nova")));
  EXPECT_EQ(rows[1]["chips"], 16);
  EXPECT_EQ(rows[1]["peak_tflops"], 16000);
  const Outcome split =
      Run("project --json --shape 4096x4096x4096 --format bf16 --chip-file "
          "c.json --chips nova_rack --split columns=4");
  ASSERT_EQ(split.code, 0) << split.err;
}

TEST_F(ChipFileTest, TheDocumentsExampleIsOne) {
  const std::string page =
      Slurp(std::string(ZEROULP_SOURCE_DIR) + "/docs/chip-file.md");
  const size_t begin = page.find("```json\n");
  ASSERT_NE(begin, page.npos);
  const size_t end = page.find("```\n", begin + 8);
  Spill(Path("c.json"), page.substr(begin + 8, end - begin - 8));
  const Outcome run =
      Run("project --shape 64x64x64 --format bf16 --sparsity 2:4 --chip-file "
          "c.json --chips nova,nova_rack");
  EXPECT_EQ(run.code, 0) << run.err;
}

TEST_F(ChipFileTest, ARowOfAKnownIdTakesItsPlace) {
  json file = ChipFile();
  file["chips"][0]["id"] = "b200";
  file["systems"] = json::array();
  Spill(Path("c.json"), file.dump());
  const std::string gemm = "project --json --shape 8x8x8 --format bf16 ";
  const auto peak = [&](const std::string& options) {
    const Outcome run = Run(gemm + options);
    EXPECT_EQ(run.code, 0) << run.err;
    return json::parse(run.out)["rows"][0]["peak_tflops"].get<double>();
  };
  EXPECT_EQ(peak("--chip-file c.json --chips b200"), 1000);
  EXPECT_EQ(peak("--chip-file c.json --chips hgx_b200"), 8000);
  EXPECT_EQ(peak("--chips b200"), 2250);
  // The last file wins.
  file["chips"][0]["peaks"][0]["dense_tflops"]["value"] = 1500;
  Spill(Path("d.json"), file.dump());
  EXPECT_EQ(peak("--chip-file c.json --chip-file d.json --chips b200"), 1500);
}

TEST_F(ChipFileTest, EveryRequiredFieldIsMissed) {
  const std::vector<std::pair<std::string, std::string>> required = {
      {"", "schema"},
      {"", "kind"},
      {"/chips/0", "id"},
      {"/chips/0", "name"},
      {"/chips/0", "vendor"},
      {"/chips/0", "year"},
      {"/chips/0", "architecture"},
      {"/chips/0", "peaks"},
      {"/chips/0", "memory"},
      {"/chips/0/memory", "bandwidth_gbytes_per_s"},
      {"/chips/0/peaks/0", "label"},
      {"/chips/0/peaks/0", "formats"},
      {"/chips/0/power_w", "value"},
      {"/chips/0/power_w", "source"},
      {"/systems/0", "id"},
      {"/systems/0", "name"},
      {"/systems/0", "chip"},
      {"/systems/0", "chips"}};
  for (const auto& [where, field] : required) {
    json file = ChipFile();
    file[json::json_pointer(where)].erase(field);
    EXPECT_THAT(RefusalOf(file.dump()),
                AllOf(HasSubstr("c.json: "), HasSubstr(field + ": is missing")))
        << where << " " << field;
  }
}

TEST_F(ChipFileTest, EveryUnknownFieldIsNamed) {
  for (const char* where :
       {"", "/chips/0", "/chips/0/peaks/0", "/chips/0/memory",
        "/chips/0/engine", "/chips/0/link", "/chips/0/power_w",
        "/chips/0/prices/0", "/systems/0", "/systems/0/peaks/0"}) {
    json file = ChipFile();
    file[json::json_pointer(where)]["colour"] = "red";
    EXPECT_THAT(RefusalOf(file.dump()),
                HasSubstr("colour: is no field of the schema"))
        << where;
  }
}

TEST_F(ChipFileTest, FiguresAreNumbersAboveZeroWithASource) {
  for (const json& bad : {json(0), json(-1), json("1"), json(nullptr)}) {
    EXPECT_THAT(RefusalWith([&](json& file) {
                  file["chips"][0]["power_w"]["value"] = bad;
                }),
                HasSubstr("chips[0].power_w.value: must be a number above 0"));
  }
  EXPECT_THAT(
      RefusalWith([](json& file) { file["chips"][0]["power_w"] = 500; }),
      HasSubstr("chips[0].power_w: must be an object"));
  EXPECT_THAT(RefusalWith([](json& file) {
                file["chips"][0]["power_w"]["source"] = "";
              }),
              HasSubstr("power_w.source: must be text"));
  EXPECT_THAT(RefusalWith([](json& file) {
                file["chips"][0]["power_w"]["basis"] = "guessed";
              }),
              AllOf(HasSubstr("guessed"), HasSubstr("inferred")));
}

TEST_F(ChipFileTest, NestingIsLimited) {
  const std::string deep(1000000, '[');
  EXPECT_THAT(RefusalOf(deep), HasSubstr("nested deeper than 6 levels"));
  EXPECT_THAT(RefusalOf("{\"schema\": " + deep),
              HasSubstr("nested deeper than 6 levels"));
  // What a message quotes stays short.
  const std::string refusal = RefusalWith(
      [](json& file) { file["kind"] = std::vector<int>(100000, 1); });
  EXPECT_THAT(refusal, HasSubstr("kind: must be text, is [1,1,1"));
  EXPECT_LT(refusal.size(), 300u);
}

TEST_F(ChipFileTest, WordsAndSumsAreChecked) {
  const auto chip = [this](const char* pointer, const json& value) {
    return RefusalWith([&](json& file) {
      file[json::json_pointer(std::string("/chips/0") + pointer)] = value;
    });
  };
  EXPECT_THAT(chip("/status", "rumoured"), HasSubstr("announced"));
  EXPECT_THAT(chip("/year", 1.5), HasSubstr("whole number"));
  EXPECT_THAT(chip("/year", 3000), HasSubstr("2100"));
  EXPECT_THAT(chip("/peaks", json::array()), HasSubstr("peaks"));
  EXPECT_THAT(chip("/peaks/0/formats", {"fp9"}), HasSubstr("fp9"));
  EXPECT_THAT(chip("/peaks/0/formats", "bf16"), HasSubstr("list"));
  EXPECT_THAT(chip("/peaks/0/sparsity", {"3:5"}), HasSubstr("3:5"));
  EXPECT_THAT(chip("/peaks/0/sparse_tflops", Figure(999)),
              HasSubstr("dense 1000 is above sparse 999"));
  EXPECT_THAT(chip("/engine/array_k", 0), HasSubstr("array_k"));
  EXPECT_THAT(chip("/engine/tile_cores", Figure(4)), HasSubstr("tile_cores"));
  EXPECT_THAT(chip("/prices/0/usd_capex", Figure(4)), HasSubstr("one of"));
  EXPECT_THAT(RefusalWith([](json& file) {
                file["chips"][0]["peaks"][0].erase("sparsity");
              }),
              HasSubstr("go together"));
  EXPECT_THAT(
      RefusalWith([](json& file) { file["systems"][0]["chip"] = "novae"; }),
      HasSubstr("'novae'"));
  EXPECT_THAT(RefusalWith([](json& file) {
                file["systems"][0]["peaks"][0]["label"] = "FP8";
              }),
              HasSubstr("no peak 'FP8'"));
  EXPECT_THAT(RefusalWith([](json& file) {
                file["systems"][0]["peaks"][0]["dense_pflops"] = Figure(17);
              }),
              HasSubstr("BF16 is 17"));
  EXPECT_THAT(RefusalWith([](json& file) {
                file["systems"][0]["chips"] = Figure(1.5);
              }),
              HasSubstr("whole number"));
}

TEST_F(ChipFileTest, IdsAreUniqueAndOfTheirKind) {
  EXPECT_THAT(RefusalWith([](json& file) {
                file["chips"].push_back(file["chips"][0]);
              }),
              HasSubstr("'nova' is there twice"));
  EXPECT_THAT(
      RefusalWith([](json& file) { file["systems"][0]["id"] = "b200"; }),
      HasSubstr("'b200' is that of a row of the other kind"));
}

TEST_F(ChipFileTest, FilesThatAreNone) {
  EXPECT_THAT(Refusal("$Z project --shape 8x8x8 --format bf16 --chip-file "
                      "none.json"),
              HasSubstr("none.json: No such file"));
  EXPECT_THAT(RefusalOf(""), HasSubstr("is not JSON"));
  EXPECT_THAT(RefusalOf("{\"schema\": 1"), HasSubstr("is not JSON"));
  EXPECT_THAT(RefusalOf("[]"), HasSubstr("must be an object"));
  EXPECT_THAT(RefusalOf("{\"schema\": 2, \"kind\": \"chips\"}"),
              HasSubstr("schema"));
  EXPECT_THAT(RefusalOf("{\"schema\": 1, \"kind\": \"verify\"}"),
              HasSubstr("kind"));
  EXPECT_THAT(RefusalOf("{\"schema\": 1, \"kind\": \"chips\"}"),
              HasSubstr("neither chips nor systems"));
}

}  // namespace
}  // namespace zeroulp
