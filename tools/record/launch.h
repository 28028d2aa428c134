// SPDX-License-Identifier: Apache-2.0
// Operands as a matrix instruction reads them: words, whatever the format.
//
// One row of a bundle is one dot product. The instruction computes it for all
// of its rows of A and columns of B at once, which are all the same; that they
// then give the same words is checked. So no layout across rows can go wrong
// unseen, and within a row every instruction takes kStepWords words: eight
// elements of tf32, sixteen of f16, 32 of FP8, 64 of FP4.
#ifndef ZEROULP_TOOLS_RECORD_LAUNCH_H_
#define ZEROULP_TOOLS_RECORD_LAUNCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/record/cases.h"
#include "zeroulp/bundle.h"

namespace zeroulp::record {

inline constexpr int kStepWords = 8;  // of A, and of B unless A is sparse

struct Launch {
  std::string instruction;
  int rows = 0, steps = 0;
  bool sparse = false;
  bool f16_out = false;
  std::vector<uint32_t> a;       // rows x steps x 8
  std::vector<uint32_t> b;       // rows x steps x 8, or 16 if sparse
  std::vector<uint32_t> c;       // rows
  std::vector<uint32_t> meta;    // rows x steps x 2 if sparse: PTX metadata
  std::vector<uint32_t> scales;  // rows x steps x 2 if scaled: of A, of B
  uint32_t descriptor = 0;       // tcgen05 instruction descriptor
};

Launch MakeLaunch(const Case& c, const Bundle& bundle);

// Tiles of tcgen05 instructions: the smallest that every kind allows for one
// CTA and that fills all lanes of tensor memory.
inline constexpr int kTcgen05M = 128, kTcgen05N = 16;

}  // namespace zeroulp::record

#endif  // ZEROULP_TOOLS_RECORD_LAUNCH_H_
