// SPDX-License-Identifier: Apache-2.0
// The JSON header of a safetensors file, both ways.
#ifndef ZEROULP_TOOLS_IO_HEADER_H_
#define ZEROULP_TOOLS_IO_HEADER_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zeroulp/safetensors.h"

namespace zeroulp::io {

// The reference implementation's limit; it bounds what a lying file can make
// a reader allocate.
inline constexpr int64_t kMaxHeaderBytes = 100'000'000;

struct Header {
  std::vector<TensorInfo> tensors;  // sorted by name
  Metadata metadata;
};

// Parses and checks `json` for a file with `data_bytes` bytes after the header.
// Throws Error{kFile}; `path` is for its message.
Header ParseHeader(std::string_view path, std::string_view json,
                   int64_t data_bytes);

// The header of tensors with offsets, padded with spaces to 8 bytes. Throws
// nlohmann's exception if a text is not UTF-8.
std::string FormatHeader(std::span<const TensorInfo> tensors,
                         const Metadata& metadata);

}  // namespace zeroulp::io

#endif  // ZEROULP_TOOLS_IO_HEADER_H_
