// SPDX-License-Identifier: Apache-2.0
// quantize and inspect end to end: small checkpoints in, every byte of what
// comes out against the library's own Quantize and the oracle's Dequantize.
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

#include "tests/cli_run.h"
#include "zeroulp/quantize.h"
#include "zeroulp/reference.h"
#include "zeroulp/safetensors.h"

namespace zeroulp {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr int64_t kRows = 40, kCols = 144;  // partial blocks of every format

class CliQuantizeTest : public CliRun {
 protected:
  void SetUp() override {
    CliRun::SetUp();
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0, 0.05f);
    for (int64_t i = 0; i < kRows * kCols; ++i)
      values_.push_back(normal(random));
    for (const float x : values_) {
      uint32_t word = 0;
      std::memcpy(&word, &x, 4);
      halves_.push_back(static_cast<uint16_t>(word >> 16));
    }
    WriteInput("in");
  }

  void WriteInput(const std::string& name) {
    const auto info = [](const char* tensor, Dtype dtype,
                         std::vector<int64_t> shape) {
      TensorInfo result;
      result.name = tensor;
      result.dtype = dtype;
      result.shape = std::move(shape);
      return result;
    };
    const auto bytes = std::as_bytes(std::span(values_));
    const std::vector<TensorData> tensors = {
        {info("a.weight", Dtype::kF32, {kRows, kCols}), bytes},
        {info("b.weight", Dtype::kBF16, {kRows, kCols}),
         std::as_bytes(std::span(halves_))},
        {info("c.bias", Dtype::kF32, {kCols}), bytes.first(4 * kCols)},
        {info("d", Dtype::kF32, {2, 2, 3}), bytes.first(48)},
        {info("e.ids", Dtype::kI64, {2, 3}), bytes.first(48)},
        {info("f.odd", Dtype::kF32, {4, 7}), bytes.first(112)}};
    WriteSafetensors(Path(name), tensors, {{"format", "pt"}});
  }

  // The library's own answer for tensor a.
  struct Expected {
    std::vector<uint8_t> codes, scales;
    QuantizeResult result;
    std::vector<float> back;  // by the oracle
  };
  Expected Quantized(const BlockInfo& block, std::string_view rule = {}) {
    const int64_t scale_rows = block.ScaleRows(kRows);
    const int64_t scale_cols = block.ScaleCols(kCols);
    const bool nibbles = Info(block.element).storage_bits == 4;
    Expected expected;
    expected.codes.resize(static_cast<size_t>(kRows * kCols / (nibbles + 1)));
    expected.scales.resize(static_cast<size_t>(
        scale_rows * scale_cols * Info(block.scale).storage_bits / 8));
    const MatrixView codes = {std::as_writable_bytes(std::span(expected.codes)),
                              block.element, kRows, kCols, kCols};
    const MatrixView scales = {
        std::as_writable_bytes(std::span(expected.scales)), block.scale,
        scale_rows, scale_cols, scale_cols};
    expected.result = Quantize(F32View(values_, kRows, kCols), codes, scales,
                               {.format = block.name, .rule = rule});
    expected.back.resize(values_.size());
    reference::Dequantize(
        codes, scales, F32View(expected.back, kRows, kCols),
        {.format = block.name, .tensor_scale = expected.result.tensor_scale});
    return expected;
  }

