// SPDX-License-Identifier: Apache-2.0
// Mirrors include/zeroulp/chips.h and the tables in profiles/.
#include "zeroulp/chips.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/chip_cases.h"
#include "zeroulp/arithmetic.h"
#include "zeroulp/formats.h"
#include "zeroulp/sparsity.h"

namespace zeroulp {
namespace {

using testing::HasSubstr;

// Every figure of a row, by name.
std::vector<std::pair<std::string, Quantity>> Figures(const ChipInfo& c) {
  std::vector<std::pair<std::string, Quantity>> all = {
      {"memory.capacity_gib", c.memory.capacity_gib},
      {"memory.capacity_gbytes", c.memory.capacity_gbytes},
      {"memory.bandwidth_gbytes_per_s", c.memory.bandwidth_gbytes_per_s},
      {"memory.stacks", c.memory.stacks},
      {"power_w", c.power_w},
      {"clocks.tensor_ghz", c.clocks.tensor_ghz},
      {"clocks.boost_ghz", c.clocks.boost_ghz},
      {"clocks.vector_ghz", c.clocks.vector_ghz},
      {"clocks.scalar_ghz", c.clocks.scalar_ghz},
      {"clocks.gpsimd_ghz", c.clocks.gpsimd_ghz},
      {"engine.units", c.engine.units},
      {"engine.matrix_engines", c.engine.matrix_engines},
      {"link.gbytes_per_s", c.link.gbytes_per_s},
      {"link.domain_chips", c.link.domain_chips},
      {"link.dma_gbytes_per_s", c.link.dma_gbytes_per_s}};
  for (const ChipPeak& p : c.peaks) {
    const std::string label(p.label);
    all.push_back({label + " dense", p.dense_tflops});
    all.push_back({label + " sparse", p.sparse_tflops});
    all.push_back({label + " index bits", p.sparse_index_bits});
    all.push_back({label + " matmul", p.matmul_tflops});
    all.push_back({label + " matmul sparse", p.matmul_sparse_tflops});
  }
  for (const ChipSram& s : c.sram) {
    all.push_back({std::string(s.name), s.size_kib});
  }
  for (const Price& p : c.prices) {
    all.push_back({"usd_per_hour", p.usd_per_hour});
    all.push_back({"usd_capex", p.usd_capex});
  }
  return all;
}

std::vector<std::pair<std::string, Quantity>> Figures(const SystemInfo& s) {
  std::vector<std::pair<std::string, Quantity>> all = {
      {"chips", s.chips},
      {"memory_gib", s.memory_gib},
      {"memory_gbytes", s.memory_gbytes},
      {"memory_gbytes_per_s", s.memory_gbytes_per_s},
      {"network_gbits_per_s", s.network_gbits_per_s},
      {"power_w", s.power_w}};
  for (const SystemPeak& p : s.peaks) {
    all.push_back({std::string(p.label) + " dense", p.dense_pflops});
    all.push_back({std::string(p.label) + " sparse", p.sparse_pflops});
  }
  for (const Price& p : s.prices) {
    all.push_back({"usd_per_hour", p.usd_per_hour});
    all.push_back({"usd_capex", p.usd_capex});
  }
  return all;
}

// ---------------------------------------------------------------------------
// The tables by themselves

TEST(ChipsTest, HasEveryChipAndSystem) {
  EXPECT_EQ(Chips().size(), 24);
  EXPECT_EQ(Systems().size(), 16);
}

TEST(ChipsTest, IdsAreUniqueAcrossChipsAndSystems) {
  std::set<std::string_view> ids;
  for (const ChipInfo& c : Chips())
    EXPECT_TRUE(ids.insert(c.id).second) << c.id;
  for (const SystemInfo& s : Systems()) {
    EXPECT_TRUE(ids.insert(s.id).second) << s.id;
  }
}

TEST(ChipsTest, LookUpByIdReturnsTheRow) {
  for (const ChipInfo& c : Chips()) EXPECT_EQ(&Chip(c.id), &c);
  for (const SystemInfo& s : Systems()) EXPECT_EQ(&System(s.id), &s);
}

TEST(ChipsTest, UnknownIdListsEveryKnownOne) {
  try {
    Chip("trainium9");
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnknownName);
    EXPECT_THAT(e.what(), HasSubstr("'trainium9'"));
    for (const ChipInfo& c : Chips()) {
      EXPECT_THAT(e.what(), HasSubstr(std::string(c.id)));
    }
  }
  try {
    System("h100_sxm");  // a chip
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnknownName);
    for (const SystemInfo& s : Systems()) {
      EXPECT_THAT(e.what(), HasSubstr(std::string(s.id)));
    }
  }
}

