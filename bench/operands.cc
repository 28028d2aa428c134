// SPDX-License-Identifier: Apache-2.0
#include "bench/operands.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string>

#include "zeroulp/arithmetic.h"
#include "zeroulp/codec.h"
#include "zeroulp/error.h"

namespace zeroulp::bench {
namespace {

constexpr std::array<std::string_view, 3> kInputNames = {"gaussian", "uniform",
                                                         "codes"};

bool IsOperand(Format format) {
  return std::any_of(kArith.begin(), kArith.end(), [=](const ArithInfo& row) {
    return row.a.contains(format) || row.b.contains(format);
  });
}

// Scales of blocks, or of all, of one row or of several.
bool IsAlongRows(const BlockInfo& block) {
  return block.block_rows != 0 && block.block_cols != 1;
}

MatrixView Allocate(Format format, int64_t rows, int64_t cols,
                    std::vector<std::byte>& bytes) {
  const int64_t stride = DenseStride(format, cols);
  bytes.resize(
      static_cast<size_t>((rows * stride * Info(format).storage_bits + 7) / 8));
  return {bytes, format, rows, cols, stride};
}

uint32_t FiniteCode(const FormatInfo& f, std::mt19937& random) {
  const auto word = static_cast<uint32_t>(random());
  const uint32_t magnitude = (word >> 1) % (f.max_code() + 1);
  const bool minus = (word & 1) != 0 && (magnitude != 0 || f.has_minus_zero());
  return minus ? magnitude | f.sign_mask() : magnitude;
}

// Drawn once, used again and again: drawing is slower than most products, and
// no kernel looks for repetitions.
std::vector<uint32_t> DrawCodes(const FormatInfo& f, Inputs inputs,
                                std::mt19937& random) {
  constexpr size_t kDrawn = 65521;  // a prime: no period of rows or blocks
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<uint32_t> codes(kDrawn);
  for (uint32_t& code : codes) {
    if (inputs == Inputs::kCodes) {
      code = FiniteCode(f, random);
      continue;
    }
    const float x =
        inputs == Inputs::kGaussian ? normal(random) : uniform(random);
    code = Encode(f, x, Rounding::kNearestEven, Overflow::kSaturateFinite);
  }
  return codes;
}

// Codes of scales from a half to two, or, beside elements of any codes, from
// 2^-8 to 2^8, which UE4M3 has too.
uint32_t ScaleCode(const FormatInfo& f, Inputs inputs, std::mt19937& random) {
  const float most = inputs == Inputs::kCodes ? 8 : 1;
  std::uniform_real_distribution<float> exponent(-most, most);
  return Encode(f, std::exp2(exponent(random)), Rounding::kNearestEven,
                Overflow::kSaturateFinite);
}

}  // namespace

Inputs FindInputs(std::string_view name) {
  std::string known;
  for (size_t i = 0; i < kInputNames.size(); ++i) {
    if (name == kInputNames[i]) return static_cast<Inputs>(i);
    known.append(i == 0 ? "" : " ").append(kInputNames[i]);
  }
  throw Error(
      ErrorCode::kUnknownName,
      "no inputs are named '" + std::string(name) + "'; known: " + known);
}

std::string_view Name(Inputs inputs) {
  return kInputNames[static_cast<size_t>(inputs)];
}

std::vector<OperandKind> OperandKinds() {
  std::vector<OperandKind> kinds;
  for (const FormatInfo& f : kFormats) {
    if (IsOperand(f.id)) kinds.push_back({f.name, f.id});
  }
  for (const BlockInfo& block : kBlocks) {
    if (!IsAlongRows(block)) continue;
    kinds.push_back({block.name, block.element, &block});
  }
  return kinds;
}

RandomOperand::RandomOperand(const OperandKind& kind, int64_t rows, int64_t k,
                             Inputs inputs, uint32_t seed)
    : block_(kind.block) {
  std::mt19937 random(seed);
  code_view_ = Allocate(kind.format, rows, k, codes_);
  const std::vector<uint32_t> drawn =
      DrawCodes(Info(kind.format), inputs, random);
  size_t next = 0;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t col = 0; col < k; ++col) {
      WriteCode(code_view_, row, col, drawn[next]);
      next = next + 1 == drawn.size() ? 0 : next + 1;
    }
  }
  if (block_ == nullptr) return;
  scale_view_ = Allocate(block_->scale, block_->ScaleRows(rows),
                         block_->ScaleCols(k), scales_);
  for (int64_t row = 0; row < scale_view_.rows; ++row) {
    for (int64_t col = 0; col < scale_view_.cols; ++col) {
      WriteCode(scale_view_, row, col,
                ScaleCode(Info(block_->scale), inputs, random));
    }
  }
}

Operand RandomOperand::operand() const {
  if (block_ == nullptr) return ConstMatrixView(code_view_);
  const int64_t length =
      block_->block_cols == 0 ? code_view_.cols : block_->block_cols;
  return {code_view_, {scale_view_, length, block_->block_rows}};
}

bool TakesScales(const ArithInfo& row, const OperandKind& kind) {
  if (kind.block == nullptr) return row.scale_block == 0;
  return row.scales.contains(kind.block->scale) &&
         (row.scale_block == 0 || row.scale_block == kind.block->block_cols);
}

}  // namespace zeroulp::bench
