// SPDX-License-Identifier: Apache-2.0
#include "tools/output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <span>

namespace zeroulp::cli {
namespace {

std::string Styled(std::string_view code, std::string_view text) {
  static const bool colours =
      isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  if (!colours) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string Padded(std::string_view text, size_t width, bool right) {
  return right ? fmt::format("{:>{}}", text, width)
               : fmt::format("{:<{}}", text, width);
}

}  // namespace

std::string Good(std::string_view text) { return Styled("1;32", text); }
std::string Bad(std::string_view text) { return Styled("1;31", text); }
std::string Heading(std::string_view text) { return Styled("1", text); }

std::string Table::Text(size_t indent) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = columns_[i].title.size();
    for (const auto& row : rows_) width = std::max(width, row[i].size());
    widths.push_back(width);
  }
  const auto line = [&](const auto& cell) {
    std::string text(indent, ' ');
    for (size_t i = 0; i < columns_.size(); ++i) {
      text += i == 0 ? "" : "  ";
      text += Padded(cell(i), widths[i], columns_[i].right);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
  };
  std::string text =
      line([&](size_t i) -> std::string_view { return columns_[i].title; });
  for (const auto& row : rows_) {
    text += line([&](size_t i) -> std::string_view { return row[i]; });
  }
  return text;
}

std::string Table::Markdown() const {
  std::string text, rule;
  for (const Column& column : columns_) {
    text += "| " + column.title + " ";
    rule += column.right ? "|---:" : "|---";
  }
  text += "|\n" + rule + "|\n";
  for (const auto& row : rows_) {
    for (const std::string& cell : row) {
      text += "| ";
      for (const char c : cell) text.append(c == '|' ? "\\" : "").push_back(c);
      text += ' ';
    }
    text += "|\n";
  }
  return text;
}

std::string Wrapped(std::string_view text, size_t indent) {
  constexpr size_t kColumns = 78;
  std::string result(indent, ' ');
  size_t column = indent;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (column > indent && column + 1 + word.size() > kColumns) {
      result.append("\n").append(indent, ' ');
      column = indent;
    }
    if (column > indent) result += ' ';
    result += word;
    column += word.size() + (column > indent ? 1 : 0);
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return result + "\n";
}

Json NewJson(std::string_view kind) { return {{"schema", 1}, {"kind", kind}}; }

std::string ToText(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

TextOutput::TextOutput(const std::string& path) {
  if (!path.empty()) file_.emplace(path);
}

void TextOutput::Write(std::string_view text) {
  if (!file_) return;
  file_->Write(std::as_bytes(std::span(text)));
  file_->Commit();
}

const FormatInfo& FormatArgument(std::string_view name) {
  const FormatInfo& format = FindFormat(name);
  if (name == "e4m3") {
    Complain(
        "note: e4m3 is the IEEE-like format with infinities and largest value "
        "240; the one with largest value 448 is e4m3fn");
  }
  return format;
}

CLI::Validator NotNegative() {
  return {[](const std::string& text) {
            return text.starts_with('-')
                       ? fmt::format("{} must not be negative", text)
                       : std::string();
          },
          ""};
}

void AddThreads(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "threads, 0 for all")
      ->check(CLI::Range(0, 1024))
      ->default_val(0);
}

}  // namespace zeroulp::cli
