// SPDX-License-Identifier: Apache-2.0
// Drives the built command line end to end: exit codes, streams, files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli_fixture.h"
#include "zeroulp/bundle.h"
#include "zeroulp/codec.h"

namespace zeroulp {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

TEST_F(CliTest, ComputeThenVerifyIsExact) {
  WriteInput();
  const Outcome computed = Run("compute b -o out");
  EXPECT_EQ(computed.code, 0) << computed.err;
  EXPECT_THAT(computed.err, IsEmpty());
  for (const char* how : {"kernel", "oracle"}) {
    const Outcome outcome =
        Run(std::string("verify out") + (*how == 'o' ? " --oracle" : ""));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "out  e4m3fn x e5m2  2 x 5 x 7 x 9  chain.f32  by " +
                               std::string(how) +
                               "  70 values  0 mismatches  EXACT\n");
    EXPECT_THAT(outcome.err, IsEmpty());
  }
}

TEST_F(CliTest, AFlippedBitDiffersAndIsNamed) {
  WriteInput();
  ASSERT_EQ(Run("compute b -o out").code, 0);
  Bundle bundle = ReadBundle((folder_ / "out").string());
  const uint32_t word = ReadCode(bundle.d->View(1), 3, 4);
  WriteCode(bundle.d->View(1), 3, 4, word ^ 1u);
  WriteBundle((folder_ / "out").string(), bundle);
  const Outcome outcome = Run("verify out --json report");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("  70 values  1 mismatches  DIFFERS\n"));
  EXPECT_THAT(outcome.out,
              HasSubstr("batch 1 row 3 column 4: expected " +
                        WordText(Format::kF32, word) + ", actual " +
                        WordText(Format::kF32, word ^ 1u) + ", 1 ulp\n"));

  const json report = json::parse(Slurp(folder_ / "report"));
  EXPECT_EQ(report["schema"], 1);
  EXPECT_EQ(report["results"][0]["mismatches"], 1);
  EXPECT_EQ(report["results"][0]["exact"], false);
  EXPECT_EQ(report["results"][0]["first_differences"][0]["column"], 4);
}

TEST_F(CliTest, AtMostEightDifferencesAreShown) {
  Bundle bundle = MakeBundle();
  bundle.d = BundleMatrix::Zeros(Format::kF32, Dtype::kF32, 2, 5, 7);
  WriteBundle((folder_ / "b").string(), bundle);
  const Outcome outcome = Run("verify b");
  EXPECT_EQ(outcome.code, 1);
  int lines = 0;
  for (size_t at = 0; (at = outcome.out.find("\n  batch ", at)) < SIZE_MAX;
       ++at) {
    ++lines;
  }
  EXPECT_EQ(lines, 8);
}

TEST_F(CliTest, SeveralBundlesGiveALineEach) {
  WriteInput();
  ASSERT_EQ(Run("compute b -o out").code, 0);
  Outcome outcome = Run("verify out out");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 2);
  outcome = Run("verify out none out --json report");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 2);
  EXPECT_THAT(outcome.err, HasSubstr("none: cannot be opened"));
  const json results = json::parse(Slurp(folder_ / "report"))["results"];
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0]["exact"], true);
  EXPECT_THAT(std::string(results[1]["error"]), HasSubstr("cannot be opened"));
  EXPECT_EQ(results[2]["exact"], true);
}

TEST_F(CliTest, DashIsStandardInputAndOutput) {
  WriteInput();
  const Outcome computed = Run("compute - -o -", Slurp(folder_ / "b"));
  ASSERT_EQ(computed.code, 0) << computed.err;
  const Outcome verified = Run("verify - --json -", computed.out);
  EXPECT_EQ(verified.code, 0) << verified.err;
  EXPECT_EQ(json::parse(verified.out)["results"][0]["exact"], true);
}

