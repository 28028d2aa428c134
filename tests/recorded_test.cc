// SPDX-License-Identifier: Apache-2.0
// tests/golden/hardware: words that GPUs returned to zeroulp-record.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tools/record/matmuls.h"
#include "tools/record/rivals.h"
#include "zeroulp/bundle.h"

namespace zeroulp::record {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(ZEROULP_SOURCE_DIR) / "tests/golden/hardware";

std::vector<Bundle> Recorded() {
  std::vector<Bundle> bundles;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".safetensors") continue;
    if (name.find(".cvt.") != std::string::npos) continue;  // no sums
    bundles.push_back(ReadBundle(entry.path().string()));
  }
  return bundles;
}

TEST(RecordedWords, AreReproduced) {
  int64_t words = 0;
  for (const Bundle& bundle : Recorded()) {
    for (const bool oracle : {false, true}) {
      const VerifyResult result = Verify(bundle, {.oracle = oracle});
      EXPECT_TRUE(result.exact()) << bundle.name << " oracle " << oracle;
      EXPECT_EQ(result.by_kernel, !oracle) << bundle.name;
      words += oracle ? result.values : 0;
    }
  }
  EXPECT_EQ(words, 9'472);
}

// Rivals of a row, by text, that no bundle of it rules out.
std::map<std::string, std::set<std::string>> Survivors() {
  std::map<std::string, std::set<std::string>> survivors;
  for (const Bundle& bundle : Recorded()) {
    std::set<std::string> alive;
    for (const Rival& rival : RivalsOf(FindArith(bundle.arith))) {
      if (DifferingRows(bundle, rival.row).empty()) alive.insert(rival.text);
    }
    const auto [at, first] = survivors.emplace(bundle.arith, alive);
    if (first) continue;
    std::erase_if(at->second, [&](const std::string& text) {
      return !alive.contains(text);
    });
  }
  return survivors;
}

// Everything but exponent floors below what a sum of products of these formats
// can show: those of f16 are multiples of 2^-48, of FP8 of 2^-32.
TEST(RecordedWords, DecideEveryParameterThatShows) {
  using Rivals = std::set<std::string>;
  const Rivals f32_floors = {"no exponent floor", "exponent floor -126",
                             "exponent floor -132"};
  const std::map<std::string, Rivals> expected = {
      {"hopper.bf16.f32", {}},
      {"hopper.f16.f16", {}},
      {"hopper.f16.f32", f32_floors},
      {"hopper.mma.fp8.f16",
       {"no exponent floor", "exponent floor -14", "exponent floor -20"}},
      {"hopper.mma.fp8.f32", f32_floors},
      {"hopper.tf32.f32", {}},
      {"hopper.wgmma.fp8.f16", {"exponent floor -20", "exponent floor -21"}},
      {"hopper.wgmma.fp8.f32", f32_floors}};
  EXPECT_EQ(Survivors(), expected);
}

// A line of products.csv.
struct Product {
  std::string form;
  uint64_t seed = 0;
  std::string digest;
};

std::vector<Product> Products() {
  std::vector<Product> products;
  std::ifstream file(kFolder / "products.csv");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream fields(line);
    std::string form, seed, digest;
    std::getline(fields, form, ',');
    std::getline(fields, seed, ',');
    std::getline(fields, digest);
    products.push_back({form, std::stoull(seed), digest});
  }
  return products;
}

const MatmulForm& FormOf(const Product& product) {
  for (const MatmulForm& form : MatmulForms()) {
    if (form.name == product.form) return form;
  }
  throw Error(ErrorCode::kUnknownName, "no product " + product.form);
}

class RecordedProduct : public testing::TestWithParam<Product> {};

// All words of a layer that cuBLASLt multiplied on an H100 and an H200.
TEST_P(RecordedProduct, IsReproduced) {
  const MatmulForm& form = FormOf(GetParam());
  const std::vector<uint32_t> d = ComputeMatmul(
      form, OperandsOf(form, GetParam().seed), ArithOf(form, Chip::kHopper));
  EXPECT_EQ(fmt::format("{:016x}", DigestOf(d)), GetParam().digest);
}

std::string NameOf(const testing::TestParamInfo<Product>& info) {
  std::string name = info.param.form;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == '-'; },
      '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(CublasLt, RecordedProduct,
                         testing::ValuesIn(Products()), NameOf);

// Rows of kArith count no words that are not here or were reproduced before.
TEST(RecordedWords, AreCountedInTheTable) {
  std::map<std::string_view, int64_t> words;
  for (const Bundle& x : Recorded())
    words[FindArith(x.arith).name] += x.batch();
  for (const Product& product : Products()) {
    const MatmulForm& form = FormOf(product);
    words[ArithOf(form, Chip::kHopper).arith] += form.m * form.n;
  }
  const std::map<std::string_view, int64_t> before = {
      {"hopper.bf16.f32", 10'000}, {"hopper.f16.f16", 10'000},
      {"hopper.f16.f32", 10'000},  {"hopper.mma.fp8.f16", 20'000},
      {"hopper.mma.fp8.f32", 0},   {"hopper.tf32.f32", 10'000},
      {"hopper.wgmma.fp8.f16", 0}, {"hopper.wgmma.fp8.f32", 20'000}};
  for (const auto& [arith, count] : words) {
    EXPECT_EQ(FindArith(arith).evidence_words, count + before.at(arith))
        << arith;
  }
}

}  // namespace
}  // namespace zeroulp::record