  static std::string Text(const std::vector<std::byte>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  static std::string Text(const std::vector<uint8_t>& bytes) {
    return {bytes.begin(), bytes.end()};
  }
  float ReadFloat(const SafetensorsFile& file, const std::string& name) {
    float value = 0;
    const auto bytes = file.Read(file.Get(name));
    EXPECT_EQ(bytes.size(), 4u);
    std::memcpy(&value, bytes.data(), 4);
    return value;
  }
  json Inspect(const std::string& name) {
    const Outcome outcome = Run("inspect --json " + name);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return json::parse(outcome.out);
  }
  static json Tensor(const json& report, const std::string& name) {
    for (const json& row : report["tensors"]) {
      if (row["name"] == name) return row;
    }
    return {};
  }

  std::vector<float> values_;
  std::vector<uint16_t> halves_;
};

TEST_F(CliQuantizeTest, EveryFormatHasTheLibrarysBits) {
  for (const BlockInfo& block : kBlocks) {
    const std::string name(block.name);
    const Outcome outcome =
        Run("quantize in --format " + name + " -o out --json report");
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const auto file = SafetensorsFile::Open(Path("out"));
    const auto before = SafetensorsFile::Open(Path("in"));
    const Expected expected = Quantized(block);
    EXPECT_EQ(Text(file.Read(file.Get("a.weight"))), Text(expected.codes))
        << name;
    EXPECT_EQ(Info(file.Get("a.weight").dtype).name,
              Info(block.element).safetensors);
    EXPECT_EQ(file.Get("a.weight").shape, (std::vector<int64_t>{kRows, kCols}));
    std::string scales = Text(expected.scales);
    if (name == "nvfp4_16x16") {  // stored a row for each row
      const auto cols = static_cast<size_t>(block.ScaleCols(kCols));
      std::string rows;
      for (size_t row = 0; row < kRows; ++row) {
        rows += scales.substr(row / 16 * cols, cols);
      }
      scales = rows;
    }
    EXPECT_EQ(Text(file.Read(file.Get("a.weight_scale"))), scales) << name;
    EXPECT_EQ(Info(file.Get("a.weight_scale").dtype).name,
              Info(block.scale).safetensors);
    if (block.has_tensor_scale) {
      EXPECT_EQ(ReadFloat(file, "a.weight_scale_2"),
                expected.result.tensor_scale);
    }
    EXPECT_NE(file.Find("b.weight_scale"), nullptr);
    for (const char* copied : {"c.bias", "d", "e.ids"}) {
      EXPECT_EQ(file.Get(copied).ToString(), before.Get(copied).ToString());
      EXPECT_EQ(Text(file.Read(file.Get(copied))),
                Text(before.Read(before.Get(copied))));
    }
    EXPECT_EQ(file.metadata().at("format"), "pt");
    EXPECT_EQ(file.metadata().at("zeroulp.block_format"), name);

    double squares = 0, errors = 0;
    for (size_t i = 0; i < values_.size(); ++i) {
      const double error = double{values_[i]} - double{expected.back[i]};
      squares += double{values_[i]} * values_[i];
      errors += error * error;
    }
    const json report =
        Tensor(json::parse(Slurp(folder_ / "report")), "a.weight");
    const double relative = report["relative_error"];
    EXPECT_NEAR(relative, std::sqrt(errors / squares), 1e-9) << name;
    EXPECT_NEAR(report["sqnr_db"], -20 * std::log10(relative), 1e-6);
    EXPECT_LT(relative, Info(block.element).bits == 4 ? 0.15 : 0.07) << name;
    const double ulps = report["max_ulp_error"];
    EXPECT_LE(ulps, 2.0001) << name;
    if (report["saturated"] == 0) {
      EXPECT_LE(ulps, 0.5001) << name;
    }

    const json seen = Tensor(Inspect("out"), "a.weight")["quantized"];
    EXPECT_EQ(seen["formats"][0], name == "nvfp4_16x16" ? "nvfp4" : name);
    EXPECT_EQ(seen["reason"], "stated in the metadata");
    float largest = 0;
    for (const float x : expected.back)
      largest = std::max(largest, std::abs(x));
    EXPECT_FLOAT_EQ(seen["abs_max"], largest) << name;
  }
}

TEST_F(CliQuantizeTest, ScaleModesAndPresets) {
  for (const ScaleRuleInfo& rule : kScaleRules) {
    const std::string format = rule.scale == Format::kE8M0FNU ? "mxfp4"
                               : rule.scale == Format::kUE4M3 ? "nvfp4"
                                                              : "fp8_row";
    ASSERT_EQ(Run("quantize in --format " + format + " --scale-mode " +
                  std::string(rule.name) + " -o out")
                  .code,
              0);
    const auto file = SafetensorsFile::Open(Path("out"));
    const Expected expected = Quantized(FindBlock(format), rule.name);
    EXPECT_EQ(Text(file.Read(file.Get("a.weight"))), Text(expected.codes))
        << rule.name;
    const std::string guess =
        Tensor(Inspect("out"), "a.weight")["quantized"]["scale_mode"];
    if (rule.name != "even") {
      EXPECT_THAT(guess, HasSubstr(std::string(rule.name)));
    }
  }
  ASSERT_EQ(Run("quantize in --format mxfp4 --preset te -o p").code, 0);
  ASSERT_EQ(Run("quantize in --format mxfp4 --scale-mode rceil -o m").code, 0);
  EXPECT_EQ(Slurp(folder_ / "p"), Slurp(folder_ / "m"));
}

TEST_F(CliQuantizeTest, StochasticIsReproducible) {
  const std::string command =
      "quantize in --format nvfp4 --rounding sr --seed 4 -o ";
  ASSERT_EQ(Run(command + "x --threads 1").code, 0);
  ASSERT_EQ(Run(command + "y").code, 0);
  EXPECT_EQ(Slurp(folder_ / "x"), Slurp(folder_ / "y"));
}

TEST_F(CliQuantizeTest, CompressedTensorsNaming) {
  const std::string command = "quantize in --naming compressed-tensors -o out ";
  ASSERT_EQ(Run(command + "--format nvfp4").code, 0);
  auto file = SafetensorsFile::Open(Path("out"));
  const Expected expected = Quantized(FindBlock("nvfp4"));
  EXPECT_EQ(file.Get("a.weight_packed").ToString(), "U8 [40, 72]");
  EXPECT_EQ(Text(file.Read(file.Get("a.weight_packed"))), Text(expected.codes));
  EXPECT_EQ(file.Get("a.weight_scale").ToString(), "F8_E4M3 [40, 9]");
  EXPECT_EQ(file.Get("a.weight_global_scale").ToString(), "F32 [1]");
  EXPECT_EQ(ReadFloat(file, "a.weight_global_scale"),
            1 / expected.result.tensor_scale);
  const json seen = Tensor(Inspect("out"), "a.weight_packed")["quantized"];
  EXPECT_EQ(seen["naming"], "compressed-tensors");
  EXPECT_THAT(seen["convention"], HasSubstr("reciprocal"));

  ASSERT_EQ(Run(command + "--format mxfp4").code, 0);
  file = SafetensorsFile::Open(Path("out"));
  EXPECT_EQ(file.Get("a.weight_packed").ToString(), "U8 [40, 72]");
  EXPECT_EQ(file.Get("a.weight_scale").ToString(), "U8 [40, 5]");
  ASSERT_EQ(Run(command + "--format fp8_tensor").code, 0);
  file = SafetensorsFile::Open(Path("out"));
  EXPECT_EQ(file.Get("a.weight").ToString(), "F8_E4M3 [40, 144]");
  EXPECT_EQ(file.Get("a.weight_scale").ToString(), "F32 [1]");
}

TEST_F(CliQuantizeTest, InputMayBeTheOutputAndScalesStayScales) {
  ASSERT_EQ(Run("quantize in --format fp8_row -o out").code, 0);
  ASSERT_EQ(Run("quantize in --format fp8_row -o in").code, 0);
  EXPECT_EQ(Slurp(folder_ / "in"), Slurp(folder_ / "out"));
  EXPECT_EQ(Listing().size(), 2u);
  // Once more: what is quantised, and its 2-D scales, are copied.
  const Outcome outcome = Run("quantize in --format fp8_row -o again");
  EXPECT_THAT(outcome.out, HasSubstr("a.weight_scale was copied: scales of"));
  EXPECT_EQ(Slurp(folder_ / "again"), Slurp(folder_ / "out"));
  ASSERT_EQ(Run("quantize - --format mxfp4 -o -", Slurp(folder_ / "in")).code,
            0);
}

TEST_F(CliQuantizeTest, NanAndInfinityAreReported) {
  values_[5] = std::numeric_limits<float>::quiet_NaN();
  values_[kCols] = std::numeric_limits<float>::infinity();
  for (size_t i = 2 * kCols; i < 3 * kCols; ++i) values_[i] = 0;
  WriteInput("in");
  const Outcome outcome =
      Run("quantize in --format mxfp8 -o out --json report");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("2 NaN or infinite, 62 lost"));
  const json row = Tensor(json::parse(Slurp(folder_ / "report")), "a.weight");
  EXPECT_EQ(row["not_finite"], 2);
  EXPECT_EQ(row["lost"], 62);
  const Outcome before = Run("inspect in"), after = Run("inspect out");
  EXPECT_THAT(before.out, HasSubstr("suspicious: a.weight: 1 values are NaN"));
  EXPECT_THAT(before.out, HasSubstr("a.weight: 1 rows are all zeros"));
  EXPECT_THAT(after.out, HasSubstr("2 of 200 scales are NaN or infinite"));
}

