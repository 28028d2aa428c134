// SPDX-License-Identifier: Apache-2.0
// Check and WriteBundle: the rules that hold for every bundle.
#include <bitset>
#include <tuple>

#include "tools/io/bundle_matrix.h"
#include "tools/io/file_error.h"
#include "zeroulp/bundle.h"

namespace zeroulp {
namespace {

using io::FileError;
using io::Quote;

void CheckDims(const Bundle& bundle, std::string_view tensor,
               const std::optional<BundleMatrix>& matrix, int64_t rows,
               int64_t cols, std::string_view meaning) {
  if (!matrix) return;
  if (matrix->batch == bundle.batch() && matrix->rows == rows &&
      matrix->cols == cols) {
    return;
  }
  FileError(bundle.name, "tensor {} is {} x {} x {}, must be {} x {} x {}: {}",
            Quote(tensor), matrix->batch, matrix->rows, matrix->cols,
            bundle.batch(), rows, cols, meaning);
}

// Logical K from the columns of A.
int64_t LogicalK(const Bundle& bundle) {
  if (!bundle.sparsity) return bundle.a.cols;
  const auto [keep, group] = *bundle.sparsity;
  if (keep < 1 || group > 256 || keep > group) {
    FileError(bundle.name,
              "sparsity {}:{} must keep 1 or more of at most 256 values", keep,
              group);
  }
  if (bundle.a.cols % keep != 0) {
    FileError(bundle.name,
              "tensor 'a' has {} columns, sparsity {}:{} takes a multiple of "
              "{}",
              bundle.a.cols, keep, group, keep);
  }
  int64_t k = 0;
  if (__builtin_mul_overflow(bundle.a.cols / keep, group, &k)) {
    FileError(bundle.name, "tensor 'a' has {} columns, too many for {}:{}",
              bundle.a.cols, keep, group);
  }
  return k;
}

void CheckIndex(const Bundle& bundle) {
  const auto [keep, group] = *bundle.sparsity;
  if (bundle.a_index.size() / static_cast<size_t>(bundle.a.batch) /
          static_cast<size_t>(bundle.a.rows) !=
      static_cast<size_t>(bundle.a.cols)) {
    FileError(bundle.name,
              "tensor 'a_index' has {} positions, 'a' has {} x {} "
              "x {} values",
              bundle.a_index.size(), bundle.a.batch, bundle.a.rows,
              bundle.a.cols);
  }
  std::bitset<256> taken;
  for (size_t i = 0; i < bundle.a_index.size(); ++i) {
    if (i % static_cast<size_t>(keep) == 0) taken.reset();
    const uint8_t position = bundle.a_index[i];
    if (position >= group || taken[position]) {
      FileError(bundle.name,
                "tensor 'a_index': element {} is {}; the {} positions of a "
                "group must differ and be below {}",
                i, position, keep, group);
    }
    taken.set(position);
  }
}

// Before the shapes, which sparsity changes.
void CheckSparsityIsComplete(const Bundle& bundle) {
  const bool has_index = !bundle.a_index.empty();
  if (has_index == bundle.sparsity.has_value()) return;
  FileError(bundle.name,
            "tensor 'a_index' and metadata {} come together; {} is missing",
            io::kSparsityKey, has_index ? "the metadata" : "the tensor");
}

void CheckRowScales(const Bundle& bundle) {
  for (const auto& [name, scales, rows] :
       {std::tuple{"a_row_scales", &bundle.a_row_scales, bundle.m()},
        {"b_row_scales", &bundle.b_row_scales, bundle.n()}}) {
    CheckDims(bundle, name, *scales, 1, rows, "one for each row");
    if (*scales && (*scales)->format != Format::kF32) {
      FileError(bundle.name, "tensor {} is {}, must be f32", Quote(name),
                Info((*scales)->format).name);
    }
  }
}

void CheckScales(const Bundle& bundle) {
  const bool has_a = bundle.a_scales.has_value();
  const bool has_b = bundle.b_scales.has_value();
  if (has_a != has_b) {
    FileError(bundle.name,
              "tensors 'a_scales' and 'b_scales' come together; "
              "{} is missing",
              has_a ? "'b_scales'" : "'a_scales'");
  }
  if (has_a != (bundle.block != 0)) {
    FileError(bundle.name, "block scales and metadata {} come together; {}",
              io::kBlockKey,
              has_a ? "the metadata is missing"
                    : "tensors 'a_scales' and 'b_scales' are missing");
  }
  if (!has_a) return;
  if (bundle.block < 0) {
    FileError(bundle.name, "a block of {} elements", bundle.block);
  }
  // Blocks are of stored elements: hardware compresses first.
  const int64_t stored = bundle.a.cols;
  const int64_t blocks = (stored - 1) / bundle.block + 1;
  const std::string meaning =
      fmt::format("{} = {} in blocks of {}", bundle.sparsity ? "stored K" : "K",
                  stored, bundle.block);
  CheckDims(bundle, "a_scales", bundle.a_scales, bundle.m(), blocks, meaning);
  CheckDims(bundle, "b_scales", bundle.b_scales, bundle.n(), blocks, meaning);
}

TensorData Tensor(std::string_view name, Dtype dtype,
                  std::vector<int64_t> shape,
                  std::span<const std::byte> bytes) {
  TensorData tensor;
  tensor.info.name = name;
  tensor.info.dtype = dtype;
  tensor.info.shape = std::move(shape);
  tensor.bytes = bytes;
  return tensor;
}

std::vector<int64_t> Shape(const Bundle& bundle, const BundleMatrix& matrix) {
  if (!bundle.batched) return {matrix.rows, matrix.cols};
  return {matrix.batch, matrix.rows, matrix.cols};
}

Metadata MetadataOf(const Bundle& bundle) {
  Metadata metadata = bundle.notes;
  const auto set = [&](std::string_view key, std::string value) {
    metadata.insert_or_assign(std::string(key), std::move(value));
  };
  set(io::kBundleKey, std::string(io::kBundleVersion));
  if (!bundle.arith.empty()) set(io::kArithKey, bundle.arith);
  set(io::kAFormatKey, std::string(Info(bundle.a.format).name));
  set(io::kBFormatKey, std::string(Info(bundle.b_t.format).name));
  if (bundle.block != 0) set(io::kBlockKey, std::to_string(bundle.block));
  if (bundle.promote_every != 0) {
    set(io::kPromoteKey, std::to_string(bundle.promote_every));
  }
  if (bundle.sparsity) {
    set(io::kSparsityKey,
        fmt::format("{}:{}", bundle.sparsity->keep, bundle.sparsity->group));
  }
  return metadata;
}

}  // namespace

void Check(const Bundle& bundle) {
  for (const io::NamedMatrix& row : io::Matrices(bundle)) {
    if (row.matrix != nullptr) {
      io::CheckMatrix(bundle.name, row.name, *row.matrix);
    }
  }
  if (!bundle.batched && bundle.batch() != 1) {
    FileError(bundle.name, "tensor 'a' has a batch of {}, its shape none",
              bundle.batch());
  }
  CheckSparsityIsComplete(bundle);
  const int64_t k = LogicalK(bundle);
  if (bundle.b_t.batch != bundle.batch() || bundle.b_t.cols != k) {
    FileError(bundle.name,
              "tensor 'a' is {} x {} x {}{}, tensor 'b_t' {} x {} x {}: batch "
              "and K (columns) must be equal",
              bundle.a.batch, bundle.a.rows, k,
              bundle.sparsity ? " uncompressed" : "", bundle.b_t.batch,
              bundle.b_t.rows, bundle.b_t.cols);
  }
  const std::string_view meaning = "batch x M x N of 'a' and 'b_t'";
  CheckDims(bundle, "c", bundle.c, bundle.m(), bundle.n(), meaning);
  CheckDims(bundle, "d", bundle.d, bundle.m(), bundle.n(), meaning);
  if (bundle.sparsity) CheckIndex(bundle);
  CheckScales(bundle);
  CheckRowScales(bundle);
}

void WriteBundle(const std::string& path, const Bundle& bundle) {
  Check(bundle);
  std::vector<TensorData> tensors;
  std::vector<std::vector<std::byte>> converted;
  converted.reserve(io::Matrices(bundle).size());  // spans into it stay valid
  for (const auto& [name, matrix] : io::Matrices(bundle)) {
    if (matrix == nullptr) continue;
    converted.push_back(io::FileBytes(*matrix));
    tensors.push_back(
        Tensor(name, matrix->dtype, Shape(bundle, *matrix), converted.back()));
  }
  const auto add_scale = [&](std::string_view name,
                             const std::optional<float>& scale) {
    if (!scale) return;
    tensors.push_back(
        Tensor(name, Dtype::kF32, {1}, std::as_bytes(std::span(&*scale, 1))));
  };
  add_scale(io::kATensorScale, bundle.a_tensor_scale);
  add_scale(io::kBTensorScale, bundle.b_tensor_scale);
  if (!bundle.a_index.empty()) {
    tensors.push_back(Tensor(io::kAIndex, Dtype::kU8, Shape(bundle, bundle.a),
                             std::as_bytes(std::span(bundle.a_index))));
  }
  WriteSafetensors(path, tensors, MetadataOf(bundle));
}

}  // namespace zeroulp
