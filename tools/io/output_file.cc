// SPDX-License-Identifier: Apache-2.0
#include "tools/io/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "tools/io/file_error.h"

namespace zeroulp::io {

OutputFile::OutputFile(const std::string& path) : path_(path) {
  if (path == "-") {
    path_ = "standard output";
    file_ = STDOUT_FILENO;
    owned_ = false;
    return;
  }
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) {
    OpenTemporary(0666);  // the process's mask applies
  } else if (S_ISREG(status.st_mode)) {
    // What a link leads to is replaced, not the link.
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(path, error);
    if (!error) path_ = real.string();
    OpenTemporary(status.st_mode & 0777);
  } else {
    file_ = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file_ < 0) Fail();
  }
}

OutputFile::~OutputFile() {
  if (owned_ && file_ >= 0) close(file_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void OutputFile::Write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t done = write(file_, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) Fail();
    bytes = bytes.subspan(static_cast<size_t>(done));
  }
}

void OutputFile::Commit() {
  if (temporary_.empty()) return;
  // Without the flush a crash after the rename could leave an empty file.
  if (fsync(file_) != 0) Fail();
  if (rename(temporary_.c_str(), path_.c_str()) != 0) Fail();
  temporary_.clear();
}

void OutputFile::OpenTemporary(mode_t mode) {
  constexpr int kAttempts = 100;  // names taken by files a crash left behind
  for (int attempt = 0; file_ < 0; ++attempt) {
    temporary_ = fmt::format("{}.{}.{}.tmp", path_, getpid(), attempt);
    file_ =
        open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file_ >= 0) return;
    temporary_.clear();
    if (errno != EEXIST || attempt == kAttempts) Fail();
  }
}

void OutputFile::Fail() const {
  FileError(path_, "cannot be written: {}", std::strerror(errno));
}

}  // namespace zeroulp::io
