// SPDX-License-Identifier: Apache-2.0
// How checkpoints name and store quantised matrices: one row for each way, to
// write by and to recognise by.
#ifndef ZEROULP_TOOLS_CHECKPOINT_NAMES_H_
#define ZEROULP_TOOLS_CHECKPOINT_NAMES_H_

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zeroulp/blocks.h"
#include "zeroulp/layout.h"
#include "zeroulp/safetensors.h"

namespace zeroulp::cli {

// A matrix X is stored as X + codes, X + scale and X + tensor_scale.
struct Naming {
  std::string_view name;
  std::string_view codes, scale, tensor_scale;  // what is added to the name
  TensorScaleConvention convention;
  bool plain_bytes;  // F4 and F8_E8M0 as U8: loaders older than those dtypes
  std::string_view elements;  // formats of elements it can say; empty: all
  bool writable;              // false: recognised only
  std::string_view source;
};

// clang-format off
inline constexpr auto kNamings = std::to_array<Naming>({
    {"weight_scale", "", "_scale", "_scale_2", TensorScaleConvention::kDirect, false, "", true,
     "NVIDIA Model Optimizer, unified checkpoints: weight, weight_scale, weight_scale_2"},
    {"compressed-tensors", "_packed", "_scale", "_global_scale", TensorScaleConvention::kReciprocal, true, "e4m3fn e2m1fn", true,
     "compressed-tensors as vLLM loads it: weight_packed, weight_scale, weight_global_scale; FP8 keeps the name weight"},
    {"deepseek", "", "_scale_inv", "", TensorScaleConvention::kDirect, false, "", false,
     "DeepSeek-V3 checkpoints: weight_scale_inv multiplies, despite its name"},
    {"gpt-oss", "_blocks", "_scales", "", TensorScaleConvention::kDirect, true, "e2m1fn", false,
     "gpt-oss checkpoints: MXFP4 blocks of 16 bytes and scales, both U8"},
});
// clang-format on

// A way to write `block`; an empty name is the first. Throws
// Error{kUnknownName} that lists those that can be written, {kUnsupported} if
// it cannot say the block format.
const Naming& FindNaming(std::string_view name, const BlockInfo& block);

// The three tensors a matrix of `rows` x `cols` becomes; the last only if the
// block format has a tensor scale. Two-dimensional NVFP4 scales are stored one
// row for each row of the matrix, as loaders of the one-dimensional format
// read them. Throws Error{kArgument} if 4-bit rows end inside a byte.
struct StoredMatrix {
  TensorInfo codes, scale;
  std::optional<TensorInfo> tensor_scale;
};
StoredMatrix StoredAs(const Naming& naming, const BlockInfo& block,
                      const std::string& name, int64_t rows, int64_t cols);

// A quantised matrix found in a file.
struct MatrixGroup {
  const Naming* naming;
  const TensorInfo* codes;
  const TensorInfo* scale;
  const TensorInfo* tensor_scale;  // nullptr: none
  int64_t rows = 0, cols = 0;      // of codes; leading dimensions are rows
  int64_t scale_rows = 0, scale_cols = 0;
  Format element = Format::kE4M3FN;
  // Formats that these dtypes and shapes fit, best first; empty: none.
  std::vector<const BlockInfo*> blocks;
  // Why the first: "stated in the metadata" or what fits.
  std::string reason;
};

// The name of a tensor for a terminal: control characters become '?'.
std::string Shown(std::string_view name);

// Every tensor that has a scale of one of kNamings beside it.
std::vector<MatrixGroup> FindGroups(const SafetensorsFile& file);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_CHECKPOINT_NAMES_H_
