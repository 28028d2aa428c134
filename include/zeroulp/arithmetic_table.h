// SPDX-License-Identifier: Apache-2.0
// The rows of kArith. Included by arithmetic.h alone.
#ifndef ZEROULP_ARITHMETIC_TABLE_H_
#define ZEROULP_ARITHMETIC_TABLE_H_

#include "zeroulp/arithmetic.h"

namespace zeroulp {
namespace internal {

// What several rows share, so that a row is one line of what is its own.
using Text = std::string_view;
using Floor = std::optional<int>;

inline constexpr FormatSet kF16Only = {Format::kF16};
inline constexpr FormatSet kBf16Only = {Format::kBF16};
inline constexpr FormatSet kTf32Only = {Format::kTF32};
inline constexpr FormatSet kE2m1Only = {Format::kE2M1FN};
inline constexpr FormatSet kOcpFp8 = {Format::kE4M3FN, Format::kE5M2};
inline constexpr FormatSet kOcpNarrow = {Format::kE4M3FN, Format::kE5M2,
                                         Format::kE3M2FN, Format::kE2M3FN,
                                         Format::kE2M1FN};
inline constexpr FormatSet kFnuzFp8 = {Format::kE4M3FNUZ, Format::kE5M2FNUZ};
inline constexpr FormatSet kNeuronFp8 = {Format::kE4M3, Format::kE5M2,
                                         Format::kE3M4};
inline constexpr FormatSet kNeuronAll = {Format::kE4M3, Format::kE5M2,
                                         Format::kE3M4, Format::kF16,
                                         Format::kBF16, Format::kTF32};
inline constexpr FormatSet kNeuronMx = {Format::kE5M2, Format::kE4M3FN,
                                        Format::kE2M1FN};
inline constexpr FormatSet kE8m0 = {Format::kE8M0FNU};
inline constexpr FormatSet kE8m0OrUe4m3 = {Format::kE8M0FNU, Format::kUE4M3};
inline constexpr FormatSet kAnyScale = {Format::kE8M0FNU, Format::kUE4M3,
                                        Format::kF32};

inline constexpr Text kKhattak =
    "arXiv:2512.07004 and its recorded rows, "
    "github.com/north-numerical-computing/MATLAB-tensor-core @b12b5a7";
inline constexpr Text kHopperWords =
    "arXiv:2512.07004 and its recorded rows; words of an H100 and an H200, "
    "tests/golden/hardware";
inline constexpr Text kMmaSim =
    "MMA-Sim, arXiv:2511.10909, github.com/microsoft/MMA-Sim @c785138";
inline constexpr Text kTcgen05 =
    "github.com/sf-tensor/tcgen05 @8fce64d; MMA-Sim @c785138";
inline constexpr Text kNeuron = "AWS Neuron NKI architecture guides";
inline constexpr Text kTpu = "Google Cloud TPU and XLA documentation";

// Of f16 and FP8 a floor of -126 or less shows in no result: products are
// multiples of 2^-48 and 2^-32. Rows with such operands have nothing open
// there.
inline constexpr Text kNoFloorRow =
    "The exponent floor is a model's: no recorded row has only tiny addends.";
inline constexpr Text kNoAlignRow =
    "The recorded rows do not resolve align_bits.";
inline constexpr Text kTf32Chunk =
    "The recorded rows do not tell a chunk of 8 from 4.";
inline constexpr Text kNoWords = "No hardware words.";
inline constexpr Text kAmdNan = "No hardware words; NaN payload unknown.";
inline constexpr Text kArray =
    "Documented semantics, not bit-verified: order, width and rounding inside "
    "the array are assumed.";

// NVIDIA tensor cores; F32 keeps `fraction_bits` of 23, F16 rounds to nearest.
constexpr ArithInfo FusedF32(Text name, FormatSet in, int chunk, int align_bits,
                             int fraction_bits, Floor floor, Evidence evidence,
                             int words, Text source, Text open = {}) {
  return {.name = name,
          .model = Model::kFusedDot,
          .a = in,
          .b = in,
          .accumulator = Format::kF32,
          .output = Format::kF32,
          .evidence = evidence,
          .evidence_words = words,
          .source = source,
          .open = open,
          .chunk = chunk,
          .align_bits = align_bits,
          .exponent_floor = floor,
          .out_fraction_bits = fraction_bits,
          .out_rounding = Rounding::kTowardZero,
          .nan_word = 0x7FFFFFFF};
}

constexpr ArithInfo FusedF16(Text name, FormatSet in, int chunk, int align_bits,
                             Floor floor, Evidence evidence, int words,
                             Text source, Text open = {}) {
  ArithInfo row = FusedF32(name, in, chunk, align_bits, 10, floor, evidence,
                           words, source, open);
  row.accumulator = row.output = Format::kF16;
  row.out_rounding = Rounding::kNearestEven;
  row.nan_word = 0x7FFF;
  return row;
}

// mma.sync FP8 on chips whose FP8 unit only wgmma or tcgen05 reaches: the f16
// unit's fused dots of 16.
constexpr ArithInfo Split(ArithInfo row) {
  row.model = Model::kSplitFused;
  row.widen = Format::kF16;
  return row;
}

constexpr ArithInfo Scaled(ArithInfo row, FormatSet scales, int block) {
  row.scales = scales;
  row.scale_block = block;
  return row;
}

constexpr ArithInfo GroupFused(Text name, FormatSet scales, int block,
                               int words) {
  ArithInfo row = FusedF32(
      name, kE2m1Only, 64, 35, 23, -139, Evidence::kHardware, words, kTcgen05,
      "A group of 16 zero products beside others: the models disagree "
      "on whether its scales count.");
  row.model = Model::kGroupFused;
  row.group = 16;
  return Scaled(row, scales, block);
}

// IEEE arithmetic to nearest even, binary32 in and out.
constexpr ArithInfo Ieee(Text name, Model model, FormatSet in, int chunk,
                         Evidence evidence, Text source, Text open = {}) {
  return {.name = name,
          .model = model,
          .a = in,
          .b = in,
          .accumulator = Format::kF32,
          .output = Format::kF32,
          .evidence = evidence,
          .source = source,
          .open = open,
          .chunk = chunk};
}

// `split`: even and odd k apart.
constexpr ArithInfo Cdna3(Text name, FormatSet in, int chunk, bool split) {
  ArithInfo row = Ieee(name, Model::kEvenOdd, in, chunk, Evidence::kPublished,
                       kMmaSim, kAmdNan);
  row.align_bits = 24;
  row.group = split ? 2 : 1;
  return row;
}

constexpr ArithInfo Flushing(ArithInfo row, bool results) {
  row.flush_inputs = true;
  row.flush_results = results;
  return row;
}

constexpr ArithInfo Systolic(Text name, FormatSet in, int rows, int group,
                             bool interleaved, Text source) {
  ArithInfo row = Ieee(name, Model::kSystolic, in, rows * group,
                       Evidence::kAssumed, source, kArray);
  row.rows = rows;
  row.group = group;
  row.interleaved = interleaved;
  return row;
}

constexpr ArithInfo WithBf16Accumulator(ArithInfo row) {
  row.accumulator = row.output = Format::kBF16;
  row.out_fraction_bits = 7;
  row.nan_word = 0x7FC0;
  return row;
}

constexpr ArithInfo WithWords(ArithInfo row, int words) {
  row.evidence_words = words;
  return row;
}

// clang-format off
inline constexpr Evidence kD = Evidence::kDefinition, kH = Evidence::kHardware,
                          kM = Evidence::kPublished, kA = Evidence::kAssumed;
inline constexpr Floor kNone = {};
// clang-format on

}  // namespace internal

// clang-format off
inline constexpr auto kArith = [] {
  using namespace internal;  // NOLINT: the table would be all qualifiers
  return std::to_array<ArithInfo>({
    Scaled(Ieee("exact.f32", Model::kExact, kNarrowFormats, 0, kD, "definition, IEEE 754-2019 5.4.1"), kAnyScale, 0),
    Scaled(Ieee("chain.f32", Model::kChain, kChainFormats, 1, kD, "definition, IEEE 754-2019 5.4.1"), kAnyScale, 0),
    //        id                    operands  chunk F frac floor evid words source   open
    FusedF32("volta.f16.f32",       kF16Only,   4, 23, 23, kNone, kH,  5000, kKhattak),
    FusedF16("volta.f16.f16",       kF16Only,   4, 23,       -19, kH,  5000, kKhattak, kNoAlignRow),
    FusedF32("turing.f16.f32",      kF16Only,   8, 24, 23, kNone, kM,     0, kMmaSim, kNoWords),
    FusedF16("turing.f16.f16",      kF16Only,   8, 24,     kNone, kM,     0, kMmaSim, kNoWords),
    FusedF32("ampere.f16.f32",      kF16Only,   8, 24, 23,  -132, kH, 15000, kKhattak),
    FusedF16("ampere.f16.f16",      kF16Only,   8, 24,       -20, kH, 15000, kKhattak, kNoAlignRow),
    FusedF32("ampere.bf16.f32",     kBf16Only,  8, 24, 23,  -132, kH, 15000, kKhattak, kNoFloorRow),
    FusedF32("ampere.tf32.f32",     kTf32Only,  4, 24, 23,  -132, kH, 15000, kKhattak, kNoFloorRow),
    FusedF32("ada.fp8.f32",         kOcpFp8,   16, 13, 13,  -132, kH, 10000, kKhattak),
    FusedF16("ada.fp8.f16",         kOcpFp8,   16, 13,     kNone, kH, 10000, kKhattak),
    FusedF32("hopper.f16.f32",      kF16Only,  16, 25, 23,  -133, kH, 5'253'904, kHopperWords),
    FusedF16("hopper.f16.f16",      kF16Only,  16, 25,       -21, kH, 10'768, kHopperWords),
    FusedF32("hopper.bf16.f32",     kBf16Only, 16, 25, 23,  -133, kH, 5'254'160, kHopperWords),
    FusedF32("hopper.tf32.f32",     kTf32Only,  8, 25, 23,  -133, kH, 2'632'464, kHopperWords),
    FusedF32("hopper.wgmma.fp8.f32", kOcpFp8,  32, 13, 13,  -133, kH, 26'760'608, kHopperWords),
    FusedF16("hopper.wgmma.fp8.f16", kOcpFp8,  32, 13,     kNone, kH,   768, kHopperWords),
    Split(FusedF32("hopper.mma.fp8.f32", kOcpFp8, 32, 25, 23, -133, kH,  1920, kHopperWords)),
    Split(FusedF16("hopper.mma.fp8.f16", kOcpFp8, 32, 25,      -21, kH, 20'768, kHopperWords)),
    FusedF32("blackwell.f16.f32",   kF16Only,  16, 25, 23,  -133, kH,  5000, kKhattak),
    FusedF16("blackwell.f16.f16",   kF16Only,  16, 25,       -21, kH,  5000, kKhattak, kNoAlignRow),
    FusedF32("blackwell.bf16.f32",  kBf16Only, 16, 25, 23,  -133, kH,  5000, kKhattak, kNoFloorRow),
    FusedF32("blackwell.tf32.f32",  kTf32Only,  8, 25, 23,  -133, kH,  5000, kKhattak, kTf32Chunk),
    Split(FusedF32("blackwell.mma.fp8.f32", kOcpFp8, 32, 25, 23, -133, kH, 10000, kKhattak,
                   "The partition of k is carried over from the f16 output; these rows cannot tell.")),
    Split(FusedF16("blackwell.mma.fp8.f16", kOcpFp8, 32, 25,      -21, kH, 10000, kKhattak, kNoAlignRow)),
    FusedF32("blackwell.tcgen05.f8f6f4.f32", kOcpNarrow, 32, 25, 23, kNone, kH, 18, kTcgen05),
    FusedF16("blackwell.tcgen05.f8f6f4.f16", kOcpNarrow, 32, 25,     kNone, kH,  2, kTcgen05, "The hardware words are NaN only."),
    Scaled(FusedF32("blackwell.tcgen05.mxf8f6f4.f32", kOcpNarrow, 32, 25, 23, kNone, kH, 8, kTcgen05), kE8m0, 32),
    GroupFused("blackwell.tcgen05.mxf4.f32",     kE8m0,        32, 6),
    GroupFused("blackwell.tcgen05.mxf4nvf4.f32", kE8m0OrUe4m3, 16, 7),
    FusedF32("sm120.f8f6f4.f32",    kOcpNarrow, 32, 25, 23, kNone, kM, 0, kMmaSim, kNoWords),
    FusedF16("sm120.f8f6f4.f16",    kOcpNarrow, 32, 25,     kNone, kM, 0, kMmaSim, kNoWords),
    Cdna3("cdna3.fp8.f32",  kFnuzFp8, 16, true),
    Cdna3("cdna3.f16.f32",  kF16Only,  8, false),
    Cdna3("cdna3.bf16.f32", kBf16Only, 8, false),
    Cdna3("cdna3.xf32.f32", kTf32Only, 4, false),
    Flushing(Ieee("cdna2.f16.f32",  Model::kPairTree, kF16Only,  4, kM, kMmaSim, kAmdNan), true),
    Flushing(Ieee("cdna2.bf16.f32", Model::kPairTree, kBf16Only, 4, kM, kMmaSim, kAmdNan), true),
    Systolic("trainium.f32",             kNeuronAll, 128, 1, false, kNeuron),
    Systolic("trainium2.double_row.f32", kNeuronFp8, 128, 2, false, kNeuron),
    Scaled(Systolic("trainium3.mx.f32",  kNeuronMx,  128, 4, true, kNeuron), kE8m0, 32),
    WithBf16Accumulator(Scaled(Systolic("trainium3.mx.bf16", kNeuronMx, 128, 4, true, kNeuron), kE8m0, 32)),
    Flushing(Systolic("tpu.bf16.f32", kBf16Only, 128, 1, false, kTpu), false),
    Systolic("tpu7x.fp8.f32",         kOcpFp8,   256, 1, false, kTpu),
    WithWords(Flushing(Ieee("x86.vdpbf16ps.f32", Model::kDotPairs, kBf16Only, 2, kH,
                            "measured on AMD Zen 4 and Intel Sapphire Rapids; Intel SDM, VDPBF16PS"), true), 8'000'000),
  });
}();
// clang-format on

namespace internal {
constexpr bool ArithRowsAreValid() {
  for (size_t i = 0; i < kArith.size(); ++i) {
    const ArithInfo& row = kArith[i];
    if (row.a.empty() || row.b.empty()) return false;
    if (row.name.empty() || row.source.empty()) return false;
    if (row.out_fraction_bits > Info(row.output).mantissa_bits) return false;
    // No column that the model does not read.
    if (!ZeroIsPlus(row.model) &&
        (row.align_bits != 0 || row.exponent_floor || row.normalise_products ||
         row.out_fraction_bits != Info(row.output).mantissa_bits ||
         row.out_rounding != Rounding::kNearestEven)) {
      return false;
    }
    for (size_t j = 0; j < i; ++j) {
      if (kArith[j].name == row.name) return false;
    }
  }
  return true;
}
}  // namespace internal
static_assert(internal::ArithRowsAreValid(), "a row of kArith is incomplete");

}  // namespace zeroulp

#endif  // ZEROULP_ARITHMETIC_TABLE_H_
