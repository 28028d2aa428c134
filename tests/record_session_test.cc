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

// Its library multiplies in the arithmetic of Hopper's FP8 instruction; only
// sampled elements, the others cost minutes.
class LibraryGpu : public FakeGpu {
 public:
  using FakeGpu::FakeGpu;

  std::vector<uint32_t> Multiply(const Launch& launch) override {
    return FakeGpu::Multiply(launch);
  }
  MatmulResult Multiply(const Matmul& x) override {
    MatmulResult result = {std::vector<uint32_t>(size_t(x.m * x.n)), "cuBLASLt",
                           "algorithm 1"};
    for (const MatmulForm& form : MatmulForms()) {
      if (form.k != x.k) continue;
      for (int64_t i = 0; i < form.samples; ++i) {
        for (int64_t j = 0; j < form.samples; ++j) {
          const int64_t row = i * x.m / form.samples + i;
          const int64_t col = j * x.n / form.samples + j;
          result.d[size_t(row * x.n + col)] = Element(x, row, col);
        }
      }
    }
    return result;
  }

 private:
  static uint32_t Element(const Matmul& x, int64_t row, int64_t col) {
    const auto line = [&](std::span<const uint8_t> codes, int64_t at) {
      return CodesView(codes.subspan(size_t(at * x.k), size_t(x.k)),
                       Format::kE4M3FN, 1, x.k);
    };
    float d = 0;
    reference::Gemm(
        line(x.a, row), line(x.b_t, col), {}, F32View(std::span(&d, 1), 1, 1),
        {.arith = "hopper.wgmma.fp8.f32", .alpha = x.a_scale * x.b_scale});
    return x.bf16_out ? Encode(Format::kBF16, d, Rounding::kNearestEven,
                               Overflow::kIeee)
                      : std::bit_cast<uint32_t>(d);
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

TEST_F(RecordSessionTest, RecordsSamplesOfProductsInBothOutputs) {
  options_.only = {"llama3-8b-qkv.f32.fast", "llama3-8b-qkv.bf16.slow"};
  EXPECT_EQ(RunIt().recorded, 2);
  for (const std::string& line : lines_) {
    EXPECT_THAT(line, HasSubstr("64 values, 0 differ; algorithm 1"));
  }
  int files = 0;
  for (const auto& entry : fs::directory_iterator(options_.out)) {
    EXPECT_TRUE(Verify(ReadBundle(entry.path().string())).exact());
    EXPECT_LT(entry.file_size(), 100'000u);
    ++files;
  }
  EXPECT_EQ(files, 2);
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
