// SPDX-License-Identifier: Apache-2.0
#include "kernels/floor32_block.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/block.h"
#include "zeroulp/codec.h"

namespace zeroulp::kernels {
namespace {

std::array<float, 256> ValuesOf(Format format) {
  std::array<float, 256> values;
  for (uint32_t code = 0; code < 256; ++code) {
    values[code] = Decode(format, code);
  }
  return values;
}

}  // namespace

Floor32Verdicts::Floor32Verdicts(const GemmCall& call, float* verdicts,
                                 float* accumulators)
    : call_(call),
      verdicts_(verdicts),
      accumulators_(accumulators),
      a_values_(ValuesOf(call.a->format())),
      b_values_(ValuesOf(call.b_t->format())),
      largest_(Decode(call.row->output, Info(call.row->output).max_code())) {}

void Floor32Verdicts::SetAside(size_t row, size_t col) {
  if (!any_) std::fill_n(verdicts_, kFloor32Block, 0.0f);
  any_ = true;
  const size_t at = Floor32Block::At(row, col);
  verdicts_[at] = accumulators_[at];
  accumulators_[at] = 0.0f;
}

void Floor32Verdicts::Add(size_t row, size_t col, float product) {
  const size_t at = Floor32Block::At(row, col);
  float& verdict = verdicts_[at];
  if (std::isfinite(verdict)) {
    // The first one: it meets the accumulator as it is now.
    const float acc = accumulators_[at];
    const bool overflowed = !(std::fabs(acc) <= largest_);
    verdict = overflowed
                  ? std::copysign(std::numeric_limits<float>::infinity(), acc)
                  : 0.0f;
  }
  verdict += product;
}

uint32_t Floor32Verdicts::CodeOf(const PackedMatrix& matrix, size_t row,
                                 size_t k) const {
  constexpr size_t kQuad = PackedMatrix::kQuad;
  const auto quads = static_cast<size_t>(matrix.quads());
  return matrix
      .data()[((row / kFloor32Group * quads + k / kQuad) * kFloor32Group +
               row % kFloor32Group) *
                  kQuad +
              k % kQuad];
}

void Floor32Verdicts::AddProducts(size_t col, size_t k_begin, size_t k_end) {
  if (!any_) std::fill_n(verdicts_, kFloor32Block, 0.0f);
  any_ = true;
  const size_t col_end = std::min(col + kFloor32TileCols, block_.cols);
  const auto a = [&](size_t row, size_t k) {
    return a_values_[CodeOf(*call_.a, block_.m + row, k)];
  };
  const auto b = [&](size_t n, size_t k) {
    return b_values_[CodeOf(*call_.b_t, block_.n + n, k)];
  };
  for (size_t k = k_begin; k < k_end; ++k) {
    for (size_t row = 0; row < block_.rows; ++row) {
      const float x = a(row, k);
      if (std::isfinite(x)) continue;
      for (size_t n = col; n < col_end; ++n) Add(row, n, x * b(n, k));
    }
    for (size_t n = col; n < col_end; ++n) {
      const float y = b(n, k);
      if (std::isfinite(y)) continue;
      for (size_t row = 0; row < block_.rows; ++row) {
        // Those of two that are not finite are there already.
        const float x = a(row, k);
        if (std::isfinite(x)) Add(row, n, x * y);
      }
    }
  }
}

void Floor32Verdicts::MoveToSums() {
  if (!any_) return;
  for (size_t at = 0; at < kFloor32Block; ++at) {
    if (!std::isfinite(verdicts_[at])) accumulators_[at] = verdicts_[at];
  }
  any_ = false;
}

bool Floor32Verdicts::AnyProduct(size_t row, size_t col) const {
  const auto k_end = static_cast<size_t>(call_.a->cols());
  for (size_t k = 0; k < k_end; ++k) {
    if (a_values_[CodeOf(*call_.a, block_.m + row, k)] != 0 &&
        b_values_[CodeOf(*call_.b_t, block_.n + col, k)] != 0) {
      return true;
    }
  }
  return false;
}

float Floor32Verdicts::Cut(float c) const {
  const uint32_t bits =
      std::bit_cast<uint32_t>(c) & (~0u << (23 - call_.row->out_fraction_bits));
  return (bits & 0x7FFFFFFFu) == 0 ? 0.0f : std::bit_cast<float>(bits);
}

void Floor32Verdicts::Write() const {
  if (!any_) return;
  for (size_t row = 0; row < block_.rows; ++row) {
    for (size_t tile = 0; tile < block_.cols; tile += kFloor32TileCols) {
      // Mostly there are none.
      const float* verdicts = verdicts_ + Floor32Block::At(row, tile);
      uint32_t bits = 0;
      for (size_t i = 0; i < kFloor32TileCols; ++i) {
        bits |= std::bit_cast<uint32_t>(verdicts[i]);
      }
      if (bits == 0) continue;
      const size_t end = std::min(tile + kFloor32TileCols, block_.cols);
      for (size_t col = tile; col < end; ++col) WriteOne(row, col);
    }
  }
}

void Floor32Verdicts::WriteOne(size_t row, size_t col) const {
  float verdict = verdicts_[Floor32Block::At(row, col)];
  if (verdict == 0) return;
  if (std::isfinite(verdict)) {
    if (std::fabs(verdict) < kFloor32Least && AnyProduct(row, col)) return;
    verdict = Cut(verdict);
  }
  WriteElement(*call_.row, call_.d, static_cast<int64_t>(block_.m + row),
               static_cast<int64_t>(block_.n + col), verdict);
}

}  // namespace zeroulp::kernels
