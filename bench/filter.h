// SPDX-License-Identifier: Apache-2.0
#ifndef ZEROULP_BENCH_FILTER_H_
#define ZEROULP_BENCH_FILTER_H_

#include <regex>
#include <string>

namespace zeroulp::bench {

// --benchmark_filter: a regular expression that a part of the name matches;
// after '-', one that none may match; "all" is everything.
class Filter {
 public:
  explicit Filter(const std::string& text)
      : excludes_(text.starts_with('-')),
        pattern_(text == "all" ? "." : text.substr(excludes_ ? 1 : 0),
                 std::regex::extended | std::regex::optimize) {}

  bool Matches(const std::string& name) const {
    return std::regex_search(name, pattern_) != excludes_;
  }

 private:
  bool excludes_;
  std::regex pattern_;
};

}  // namespace zeroulp::bench

#endif  // ZEROULP_BENCH_FILTER_H_
