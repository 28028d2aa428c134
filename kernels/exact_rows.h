// SPDX-License-Identifier: Apache-2.0
// Rows of D whose ordered sums are exact whatever the order.
#ifndef ZEROULP_KERNELS_EXACT_ROWS_H_
#define ZEROULP_KERNELS_EXACT_ROWS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/gemm_call.h"

namespace zeroulp::kernels {

// Whether c and up to `k` products of E2M1 values, whole quarters of at most
// 36, have only sums that binary32 holds. Minus zero, which it holds, is the
// sum of nothing but minus zeros, and integers have none.
inline bool SumsAreExact(float c, int64_t k) {
  const float quarters = c * 4;
  const auto limit = static_cast<float>((int64_t{1} << 24) - 4 * 36 * k);
  return std::abs(quarters) <= limit && std::trunc(quarters) == quarters &&
         !(c == 0 && std::signbit(c));
}

// Calls run(part, exact) for the longest runs of rows of the call's D that all
// start from such a C, or all do not; from multiples of 16.
template <class Run>
void ForEachRunOfRows(const GemmCall& call, const Run& run) {
  constexpr int64_t kRows = PackedMatrix::kRows;
  const auto* c = reinterpret_cast<const float*>(call.c.bytes.data());
  const auto exact = [&](int64_t m) {
    if (call.c.rows == 0) return true;
    const int64_t end = std::min(m + kRows, call.m_end);
    for (; m < end; ++m) {
      const float* row = c + m * call.c.row_stride;
      if (!std::all_of(row + call.n_begin, row + call.n_end, [&](float x) {
            return SumsAreExact(x, call.a->cols());
          })) {
        return false;
      }
    }
    return true;
  };
  GemmCall part = call;
  for (part.m_begin = call.m_begin; part.m_begin < call.m_end;
       part.m_begin = part.m_end) {
    const bool first = exact(part.m_begin);
    part.m_end = std::min(part.m_begin + kRows, call.m_end);
    while (part.m_end < call.m_end && exact(part.m_end) == first) {
      part.m_end = std::min(part.m_end + kRows, call.m_end);
    }
    run(part, first);
  }
}

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_EXACT_ROWS_H_
