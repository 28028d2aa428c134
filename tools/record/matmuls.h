// SPDX-License-Identifier: Apache-2.0
// Matrix products of the vendor's library in the shapes of a model's layers.
#ifndef ZEROULP_TOOLS_RECORD_MATMULS_H_
#define ZEROULP_TOOLS_RECORD_MATMULS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/record/cases.h"
#include "tools/record/gpu.h"
#include "tools/record/recorder.h"
#include "zeroulp/bundle.h"

namespace zeroulp::record {

struct MatmulForm {
  std::string name;
  int64_t m = 0, n = 0, k = 0;
  int64_t samples = 0;  // of rows and of columns of D that a bundle keeps
  Format format_a = Format::kE4M3FN, format_b = Format::kE4M3FN;
  Format out = Format::kF32;
  MatmulScales scales = MatmulScales::kNone;
  bool fast = false;
};

const std::vector<MatmulForm>& MatmulForms();

inline constexpr std::string_view kMatmulDecides =
    "3.8: order and promotion inside cuBLASLt, fast accumulation on and off";

// The operands of a form, the same for all that differ in outputs or modes.
struct MatmulOperands {
  std::vector<uint8_t> a, b_t;  // as in Matmul
  std::vector<float> a_scales, b_scales;
};
MatmulOperands OperandsOf(const MatmulForm& form, uint64_t seed);

// What a chip's library should compute: a row of kArith, and after how many
// products it promotes.
struct MatmulArith {
  std::string_view arith;
  int64_t promote_every = 0;
};
MatmulArith ArithOf(const MatmulForm& form, Chip chip);

// All words of D by Gemm. Throws what that throws.
std::vector<uint32_t> ComputeMatmul(const MatmulForm& form,
                                    const MatmulOperands& operands,
                                    const MatmulArith& arith);

// A number for all words: Hash of their bytes, little-endian.
uint64_t DigestOf(const std::vector<uint32_t>& words);

// The whole product runs and is compared. The bundle holds samples x samples
// elements, spread evenly, which depend on their rows and columns alone, and
// zeroulp.digest of all.
struct RecordedMatmul {
  Bundle bundle;
  int64_t values = 0, differing = 0;  // of the whole
};
// Throws what Gpu and ComputeMatmul throw.
RecordedMatmul RecordMatmul(const MatmulForm& form, Chip chip,
                            const Provenance& from, Gpu& gpu);

}  // namespace zeroulp::record

#endif  // ZEROULP_TOOLS_RECORD_MATMULS_H_
