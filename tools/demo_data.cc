// SPDX-License-Identifier: Apache-2.0
#include "tools/demo_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <numbers>
#include <random>
#include <string_view>

#include "zeroulp/codec.h"

namespace zeroulp::cli {
namespace {

[[noreturn]] void Fail(const SafetensorsFile& file, const std::string& why) {
  throw Error(ErrorCode::kFile, fmt::format("{}: {}", file.path(), why));
}

bool IsFloat(Dtype dtype) {
  return dtype == Dtype::kF64 || dtype == Dtype::kF32 || dtype == Dtype::kF16 ||
         dtype == Dtype::kBF16;
}

bool IsWeights(const TensorInfo& tensor) {
  return tensor.shape.size() == 2 && IsFloat(tensor.dtype) &&
         tensor.size_bytes > 0;
}

// One element as binary32; F64 is rounded.
float ToFloat(Dtype dtype, const std::byte* bytes) {
  if (dtype == Dtype::kF64) {
    double value = 0;
    std::memcpy(&value, bytes, sizeof value);
    return static_cast<float>(value);
  }
  uint32_t code = 0;
  std::memcpy(&code, bytes, static_cast<size_t>(Info(dtype).bits / 8));
  return Decode(dtype == Dtype::kF16    ? Format::kF16
                : dtype == Dtype::kBF16 ? Format::kBF16
                                        : Format::kF32,
                code);
}

// Elements [first, first + count) of a tensor of floats.
std::vector<float> ReadFloats(const SafetensorsFile& file,
                              const TensorInfo& tensor, int64_t first,
                              int64_t count) {
  const int64_t size = Info(tensor.dtype).bits / 8;
  std::vector<std::byte> bytes(static_cast<size_t>(count * size));
  file.Read(tensor, first * size, bytes);
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    const std::byte* element = bytes.data() + i * static_cast<size_t>(size);
    values[i] = ToFloat(tensor.dtype, element);
    if (!std::isfinite(values[i])) {
      Fail(file, fmt::format("tensor '{}': element {} is no finite binary32",
                             tensor.name, first + static_cast<int64_t>(i)));
    }
  }
  return values;
}

// Names that linear layers go by, most telling first: the first matrix of a
// transformer's feed-forward block in several code bases.
constexpr std::string_view kLayerNames[] = {
    "intermediate.dense.weight", "mlp.up_proj.weight", "mlp.fc1.weight",
    "mlp.c_fc.weight", "linear1.weight"};

const TensorInfo& ChooseLayer(const SafetensorsFile& file) {
  for (const std::string_view ending : kLayerNames) {
    for (const TensorInfo& tensor : file.tensors()) {
      if (IsWeights(tensor) && tensor.name.ends_with(ending)) return tensor;
    }
  }
  const TensorInfo* largest = nullptr;
  for (const TensorInfo& tensor : file.tensors()) {
    if (!IsWeights(tensor)) continue;
    if (tensor.name.find("embed") != std::string::npos) continue;
    if (largest == nullptr || tensor.size_bytes > largest->size_bytes) {
      largest = &tensor;
    }
  }
  if (largest == nullptr) {
    Fail(file, "has no 2-D tensor of F64, F32, F16 or BF16 to multiply by");
  }
  return *largest;
}

// The 2-D table of floats of width `cols` whose name ends so, or nullptr.
const TensorInfo* FindTable(const SafetensorsFile& file,
                            std::initializer_list<std::string_view> endings,
                            int64_t cols) {
  for (const std::string_view ending : endings) {
    for (const TensorInfo& tensor : file.tensors()) {
      if (IsWeights(tensor) && tensor.shape[1] == cols &&
          tensor.name.ends_with(ending)) {
        return &tensor;
      }
    }
  }
  return nullptr;
}

// A vector of `cols` floats, or nothing.
std::vector<float> FindVector(const SafetensorsFile& file,
                              std::string_view ending, int64_t cols) {
  for (const TensorInfo& tensor : file.tensors()) {
    if (tensor.shape == std::vector<int64_t>{cols} && IsFloat(tensor.dtype) &&
        tensor.name.ends_with(ending)) {
      return ReadFloats(file, tensor, 0, cols);
    }
  }
  return {};
}

struct LayerNorm {
  std::vector<float> weight, bias;  // empty: the model has none

  void Apply(std::vector<double>& row) const {
    constexpr double kEpsilon = 1e-12;  // BERT's
    const auto count = static_cast<double>(row.size());
    double mean = 0, variance = 0;
    for (const double x : row) mean += x / count;
    for (const double x : row) variance += (x - mean) * (x - mean) / count;
    const double scale = 1 / std::sqrt(variance + kEpsilon);
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = (row[i] - mean) * scale * weight[i];
      if (!bias.empty()) row[i] += bias[i];
    }
  }
};

