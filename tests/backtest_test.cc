// SPDX-License-Identifier: Apache-2.0
// `zeroulp project --backtest`: how far projections are from published times,
// on rows that no constant was fitted to and on chips left out of the fit.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/cli_run.h"

namespace zeroulp {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

class MeasuredTest : public CliRun {
 protected:
  // "" where there are no measurements.
  static std::string Measured() {
    const std::string folder = ZEROULP_SHARED_DIR;
    const std::string path = folder + "/chips/measured.csv";
    return !folder.empty() && std::filesystem::exists(path) ? path : "";
  }

  json Backtest(const std::string& csv = Measured()) {
    const Outcome run = Run("project --json --backtest '" + csv + "'");
    EXPECT_EQ(run.code, 0) << run.err;
    return json::parse(run.out);
  }

  static json Group(const json& backtest, const std::string& chip,
                    const std::string& format, const std::string& sparsity) {
    for (const json& group : backtest["groups"]) {
      if (group["chip"] == chip && group["format"] == format &&
          group["sparsity"] == sparsity) {
        return group;
      }
    }
    ADD_FAILURE() << "no group " << chip << " " << format << " " << sparsity;
    return {};
  }

  // As the document's tables print them.
  static std::string Errors(const json& e) {
    return fmt::format(
        "{} | {:.1f} % | {:.1f} % | {:+.1f} % |", e["rows"].get<size_t>(),
        100 * e["median_abs_error"].get<double>(),
        100 * e["p90_abs_error"].get<double>(), 100 * e["bias"].get<double>());
  }
};

#define SKIP_WITHOUT_MEASUREMENTS()                            \
  if (Measured().empty()) {                                    \
    GTEST_SKIP() << "no measured.csv: ZEROULP_SHARED_DIR is '" \
                 << ZEROULP_SHARED_DIR << "'";                 \
  }

TEST_F(MeasuredTest, HeldOutRowsAndChipsLeftOutAreWithinBounds) {
  SKIP_WITHOUT_MEASUREMENTS();
  std::printf(
      "%s",
      Run("project --markdown --backtest '" + Measured() + "'").out.c_str());
  const json backtest = Backtest();
  struct Limits {
    const char* format;
    size_t rows;  // at least, so that nothing is dropped unseen
    double held_out, left_out;
  };
  constexpr double kP90 = 0.35;
  for (const Limits& limits : {Limits{"BF16", 400, 0.08, 0.10},
                               {"FP8", 500, 0.10, 0.14},
                               {"FP4", 150, 0.16, 0.20}}) {
    SCOPED_TRACE(limits.format);
    const json group = Group(backtest, "all", limits.format, "all");
    const json& held_out = group["held_out"];
    EXPECT_GE(held_out["rows"].get<size_t>(), limits.rows);
    EXPECT_LE(held_out["median_abs_error"].get<double>(), limits.held_out);
    EXPECT_LE(held_out["p90_abs_error"].get<double>(), kP90);
    const json& left_out = group["chip_left_out"];
    EXPECT_GE(left_out["rows"].get<size_t>(), 2 * limits.rows);
    EXPECT_LE(left_out["median_abs_error"].get<double>(), limits.left_out);
    EXPECT_LE(left_out["p90_abs_error"].get<double>(), kP90);
  }
}

// docs/projections.md prints what this version predicts.
TEST_F(MeasuredTest, TheDocumentHasTheseErrors) {
  SKIP_WITHOUT_MEASUREMENTS();
  const json backtest = Backtest();
  const std::string document =
      Slurp(std::string(ZEROULP_SOURCE_DIR) + "/docs/projections.md");
  for (const char* format : {"BF16", "FP8", "FP4", "INT8"}) {
    for (const char* sparsity : {"all", "dense", "sparse"}) {
      const json group = Group(backtest, "all", format, sparsity);
      const std::string name = format + (sparsity == std::string("all")
                                             ? std::string()
                                             : std::string(", ") + sparsity);
      EXPECT_THAT(document, HasSubstr(fmt::format(
                                "| {} | {} {}", name, Errors(group["held_out"]),
                                Errors(group["chip_left_out"]))));
    }
  }
}

// Times that were taken after the constants were fitted, as the document says.
TEST_F(MeasuredTest, TimesOfHopperAreAsTheDocumentSays) {
  const std::string docs = std::string(ZEROULP_SOURCE_DIR) + "/docs/";
  const json backtest = Backtest(docs + "hopper-times.csv");
  const std::string document = Slurp(docs + "projections.md");
  for (const char* chip : {"h100_sxm", "h200_sxm"}) {
    for (const char* format : {"BF16", "FP8_E4M3"}) {
      const json held_out = Group(backtest, chip, format, "dense")["held_out"];
      EXPECT_THAT(document, HasSubstr(fmt::format("| {} | {} | {}", chip,
                                                  format, Errors(held_out))));
      EXPECT_LE(held_out["median_abs_error"].get<double>(), 0.14);
      EXPECT_LE(held_out["p90_abs_error"].get<double>(), 0.35);
    }
  }
}

TEST_F(MeasuredTest, EveryRowIsCountedOrSaysWhyNot) {
  SKIP_WITHOUT_MEASUREMENTS();
  const json backtest = Backtest();
  std::map<std::string, size_t> counted;
  size_t rows = 0;
  for (const json& row : backtest["rows"]) {
    ++rows;
    const std::string use = row["use"];
    EXPECT_EQ(row["counted"].get<bool>(), use.starts_with("validate"));
    // Every chip of the file multiplies what was measured on it.
    EXPECT_FALSE(row.contains("refused")) << row.dump();
    EXPECT_GT(row["predicted_us"].get<double>(), 0);
    EXPECT_NEAR(row["predicted_tflops"].get<double>() *
                    row["predicted_us"].get<double>() * 1e6 /
                    (2 * row["M"].get<double>() * row["N"].get<double>() *
                     row["K"].get<double>()),
                1, 1e-9);
    if (row["counted"].get<bool>()) ++counted[row["chip"]];
  }
  size_t lines = 0;
  std::ifstream file(Measured());
  for (std::string line; std::getline(file, line);) ++lines;
  EXPECT_EQ(rows, lines - 1);
  for (const json& group : backtest["groups"]) {
    if (group["chip"] == "all") continue;
    counted[group["chip"]] -= group["rows"].get<size_t>();
  }
  for (const auto& [chip, missing] : counted) EXPECT_EQ(missing, 0u) << chip;
}

TEST_F(MeasuredTest, FittedAndHeldOutShapesDoNotOverlap) {
  SKIP_WITHOUT_MEASUREMENTS();
  std::map<std::string, bool> fitted;
  size_t held_out = 0, fitted_rows = 0;
  const json backtest = Backtest();
  for (const json& row : backtest["rows"]) {
    // A chip with constants of its own; others are held out altogether.
    if (!row["counted"].get<bool>() || row["without_own_rows_us"].is_null()) {
      EXPECT_FALSE(row["fitted"].get<bool>());
      continue;
    }
    const std::string shape =
        row["M"].dump() + " " + row["N"].dump() + " " + row["K"].dump();
    const bool fits = row["fitted"];
    ++(fits ? fitted_rows : held_out);
    EXPECT_EQ(fitted.try_emplace(shape, fits).first->second, fits) << shape;
  }
  EXPECT_GT(held_out, fitted_rows / 2);
}

// ---------------------------------------------------------------------------
// The reader

constexpr char kHeader[] = "chip,dtype,M,N,K,sparsity,latency_us,use,flags\n";

class BacktestTest : public CliRun {
 protected:
  json Backtest(const std::string& csv) {
    Spill(Path("m.csv"), csv);
    const Outcome run = Run("project --json --backtest m.csv");
    EXPECT_EQ(run.code, 0) << run.err;
    return json::parse(run.out);
  }
  std::string RefusalOf(const std::string& csv) {
    Spill(Path("m.csv"), csv);
    return Refusal("$Z project --backtest m.csv");
  }
};

TEST_F(BacktestTest, PredictsWhatProjectPredicts) {
  const json backtest = Backtest(std::string(kHeader) +
                                 "b200,FP8_E4M3,512,1024,2048,dense,20,"
                                 "validate,\n");
  const json project = json::parse(
      Run("project --shape 512x1024x2048 --format e4m3fn --chips b200 --json")
          .out);
  EXPECT_NEAR(backtest["rows"][0]["predicted_us"].get<double>(),
              1e6 * project["rows"][0]["calibrated_time_s"].get<double>(),
              1e-9);
}

TEST_F(BacktestTest, FlagsAreConditions) {
  const auto predicted = [this](const std::string& flags) {
    return Backtest(std::string(kHeader) +
                    "b200,FP8_E4M3,8192,8192,8192,dense,400,validate,\"" +
                    flags + "\"\n")["rows"][0]["predicted_us"]
        .get<double>();
  };
  EXPECT_LT(predicted("short_run"), predicted(""));
  EXPECT_LT(predicted(""), predicted("sustained"));
  EXPECT_EQ(predicted("sustained"), predicted("short_run,sustained"));
  EXPECT_LT(predicted(""), predicted("cuda_graph,incl_act_quant"));
  EXPECT_LT(predicted(""), predicted("l2_warm_repeat"));
}

TEST_F(BacktestTest, OptionalColumnsAndQuotedFields) {
  const json rows = Backtest(
      "software,chip,dtype,M,N,K,sparsity,tflops\r\n"
      "\"a, \"\"b\"\"\",h100_sxm,BF16,1024,1024,1024,2:4,100\r\n\r\n")["rows"];
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_TRUE(rows[0]["counted"]);
  // 2 * 1024^3 / 100e12
  EXPECT_NEAR(rows[0]["measured_us"].get<double>(), 21.474836, 1e-5);
}

TEST_F(BacktestTest, ARowThatTheChipRefusesIsKeptAndSaysWhy) {
  const std::string csv = std::string(kHeader) +
                          "h100_sxm,NVFP4,64,64,64,dense,10,validate,\n"
                          "h100_sxm,BF16,64,64,64,4:16,10,validate,\n"
                          "h100_sxm,BF16,64,64,64,dense,3,validate,\n";
  const json backtest = Backtest(csv);
  EXPECT_THAT(backtest["rows"][0]["refused"].get<std::string>(),
              HasSubstr("does not multiply nvfp4"));
  EXPECT_THAT(backtest["rows"][1]["refused"].get<std::string>(),
              HasSubstr("4:16"));
  Spill(Path("m.csv"), csv);
  EXPECT_THAT(Run("project --backtest m.csv").out,
              AllOf(HasSubstr("1 rows refused"), HasSubstr("nvfp4")));
}

TEST_F(BacktestTest, AFileWithoutRowsHasNoGroups) {
  const json backtest = Backtest(kHeader);
  EXPECT_TRUE(backtest["rows"].empty());
  EXPECT_TRUE(backtest["groups"].empty());
}

TEST_F(BacktestTest, BadFilesSayWhere) {
  EXPECT_THAT(Refusal("$Z project --backtest none.csv"),
              HasSubstr("none.csv: No such file"));
  EXPECT_THAT(RefusalOf(""), HasSubstr("header"));
  EXPECT_THAT(RefusalOf("chip,dtype,M\nb200,BF16,1\n"),
              HasSubstr("no column 'N'; it has chip dtype M"));
  EXPECT_THAT(RefusalOf("chip,dtype,M,N,K,sparsity\n"),
              HasSubstr("latency_us"));
  const auto row = [](const std::string& text) { return kHeader + text; };
  EXPECT_THAT(RefusalOf(row("b200,BF16,1,1\n")),
              HasSubstr("line 2 has 4 fields, the header 9"));
  EXPECT_THAT(RefusalOf(row("b201,BF16,1,1,1,dense,1,,\n")),
              AllOf(HasSubstr("line 2, chip"), HasSubstr("'b201'"),
                    HasSubstr("h100_sxm")));
  EXPECT_THAT(RefusalOf(row("b200,FP9,1,1,1,dense,1,,\n")),
              AllOf(HasSubstr("line 2, dtype"), HasSubstr("NVFP4")));
  for (const char* bad : {"0", "-1", "1.5", "x", "", "1e30", "nan", "8 "}) {
    EXPECT_THAT(
        RefusalOf(row(std::string("b200,BF16,1,") + bad + ",1,dense,1,,\n")),
        HasSubstr("line 2, N"))
        << bad;
  }
  for (const char* bad : {"0", "-3", "inf", "fast"}) {
    EXPECT_THAT(
        RefusalOf(row(std::string("\nb200,BF16,1,1,1,dense,") + bad + ",,\n")),
        HasSubstr("line 3, latency_us"))
        << bad;
  }
  EXPECT_THAT(RefusalOf("chip,dtype,M,N,K,sparsity,tflops,chip_fraction\n"
                        "b200,BF16,1,1,1,dense,1,1.5\n"),
              HasSubstr("line 2, chip_fraction"));
}

}  // namespace
}  // namespace zeroulp
