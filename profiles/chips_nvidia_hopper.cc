// SPDX-License-Identifier: Apache-2.0
// NVIDIA Ampere and Hopper.
#include "profiles/tables.h"

namespace zeroulp::internal {
namespace {

// clang-format off
constexpr std::string_view kAmpereArithmetic =
    "ampere.f16.f32 ampere.f16.f16 ampere.bf16.f32 ampere.tf32.f32";
constexpr std::string_view kHopperArithmetic =
    "hopper.f16.f32 hopper.f16.f16 hopper.bf16.f32 hopper.tf32.f32 "
    "hopper.wgmma.fp8.f32 hopper.wgmma.fp8.f16 hopper.mma.fp8.f32 "
    "hopper.mma.fp8.f16";
// Sparse metadata: PTX ISA, mma.sp and tcgen05.mma.sp.
constexpr Quantity kMetadata = {
    2, "NVIDIA PTX ISA, sparse mma: two 2-bit indices per 4 elements"};
constexpr Quantity kMetadataTf32 = {
    4, "NVIDIA PTX ISA, sparse mma of tf32: one 4-bit field per 2 elements, "
       "1:2 although sold as 2:4"};

constexpr std::string_view kHopperNumerics =
    "FP64, FP32, TF32, BF16, FP16, FP8 E4M3FN, FP8 E5M2, INT8. FP8: OCP "
    "E4M3FN: max 448, no inf, NaN 0x7F/0xFF; IEEE-like, max 57344. "
    "scaling: per-tensor FP32; cuBLASLt on sm_90 also 1x128 / 128x128 FP32 "
    "blocks";
constexpr std::string_view kHopperRounding =
    "tensor core truncates internally; conversions RNE";
constexpr std::string_view kHopperAccumulation =
    "documented FP32; measured FP8 wgmma keeps fewer bits than FP32 "
    "(DeepGEMM promotes every 128 of K on CUDA cores)";

// --------------------------------------------------------------------------
constexpr ChipPeak kA100SxmPeaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"FP64",    "",     {9.7, kA100Datasheet}},  // CUDA cores
    {"FP64_TC", "f64",  {19.5, kA100Datasheet}},
    {"FP32",    "f32",  {19.5, kMlEngineering}},
    {"TF32",    "tf32", {156, kMlEngineering}, {312, kA100Datasheet},  "2:4 1:2", kMetadataTf32},
    {"BF16",    "bf16", {312, kMlEngineering}, {624, kA100Datasheet},  "2:4",     kMetadata},
    {"FP16",    "f16",  {312, kMlEngineering}, {624, kA100Datasheet},  "2:4",     kMetadata},
    {"INT8",    "int8", {624, kMlEngineering}, {1248, kA100Datasheet}, "2:4",     kMetadata},
};
constexpr ChipSram kA100SxmSram[] = {
    {"L2", 1, {40 * 1024, kMlEngineering}},
};
constexpr Price kA100SxmPrices[] = {
    {.usd_per_hour = {1.844, kCapacityBlocks},
     .kind = "AWS capacity block (p4d, 40 GB) late 2024"},
};
constexpr Reference kA100SxmAlternatives[] = {
    {"a100_pcie", "1.94 TB/s, 300 W, same peaks", kMlEngineering},
};
constexpr Reference kA100SxmCitations[] = {
    {"peaks", "312/624", kMlEngineering},
};
constexpr ChipInfo kA100Sxm = {
    .id = "a100_sxm",
    .name = "NVIDIA A100 SXM 80GB",
    .vendor = "NVIDIA",
    .year = 2020,
    .architecture = "Ampere",
    .arithmetic = kAmpereArithmetic,
    .status = ChipStatus::kLegacy,
    .peaks = kA100SxmPeaks,
    .memory = {.capacity_gib = {80, kA100Datasheet},
               .bandwidth_gbytes_per_s = {2040, kA100Datasheet}},
    .sram = kA100SxmSram,
    .power_w = {400, kA100Datasheet},
    .clocks = {.tensor_ghz = {1.41, kMlEngineering}},
    .engine = {.unit = "SM",
               .units = {108, kMlEngineering},
               .matrix_engines = {432, kMlEngineering},
               .tile_cores = {108, "one tile an SM", Basis::kDerived}},
    .link = {.name = "NVLink 3",
             .gbytes_per_s = {600, kA100Datasheet},
             .domain_chips = {8, kA100Datasheet}},
    .accumulation = "FP32",
    .prices = kA100SxmPrices,
    .alternatives = kA100SxmAlternatives,
    .citations = kA100SxmCitations,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kA100PciePeaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"FP32", "f32",  {19.5, kMlEngineering}},
    {"TF32", "tf32", {156, kMlEngineering}, {312, kA100Datasheet},  "2:4 1:2", kMetadataTf32},
    {"BF16", "bf16", {312, kMlEngineering}, {624, kA100Datasheet},  "2:4",     kMetadata},
    {"FP16", "f16",  {312, kMlEngineering}, {624, kA100Datasheet},  "2:4",     kMetadata},
    {"INT8", "int8", {624, kMlEngineering}, {1248, kA100Datasheet}, "2:4",     kMetadata},
};
constexpr ChipSram kA100PcieSram[] = {
    {"L2", 1, {40 * 1024, kMlEngineering}},
};
constexpr Reference kA100PcieCitations[] = {
    {"peaks", "312/624", kMlEngineering},
    {"power", "300", kMlEngineering, "NVIDIA A100 PCIe | 300 | maximum TDP"},
};
constexpr ChipInfo kA100Pcie = {
    .id = "a100_pcie",
    .name = "NVIDIA A100 PCIe 80GB",
    .vendor = "NVIDIA",
    .year = 2021,
    .architecture = "Ampere",
    .arithmetic = kAmpereArithmetic,
    .status = ChipStatus::kLegacy,
    .peaks = kA100PciePeaks,
    .memory = {.capacity_gib = {80, kMlEngineering},
               .bandwidth_gbytes_per_s = {1940, kMlEngineering}},
    .sram = kA100PcieSram,
    .power_w = {300, kMlEngineering},
    .clocks = {.tensor_ghz = {1.41, kMlEngineering}},
    .engine = {.unit = "SM",
               .units = {108, kMlEngineering},
               .matrix_engines = {432, kMlEngineering},
               .tile_cores = {108, "one tile an SM", Basis::kDerived}},
    .link = {.name = "NVLink bridge"},
    .accumulation = "FP32",
    .citations = kA100PcieCitations,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kH100SxmPeaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"FP64",    "",            {33.5, kH100Whitepaper}},  // CUDA cores
    {"FP64_TC", "f64",         {66.9, kH100Whitepaper}},
    {"FP32",    "f32",         {66.9, kH100Whitepaper}},
    {"TF32",    "tf32",        {494.7, kH100Whitepaper},  {989.4, kH100Whitepaper},  "2:4 1:2", kMetadataTf32},
    {"BF16",    "bf16",        {989.4, kH100Whitepaper},  {1978.9, kH100Whitepaper}, "2:4",     kMetadata},
    {"FP16",    "f16",         {989.4, kH100Whitepaper},  {1978.9, kH100Whitepaper}, "2:4",     kMetadata},
    {"FP8",     "e4m3fn e5m2", {1978.9, kH100Whitepaper}, {3957.8, kH100Whitepaper}, "2:4",     kMetadata},
    {"INT8",    "int8",        {1978.9, kH100Whitepaper}, {3957.8, kH100Whitepaper}, "2:4",     kMetadata},
};
constexpr ChipSram kH100SxmSram[] = {
    {"L2", 1, {50 * 1024, kMlEngineering}},
    {"SMEM", 132, {228, kCudaGuide}},
};
constexpr Price kH100SxmPrices[] = {
    {.usd_per_hour = {3, kNewsletter},
     .kind = "newsletter"},
    {.usd_per_hour = {4.916, kCapacityBlocks},
     .kind = "AWS capacity block, late 2024"},
    {.usd_per_hour = {12.29, kDigiteria},
     .kind = "AWS p5 on-demand before June 2025 ($98.32/8)"},
    {.usd_per_hour = {10.08, kDigiteria},
     .kind = "p5 $80.62/8 from Jan 2026 (says this page; conflicts with "
             "the next)"},
    {.usd_per_hour = {6.88, kCompux},
     .kind = "AWS on-demand early 2026"},
    {.usd_per_hour = {2.35, kCompux},
     .kind = "rental index Mar 2026 (SemiAnalysis via page); 1.70 mid-2025"},
};
constexpr Reference kH100SxmAlternatives[] = {
    {"clock", "1.83 vs 1.98 GHz", kMlEngineering,
     "peaks are quoted at 1.83 GHz (132 SM x 2048 FMA x 2 x 1.83 = 989.4 "
     "TF); the part boosts to 1.98"},
    {"peaks", "3,958 TF \"FP8\"", "vendor marketing",
     "2:4 sparse figure often quoted as dense"},
};
constexpr Reference kH100SxmCitations[] = {
    {"peaks", "989/1979", kMlEngineering,
     "NVIDIA H100 SXM | 67.0 | 494.5 | 989 | 989 | 1979 | 1979"},
    {"memory,power", "3.35 TB/s 700 W", kAicH100,
     "mem_bw: 3350000000000 # 3350GB/s"},
};
constexpr ChipInfo kH100Sxm = {
    .id = "h100_sxm",
    .name = "NVIDIA H100 SXM5",
    .vendor = "NVIDIA",
    .year = 2022,
    .architecture = "Hopper",
    .arithmetic = kHopperArithmetic,
    .process = "TSMC 4N",
    .peaks = kH100SxmPeaks,
    .memory = {.type = "HBM3",
               .capacity_gbytes = {80, kAicH100},
               .bandwidth_gbytes_per_s = {3350, kAicH100}},
    .sram = kH100SxmSram,
    .power_w = {700, kAicH100},
    .clocks = {.tensor_ghz = {1.83, kMlEngineering},
               .boost_ghz = {1.98, kMlEngineering}},
    .engine = {.unit = "SM",
               .units = {132, kMlEngineering},
               .matrix_engines = {528, kMlEngineering},
               .tile_cores = {132, "one tile an SM", Basis::kDerived},
               .note = "512 FP16 FMA per tensor core per cycle"},
    .link = {.name = "NVLink 4",
             .gbytes_per_s = {900, kH100Datasheet},
             .domain_chips = {8, kH100Datasheet}},
    .numerics = kHopperNumerics,
    .accumulation = kHopperAccumulation,
    .rounding = kHopperRounding,
    .prices = kH100SxmPrices,
    .alternatives = kH100SxmAlternatives,
    .citations = kH100SxmCitations,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kH100PciePeaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"FP32", "f32",         {51, kMlEngineering}},
    {"TF32", "tf32",        {378, kMlEngineering},  {756, kH100Datasheet},  "2:4 1:2", kMetadataTf32},
    {"BF16", "bf16",        {756, kMlEngineering},  {1513, kH100Datasheet}, "2:4",     kMetadata},
    {"FP16", "f16",         {756, kMlEngineering},  {1513, kH100Datasheet}, "2:4",     kMetadata},
    {"FP8",  "e4m3fn e5m2", {1513, kMlEngineering}, {3026, kH100Datasheet}, "2:4",     kMetadata},
    {"INT8", "int8",        {1513, kMlEngineering}, {3026, kH100Datasheet}, "2:4",     kMetadata},
};
constexpr ChipSram kH100PcieSram[] = {
    {"L2", 1, {50 * 1024, kMlEngineering}},
    {"SMEM", 114, {228, kCudaGuide}},
};
constexpr Reference kH100PcieCitations[] = {
    {"peaks", "756/1513", kMlEngineering,
     "NVIDIA H100 PCIe | 51.0 | 378.0 | 756 | 756 | 1513 | 1513"},
};
constexpr ChipInfo kH100Pcie = {
    .id = "h100_pcie",
    .name = "NVIDIA H100 PCIe",
    .vendor = "NVIDIA",
    .year = 2022,
    .architecture = "Hopper",
    .arithmetic = kHopperArithmetic,
    .process = "TSMC 4N",
    .peaks = kH100PciePeaks,
    .memory = {.type = "HBM2e",
               .capacity_gbytes = {80, kMlEngineering},
               .bandwidth_gbytes_per_s = {2000, kMlEngineering}},
    .sram = kH100PcieSram,
    .power_w = {350, kH100Datasheet},
    .clocks = {.tensor_ghz = {1.62, "756 TF / (456 tensor cores x 512 FMA x 2)", Basis::kDerived}},
    .engine = {.unit = "SM",
               .units = {114, kH100Whitepaper},
               .matrix_engines = {456, kH100Whitepaper},
               .tile_cores = {114, "one tile an SM", Basis::kDerived},
               .note = "512 FP16 FMA per tensor core per cycle"},
    .link = {.name = "NVLink bridge / PCIe 5",
             .gbytes_per_s = {600, kH100Datasheet},
             .domain_chips = {2, kH100Datasheet}},
    .numerics = kHopperNumerics,
    .accumulation = kHopperAccumulation,
    .rounding = kHopperRounding,
    .citations = kH100PcieCitations,
};

