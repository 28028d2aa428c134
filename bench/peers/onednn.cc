// SPDX-License-Identifier: Apache-2.0
#include <omp.h>

#include <dnnl.hpp>
#include <memory>
#include <unordered_map>

#include "bench/peers/peer.h"

namespace zeroulp::bench {
namespace {

using dnnl::memory;

// Weights in the layout that the library prefers, reordered once.
std::function<void()> Matmul(const PeerProblem& p, memory::data_type type) {
  omp_set_num_threads(p.threads);
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  constexpr auto kF32 = memory::data_type::f32;
  constexpr auto kRows = memory::format_tag::ab, kCols = memory::format_tag::ba;
  const memory::desc a_wide({p.m, p.k}, kF32, kRows);
  const memory::desc b_wide({p.k, p.n}, kF32, kCols);
  const memory::desc a_desc({p.m, p.k}, type, kRows);
  const memory::desc b_any({p.k, p.n}, type, memory::format_tag::any);
  const memory::desc d_desc({p.m, p.n}, kF32, kRows);
  const dnnl::matmul::primitive_desc description(
      dnnl::matmul::desc(a_desc, b_any, d_desc), engine);
  const auto convert = [&](const memory::desc& from, const float* data,
                           const memory::desc& to) {
    memory source(from, engine, const_cast<float*>(data));
    memory converted(to, engine);
    dnnl::reorder(source, converted).execute(stream, source, converted);
    return converted;
  };
  const std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, convert(a_wide, p.a, a_desc)},
      {DNNL_ARG_WEIGHTS, convert(b_wide, p.b_t, description.weights_desc())},
      {DNNL_ARG_DST, memory(d_desc, engine, p.d)}};
  const dnnl::matmul product(description);
  return [product, stream, arguments]() mutable {
    product.execute(stream, arguments);
    stream.wait();
  };
}

}  // namespace

std::function<void()> OneDnnF32(const PeerProblem& problem) {
  return Matmul(problem, memory::data_type::f32);
}
std::function<void()> OneDnnBf16(const PeerProblem& problem) {
  return Matmul(problem, memory::data_type::bf16);
}

}  // namespace zeroulp::bench
