// SPDX-License-Identifier: Apache-2.0
// What every command needs to talk to people and programs.
#ifndef ZEROULP_TOOLS_OUTPUT_H_
#define ZEROULP_TOOLS_OUTPUT_H_

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/io/output_file.h"
#include "zeroulp/formats.h"

namespace zeroulp::cli {

using Json = nlohmann::ordered_json;

// One sentence on standard error. Never throws for a closed or full one.
template <typename... Args>
void Complain(fmt::format_string<Args...> sentence, Args&&... args) {
  const std::string line = fmt::format(
      "zeroulp: {}\n", fmt::format(sentence, std::forward<Args>(args)...));
  std::fwrite(line.data(), 1, line.size(), stderr);
}

// Colours on a terminal, unless NO_COLOR is set; plain text elsewhere.
std::string Good(std::string_view text);
std::string Bad(std::string_view text);
std::string Heading(std::string_view text);

// Rows of text under titles.
class Table {
 public:
  struct Column {
    std::string title;
    bool right = false;  // aligned; for numbers
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // Columns aligned, two spaces apart, every line after `indent` spaces.
  std::string Text(size_t indent = 0) const;
  std::string Markdown() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Words in lines of at most 78 columns, where they fit, each after `indent`
// spaces.
std::string Wrapped(std::string_view text, size_t indent);

// An object with the version of its layout and what it is: the start of every
// JSON this program writes.
Json NewJson(std::string_view kind);

// Indented. Bytes of a path or file that are not UTF-8 become U+FFFD.
std::string ToText(const Json& json);

// Text for a file that an option names, all or nothing, or for standard output
// if that is "-"; "": nowhere. Opened before the work that the text is about,
// so that a path that cannot be written is known at once. Throws Error{kFile}.
class TextOutput {
 public:
  explicit TextOutput(const std::string& path);
  void Write(std::string_view text);  // once

 private:
  std::optional<io::OutputFile> file_;
};

// FindFormat. A bare "e4m3" gets a note: others mean e4m3fn by it.
const FormatInfo& FormatArgument(std::string_view name);

// Refuses "-1", which the parser would take for a large unsigned number.
CLI::Validator NotNegative();

// --threads: 0, the default, is all.
void AddThreads(CLI::App& command, int& threads);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_OUTPUT_H_