TEST(ChipsTest, EveryKnownFigureHasASourceAndIsPositive) {
  const auto check = [](std::string_view id, const auto& figures) {
    for (const auto& [name, q] : figures) {
      EXPECT_EQ(q.known(), q.value > 0) << id << " " << name;
      EXPECT_EQ(q.known(), q.source.size() > 3) << id << " " << name;
    }
  };
  for (const ChipInfo& c : Chips()) check(c.id, Figures(c));
  for (const SystemInfo& s : Systems()) check(s.id, Figures(s));
}

TEST(ChipsTest, DenseIsAtMostSparseAndMatmulAtMostTheBrochure) {
  const auto at_most = [](const Quantity& a, const Quantity& b) {
    return !a.known() || !b.known() || a.value <= b.value;
  };
  for (const ChipInfo& c : Chips()) {
    for (const ChipPeak& p : c.peaks) {
      SCOPED_TRACE(std::string(c.id) + " " + std::string(p.label));
      EXPECT_TRUE(at_most(p.dense_tflops, p.sparse_tflops));
      EXPECT_TRUE(at_most(p.matmul_tflops, p.matmul_sparse_tflops));
      EXPECT_TRUE(at_most(p.matmul_tflops, p.dense_tflops));
      EXPECT_TRUE(at_most(p.matmul_sparse_tflops, p.sparse_tflops));
    }
  }
}

TEST(ChipsTest, FormatsAreCanonicalNamesAndPatternsWellFormed) {
  const std::set<std::string_view> beyond = {"mxfp8", "mxfp6", "mxfp4",
                                             "nvfp4", "int8",  "f64"};
  for (const ChipInfo& c : Chips()) {
    std::set<std::string_view> labels;
    for (const ChipPeak& p : c.peaks) {
      SCOPED_TRACE(std::string(c.id) + " " + std::string(p.label));
      EXPECT_TRUE(labels.insert(p.label).second);
      for (const std::string_view name : Words(p.formats)) {
        if (beyond.contains(name)) continue;
        EXPECT_EQ(FindFormat(name).name, name);
      }
      for (const std::string_view name : Words(p.sparsity)) {
        EXPECT_EQ(FindSparsity(name).name, name);
      }
      EXPECT_EQ(p.sparse_index_bits.known(), !p.sparsity.empty());
    }
  }
}

// By the elements of block formats.
std::set<std::string_view> OperandFormats(std::string_view architecture) {
  const std::map<std::string_view, std::string_view> elements = {
      {"mxfp8", "e4m3fn"},
      {"mxfp6", "e3m2fn"},
      {"mxfp4", "e2m1fn"},
      {"nvfp4", "e2m1fn"}};
  std::set<std::string_view> formats;
  for (const ChipInfo& c : Chips()) {
    if (c.architecture != architecture) continue;
    for (const ChipPeak& p : c.peaks) {
      for (const std::string_view name : Words(p.formats)) {
        const auto element = elements.find(name);
        formats.insert(element == elements.end() ? name : element->second);
      }
    }
  }
  return formats;
}

