// SPDX-License-Identifier: Apache-2.0
#include "tools/record/cases.h"

#include <fmt/format.h>

#include <algorithm>

namespace zeroulp::record {
namespace {

// Rows of a bundle: an eighth of them are one-hot, and these must reach every
// element that an instruction reads; of chained ones fewer, so that all bundles
// of a Hopper stay below 2 MB together.
constexpr int kLeastRows = 256, kChainedRows = 128;
constexpr int kChainedSteps = 4;

constexpr FormatSet kFp8 = {Format::kE4M3FN, Format::kE5M2};
constexpr FormatSet kNarrow = {Format::kE4M3FN, Format::kE5M2, Format::kE3M2FN,
                               Format::kE2M3FN, Format::kE2M1FN};
constexpr FormatSet kF16 = {Format::kF16}, kBf16 = {Format::kBF16},
                    kTf32 = {Format::kTF32}, kFp4 = {Format::kE2M1FN};
constexpr Sparsity kTwoOfFour = {.keep = 2, .group = 4};
constexpr Sparsity kOneOfTwo = {.keep = 1, .group = 2};

constexpr std::string_view kFloor =
    "10.1: exponent floor, zeros and c = 0 in the largest exponent (3.6)";
constexpr std::string_view kF16Grid =
    "9: align_bits of f16 -> f16; 10.1: floor";
constexpr std::string_view kTf32Chunk =
    "9: 8 products a step or 4 (3.1); 10.1: floor, zeros";
constexpr std::string_view kSplit = "10.2: FP8 on the f16 unit (3.2)";
constexpr std::string_view kWgmma = "10.3: wgmma FP8 with c != 0";
constexpr std::string_view kWgmmaF16 = "10.3: wgmma FP8 -> f16";
constexpr std::string_view kSparse = "10.4: sparse before Blackwell (3.7)";
constexpr std::string_view kSparse5 = "3.7: sparse tcgen05, confirms a model";
constexpr std::string_view kTcgen05 = "3.1: few hardware words so far";
constexpr std::string_view kScaled = "3.3: few hardware words so far";
constexpr std::string_view kZeroGroups = "10.1: groups of zeros (3.4, 3.6)";
constexpr std::string_view kNvfp4Bits =
    "10.5: 35 or 25 bits; 10.1: zero groups";
constexpr std::string_view kSm120 = "3.1: no hardware words so far";
constexpr std::string_view kAdaFp8 = "9: mixed pairs; specials, subnormals";

// mma.sync of a chip: the same instructions, other arithmetic.
struct WarpFamily {
  Chip chip;
  std::string_view f16_f32, f16_f16, bf16_f32, tf32_f32, fp8_f32, fp8_f16;
  std::string_view fp8, sparse;  // what FP8 and sparse forms decide
};

constexpr WarpFamily kWarpFamilies[] = {
    {Chip::kAda, "ampere.f16.f32", "ampere.f16.f16", "ampere.bf16.f32",
     "ampere.tf32.f32", "ada.fp8.f32", "ada.fp8.f16", kAdaFp8, kSparse},
    {Chip::kHopper, "hopper.f16.f32", "hopper.f16.f16", "hopper.bf16.f32",
     "hopper.tf32.f32", "hopper.mma.fp8.f32", "hopper.mma.fp8.f16", kSplit,
     kSparse},
    {Chip::kBlackwell, "blackwell.f16.f32", "blackwell.f16.f16",
     "blackwell.bf16.f32", "blackwell.tf32.f32", "blackwell.mma.fp8.f32",
     "blackwell.mma.fp8.f16", kSplit, kSparse5},
    {Chip::kRtxBlackwell, "blackwell.f16.f32", "blackwell.f16.f16",
     "blackwell.bf16.f32", "blackwell.tf32.f32", "sm120.f8f6f4.f32",
     "sm120.f8f6f4.f16", kSm120, kSm120},
};

// clang-format off
void AddWarpForms(const WarpFamily& x, std::vector<Form>& forms) {
  const auto add = [&](std::string_view ptx, std::string_view arith, FormatSet formats, Format out, int k, Sparsity sparsity, std::string_view decides) {
    forms.push_back({.chip = x.chip, .ptx = ptx, .arith = arith, .formats = formats, .out = out, .k = k, .sparsity = sparsity, .decides = decides});
  };
  constexpr Format kOut32 = Format::kF32, kOut16 = Format::kF16;
  add("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32",   x.f16_f32,  kF16,  kOut32, 16, {}, kFloor);
  add("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16",   x.f16_f16,  kF16,  kOut16, 16, {}, kF16Grid);
  add("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", x.bf16_f32, kBf16, kOut32, 16, {}, kFloor);
  add("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32",  x.tf32_f32, kTf32, kOut32,  8, {}, kTf32Chunk);
  add("mma.sync.aligned.m16n8k32.row.col.f32.{a}.{b}.f32",   x.fp8_f32,  kFp8,  kOut32, 32, {}, x.fp8);
  add("mma.sync.aligned.m16n8k32.row.col.f16.{a}.{b}.f16",   x.fp8_f16,  kFp8,  kOut16, 32, {}, x.fp8);
  add("mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32",   x.f16_f32,  kF16,  kOut32, 32, kTwoOfFour, x.sparse);
  add("mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.bf16.bf16.f32", x.bf16_f32, kBf16, kOut32, 32, kTwoOfFour, x.sparse);
  add("mma.sp::ordered_metadata.sync.aligned.m16n8k16.row.col.f32.tf32.tf32.f32", x.tf32_f32, kTf32, kOut32, 16, kOneOfTwo,  x.sparse);
  add("mma.sp::ordered_metadata.sync.aligned.m16n8k64.row.col.f32.{a}.{b}.f32",   x.fp8_f32,  kFp8,  kOut32, 64, kTwoOfFour, x.sparse);
}

void AddWgmmaForms(std::vector<Form>& forms) {
  const auto add = [&](std::string_view ptx, std::string_view arith, FormatSet formats, Format out, int k, Sparsity sparsity, std::string_view decides) {
    forms.push_back({.chip = Chip::kHopper, .unit = Unit::kWgmma, .ptx = ptx, .arith = arith, .formats = formats, .out = out, .k = k, .sparsity = sparsity, .decides = decides});
  };
  constexpr Format kOut32 = Format::kF32, kOut16 = Format::kF16;
  add("wgmma.mma_async.sync.aligned.m64n8k32.f32.{a}.{b}",   "hopper.wgmma.fp8.f32", kFp8,  kOut32, 32, {}, kWgmma);
  add("wgmma.mma_async.sync.aligned.m64n8k32.f16.{a}.{b}",   "hopper.wgmma.fp8.f16", kFp8,  kOut16, 32, {}, kWgmmaF16);
  add("wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16",   "hopper.f16.f32",       kF16,  kOut32, 16, {}, kFloor);
  add("wgmma.mma_async.sync.aligned.m64n8k16.f16.f16.f16",   "hopper.f16.f16",       kF16,  kOut16, 16, {}, kF16Grid);
  add("wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16", "hopper.bf16.f32",      kBf16, kOut32, 16, {}, kFloor);
  add("wgmma.mma_async.sync.aligned.m64n8k8.f32.tf32.tf32",  "hopper.tf32.f32",      kTf32, kOut32,  8, {}, kTf32Chunk);
  add("wgmma.mma_async.sp.sync.aligned.m64n8k64.f32.{a}.{b}",   "hopper.wgmma.fp8.f32", kFp8,  kOut32, 64, kTwoOfFour, kSparse);
  add("wgmma.mma_async.sp.sync.aligned.m64n8k32.f32.bf16.bf16", "hopper.bf16.f32",      kBf16, kOut32, 32, kTwoOfFour, kSparse);
}

void AddTcgen05Forms(std::vector<Form>& forms) {
  const auto add = [&](std::string_view kind, std::string_view ptx, std::string_view arith, FormatSet formats, Format out, int k, Sparsity sparsity, Format scale, int block, std::string_view decides) {
    forms.push_back({.chip = Chip::kBlackwell, .unit = Unit::kTcgen05, .kind = kind, .ptx = ptx, .arith = arith, .formats = formats, .out = out, .k = k, .sparsity = sparsity, .scale = scale, .block = block, .decides = decides});
  };
  constexpr Format kOut32 = Format::kF32, kOut16 = Format::kF16, kE8 = Format::kE8M0FNU, kUe4 = Format::kUE4M3;
  add("", "tcgen05.mma.cta_group::1.kind::f16",    "blackwell.f16.f32",  kF16,  kOut32, 16, {}, kE8, 0, kFloor);
  add("", "tcgen05.mma.cta_group::1.kind::f16",    "blackwell.f16.f16",  kF16,  kOut16, 16, {}, kE8, 0, kF16Grid);
  add("", "tcgen05.mma.cta_group::1.kind::f16",    "blackwell.bf16.f32", kBf16, kOut32, 16, {}, kE8, 0, kFloor);
  add("", "tcgen05.mma.cta_group::1.kind::tf32",   "blackwell.tf32.f32", kTf32, kOut32,  8, {}, kE8, 0, kTf32Chunk);
  add("", "tcgen05.mma.cta_group::1.kind::f8f6f4", "blackwell.tcgen05.f8f6f4.f32", kNarrow, kOut32, 32, {}, kE8, 0, kTcgen05);
  add("", "tcgen05.mma.cta_group::1.kind::f8f6f4", "blackwell.tcgen05.f8f6f4.f16", kNarrow, kOut16, 32, {}, kE8, 0, kTcgen05);
  add("", "tcgen05.mma.sp.cta_group::1.kind::f16",    "blackwell.f16.f32",            kF16, kOut32, 32, kTwoOfFour, kE8, 0, kSparse5);
  add("", "tcgen05.mma.sp.cta_group::1.kind::f8f6f4", "blackwell.tcgen05.f8f6f4.f32", kFp8, kOut32, 64, kTwoOfFour, kE8, 0, kSparse5);
  add("mx", "tcgen05.mma.cta_group::1.kind::mxf8f6f4.block_scale.scale_vec::1X", "blackwell.tcgen05.mxf8f6f4.f32", kNarrow, kOut32, 32, {}, kE8, 32, kScaled);
  add("mx4", "tcgen05.mma.cta_group::1.kind::mxf4.block_scale.scale_vec::2X",     "blackwell.tcgen05.mxf4.f32",     kFp4,    kOut32, 64, {}, kE8, 32, kZeroGroups);
  add("nv4", "tcgen05.mma.cta_group::1.kind::mxf4nvf4.block_scale.scale_vec::4X", "blackwell.tcgen05.mxf4nvf4.f32", kFp4,    kOut32, 64, {}, kUe4, 16, kZeroGroups);
  add("nv4e8", "tcgen05.mma.cta_group::1.kind::mxf4nvf4.block_scale.scale_vec::4X", "blackwell.tcgen05.mxf4nvf4.f32", kFp4,  kOut32, 64, {}, kE8, 16, kZeroGroups);
}

void AddRtxForms(std::vector<Form>& forms) {
  const auto add = [&](std::string_view kind, std::string_view ptx, std::string_view arith, FormatSet formats, Format out, int k, Format scale, int block, std::string_view decides) {
    forms.push_back({.chip = Chip::kRtxBlackwell, .kind = kind, .ptx = ptx, .arith = arith, .formats = formats, .out = out, .k = k, .scale = scale, .block = block, .decides = decides});
  };
  constexpr Format kOut32 = Format::kF32, kOut16 = Format::kF16, kE8 = Format::kE8M0FNU, kUe4 = Format::kUE4M3;
  add("f8f6f4", "mma.sync.aligned.kind::f8f6f4.m16n8k32.row.col.f32.{a}.{b}.f32", "sm120.f8f6f4.f32", kNarrow, kOut32, 32, kE8, 0, kSm120);
  add("f8f6f4", "mma.sync.aligned.kind::f8f6f4.m16n8k32.row.col.f16.{a}.{b}.f16", "sm120.f8f6f4.f16", kNarrow, kOut16, 32, kE8, 0, kSm120);
  add("mx",  "mma.sync.aligned.kind::mxf8f6f4.block_scale.scale_vec::1X.m16n8k32.row.col.f32.{a}.{b}.f32.ue8m0",   "blackwell.tcgen05.mxf8f6f4.f32", kNarrow, kOut32, 32, kE8, 32, kSm120);
  add("mx4", "mma.sync.aligned.kind::mxf4.block_scale.scale_vec::2X.m16n8k64.row.col.f32.e2m1.e2m1.f32.ue8m0",     "blackwell.tcgen05.mxf4.f32",     kFp4, kOut32, 64, kE8, 32, kNvfp4Bits);
  add("nv4", "mma.sync.aligned.kind::mxf4nvf4.block_scale.scale_vec::4X.m16n8k64.row.col.f32.e2m1.e2m1.f32.ue4m3", "blackwell.tcgen05.mxf4nvf4.f32", kFp4, kOut32, 64, kUe4, 16, kNvfp4Bits);
}
// clang-format on

// The type's name in PTX.
std::string_view PtxType(Format format) {
  switch (format) {
    case Format::kE4M3FN:
      return "e4m3";
    case Format::kE3M2FN:
      return "e3m2";
    case Format::kE2M3FN:
      return "e2m3";
    case Format::kE2M1FN:
      return "e2m1";
    default:
      return Info(format).name;
  }
}

std::string Instruction(std::string_view ptx, Format a, Format b) {
  std::string text(ptx);
  const auto fill = [&](std::string_view slot, Format format) {
    if (const size_t at = text.find(slot); at != std::string::npos) {
      text.replace(at, slot.size(), PtxType(format));
    }
  };
  fill("{a}", a);
  fill("{b}", b);
  return text;
}

constexpr std::string_view kUnitNames[] = {"mma", "wgmma", "tcgen05"};

Case MakeCase(const Form& form, Format a, Format b, int steps, int rows) {
  std::string name = fmt::format("{}.{}", Info(form.chip).name,
                                 kUnitNames[static_cast<size_t>(form.unit)]);
  if (form.is_sparse()) name += ".sp";
  if (!form.kind.empty()) name.append(".").append(form.kind);
  name +=
      fmt::format(".{}.{}.{}", Info(a).name, Info(b).name, Info(form.out).name);
  if (steps != 1) name += fmt::format(".x{}", steps);
  return {.name = std::move(name),
          .form = &form,
          .a = a,
          .b = b,
          .steps = steps,
          .rows = rows,
          .instruction = Instruction(form.ptx, a, b)};
}

std::vector<Format> List(FormatSet set) {
  std::vector<Format> formats;
  for (const FormatInfo& f : kFormats) {
    if (set.contains(f.id)) formats.push_back(f.id);
  }
  return formats;
}

void AddCases(const Form& form, std::vector<Case>& cases) {
  const std::vector<Format> formats = List(form.formats);
  const int rows = std::max(kLeastRows, 8 * static_cast<int>(form.stored_k()));
  for (const Format a : formats) {
    for (const Format b : formats) {
      cases.push_back(MakeCase(form, a, b, 1, rows));
      if (a != b) continue;
      cases.push_back(MakeCase(form, a, b, kChainedSteps, kChainedRows));
    }
  }
}

}  // namespace

const ChipRow* FindChip(int major, int minor) {
  for (const ChipRow& row : kChipRows) {
    if (row.major == major && row.minor_min <= minor &&
        minor <= row.minor_max) {
      return &row;
    }
  }
  return nullptr;
}

const std::vector<Form>& Forms() {
  static const std::vector<Form> forms = [] {
    std::vector<Form> list;
    for (const WarpFamily& family : kWarpFamilies) AddWarpForms(family, list);
    AddWgmmaForms(list);
    AddTcgen05Forms(list);
    AddRtxForms(list);
    return list;
  }();
  return forms;
}

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = [] {
    std::vector<Case> list;
    for (const Form& form : Forms()) AddCases(form, list);
    return list;
  }();
  return cases;
}

}  // namespace zeroulp::record
