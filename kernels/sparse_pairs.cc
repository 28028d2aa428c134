// SPDX-License-Identifier: Apache-2.0
#include "kernels/sparse_pairs.h"

namespace zeroulp::kernels {

std::string_view RefusesPairs(const SparseCall& call) {
  if (call.sparse->format() == Format::kF16 ||
      call.dense->format() == Format::kF16) {
    return "takes no f16, which bf16 cannot hold";
  }
  const SparseWindow window = WindowOf(call.sparse->sparsity(), kPairLanes);
  if (window.stored == 0 || window.cols % 2 != 0 ||
      window.stored % kPairPerStep != 0 ||
      window.stored / kPairPerStep > kPairSteps / 2) {
    return "takes groups of at most 32 that fill a vector in whole steps";
  }
  return {};
}

}  // namespace zeroulp::kernels
