// SPDX-License-Identifier: Apache-2.0
// Other libraries' matrix products, measured beside ours. Each is built only
// where its library is installed (cmake/Peers.cmake).
#ifndef ZEROULP_BENCH_PEERS_PEER_H_
#define ZEROULP_BENCH_PEERS_PEER_H_

#include <cstdint>
#include <functional>

namespace zeroulp::bench {

// D (m x n) = A (m x k) * B^T (n x k), of binary32 words that a caller has
// dequantised.
struct PeerProblem {
  int64_t m, n, k;
  const float* a;
  const float* b_t;
  float* d;
  int threads;
};

// Prepares what the library lets its users prepare once, weights packed or
// converted included, and returns the product to be timed.
using Peer = std::function<void()> (*)(const PeerProblem&);

std::function<void()> OpenBlasSgemm(const PeerProblem& problem);
std::function<void()> OneDnnF32(const PeerProblem& problem);
std::function<void()> OneDnnBf16(const PeerProblem& problem);
std::function<void()> EigenF32(const PeerProblem& problem);

}  // namespace zeroulp::bench

#endif  // ZEROULP_BENCH_PEERS_PEER_H_
