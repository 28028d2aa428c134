// SPDX-License-Identifier: Apache-2.0
#include "tools/checkpoint_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace zeroulp::cli {
namespace {

Dtype DtypeOf(Format format, bool plain_bytes) {
  const Dtype dtype = FindDtype(Info(format).safetensors).id;
  const bool is_new = dtype == Dtype::kF4 || dtype == Dtype::kF8E8M0;
  return plain_bytes && is_new ? Dtype::kU8 : dtype;
}

// The formats of elements that a dtype can hold, likeliest first; F6 dtypes
// pack four codes in three bytes, which no format here does.
std::vector<Format> ElementsOf(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF8E4M3:
      return {Format::kE4M3FN};
    case Dtype::kF8E5M2:
      return {Format::kE5M2};
    case Dtype::kF4:
      return {Format::kE2M1FN};
    case Dtype::kU8:
    case Dtype::kI8:
      return {Format::kE2M1FN, Format::kE3M2FN,   Format::kE2M3FN,
              Format::kE4M3,   Format::kE4M3FNUZ, Format::kE5M2FNUZ};
    default:
      return {};
  }
}

bool ScaleFits(const BlockInfo& block, Dtype dtype) {
  switch (dtype) {
    case Dtype::kF8E8M0:
      return block.scale == Format::kE8M0FNU;
    case Dtype::kU8:
      return block.scale == Format::kE8M0FNU;
    case Dtype::kF8E4M3:
      return block.scale == Format::kUE4M3;
    case Dtype::kF32:
    case Dtype::kBF16:
    case Dtype::kF16:
      return block.scale == Format::kF32;
    default:
      return false;
  }
}

// Rows and columns of a tensor: leading dimensions are rows, and a single
// dimension is a column where that is what the scale of rows looks like.
std::pair<int64_t, int64_t> Matrix(const std::vector<int64_t>& shape) {
  if (shape.empty()) return {1, 1};
  if (shape.size() == 1) return {shape[0], 1};
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) rows *= shape[i];
  return {rows, shape.back()};
}

// Fills in rows, columns and the block formats that fit an element format.
void FitElement(MatrixGroup& group, Format element) {
  auto [rows, cols] = Matrix(group.codes->shape);
  const size_t dims = group.codes->shape.size();
  if (group.naming->name == "gpt-oss" && dims >= 3 && rows > 0) {
    const int64_t blocks = group.codes->shape[dims - 2];  // [..., blocks, 16]
    rows /= blocks;
    cols *= blocks;
  }
  if (Info(element).bits == 4 && group.codes->dtype != Dtype::kF4) cols *= 2;
  for (const BlockInfo& block : kBlocks) {
    if (block.element != element) continue;
    if (!ScaleFits(block, group.scale->dtype)) continue;
    if (group.tensor_scale != nullptr && !block.has_tensor_scale) continue;
    if (block.ScaleRows(rows) != group.scale_rows) continue;
    if (block.ScaleCols(cols) != group.scale_cols) continue;
    if (group.blocks.empty()) {
      group.rows = rows;
      group.cols = cols;
      group.element = element;
    }
    group.blocks.push_back(&block);
  }
  if (group.rows != 0) return;
  group.rows = rows;  // the likeliest reading, should nothing fit
  group.cols = cols;
  group.element = element;
}

void FindBlocks(MatrixGroup& group, const Metadata& metadata) {
  std::tie(group.scale_rows, group.scale_cols) = Matrix(group.scale->shape);
  for (const Format element : ElementsOf(group.codes->dtype)) {
    FitElement(group, element);
  }
  if (group.blocks.empty()) {
    group.reason = "no block format has scales of this dtype and shape";
    return;
  }
  group.reason = fmt::format(
      "{} codes, {} scales of shape {} x {}", Info(group.codes->dtype).name,
      Info(group.scale->dtype).name, group.scale_rows, group.scale_cols);
  const auto stated = metadata.find("zeroulp.block_format");
  if (stated == metadata.end()) return;
  const auto block = std::find_if(
      group.blocks.begin(), group.blocks.end(), [&](const BlockInfo* b) {
        // Scales of the two-dimensional format are stored row by row.
        return b->name == stated->second ||
               (b->name == "nvfp4" && stated->second == "nvfp4_16x16");
      });
  if (block == group.blocks.end()) return;
  const BlockInfo* found = *block;
  group.blocks = {found};
  if (found->element != group.element) {
    group.element = found->element;
    std::tie(group.rows, group.cols) = Matrix(group.codes->shape);
  }
  group.reason = "stated in the metadata";
}

}  // namespace

