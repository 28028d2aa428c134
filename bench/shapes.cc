// SPDX-License-Identifier: Apache-2.0
#include "bench/shapes.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <string_view>
#include <tuple>

#include "zeroulp/error.h"

namespace zeroulp::bench {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 20;

bool SizeIsValid(int64_t size) { return size >= 1 && size <= kMaxSize; }

}  // namespace

std::vector<Shape> ReadShapes(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw Error(ErrorCode::kFile, fmt::format("{}: cannot be read", path));
  }
  std::vector<Shape> shapes;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const auto fail = [&](std::string_view what) {
      throw Error(ErrorCode::kFile,
                  fmt::format("{}:{}: {}", path, number, what));
    };
    std::istringstream words(line.substr(0, line.find('#')));
    Shape shape;
    if (!(words >> shape.name)) continue;  // blank
    std::string rest;
    if (!(words >> shape.m >> shape.n >> shape.k) || words >> rest ||
        !SizeIsValid(shape.m) || !SizeIsValid(shape.n) ||
        !SizeIsValid(shape.k)) {
      fail(fmt::format("expected 'name M N K' with sizes from 1 to {}",
                       kMaxSize));
    }
    for (const Shape& other : shapes) {
      if (other.name == shape.name || std::tie(other.m, other.n, other.k) ==
                                          std::tie(shape.m, shape.n, shape.k)) {
        fail(fmt::format("'{}' repeats the name or the sizes of '{}'",
                         shape.name, other.name));
      }
    }
    shapes.push_back(shape);
  }
  return shapes;
}

}  // namespace zeroulp::bench
