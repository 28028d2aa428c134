// SPDX-License-Identifier: Apache-2.0
// Comma-separated values with a header line, as of RFC 4180.
#ifndef ZEROULP_TOOLS_CSV_H_
#define ZEROULP_TOOLS_CSV_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zeroulp::cli {

class Csv {
 public:
  // Throws Error{kFile} for a file that cannot be read, is not UTF-8 text with
  // a header, or has a line with another number of fields than the header.
  explicit Csv(const std::string& path);

  size_t rows() const { return lines_.size(); }
  bool Has(std::string_view column) const;
  // "" for a column that the file does not have.
  const std::string& Text(size_t row, std::string_view column) const;
  // Throw Error{kArgument}, naming file, line and column, for anything but a
  // number; Whole for anything but one from 1 to 2^62.
  double Number(size_t row, std::string_view column) const;
  int64_t Whole(size_t row, std::string_view column) const;
  // Throws Error{kArgument} that names the row's place.
  [[noreturn]] void FailAt(size_t row, std::string_view column,
                           std::string_view what) const;
  // Throws Error{kArgument} that lists the columns there are.
  void Require(std::string_view column) const;

 private:
  struct Line {
    size_t number;
    std::vector<std::string> fields;
  };
  std::string path_;
  std::vector<std::string> header_;
  std::vector<Line> lines_;
};

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_CSV_H_