const Naming& FindNaming(std::string_view name, const BlockInfo& block) {
  std::string known;
  for (const Naming& naming : kNamings) {
    if (!naming.writable) continue;
    if (name == naming.name || name.empty()) {
      const std::string_view element = Info(block.element).name;
      if (naming.elements.empty() ||
          internal::ListContains(naming.elements, element)) {
        return naming;
      }
      throw Error(ErrorCode::kUnsupported,
                  fmt::format("naming '{}' has no {} elements, which {} needs, "
                              "only {}",
                              name, element, block.name, naming.elements));
    }
    known.append(known.empty() ? "" : " ").append(naming.name);
  }
  throw Error(ErrorCode::kUnknownName,
              fmt::format("no naming is named '{}'; known: {}", name, known));
}

StoredMatrix StoredAs(const Naming& naming, const BlockInfo& block,
                      const std::string& name, int64_t rows, int64_t cols) {
  const auto named = [&](std::string_view suffix, Dtype dtype,
                         std::vector<int64_t> shape) {
    TensorInfo info;
    info.name = name + std::string(suffix);
    info.dtype = dtype;
    info.shape = std::move(shape);
    return info;
  };
  const bool four_bits = Info(block.element).storage_bits == 4;
  if (four_bits && cols % 2 != 0) {
    throw Error(ErrorCode::kArgument,
                fmt::format("K = {} is odd: rows of {} would end inside a byte",
                            cols, block.name));
  }
  const bool bytes = four_bits && naming.plain_bytes;
  StoredMatrix stored;
  // Only packed codes get another name.
  stored.codes = named(four_bits ? naming.codes : "",
                       DtypeOf(block.element, naming.plain_bytes),
                       {rows, bytes ? cols / 2 : cols});

  std::vector<int64_t> scales = {block.ScaleRows(rows), block.ScaleCols(cols)};
  if (block.scale == Format::kUE4M3) scales[0] = rows;
  if (block.block_rows == 0 && block.block_cols == 0) {
    scales.assign(naming.plain_bytes ? 1 : 0, 1);  // [1], or no dimension
  }
  stored.scale = named(naming.scale, DtypeOf(block.scale, naming.plain_bytes),
                       std::move(scales));
  if (block.has_tensor_scale) {
    std::vector<int64_t> shape(naming.plain_bytes ? 1 : 0, 1);
    stored.tensor_scale =
        named(naming.tensor_scale, Dtype::kF32, std::move(shape));
  }
  return stored;
}

std::string Shown(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return text;
}

std::vector<MatrixGroup> FindGroups(const SafetensorsFile& file) {
  std::vector<MatrixGroup> groups;
  for (const TensorInfo& tensor : file.tensors()) {
    if (ElementsOf(tensor.dtype).empty() || tensor.shape.empty()) continue;
    if (tensor.size_bytes == 0) continue;  // its dimensions may be anything
    for (const Naming& naming : kNamings) {
      // compressed-tensors' FP8 has no suffix and is the first row's.
      if (!tensor.name.ends_with(naming.codes)) continue;
      const std::string stem =
          tensor.name.substr(0, tensor.name.size() - naming.codes.size());
      const TensorInfo* scale = file.Find(stem + std::string(naming.scale));
      if (scale == nullptr || scale == &tensor) continue;
      MatrixGroup group = {&naming, &tensor, scale, nullptr, 0, 0,
                           0,       0,       {},    {},      {}};
      if (!naming.tensor_scale.empty()) {
        group.tensor_scale = file.Find(stem + std::string(naming.tensor_scale));
      }
      FindBlocks(group, file.metadata());
      groups.push_back(std::move(group));
      break;
    }
  }
  return groups;
}

}  // namespace zeroulp::cli