TEST_F(CliTest, ABundleCanBeCompletedInPlace) {
  WriteInput();
  EXPECT_EQ(Run("compute b -o b --arith exact.f32").code, 0);
  EXPECT_EQ(Run("verify b").code, 0);
  EXPECT_EQ(ReadBundle((folder_ / "b").string()).arith, "exact.f32");
}

TEST_F(CliTest, AssumedArithmeticNeedsConsent) {
  Bundle bundle = MakeBundle();
  bundle.a = bundle.b_t;  // both e5m2
  WriteBundle((folder_ / "b").string(), bundle);
  const auto before = Listing();
  Outcome outcome = Run("compute b -o out --arith trainium.f32");
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("--allow-assumed"));
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_EQ(Listing(), before);
  EXPECT_EQ(Run("compute b -o out --arith trainium.f32 --allow-assumed").code,
            0);
  EXPECT_EQ(Run("verify out").code, 3);
  outcome = Run("verify out --allow-assumed");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("trainium.f32 (assumed)  by"));
}

TEST_F(CliTest, BadBundlesAreRefused) {
  WriteInput();
  Spill(folder_ / "short", Slurp(folder_ / "b").substr(0, 200));
  EXPECT_THAT(Refusal("verify short"), HasSubstr("short: the header claims"));
  EXPECT_THAT(Refusal("verify b"), HasSubstr("has no tensor 'd'"));
  EXPECT_THAT(Refusal("compute short -o out"), HasSubstr("short: "));
  EXPECT_THAT(Refusal("compute b -o out --arith abacus"),
              HasSubstr("no arithmetic is named 'abacus'; known: exact.f32"));
  EXPECT_THAT(Refusal("compute b -o no/folder/out"),
              HasSubstr("cannot be written"));
  EXPECT_THAT(Refusal("verify b --threads -1"), HasSubstr("--threads"));
  EXPECT_THAT(Refusal("verify b --promote-every -1"),
              HasSubstr("--promote-every: -1 must not be negative; zeroulp "
                        "verify --help tells more"));
  EXPECT_THAT(Refusal("compute b"), HasSubstr("--output is required"));
  EXPECT_THAT(Refusal("abacus"),
              HasSubstr("no command is named 'abacus'; known: demo list"));
  EXPECT_THAT(Refusal(""), HasSubstr("known: demo list"));
  EXPECT_THAT(Refusal("--abacus"), HasSubstr("known: demo list"));
}

TEST_F(CliTest, EveryCodeSurvivesDecodeAndEncode) {
  for (const FormatInfo& format : kFormats) {
    if (format.bits > 16) continue;
    const size_t size = format.storage_bits == 16 ? 2 : 1;
    std::string codes;
    for (uint32_t code = 0; code < format.num_codes(); ++code) {
      // NaN payloads are not kept, and there is one NaN code only to return.
      if (std::isnan(Decode(format, code))) continue;
      codes.append(reinterpret_cast<const char*>(&code), size);
    }
    const std::string name(format.name);
    const Outcome decoded = Run("decode --from " + name, codes);
    ASSERT_EQ(decoded.code, 0) << decoded.err;
    ASSERT_EQ(decoded.out.size(), codes.size() / size * 4) << name;
    for (const char* overflow : {"saturate", "ieee"}) {
      // Infinities saturate.
      if (format.has_infinity() && *overflow == 's') continue;
      const Outcome encoded =
          Run("encode --to " + name + " --rounding rz --overflow " + overflow,
              decoded.out);
      ASSERT_EQ(encoded.code, 0) << encoded.err;
      EXPECT_EQ(encoded.out, codes) << name << " " << overflow;
    }
  }
}

