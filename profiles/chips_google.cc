// SPDX-License-Identifier: Apache-2.0
// Google TPU.
#include "profiles/tables.h"

namespace zeroulp::internal {
namespace {

// clang-format off
// --------------------------------------------------------------------------
constexpr ChipPeak kTpuV5ePeaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"BF16", "bf16",             {197, kMlEngineering}},
    {.label = "FP8", .formats = "e4m3b11fnuz e5m2",
     .note = "no figure is published"},
    {"INT8", "int8",             {394, kMlEngineering}},
};
constexpr ChipSram kTpuV5eSram[] = {
    {"VMEM", 1, {128 * 1024, kJaxTpuHardware}},
};
constexpr Price kTpuV5ePrices[] = {
    {.usd_per_hour = {1.2, "secondary page"},
     .kind = "on-demand list"},
};
constexpr Reference kTpuV5eCitations[] = {
    {"peaks", "197", kMlEngineering},
};
constexpr ChipInfo kTpuV5e = {
    .id = "tpu_v5e",
    .name = "Google TPU v5e",
    .vendor = "Google",
    .year = 2023,
    .architecture = "TPU v5e",
    .arithmetic = "tpu.bf16.f32",
    .peaks = kTpuV5ePeaks,
    .memory = {.capacity_gib = {16, kTpuV5ePage},
               .bandwidth_gbytes_per_s = {819, kTpuV5ePage}},
    .sram = kTpuV5eSram,
    .clocks = {.tensor_ghz = {1.5, kJaxTpuInfo, Basis::kDerived}},
    .engine = {.unit = "TensorCore",
               .units = {1, kTpuV5ePage},
               .matrix_engines = {4, kTpuV5ePage},
               .array_k = 128,
               .array_n = 128,
               .note = "4 x 128x128; the clock reproduces the peak exactly"},
    .link = {.name = "ICI",
             .gbytes_per_s = {400, kTpuV5ePage, Basis::kDerived},
             .note = "1,600 Gb/s each way"},
    .accumulation = "FP32",
    .rounding = "RNE",
    .prices = kTpuV5ePrices,
    .citations = kTpuV5eCitations,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kTpuV5pPeaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"BF16", "bf16",             {459, kTpu7xPage}},
    {.label = "FP8", .formats = "e4m3b11fnuz e5m2",
     .dense_tflops = {459, kTpu7xPage},
     .note = "FP8 at BF16 rate (E4M3B11FNUZ/E5M2)"},
    {"INT8", "int8",             {918, kMlEngineering}},
};
constexpr ChipSram kTpuV5pSram[] = {
    {"VMEM", 2, {64 * 1024, kJaxTpuHardware}},
};
constexpr Price kTpuV5pPrices[] = {
    {.usd_per_hour = {4.2, "secondary page"},
     .kind = "on-demand list"},
};
constexpr Reference kTpuV5pCitations[] = {
    {"peaks", "459", kTpu7xPage},
};
constexpr ChipInfo kTpuV5p = {
    .id = "tpu_v5p",
    .name = "Google TPU v5p",
    .vendor = "Google",
    .year = 2023,
    .architecture = "TPU v5p",
    .arithmetic = "tpu.bf16.f32",
    .peaks = kTpuV5pPeaks,
    .memory = {.capacity_gib = {95, kTpu7xPage},
               .bandwidth_gbytes_per_s = {2765, kTpu7xPage}},
    .sram = kTpuV5pSram,
    .clocks = {.tensor_ghz = {1.75, kJaxTpuInfo, Basis::kDerived}},
    .engine = {.unit = "TensorCore",
               .units = {2, kJaxTpuInfo},
               .matrix_engines = {8, kJaxTpuInfo},
               .array_k = 128,
               .array_n = 128,
               .note =
                 "4 x 128x128 per core; the clock reproduces the peak "
                 "exactly"},
    .link = {.name = "ICI",
             .gbytes_per_s = {1200, kTpu7xPage}},
    .accumulation = "FP32",
    .rounding = "RNE",
    .prices = kTpuV5pPrices,
    .citations = kTpuV5pCitations,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kTpuV6ePeaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"BF16", "bf16",             {918, kTpu7xPage}},
    {.label = "FP8", .formats = "e4m3b11fnuz e5m2",
     .dense_tflops = {918, kTpu7xPage},
     .note = "FP8 at BF16 rate (E4M3B11FNUZ/E5M2)"},
    {"INT8", "int8",             {1836, kJaxTpuInfo}},
};
constexpr ChipSram kTpuV6eSram[] = {
    {"VMEM", 1, {128 * 1024, kJaxTpuHardware}},
};
constexpr Reference kTpuV6eCitations[] = {
    {"peaks", "918", kTpu7xPage},
};
constexpr ChipInfo kTpuV6e = {
    .id = "tpu_v6e",
    .name = "Google TPU v6e (Trillium)",
    .vendor = "Google",
    .year = 2024,
    .architecture = "TPU v6e",
    .arithmetic = "tpu.bf16.f32",
    .peaks = kTpuV6ePeaks,
    .memory = {.capacity_gib = {32, kTpu7xPage},
               .bandwidth_gbytes_per_s = {1638, kTpu7xPage}},
    .sram = kTpuV6eSram,
    .clocks = {.tensor_ghz = {1.75, kJaxTpuInfo, Basis::kDerived}},
    .engine = {.unit = "TensorCore",
               .units = {1, kJaxTpuInfo},
               .matrix_engines = {2, kJaxTpuInfo},
               .array_k = 256,
               .array_n = 256,
               .note =
                 "2 x 256x256; geometry times clock gives half of the "
                 "peak, see tpu7x"},
    .link = {.name = "ICI",
             .gbytes_per_s = {800, kTpu7xPage}},
    .accumulation = "FP32",
    .rounding = "RNE",
    .citations = kTpuV6eCitations,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kTpu7xPeaks[] = {
    // label, formats, dense, sparse, patterns, metadata bits
    {"FP8",  "e4m3fn e5m2", {4614, kTpu7xPage}},
    {"BF16", "bf16",        {2307, kTpu7xPage}},
    {.label = "INT8", .formats = "int8",
     .note =
         "JAX tpu_info lists int8 0 (not native); Google's microbenchmarks "
         "use 4614: disagreement"},
};
constexpr ChipSram kTpu7xSram[] = {
    {"VMEM", 2, {64 * 1024, kJaxTpuInfo}},
};
constexpr Reference kTpu7xAlternatives[] = {
    {"memory.bandwidth_tbps", "7.2 (launch) / 7.37 / 7.40",
     "https://github.com/jax-ml/jax/blob/cec06d116c05f0d52adfceee3d3b730fdbcb0ce5/jax/_src/tpu_info.py "
     "; https://aiwiki.ai/wiki/tpu_ironwood", "7.38 chosen: Google docs"},
    {"FP8", "4600", kJaxTpuInfo},
    {"FP32", "1153.5 (estimate)",
     "AI-Hypercomputer/accelerator-microbenchmarks system.py"},
    {"perf/W", "2x Trillium (claim)", kPodPost},
};
constexpr Reference kTpu7xCitations[] = {
    {"peaks", "2307/4614/192/7380/1200", kTpu7xPage,
     "Peak compute per chip (FP8) (TFLOPs) | 459 | 918 | 4614"},
    {"formats", "E4M3FN,E5M2", kJaxTpuInfo,
     "rhs_dtype in (F32, BF16, F8E5M2, F8E4M3FN)"},
    {"power", "10 MW pod", kPodPost, "with 10MW of power consumption"},
};
constexpr Reference kTpu7xClaims[] = {
    {"tco", "~44% below GB200 (SemiAnalysis)", kDailyScout,
     "\"estimated to be around 44% lower than that of an NVIDIA "
     "GB200-based server\""},
};
constexpr ChipInfo kTpu7x = {
    .id = "tpu7x",
    .name = "Google TPU7x (Ironwood, TPU v7)",
    .vendor = "Google",
    .year = 2025,
    .architecture = "TPU7x",
    .arithmetic = "tpu.bf16.f32 tpu7x.fp8.f32",
    .peaks = kTpu7xPeaks,
    .memory = {.type = "HBM3e",
               .capacity_gib = {192, kTpu7xPage},
               .bandwidth_gbytes_per_s = {7380, kTpu7xPage},
               .stacks = {8, kTpu7xPage}},
    .sram = kTpu7xSram,
    .power_w = {1085, kPodPost, Basis::kInferred},
    .clocks = {.tensor_ghz = {2.2, kJaxTpuInfo, Basis::kInferred}},
    .engine = {.unit = "TensorCore",
               .units = {2, kTpu7xPage},
               .matrix_engines = {4, kJaxTpuInfo},
               .array_k = 256,
               .array_n = 256,
               .note = "MXU 256x256, 2 per core; 4 SparseCores; 2 dies"},
    .link = {.name = "ICI",
             .gbytes_per_s = {1200, kTpu7xPage},
             .domain_chips = {9216, kTpu7xPage},
             .note = "3D torus, 64-chip cubes, optical circuit switches"},
    .numerics =
        "FP32, BF16, FP8 E5M2, FP8 E4M3FN, mixed BF16 x FP8. v5/v6 FP8 "
        "E4M3 is the B11FNUZ variant; TPU7x is OCP E4M3FN; no structured "
        "sparsity, no FP4/MX documented",
    .accumulation = "FP32 in MXU accumulators",
    .rounding = "RNE; stochastic_round primitive in Pallas/Mosaic",
    .note =
        "power: inferred: ~10 MW pod / 9,216, includes hosts and network; "
        "no per-chip figure published. Clock: 2 MXU x 256x256 per core x 2 "
        "cores reproduces half of the peak at 2.2 GHz, as for v6e (918 TF "
        "at 1.75 GHz): each listed MXU must do 2 BF16 passes per clock, or "
        "4 MXU per core",
    .alternatives = kTpu7xAlternatives,
    .citations = kTpu7xCitations,
    .claims = kTpu7xClaims,
};

// --------------------------------------------------------------------------
constexpr ChipInfo kRows[] = {
    kTpuV5e, kTpuV5p, kTpuV6e, kTpu7x};
// clang-format on
static_assert(Valid(kRows));

}  // namespace

std::span<const ChipInfo> GoogleChips() { return kRows; }

}  // namespace zeroulp::internal
