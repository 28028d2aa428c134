// SPDX-License-Identifier: Apache-2.0
// The tables in profiles/ against the fact base that the rows were taken from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/chip_cases.h"
#include "zeroulp/chips.h"

namespace zeroulp {
namespace {

using nlohmann::json;

class FactBaseTest : public testing::Test {
 protected:
  // Null, and the test skipped, where there is no fact base.
  static json Read(const std::string& file, const char* rows) {
    const std::string folder = ZEROULP_SHARED_DIR;
    std::ifstream in(folder + "/chips/" + file);
    if (folder.empty() || !in) return nullptr;
    return json::parse(in).at(rows);
  }

  static void ExpectFigure(const std::string& what, const json& value,
                           const Quantity& q, double unit = 1) {
    EXPECT_EQ(q.known(), !value.is_null()) << what;
    if (!q.known() || value.is_null()) return;
    const double expected = value.get<double>() * unit;
    EXPECT_NEAR(q.value, expected, 1e-9 * expected) << what;
  }

  static void ExpectOptional(const std::string& what, const json& object,
                             const char* key, const Quantity& q,
                             double unit = 1) {
    ExpectFigure(what + " " + key, object.contains(key) ? object[key] : json(),
                 q, unit);
  }

  // Every reference of the fact base is in the row.
  static void ExpectReferences(const std::string& what, const json& object,
                               const char* key,
                               std::span<const Reference> row) {
    if (!object.contains(key)) return;
    for (const json& r : object[key]) {
      const auto& v = r.at("value");
      const std::string value = v.is_string() ? v.get<std::string>() : v.dump();
      const bool found =
          std::any_of(row.begin(), row.end(), [&](const Reference& mine) {
            return mine.field == r.at("field").get<std::string>() &&
                   (mine.value == value || value.find("\xC3") != value.npos);
          });
      EXPECT_TRUE(found) << what << " " << key << " " << r.dump();
    }
  }

