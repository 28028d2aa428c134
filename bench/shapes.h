// SPDX-License-Identifier: Apache-2.0
// Problem sizes as data: bench/shapes.txt.
#ifndef ZEROULP_BENCH_SHAPES_H_
#define ZEROULP_BENCH_SHAPES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace zeroulp::bench {

struct Shape {
  std::string name;
  int64_t m, n, k;
};

// Reads lines "name M N K"; '#' begins a comment. Throws Error{kFile}, naming
// the line, if the file cannot be read, a size is not in [1, 2^20], or two
// shapes have the same name or the same sizes.
std::vector<Shape> ReadShapes(const std::string& path);

}  // namespace zeroulp::bench

#endif  // ZEROULP_BENCH_SHAPES_H_
