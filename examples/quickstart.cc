// SPDX-License-Identifier: Apache-2.0
// Encode two matrices to FP8, multiply, and prove the bits.
#include <cstdio>
#include <span>
#include <vector>

#include "zeroulp/codec.h"
#include "zeroulp/compare.h"
#include "zeroulp/gemm.h"
#include "zeroulp/reference.h"

int main() {
  using namespace zeroulp;
  constexpr int64_t m = 4, n = 8, k = 64;
  std::vector<uint8_t> a, b_t;  // M x K and N x K
  for (int64_t i = 0; i < m * k; ++i) {
    a.push_back(static_cast<uint8_t>(
        Encode(Format::kE4M3FN, 0.25f * static_cast<float>(i % 13 - 6),
               Rounding::kNearestEven, Overflow::kSaturate)));
  }
  for (int64_t i = 0; i < n * k; ++i) {
    b_t.push_back(static_cast<uint8_t>(
        Encode(Format::kE4M3FN, 0.1f * static_cast<float>(i % 7 - 3),
               Rounding::kNearestEven, Overflow::kSaturate)));
  }

  const ConstMatrixView a_view = CodesView(a, Format::kE4M3FN, m, k);
  const ConstMatrixView b_view = CodesView(b_t, Format::kE4M3FN, n, k);
  std::vector<float> d(m * n), expected(m * n);
  Gemm(Pack(a_view), Pack(b_view), {}, F32View(d, m, n));
  reference::Gemm(a_view, b_view, {}, F32View(expected, m, n));

  std::printf(
      "d[0][0] = %a\n%s\n", static_cast<double>(d[0]),
      ToString(CompareBits(F32View(expected, m, n), F32View(d, m, n))).c_str());
  return 0;
}
