// SPDX-License-Identifier: Apache-2.0
#ifndef ZEROULP_BENCH_SPARSE_BENCH_H_
#define ZEROULP_BENCH_SPARSE_BENCH_H_

#include <vector>

#include "bench/filter.h"
#include "bench/flags.h"
#include "bench/shapes.h"

namespace zeroulp::bench {

// Registers, of SparseGemm with sparse weights (B) over every pattern, row,
// pair of operands, shape, SIMD target and number of threads, what `filter`
// matches.
void RegisterSparse(const Filter& filter, const std::vector<Shape>& shapes,
                    const Flags& flags);

}  // namespace zeroulp::bench

#endif  // ZEROULP_BENCH_SPARSE_BENCH_H_
