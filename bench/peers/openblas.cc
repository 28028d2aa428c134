// SPDX-License-Identifier: Apache-2.0
#include <cblas.h>

#include "bench/peers/peer.h"

namespace zeroulp::bench {

std::function<void()> OpenBlasSgemm(const PeerProblem& problem) {
  openblas_set_num_threads(problem.threads);
  return [p = problem] {
    const auto n = static_cast<blasint>(p.n), k = static_cast<blasint>(p.k);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans,
                static_cast<blasint>(p.m), n, k, 1.0f, p.a, k, p.b_t, k, 0.0f,
                p.d, n);
  };
}

}  // namespace zeroulp::bench
