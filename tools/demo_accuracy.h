// SPDX-License-Identifier: Apache-2.0
// The part of the demo about accuracy: FP8, FP4 and structured sparsity.
#ifndef ZEROULP_TOOLS_DEMO_ACCURACY_H_
#define ZEROULP_TOOLS_DEMO_ACCURACY_H_

#include <vector>

#include "tools/demo_data.h"

namespace zeroulp::cli {

// Prints what each way of storing the weights costs on activations * weights^T,
// of which `exact` are the products in binary64. False if a sparse product
// differs from the oracle's.
bool PrintAccuracy(const Matrix& weights, const Matrix& activations,
                   const std::vector<double>& exact, int threads);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_DEMO_ACCURACY_H_
