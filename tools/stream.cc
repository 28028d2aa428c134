// SPDX-License-Identifier: Apache-2.0
#include "tools/stream.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "zeroulp/error.h"

namespace zeroulp::cli {
namespace {

[[noreturn]] void Fail(const char* what) {
  throw Error(ErrorCode::kFile, fmt::format("{}: {}", what, strerror(errno)));
}

void WriteOut(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;  // perhaps of null, which fwrite may not get
  std::fwrite(bytes.data(), 1, bytes.size(), stdout);
}

}  // namespace

size_t ReadInput(std::span<std::byte> bytes) {
  size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t got =
        read(STDIN_FILENO, bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) Fail("standard input cannot be read");
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  return filled;
}

std::optional<int64_t> InputBytes() {
  struct stat status = {};
  if (fstat(STDIN_FILENO, &status) != 0 || !S_ISREG(status.st_mode)) return {};
  const off_t position = lseek(STDIN_FILENO, 0, SEEK_CUR);
  if (position < 0) return {};
  return std::max<int64_t>(status.st_size - position, 0);
}

void OutputStream::Write(std::span<const std::byte> bytes) {
  if (!hold_back_) {
    WriteOut(bytes);
    return;
  }
  memory_.insert(memory_.end(), bytes.begin(), bytes.end());
  if (memory_.size() > kMemory) Spill();
}

void OutputStream::Spill() {
  if (!file_) file_.reset(std::tmpfile());
  if (!file_ || std::fwrite(memory_.data(), 1, memory_.size(), file_.get()) !=
                    memory_.size()) {
    Fail("a temporary file for the output cannot be written");
  }
  memory_.clear();
}

void OutputStream::Commit() {
  if (file_) {
    Spill();
    if (std::fflush(file_.get()) != 0) {
      Fail("a temporary file for the output cannot be written");
    }
    std::rewind(file_.get());
    memory_.resize(kMemory);
    size_t got = 0;
    while ((got = std::fread(memory_.data(), 1, kMemory, file_.get())) > 0) {
      WriteOut({memory_.data(), got});
    }
    if (std::ferror(file_.get()) != 0) {
      Fail("the temporary file of the output cannot be read");
    }
    memory_.clear();
  }
  WriteOut(memory_);
  memory_.clear();
}

}  // namespace zeroulp::cli