TEST_F(CliQuantizeTest, InspectSeesAnInvertedGlobalScaleAndWrongShapes) {
  ASSERT_EQ(Run("quantize in --format nvfp4 -o out").code, 0);
  const auto file = SafetensorsFile::Open(Path("out"));
  for (const bool wrong_shape : {false, true}) {
    std::vector<std::vector<std::byte>> data;
    std::vector<TensorData> tensors;
    for (const TensorInfo& tensor : file.tensors()) {
      if (!tensor.name.starts_with("a.")) continue;
      data.push_back(file.Read(tensor));
      tensors.push_back({tensor, {}});
      if (tensor.name == "a.weight_scale_2") {
        float scale = 0;
        std::memcpy(&scale, data.back().data(), 4);
        scale = 1 / scale;
        std::memcpy(data.back().data(), &scale, 4);
      }
      if (wrong_shape && tensor.name == "a.weight_scale") {
        tensors.back().info.shape = {kRows * 9 / 4, 4};
      }
    }
    for (size_t i = 0; i < data.size(); ++i) tensors[i].bytes = data[i];
    WriteSafetensors(Path("bad"), tensors, {});
    const Outcome outcome = Run("inspect bad");
    EXPECT_EQ(outcome.code, 0);
    EXPECT_THAT(
        outcome.out,
        HasSubstr(wrong_shape ? "a.weight_scale: F8_E4M3 [90, 4] fits no block"
                              : "a.weight_scale_2: looks inverted"));
    if (!wrong_shape) {
      EXPECT_THAT(outcome.out, HasSubstr("order of nibbles cannot be told"));
    }
  }
}

