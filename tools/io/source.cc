// SPDX-License-Identifier: Apache-2.0
#include "tools/io/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "tools/io/file_error.h"

namespace zeroulp {

using io::FileError;

SafetensorsFile::Source::Source(std::vector<std::byte> bytes)
    : memory_(std::move(bytes)),
      size_bytes_(static_cast<int64_t>(memory_.size())) {}

SafetensorsFile::Source::Source(const std::string& path) {
  if (path == "-") {
    ReadWhole(path, STDIN_FILENO);
    return;
  }
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) FileError(path, "cannot be opened: {}", std::strerror(errno));
  struct stat status = {};
  const bool known = fstat(file, &status) == 0;
  if (known && S_ISREG(status.st_mode)) {
    file_ = file;
    size_bytes_ = status.st_size;
    return;
  }
  try {
    ReadWhole(path, file);
  } catch (...) {
    close(file);
    throw;
  }
  close(file);
}

SafetensorsFile::Source::~Source() {
  if (file_ >= 0) close(file_);
}

void SafetensorsFile::Source::ReadWhole(const std::string& path, int file) {
  constexpr size_t kStep = size_t{1} << 20;
  size_t size = 0;
  while (true) {
    if (memory_.size() < size + kStep) memory_.resize(2 * size + kStep);
    const ssize_t got = read(file, memory_.data() + size, kStep);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) FileError(path, "cannot be read: {}", std::strerror(errno));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  memory_.resize(size);
  size_bytes_ = static_cast<int64_t>(size);
}

void SafetensorsFile::Source::Read(const std::string& path, int64_t first,
                                   std::span<std::byte> bytes) const {
  if (bytes.empty()) return;
  if (file_ < 0) {
    std::memcpy(bytes.data(), memory_.data() + first, bytes.size());
    return;
  }
  while (!bytes.empty()) {
    const ssize_t got = pread(file_, bytes.data(), bytes.size(), first);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) FileError(path, "cannot be read: {}", std::strerror(errno));
    if (got == 0) FileError(path, "became shorter while it was read");
    first += got;
    bytes = bytes.subspan(static_cast<size_t>(got));
  }
}

}  // namespace zeroulp