// Independent standard normal numbers, the same everywhere for a seed;
// std::normal_distribution may differ between standard libraries.
class Normal {
 public:
  explicit Normal(uint64_t seed) : bits_(seed) {}

  double operator()() {
    const double u = (static_cast<double>(bits_() >> 11) + 1) * 0x1p-53;
    const double v = static_cast<double>(bits_() >> 11) * 0x1p-53;
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }

 private:
  std::mt19937_64 bits_;
};

}  // namespace

Matrix LoadLayer(const SafetensorsFile& file, const std::string& name,
                 int64_t max_elements) {
  const TensorInfo& tensor = name.empty() ? ChooseLayer(file) : file.Get(name);
  if (!IsWeights(tensor)) {
    Fail(file, fmt::format("tensor '{}' is {}, the demo takes 2-D tensors of "
                           "F64, F32, F16 or BF16",
                           tensor.name, tensor.ToString()));
  }
  const int64_t rows = tensor.shape[0], cols = tensor.shape[1];
  Matrix matrix;
  matrix.rows = std::clamp(max_elements / cols, int64_t{1}, rows);
  matrix.cols = cols;
  matrix.values = ReadFloats(file, tensor, 0, matrix.rows * cols);
  matrix.origin =
      fmt::format("{} of {}, {}", tensor.name,
                  std::filesystem::path(file.path()).filename().string(),
                  Info(tensor.dtype).name);
  if (matrix.rows < rows) {
    matrix.origin +=
        fmt::format(", the first {} of {} rows", matrix.rows, rows);
  }
  return matrix;
}

std::optional<Matrix> EmbeddingActivations(const SafetensorsFile& file,
                                           int64_t tokens, int64_t cols) {
  const TensorInfo* words = FindTable(
      file, {"word_embeddings.weight", "embed_tokens.weight", "wte.weight"},
      cols);
  if (words == nullptr) return {};
  const TensorInfo* positions =
      FindTable(file, {"position_embeddings.weight", "wpe.weight"}, cols);
  const TensorInfo* types =
      FindTable(file, {"token_type_embeddings.weight"}, cols);
  const LayerNorm norm = {FindVector(file, "embeddings.LayerNorm.weight", cols),
                          FindVector(file, "embeddings.LayerNorm.bias", cols)};

  Matrix matrix;
  matrix.rows = tokens;
  matrix.cols = cols;
  std::vector<double> row(static_cast<size_t>(cols));
  const auto add = [&](const TensorInfo* table, int64_t index) {
    if (table == nullptr) return;
    const auto values = ReadFloats(file, *table, index * cols, cols);
    for (size_t i = 0; i < row.size(); ++i) row[i] += values[i];
  };
  for (int64_t token = 0; token < tokens; ++token) {
    std::fill(row.begin(), row.end(), 0.0);
    constexpr int64_t kStride = 7919;  // a prime: visits all of the vocabulary
    add(words, (token + 1) * kStride % words->shape[0]);
    if (positions != nullptr) add(positions, token % positions->shape[0]);
    add(types, 0);
    if (!norm.weight.empty()) norm.Apply(row);
    for (const double x : row) matrix.values.push_back(static_cast<float>(x));
  }
  matrix.origin = fmt::format(
      "the model's own embeddings, word{}{} rows{}",
      positions != nullptr ? " + position" : "",
      types != nullptr ? " + token type" : "",
      norm.weight.empty() ? "" : ", layer normalised: the encoder's input");
  return matrix;
}

Matrix SyntheticLayer(int64_t rows, int64_t cols) {
  Matrix matrix = {
      "synthetic, normal with standard deviation 1/sqrt(K)", rows, cols, {}};
  Normal normal(1);
  const double deviation = 1 / std::sqrt(static_cast<double>(cols));
  for (int64_t i = 0; i < rows * cols; ++i) {
    matrix.values.push_back(static_cast<float>(normal() * deviation));
  }
  return matrix;
}

Matrix SyntheticActivations(int64_t rows, int64_t cols) {
  Matrix matrix = {
      "synthetic, heavy-tailed: normal x exp(normal / 2), every "
      "64th channel 20 times larger",
      rows,
      cols,
      {}};
  Normal normal(2);
  for (int64_t i = 0; i < rows * cols; ++i) {
    const double spread = std::exp(normal() / 2);
    const double channel = i % cols % 64 == 63 ? 20 : 1;
    matrix.values.push_back(static_cast<float>(normal() * spread * channel));
  }
  return matrix;
}

}  // namespace zeroulp::cli