TEST_F(CliQuantizeTest, RefusalsLeaveEverythingAsItWas) {
  Spill(folder_ / "old", "old");
  const auto quantize = [&](const std::string& options) {
    return Refusal("$Z quantize in -o old " + options);
  };
  EXPECT_THAT(quantize("--format fp3"), HasSubstr("known: mxfp8_e4m3fn"));
  EXPECT_THAT(quantize("--format mxfp4 --scale-mode te"),
              HasSubstr("known: floor ceil even rceil trn3"));
  EXPECT_THAT(quantize("--format nvfp4 --preset ocp"),
              HasSubstr("known: te torchao torchao-1 torchao-2 4over6"));
  EXPECT_THAT(quantize("--format nvfp4 --naming x"),
              HasSubstr("known: weight_scale compressed-tensors"));
  EXPECT_THAT(quantize("--format mxfp6 --naming compressed-tensors"),
              HasSubstr("has no e3m2fn elements"));
  EXPECT_THAT(quantize("--format nvfp4 --rounding sr"), HasSubstr("--seed"));
  EXPECT_THAT(quantize("--format nvfp4 --rounding rz"), HasSubstr("rne or sr"));

  std::string lie = Slurp(folder_ / "in");
  const size_t at = lie.find("[40,144]");
  ASSERT_NE(at, std::string::npos);
  lie.replace(at, 8, "[40,999]");
  Spill(folder_ / "lie", lie);
  EXPECT_THAT(Refusal("$Z quantize lie --format nvfp4 -o old"),
              HasSubstr("a.weight"));
  EXPECT_THAT(Refusal("$Z inspect lie"), HasSubstr("a.weight"));
  Spill(folder_ / "short", Slurp(folder_ / "in").substr(0, 20000));
  Refusal("$Z quantize short --format nvfp4 -o old");
  Refusal("$Z quantize missing --format nvfp4 -o old");
}

// The old file stays, the partial one goes.
TEST_F(CliQuantizeTest, AFullDiskLeavesTheOldFile) {
  Spill(folder_ / "old", "old");
  EXPECT_THAT(
      Refusal(
          "trap '' XFSZ; ulimit -f 4; $Z quantize in --format nvfp4 -o old"),
      HasSubstr("old: cannot be written: File too large"));
  EXPECT_THAT(Refusal("$Z quantize in --format nvfp4 -o /dev/full"),
              HasSubstr("No space left on device"));
}

TEST_F(CliQuantizeTest, PythonsSafetensorsReadsIt) {
  if (Shell("python3 -c 'import safetensors, numpy'").code != 0) {
    GTEST_SKIP() << "python3 has no safetensors and numpy";
  }
  for (const char* format : {"nvfp4", "mxfp8", "e4m3fn_128x128"}) {
    ASSERT_EQ(Run(std::string("quantize in -o out --format ") + format).code,
              0);
    const Outcome outcome = Shell(
        "python3 -c 'import safetensors as s\n"
        "with s.safe_open(\"out\", framework=\"np\") as f:\n"
        "  for k in f.keys(): print(k, f.get_slice(k).get_dtype(), "
        "f.get_slice(k).get_shape())'");
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("a.weight F"));
  }
}

}  // namespace
}  // namespace zeroulp
