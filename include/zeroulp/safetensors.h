// SPDX-License-Identifier: Apache-2.0
// Safetensors files: a reader that trusts nothing, and an atomic writer.
//
//   8 bytes   N, little-endian length of the header
//   N bytes   JSON: {"name": {"dtype": "F32", "shape": [2, 3],
//             "data_offsets": [0, 24]}, ..., "__metadata__": {"key": "text"}}
//   the rest  data; the tensors cover it without gap or overlap
//
// Library zeroulp::io. Nothing here prints.
#ifndef ZEROULP_SAFETENSORS_H_
#define ZEROULP_SAFETENSORS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zeroulp/error.h"

namespace zeroulp {

namespace io {
class OutputFile;
}

enum class Dtype : uint8_t {
  kF64,
  kI64,
  kU64,
  kF32,
  kI32,
  kU32,
  kF16,
  kBF16,
  kI16,
  kU16,
  kF8E4M3,
  kF8E5M2,
  kF8E8M0,
  kI8,
  kU8,
  kBool,
  kF6E2M3,
  kF6E3M2,
  kF4,
};

struct DtypeInfo {
  Dtype id;
  std::string_view name;  // in the header
  int bits;               // of an element; F4 is two a byte, low nibble first

  // Data of a tensor starts at a multiple of this, from the start of the data.
  constexpr int alignment() const { return bits < 8 ? 1 : bits / 8; }
};

inline constexpr auto kDtypes = std::to_array<DtypeInfo>({
    {Dtype::kF64, "F64", 64},       {Dtype::kI64, "I64", 64},
    {Dtype::kU64, "U64", 64},       {Dtype::kF32, "F32", 32},
    {Dtype::kI32, "I32", 32},       {Dtype::kU32, "U32", 32},
    {Dtype::kF16, "F16", 16},       {Dtype::kBF16, "BF16", 16},
    {Dtype::kI16, "I16", 16},       {Dtype::kU16, "U16", 16},
    {Dtype::kF8E4M3, "F8_E4M3", 8}, {Dtype::kF8E5M2, "F8_E5M2", 8},
    {Dtype::kF8E8M0, "F8_E8M0", 8}, {Dtype::kI8, "I8", 8},
    {Dtype::kU8, "U8", 8},          {Dtype::kBool, "BOOL", 8},
    {Dtype::kF6E2M3, "F6_E2M3", 6}, {Dtype::kF6E3M2, "F6_E3M2", 6},
    {Dtype::kF4, "F4", 4},
});

constexpr const DtypeInfo& Info(Dtype dtype) {
  return kDtypes[static_cast<size_t>(dtype)];
}

namespace internal {
constexpr bool DtypesInEnumOrder() {
  for (size_t i = 0; i < kDtypes.size(); ++i) {
    if (static_cast<size_t>(kDtypes[i].id) != i) return false;
  }
  return kDtypes.size() == static_cast<size_t>(Dtype::kF4) + 1;
}
}  // namespace internal
static_assert(internal::DtypesInEnumOrder());

// Throws Error{kUnknownName} that lists every dtype.
const DtypeInfo& FindDtype(std::string_view name);

using Metadata = std::map<std::string, std::string, std::less<>>;

struct TensorInfo {
  std::string name;
  Dtype dtype = Dtype::kU8;
  std::vector<int64_t> shape;  // outermost first; empty: one element
  int64_t offset = 0;          // of its first byte, from the start of the data
  int64_t size_bytes = 0;

  int64_t num_elements() const;
  std::string ToString() const;  // "F32 [2, 3]"
};

// The bytes a dtype and shape take. Throws Error{kOverflow} beyond 63 bits,
// {kArgument} if the dimensions are negative or the elements end inside a byte.
int64_t SizeBytes(Dtype dtype, std::span<const int64_t> shape);

// An open file whose header has been checked in full: dtypes known, every size
// dtype x shape without overflow, every offset inside the file and aligned to
// its dtype, the tensors covering the data exactly, no name twice. Data is
// read when asked for and never mapped, so a file that changes underneath is
// an error, not a crash. Reads are thread-safe.
//
// All members that throw: Error{kFile}, one sentence with the file, the
// tensor and the values.
class SafetensorsFile {
 public:
  // "-" and whatever is not a regular file are read whole.
  static SafetensorsFile Open(const std::string& path);
  // `name` stands for the path in messages.
  static SafetensorsFile FromBytes(std::string name,
                                   std::vector<std::byte> bytes);

  const std::string& path() const { return path_; }
  const Metadata& metadata() const { return metadata_; }
  const std::vector<TensorInfo>& tensors() const {
    return tensors_;
  }  // by name

  const TensorInfo* Find(std::string_view name) const;  // nullptr: not there
  const TensorInfo& Get(std::string_view name) const;   // throws

  // Reads bytes.size() bytes from byte `first` of the tensor on. `tensor` is
  // one of this file's; of any other, what is outside the file is refused.
  void Read(const TensorInfo& tensor, int64_t first,
            std::span<std::byte> bytes) const;
  std::vector<std::byte> Read(const TensorInfo& tensor) const;

  // Where the bytes come from: defined in tools/io.
  class Source;

 private:
  SafetensorsFile(std::string path, std::shared_ptr<const Source> source);
  void CheckInside(const TensorInfo& tensor) const;

  std::string path_;
  std::shared_ptr<const Source> source_;
  int64_t data_start_ = 0;
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
};

// Writes a file that appears under its name complete or not at all: into a
// temporary file beside the target, flushed to the disk, renamed by Commit.
// Without Commit the temporary file goes and the target stays as it was. "-"
// and targets that are no regular files are written directly.
//
// The same tensors and metadata give the same bytes in any order: the header
// is sorted by name, the data by alignment, largest first, then name, so that
// no padding is needed; the header is padded with spaces to 8 bytes.
class SafetensorsWriter {
 public:
  // Of each TensorInfo, name, dtype and shape are used. Throws Error{kArgument}
  // if a name occurs twice or is reserved, and SizeBytes' errors, before
  // touching the disk.
  SafetensorsWriter(const std::string& path, std::vector<TensorInfo> tensors,
                    const Metadata& metadata);
  ~SafetensorsWriter();
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;

  // In the order Append expects their data.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }

  // The next bytes of the data, in pieces of any size.
  void Append(std::span<const std::byte> bytes);
  // Throws Error{kArgument} unless all data was appended.
  void Commit();

 private:
  std::vector<TensorInfo> tensors_;
  int64_t missing_bytes_ = 0;
  std::unique_ptr<io::OutputFile> file_;
};

struct TensorData {
  TensorInfo info;
  std::span<const std::byte> bytes;
};

// Throws Error{kArgument} if a tensor's bytes are not those of its shape.
void WriteSafetensors(const std::string& path,
                      std::span<const TensorData> tensors,
                      const Metadata& metadata);

}  // namespace zeroulp

#endif  // ZEROULP_SAFETENSORS_H_
