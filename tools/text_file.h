// SPDX-License-Identifier: Apache-2.0
#ifndef ZEROULP_TOOLS_TEXT_FILE_H_
#define ZEROULP_TOOLS_TEXT_FILE_H_

#include <string>

namespace zeroulp::cli {

// All of a small file, "-" for standard input. Throws Error{kFile} if it cannot
// be read or is larger than 64 MiB, which no table or chip file is.
std::string ReadTextFile(const std::string& path);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_TEXT_FILE_H_
