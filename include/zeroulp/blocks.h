// SPDX-License-Identifier: Apache-2.0
// Block formats and scale rules: one row each.
//
// A block format says what a quantised matrix consists of: elements of a narrow
// format, and one scale for every rectangle of them. A scale rule says how the
// scale of a block is computed from the block's largest magnitude.
#ifndef ZEROULP_BLOCKS_H_
#define ZEROULP_BLOCKS_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "zeroulp/error.h"
#include "zeroulp/formats.h"

namespace zeroulp {

struct BlockInfo {
  std::string_view name;     // canonical; the only spelling ever printed
  std::string_view aliases;  // other accepted spellings, space separated
  Format element, scale;
  int64_t block_rows, block_cols;  // of one scale; 0: all of the matrix's
  bool has_tensor_scale;           // one more binary32 for the whole matrix
  std::string_view source;

  // Shape of the scales of a rows x cols matrix. Blocks at the end of a row or
  // column that is no multiple of the block are smaller, and have a scale too.
  constexpr int64_t ScaleRows(int64_t rows) const {
    return Blocks(rows, block_rows);
  }
  constexpr int64_t ScaleCols(int64_t cols) const {
    return Blocks(cols, block_cols);
  }

 private:
  static constexpr int64_t Blocks(int64_t size, int64_t block) {
    if (block == 0) return size == 0 ? 0 : 1;
    return size / block + (size % block != 0);
  }
};

// clang-format off
inline constexpr auto kBlocks = std::to_array<BlockInfo>({
    // name, aliases, element, scale, block rows, block columns, tensor scale, source
    {"mxfp8_e4m3fn", "mxfp8 mxfp8_e4m3", Format::kE4M3FN, Format::kE8M0FNU, 1, 32, false, "OCP Microscaling Formats (MX) 1.0, MXFP8"},
    {"mxfp8_e5m2", "", Format::kE5M2, Format::kE8M0FNU, 1, 32, false, "OCP Microscaling Formats (MX) 1.0, MXFP8"},
    {"mxfp6_e3m2fn", "mxfp6 mxfp6_e3m2", Format::kE3M2FN, Format::kE8M0FNU, 1, 32, false, "OCP Microscaling Formats (MX) 1.0, MXFP6"},
    {"mxfp6_e2m3fn", "mxfp6_e2m3", Format::kE2M3FN, Format::kE8M0FNU, 1, 32, false, "OCP Microscaling Formats (MX) 1.0, MXFP6"},
    {"mxfp4", "mxfp4_e2m1fn mxfp4_e2m1", Format::kE2M1FN, Format::kE8M0FNU, 1, 32, false, "OCP Microscaling Formats (MX) 1.0, MXFP4"},
    {"nvfp4", "nvfp4_1x16", Format::kE2M1FN, Format::kUE4M3, 1, 16, true, "NVIDIA Transformer Engine, NVFP4 1-D block scaling"},
    {"nvfp4_16x16", "", Format::kE2M1FN, Format::kUE4M3, 16, 16, true, "NVIDIA Transformer Engine, NVFP4 2-D block scaling of weights"},
    {"e4m3fn_1x128", "", Format::kE4M3FN, Format::kF32, 1, 128, false, "DeepSeek-V3 technical report, 3.3.2: activations"},
    {"e5m2_1x128", "", Format::kE5M2, Format::kF32, 1, 128, false, "DeepSeek-V3 technical report, 3.3.2, with the other OCP element"},
    {"e4m3_1x128", "", Format::kE4M3, Format::kF32, 1, 128, false, "DeepSeek-V3 technical report, 3.3.2, with Trainium's element"},
    {"e4m3fnuz_1x128", "", Format::kE4M3FNUZ, Format::kF32, 1, 128, false, "DeepSeek-V3 technical report, 3.3.2, with CDNA3's element"},
    {"e4m3fn_128x128", "", Format::kE4M3FN, Format::kF32, 128, 128, false, "DeepSeek-V3 technical report, 3.3.2: weights"},
    {"e5m2_128x128", "", Format::kE5M2, Format::kF32, 128, 128, false, "DeepSeek-V3 technical report, 3.3.2, with the other OCP element"},
    {"e4m3_128x128", "", Format::kE4M3, Format::kF32, 128, 128, false, "DeepSeek-V3 technical report, 3.3.2, with Trainium's element"},
    {"e4m3fnuz_128x128", "", Format::kE4M3FNUZ, Format::kF32, 128, 128, false, "DeepSeek-V3 technical report, 3.3.2, with CDNA3's element"},
    {"e4m3fn_tensor", "fp8_tensor", Format::kE4M3FN, Format::kF32, 0, 0, false, "NVIDIA Transformer Engine, per-tensor scaling"},
    {"e5m2_tensor", "", Format::kE5M2, Format::kF32, 0, 0, false, "NVIDIA Transformer Engine, per-tensor scaling"},
    {"e4m3_tensor", "", Format::kE4M3, Format::kF32, 0, 0, false, "AWS Neuron, per-tensor scaling"},
    {"e4m3fnuz_tensor", "", Format::kE4M3FNUZ, Format::kF32, 0, 0, false, "AMD ROCm, per-tensor scaling"},
    {"e5m2fnuz_tensor", "", Format::kE5M2FNUZ, Format::kF32, 0, 0, false, "AMD ROCm, per-tensor scaling"},
    {"e4m3fn_row", "fp8_row", Format::kE4M3FN, Format::kF32, 1, 0, false, "torchao, PerRow (per token, per output channel)"},
    {"e5m2_row", "", Format::kE5M2, Format::kF32, 1, 0, false, "torchao, PerRow"},
    {"e4m3_row", "", Format::kE4M3, Format::kF32, 1, 0, false, "torchao, PerRow, with Trainium's element"},
    {"e4m3fnuz_row", "", Format::kE4M3FNUZ, Format::kF32, 1, 0, false, "torchao, PerRow, with CDNA3's element"},
    {"e4m3fn_col", "fp8_col", Format::kE4M3FN, Format::kF32, 0, 1, false, "torchao, PerRow of the transpose"},
    {"e5m2_col", "", Format::kE5M2, Format::kF32, 0, 1, false, "torchao, PerRow of the transpose"},
    {"e4m3_col", "", Format::kE4M3, Format::kF32, 0, 1, false, "torchao, PerRow of the transpose, with Trainium's element"},
    {"e4m3fnuz_col", "", Format::kE4M3FNUZ, Format::kF32, 0, 1, false, "torchao, PerRow of the transpose, with CDNA3's element"},
});
// clang-format on

// In the formulas of kScaleRules: a is the largest magnitude of the block as
// binary32, amax that of the matrix, V an element, P its code's value; max and
// emax are the element format's largest value and its exponent, M its fraction
// bits. fl() is one rounding of binary32 to nearest even; every operation
// written with two operands is one. e4m3fn() and element() are conversions to
// nearest even that saturate.
enum class ScaleRule : uint8_t {
  kFloor,
  kCeil,
  kEven,
  kRceil,
  kTrn3,
  kTe,
  kTorchao1,
  kTorchao2,
  kFourOverSix,
  kDivide,
  kReciprocal,
  kPow2,
};

struct ScaleRuleInfo {
  ScaleRule id;
  std::string_view name;
  Format scale;           // of the block formats it applies to
  bool uses_tensor_amax;  // and produces a tensor scale
  std::string_view rule;  // in formulas
  std::string_view source;
};

// The first rule of a scale format is its default.
// clang-format off
inline constexpr auto kScaleRules = std::to_array<ScaleRuleInfo>({
    {ScaleRule::kFloor, "floor", Format::kE8M0FNU, false,
     "scale = 2^(floor(log2 a) - emax); P = element(V / scale), the quotient exact",
     "OCP Microscaling Formats (MX) 1.0, 6.3; torchao FLOOR"},
    {ScaleRule::kCeil, "ceil", Format::kE8M0FNU, false,
     "scale = 2^(ceil(log2 a) - emax); P = element(V / scale), the quotient exact", "torchao CEIL"},
    {ScaleRule::kEven, "even", Format::kE8M0FNU, false,
     "scale = 2^(floor(log2 a') - emax), a' = a rounded to M + 1 significant bits, ties up; P = element(V / scale), the quotient exact",
     "torchao EVEN"},
    {ScaleRule::kRceil, "rceil", Format::kE8M0FNU, false,
     "scale = 2^ceil(log2 fl(a * fl(1 / max))); P = element(V / scale), the quotient exact",
     "NVIDIA cuBLAS, cuDNN, Transformer Engine; torchao RCEIL"},
    {ScaleRule::kTrn3, "trn3", Format::kE8M0FNU, false,
     "scale = 2^(floor(log2 a) - (emax - 1)); P = element(V / scale), the quotient exact",
     "AWS Neuron NKI, Trainium3 QuantizeMX"},
    {ScaleRule::kTe, "te", Format::kUE4M3, true,
     "S = min(2688 / amax, FLT_MAX), 1 if amax or the quotient is 0; t = 1 / S; s = e4m3fn(min(a * (S * fl(1/6)), FLT_MAX)); "
     "P = element(V * (s = 0 ? 0 : min(1 / (s * t), FLT_MAX)))",
     "NVIDIA Transformer Engine, NVFP4 reference quantiser"},
    {ScaleRule::kTorchao1, "torchao-1", Format::kUE4M3, false,
     "s = e4m3fn(clamp(a / 6, 2^-6, 448)); P = element(V * (1 / s))", "torchao nvfp4_quantize, one-level scaling"},
    {ScaleRule::kTorchao2, "torchao-2", Format::kUE4M3, true,
     "t = amax / 2688, 1 if that is 0; s = e4m3fn(clamp((a / 6) / t, 2^-6, 448)); P = element(V * min((1 / t) / s, FLT_MAX))",
     "torchao nvfp4_quantize, two-level scaling"},
    {ScaleRule::kFourOverSix, "4over6", Format::kUE4M3, true,
     "te with 1536 for 2688, once with fl(1/6) and once with 1/4; of the two the one whose sum over k of (V - (P * s) * t)^2 is smaller, "
     "fl(1/6) if equal; differences, squares and sums in binary64, k ascending by rows",
     "Cook et al., Four Over Six, arXiv:2512.02010, block selection by MSE"},
    {ScaleRule::kDivide, "divide", Format::kF32, false,
     "scale = max(a / max, 2^-149), 1 if a = 0; P = element(V / scale)", "DeepSeek-V3 inference code, act_quant"},
    {ScaleRule::kReciprocal, "reciprocal", Format::kF32, false,
     "scale = max(a / max, 2^-149), 1 if a = 0; P = element(V * min(1 / scale, FLT_MAX))", "DeepGEMM, per_token_cast_to_fp8"},
    {ScaleRule::kPow2, "pow2", Format::kF32, false,
     "scale = max(2^ceil(log2 (a / max)), 2^-126), 1 if a = 0; P = element(V / scale)", "DeepGEMM, ceil_to_ue8m0"},
});
// clang-format on

constexpr const ScaleRuleInfo& Info(ScaleRule rule) {
  return kScaleRules[static_cast<size_t>(rule)];
}

constexpr const ScaleRuleInfo& DefaultRule(const BlockInfo& block) {
  for (const ScaleRuleInfo& rule : kScaleRules) {
    if (rule.scale == block.scale) return rule;
  }
  return kScaleRules[0];  // no row is without a rule: asserted below
}

namespace internal {
constexpr bool BlockRowsAreValid() {
  for (size_t i = 0; i < kScaleRules.size(); ++i) {
    const ScaleRuleInfo& rule = kScaleRules[i];
    if (static_cast<size_t>(rule.id) != i) return false;  // enum order
    if (rule.name.empty() || rule.rule.empty() || rule.source.empty()) {
      return false;
    }
  }
  for (const BlockInfo& block : kBlocks) {
    if (block.name.empty() || block.source.empty()) return false;
    if (DefaultRule(block).scale != block.scale) return false;
    if (Info(block.element).storage_bits > 8) return false;
  }
  return kScaleRules.size() == static_cast<size_t>(ScaleRule::kPow2) + 1;
}
}  // namespace internal
static_assert(internal::BlockRowsAreValid(),
              "kScaleRules lists every ScaleRule in enum order, and every row "
              "of kBlocks has one");

// Accepts the canonical name and the aliases. Throws Error{kUnknownName} that
// lists every canonical name.
inline const BlockInfo& FindBlock(std::string_view name) {
  std::string known;
  for (const BlockInfo& b : kBlocks) {
    if (name == b.name || internal::ListContains(b.aliases, name)) return b;
    known.append(known.empty() ? "" : " ").append(b.name);
  }
  throw Error(
      ErrorCode::kUnknownName,
      "no block format is named '" + std::string(name) + "'; known: " + known);
}

// A rule that applies to `block`; an empty name is the default. Throws
// Error{kUnknownName} that lists those that apply.
inline const ScaleRuleInfo& FindScaleRule(const BlockInfo& block,
                                          std::string_view name) {
  if (name.empty()) return DefaultRule(block);
  std::string known;
  for (const ScaleRuleInfo& rule : kScaleRules) {
    if (rule.scale != block.scale) continue;
    if (rule.name == name) return rule;
    known.append(known.empty() ? "" : " ").append(rule.name);
  }
  throw Error(ErrorCode::kUnknownName,
              "no scale rule of " + std::string(block.name) + " is named '" +
                  std::string(name) + "'; known: " + known);
}

}  // namespace zeroulp

#endif  // ZEROULP_BLOCKS_H_
