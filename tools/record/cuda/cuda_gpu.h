// SPDX-License-Identifier: Apache-2.0
// The real GPU behind gpu.h.
#ifndef ZEROULP_TOOLS_RECORD_CUDA_CUDA_GPU_H_
#define ZEROULP_TOOLS_RECORD_CUDA_CUDA_GPU_H_

#include <memory>
#include <string>
#include <vector>

#include "tools/record/gpu.h"

namespace zeroulp::record {

// Throws Error{kUnsupported}: no driver, or no such device.
std::unique_ptr<Gpu> OpenGpu(int device);

// Instructions that this build has kernels for, on whatever device.
std::vector<std::string> BuiltInstructions();

// The architectures this build has code for: "89 90a 100a 120a".
std::string BuiltArchitectures();

namespace cuda {
// D = A x B^T by cuBLASLt, loaded when first asked for.
MatmulResult CublasLtMatmul(const Matmul& matmul);
}  // namespace cuda

}  // namespace zeroulp::record

#endif  // ZEROULP_TOOLS_RECORD_CUDA_CUDA_GPU_H_
