// SPDX-License-Identifier: Apache-2.0
// What a user's first file may look like: a product of a 1 x 2 and a 2 x 1
// matrix, by the public headers alone.
#include <cstdint>
#include <cstdio>
#include <span>

#include "zeroulp/gemm.h"
#include "zeroulp/reference.h"
#include "zeroulp/view.h"

int main() {
  using zeroulp::Format;
  const uint8_t a[] = {0x38, 0x40};  // 1, 2 in e4m3fn
  const uint8_t b[] = {0x44, 0x48};  // 3, 4
  const auto a_view = zeroulp::CodesView(a, Format::kE4M3FN, 1, 2);
  const auto b_view = zeroulp::CodesView(b, Format::kE4M3FN, 1, 2);
  float fast = 0, oracle = 0;
  const auto view = [](float& d) {
    return zeroulp::F32View(std::span<float>(&d, 1), 1, 1);
  };
  zeroulp::Gemm(a_view, b_view, {}, view(fast));
  zeroulp::reference::Gemm(a_view, b_view, {}, view(oracle));
  std::printf("%g %g\n", fast, oracle);
  return fast == 11 && oracle == 11 ? 0 : 1;
}
