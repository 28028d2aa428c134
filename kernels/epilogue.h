// SPDX-License-Identifier: Apache-2.0
// What happens to finished sums on their way to D.
#ifndef ZEROULP_KERNELS_EPILOGUE_H_
#define ZEROULP_KERNELS_EPILOGUE_H_

#include "kernels/gemm_call.h"

namespace zeroulp::kernels {

// Takes the sums of the call's rectangle, in call.d, through call.epilogue.
void Finish(const GemmCall& call) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_EPILOGUE_H_
