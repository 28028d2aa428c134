// SPDX-License-Identifier: Apache-2.0
// AMD Instinct.
#include "profiles/tables.h"

namespace zeroulp::internal {
namespace {

// clang-format off
constexpr std::string_view kCdna3Arithmetic =
    "cdna3.fp8.f32 cdna3.f16.f32 cdna3.bf16.f32 cdna3.xf32.f32";
constexpr Quantity kMetadata = {
    2, "AMD CDNA3 ISA, V_SMFMAC: two 2-bit indices per 4 elements"};

constexpr std::string_view kAmdNumerics =
    "FP8: MI300X/MI325X: E4M3FNUZ/E5M2FNUZ (max 240); MI355X: OCP";

// --------------------------------------------------------------------------
constexpr ChipPeak kMi300xPeaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"BF16", "bf16",              {1307.4, kMlEngineering}, {2614.8, kAmdDatasheet}, "2:4", kMetadata},
    {"FP16", "f16",               {1307.4, kMlEngineering}, {2614.8, kAmdDatasheet}, "2:4", kMetadata},
    {"FP8",  "e4m3fnuz e5m2fnuz", {2614.9, kMlEngineering}, {5229.8, kAmdDatasheet}, "2:4", kMetadata},
    {"INT8", "int8",              {2614.9, kMlEngineering}, {5229.8, kAmdDatasheet}, "2:4", kMetadata},
};
constexpr ChipSram kMi300xSram[] = {
    {"Infinity Cache", 1, {256 * 1024, kMlEngineering}},
};
constexpr Reference kMi300xAlternatives[] = {
    {"BF16", "1300 (rounded) / 2300", kMlEngineering},
};
constexpr Reference kMi300xCitations[] = {
    {"peaks", "1307.4", kMlEngineering},
};
constexpr ChipInfo kMi300x = {
    .id = "mi300x",
    .name = "AMD Instinct MI300X",
    .vendor = "AMD",
    .year = 2023,
    .architecture = "CDNA3",
    .arithmetic = kCdna3Arithmetic,
    .peaks = kMi300xPeaks,
    .memory = {.capacity_gbytes = {192, kMlEngineering},
               .bandwidth_gbytes_per_s = {5300, kMlEngineering}},
    .sram = kMi300xSram,
    .power_w = {750, kAmdDatasheet},
    .clocks = {.tensor_ghz = {2.1, kMlEngineering}},
    .engine = {.unit = "XCD",
               .units = {8, kAmdDatasheet},
               .matrix_engines = {1216, kMlEngineering},
               .tile_cores = {304, "4 matrix cores per CU", Basis::kDerived}},
    .link = {.name = "Infinity Fabric",
             .domain_chips = {8, kAmdDatasheet}},
    .numerics = kAmdNumerics,
    .accumulation = "FP32",
    .alternatives = kMi300xAlternatives,
    .citations = kMi300xCitations,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kMi325xPeaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"BF16", "bf16",              {1307.4, kMlEngineering}, {2614.8, kAmdDatasheet}, "2:4", kMetadata},
    {"FP16", "f16",               {1307.4, kMlEngineering}, {2614.8, kAmdDatasheet}, "2:4", kMetadata},
    {"FP8",  "e4m3fnuz e5m2fnuz", {2614.9, kMlEngineering}, {5229.8, kAmdDatasheet}, "2:4", kMetadata},
    {"INT8", "int8",              {2614.9, kMlEngineering}, {5229.8, kAmdDatasheet}, "2:4", kMetadata},
};
constexpr ChipSram kMi325xSram[] = {
    {"Infinity Cache", 1, {256 * 1024, kMlEngineering}},
};
constexpr Reference kMi325xAlternatives[] = {
    {"BF16", "1300 (rounded) / 2300", kMlEngineering},
};
constexpr Reference kMi325xCitations[] = {
    {"peaks", "1307.4", kMlEngineering},
};
constexpr ChipInfo kMi325x = {
    .id = "mi325x",
    .name = "AMD Instinct MI325X",
    .vendor = "AMD",
    .year = 2024,
    .architecture = "CDNA3",
    .arithmetic = kCdna3Arithmetic,
    .peaks = kMi325xPeaks,
    .memory = {.capacity_gbytes = {256, kMlEngineering},
               .bandwidth_gbytes_per_s = {6000, kMlEngineering}},
    .sram = kMi325xSram,
    .power_w = {1000, kAmdDatasheet},
    .clocks = {.tensor_ghz = {2.1, kMlEngineering}},
    .engine = {.unit = "XCD",
               .units = {8, kAmdDatasheet},
               .matrix_engines = {1216, kAmdDatasheet},
               .tile_cores = {304, "4 matrix cores per CU", Basis::kDerived}},
    .link = {.name = "Infinity Fabric",
             .domain_chips = {8, kAmdDatasheet}},
    .numerics = kAmdNumerics,
    .accumulation = "FP32",
    .alternatives = kMi325xAlternatives,
    .citations = kMi325xCitations,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kMi355xPeaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"BF16",  "bf16",        {2500, kMlEngineering}, {5000, kAmdDatasheet},  "2:4", kMetadata},
    {"FP16",  "f16",         {2500, kMlEngineering}, {5000, kAmdDatasheet},  "2:4", kMetadata},
    {"FP8",   "e4m3fn e5m2", {5000, kMlEngineering}, {10000, kAmdDatasheet}, "2:4", kMetadata},
    {"INT8",  "int8",        {5000, kMlEngineering}, {10000, kAmdDatasheet}, "2:4", kMetadata},
    {"MXFP4", "mxfp4",       {10100, kMlEngineering}},
    {"MXFP6", "mxfp6",       {10100, kMlEngineering}},
};
constexpr ChipSram kMi355xSram[] = {
    {"Infinity Cache", 1, {256 * 1024, kAmdDatasheet}},
};
constexpr Reference kMi355xAlternatives[] = {
    {"BF16", "1300 (rounded) / 2300", kMlEngineering},
};
constexpr Reference kMi355xCitations[] = {
    {"peaks", "2500", kMlEngineering},
};
constexpr ChipInfo kMi355x = {
    .id = "mi355x",
    .name = "AMD Instinct MI355X",
    .vendor = "AMD",
    .year = 2025,
    .architecture = "CDNA4",
    .peaks = kMi355xPeaks,
    .memory = {.capacity_gbytes = {288, kMlEngineering},
               .bandwidth_gbytes_per_s = {8000, kMlEngineering}},
    .sram = kMi355xSram,
    .power_w = {1400, kAmdDatasheet},
    .clocks = {.tensor_ghz = {2.4, kAmdDatasheet}},
    .engine = {.unit = "XCD",
               .units = {8, kAmdDatasheet},
               .matrix_engines = {1024, kAmdDatasheet},
               .tile_cores = {256, "4 matrix cores per CU", Basis::kDerived}},
    .link = {.name = "Infinity Fabric",
             .domain_chips = {8, kAmdDatasheet}},
    .numerics = kAmdNumerics,
    .accumulation = "FP32",
    .alternatives = kMi355xAlternatives,
    .citations = kMi355xCitations,
};

// --------------------------------------------------------------------------
constexpr ChipInfo kRows[] = {
    kMi300x, kMi325x, kMi355x};
// clang-format on
static_assert(Valid(kRows));

}  // namespace

std::span<const ChipInfo> AmdChips() { return kRows; }

}  // namespace zeroulp::internal