  static void ExpectPrices(const std::string& what, const json& prices,
                           const char* key, std::span<const Price> row) {
    std::vector<double> expected;
    for (const json& p : prices) {
      if (p.contains(key)) expected.push_back(p[key].get<double>());
    }
    std::vector<double> actual;
    for (const Price& p : row) {
      if (p.usd_per_hour.known()) actual.push_back(p.usd_per_hour.value);
    }
    EXPECT_EQ(actual, expected) << what;
  }
};

#define READ_OR_SKIP(name, file, rows)                          \
  const json name = Read(file, rows);                           \
  if (name.is_null()) {                                         \
    GTEST_SKIP() << "no fact base: ZEROULP_SHARED_DIR is '"     \
                 << ZEROULP_SHARED_DIR << "', wanted " << file; \
  }

TEST_F(FactBaseTest, ChipsAreTheSame) {
  READ_OR_SKIP(facts, "chips.json", "chips");
  EXPECT_EQ(facts.size(), Chips().size());
  for (const json& f : facts) {
    const std::string id = f.at("id");
    const ChipInfo& c = Chip(id);
    EXPECT_EQ(c.name, f.at("name").get<std::string>());
    EXPECT_EQ(c.vendor, f.at("vendor").get<std::string>());
    EXPECT_EQ(c.year, f.at("year").get<int>()) << id;
    const std::string status = f.at("status");
    EXPECT_EQ(status.substr(0, Name(c.status).size()), Name(c.status)) << id;
    ExpectFigure(id + " power", f.at("power_w"), c.power_w);
    ExpectPrices(id, f.at("prices"), "usd_per_chip_hour", c.prices);
    ExpectReferences(id, f, "alternatives", c.alternatives);
    ExpectReferences(id, f, "power_alternatives", c.alternatives);
    ExpectReferences(id, f, "sources", c.citations);
    ExpectReferences(id, f, "utilisation_claims", c.claims);
    ExpectReferences(id, f, "tco_claims", c.claims);
  }
}

TEST_F(FactBaseTest, PeaksAreTheSame) {
  READ_OR_SKIP(facts, "chips.json", "chips");
  // Rows that split a figure by format, explained in their notes.
  const std::set<std::string_view> ours = {"FP8 E3M4", "MXFP8, unit scales"};
  for (const json& f : facts) {
    const std::string id = f.at("id");
    const ChipInfo& c = Chip(id);
    for (const auto& [label, figures] : f.at("peaks").items()) {
      const ChipPeak* p = FindPeak(c, label);
      ASSERT_NE(p, nullptr) << id << " " << label;
      const std::string what = id + " " + label;
      ExpectFigure(what, figures.at("dense_tflops"), p->dense_tflops);
      ExpectFigure(what, figures.at("sparse_tflops"), p->sparse_tflops);
      const json& sparsity = figures.at("sparsity");
      EXPECT_EQ(sparsity.is_null(), p->sparsity.empty()) << what;
      if (sparsity.is_null()) continue;
      const std::string list = sparsity;  // "4:16 (also 4:12,4:8...)"
      const std::string_view first = Words(p->sparsity)[0];
      EXPECT_EQ(first, list == "4:8 pairs" ? "4:8-pairs"
                                           : list.substr(0, list.find(' ')))
          << what;
      const auto also = std::count(list.begin(), list.end(), ',');
      EXPECT_GE(Words(p->sparsity).size(), static_cast<size_t>(also) + 1);
    }
    for (const ChipPeak& p : c.peaks) {
      EXPECT_TRUE(f.at("peaks").contains(p.label) || ours.contains(p.label))
          << id << " " << p.label;
    }
    if (!f.contains("tensor_engine_peaks")) {
      for (const ChipPeak& p : c.peaks) EXPECT_FALSE(p.matmul_tflops.known());
      continue;
    }
    for (const auto& [key, value] : f["tensor_engine_peaks"].items()) {
      if (key == "basis") continue;
      const bool sparse = key.ends_with("_sparse");
      const ChipPeak* p =
          FindPeak(c, sparse ? key.substr(0, key.size() - 7) : key);
      ASSERT_NE(p, nullptr) << id << " " << key;
      ExpectFigure(id + " " + key, value,
                   sparse ? p->matmul_sparse_tflops : p->matmul_tflops);
    }
  }
}

TEST_F(FactBaseTest, MemoriesClocksEnginesAndLinksAreTheSame) {
  READ_OR_SKIP(facts, "chips.json", "chips");
  for (const json& f : facts) {
    const std::string id = f.at("id");
    const ChipInfo& c = Chip(id);
    const json& memory = f.at("memory");
    // "capacity GiB unless capacity_vendor says GB": one number is GB then.
    double as_sold = 0;
    if (memory.contains("capacity_vendor")) {
      as_sold = std::stod(memory["capacity_vendor"].get<std::string>());
      EXPECT_EQ(c.memory.capacity_gbytes.value, as_sold) << id;
    } else {
      EXPECT_FALSE(c.memory.capacity_gbytes.known()) << id;
    }
    if (memory.at("capacity_gib").get<double>() == as_sold) {
      EXPECT_FALSE(c.memory.capacity_gib.known()) << id;
    } else {
      ExpectFigure(id + " GiB", memory["capacity_gib"], c.memory.capacity_gib);
    }
    ExpectFigure(id + " bandwidth", memory.at("bandwidth_tbps"),
                 c.memory.bandwidth_gbytes_per_s, 1000);
    ExpectOptional(id, memory, "stacks", c.memory.stacks);

    const json& clocks = f.at("clock_ghz");
    json tensor;
    for (const char* key : {"tensor", "tensor_peak", "tensor_peak_derived",
                            "tensor_inferred", "peak", "boost"}) {
      if (clocks.contains(key)) tensor = clocks[key];
    }
    ExpectFigure(id + " tensor clock", tensor, c.clocks.tensor_ghz);
    ExpectOptional(id, clocks, "boost_max", c.clocks.boost_ghz);
    ExpectOptional(id, clocks, "vector", c.clocks.vector_ghz);
    ExpectOptional(id, clocks, "scalar", c.clocks.scalar_ghz);
    ExpectOptional(id, clocks, "gpsimd", c.clocks.gpsimd_ghz);

    const json& engine = f.at("engine");
    for (const char* key : {"cores", "sms"}) {
      if (engine.contains(key)) {
        ExpectFigure(id + " units", engine[key], c.engine.units);
      }
    }
    for (const char* key : {"tensor_cores", "matrix_cores"}) {
      if (engine.contains(key)) {
        ExpectFigure(id + " engines", engine[key], c.engine.matrix_engines);
      }
    }
    const json& link = f.at("interconnect");
    ExpectOptional(id, link, "gb_per_s_per_chip", c.link.gbytes_per_s);
    ExpectOptional(id, link, "domain_chips", c.link.domain_chips);
    ExpectOptional(id, link, "dma_tbps", c.link.dma_gbytes_per_s, 1000);

    struct OnChip {
      const char* key;
      std::string_view name;
      double unit_kib;
    };
    for (const OnChip& m : {OnChip{"sbuf_mib_per_core", "SBUF", 1024},
                            OnChip{"psum_mib_per_core", "PSUM", 1024},
                            OnChip{"vmem_mib_per_core", "VMEM", 1024},
                            OnChip{"l2_mib", "L2", 1024},
                            OnChip{"llc_mib", "Infinity Cache", 1024},
                            OnChip{"smem_kib_per_sm", "SMEM", 1},
                            OnChip{"tmem_kib_per_sm", "TMEM", 1}}) {
      const auto row = std::find_if(c.sram.begin(), c.sram.end(),
                                    [&](auto& s) { return s.name == m.name; });
      ExpectOptional(id, f.at("on_chip"), m.key,
                     row == c.sram.end() ? Quantity{} : row->size_kib,
                     m.unit_kib);
    }
    if (f["on_chip"].contains("total_mib")) {
      double total_kib = 0;
      for (const ChipSram& s : c.sram) total_kib += s.count * s.size_kib.value;
      EXPECT_EQ(total_kib, 1024 * f["on_chip"]["total_mib"].get<double>())
          << id;
    }
  }
}

TEST_F(FactBaseTest, SystemsAreTheSame) {
  READ_OR_SKIP(facts, "systems.json", "systems");
  EXPECT_EQ(facts.size(), Systems().size());
  for (const json& f : facts) {
    const std::string id = f.at("id");
    const SystemInfo& s = System(id);
    EXPECT_EQ(s.name, f.at("name").get<std::string>());
    EXPECT_EQ(s.chip, f.at("chip").get<std::string>()) << id;
    ExpectFigure(id + " chips", f.at("chips"), s.chips);
    EXPECT_EQ(s.status == ChipStatus::kProjected, f.contains("status")) << id;
    ExpectOptional(id, f, "network_gbps", s.network_gbits_per_s);
    json power_w;
    if (f.contains("power_kw")) power_w = f["power_kw"].get<double>() * 1e3;
    if (f.contains("power_mw")) power_w = f["power_mw"].get<double>() * 1e6;
    ExpectFigure(id + " power", power_w, s.power_w);
    ExpectPrices(id, f.at("price"), "usd_per_hour", s.prices);
    ExpectReferences(id, f, "alternatives", s.alternatives);
    ExpectReferences(id, f, "sources", s.citations);
    ExpectReferences(id, f, "tco", s.claims);

    size_t num_peaks = 0;
    for (const auto& [key, value] : f.at("aggregate").items()) {
      const double v = value.get<double>();
      const std::string what = id + " " + key;
      if (key == "hbm_gib") {  // GB where the chip's capacity is in GB
        EXPECT_EQ(std::max(s.memory_gib.value, s.memory_gbytes.value), v)
            << what;
      } else if (key == "hbm_gb") {
        EXPECT_EQ(s.memory_gbytes.value, v) << what;
      } else if (key == "hbm_tb") {
        EXPECT_NEAR(s.memory_gbytes.value, v * 1e3, 1e-6) << what;
      } else if (key == "hbm_tbps") {
        EXPECT_NEAR(s.memory_gbytes_per_s.value, v * 1e3, 1e-6) << what;
      } else if (key == "hbm_pbps") {
        EXPECT_NEAR(s.memory_gbytes_per_s.value, v * 1e6, 1e-3) << what;
      } else if (key != "hbm_pb") {  // an alternative of ironwood_pod
        ++num_peaks;
        const bool sparse = key.find("sparse") != std::string::npos;
        std::string label = key.substr(0, key.find('_'));
        if (label == "sparse") label = "BF16";
        if (label == "FP4" && s.chip != "trainium4") label = "NVFP4";
        const auto row =
            std::find_if(s.peaks.begin(), s.peaks.end(),
                         [&](const auto& p) { return p.label == label; });
        ASSERT_NE(row, s.peaks.end()) << what;
        ExpectFigure(what, value,
                     sparse ? row->sparse_pflops : row->dense_pflops,
                     key.ends_with("_ef") ? 1000 : 1);
      }
    }
    size_t num_ours = 0;
    for (const SystemPeak& p : s.peaks) {
      num_ours += p.dense_pflops.known() + size_t{p.sparse_pflops.known()};
    }
    EXPECT_EQ(num_ours, num_peaks) << id;
  }
}

}  // namespace
}  // namespace zeroulp