// --------------------------------------------------------------------------
constexpr ChipSram kH200SxmSram[] = {
    {"L2", 1, {50 * 1024, kMlEngineering}},
    {"SMEM", 132, {228, kCudaGuide}},
};
constexpr Price kH200SxmPrices[] = {
    {.usd_per_hour = {5.408, kCapacityBlocks},
     .kind = "AWS capacity block, late 2024"},
};
constexpr Reference kH200SxmAlternatives[] = {
    {"power", "H200 NVL 600 W, lower clocks", kMlEngineering},
};
constexpr Reference kH200SxmCitations[] = {
    {"memory", "141 4.8", kAicH200, "mem_bw: 4800000000000 # 4800GB/s"},
    {"peaks", "as H100", kMlEngineering,
     "basically H200 solves the memory-bandwidth and memory-capacity "
     "bottlenecks of H100"},
};
constexpr ChipInfo kH200Sxm = {
    .id = "h200_sxm",
    .name = "NVIDIA H200 SXM",
    .vendor = "NVIDIA",
    .year = 2024,
    .architecture = "Hopper",
    .arithmetic = kHopperArithmetic,
    .process = "TSMC 4N",
    .peaks = kH100SxmPeaks,
    .memory = {.type = "HBM3e",
               .capacity_gbytes = {141, kAicH200},
               .bandwidth_gbytes_per_s = {4800, kAicH200}},
    .sram = kH200SxmSram,
    .power_w = {700, kMlEngineering},
    .clocks = {.tensor_ghz = {1.83, kMlEngineering},
               .boost_ghz = {1.98, kMlEngineering}},
    .engine = {.unit = "SM",
               .units = {132, kMlEngineering},
               .matrix_engines = {528, kMlEngineering},
               .tile_cores = {132, "one tile an SM", Basis::kDerived},
               .note = "512 FP16 FMA per tensor core per cycle"},
    .link = {.name = "NVLink 4",
             .gbytes_per_s = {900, kH100Datasheet},
             .domain_chips = {8, kH100Datasheet}},
    .numerics = kHopperNumerics,
    .accumulation = kHopperAccumulation,
    .rounding = kHopperRounding,
    .note = "compute as H100 SXM",
    .prices = kH200SxmPrices,
    .alternatives = kH200SxmAlternatives,
    .citations = kH200SxmCitations,
};

