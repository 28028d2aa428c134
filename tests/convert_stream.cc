// SPDX-License-Identifier: Apache-2.0
// The array conversions as a filter, for tests in other languages:
//   convert_stream encode CONVENTION SOURCE TARGET   values to codes
//   convert_stream decode FORMAT                     codes to binary32
// Standard input to standard output, both raw and little-endian, 4-bit codes
// two a byte. Prints the seconds that the conversion took on standard error.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string_view>
#include <vector>

#include "zeroulp/conventions.h"
#include "zeroulp/convert.h"
#include "zeroulp/formats.h"

namespace zeroulp {
namespace {

std::vector<std::byte> ReadAll() {
  std::vector<std::byte> bytes;
  size_t size = 0, got = 0;
  do {
    bytes.resize(2 * size + (size_t{1} << 20));
    got = std::fread(bytes.data() + size, 1, bytes.size() - size, stdin);
    size += got;
  } while (got > 0);
  bytes.resize(size);
  return bytes;
}

int Run(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  const bool encodes = verb == "encode" && argc == 5;
  if (!encodes && !(verb == "decode" && argc == 3)) {
    std::fputs("usage: see tests/convert_stream.cc\n", stderr);
    return 2;
  }
  const Format from = FindFormat(argv[encodes ? 3 : 2]).id;
  const Format to = encodes ? FindFormat(argv[4]).id : Format::kF32;
  const std::vector<std::byte> input = ReadAll();
  const auto bytes_of = [](Format format, int64_t count) {
    return static_cast<size_t>((count * Info(format).storage_bits + 7) / 8);
  };
  const auto count =
      static_cast<int64_t>(input.size()) * 8 / Info(from).storage_bits;
  std::vector<std::byte> output(bytes_of(to, count));
  const ConstMatrixView in = {input, from, 1, count, DenseStride(from, count)};
  const MatrixView out = {output, to, 1, count, DenseStride(to, count)};
  EncodeOptions options;
  if (encodes) options.rules = ConventionRules(argv[2], to);
  options.threads = 1;
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    if (encodes) {
      Encode(in, out, options);
    } else {
      Decode(in, out, {.threads = 1});
    }
    const std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    best = std::min(best, seconds.count());
  }
  std::fwrite(output.data(), 1, output.size(), stdout);
  std::fprintf(stderr, "%.9f\n", best);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace zeroulp

int main(int argc, char** argv) {
  try {
    return zeroulp::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
