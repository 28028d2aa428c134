// SPDX-License-Identifier: Apache-2.0
#include "tools/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "tools/io/file_error.h"
#include "tools/text_file.h"

namespace zeroulp::cli {
namespace {

// Takes one record off the front of `text`: its fields, and how many lines it
// had. Quoted fields may hold commas, doubled quotes and line ends.
std::vector<std::string> TakeRecord(std::string_view& text, size_t& lines) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  size_t at = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    lines += c == '\n';
    if (quoted) {
      if (c != '"') {
        fields.back() += c;
      } else if (at + 1 < text.size() && text[at + 1] == '"') {
        fields.back() += text[++at];
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      break;
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  text.remove_prefix(std::min(at + 1, text.size()));
  return fields;
}

}  // namespace

Csv::Csv(const std::string& path) : path_(path) {
  const std::string bytes = ReadTextFile(path);
  std::string_view text = bytes;
  size_t line = 1;
  header_ = TakeRecord(text, line);
  if (header_.size() == 1 && header_[0].empty()) {
    io::FileError(path_, "a header line with the names of columns is missing");
  }
  while (!text.empty()) {
    const size_t number = line;
    Line record = {number, TakeRecord(text, line)};
    if (record.fields.size() == 1 && record.fields[0].empty()) continue;
    if (record.fields.size() != header_.size()) {
      io::FileError(path_, "line {} has {} fields, the header {}", number,
                    record.fields.size(), header_.size());
    }
    lines_.push_back(std::move(record));
  }
}

bool Csv::Has(std::string_view column) const {
  return std::find(header_.begin(), header_.end(), column) != header_.end();
}

void Csv::Require(std::string_view column) const {
  if (Has(column)) return;
  io::FileError(path_, "no column '{}'; it has {}", column,
                fmt::join(header_, " "));
}

const std::string& Csv::Text(size_t row, std::string_view column) const {
  static const std::string kNone;
  const auto at = std::find(header_.begin(), header_.end(), column);
  if (at == header_.end()) return kNone;
  return lines_[row].fields[static_cast<size_t>(at - header_.begin())];
}

void Csv::FailAt(size_t row, std::string_view column,
                 std::string_view what) const {
  io::FileError(path_, "line {}, {}: {}", lines_[row].number, column, what);
}

double Csv::Number(size_t row, std::string_view column) const {
  const std::string& text = Text(row, column);
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value)) {
    FailAt(row, column, fmt::format("{} is not a number", io::Quote(text)));
  }
  return value;
}

int64_t Csv::Whole(size_t row, std::string_view column) const {
  const double value = Number(row, column);
  constexpr double kMost = 4611686018427387904.0;  // 2^62
  if (value < 1 || value > kMost || value != std::floor(value)) {
    FailAt(row, column,
           fmt::format("{} is not a whole number of at least 1",
                       io::Quote(Text(row, column))));
  }
  return static_cast<int64_t>(value);
}

}  // namespace zeroulp::cli
