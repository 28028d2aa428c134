// SPDX-License-Identifier: Apache-2.0
// The kernels of chain.f32: acc = fma(a[k], b[k], acc), k ascending.
#ifndef ZEROULP_KERNELS_CHAIN_H_
#define ZEROULP_KERNELS_CHAIN_H_

#include <cstddef>
#include <cstdint>

#include "zeroulp/packed.h"

namespace zeroulp::kernels {

// One rectangle of D = C + A * B, computed by one thread. Checked operands.
struct GemmBlock {
  const PackedMatrix* a;
  const PackedMatrix* b_t;
  int64_t m_begin, m_end;  // m_begin and n_begin are multiples of 16
  int64_t n_begin, n_end;
  const float* c;  // element (0, 0); null: zero
  int64_t c_stride;
  float* d;  // element (0, 0)
  int64_t d_stride;
};

// Bytes of 64-byte aligned scratch memory that any block needs.
size_t ChainWorkspaceBytes();

// Any SIMD target: binary32 multiply-adds.
void ChainFma(const GemmBlock& block, std::byte* workspace) noexcept;

// CPUs with AVX512_BF16 only: the BF16 dot, the first k in the high half. Rows
// that start from a subnormal C, which the instruction would flush to zero,
// take ChainFma; later sums are multiples of the smallest product, 2^-34, or
// of C's last place beside it, and cannot become subnormal.
void ChainBf16(const GemmBlock& block, std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_CHAIN_H_
