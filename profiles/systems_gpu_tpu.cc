// SPDX-License-Identifier: Apache-2.0
// Systems of NVIDIA GPUs and Google TPUs.
#include "profiles/tables.h"

namespace zeroulp::internal {
namespace {

// clang-format off
// --------------------------------------------------------------------------
constexpr SystemPeak kHgxH100Peaks[] = {
    {.label = "FP8", .dense_pflops = {15.83, "8 x chip", Basis::kDerived},
     .sparse_pflops = {31.66, "8 x chip", Basis::kDerived}},
    {.label = "BF16", .dense_pflops = {7.92, "8 x chip", Basis::kDerived}},
};
constexpr Price kHgxH100Prices[] = {
    {.usd_per_hour = {39.33, kCapacityBlocks},
     .kind = "capacity block p5.48xlarge late 2024"},
    {.usd_per_hour = {98.32, kDigiteria},
     .kind = "on-demand to mid-2025"},
};
constexpr Reference kHgxH100Citations[] = {
    {"node", "8", kAicH100, "num_gpus_per_node: 8"},
};
constexpr SystemInfo kHgxH100 = {
    .id = "hgx_h100",
    .name = "HGX/DGX H100 8-GPU",
    .chip = "h100_sxm",
    .chips = {8, kAicH100},
    .peaks = kHgxH100Peaks,
    .memory_gbytes = {640, "8 x chip", Basis::kDerived},
    .memory_gbytes_per_s = {26800, "8 x chip", Basis::kDerived},
    .power_w = {10200, "NVIDIA DGX H100 datasheet"},
    .topology = "NVSwitch, 900 GB/s per GPU",
    .prices = kHgxH100Prices,
    .citations = kHgxH100Citations,
};

// --------------------------------------------------------------------------
constexpr SystemPeak kHgxH200Peaks[] = {
    {.label = "FP8", .dense_pflops = {15.83, "8 x chip", Basis::kDerived}},
    {.label = "BF16", .dense_pflops = {7.92, "8 x chip", Basis::kDerived}},
};
constexpr Price kHgxH200Prices[] = {
    {.usd_per_hour = {43.26, kCapacityBlocks},
     .kind = "capacity block"},
};
constexpr Reference kHgxH200Citations[] = {
    {"node", "8", kAicH200, "num_gpus_per_node: 8"},
};
constexpr SystemInfo kHgxH200 = {
    .id = "hgx_h200",
    .name = "HGX H200 8-GPU",
    .chip = "h200_sxm",
    .chips = {8, kAicH200},
    .peaks = kHgxH200Peaks,
    .memory_gbytes = {1128, "8 x chip", Basis::kDerived},
    .memory_gbytes_per_s = {38400, "8 x chip", Basis::kDerived},
    .power_w = {10200, "DGX H100's, taken over", Basis::kAssumed},
    .topology = "NVSwitch, 900 GB/s per GPU",
    .note = "power: assumed equal to DGX H100",
    .prices = kHgxH200Prices,
    .citations = kHgxH200Citations,
};

// --------------------------------------------------------------------------
constexpr SystemPeak kHgxB200Peaks[] = {
    {.label = "FP8", .dense_pflops = {36, kFibermall},
     .sparse_pflops = {72, kFibermall}},
    {.label = "NVFP4", .dense_pflops = {72, kFibermall},
     .sparse_pflops = {144, kFibermall}},
    {.label = "BF16", .dense_pflops = {18, kFibermall}},
    {.label = "INT8", .dense_pflops = {36, kFibermall}},
};
constexpr Reference kHgxB200Alternatives[] = {
    {"hbm_tbps", "64", "DGX B200 datasheet"},
    {"FP4", "105 sparse | 72 dense", kFibermall,
     "printed for HGX B200 in an early table"},
};
constexpr Reference kHgxB200Citations[] = {
    {"aggregate", "72 sparse FP8", kFibermall,
     "FP8/FP6 Tensor Core* | 72 PFLOPS | 72 PFLOPS"},
};
constexpr SystemInfo kHgxB200 = {
    .id = "hgx_b200",
    .name = "HGX/DGX B200 8-GPU",
    .chip = "b200",
    .chips = {8, kFibermall},
    .peaks = kHgxB200Peaks,
    .memory_gbytes = {1440, kFibermall},
    .memory_gbytes_per_s = {62000, kFibermall},
    .power_w = {14300, "NVIDIA DGX B200 datasheet"},
    .topology = "NVLink 5, 14.4 TB/s",
    .alternatives = kHgxB200Alternatives,
    .citations = kHgxB200Citations,
};

// --------------------------------------------------------------------------
constexpr SystemPeak kHgxB300Peaks[] = {
    {.label = "FP8", .dense_pflops = {36, "8 x chip", Basis::kDerived},
     .sparse_pflops = {72, "8 x chip", Basis::kDerived}},
    {.label = "NVFP4", .dense_pflops = {112, "8 x chip", Basis::kDerived},
     .sparse_pflops = {144, "8 x chip", Basis::kDerived}},
    {.label = "BF16", .dense_pflops = {18, "8 x chip", Basis::kDerived}},
    {.label = "INT8", .dense_pflops = {1.23, "8 x chip", Basis::kDerived}},
};
constexpr Reference kHgxB300Alternatives[] = {
    {"FP4", "144 dense = 144 sparse", kFibermall, "early table"},
};
constexpr Reference kHgxB300Citations[] = {
    {"mem", "62/8", kAicB300, "Total mem_bw: 62TB/s / 8 GPUs"},
};
constexpr SystemInfo kHgxB300 = {
    .id = "hgx_b300",
    .name = "HGX/DGX B300 8-GPU",
    .chip = "b300",
    .chips = {8, kAicB300},
    .peaks = kHgxB300Peaks,
    .memory_gbytes = {2304, "8 x chip", Basis::kDerived},
    .memory_gbytes_per_s = {62000, kAicB300},
    .topology = "NVLink 5, 14.4 TB/s",
    .alternatives = kHgxB300Alternatives,
    .citations = kHgxB300Citations,
};

// --------------------------------------------------------------------------
constexpr SystemPeak kGb200Nvl72Peaks[] = {
    {.label = "FP8", .dense_pflops = {360, "72 x chip", Basis::kDerived},
     .sparse_pflops = {720, "72 x chip", Basis::kDerived}},
    {.label = "NVFP4", .dense_pflops = {720, "72 x chip", Basis::kDerived},
     .sparse_pflops = {1440, "72 x chip", Basis::kDerived}},
    {.label = "BF16", .dense_pflops = {180, "72 x chip", Basis::kDerived},
     .sparse_pflops = {360, "72 x chip", Basis::kDerived}},
    {.label = "INT8", .dense_pflops = {360, "72 x chip", Basis::kDerived}},
};
constexpr Reference kGb200Nvl72Citations[] = {
    {"domain", "72", kAicGb200,
     "72 GPUs per rack (18 compute trays x 4 GPUs each)"},
    {"nvlink", "130 TB/s",
     "https://datacrunch.io/blog/nvidia-gb200-nvl72-for-ai-training-and-inference",
     "connected by a 130 TB/s NVLink Switch System"},
};
constexpr Reference kGb200Nvl72Claims[] = {
    {"tco", "Ironwood ~44% lower", kDailyScout},
};
constexpr SystemInfo kGb200Nvl72 = {
    .id = "gb200_nvl72",
    .name = "GB200 NVL72",
    .chip = "gb200",
    .chips = {72, kAicGb200},
    .peaks = kGb200Nvl72Peaks,
    .memory_gbytes = {13400, "72 x chip", Basis::kDerived},
    .memory_gbytes_per_s = {576000, "72 x chip", Basis::kDerived},
    .power_w = {120000, "press, ~120 kW a rack", Basis::kInferred},
    .topology = "72-GPU NVLink domain, 9 switch trays, 130 TB/s",
    .note =
        "CPUs: 36 Grace; power: ~120 kW rack; 8 shelves x 33 kW installed; "
        "GPUs 72 x 1.2 = 86.4 kW",
    .citations = kGb200Nvl72Citations,
    .claims = kGb200Nvl72Claims,
};

// --------------------------------------------------------------------------
constexpr SystemPeak kGb300Nvl72Peaks[] = {
    {.label = "FP8", .dense_pflops = {360, kVerdaGb300},
     .sparse_pflops = {720, kVerdaGb300}},
    {.label = "NVFP4", .dense_pflops = {1080, kVerdaGb300},
     .sparse_pflops = {1440, kVerdaGb300}},
    {.label = "BF16", .dense_pflops = {180, kVerdaGb300},
     .sparse_pflops = {360, kVerdaGb300}},
    {.label = "INT8", .dense_pflops = {11.9, kVerdaGb300}},
};
constexpr Reference kGb300Nvl72Alternatives[] = {
    {"FP4", "1,100 dense",
     "NVIDIA blog via "
     "https://introl.com/blog/why-nvidia-gb300-nvl72-blackwell-ultra-matters"},
    {"hbm_tb", "20 vs 20.7 (72x288)", kVerdaGb300},
    {"usd_capex", "3-4 million (estimate)",
     "https://awesomeagents.ai/hardware/nvidia-gb300-nvl72"},
};
constexpr Reference kGb300Nvl72Citations[] = {
    {"aggregate", "1080/360/180/576/130", kVerdaGb300, "Max GPU TDP 100.8 kW"},
    {"power", "120", kIntrol, "draws approximately 120 kW"},
};
constexpr SystemInfo kGb300Nvl72 = {
    .id = "gb300_nvl72",
    .name = "GB300 NVL72",
    .chip = "gb300",
    .chips = {72, kVerdaGb300},
    .peaks = kGb300Nvl72Peaks,
    .memory_gbytes = {20700, kVerdaGb300},
    .memory_gbytes_per_s = {576000, kVerdaGb300},
    .power_w = {120000, kIntrol},
    .topology = "72-GPU NVLink domain, 130 TB/s",
    .note =
        "CPUs: 36 Grace; power: 120 kW (press) vs 135 kW budget (NVIDIA "
        "mission-control FAQ, 18 x 7.5 kW); GPUs 72 x 1.4 = 100.8 kW",
    .alternatives = kGb300Nvl72Alternatives,
    .citations = kGb300Nvl72Citations,
};

// --------------------------------------------------------------------------
constexpr SystemPeak kIronwoodPodPeaks[] = {
    {.label = "FP8", .dense_pflops = {42520, "9,216 x chip", Basis::kDerived}},
    {.label = "BF16", .dense_pflops = {21260, "9,216 x chip", Basis::kDerived}},
};
constexpr Reference kIronwoodPodAlternatives[] = {
    {"memory", "1.77 PB", kPodPost, "GiB counted as GB"},
};
constexpr Reference kIronwoodPodCitations[] = {
    {"chips", "9216", kTpu7xPage,
     "Number of chips per pod | 8960 | 256 | 9216"},
    {"FP8", "42.5 EF", kPodPost,
     "Ironwood can scale up to a MASSIVE 42.5 Exaflops"},
    {"power", "10 MW", kPodPost},
};
constexpr Reference kIronwoodPodClaims[] = {
    {"tco", "~44% below GB200 per chip (SemiAnalysis)", kNewsletter},
    {"tco", "same", kDailyScout},
};
constexpr SystemInfo kIronwoodPod = {
    .id = "ironwood_pod",
    .name = "Ironwood (TPU7x) pod",
    .chip = "tpu7x",
    .chips = {9216, kTpu7xPage},
    .peaks = kIronwoodPodPeaks,
    .memory_gib = {1769472, "9,216 x chip", Basis::kDerived},
    .memory_gbytes_per_s = {68000000, "9,216 x chip", Basis::kDerived},
    .power_w = {10000000, kPodPost},
    .topology =
        "3D torus of 64-chip cubes, optical circuit switches; 1,200 GB/s "
        "ICI per chip",
    .alternatives = kIronwoodPodAlternatives,
    .citations = kIronwoodPodCitations,
    .claims = kIronwoodPodClaims,
};

// --------------------------------------------------------------------------
constexpr SystemPeak kIronwood256Peaks[] = {
    {.label = "FP8", .dense_pflops = {1181.2, "256 x chip", Basis::kDerived}},
    {.label = "BF16", .dense_pflops = {590.6, "256 x chip", Basis::kDerived}},
};
constexpr Reference kIronwood256Citations[] = {
    {"chips", "256",
     "https://www.newsbytesapp.com/news/science/google-ironwood-chip-unveiled-features-specifications/story",
     "a 256-chip cluster and a 9,216-chip cluster"},
};
constexpr SystemInfo kIronwood256 = {
    .id = "ironwood_256",
    .name = "Ironwood 256-chip configuration",
    .chip = "tpu7x",
    .chips = {256, "https://www.newsbytesapp.com/news/science/google-ironwood-chip-unveiled-features-specifications/story"},
    .peaks = kIronwood256Peaks,
    .memory_gib = {49152, "256 x chip", Basis::kDerived},
    .memory_gbytes_per_s = {1889300, "256 x chip", Basis::kDerived},
    .topology = "ICI torus",
    .citations = kIronwood256Citations,
};

// --------------------------------------------------------------------------
constexpr SystemPeak kIronwood64Peaks[] = {
    {.label = "FP8", .dense_pflops = {295.3, "64 x chip", Basis::kDerived}},
    {.label = "BF16", .dense_pflops = {147.6, "64 x chip", Basis::kDerived}},
};
constexpr Reference kIronwood64Citations[] = {
    {"chips", "64", kTpu7xPage},
};
constexpr SystemInfo kIronwood64 = {
    .id = "ironwood_64",
    .name = "Ironwood cube",
    .chip = "tpu7x",
    .chips = {64, kTpu7xPage},
    .peaks = kIronwood64Peaks,
    .memory_gib = {12288, "64 x chip", Basis::kDerived},
    .memory_gbytes_per_s = {472300, "64 x chip", Basis::kDerived},
    .topology = "4x4x4 torus",
    .citations = kIronwood64Citations,
};

// --------------------------------------------------------------------------
constexpr SystemInfo kRows[] = {
    kHgxH100, kHgxH200, kHgxB200, kHgxB300, kGb200Nvl72, kGb300Nvl72,
    kIronwoodPod, kIronwood256, kIronwood64};
// clang-format on
static_assert(Valid(kRows));

}  // namespace

std::span<const SystemInfo> GpuTpuSystems() { return kRows; }

}  // namespace zeroulp::internal