// An arithmetic is of a chip whose architecture has a rate for its operands.
TEST(ChipsTest, ArithmeticsResolveAndTakeTheChipsFormats) {
  size_t with = 0;
  std::set<std::string_view> without_rate;
  for (const ChipInfo& c : Chips()) {
    const std::set<std::string_view> formats = OperandFormats(c.architecture);
    with += !c.arithmetic.empty();
    std::set<std::string_view> ids;
    for (const std::string_view id : Words(c.arithmetic)) {
      EXPECT_TRUE(ids.insert(id).second) << c.id << " " << id;
      const ArithInfo& arith = FindArith(id);
      const bool takes = std::any_of(
          kFormats.begin(), kFormats.end(), [&](const FormatInfo& f) {
            return arith.a.contains(f.id) && formats.contains(f.name);
          });
      if (!takes) without_rate.insert(id);
    }
  }
  // XF32's rate is in no source that the rows cite.
  EXPECT_THAT(without_rate, testing::ElementsAre("cdna3.xf32.f32"));
  // All but chips that do not ship and CDNA 4, of which nothing is known.
  EXPECT_EQ(with, Chips().size() - 3);
}

TEST(ChipsTest, Trainium3SparsityIsForTheSixteenBitFormatsAndTf32Only) {
  for (const ChipPeak& p : Chip("trainium3").peaks) {
    const bool sparse =
        p.label == "BF16" || p.label == "FP16" || p.label == "TF32";
    EXPECT_EQ(p.sparse_tflops.known(), sparse) << p.label;
  }
}

TEST(ChipsTest, ProjectedChipsAreMarkedInEveryFigure) {
  EXPECT_EQ(Chip("trainium4").status, ChipStatus::kProjected);
  EXPECT_EQ(Chip("rubin").status, ChipStatus::kAnnounced);
  for (const ChipInfo& c : Chips()) {
    const bool future = c.status == ChipStatus::kProjected ||
                        c.status == ChipStatus::kAnnounced;
    for (const auto& [name, q] : Figures(c)) {
      if (!q.known()) continue;
      EXPECT_EQ(q.basis == Basis::kProjected, future) << c.id << " " << name;
    }
  }
}

TEST(ChipsTest, SystemsAreChipsTimesCountWithinOnePercent) {
  for (const SystemInfo& s : Systems()) {
    const ChipInfo& c = Chip(s.chip);
    const auto expect_total = [&](std::string_view what, const Quantity& total,
                                  const Quantity& each, double unit) {
      if (!total.known()) return;
      ASSERT_TRUE(each.known()) << s.id << " " << what;
      const double expected = s.chips.value * each.value / unit;
      EXPECT_NEAR(total.value / expected, 1, 0.01) << s.id << " " << what;
    };
    for (const SystemPeak& p : s.peaks) {
      const ChipPeak* peak = FindPeak(c, p.label);
      ASSERT_NE(peak, nullptr) << s.id << " " << p.label;
      expect_total(p.label, p.dense_pflops, peak->dense_tflops, 1000);
      expect_total(p.label, p.sparse_pflops, peak->sparse_tflops, 1000);
    }
    expect_total("memory", s.memory_gib, c.memory.capacity_gib, 1);
    expect_total("memory", s.memory_gbytes, c.memory.capacity_gbytes, 1);
    expect_total("bandwidth", s.memory_gbytes_per_s,
                 c.memory.bandwidth_gbytes_per_s, 1);
  }
}

TEST(ChipsTest, ReferencesNameFieldValueAndSource) {
  const auto check = [](std::string_view id, std::span<const Reference> refs) {
    for (const Reference& r : refs) {
      EXPECT_FALSE(r.field.empty() || r.value.empty() || r.source.empty())
          << id << " " << r.field;
    }
  };
  const auto check_row = [&](const auto& row) {
    check(row.id, row.alternatives);
    check(row.id, row.citations);
    check(row.id, row.claims);
    EXPECT_FALSE(row.citations.empty()) << row.id;
  };
  for (const ChipInfo& c : Chips()) check_row(c);
  for (const SystemInfo& s : Systems()) check_row(s);
}

TEST(ChipsTest, JoinedSourcesReadAsOneList) {
  const Reference& r = Chip("b200").alternatives[0];
  EXPECT_THAT(std::string(r.source), HasSubstr("README.md ; https://glenn"));
}

}  // namespace
}  // namespace zeroulp