TEST_F(CliTest, EncodeFollowsItsOptions) {
  const float values[] = {1.0f, 449, 1e9f, -1e9f, 17.0f, -0.0f};
  const std::string input(reinterpret_cast<const char*>(values), sizeof values);
  const auto encode = [&](const std::string& options) {
    const Outcome outcome = Run("encode --to e4m3fn " + options, input);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_THAT(outcome.err, IsEmpty());
    return outcome.out;
  };
  EXPECT_EQ(encode("--rounding rne --overflow saturate"),
            std::string("\x38\x7E\x7E\xFE\x58\x80", 6));
  EXPECT_EQ(encode("--rounding rne --overflow ieee"),
            std::string("\x38\x7E\x7F\xFF\x58\x80", 6));
  EXPECT_EQ(encode("--rounding ru --overflow saturate"),
            std::string("\x38\x7E\x7E\xFE\x59\x80", 6));
}

TEST_F(CliTest, FourBitStreamsCanBePacked) {
  const float values[] = {0.5f, 1.0f, -6.0f, 0.0f};
  const std::string input(reinterpret_cast<const char*>(values), sizeof values);
  const Outcome bytes = Run("encode --to e2m1fn", input);
  EXPECT_EQ(bytes.out, std::string("\x01\x02\x0F\x00", 4));
  const Outcome packed = Run("encode --to e2m1fn --packed", input);
  EXPECT_EQ(packed.out, "\x21\x0F");
  EXPECT_EQ(Run("decode --from e2m1fn --packed", packed.out).out, input);
  EXPECT_EQ(Run("decode --from e2m1fn", bytes.out).out, input);
  EXPECT_THAT(Refusal("decode --from e2m1fn", packed.out),
              HasSubstr("byte 0 is 0x21, e2m1fn codes end at 0xf; is the "
                        "input --packed?"));
  EXPECT_THAT(Refusal("encode --to e2m1fn --packed", input.substr(4)),
              HasSubstr("an even number of values, the input has 3"));
  EXPECT_THAT(Refusal("encode --to e5m2 --packed", input),
              HasSubstr("--packed is for 4-bit formats"));
}

TEST_F(CliTest, StreamsLongerThanAChunkAreWhole) {
  const size_t count = (size_t{1} << 16) * 3 + 1;
  const std::string input(4 * count, '\0');
  const Outcome outcome = Run("encode --to e5m2", input);
  EXPECT_EQ(outcome.out, std::string(count, '\0'));
  EXPECT_EQ(Run("decode --from e5m2", outcome.out).out, input);
  EXPECT_THAT(Refusal("encode --to e5m2", input + "x"),
              HasSubstr("the input has 786437 bytes, which is no multiple"));
  EXPECT_THAT(Refusal("decode --from f16", "abc"),
              HasSubstr("the input has 3 bytes, which is no multiple of 2"));
  EXPECT_EQ(Run("encode --to e5m2", "").code, 0);
}

TEST_F(CliTest, UnknownNamesListWhatExists) {
  EXPECT_THAT(Refusal("encode --to e9m9"), HasSubstr("known: e5m2 e4m3fn"));
  EXPECT_THAT(Refusal("encode --to e5m2 --rounding up"),
              HasSubstr("no rounding is named 'up'; known: rne rz"));
  EXPECT_THAT(Refusal("encode --to e5m2 --overflow wrap"),
              HasSubstr("known: saturate ieee"));
  EXPECT_THAT(Refusal("list abacuses"), HasSubstr("known: formats blocks"));
  const std::string known = Refusal("explain abacus");
  EXPECT_THAT(known, HasSubstr("chain.f32"));
  std::istringstream kernels(known.substr(known.find("kernels: ")));
  std::set<std::string> seen;  // a kernel has a row for each way to compute
  for (std::string name; kernels >> name;) {
    EXPECT_TRUE(seen.insert(name).second) << known;
  }
  EXPECT_GT(seen.size(), 5u) << known;
  EXPECT_THAT(Refusal("project --shape 1x1x1 --format e4m3fn --chips abacus"),
              HasSubstr("known: trainium1"));
}

TEST_F(CliTest, BareE4M3IsNotedOnStandardError) {
  const Outcome outcome = Run("decode --from e4m3", "\x77");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("largest value 240"));
  float value = 0;
  ASSERT_EQ(outcome.out.size(), sizeof value);
  std::memcpy(&value, outcome.out.data(), sizeof value);
  EXPECT_EQ(value, 240);
}

