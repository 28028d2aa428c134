// SPDX-License-Identifier: Apache-2.0
// What happens to finished elements of D.
#ifndef ZEROULP_KERNELS_EPILOGUE_H_
#define ZEROULP_KERNELS_EPILOGUE_H_

#include "kernels/gemm_call.h"

namespace zeroulp::kernels {

// Every element of the call's rectangle of D times alpha, rounded once, to
// nearest even.
void MultiplyBy(float alpha, const GemmCall& call) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_EPILOGUE_H_