// The export variant: everything but the link is taken over from the H100 SXM.
constexpr auto kH800SxmPeaks = [] {
  auto peaks = std::to_array(kH100SxmPeaks);
  for (ChipPeak& peak : peaks) {
    peak.dense_tflops.basis = Basis::kAssumed;
    peak.sparse_tflops.basis = Basis::kAssumed;
  }
  return peaks;
}();
// --------------------------------------------------------------------------
constexpr ChipSram kH800SxmSram[] = {
    {"L2", 1, {50 * 1024, kMlEngineering}},
    {"SMEM", 132, {228, kCudaGuide}},
};
constexpr Reference kH800SxmCitations[] = {
    {"peaks", "assumed equal to H100 SXM",
     "https://github.com/deepseek-ai/DeepGEMM/blob/55ab91f/README.md",
     "on H800 SXM5 with NVCC 12.8"},
};
constexpr ChipInfo kH800Sxm = {
    .id = "h800_sxm",
    .name = "NVIDIA H800 SXM",
    .vendor = "NVIDIA",
    .year = 2023,
    .architecture = "Hopper",
    .arithmetic = kHopperArithmetic,
    .process = "TSMC 4N",
    .peaks = kH800SxmPeaks,
    .memory = {.type = "HBM3",
               .capacity_gbytes = {80, kAicH100, Basis::kAssumed},
               .bandwidth_gbytes_per_s = {3350, kAicH100, Basis::kAssumed}},
    .sram = kH800SxmSram,
    .power_w = {700, kAicH100, Basis::kAssumed},
    .clocks = {.tensor_ghz = {1.83, kMlEngineering, Basis::kAssumed},
               .boost_ghz = {1.98, kMlEngineering, Basis::kAssumed}},
    .engine = {.unit = "SM",
               .units = {132, kMlEngineering, Basis::kAssumed},
               .matrix_engines = {528, kMlEngineering, Basis::kAssumed},
               .tile_cores = {132, "one tile an SM", Basis::kDerived},
               .note = "512 FP16 FMA per tensor core per cycle"},
    .link = {.name = "NVLink 4 (cut)",
             .gbytes_per_s = {400, "the 400 GB/s export limit of the H800", Basis::kInferred},
             .domain_chips = {8, kH100Datasheet, Basis::kAssumed}},
    .numerics = kHopperNumerics,
    .accumulation = kHopperAccumulation,
    .rounding = kHopperRounding,
    .note = "compute peaks assumed as H100 SXM",
    .citations = kH800SxmCitations,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kH200NvlPeaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"BF16", "bf16",        {835, kH200NvlPage, Basis::kAssumed},  {1671, kH200NvlPage, Basis::kAssumed}, "2:4", kMetadata},
    {"FP16", "f16",         {835, kH200NvlPage, Basis::kAssumed},  {1671, kH200NvlPage, Basis::kAssumed}, "2:4", kMetadata},
    {"FP8",  "e4m3fn e5m2", {1671, kH200NvlPage, Basis::kAssumed}, {3341, kH200NvlPage, Basis::kAssumed}, "2:4", kMetadata},
    {"INT8", "int8",        {1671, kH200NvlPage, Basis::kAssumed}, {3341, kH200NvlPage, Basis::kAssumed}, "2:4", kMetadata},
};
constexpr ChipSram kH200NvlSram[] = {
    {"L2", 1, {50 * 1024, kH100Whitepaper}},
};
constexpr Reference kH200NvlCitations[] = {
    {"power", "600", kMlEngineering, "NVIDIA H200 NVL | 600 | maximum TDP"},
    {"peaks", "835/1671 from memory of the NVIDIA page", "not checked here"},
};
constexpr ChipInfo kH200Nvl = {
    .id = "h200_nvl",
    .name = "NVIDIA H200 NVL",
    .vendor = "NVIDIA",
    .year = 2024,
    .architecture = "Hopper",
    .arithmetic = kHopperArithmetic,
    .peaks = kH200NvlPeaks,
    .memory = {.capacity_gib = {141, kH200NvlPage, Basis::kAssumed},
               .bandwidth_gbytes_per_s = {4800, kH200NvlPage, Basis::kAssumed}},
    .sram = kH200NvlSram,
    .power_w = {600, kMlEngineering},
    .engine = {.unit = "SM",
               .units = {132, kH100Whitepaper},
               .tile_cores = {132, "one tile an SM", Basis::kDerived}},
    .link = {.name = "NVLink bridge 4-way",
             .gbytes_per_s = {900, kH200NvlPage, Basis::kAssumed},
             .domain_chips = {4, kH200NvlPage, Basis::kAssumed}},
    .accumulation = "as H100",
    .citations = kH200NvlCitations,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kGh200Peaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"BF16", "bf16",        {989.4, kH100Whitepaper},  {1978.9, kH100Whitepaper}, "2:4", kMetadata},
    {"FP8",  "e4m3fn e5m2", {1978.9, kH100Whitepaper}, {3957.8, kH100Whitepaper}, "2:4", kMetadata},
};
constexpr ChipSram kGh200Sram[] = {
    {"L2", 1, {50 * 1024, kMlEngineering, Basis::kInferred}},
};
constexpr Reference kGh200Citations[] = {
    {"memory", "141", kMlEngineering, "900W 141GiB HBM3e version"},
};
constexpr ChipInfo kGh200 = {
    .id = "gh200",
    .name = "NVIDIA GH200 (per GPU)",
    .vendor = "NVIDIA",
    .year = 2023,
    .architecture = "Hopper",
    .arithmetic = kHopperArithmetic,
    .peaks = kGh200Peaks,
    .memory = {.capacity_gib = {141, kMlEngineering},
               .bandwidth_gbytes_per_s = {4800, kMlEngineering}},
    .sram = kGh200Sram,
    .power_w = {900, kMlEngineering},
    .engine = {.unit = "SM",
               .units = {132, kMlEngineering},
               .tile_cores = {132, "one tile an SM", Basis::kDerived}},
    .accumulation = "as H100",
    .note =
        "compute as H100 SXM; sold as 96 GB at 4.0 TB/s or 144 GB at 4.9 "
        "TB/s",
    .citations = kGh200Citations,
};

// --------------------------------------------------------------------------
constexpr ChipInfo kRows[] = {
    kA100Sxm, kA100Pcie, kH100Sxm, kH100Pcie, kH200Sxm, kH800Sxm, kH200Nvl,
    kGh200};
// clang-format on
static_assert(Valid(kRows));

}  // namespace

std::span<const ChipInfo> HopperChips() { return kRows; }

}  // namespace zeroulp::internal
