// SPDX-License-Identifier: Apache-2.0
#include "zeroulp/safetensors.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "tools/io/file_error.h"
#include "tools/io/header.h"
#include "tools/io/source.h"

namespace zeroulp {

using io::FileError;
using io::Quote;

const DtypeInfo& FindDtype(std::string_view name) {
  std::string known;
  for (const DtypeInfo& dtype : kDtypes) {
    if (dtype.name == name) return dtype;
    known.append(known.empty() ? "" : " ").append(dtype.name);
  }
  throw Error(
      ErrorCode::kUnknownName,
      fmt::format("no dtype is named {}; known: {}", Quote(name), known));
}

int64_t TensorInfo::num_elements() const {
  return size_bytes * 8 / Info(dtype).bits;
}

std::string TensorInfo::ToString() const {
  return fmt::format("{} {}", Info(dtype).name, io::List(shape));
}

int64_t SizeBytes(Dtype dtype, std::span<const int64_t> shape) {
  const auto refuse = [&](ErrorCode code, std::string_view why) {
    throw Error(
        code, fmt::format("{} {} {}", Info(dtype).name, io::List(shape), why));
  };
  int64_t bits = Info(dtype).bits;
  for (const int64_t dim : shape) {
    if (dim < 0) refuse(ErrorCode::kArgument, "has a negative dimension");
    if (__builtin_mul_overflow(bits, dim, &bits)) {
      refuse(ErrorCode::kOverflow, "has more than 2^63 - 1 bits");
    }
  }
  if (bits % 8 != 0) refuse(ErrorCode::kArgument, "ends inside a byte");
  return bits / 8;
}

SafetensorsFile::SafetensorsFile(std::string path,
                                 std::shared_ptr<const Source> source)
    : path_(std::move(path)), source_(std::move(source)) {
  constexpr int64_t kLengthBytes = 8;
  const int64_t file_bytes = source_->size_bytes();
  if (file_bytes < kLengthBytes) {
    FileError(path_,
              "{} bytes are too few for a safetensors file, which "
              "starts with the 8-byte length of its header",
              file_bytes);
  }
  uint64_t length = 0;  // memory is little-endian, as the file is
  source_->Read(path_, 0, std::as_writable_bytes(std::span(&length, 1)));
  if (length > static_cast<uint64_t>(file_bytes - kLengthBytes)) {
    FileError(path_, "the header claims {} bytes, but only {} follow", length,
              file_bytes - kLengthBytes);
  }
  if (length > static_cast<uint64_t>(io::kMaxHeaderBytes)) {
    FileError(path_, "the header claims {} bytes, the limit is {}", length,
              io::kMaxHeaderBytes);
  }
  std::string json(length, ' ');
  source_->Read(path_, kLengthBytes, std::as_writable_bytes(std::span(json)));
  data_start_ = kLengthBytes + static_cast<int64_t>(length);

  io::Header header = io::ParseHeader(path_, json, file_bytes - data_start_);
  metadata_ = std::move(header.metadata);
  tensors_ = std::move(header.tensors);
}

SafetensorsFile SafetensorsFile::Open(const std::string& path) {
  return {path, std::make_shared<Source>(path)};
}

SafetensorsFile SafetensorsFile::FromBytes(std::string name,
                                           std::vector<std::byte> bytes) {
  return {std::move(name), std::make_shared<Source>(std::move(bytes))};
}

const TensorInfo* SafetensorsFile::Find(std::string_view name) const {
  const auto found =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const TensorInfo& tensor, std::string_view n) {
                         return tensor.name < n;
                       });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

const TensorInfo& SafetensorsFile::Get(std::string_view name) const {
  const TensorInfo* tensor = Find(name);
  if (tensor != nullptr) return *tensor;
  constexpr size_t kMaxListed = 8;
  std::string known;
  for (size_t i = 0; i < std::min(tensors_.size(), kMaxListed); ++i) {
    known.append(" ").append(Quote(tensors_[i].name));
  }
  if (tensors_.size() > kMaxListed) {
    known += fmt::format(" and {} more", tensors_.size() - kMaxListed);
  }
  FileError(path_, "no tensor is named {}; there are:{}", Quote(name),
            known.empty() ? " none" : known);
}

void SafetensorsFile::CheckInside(const TensorInfo& tensor) const {
  const int64_t data_bytes = source_->size_bytes() - data_start_;
  if (tensor.offset >= 0 && tensor.size_bytes >= 0 &&
      tensor.offset <= data_bytes &&
      tensor.size_bytes <= data_bytes - tensor.offset) {
    return;
  }
  FileError(path_,
            "tensor {}: {} bytes from byte {} on are outside the {} bytes of "
            "data",
            Quote(tensor.name), tensor.size_bytes, tensor.offset, data_bytes);
}

void SafetensorsFile::Read(const TensorInfo& tensor, int64_t first,
                           std::span<std::byte> bytes) const {
  CheckInside(tensor);
  const auto size = static_cast<int64_t>(bytes.size());
  if (first < 0 || first > tensor.size_bytes - size) {
    FileError(path_, "tensor {}: {} bytes from byte {} on are outside its {}",
              Quote(tensor.name), size, first, tensor.size_bytes);
  }
  source_->Read(path_, data_start_ + tensor.offset + first, bytes);
}

std::vector<std::byte> SafetensorsFile::Read(const TensorInfo& tensor) const {
  CheckInside(tensor);
  std::vector<std::byte> bytes(static_cast<size_t>(tensor.size_bytes));
  Read(tensor, 0, bytes);
  return bytes;
}

}  // namespace zeroulp
