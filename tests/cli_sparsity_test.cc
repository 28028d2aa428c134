// SPDX-License-Identifier: Apache-2.0
// quantize --sparsity end to end, against the library's own Compress and
// Quantize; sparse bundles by kernels.
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/bundle_cases.h"
#include "tests/cli_run.h"
#include "zeroulp/quantize.h"
#include "zeroulp/safetensors.h"
#include "zeroulp/sparse.h"

namespace zeroulp {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class CliSparsityTest : public CliRun {
 protected:
  static constexpr int64_t kRows = 9, kCols = 144;

  void SetUp() override {
    CliRun::SetUp();
    std::mt19937 random(8);
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < kRows * kCols; ++i) {
      values_.push_back(normal(random));
    }
    const auto tensor = [&](const char* name, int64_t rows, int64_t cols) {
      TensorData data;
      data.info.name = name;
      data.info.dtype = Dtype::kF32;
      data.info.shape = {rows, cols};
      data.bytes = std::as_bytes(std::span(values_))
                       .first(static_cast<size_t>(4 * rows * cols));
      return data;
    };
    const std::vector<TensorData> tensors = {tensor("w", kRows, kCols),
                                             tensor("short", 3, 20)};
    WriteSafetensors(Path("in"), tensors, {});
  }

  std::vector<float> values_;
};

TEST_F(CliSparsityTest, CodesScalesAndPlacesAreTheLibrarys) {
  const ConstMatrixView source = F32View(std::as_const(values_), kRows, kCols);
  for (const SparsityInfo& pattern : kSparsities) {
    for (const char* format : {"mxfp8", "nvfp4", "e4m3fn_row"}) {
      const BlockInfo& block = FindBlock(format);
      const std::string name(pattern.name);
      const Outcome outcome =
          Run("quantize in --format " + std::string(format) + " --sparsity " +
              name + " -o out --json report");
      ASSERT_EQ(outcome.code, 0) << outcome.err;
      const auto file = SafetensorsFile::Open(Path("out"));
      const auto positions = LargestPositions(source, pattern);
      const SparseMatrix sparse = Compress(source, pattern, positions);
      const int64_t cols = sparse.stored_cols;
      const auto bytes = [](Format f, int64_t rows, int64_t n) {
        return std::vector<std::byte>(static_cast<size_t>(
            rows * DenseStride(f, n) * Info(f).storage_bits / 8));
      };
      auto codes = bytes(block.element, kRows, cols);
      auto scales =
          bytes(block.scale, block.ScaleRows(kRows), block.ScaleCols(cols));
      Quantize(
          sparse.codes_view(),
          {codes, block.element, kRows, cols, DenseStride(block.element, cols)},
          {scales, block.scale, block.ScaleRows(kRows), block.ScaleCols(cols),
           block.ScaleCols(cols)},
          {.format = block.name});
      EXPECT_EQ(file.Read(file.Get("w")), codes) << format << " " << name;
      EXPECT_EQ(file.Read(file.Get("w_scale")), scales) << format << name;
      const auto index = std::as_bytes(std::span(positions));
      EXPECT_EQ(file.Read(file.Get("w_index")),
                std::vector<std::byte>(index.begin(), index.end()));
      EXPECT_EQ(file.metadata().at("zeroulp.sparsity"), name);
      const json report = json::parse(Slurp(Path("report")));
      EXPECT_EQ(report["sparsity"], name);
      json row;
      for (const json& each : report["tensors"]) {
        if (each["name"] == "w") row = each;
      }
      EXPECT_EQ(row["pruned"], kRows * (kCols - cols));
      EXPECT_EQ(row["elements"], kRows * kCols);
      EXPECT_GT(row["relative_error"], 0.05);
    }
  }
}

TEST_F(CliSparsityTest, WhatIsNotWholeGroupsIsCopied) {
  const Outcome outcome =
      Run("quantize in --format mxfp8 --sparsity 4:16 -o out");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("short was copied: 20 columns, groups of"
                                     " 16"));
  EXPECT_THAT(outcome.out, HasSubstr("mxfp8_e4m3fn floor 4:16"));
  const Outcome wrong =
      Run("quantize in --format mxfp8 --sparsity 16:4 -o out");
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("no sparsity is named '16:4'; known: 4:16"));
}

TEST_F(CliSparsityTest, SparseBundlesRunOnKernels) {
  BundleMaker make;
  for (const auto& [keep, group] :
       {std::pair(4, 16), std::pair(2, 4), std::pair(4, 8)}) {
    for (const char* arith : {"chain.f32", "blackwell.tcgen05.f8f6f4.f32",
                              "hopper.wgmma.fp8.f32"}) {
      Bundle bundle =
          make.Dense(arith, Format::kE4M3FN, Format::kE4M3FN, 2, 5, 18, 96);
      make.MakeSparse(bundle, keep, group);
      const ComputeResult kernel = Compute(bundle);
      const ComputeResult oracle = Compute(bundle, {.oracle = true});
      EXPECT_TRUE(kernel.by_kernel);
      EXPECT_FALSE(oracle.by_kernel);
      EXPECT_EQ(kernel.d.bytes, oracle.d.bytes) << arith;
      WriteBundle(Path("bundle"), bundle);
      ASSERT_EQ(Run("compute bundle -o full").code, 0);
      const Outcome outcome = Run("verify full");
      EXPECT_EQ(outcome.code, 0) << outcome.err;
      EXPECT_THAT(outcome.out, HasSubstr("180 values  0 mismatches  EXACT"));
    }
  }
}

}  // namespace
}  // namespace zeroulp
