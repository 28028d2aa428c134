// SPDX-License-Identifier: Apache-2.0
// FP8 products of the vendor's library in the shapes of a model's layers.
#ifndef ZEROULP_TOOLS_RECORD_MATMULS_H_
#define ZEROULP_TOOLS_RECORD_MATMULS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/record/cases.h"
#include "tools/record/gpu.h"
#include "tools/record/recorder.h"
#include "zeroulp/bundle.h"

namespace zeroulp::record {

// The whole product runs; `samples` of its rows and columns, spread evenly, are
// kept. Their elements depend on nothing else.
struct MatmulForm {
  std::string name;
  int64_t m = 0, n = 0, k = 0, samples = 0;
  Format a = Format::kE4M3FN, b = Format::kE4M3FN;
  bool bf16_out = false, fast = false;
};

const std::vector<MatmulForm>& MatmulForms();

inline constexpr std::string_view kMatmulDecides =
    "3.8: order and promotion inside cuBLASLt, fast accumulation on and off";

// The arithmetic of the FP8 instruction that a chip's library uses.
std::string_view MatmulArith(Chip chip);

// A bundle of samples x samples elements with d. Throws what Gpu throws.
Bundle RecordMatmul(const MatmulForm& form, Chip chip, const Provenance& from,
                    Gpu& gpu);

}  // namespace zeroulp::record

#endif  // ZEROULP_TOOLS_RECORD_MATMULS_H_
