// SPDX-License-Identifier: Apache-2.0
// SafetensorsWriter: layout first, then bytes into a file renamed last.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/io/file_error.h"
#include "tools/io/header.h"
#include "tools/io/output_file.h"
#include "zeroulp/safetensors.h"

namespace zeroulp {

using io::Quote;

namespace {

// Sorts the tensors into data order and gives them sizes and offsets; returns
// the number of data bytes.
int64_t LayOut(std::vector<TensorInfo>& tensors) {
  std::sort(tensors.begin(), tensors.end(),
            [](const TensorInfo& x, const TensorInfo& y) {
              const int ax = Info(x.dtype).alignment();
              const int ay = Info(y.dtype).alignment();
              return ax != ay ? ax > ay : x.name < y.name;
            });
  int64_t end = 0;
  for (TensorInfo& tensor : tensors) {
    tensor.offset = end;
    tensor.size_bytes = SizeBytes(tensor.dtype, tensor.shape);
    if (__builtin_add_overflow(end, tensor.size_bytes, &end)) {
      throw Error(ErrorCode::kOverflow,
                  fmt::format("tensor {}: {} brings the file to more than 2^63 "
                              "- 1 bytes",
                              Quote(tensor.name), tensor.ToString()));
    }
  }
  return end;
}

void CheckNames(std::span<const TensorInfo> tensors) {
  std::vector<std::string_view> names = {"__metadata__"};
  for (const TensorInfo& tensor : tensors) names.push_back(tensor.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    throw Error(
        ErrorCode::kArgument,
        fmt::format("a safetensors file cannot have tensor {}{}", Quote(*twice),
                    *twice == "__metadata__" ? ", a reserved name" : " twice"));
  }
}

std::string HeaderOf(std::span<const TensorInfo> tensors,
                     const Metadata& metadata) {
  try {
    return io::FormatHeader(tensors, metadata);
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::kArgument,
                "names and metadata of a safetensors file must be UTF-8");
  }
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(const std::string& path,
                                     std::vector<TensorInfo> tensors,
                                     const Metadata& metadata)
    : tensors_(std::move(tensors)) {
  CheckNames(tensors_);
  missing_bytes_ = LayOut(tensors_);
  const std::string header = HeaderOf(tensors_, metadata);
  const uint64_t length = header.size();
  file_ = std::make_unique<io::OutputFile>(path);
  file_->Write(std::as_bytes(std::span(&length, 1)));
  file_->Write(std::as_bytes(std::span(header)));
}

SafetensorsWriter::~SafetensorsWriter() = default;

void SafetensorsWriter::Append(std::span<const std::byte> bytes) {
  const auto size = static_cast<int64_t>(bytes.size());
  if (size > missing_bytes_) {
    throw Error(ErrorCode::kArgument,
                fmt::format("Append got {} bytes where {} are missing", size,
                            missing_bytes_));
  }
  file_->Write(bytes);
  missing_bytes_ -= size;
}

void SafetensorsWriter::Commit() {
  if (missing_bytes_ != 0) {
    throw Error(
        ErrorCode::kArgument,
        fmt::format("Commit with {} bytes of data missing", missing_bytes_));
  }
  file_->Commit();
}

void WriteSafetensors(const std::string& path,
                      std::span<const TensorData> tensors,
                      const Metadata& metadata) {
  std::map<std::string_view, const TensorData*> by_name;
  std::vector<TensorInfo> infos;
  for (const TensorData& tensor : tensors) {
    const int64_t expected = SizeBytes(tensor.info.dtype, tensor.info.shape);
    if (static_cast<int64_t>(tensor.bytes.size()) != expected) {
      throw Error(ErrorCode::kArgument,
                  fmt::format("tensor {}: {} takes {} bytes, got {}",
                              Quote(tensor.info.name), tensor.info.ToString(),
                              expected, tensor.bytes.size()));
    }
    by_name[tensor.info.name] = &tensor;
    infos.push_back(tensor.info);
  }
  SafetensorsWriter writer(path, std::move(infos), metadata);
  for (const TensorInfo& tensor : writer.tensors()) {
    writer.Append(by_name.at(tensor.name)->bytes);
  }
  writer.Commit();
}

}  // namespace zeroulp
