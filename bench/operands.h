// SPDX-License-Identifier: Apache-2.0
// Random operands of every kind a product can have, and its result.
#ifndef ZEROULP_BENCH_OPERANDS_H_
#define ZEROULP_BENCH_OPERANDS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bench/aligned.h"
#include "zeroulp/arithmetic.h"
#include "zeroulp/blocks.h"
#include "zeroulp/formats.h"
#include "zeroulp/operand.h"
#include "zeroulp/view.h"

namespace zeroulp::bench {

// How elements are drawn: from a normal distribution, from a uniform one in
// [-1, 1], or uniformly from all codes with a finite value, whose exponents are
// far apart. Block scales are 2^-1 ... 2^1, as those of rows of such elements
// would be, and beside codes 2^-8 ... 2^8: kernels may be faster where the
// scales of a row are close.
enum class Inputs : uint8_t { kGaussian, kUniform, kCodes };

// Throws Error{kUnknownName} that lists every name.
Inputs FindInputs(std::string_view name);
std::string_view Name(Inputs inputs);

// What one side of a product consists of: codes of a number format, or codes
// and block scales.
struct OperandKind {
  std::string_view name;  // of kFormats or kBlocks
  Format format;          // of the codes
  const BlockInfo* block = nullptr;
};

// Number formats that some row of kArith takes, and block formats whose scales
// lie along K, in the order of their tables.
std::vector<OperandKind> OperandKinds();

// rows x k elements that own their memory; `inputs` of the seed alone.
class RandomOperand {
 public:
  RandomOperand(const OperandKind& kind, int64_t rows, int64_t k, Inputs inputs,
                uint32_t seed);
  RandomOperand(const RandomOperand&) = delete;
  RandomOperand& operator=(const RandomOperand&) = delete;

  Operand operand() const;

 private:
  std::vector<std::byte> codes_, scales_;
  MatrixView code_view_, scale_view_;
  const BlockInfo* block_;
};

// Whether the row takes such block scales, or their absence.
bool TakesScales(const ArithInfo& row, const OperandKind& kind);

// D, dense, in the format that the row writes.
struct Result {
  Result(const ArithInfo& row, int64_t m, int64_t n)
      : bytes(static_cast<size_t>(m * n * Info(row.output).storage_bits / 8)),
        view{bytes, row.output, m, n, n} {}
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;

  AlignedVector<std::byte> bytes;
  MatrixView view;
};

}  // namespace zeroulp::bench

#endif  // ZEROULP_BENCH_OPERANDS_H_
