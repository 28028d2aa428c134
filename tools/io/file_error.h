// SPDX-License-Identifier: Apache-2.0
// Errors about files: the path first, then one sentence.
#ifndef ZEROULP_TOOLS_IO_FILE_ERROR_H_
#define ZEROULP_TOOLS_IO_FILE_ERROR_H_

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "zeroulp/error.h"

namespace zeroulp::io {

template <typename... Args>
[[noreturn]] void FileError(std::string_view path,
                            fmt::format_string<Args...> sentence,
                            Args&&... args) {
  throw Error(ErrorCode::kFile,
              fmt::format("{}: {}", path == "-" ? "standard input" : path,
                          fmt::format(sentence, std::forward<Args>(args)...)));
}

// Text out of a file, for a message: quoted, on one line, not too long.
std::string Quote(std::string_view text);

// "[2, 3]", for dimensions and offsets.
template <typename Numbers>
std::string List(const Numbers& numbers) {
  return fmt::format("[{}]", fmt::join(numbers, ", "));
}

}  // namespace zeroulp::io

#endif  // ZEROULP_TOOLS_IO_FILE_ERROR_H_