TEST_F(CliTest, EveryRowIsListedAndExplained) {
  const std::pair<const char*, const char*> tables[] = {
      {"formats", "name"}, {"blocks", "name"}, {"arith", "name"},
      {"chips", "id"},     {"systems", "id"},  {"kernels", "name"}};
  for (const auto& [table, key] : tables) {
    const std::string list = std::string("list ") + table;
    const Outcome outcome = Run(list + " --json");
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const json listed = json::parse(outcome.out);
    EXPECT_EQ(listed["schema"], 1);
    EXPECT_FALSE(listed["rows"].empty());
    const std::string text = Run(list).out,
                      markdown = Run(list + " --markdown").out;
    for (const json& row : listed["rows"]) {
      const std::string name = row[key];
      EXPECT_THAT(text, HasSubstr(name + " "));
      EXPECT_THAT(markdown, HasSubstr("| " + name + " |"));
    }
    const std::string name = listed["rows"][0][key];
    const Outcome explained = Run("explain " + name + " --json");
    EXPECT_EQ(json::parse(explained.out)["row"], listed["rows"][0]);
    EXPECT_THAT(Run("explain " + name).out, HasSubstr(name));
  }
}

TEST_F(CliTest, ABlockFormatIsExplainedWithItsScaleRules) {
  const json row = json::parse(Run("explain mxfp8 --json").out)["row"];
  EXPECT_EQ(row["name"], "mxfp8_e4m3fn");
  EXPECT_EQ(row["block"], "1 x 32");
  EXPECT_EQ(row["scale_modes"], "floor ceil even rceil trn3");
  EXPECT_EQ(row["rules"].size(), 5u);
  EXPECT_THAT(Run("explain nvfp4 --markdown").out,
              HasSubstr("S = min(2688 / amax"));
}

// Prose breaks; addresses and formulas without a space do not.
TEST_F(CliTest, ExplanationsFitAScreen) {
  for (const char* name : {"b200", "trn3_ultraserver", "nvfp4", "e4m3fn"}) {
    std::istringstream lines(Run(std::string("explain ") + name).out);
    for (std::string line; std::getline(lines, line);) {
      if (line.size() <= 78) continue;
      const size_t value = line.find_last_of(' ') + 1;
      EXPECT_LE(value, 40u) << line;
    }
  }
}

TEST_F(CliTest, AReportThatCannotBeWrittenIsKnownBeforeTheWork) {
  WriteInput();
  ASSERT_EQ(Run("compute b -o out").code, 0);
  for (const char* report : {"--json", "--junit"}) {
    EXPECT_THAT(Refusal(std::string("verify out ") + report + " no/folder/r"),
                HasSubstr("no/folder/r: cannot be written"));
  }
  EXPECT_THAT(Refusal("verify out --json r --junit r"),
              HasSubstr("cannot both be written to r"));
  EXPECT_THAT(Refusal("quantize b --format nvfp4 -o q --json no/folder/r"),
              HasSubstr("no/folder/r: cannot be written"));
  EXPECT_THAT(Refusal("quantize b --format nvfp4 -o q --json q"),
              HasSubstr("-o and --json cannot both be q"));
}

TEST_F(CliTest, ProjectionsAreTablesAndJson) {
  const std::string project =
      "project --shape 4096x4096x4096 --format e4m3fn --chips trainium3,b200";
  const Outcome text = Run(project);
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("projected TFLOP/s"));
  const json rows = json::parse(Run(project + " --json").out)["rows"];
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["target"], "trainium3");
  EXPECT_FALSE(rows[0]["assumptions"].empty());
  EXPECT_THAT(Refusal("project --shape 4096x4096 --format e4m3fn"),
              HasSubstr("--shape takes MxNxK"));
  EXPECT_THAT(Refusal("project --shape 0x1x1 --format e4m3fn"), HasSubstr("0"));
}

