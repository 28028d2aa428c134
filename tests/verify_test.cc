// SPDX-License-Identifier: Apache-2.0
// Mirrors tools/cmd_verify.cc, verify_report.cc and explain_arith.cc, through
// the built command line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/bundle_cases.h"
#include "tests/cli_fixture.h"
#include "zeroulp/bundle.h"

namespace zeroulp {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class VerifyTest : public CliTest {
 protected:
  void Write(const std::string& name, const Bundle& bundle) {
    WriteBundle((folder_ / name).string(), bundle);
  }

  // good, bad (words of another arithmetic), assumed, broken.
  void WriteAll() {
    Bundle bundle = make_.Dense("hopper.wgmma.fp8.f32", Format::kE4M3FN,
                                Format::kE4M3FN, 1, 4, 5, 128);
    bundle.d = Compute(bundle).d;
    Write("good", bundle);
    bundle.d = Compute(bundle, {.arith = "ada.fp8.f32"}).d;
    Write("bad", bundle);
    bundle.arith = "tpu7x.fp8.f32";
    bundle.d = Compute(bundle).d;
    Write("assumed", bundle);
    Spill(folder_ / "broken", "abacus");
  }

  // The report as Python's parser reads it: one line for each element, with
  // its attributes, then its text.
  std::string ParsedXml(const std::string& name) {
    const std::string script =
        "import sys, xml.etree.ElementTree as t\n"
        "for e in t.parse(sys.argv[1]).iter():\n"
        "  print(e.tag, sorted(e.attrib.items()), repr(e.text))\n";
    Spill(folder_ / "parse.py", script);
    const std::string command = "cd '" + folder_.string() +
                                "' && python3 parse.py " + name + " >parsed";
    EXPECT_EQ(std::system(command.c_str()), 0);
    return Slurp(folder_ / "parsed");
  }

  BundleMaker make_;
};

TEST_F(VerifyTest, TheWorstOfSeveralBundlesIsTheExitCode) {
  WriteAll();
  EXPECT_EQ(Run("verify good").code, 0);
  EXPECT_EQ(Run("verify good assumed").code, 3);
  EXPECT_EQ(Run("verify good assumed --allow-assumed").code, 0);
  EXPECT_EQ(Run("verify assumed bad good").code, 1);
  const Outcome outcome = Run("verify bad broken assumed good");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.out, AllOf(StartsWith("bad  "), HasSubstr("\ngood  ")));
  EXPECT_THAT(outcome.out, Not(HasSubstr("broken")));
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("zeroulp: broken: "),
                                 HasSubstr("zeroulp: assumed: tpu7x.fp8.f32 is "
                                           "assumed")));
  EXPECT_EQ(Run("verify").code, 2);
  EXPECT_EQ(Run("verify good --promote-every -1").code, 2);
  EXPECT_EQ(Run("verify good --promote-every 33").code, 2);
}

TEST_F(VerifyTest, ADifferenceIsExplained) {
  WriteAll();
  const Outcome outcome = Run("verify bad");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, IsEmpty());
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("  differences: "), HasSubstr(" to "),
                    HasSubstr("  accumulator of batch 0 row 0 column "),
                    HasSubstr("first to differ: 0x"),
                    HasSubstr("  all 20 values agree if the arithmetic is "
                              "ada.fp8.f32\n")));
  EXPECT_THAT(Run("verify bad --no-diagnosis").out,
              AllOf(HasSubstr("differences"), Not(HasSubstr("accumulator"))));
  EXPECT_EQ(Run("verify bad --arith ada.fp8.f32").code, 0);
}

TEST_F(VerifyTest, JsonHoldsTheDiagnosis) {
  WriteAll();
  const Outcome outcome = Run("verify good bad broken assumed --json -");
  EXPECT_EQ(outcome.code, 2);
  const json results = json::parse(outcome.out)["results"];
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(results[0]["exact"], true);
  EXPECT_FALSE(results[0].contains("diagnosis"));
  const json& bad = results[1];
  EXPECT_GT(bad["mismatches"], 0);
  EXPECT_FALSE(bad["ulp_histogram"].empty());
  const json& diagnosis = bad["diagnosis"];
  EXPECT_EQ(diagnosis["accumulator_step"], 32);
  EXPECT_EQ(diagnosis["accumulator"].size(), 4u);
  ASSERT_EQ(diagnosis["agrees_if"].size(), 1u);
  EXPECT_EQ(diagnosis["agrees_if"][0]["cause"], "arithmetic");
  EXPECT_EQ(diagnosis["agrees_if"][0]["values_checked"], 20);
  EXPECT_TRUE(diagnosis["agrees_if"][0]["accumulators_part"].contains("k"));
  EXPECT_THAT(std::string(results[2]["error"]), StartsWith("broken: "));
  EXPECT_THAT(std::string(results[3]["error"]), HasSubstr("is assumed"));
}

