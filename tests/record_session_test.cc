// SPDX-License-Identifier: Apache-2.0
// Mirrors tools/record/session.cc and matmuls.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/record_fake_gpu.h"
#include "tools/record/matmuls.h"
#include "tools/record/session.h"
#include "zeroulp/bundle.h"

namespace zeroulp::record {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

constexpr uint64_t kSeed = 1;
constexpr char kCase[] = "hopper.wgmma.e4m3fn.e4m3fn.f32.x4";

// Its library multiplies in the arithmetic of Hopper's instructions.
class LibraryGpu : public FakeGpu {
 public:
  using FakeGpu::FakeGpu;

  std::vector<uint32_t> Multiply(const Launch& launch) override {
    return FakeGpu::Multiply(launch);
  }
  MatmulResult Multiply(const Matmul& x) override {
    const MatmulForm& form = FormOf(x);
    const MatmulOperands operands = OperandsOf(form, kSeed);
    EXPECT_TRUE(std::equal(x.a.begin(), x.a.end(), operands.a.begin(),
                           operands.a.end()));
    MatmulResult result = {
        ComputeMatmul(form, operands, ArithOf(form, Chip::kHopper)), "cuBLASLt",
        "algorithm 1"};
    if (spoil) spoil(result.d);
    return result;
  }

 private:
  static const MatmulForm& FormOf(const Matmul& x) {
    for (const MatmulForm& form : MatmulForms()) {
      if (form.k == x.k && form.format_a == x.a_format &&
          form.format_b == x.b_format && form.out == x.out &&
          form.fast == x.fast && form.scales == x.scales) {
        return form;
      }
    }
    throw Error(ErrorCode::kUnknownName, "no such product");
  }
};

class RecordSessionTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "recordXXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    options_.out = name;
    options_.date = "2026-11-25";
    options_.version = "0.1.0";
    options_.seed = kSeed;
  }
  void TearDown() override { fs::remove_all(options_.out); }

  SessionResult RunIt() {
    return RecordSelection(options_, gpu_, [&](std::string_view line) {
      lines_.emplace_back(line);
    });
  }
  std::string Sentence() {
    try {
      RunIt();
    } catch (const Error& error) {
      return error.what();
    }
    ADD_FAILURE() << "accepted";
    return "";
  }

  SessionOptions options_;
  LibraryGpu gpu_{FindCase(kCase), kSeed, FindArith("hopper.wgmma.fp8.f32")};
  std::vector<std::string> lines_;
};

TEST(RecordList, HasEverythingOrASelection) {
  const std::vector<Listed> all = List({});
  EXPECT_GT(all.size(), 300u);
  for (const Listed& x : all) EXPECT_FALSE(x.decides.empty()) << x.name;
  const std::vector<Listed> some = List({"wgmma.sp", "cvt.rs.e2m1"});
  EXPECT_EQ(some.size(), 9u);
  EXPECT_EQ(some.back().instruction, "cvt.rs.satfinite.e2m1x4.f32");
}

TEST_F(RecordSessionTest, RecordsASelectionAndReports) {
  options_.only = {kCase};
  const SessionResult result = RunIt();
  EXPECT_EQ(result.recorded, 1);
  EXPECT_EQ(result.refused + result.skipped, 0);
  EXPECT_THAT(lines_, ElementsAre(AllOf(StartsWith(kCase),
                                        HasSubstr("128 rows, 0 differ"))));
  const fs::path path =
      fs::path(options_.out) / (std::string(kCase) + ".safetensors");
  EXPECT_TRUE(Verify(ReadBundle(path.string())).exact());
}

// The samples by the oracle: the device above is a kernel.
TEST_F(RecordSessionTest, ComparesProductsAndKeepsSamples) {
  options_.only = {"qkv.e4m3fn.e4m3fn.f32.fast",
                   "qkv.e4m3fn.e4m3fn.bf16.slow",
                   "qkv.e4m3fn.e4m3fn.f32.blocks",
                   "qkv.e4m3fn.e4m3fn.bf16.rows",
                   "qkv.f16.f16.f16",
                   "qkv.tf32"};
  EXPECT_EQ(RunIt().recorded, 6);
  for (const std::string& line : lines_) {
    EXPECT_THAT(line, HasSubstr("1572864 values, 0 differ; algorithm 1"));
  }
  int files = 0;
  for (const auto& entry : fs::directory_iterator(options_.out)) {
    const Bundle bundle = ReadBundle(entry.path().string());
    const VerifyResult result = Verify(bundle, {.oracle = true});
    EXPECT_TRUE(result.exact()) << entry.path();
    EXPECT_EQ(result.values, 64);
    EXPECT_NE(ReadCode(bundle.d->View(0), 3, 5), 0u) << "nothing was added";
    EXPECT_EQ(bundle.notes.at("zeroulp.digest").size(), 16u);
    ++files;
  }
  EXPECT_EQ(files, 6);
}

TEST_F(RecordSessionTest, AWordOfAProductThatDiffersIsCounted) {
  options_.only = {"qkv.e5m2.e4m3fn.f32.slow"};
  gpu_.spoil = [](std::vector<uint32_t>& d) { d[1'000'000] ^= 1; };
  EXPECT_EQ(RunIt().recorded, 1);
  EXPECT_THAT(lines_.at(0), HasSubstr("1572864 values, 1 differ"));
}

TEST_F(RecordSessionTest, WhatTheDeviceCannotDoIsReportedAndPassedOver) {
  options_.only = {"cvt.e4m3fn.f32", kCase};
  const SessionResult result = RunIt();
  EXPECT_EQ(result.recorded, 1);
  EXPECT_EQ(result.refused, 1);
  EXPECT_EQ(lines_.at(1), "hopper.cvt.e4m3fn.f32  not recorded: not here");
}

TEST_F(RecordSessionTest, NoCaseStartsAfterItsTime) {
  options_.only = {"wgmma"};
  options_.seconds = 0;
  const SessionResult result = RunIt();
  EXPECT_EQ(result.recorded, 0);
  EXPECT_GT(result.skipped, 20);
}

TEST_F(RecordSessionTest, ASelectionOfNothingAndUnknownChipsAreErrors) {
  options_.only = {"abacus"};
  EXPECT_EQ(Sentence(), "nothing to record on hopper is named like 'abacus'");
  gpu_.set_capability(7, 0);
  EXPECT_THAT(Sentence(),
              AllOf(HasSubstr("Fake GPU has compute capability 7.0"),
                    HasSubstr("hopper (9.0)")));
}

// What the owner of a Hopper commits: operands, words and positions.
TEST(RecordSizes, BundlesOfHopperStayBelowTwoMegabytes) {
  size_t bytes = 0;
  for (const Case& c : Cases()) {
    if (c.form->chip != Chip::kHopper) continue;
    const Bundle bundle = Generate(c, kSeed);
    bytes += bundle.a.bytes.size() + bundle.b_t.bytes.size() +
             2 * bundle.c->bytes.size() + bundle.a_index.size();
  }
  EXPECT_LT(bytes, 2'000'000u);
}

}  // namespace
}  // namespace zeroulp::record
