// SPDX-License-Identifier: Apache-2.0
// Mirrors tools/record/conversions.cc, and checks the files of conversions that
// were recorded on real GPUs, where there are any.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tools/record/conversions.h"
#include "zeroulp/codec.h"
#include "zeroulp/safetensors.h"

namespace zeroulp::record {
namespace {

using testing::AllOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr uint64_t kSeed = 1;

// Converts as the form's convention says, into words packed as the instruction
// packs them.
class ConvertingGpu : public Gpu {
 public:
  explicit ConvertingGpu(const ConversionForm& form) : form_(form) {}

  const GpuInfo& info() const override { return info_; }
  std::vector<uint32_t> Multiply(const Launch&) override { return {}; }
  MatmulResult Multiply(const Matmul&) override { return {}; }

  std::vector<uint32_t> Convert(std::string_view instruction, int per_call,
                                std::span<const uint32_t> sources,
                                std::span<const uint32_t> random) override {
    EXPECT_EQ(instruction, form_.instruction);
    const EncodeRules rules =
        ConventionRules(form_.convention, form_.target, form_.rounding);
    std::vector<uint32_t> words(sources.size() / static_cast<size_t>(per_call));
    for (size_t i = 0; i < sources.size(); ++i) {
      const size_t call = i / static_cast<size_t>(per_call);
      const auto element = i % static_cast<size_t>(per_call);
      RandomBits bits;
      if (!form_.layout.empty()) {
        const RandomLayout& layout =
            FindRandomLayout(form_.layout, form_.target);
        bits = {random[call] >> layout.shifts[element], layout.width};
      }
      const uint32_t code =
          Encode(form_.target, Decode(form_.source, sources[i]), rules, bits);
      words[call] |= code << (static_cast<uint32_t>(element) *
                              static_cast<uint32_t>(form_.target_bits));
    }
    return words;
  }

 private:
  const ConversionForm& form_;
  GpuInfo info_;
};

class RecordConversionsTest : public testing::Test {
 protected:
  void TearDown() override { fs::remove(path_); }
  // Of this test alone: ctest runs them side by side.
  const std::string path_ =
      (fs::path(testing::TempDir()) /
       (std::string(
            testing::UnitTest::GetInstance()->current_test_info()->name()) +
        ".safetensors"))
          .string();
};

TEST(RecordConversionForms, AreWhatConventionsState) {
  std::set<std::string_view> names;
  for (const ConversionForm& form : ConversionForms()) {
    EXPECT_TRUE(names.insert(form.name).second) << form.name;
    EXPECT_NO_THROW(
        ConventionRules(form.convention, form.target, form.rounding))
        << form.name;
    EXPECT_EQ(form.layout.empty(), form.rounding != Rounding::kStochastic);
    if (!form.layout.empty()) {
      EXPECT_EQ(FindRandomLayout(form.layout, form.target).elements,
                form.per_call)
          << form.name;
    }
    EXPECT_LE(form.per_call * form.target_bits, 32) << form.name;
  }
  const auto runs = [](std::string_view name, Chip chip) {
    for (const ConversionForm& form : ConversionForms()) {
      if (form.name == name) return RunsOn(form, chip);
    }
    return false;
  };
  EXPECT_TRUE(runs("cvt.e4m3fn.f32", Chip::kHopper));
  EXPECT_FALSE(runs("cvt.e2m1fn.f32", Chip::kHopper));
  EXPECT_TRUE(runs("cvt.e2m1fn.f32", Chip::kRtxBlackwell));
  EXPECT_FALSE(runs("cvt.rs.e4m3fn.f32", Chip::kRtxBlackwell));
}

TEST_F(RecordConversionsTest, EveryFormSurvivesItsFileAndChecks) {
  for (const ConversionForm& form : ConversionForms()) {
    ConvertingGpu gpu(form);
    const Conversions x = RecordConversions(form, kSeed, gpu);
    WriteConversions(path_, form, x, {{"zeroulp.device", "none"}});
    const ConversionReport report = CheckConversions(path_);
    EXPECT_EQ(report.differing, 0) << form.name << ": " << report.first;
    EXPECT_EQ(report.values, static_cast<int64_t>(x.source.size()));
    EXPECT_LT(fs::file_size(path_), 300'000u) << form.name;
  }
}

TEST_F(RecordConversionsTest, AFaultIsFoundAndNamed) {
  const ConversionForm& form = ConversionForms()[0];
  ConvertingGpu gpu(form);
  Conversions x = RecordConversions(form, kSeed, gpu);
  x.codes[100] ^= 1;
  x.codes[200] ^= 1;
  WriteConversions(path_, form, x, {});
  const ConversionReport report = CheckConversions(path_);
  EXPECT_EQ(report.differing, 2);
  EXPECT_THAT(report.first, AllOf(HasSubstr("element 100: f32 0x"),
                                  HasSubstr("became e4m3fn 0x")));
}

// The half-way points of the target, and what is a bit above and below them.
TEST(RecordConversionSources, HoldTheEdges) {
  const Conversions x = GenerateConversions(ConversionForms()[0], kSeed);
  const std::set<uint32_t> words(x.source.begin(), x.source.end());
  for (const float edge : {17.0f, 464.0f, 0x1p-10f, 0x1p-9f, 448.0f}) {
    const auto word = std::bit_cast<uint32_t>(edge);
    for (const uint32_t at : {word - 1, word, word + 1}) {
      EXPECT_TRUE(words.contains(at)) << edge;
      EXPECT_TRUE(words.contains(at | 0x80000000u)) << edge;
    }
  }
  EXPECT_TRUE(words.contains(0x7F800000u));
  EXPECT_TRUE(words.contains(0xFFFFFFFFu));
  EXPECT_TRUE(words.contains(0x80000000u));
}

TEST_F(RecordConversionsTest, OtherFilesAreRefused) {
  WriteSafetensors(path_, {}, {});
  try {
    CheckConversions(path_);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFile);
    EXPECT_THAT(error.what(), HasSubstr("zeroulp.conversion must be \"1\""));
  }
}

// tests/golden/hardware holds what real GPUs gave.
TEST(RecordedConversions, AreReproduced) {
  const fs::path folder =
      fs::path(ZEROULP_SOURCE_DIR) / "tests/golden/hardware";
  int checked = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().string().find(".cvt.") == std::string::npos) continue;
    const ConversionReport report = CheckConversions(entry.path().string());
    EXPECT_EQ(report.differing, 0) << entry.path() << ": " << report.first;
    ++checked;
  }
  EXPECT_EQ(checked, 8);
}

}  // namespace
}  // namespace zeroulp::record