TEST_F(VerifyTest, JunitIsXmlWithACaseForEachBundle) {
  WriteAll();
  Spill(folder_ / "<&\"\x01\xFF>", "abacus");
  const Outcome outcome =
      Run("verify good bad '<&\"\x01\xFF>' assumed --junit report");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.out, StartsWith("good  "));
  const std::string xml = ParsedXml("report");
  EXPECT_THAT(xml, HasSubstr("testsuite [('errors', '2'), ('failures', '1'), "
                             "('name', 'zeroulp verify'), ('skipped', '0'), "
                             "('tests', '4')"));
  EXPECT_THAT(xml, HasSubstr("('name', 'good')"));
  EXPECT_THAT(xml, HasSubstr("all 20 values agree if the arithmetic is "
                             "ada.fp8.f32\\n"));
  EXPECT_THAT(xml, HasSubstr("('name', '<&\"?\xEF\xBF\xBD>')"));
  EXPECT_THAT(xml, HasSubstr("is assumed, no evidence backs it"));

  const Outcome piped = Run("verify good --junit -");
  EXPECT_THAT(piped.out, StartsWith("<?xml "));
  EXPECT_THAT(piped.out, Not(HasSubstr("\ngood")));
  EXPECT_THAT(Refusal("verify good --junit - --json -"),
              HasSubstr("cannot both"));
}

TEST_F(VerifyTest, PromotionIsAnOptionOfComputeAndVerify) {
  Bundle bundle = make_.Dense("hopper.wgmma.fp8.f32", Format::kE4M3FN,
                              Format::kE4M3FN, 1, 4, 5, 512);
  Write("b", bundle);
  EXPECT_EQ(Run("compute b -o b --promote-every 128").code, 0);
  EXPECT_EQ(Run("verify b --promote-every 128").code, 0);
  const Outcome outcome = Run("verify b");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("all 20 values agree if partial sums are "
                                     "promoted every 128 products\n"));
}

TEST_F(VerifyTest, BatchesScalesAndSparsityAreVerified) {
  Bundle bundle = make_.Scaled("blackwell.tcgen05.mxf8f6f4.f32",
                               Format::kE4M3FN, Format::kE8M0FNU, 32, 6, 6, 64);
  Write("scaled", bundle);
  bundle = make_.Dense("blackwell.tcgen05.f8f6f4.f16", Format::kE2M3FN,
                       Format::kE3M2FN, 3, 4, 5, 96);
  make_.MakeSparse(bundle, 4, 16);
  Write("sparse", bundle);
  for (const std::string name : {"scaled", "sparse"}) {
    ASSERT_EQ(Run("compute " + name + " -o " + name).code, 0);
  }
  const Outcome outcome = Run("verify scaled sparse");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("  36 values  0 mismatches  EXACT\n"),
                    HasSubstr("e2m3fn x e3m2fn  3 x 4 x 5 x 96  "),
                    HasSubstr("  60 values  0 mismatches  EXACT\n")));
}

TEST_F(VerifyTest, EveryArithmeticIsExplainedInWords) {
  for (const ArithInfo& row : kArith) {
    const std::string name(row.name);
    const Outcome text = Run("explain " + name);
    ASSERT_EQ(text.code, 0) << text.err;
    EXPECT_THAT(text.out, StartsWith(name + "\n"));
    for (const char* heading :
         {"Rule", "Zeros and specials", "Accepts", "Evidence", "Source",
          "Open questions", "Parameters"}) {
      EXPECT_THAT(text.out, HasSubstr(std::string("\n") + heading + "\n"));
    }
    const json parameters = json::parse(
        Run("explain " + name + " --json").out)["row"]["parameters"];
    EXPECT_EQ(parameters.value("chunk", 0), row.chunk);
    EXPECT_EQ(parameters.value("align_bits", 0), row.align_bits);
    EXPECT_EQ(parameters["flush_inputs"], row.flush_inputs);
    EXPECT_EQ(parameters["group"], row.group);
    EXPECT_THAT(Run("explain " + name + " --markdown").out,
                AllOf(StartsWith("## " + name + "\n\n**Rule.** "),
                      HasSubstr("| parameter | value |\n")));
  }
}

TEST_F(VerifyTest, ExplanationsHaveTheRowsOwnNumbers) {
  const std::string wgmma = Run("explain hopper.wgmma.fp8.f32").out;
  EXPECT_THAT(wgmma, AllOf(HasSubstr("Per 32 products"),
                           HasSubstr("multiple of 2^(E - 13)"),
                           HasSubstr("(at least -133)"),
                           HasSubstr("reproduces 26760608 words")));
  EXPECT_THAT(Run("explain trainium3.mx.f32").out,
              AllOf(HasSubstr("128 rows"), HasSubstr("--allow-assumed"),
                    HasSubstr("a block scale for every 32 elements")));
  EXPECT_THAT(Run("list arith --markdown").out,
              HasSubstr("| hopper.wgmma.fp8.f32 | e5m2 e4m3fn | f32 | 32 | 13 "
                        "| hardware | 26760608 |\n"));
}

}  // namespace
}  // namespace zeroulp
