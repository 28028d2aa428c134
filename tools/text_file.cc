// SPDX-License-Identifier: Apache-2.0
#include "tools/text_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "tools/io/file_error.h"

namespace zeroulp::cli {

std::string ReadTextFile(const std::string& path) {
  constexpr size_t kMost = size_t{64} << 20;
  const bool standard = path == "-";
  const auto close = [standard](std::FILE* f) {
    if (!standard) std::fclose(f);
  };
  const std::unique_ptr<std::FILE, decltype(close)> file(
      standard ? stdin : std::fopen(path.c_str(), "rb"), close);
  if (file == nullptr) io::FileError(path, "{}", std::strerror(errno));
  std::string text;
  std::array<char, 1 << 16> part;
  while (const size_t size =
             std::fread(part.data(), 1, part.size(), file.get())) {
    text.append(part.data(), size);
    if (text.size() > kMost) io::FileError(path, "is larger than 64 MiB");
  }
  if (std::ferror(file.get()) != 0) {
    io::FileError(path, "{}", std::strerror(errno));
  }
  return text;
}

}  // namespace zeroulp::cli
