// SPDX-License-Identifier: Apache-2.0
// The epilogue of reference::Gemm: from a finished sum to a word of D.
#ifndef ZEROULP_EMULATION_EPILOGUE_H_
#define ZEROULP_EMULATION_EPILOGUE_H_

#include <cstdint>

#include "zeroulp/arithmetic.h"
#include "zeroulp/gemm.h"

namespace zeroulp::emulation {

// `sum`, a word of the row's output format at (m, n) of D, through scales, bias
// and conversion to `format` as GemmOptions states.
uint32_t Finished(const ArithInfo& row, const GemmOptions& options,
                  uint32_t sum, int64_t m, int64_t n, Format format);

}  // namespace zeroulp::emulation

#endif  // ZEROULP_EMULATION_EPILOGUE_H_
