// SPDX-License-Identifier: Apache-2.0
// In builds without the header of cuBLASLt.
#include "tools/record/cuda/cuda_gpu.h"
#include "zeroulp/error.h"

namespace zeroulp::record::cuda {

MatmulResult CublasLtMatmul(const Matmul&) {
  throw Error(ErrorCode::kUnsupported,
              "cuBLASLt: this build had no cublasLt.h");
}

}  // namespace zeroulp::record::cuda
