// SPDX-License-Identifier: Apache-2.0
// NVIDIA Blackwell and after.
#include "profiles/tables.h"

namespace zeroulp::internal {
namespace {

// clang-format off
constexpr std::string_view kBlackwellArithmetic =
    "blackwell.f16.f32 blackwell.f16.f16 blackwell.bf16.f32 "
    "blackwell.tf32.f32 blackwell.mma.fp8.f32 blackwell.mma.fp8.f16 "
    "blackwell.tcgen05.f8f6f4.f32 blackwell.tcgen05.f8f6f4.f16 "
    "blackwell.tcgen05.mxf8f6f4.f32 blackwell.tcgen05.mxf4.f32 "
    "blackwell.tcgen05.mxf4nvf4.f32";
// Sparse metadata: PTX ISA, mma.sp and tcgen05.mma.sp.
constexpr Quantity kMetadata = {
    2, "NVIDIA PTX ISA, sparse mma: two 2-bit indices per 4 elements"};
constexpr Quantity kMetadataTf32 = {
    4, "NVIDIA PTX ISA, sparse mma of tf32: one 4-bit field per 2 elements, "
       "1:2 although sold as 2:4"};
constexpr Quantity kMetadataPairs = {
    1, "NVIDIA PTX ISA, sparse mma of mxf4: two 2-bit pair indices per 8"};

constexpr std::string_view kBlackwellNumerics =
    "FP64, FP32, TF32, BF16, FP16, FP8 E4M3FN/E5M2, FP6 E3M2/E2M3, FP4 "
    "E2M1, MXFP8/6/4 (E8M0, block 32), NVFP4 (E2M1, E4M3 scale, block 16, "
    "+ FP32 per tensor), INT8. FP8: OCP E4M3FN: max 448, no inf, NaN "
    "0x7F/0xFF. FP4: max 6, no inf/NaN. cuBLASLt scale modes: SCALAR_32F, "
    "VEC16_UE4M3, VEC32_UE8M0, OUTER_VEC_32F, VEC128_32F, BLK128x128_32F. "
    "sparse: 2:4; for FP4 the pattern is pair-wise 4:8. "
    "cvt.rn.satfinite.e2m1x2";
constexpr std::string_view kBlackwellRounding =
    "tensor core truncates internally; conversions RNE/RZ/stochastic (PTX "
    "cvt.rs for f16x2/bf16x2/f8x4/f6x4/f4x4)";
constexpr std::string_view kBlackwellAccumulation =
    "FP32 in tensor memory (TMEM)";

// --------------------------------------------------------------------------
constexpr ChipPeak kB200Peaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"FP64",  "f64",           {37, kVerdaGb300}},
    {"FP32",  "f32",           {75, kVerdaGb300}},
    {"TF32",  "tf32",          {1100, kLockwoodB200},  {2200, kLockwoodB200},  "2:4 1:2",      kMetadataTf32},
    {"BF16",  "bf16",          {2250, kAicB200},       {4500, kLockwoodB200},  "2:4",          kMetadata},
    {"FP16",  "f16",           {2250, kAicB200},       {4500, kLockwoodB200},  "2:4",          kMetadata},
    {"FP8",   "e4m3fn e5m2",   {4500, kAicB200},       {9000, kLockwoodB200},  "2:4",          kMetadata},
    {"MXFP8", "mxfp8",         {4500, kAicB200},       {9000, kLockwoodB200},  "2:4",          kMetadata},
    {"FP6",   "e3m2fn e2m3fn", {4500, kMlEngineering}, {9000, kLockwoodB200},  "2:4",          kMetadata},
    {"NVFP4", "nvfp4",         {9000, kAicB200},       {18000, kLockwoodB200}, "4:8-pairs", kMetadataPairs},
    {"MXFP4", "mxfp4",         {9000, kAicB200},       {18000, kLockwoodB200}, "4:8-pairs", kMetadataPairs},
    {"INT8",  "int8",          {4500, kLockwoodB200},  {9000, kLockwoodB200},  "2:4",          kMetadata},
};
constexpr ChipSram kB200Sram[] = {
    {"L2", 1, {126 * 1024, kCudaDevice}},
    {"TMEM", 148, {256, kPtxTmem}},
    {"SMEM", 148, {228, kCudaGuide}},
};
constexpr Reference kB200Alternatives[] = {
    {"memory.bandwidth_tbps", "8.0", kJoin<kMlEngineering, kLockwoodB200>,
     "7.7 chosen: NVIDIA's own simulator config and its \"speed of light\" "
     "tables (7.68) use it; 8.0/8.18 is the pin-rate ceiling"},
    {"memory.capacity", "192 GB", kLockwoodB200, "physical; 179-180 GB usable"},
    {"FP8", "\"~5 PF\" / 9,000 dense",
     "newsletter (\"Amazon's AI Chip Bet\", Dec 2025) ; "
     "https://awesomeagents.ai/hardware/nvidia-b200",
     "5 PF is GB200; 9,000 is the 2:4 figure mislabelled dense"},
    {"FP4", "10,000 NVFP4", kMlEngineering, "GB200 figure"},
    {"TF32", "1100 vs 1125", kJoin<kLockwoodB200, kMlEngineering>},
    {"FP32/FP64", "80/40 (GTC 2024) vs 75/37",
     kJoin<kLockwoodB200, kVerdaGb300>},
    {"SMs", "192 claimed",
     "https://fridayswithfaraday.com/posts/gpu-hw-blackwell-b200-deep-dive",
     "wrong; 148"},
};
constexpr Reference kB200Citations[] = {
    {"peaks", "2250/4500/9000", kAicB200,
     "bfloat16_tc_flops: 2250000000000000 # 2250TFLOPS"},
    {"peaks sparse", "4500/9000/18000", kLockwoodB200},
    {"memory", "7.7", kAicB200, "mem_bw: 7700000000000 # 7.7TB/s"},
    {"memory (vendor roofline)", "7.68 TB/s; 6.90 PF FP4 at 1.5 GHz (derived)",
     "https://github.com/gpu-mode/reference-kernels/blob/f83cb92a534cc67fa98d7e9813e7f8238abdb4e0/problems/nvidia/nvfp4_gemm/task.yml",
     "tested under 1.5Ghz clock"},
    {"power", "1000", kMlEngineering, "NVIDIA B200 SXM | 1000 | maximum TGP"},
};
constexpr ChipInfo kB200 = {
    .id = "b200",
    .name = "NVIDIA B200 (HGX/DGX)",
    .vendor = "NVIDIA",
    .year = 2024,
    .architecture = "Blackwell",
    .arithmetic = kBlackwellArithmetic,
    .process = "TSMC 4NP",
    .peaks = kB200Peaks,
    .memory = {.type = "HBM3e",
               .capacity_gbytes = {180, kAicB200},
               .bandwidth_gbytes_per_s = {7700, kAicB200},
               .stacks = {8, kLockwoodB200}},
    .sram = kB200Sram,
    .power_w = {1000, kMlEngineering},
    .clocks = {.tensor_ghz = {1.856, "2250 TF / (148 SM x 4096 FMA x 2)", Basis::kDerived},
               .boost_ghz = {1.965, kCudaDevice}},
    .engine = {.unit = "SM",
               .units = {148, kCudaDevice},
               .matrix_engines = {592, "4 per SM", Basis::kDerived},
               .tile_cores = {148, "one tile an SM", Basis::kDerived},
               .note = "FMA per SM per cycle: BF16 4096, FP8 8192, FP4 16384"},
    .link = {.name = "NVLink 5",
             .gbytes_per_s = {1800, kLockwoodB200},
             .domain_chips = {8, kAicB200}},
    .numerics = kBlackwellNumerics,
    .accumulation = kBlackwellAccumulation,
    .rounding = kBlackwellRounding,
    .note =
        "INT8 4500 is a datasheet figure; cuBLASLt INT8 measured only "
        "~0.93 POPS dense on B200",
    .alternatives = kB200Alternatives,
    .citations = kB200Citations,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kGb200Peaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"FP64",  "f64",           {40, kVerdaGb300}},
    {"FP32",  "f32",           {80, kMlEngineering}},
    {"TF32",  "tf32",          {1250, kMlEngineering}, {2500, kLockwoodB200},  "2:4 1:2",      kMetadataTf32},
    {"BF16",  "bf16",          {2500, kAicGb200},      {5000, kLockwoodB200},  "2:4",          kMetadata},
    {"FP16",  "f16",           {2500, kAicGb200},      {5000, kLockwoodB200},  "2:4",          kMetadata},
    {"FP8",   "e4m3fn e5m2",   {5000, kAicGb200},      {10000, kLockwoodB200}, "2:4",          kMetadata},
    {"MXFP8", "mxfp8",         {5000, kAicGb200},      {10000, kLockwoodB200}, "2:4",          kMetadata},
    {"FP6",   "e3m2fn e2m3fn", {5000, kMlEngineering}, {10000, kLockwoodB200}, "2:4",          kMetadata},
    {"NVFP4", "nvfp4",         {10000, kAicGb200},     {20000, kLockwoodB200}, "4:8-pairs", kMetadataPairs},
    {"MXFP4", "mxfp4",         {10000, kAicGb200},     {20000, kLockwoodB200}, "4:8-pairs", kMetadataPairs},
    {"INT8",  "int8",          {5000, kMlEngineering}, {10000, kLockwoodB200}, "2:4",          kMetadata},
};
constexpr ChipSram kGb200Sram[] = {
    {"L2", 1, {126 * 1024, kCudaDevice}},
    {"TMEM", 148, {256, kPtxTmem}},
    {"SMEM", 148, {228, kCudaGuide}},
};
constexpr Reference kGb200Alternatives[] = {
    {"FP8/FP4/BF16", "4.5 / 9 / 2.25 PF, 7.7 TB/s", kVerdaGb300,
     "page repeats HGX B200 figures for GB200 (and prints 129 GB); "
     "5/10/2.5 chosen: NVIDIA rack totals /72"},
    {"memory.capacity", "186 vs 189471 MiB usable", kAicGb200},
    {"FP64", "45 vs 40", kLockwoodB200},
};
constexpr Reference kGb200Citations[] = {
    {"peaks", "2500/5000/10000", kAicGb200,
     "fp4_tc_flops: 10000000000000000 # 10PFLOPS"},
    {"power", "1200", kMlEngineering,
     "NVIDIA GB200 SXM | 1200 | per-GPU maximum power"},
    {"peaks sparse", "5000/10000/20000", kLockwoodB200},
};
constexpr ChipInfo kGb200 = {
    .id = "gb200",
    .name = "NVIDIA GB200 (per Blackwell GPU)",
    .vendor = "NVIDIA",
    .year = 2024,
    .architecture = "Blackwell",
    .arithmetic = kBlackwellArithmetic,
    .process = "TSMC 4NP",
    .peaks = kGb200Peaks,
    .memory = {.type = "HBM3e",
               .capacity_gib = {185, kAicGb200, Basis::kDerived},
               .capacity_gbytes = {186, kAicGb200},
               .bandwidth_gbytes_per_s = {8000, kAicGb200},
               .stacks = {8, kLockwoodB200}},
    .sram = kGb200Sram,
    .power_w = {1200, kMlEngineering},
    .clocks = {.tensor_ghz = {2.062, "2500 TF / (148 SM x 4096 FMA x 2)", Basis::kDerived}},
    .engine = {.unit = "SM",
               .units = {148, kCudaDevice},
               .matrix_engines = {592, "4 per SM", Basis::kDerived},
               .tile_cores = {148, "one tile an SM", Basis::kDerived},
               .note = "FMA per SM per cycle: BF16 4096, FP8 8192, FP4 16384"},
    .link = {.name = "NVLink 5",
             .gbytes_per_s = {1800, kLockwoodB200},
             .domain_chips = {72, kAicGb200}},
    .numerics = kBlackwellNumerics,
    .accumulation = kBlackwellAccumulation,
    .rounding = kBlackwellRounding,
    .alternatives = kGb200Alternatives,
    .citations = kGb200Citations,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kB300Peaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"FP64",  "f64",           {1.25, kLockwoodB300}},
    {"FP32",  "f32",           {75, kLockwoodB300}},
    {"TF32",  "tf32",          {1125, kLockwoodB300}, {2250, kLockwoodB300}, "2:4 1:2",      kMetadataTf32},
    {"BF16",  "bf16",          {2250, kAicB300},      {4500, kLockwoodB300}, "2:4",          kMetadata},
    {"FP16",  "f16",           {2250, kAicB300},      {4500, kLockwoodB300}, "2:4",          kMetadata},
    {"FP8",   "e4m3fn e5m2",   {4500, kAicB300},      {9000, kLockwoodB300}, "2:4",          kMetadata},
    {"MXFP8", "mxfp8",         {4500, kAicB300},      {9000, kLockwoodB300}, "2:4",          kMetadata},
    {"FP6",   "e3m2fn e2m3fn", {4500, kLockwoodB300}, {9000, kLockwoodB300}, "2:4",          kMetadata},
    {"NVFP4", "nvfp4",         {14000, kAicB300},     {18000, kAicB300},     "4:8-pairs", kMetadataPairs},
    {.label = "MXFP4", .formats = "mxfp4", .sparsity = "4:8-pairs",
     .sparse_index_bits = kMetadataPairs,
     .note = "the 1.5x is advertised for NVFP4; MXFP4 rate not stated"},
    {"INT8",  "int8",          {153.5, kAicB300},     {307, kAicB300},       "2:4",          kMetadata},
};
constexpr ChipSram kB300Sram[] = {
    {"L2", 1, {126 * 1024, kCudaDevice}},
    {"TMEM", 148, {256, kPtxTmem}},
    {"SMEM", 148, {228, kCudaGuide}},
};
constexpr Reference kB300Alternatives[] = {
    {"FP4 dense", "13125 / 12600 / 15000 / 13500 (1.5x9000)",
     kJoin<kLockwoodB300, kMlEngineering>,
     "14000 chosen: NVIDIA config citing the Blackwell Ultra datasheet"},
    {"INT8", "4500", kJoin<kLockwoodB300, kMlEngineering>,
     "wrong for Ultra; 153.5 dense (307 sparse) in NVIDIA's config; HGX "
     "B300 2 POPS total in https://fibermall.com/blog/?p=17161"},
    {"memory", "270 GB usable, 8 TB/s", kJoin<kVerdaGb300, kMlEngineering>,
     "7.75 = 62/8"},
    {"power", "1000 / 1400", kJoin<kMlEngineering, kLockwoodB300>,
     "1400 is GB300"},
};
constexpr Reference kB300Citations[] = {
    {"peaks", "2250/4500/14000/153.5", kAicB300,
     "14 PFLOPS (18 PFLOPS sparse | 14 PFLOPS dense)"},
    {"memory", "275040 MiB", kAicB300, "275040MiB reported by nvidia-smi"},
    {"power", "1100", kAicB300, "configurable up to 1,100 W"},
};
constexpr ChipInfo kB300 = {
    .id = "b300",
    .name = "NVIDIA B300 (HGX, Blackwell Ultra)",
    .vendor = "NVIDIA",
    .year = 2025,
    .architecture = "Blackwell",
    .arithmetic = kBlackwellArithmetic,
    .process = "TSMC 4NP",
    .peaks = kB300Peaks,
    .memory = {.type = "HBM3e",
               .capacity_gib = {268.6, kAicB300, Basis::kDerived},
               .capacity_gbytes = {288, kMlEngineering},
               .bandwidth_gbytes_per_s = {7750, kAicB300},
               .stacks = {8, kLockwoodB300}},
    .sram = kB300Sram,
    .power_w = {1100, kAicB300},
    .clocks = {.tensor_ghz = {1.856, "2250 TF / (148 SM x 4096 FMA x 2)", Basis::kDerived}},
    .engine = {.unit = "SM",
               .units = {148, kCudaDevice},
               .matrix_engines = {592, "4 per SM", Basis::kDerived},
               .tile_cores = {148, "one tile an SM", Basis::kDerived},
               .note = "FMA per SM per cycle: BF16 4096, FP8 8192, FP4 24576"},
    .link = {.name = "NVLink 5",
             .gbytes_per_s = {1800, kLockwoodB200},
             .domain_chips = {8, kAicB300}},
    .numerics = kBlackwellNumerics,
    .accumulation = kBlackwellAccumulation,
    .rounding = kBlackwellRounding,
    .alternatives = kB300Alternatives,
    .citations = kB300Citations,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kGb300Peaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"FP64",  "f64",           {}},
    {"FP32",  "f32",           {80, kVerdaGb300}},
    {"TF32",  "tf32",          {1250, kVerdaGb300}, {2500, kVerdaGb300},  "2:4 1:2",      kMetadataTf32},
    {"BF16",  "bf16",          {2500, kAicGb300},   {5000, kVerdaGb300},  "2:4",          kMetadata},
    {"FP16",  "f16",           {2500, kAicGb300},   {5000, kVerdaGb300},  "2:4",          kMetadata},
    {"FP8",   "e4m3fn e5m2",   {5000, kAicGb300},   {10000, kVerdaGb300}, "2:4",          kMetadata},
    {"MXFP8", "mxfp8",         {5000, kAicGb300},   {10000, kVerdaGb300}, "2:4",          kMetadata},
    {"FP6",   "e3m2fn e2m3fn", {5000, kVerdaGb300}, {10000, kVerdaGb300}, "2:4",          kMetadata},
    {"NVFP4", "nvfp4",         {15000, kAicGb300},  {20000, kVerdaGb300}, "4:8-pairs", kMetadataPairs},
    {.label = "MXFP4", .formats = "mxfp4", .sparsity = "4:8-pairs",
     .sparse_index_bits = kMetadataPairs,
     .note = "the 1.5x is advertised for NVFP4; MXFP4 rate not stated"},
    {"INT8",  "int8",          {165, kAicGb300},    {330, kVerdaGb300},   "2:4",          kMetadata},
};
constexpr ChipSram kGb300Sram[] = {
    {"L2", 1, {126 * 1024, kCudaDevice}},
    {"TMEM", 148, {256, kPtxTmem}},
    {"SMEM", 148, {228, kCudaGuide}},
};
constexpr Reference kGb300Alternatives[] = {
    {"memory", "279 GB / 284208 MiB usable vs 288 GB",
     kJoin<kVerdaGb300, kAicGb300>},
    {"INT8", "5000", kMlEngineering,
     "165 chosen: NVIDIA config and rack 24 POPS sparse /72"},
    {"FP8/BF16", "7000/3500", "web outlier (itkb)", "wrong"},
    {"SMs", "160 full die, 148 reported by the device", kAicGb300},
};
constexpr Reference kGb300Citations[] = {
    {"peaks", "2500/5000/15000/165", kAicGb300,
     "fp4_tc_flops: 15000000000000000 # 15PFLOPS"},
    {"power", "1400", kMlEngineering,
     "NVIDIA GB300 SXM | 1400 | per-GPU maximum power"},
    {"rack", "1080 FP4 / 360 FP8 / 180 BF16", kVerdaGb300,
     "FP4 1080 PFLOPS (1.08 EFLOPS)"},
};
constexpr ChipInfo kGb300 = {
    .id = "gb300",
    .name = "NVIDIA GB300 (per Blackwell Ultra GPU)",
    .vendor = "NVIDIA",
    .year = 2025,
    .architecture = "Blackwell",
    .arithmetic = kBlackwellArithmetic,
    .process = "TSMC 4NP",
    .peaks = kGb300Peaks,
    .memory = {.type = "HBM3e",
               .capacity_gib = {277.5, kAicGb300, Basis::kDerived},
               .capacity_gbytes = {288, kVerdaGb300},
               .bandwidth_gbytes_per_s = {8000, kAicGb300},
               .stacks = {8, kVerdaGb300}},
    .sram = kGb300Sram,
    .power_w = {1400, kMlEngineering},
    .clocks = {.tensor_ghz = {2.062, "2500 TF / (148 SM x 4096 FMA x 2)", Basis::kDerived}},
    .engine = {.unit = "SM",
               .units = {148, kCudaDevice},
               .matrix_engines = {592, "4 per SM", Basis::kDerived},
               .tile_cores = {148, "one tile an SM", Basis::kDerived},
               .note = "FMA per SM per cycle: BF16 4096, FP8 8192, FP4 24576"},
    .link = {.name = "NVLink 5",
             .gbytes_per_s = {1800, kLockwoodB200},
             .domain_chips = {72, kAicGb300}},
    .numerics = kBlackwellNumerics,
    .accumulation = kBlackwellAccumulation,
    .rounding = kBlackwellRounding,
    .alternatives = kGb300Alternatives,
    .citations = kGb300Citations,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kRubinPeaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"BF16",  "bf16",          {4000, kMlEngineering, Basis::kProjected}},
    {"TF32",  "tf32",          {2000, kMlEngineering, Basis::kProjected}},
    {"FP8",   "e4m3fn e5m2",   {17500, kMlEngineering, Basis::kProjected}},
    {"FP6",   "e3m2fn e2m3fn", {17500, kMlEngineering, Basis::kProjected}},
    {"NVFP4", "nvfp4",         {35000, kMlEngineering, Basis::kProjected}},
    {"INT8",  "int8",          {2500, kMlEngineering, Basis::kProjected}},
    {"FP32",  "f32",           {130, kMlEngineering, Basis::kProjected}},
};
constexpr Reference kRubinCitations[] = {
    {"peaks", "4000/17500/35000", kMlEngineering,
     "NVIDIA Rubin SXM | 130.0 | 2000.0 | 4000 | 4000 | 17500"},
};
constexpr ChipInfo kRubin = {
    .id = "rubin",
    .name = "NVIDIA Rubin (announced)",
    .vendor = "NVIDIA",
    .year = 2026,
    .architecture = "Rubin",
    .status = ChipStatus::kAnnounced,
    .peaks = kRubinPeaks,
    .memory = {.type = "HBM4",
               .capacity_gbytes = {288, kMlEngineering, Basis::kProjected},
               .bandwidth_gbytes_per_s = {22000, kMlEngineering, Basis::kProjected}},
    .citations = kRubinCitations,
};

// --------------------------------------------------------------------------
constexpr ChipInfo kRows[] = {
    kB200, kGb200, kB300, kGb300, kRubin};
// clang-format on
static_assert(Valid(kRows));

}  // namespace

std::span<const ChipInfo> BlackwellChips() { return kRows; }

}  // namespace zeroulp::internal