TEST_F(CliTest, DemoProvesASyntheticLayer) {
  const Outcome outcome = Run("demo --tokens 3");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("synthetic"));
  EXPECT_THAT(outcome.out, HasSubstr("4608 values  0 mismatches  EXACT"));
  EXPECT_THAT(outcome.out, HasSubstr("GFLOP/s"));
  EXPECT_THAT(outcome.out, HasSubstr("trainium3"));
  EXPECT_THAT(outcome.out, testing::Not(HasSubstr("\x1b")));
}

TEST_F(CliTest, DemoTakesALayerAndEmbeddingsFromAFile) {
  std::vector<float> words(20 * 16), layer(8 * 16);
  for (size_t i = 0; i < words.size(); ++i) {
    words[i] = std::sin(static_cast<float>(i));
  }
  for (size_t i = 0; i < layer.size(); ++i) {
    layer[i] = std::cos(static_cast<float>(i));
  }
  const auto tensor = [](const char* name, const std::vector<float>& values,
                         int64_t rows) {
    TensorData data;
    data.info.name = name;
    data.info.dtype = Dtype::kF32;
    data.info.shape = {rows, 16};
    data.bytes = std::as_bytes(std::span(values));
    return data;
  };
  const std::string path = (folder_ / "model").string();
  WriteSafetensors(path,
                   {{tensor("word_embeddings.weight", words, 20),
                     tensor("mlp.fc1.weight", layer, 8)}},
                   {});
  const Outcome outcome = Run("demo --weights model --tokens 5");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("mlp.fc1.weight of model, F32"));
  EXPECT_THAT(outcome.out, HasSubstr("the model's own embeddings, word rows"));
  EXPECT_THAT(outcome.out, HasSubstr("40 values  0 mismatches  EXACT"));
  EXPECT_THAT(Refusal("demo --weights model --tensor none"),
              HasSubstr("no tensor is named 'none'"));
  EXPECT_THAT(Refusal("demo --tensor x"), HasSubstr("--weights"));

  layer[3] = NAN;
  WriteSafetensors(path, {{tensor("w", layer, 8)}}, {});
  EXPECT_THAT(Refusal("demo --weights model"),
              HasSubstr("tensor 'w': element 3 is no finite binary32"));
}

TEST_F(CliTest, LostOutputIsAnError) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  WriteInput();
  ASSERT_EQ(Run("compute b -o out").code, 0);
  for (const char* command :
       {"--help", "list formats", "verify out", "verify out --json -",
        "compute b -o -", "inspect b",
        "project --shape 16x16x16 --format e4m3fn"}) {
    const Outcome full = Run(std::string(command) + " >/dev/full");
    EXPECT_EQ(full.code, 2) << command;
    EXPECT_THAT(full.err, testing::ContainsRegex(
                              "^zeroulp: standard output:? cannot be written: "
                              "No space left on device\n$"))
        << command;
  }
}

// The file would be opened as standard output, and get what is printed.
TEST_F(CliTest, AClosedStreamIsNotTheFileOpenedNext) {
  WriteInput();
  ASSERT_EQ(Run("compute b -o expected").code, 0);
  for (const char* closed : {">&-", "<&-", "2>&-", ">&- <&- 2>&-"}) {
    Shell(std::string("$Z compute b -o out ") + closed);
    EXPECT_EQ(Slurp(folder_ / "out"), Slurp(folder_ / "expected")) << closed;
    fs::remove(folder_ / "out");
  }
  EXPECT_THAT(Refusal("verify - <&-"),
              HasSubstr("standard input: cannot be read: Bad file descriptor"));
}

TEST_F(CliTest, HelpAndVersionAreResults) {
  EXPECT_THAT(Run("--help").out, HasSubstr("verify"));
  EXPECT_EQ(Run("verify --help").code, 0);
  EXPECT_EQ(Run("--version").code, 0);
}

}  // namespace
}  // namespace zeroulp
