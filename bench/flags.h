// SPDX-License-Identifier: Apache-2.0
// The flags that are ours and not Google Benchmark's.
#ifndef ZEROULP_BENCH_FLAGS_H_
#define ZEROULP_BENCH_FLAGS_H_

#include <string>
#include <vector>

#include "bench/operands.h"

namespace zeroulp::bench {

struct Flags {
  std::string shapes = ZEROULP_SHAPES;  // --shapes=FILE
  Inputs inputs = Inputs::kGaussian;    // --inputs=gaussian|uniform|codes
  // --chips=ID,ID: add a counter "tflops/<chip>" to products.
  std::vector<std::string> chips;
};

// Takes them out of the arguments. Throws Error on an unknown value.
Flags TakeFlags(int& argc, char** argv);

}  // namespace zeroulp::bench

#endif  // ZEROULP_BENCH_FLAGS_H_
