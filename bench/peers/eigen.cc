// SPDX-License-Identifier: Apache-2.0
// Built for this machine alone (-march=native): Eigen chooses its instructions
// when it is compiled.
#include <Eigen/Core>

#include "bench/peers/peer.h"

namespace zeroulp::bench {

std::function<void()> EigenF32(const PeerProblem& problem) {
  return [p = problem] {
    using Rows =
        Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Eigen::Map<const Rows> a(p.a, p.m, p.k), b_t(p.b_t, p.n, p.k);
    Eigen::Map<Rows> d(p.d, p.m, p.n);
    d.noalias() = a * b_t.transpose();
  };
}

}  // namespace zeroulp::bench
