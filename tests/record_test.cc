// SPDX-License-Identifier: Apache-2.0
// Mirrors tools/record/: cases, rows and what is made of a device's words, all
// on a device that the oracle stands in for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/record_fake_gpu.h"
#include "tests/refusal.h"
#include "tools/record/cases.h"
#include "tools/record/launch.h"
#include "tools/record/recorder.h"
#include "tools/record/rivals.h"
#include "tools/record/rows.h"
#include "zeroulp/bundle.h"
#include "zeroulp/codec.h"

namespace zeroulp::record {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
namespace fs = std::filesystem;

constexpr uint64_t kSeed = 1;

// One case of every form, the chained ones first: enough to see all of the
// generator without the time of 200 cases.
std::vector<const Case*> OneCasePerForm() {
  std::map<const Form*, const Case*> cases;
  for (const Case& c : Cases()) {
    if (c.form->chip == Chip::kHopper || c.form->unit == Unit::kTcgen05) {
      cases.emplace(c.form, &c);
    }
  }
  std::vector<const Case*> list;
  for (const auto& [form, c] : cases) list.push_back(c);
  return list;
}

TEST(RecordCases, NamesDifferAndRowsOfArithmeticTakeTheFormats) {
  std::set<std::string> names;
  for (const Case& c : Cases()) {
    EXPECT_TRUE(names.insert(c.name).second) << c.name;
    const ArithInfo& arith = FindArith(c.form->arith);
    EXPECT_TRUE(arith.a.contains(c.a)) << c.name;
    EXPECT_TRUE(arith.b.contains(c.b)) << c.name;
    EXPECT_EQ(arith.output, c.form->out) << c.name;
    EXPECT_FALSE(c.form->decides.empty()) << c.name;
    EXPECT_THAT(c.instruction, Not(HasSubstr("{")));
    if (c.form->block != 0) {
      EXPECT_TRUE(arith.scales.contains(c.form->scale)) << c.name;
    }
  }
  EXPECT_TRUE(names.contains("hopper.wgmma.e4m3fn.e5m2.f32")) << names.size();
  EXPECT_TRUE(names.contains("hopper.wgmma.sp.e5m2.e5m2.f32.x4"));
}

TEST(RecordCases, ChipsByComputeCapability) {
  EXPECT_EQ(FindChip(8, 9)->id, Chip::kAda);
  EXPECT_EQ(FindChip(9, 0)->id, Chip::kHopper);
  EXPECT_EQ(FindChip(10, 3)->id, Chip::kBlackwell);
  EXPECT_EQ(FindChip(12, 0)->id, Chip::kRtxBlackwell);
  EXPECT_EQ(FindChip(8, 6), nullptr);
  EXPECT_EQ(FindChip(11, 0), nullptr);
}

TEST(RecordRows, TheSameSeedGivesTheSameBundleAndAnotherAnother) {
  const Case& c = FindCase("hopper.wgmma.e4m3fn.e5m2.f32");
  const Bundle one = Generate(c, 1), again = Generate(c, 1),
               other = Generate(c, 2);
  EXPECT_EQ(one.a.bytes, again.a.bytes);
  EXPECT_EQ(one.b_t.bytes, again.b_t.bytes);
  EXPECT_EQ(one.c->bytes, again.c->bytes);
  EXPECT_NE(one.a.bytes, other.a.bytes);
}

TEST(RecordRows, EveryFormGivesBundlesThatTheirArithmeticComputes) {
  for (const Case* c : OneCasePerForm()) {
    const Bundle bundle = Generate(*c, kSeed);
    EXPECT_EQ(bundle.batch(), c->rows) << c->name;
    EXPECT_NO_THROW(Compute(bundle, {.oracle = true})) << c->name;
  }
}

TEST(RecordRows, KindsCoverTheRowsInOrder) {
  EXPECT_EQ(KindOf(0, 512).id, RowKind::kCount);
  EXPECT_EQ(KindOf(31, 512).id, RowKind::kCount);
  EXPECT_EQ(KindOf(32, 512).id, RowKind::kOneHot);
  EXPECT_EQ(KindOf(511, 512).id, RowKind::kDeciding);
  EXPECT_THAT(KindsText(512), AllOf(HasSubstr("count 0-31, one-hot 32-95, "),
                                    HasSubstr("deciding 448-511")));
}

// The one-hot rows must tell a permuted K: every stored position is hot in one.
TEST(RecordRows, OneHotRowsVisitEveryPosition) {
  for (const Case* c : OneCasePerForm()) {
    if (c->steps != 1) continue;
    const Bundle bundle = Generate(*c, kSeed);
    std::set<int64_t> hot;
    for (int64_t row = 0; row < c->rows; ++row) {
      if (KindOf(row, c->rows).id != RowKind::kOneHot) continue;
      for (int64_t k = 0; k < bundle.a.cols; ++k) {
        if (ReadCode(bundle.a.View(row), 0, k) != 0) hot.insert(k);
      }
    }
    const auto rows = static_cast<size_t>(c->rows / 8);
    EXPECT_EQ(hot.size(), std::min(rows, static_cast<size_t>(bundle.a.cols)))
        << c->name;
  }
}

// The questions of the specification: a row changed as its rival would have it
// must be told from the arithmetic by the rows generated for it.
TEST(RecordRivals, TheRowsTellThemApart) {
  const std::map<std::string, std::vector<std::string>> told = {
      {"hopper.wgmma.e4m3fn.e4m3fn.f32",
       {"align_bits 12", "align_bits 14", "16 products a step",
        "steps round to nearest even", "steps keep 23 fraction bits"}},
      {"hopper.wgmma.e4m3fn.e5m2.f16", {"align_bits 12", "align_bits 14"}},
      {"hopper.wgmma.e4m3fn.e4m3fn.f32.x4", {"64 products a step"}},
      {"hopper.mma.e4m3fn.e4m3fn.f32",
       {"one fused step with c, not split", "align_bits 24"}},
      {"hopper.wgmma.bf16.bf16.f32",
       {"no exponent floor", "exponent floor -132", "exponent floor -126",
        "align_bits 24", "align_bits 26"}},
      {"hopper.wgmma.tf32.tf32.f32",
       {"no exponent floor", "4 products a step"}},
      {"hopper.wgmma.f16.f16.f16", {"no exponent floor", "exponent floor -20"}},
      {"hopper.wgmma.sp.e4m3fn.e4m3fn.f32", {"align_bits 12"}},
      {"sm120.mma.nv4.e2m1fn.e2m1fn.f32", {"align_bits 25", "align_bits 34"}},
      {"blackwell.tcgen05.mx.e4m3fn.e4m3fn.f32",
       {"exponent floor -133", "align_bits 24"}},
  };
  for (const auto& [name, texts] : told) {
    const Case& c = FindCase(name);
    Bundle bundle = Generate(c, kSeed);
    bundle.d = Compute(bundle, {.oracle = true}).d;
    const Verdict verdict = Judge(c, bundle);
    EXPECT_EQ(verdict.differing, 0) << name;
    for (const std::string& text : texts) {
      EXPECT_THAT(verdict.alive, Not(Contains(HasSubstr(text + " ("))))
          << name << ToText(verdict);
    }
  }
}

Provenance Here() {
  return {{"Fake GPU", 9, 0, "13.1", "13.0"}, "2026-11-25", "0.1.0", kSeed};
}

TEST(Recorder, WritesABundleThatVerifies) {
  const Case& c = FindCase("hopper.wgmma.sp.e4m3fn.e5m2.f32");
  FakeGpu gpu(c, kSeed, FindArith(c.form->arith));
  const Bundle bundle = Record(c, Here(), gpu);
  const fs::path path = fs::path(::testing::TempDir()) / "record.safetensors";
  WriteBundle(path.string(), bundle);
  const Bundle read = ReadBundle(path.string());
  EXPECT_TRUE(Verify(read).exact());
  EXPECT_THAT(read.warnings, IsEmpty());
  const Metadata& notes = read.notes;
  EXPECT_EQ(notes.at("zeroulp.device"), "Fake GPU, compute capability 9.0");
  EXPECT_EQ(notes.at("zeroulp.driver"), "13.1");
  EXPECT_EQ(notes.at("zeroulp.toolkit"), "13.0");
  EXPECT_EQ(notes.at("zeroulp.date"), "2026-11-25");
  EXPECT_THAT(notes.at("zeroulp.source"), HasSubstr("case hopper.wgmma.sp."));
  EXPECT_THAT(notes.at("zeroulp.decides"), HasSubstr("10.4"));
  EXPECT_THAT(notes.at("zeroulp.instruction"),
              HasSubstr("m64n8k64.f32.e4m3.e5m2"));
  fs::remove(path);
}

std::string Refusal(const Case& c, FakeGpu& gpu) {
  return testing::Refusal(ErrorCode::kUnsupported,
                          [&] { Record(c, Here(), gpu); });
}

// What Record holds a device to, every arithmetic fulfils: of all chips,
// formats and numbers of steps.
TEST(Recorder, AcceptsEveryArithmetic) {
  for (const Case& c : Cases()) {
    if (c.a != c.b && c.form->unit == Unit::kMma) continue;  // time
    FakeGpu gpu(c, kSeed, FindArith(c.form->arith));
    EXPECT_NO_THROW(Record(c, Here(), gpu)) << c.name;
  }
}

TEST(Recorder, RefusesElementsThatDiffer) {
  const Case& c = FindCase("hopper.wgmma.e5m2.e5m2.f16");
  FakeGpu gpu(c, kSeed, FindArith(c.form->arith));
  gpu.spoil = [](auto& words) { words[FakeGpu::kCopies * 100 + 3] ^= 1; };
  EXPECT_THAT(Refusal(c, gpu),
              AllOf(HasSubstr(c.name), HasSubstr("row 100: equal rows of A"),
                    HasSubstr("in element 3")));
}

TEST(Recorder, RefusesAKernelWhoseExactRowsAreWrong) {
  const Case& c = FindCase("hopper.mma.bf16.bf16.f32");
  FakeGpu gpu(c, kSeed, FindArith(c.form->arith));
  gpu.spoil = [](auto& words) {
    for (int i = 0; i < FakeGpu::kCopies; ++i) {
      words[static_cast<size_t>(FakeGpu::kCopies * 20 + i)] ^= 1;
    }
  };
  EXPECT_THAT(Refusal(c, gpu), HasSubstr("row 20 (one-hot) must be "));
}

TEST(Recorder, RefusesAWordCountThatIsNoMultiple) {
  const Case& c = FindCase("hopper.mma.bf16.bf16.f32");
  FakeGpu gpu(c, kSeed, FindArith(c.form->arith));
  gpu.spoil = [](auto& words) { words.pop_back(); };
  EXPECT_THAT(Refusal(c, gpu), HasSubstr("1023 words for 256 rows"));
}

// A device with another arithmetic: found, and named.
TEST(Recorder, TheVerdictNamesTheRivalThatTheDeviceIs) {
  const Case& c = FindCase("sm120.mma.nv4.e2m1fn.e2m1fn.f32");
  ArithInfo row = FindArith(c.form->arith);
  row.align_bits = 25;
  FakeGpu gpu(c, kSeed, row);
  const Verdict verdict = Judge(c, Record(c, Here(), gpu));
  EXPECT_GT(verdict.differing, 0);
  EXPECT_THAT(verdict.alive, Contains("align_bits 25 (0)"));
  EXPECT_THAT(ToText(verdict),
              AllOf(HasSubstr("512 rows, "), HasSubstr("differ: ")));
}

}  // namespace
}  // namespace zeroulp::record
