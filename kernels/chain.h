// SPDX-License-Identifier: Apache-2.0
// The kernels of chain.f32: acc = fma(a[k], b[k], acc), k ascending.
#ifndef ZEROULP_KERNELS_CHAIN_H_
#define ZEROULP_KERNELS_CHAIN_H_

#include <cstddef>
#include <cstdint>

#include "zeroulp/packed.h"

namespace zeroulp::kernels {

// One rectangle of D = C + A * B over a range of K, computed by one thread.
// Checked operands.
struct GemmBlock {
  const PackedMatrix* a;
  const PackedMatrix* b_t;
  int64_t m_begin, m_end;  // m_begin and n_begin are multiples of 16
  int64_t n_begin, n_end;
  int64_t k_begin, k_end;  // multiples of 4, or the end of K
  const float* c;          // element (m_begin, n_begin); null: zero
  int64_t c_stride;
  float* d;  // element (m_begin, n_begin)
  int64_t d_stride;
};

// Bytes of 64-byte aligned scratch memory that any block of a product needs.
size_t ChainWorkspaceBytes(int64_t rows, int64_t cols, int64_t k);

// Any SIMD target: binary32 multiply-adds.
void ChainFma(const GemmBlock& block, std::byte* workspace) noexcept;

// CPUs with AVX512_BF16 only, operands narrow or bf16: the BF16 dot, the first
// k in the high half. Where the instruction would flush a subnormal operand or
// sum to zero, 16 rows by one block of columns at a time take the
// multiply-adds.
void ChainBf16(const GemmBlock& block, std::byte* workspace) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_CHAIN_H_
