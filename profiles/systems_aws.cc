// SPDX-License-Identifier: Apache-2.0
// Systems of AWS Trainium chips.
#include "profiles/tables.h"

namespace zeroulp::internal {
namespace {

// clang-format off
// --------------------------------------------------------------------------
constexpr SystemPeak kTrn132xlargePeaks[] = {
    {.label = "BF16", .dense_pflops = {3.04, kTrn1Page}},
};
constexpr Price kTrn132xlargePrices[] = {
    {.usd_per_hour = {21.5, kTrn1Price}},
    {.usd_per_hour = {15.49, kCapacityBlocks},
     .kind = "capacity block"},
};
constexpr Reference kTrn132xlargeCitations[] = {
    {"chips", "16", kTrn1Page, "16 x Trainium chips"},
};
constexpr SystemInfo kTrn132xlarge = {
    .id = "trn1_32xlarge",
    .name = "Trn1 instance",
    .chip = "trainium1",
    .chips = {16, kTrn1Page},
    .peaks = kTrn132xlargePeaks,
    .memory_gib = {512, kTrn1Page},
    .memory_gbytes_per_s = {13100, kTrn1Page},
    .network_gbits_per_s = {800, kTrn1Page},
    .topology = "2D torus NeuronLink-v2",
    .prices = kTrn132xlargePrices,
    .citations = kTrn132xlargeCitations,
};

// --------------------------------------------------------------------------
constexpr SystemPeak kTrn248xlargePeaks[] = {
    {.label = "FP8", .dense_pflops = {20.8, kTrn2Systems}},
    {.label = "BF16", .dense_pflops = {10.7, kTrn2Systems},
     .sparse_pflops = {41, kTrn2Systems}},
    {.label = "FP32", .dense_pflops = {2.9, kTrn2Systems}},
};
constexpr Reference kTrn248xlargeCitations[] = {
    {"aggregate", "table", kTrn2Systems,
     "FP8/FP16/BF16/TF32 Sparse PFLOPS 41 164"},
};
constexpr SystemInfo kTrn248xlarge = {
    .id = "trn2_48xlarge",
    .name = "Trn2 instance",
    .chip = "trainium2",
    .chips = {16, kTrn2Systems},
    .peaks = kTrn248xlargePeaks,
    .memory_gib = {1536, kTrn2Systems},
    .memory_gbytes_per_s = {46400, kTrn2Systems},
    .network_gbits_per_s = {3200, kTrn2Systems},
    .topology = "4x4 2D torus, 1,024 GB/s/chip",
    .citations = kTrn248xlargeCitations,
};

// --------------------------------------------------------------------------
constexpr SystemPeak kTrn2UltraserverPeaks[] = {
    {.label = "FP8", .dense_pflops = {83.2, kTrn2Systems}},
    {.label = "BF16", .dense_pflops = {42.8, kTrn2Systems},
     .sparse_pflops = {164, kTrn2Systems}},
    {.label = "FP32", .dense_pflops = {11.6, kTrn2Systems}},
};
constexpr Reference kTrn2UltraserverAlternatives[] = {
    {"FP8", "83.2 called sparse", "TechCrunch", "it is the dense figure"},
};
constexpr Reference kTrn2UltraserverCitations[] = {
    {"aggregate", "table", kTrn2Systems, "FP8 PFLOPS 20.8 83.2"},
};
constexpr SystemInfo kTrn2Ultraserver = {
    .id = "trn2_ultraserver",
    .name = "Trn2 UltraServer",
    .chip = "trainium2",
    .chips = {64, kTrn2Systems},
    .peaks = kTrn2UltraserverPeaks,
    .memory_gib = {6144, kTrn2Systems},
    .memory_gbytes_per_s = {185600, kTrn2Systems},
    .network_gbits_per_s = {12800, "4 instances x 3,200; the table prints 3,200", Basis::kDerived},
    .topology = "4 x (4x4 torus) + inter-instance rings 256 GB/s/chip",
    .alternatives = kTrn2UltraserverAlternatives,
    .citations = kTrn2UltraserverCitations,
};

// --------------------------------------------------------------------------
constexpr SystemPeak kTrn3Gen1UltraserverPeaks[] = {
    {.label = "MXFP8", .dense_pflops = {161.088, kTrn3Systems}},
    {.label = "MXFP4", .dense_pflops = {161.088, kTrn3Systems}},
    {.label = "BF16", .dense_pflops = {42.944, kTrn3Systems},
     .sparse_pflops = {161.088, "64 x chip", Basis::kDerived}},
    {.label = "FP32", .dense_pflops = {11.712, kTrn3Systems}},
};
constexpr Reference kTrn3Gen1UltraserverCitations[] = {
    {"aggregate", "table", kTrn3Systems,
     "deliver 161 PetaFLOPS of dense MXFP8 compute, 314 TB/s of HBM bandwidth"},
};
constexpr SystemInfo kTrn3Gen1Ultraserver = {
    .id = "trn3_gen1_ultraserver",
    .name = "Trn3 Gen1 UltraServer",
    .chip = "trainium3",
    .chips = {64, kTrn3Systems},
    .peaks = kTrn3Gen1UltraserverPeaks,
    .memory_gib = {9216, kTrn3Systems},
    .memory_gbytes_per_s = {313600, kTrn3Systems},
    .network_gbits_per_s = {12800, kTrn3Systems},
    .power_w = {64000, "64 chips x ~1 kW, no hosts", Basis::kAssumed},
    .topology = "4 servers x 16, PCIe Gen6 switched",
    .note = "cooling: air; power: 64 x ~1 kW chips only (assumed)",
    .citations = kTrn3Gen1UltraserverCitations,
};

// --------------------------------------------------------------------------
constexpr SystemPeak kTrn3UltraserverPeaks[] = {
    {.label = "MXFP8", .dense_pflops = {362.448, kTrn3Systems}},
    {.label = "MXFP4", .dense_pflops = {362.448, kTrn3Systems}},
    {.label = "BF16", .dense_pflops = {96.624, kTrn3Systems},
     .sparse_pflops = {362.448, "144 x chip", Basis::kDerived}},
    {.label = "FP32", .dense_pflops = {26.352, kTrn3Systems}},
};
constexpr Reference kTrn3UltraserverAlternatives[] = {
    {"sparse", "1.4 EF FP8 with 16:4", kNewsletter,
     "= 4 x 362; AWS documents sparse only for FP16/BF16/TF32, i.e. 362 "
     "PF; The Register (via servernews) repeats 16:4"},
    {"sparse 16:4", "same claim", "https://servernews.ru/1133303"},
};
constexpr Reference kTrn3UltraserverCitations[] = {
    {"aggregate", "table", kTrn3Systems,
     "deliver 362 PetaFLOPS of dense MXFP8 compute, 706 TB/s of HBM bandwidth"},
};
constexpr Reference kTrn3UltraserverClaims[] = {
    {"performance",
     "4.4x compute, ~4x bandwidth, 4x energy efficiency vs Trn2 UltraServer (AWS)",
     "AWS"},
};
constexpr SystemInfo kTrn3Ultraserver = {
    .id = "trn3_ultraserver",
    .name = "Trn3 Gen2 UltraServer",
    .chip = "trainium3",
    .chips = {144, kTrn3Systems},
    .peaks = kTrn3UltraserverPeaks,
    .memory_gib = {20736, kTrn3Systems},
    .memory_gbytes_per_s = {705600, kTrn3Systems},
    .network_gbits_per_s = {28800, kTrn3Systems},
    .power_w = {144000, "144 chips x ~1 kW, no hosts", Basis::kAssumed},
    .topology =
        "36 servers x 4 chips, all-to-all NeuronSwitch-v1 (intra-server "
        "256, in-rack 320, inter-rack 128 GB/s PCIe per chip; table says "
        "2,048 GiB/s NeuronLink)",
    .note =
        "cooling: liquid; power: 144 x ~1 kW chips only (assumed); the "
        "newsletter compares per chip, not per rack; scales to 1,000,000 "
        "chips (AWS)",
    .alternatives = kTrn3UltraserverAlternatives,
    .citations = kTrn3UltraserverCitations,
    .claims = kTrn3UltraserverClaims,
};

// --------------------------------------------------------------------------
constexpr SystemPeak kTrn4ProjectedPeaks[] = {
    {.label = "FP8", .dense_pflops = {1087.3, kNand, Basis::kProjected}},
    {.label = "FP4", .dense_pflops = {2174.7, kNand, Basis::kProjected}},
};
constexpr Reference kTrn4ProjectedCitations[] = {
    {"multipliers", "x3, x6, x4", kNand},
};
constexpr SystemInfo kTrn4Projected = {
    .id = "trn4_projected",
    .name = "Trainium4 144-chip rack (hypothetical)",
    .chip = "trainium4",
    .chips = {144, "rack size of Trn3 Gen2, taken over", Basis::kProjected},
    .status = ChipStatus::kProjected,
    .peaks = kTrn4ProjectedPeaks,
    .memory_gib = {41472, kNand, Basis::kProjected},
    .memory_gbytes_per_s = {2822000, kNand, Basis::kProjected},
    .note = "rack size assumed equal to Trn3 Gen2",
    .citations = kTrn4ProjectedCitations,
};

// --------------------------------------------------------------------------
constexpr SystemPeak kProjectRainierPeaks[] = {
    {.label = "FP8", .dense_pflops = {649500, "500,000 x chip", Basis::kDerived}},
    {.label = "BF16", .dense_pflops = {333500, "500,000 x chip", Basis::kDerived}},
};
constexpr Price kProjectRainierPrices[] = {
    {.usd_capex = {11000000000, kRainierPost}},
};
constexpr Reference kProjectRainierAlternatives[] = {
    {"chips", "hundreds of thousands", kNewsletter},
    {"chips", "nearly 500,000 (Oct 2025), >1M by end 2025", kRainierPost},
};
constexpr Reference kProjectRainierCitations[] = {
    {"chips", "~500k", kRainierPost,
     "nearly half a million of AWS' in-house Trainium2 chips"},
    {"power", "2.2 GW", "https://ainews247.org/story/51840",
     "the site will eventually draw ~2.2 GW of power"},
};
constexpr SystemInfo kProjectRainier = {
    .id = "project_rainier",
    .name = "Project Rainier (AWS/Anthropic)",
    .chip = "trainium2",
    .chips = {500000, kRainierPost, Basis::kInferred},
    .peaks = kProjectRainierPeaks,
    .power_w = {1000000000, kNewsletter},
    .note =
        "power: newsletter \">1 GW\"; site eventually >2.2 GW, 30 "
        "buildings; first stage $11B, 1,200 acres, New Carlisle, Indiana; "
        "over 1,000,000 chips by the end of 2025",
    .prices = kProjectRainierPrices,
    .alternatives = kProjectRainierAlternatives,
    .citations = kProjectRainierCitations,
};

// --------------------------------------------------------------------------
constexpr SystemInfo kRows[] = {
    kTrn132xlarge, kTrn248xlarge, kTrn2Ultraserver, kTrn3Gen1Ultraserver,
    kTrn3Ultraserver, kTrn4Projected, kProjectRainier};
// clang-format on
static_assert(Valid(kRows));

}  // namespace

std::span<const SystemInfo> AwsSystems() { return kRows; }

}  // namespace zeroulp::internal
