// SPDX-License-Identifier: Apache-2.0
// Which peak of the machine a product is a share of.
#ifndef ZEROULP_BENCH_PEAKS_H_
#define ZEROULP_BENCH_PEAKS_H_

#include <cstdint>
#include <string_view>

#include "kernels/machine.h"
#include "zeroulp/arithmetic.h"
#include "zeroulp/formats.h"
#include "zeroulp/machine.h"

namespace zeroulp::bench {

// The instruction that could compute an arithmetic row fastest if it had
// nothing else to do.
enum class Peak : uint8_t {
  kFp32Fma,
  kFp64Fma,
  kChain,    // the better of the binary32 multiply-add and the BF16 dot
  kInt8Dot,  // kChain on targets that have none
};
std::string_view Name(Peak peak);

// Of a row for operands of these formats.
Peak PeakOf(const ArithInfo& row, Format a, Format b_t);

// Rate of one core on the SIMD target in use: the highest measured so far in
// this process, so that one measured while something else ran does not stay.
double PeakRate(Peak peak, const kernels::Target& target);

// Bytes per second at which one core reads `bytes` again and again, measured
// once for each size and target.
double ReadRate(int64_t bytes, const kernels::Target& target);

}  // namespace zeroulp::bench

#endif  // ZEROULP_BENCH_PEAKS_H_
