// SPDX-License-Identifier: Apache-2.0
// Where a safetensors file's bytes come from: a file, or memory.
#ifndef ZEROULP_TOOLS_IO_SOURCE_H_
#define ZEROULP_TOOLS_IO_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "zeroulp/safetensors.h"

namespace zeroulp {

class SafetensorsFile::Source {
 public:
  // "-" is standard input. Throws Error{kFile}.
  explicit Source(const std::string& path);
  explicit Source(std::vector<std::byte> bytes);
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  int64_t size_bytes() const { return size_bytes_; }

  // Fills `bytes` from byte `first` of the file on, which the caller knows to
  // be inside it. Thread-safe.
  void Read(const std::string& path, int64_t first,
            std::span<std::byte> bytes) const;

 private:
  void ReadWhole(const std::string& path, int file);

  int file_ = -1;  // -1: all bytes are in memory_
  std::vector<std::byte> memory_;
  int64_t size_bytes_ = 0;
};

}  // namespace zeroulp

#endif  // ZEROULP_TOOLS_IO_SOURCE_H_
