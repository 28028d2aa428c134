// SPDX-License-Identifier: Apache-2.0
// Standard input and output as streams of bytes, in bounded memory.
#ifndef ZEROULP_TOOLS_STREAM_H_
#define ZEROULP_TOOLS_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace zeroulp::cli {

// Reads until `bytes` is full or standard input ends; returns what was read.
// Throws Error{kFile}.
size_t ReadInput(std::span<std::byte> bytes);

// Bytes left of standard input where that can be known: a regular file.
std::optional<int64_t> InputBytes();

// Standard output. What might yet turn out to be wrong is held back until
// Commit: in memory first, in a temporary file without a name beyond kMemory.
class OutputStream {
 public:
  static constexpr size_t kMemory = size_t{1} << 24;

  explicit OutputStream(bool hold_back) : hold_back_(hold_back) {}

  // Throws Error{kFile} where a temporary file is needed and cannot be
  // written. Failures of standard output itself are main's to report.
  void Write(std::span<const std::byte> bytes);
  void Commit();

 private:
  void Spill();

  bool hold_back_;
  std::vector<std::byte> memory_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{nullptr, std::fclose};
};

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_STREAM_H_
