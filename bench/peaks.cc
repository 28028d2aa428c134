// SPDX-License-Identifier: Apache-2.0
#include "bench/peaks.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace zeroulp::bench {
namespace {

double Rate(Peak peak, const MachinePeaks& peaks) {
  switch (peak) {
    case Peak::kFp32Fma:
      return peaks.fp32_fma_flops;
    case Peak::kFp64Fma:
      return peaks.fp64_fma_flops;
    case Peak::kChain:
      break;
    case Peak::kInt8Dot:
      if (peaks.int8_dot_ops > 0) return peaks.int8_dot_ops;
      break;
  }
  return ChainPeakFlops(peaks);
}

// Whether sums of addends cut to `align_bits` below the largest, and carries,
// are binary32 numbers.
bool FitsBinary32(const ArithInfo& row) { return row.align_bits <= 16; }

}  // namespace

std::string_view Name(Peak peak) {
  constexpr std::array<std::string_view, 4> kNames = {"fp32_fma", "fp64_fma",
                                                      "chain", "int8_dot"};
  return kNames[static_cast<size_t>(peak)];
}

Peak PeakOf(const ArithInfo& row, Format a, Format b_t) {
  const bool fp4 = a == Format::kE2M1FN && b_t == Format::kE2M1FN;
  const auto fits_bf16 = [](Format f) {
    return Info(f).mantissa_bits <= Info(Format::kBF16).mantissa_bits;
  };
  switch (row.model) {
    case Model::kChain:
      if (fp4) return Peak::kInt8Dot;
      return fits_bf16(a) && fits_bf16(b_t) ? Peak::kChain : Peak::kFp32Fma;
    case Model::kExact:
      return Peak::kFp64Fma;
    case Model::kFusedDot:
      return FitsBinary32(row) ? Peak::kFp32Fma : Peak::kFp64Fma;
    case Model::kGroupFused:
      return Peak::kInt8Dot;
    case Model::kSplitFused:
    case Model::kEvenOdd:
    case Model::kPairTree:
    case Model::kSystolic:
    case Model::kDotPairs:
      break;
  }
  return Peak::kFp32Fma;
}

double PeakRate(Peak peak, const kernels::Target& target) {
  static std::map<int64_t, MachinePeaks> best;
  const auto [found, is_new] = best.try_emplace(target.id);
  MachinePeaks& peaks = found->second;
  const MachinePeaks now = MeasureInstructionPeaks(is_new ? 0.2 : 0.02);
  for (double MachinePeaks::*rate :
       {&MachinePeaks::fp32_fma_flops, &MachinePeaks::fp64_fma_flops,
        &MachinePeaks::bf16_dot_flops, &MachinePeaks::int8_dot_ops}) {
    peaks.*rate = std::max(peaks.*rate, now.*rate);
  }
  return Rate(peak, peaks);
}

double ReadRate(int64_t bytes, const kernels::Target& target) {
  static std::map<std::pair<int64_t, int64_t>, double> rates;
  const auto [found, is_new] = rates.try_emplace({bytes, target.id});
  if (is_new) found->second = kernels::MeasureReadRate(bytes, 0.05);
  return found->second;
}

}  // namespace zeroulp::bench
