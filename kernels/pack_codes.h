// SPDX-License-Identifier: Apache-2.0
// The codes of PackedMatrix.
#ifndef ZEROULP_KERNELS_PACK_CODES_H_
#define ZEROULP_KERNELS_PACK_CODES_H_

#include <cstdint>
#include <span>

#include "zeroulp/view.h"

namespace zeroulp::kernels {

// Writes every byte of the layout of packed.h, of a checked view whose columns
// are not none, and what PackedMatrix::smallest() is if there is any.
void PackCodes(const ConstMatrixView& matrix, uint8_t* quads,
               std::span<uint16_t> smallest) noexcept;

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_PACK_CODES_H_
