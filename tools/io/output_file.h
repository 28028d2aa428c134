// SPDX-License-Identifier: Apache-2.0
// A file that appears under its name complete or not at all.
#ifndef ZEROULP_TOOLS_IO_OUTPUT_FILE_H_
#define ZEROULP_TOOLS_IO_OUTPUT_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>

namespace zeroulp::io {

// Writes into a temporary file beside `path`, which Commit renames; without
// Commit the temporary file goes and the old file stays. "-", standard output,
// and what is not a regular file are written directly. Throws Error{kFile}.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void Write(std::span<const std::byte> bytes);
  void Commit();

 private:
  void OpenTemporary(mode_t mode);
  [[noreturn]] void Fail() const;

  std::string path_;
  std::string temporary_;  // empty: written directly
  int file_ = -1;
  bool owned_ = true;  // not standard output
};

}  // namespace zeroulp::io

#endif  // ZEROULP_TOOLS_IO_OUTPUT_FILE_H_
