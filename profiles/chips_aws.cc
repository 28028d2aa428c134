// SPDX-License-Identifier: Apache-2.0
// AWS Trainium.
#include "profiles/tables.h"

namespace zeroulp::internal {
namespace {

// clang-format off
constexpr std::string_view kTrainiumPatterns = "4:16 4:12 4:8 2:8 2:4 1:4 1:2";
constexpr Quantity kTrainiumTag = {
    4, "NKI sparse operand: tag [128, 32] of uint16, four 4-bit indices each"};

// TensorE alone. The published chip totals are 24 to 46 TF above it, inferred
// to add the vector, scalar and GpSimd engines, which multiply no matrices.
constexpr std::string_view kTrn1Array =
    "2 cores x 128x128 PEs x 2 flop x 2.8 GHz, FP32 at 1/4; NKI guide: 92 and "
    "23 TF per core";
constexpr std::string_view kTrn2Array =
    "8 cores x 128x128 PEs x 2 flop x 2.4 GHz x {FP8 2, BF16 1, FP32 1/4, "
    "sparse 4}; NKI guide: 158, 79, 20, 316 TF per core";
constexpr std::string_view kTrn3Array =
    "8 cores x 128x128 PEs x 2 flop x 2.4 GHz x {MX 4, BF16 1, FP32 1/4, "
    "sparse 4}; NKI guide: 315, 79, 20 TF per core";
constexpr Quantity kTrn1Bf16 = {183.5, kTrn1Array, Basis::kDerived};
constexpr Quantity kTrn1F32 = {45.9, kTrn1Array, Basis::kDerived};
constexpr Quantity kTrn2Fp8 = {1258.3, kTrn2Array, Basis::kDerived};
constexpr Quantity kTrn2Bf16 = {629.1, kTrn2Array, Basis::kDerived};
constexpr Quantity kTrn2F32 = {157.3, kTrn2Array, Basis::kDerived};
constexpr Quantity kTrn2Sparse = {2516.6, kTrn2Array, Basis::kDerived};
constexpr Quantity kTrn3Mx = {2516.6, kTrn3Array, Basis::kDerived};
constexpr Quantity kTrn3Bf16 = {629.1, kTrn3Array, Basis::kDerived};
constexpr Quantity kTrn3F32 = {157.3, kTrn3Array, Basis::kDerived};

// --------------------------------------------------------------------------
constexpr ChipPeak kTrainium1Peaks[] = {
    {.label = "BF16", .formats = "bf16", .dense_tflops = {190, kTrn1Page},
     .matmul_tflops = kTrn1Bf16},
    {.label = "FP16", .formats = "f16", .dense_tflops = {190, kTrn1Page},
     .matmul_tflops = kTrn1Bf16},
    {.label = "TF32", .formats = "tf32", .dense_tflops = {190, kTrn1Page},
     .matmul_tflops = kTrn1Bf16},
    {.label = "FP8", .formats = "e4m3 e5m2 e3m4",
     .dense_tflops = {190, kTrn1Page},
     .matmul_tflops = kTrn1Bf16,
     .note = "cFP8 at BF16 rate"},
    {.label = "FP32", .formats = "f32", .dense_tflops = {47.5, kTrn1Page},
     .matmul_tflops = kTrn1F32},
    {.label = "INT8", .formats = "", .dense_tflops = {380, kTrn1Page},
     .note =
         "listed on the chip page; not a documented TensorE matmul dtype "
         "in NKI"},
};
constexpr ChipSram kTrainium1Sram[] = {
    {"SBUF", 2, {24 * 1024, kNki1}},
    {"PSUM", 2, {2 * 1024, kNki1}},
};
constexpr Price kTrainium1Prices[] = {
    {.usd_per_hour = {1.34, kTrn1Price},
     .kind = "on-demand (trn1.32xlarge $21.50/h /16)"},
    {.usd_per_hour = {0.968, kCapacityBlocks},
     .kind = "capacity block, late 2024"},
    {.usd_per_hour = {0.512,
          "https://github.com/aws-neuron/aws-neuron-sdk/blob/81ce03ae261e12925e53437a0f690478e6366155/about-neuron/benchmarks/trn1/trn1_instance_prices.csv"},
     .kind = "3-yr RI effective, trn1.2xlarge (Neuron benchmark price table)"},
};
constexpr Reference kTrainium1Alternatives[] = {
    {"peaks.BF16", "191", kTrn2Page,
     "Trainium2 page comparison table (also FP32 48)"},
    {"memory.bandwidth", "820 GiB/s vs 820 GB/s vs 0.8 TB/s",
     kJoin<kTrn1Page, kNki1, kTrn2Page>, "unit typo; GB/s chosen"},
    {"INT8", "420 TOPS", "older AWS page copies", "380 chosen: current page"},
};
constexpr Reference kTrainium1Citations[] = {
    {"peaks", "380/190/47.5", kTrn1Page,
     "delivering 380 INT8 TOPS, 190 FP16/BF16/cFP8/TF32 TFLOPS, and 47.5 FP32 TFLOP"},
    {"engine", "2.8 GHz", kNki1, "2x128 (input); 1x128 (output)"},
    {"interconnect", "384", kTrn2Page,
     "Inter-chip Interconnect (GB/sec/chip) 384"},
};
constexpr ChipInfo kTrainium1 = {
    .id = "trainium1",
    .name = "AWS Trainium (Trn1)",
    .vendor = "AWS",
    .year = 2022,
    .architecture = "NeuronCore-v2",
    .arithmetic = "trainium.f32",
    .peaks = kTrainium1Peaks,
    .memory = {.type = "HBM2e",
               .capacity_gib = {32, kTrn1Page},
               .bandwidth_gbytes_per_s = {820, kTrn1Page},
               .stacks = {2, kNki1}},
    .sram = kTrainium1Sram,
    .clocks = {.tensor_ghz = {2.8, kNki1}},
    .engine = {.unit = "NeuronCore-v2",
               .units = {2, kTrn1Page},
               .matrix_engines = {2, kNki1},
               .array_k = 128,
               .array_n = 128,
               .note =
                 "128x128 systolic array; 2x128 elements a cycle in, 1x128 "
                 "out"},
    .link = {.name = "NeuronLink-v2",
             .gbytes_per_s = {384, kTrn2Page},
             .domain_chips = {16, kTrn1Page},
             .note = "2D torus (trn1.32xlarge)"},
    .numerics =
        "FP32, TF32, BF16, FP16, cFP8 (E3/E4/E5, configurable bias), INT8 "
        "storage. FP8: fp8_e4 is IEEE-like E4M3, max +-240; fp8_e3 (E3M4), "
        "fp8_e5 (E5M2)",
    .accumulation = "FP32 in PSUM, near-memory accumulate; TensorE output FP32",
    .rounding = "RNE; stochastic",
    .prices = kTrainium1Prices,
    .alternatives = kTrainium1Alternatives,
    .citations = kTrainium1Citations,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kTrainium2Peaks[] = {
    {.label = "FP8", .formats = "e4m3 e5m2", .dense_tflops = {1299, kTrn2Page},
     .sparse_tflops = {2563, kTrn2Page}, .sparsity = kTrainiumPatterns,
     .sparse_index_bits = kTrainiumTag,
     .matmul_tflops = kTrn2Fp8,
     .matmul_sparse_tflops = kTrn2Sparse,
     .note =
         "sparse is 4x BF16 but only 1.97x the FP8 dense; double-FP8 mode "
         "and sparse mode exclude each other"},
    {.label = "FP8 E3M4", .formats = "e3m4",
     .dense_tflops = {667, kNki2, Basis::kInferred},
     .matmul_tflops = kTrn2Bf16,
     .note = "E3M4 at the BF16 rate"},
    {.label = "BF16", .formats = "bf16", .dense_tflops = {667, kTrn2Page},
     .sparse_tflops = {2563, kTrn2Page}, .sparsity = kTrainiumPatterns,
     .sparse_index_bits = kTrainiumTag,
     .matmul_tflops = kTrn2Bf16,
     .matmul_sparse_tflops = kTrn2Sparse},
    {.label = "FP16", .formats = "f16", .dense_tflops = {667, kTrn2Page},
     .sparse_tflops = {2563, kTrn2Page}, .sparsity = kTrainiumPatterns,
     .sparse_index_bits = kTrainiumTag,
     .matmul_tflops = kTrn2Bf16,
     .matmul_sparse_tflops = kTrn2Sparse},
    {.label = "TF32", .formats = "tf32", .dense_tflops = {667, kTrn2Page},
     .sparse_tflops = {2563, kTrn2Page}, .sparsity = kTrainiumPatterns,
     .sparse_index_bits = kTrainiumTag,
     .matmul_tflops = kTrn2Bf16,
     .matmul_sparse_tflops = kTrn2Sparse},
    {.label = "FP32", .formats = "f32", .dense_tflops = {181, kTrn2Page},
     .matmul_tflops = kTrn2F32},
};
constexpr ChipSram kTrainium2Sram[] = {
    {"SBUF", 8, {28 * 1024, kNki2}},
    {"PSUM", 8, {2 * 1024, kNki2}},
};
constexpr Price kTrainium2Prices[] = {
    {.usd_per_hour = {1, kNewsletter},
     .kind = "newsletter \"Trainium instances around $1/hour\" (generation "
             "not said)"},
    {.usd_per_hour = {0.5, kNewsletter},
     .kind = "newsletter, long-term contracts"},
};
constexpr Reference kTrainium2Alternatives[] = {
    {"memory.bandwidth_tbps", "3.0", kNki2,
     "rounded; 2.9 chosen (chip page; 4x1024 bit x 5.7 Gb/s /8 = 2.92); "
     "\"capacity of 96GiB and bandwidth of 3TB/s\""},
    {"memory", "96GB HBM2e, 2400 GB/s",
     "https://awesomeagents.ai/hardware/aws-trainium2", "wrong"},
    {"cc_cores", "20", kNki2},
    {"on_chip.sbuf", "28MB per core", kNeuronCoreV3, "28 MiB in the NKI guide"},
    {"power_w", "500", "secondary pages only (tadata.fr)",
     "not AWS; do not rely on"},
};
constexpr Reference kTrainium2Citations[] = {
    {"peaks", "1299/667/2563/181", kTrn2Page,
     "2,563 FP8/FP16/BF16/TF32 sparse TFLOPS"},
    {"memory", "96 GiB 2.9 TB/s", kTrn2Page,
     "96 GiB of device memory with 2.9 TB/sec of bandwidth"},
    {"sparsity", "patterns", kNeuronCoreV3,
     "several sparsity patterns, including 4:16, 4:12, 4:8, 2:8, 2:4, 1:4, and 1:2"},
    {"tensor_engine_peaks", "158/79/20/316 per core", kNki2,
     "delivers 158 FP8, 79 BF16/FP16/TF32 and 20 FP32 dense TFLOPS"},
    {"fp8_range", "+-240",
     "https://github.com/aws-neuron/neuronx-distributed/blob/fbac349b61a3/src/neuronx_distributed/quantization/README_rescaling_fp8_for_neuron.md",
     "the range is +/-240 while for the OCP FP8 E4M3/e4m3fn, the range is +/-448"},
    {"F8E4M3FN", "unsupported on Trn1/Trn2",
     "https://github.com/aws-neuron/aws-neuron-sdk/blob/81ce03ae261e12925e53437a0f690478e6366155/compiler/error-codes/EVRF051.rst",
     "Data type F8E4M3FN is not supported on TRN1/TRN2"},
};
constexpr Reference kTrainium2Claims[] = {
    {"tensor_engine_utilisation", "0.6", kAim3335,
     "Anthropic kernels on Trainium2 (talk AIM3335)"},
};
constexpr ChipInfo kTrainium2 = {
    .id = "trainium2",
    .name = "AWS Trainium2 (Trn2)",
    .vendor = "AWS",
    .year = 2024,
    .architecture = "NeuronCore-v3",
    .arithmetic = "trainium.f32 trainium2.double_row.f32",
    .process = "TSMC 5 nm (press)",
    .peaks = kTrainium2Peaks,
    .memory = {.type = "HBM3",
               .capacity_gib = {96, kTrn2Page},
               .bandwidth_gbytes_per_s = {2900, kTrn2Page},
               .stacks = {4, kNki2}},
    .sram = kTrainium2Sram,
    .clocks = {.tensor_ghz = {2.4, kNki2},
               .vector_ghz = {0.96, kNki2},
               .scalar_ghz = {1.2, kNki2},
               .gpsimd_ghz = {1.2, kNki2}},
    .engine = {.unit = "NeuronCore-v3",
               .units = {8, kTrn2Page},
               .matrix_engines = {8, kNki2},
               .array_k = 128,
               .array_n = 128,
               .note =
                 "128x128 systolic; double-FP8 = two K rows per PE "
                 "(logical 256x128); sparse: 5x128 elements/cycle in"},
    .link = {.name = "NeuronLink-v3",
             .gbytes_per_s = {1280, kTrn2Page},
             .domain_chips = {64, kTrn2Systems},
             .dma_gbytes_per_s = {3500, kTrn2Page},
             .note =
               "1024 intra-instance 4x4 2D torus + 256 inter-instance "
               "ring; 128 DMA engines, 16 CC cores"},
    .numerics =
        "FP32, TF32, BF16, FP16, cFP8: E4 (IEEE-like, +-240, inf/NaN), "
        "E5M2, E3M4 (BF16 rate). sparse operand: stationary compressed "
        "[128,128] + tag [128,32] uint16 = four 4-bit indices; NKI names "
        "4:8, 4:12, 4:16 (docs commented out). not: F8E4M3FN (compiler "
        "EVRF051), MX",
    .accumulation = "FP32 (double-FP8 too), PSUM FP32",
    .rounding = "RNE; stochastic",
    .note = "dI/dt: TensorE starts near 50% and ramps over ~3 us (Trn2/Trn3)",
    .prices = kTrainium2Prices,
    .alternatives = kTrainium2Alternatives,
    .citations = kTrainium2Citations,
    .claims = kTrainium2Claims,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kTrainium3Peaks[] = {
    {.label = "MXFP4", .formats = "mxfp4", .dense_tflops = {2517, kTrn3Page},
     .matmul_tflops = kTrn3Mx,
     .note = "MXFP4 is converted to MXFP8 before the array: same rate"},
    {.label = "MXFP8", .formats = "mxfp8 mxfp4",
     .dense_tflops = {2517, kTrn3Page},
     .matmul_tflops = kTrn3Mx,
     .note = "pairs with MXFP4 too; no FP8 or MX sparse figure is published"},
    {.label = "MXFP8, unit scales", .formats = "e4m3fn e5m2",
     .dense_tflops = {2517, kTrn3Page, Basis::kDerived},
     .matmul_tflops = kTrn3Mx,
     .stored_as = "mxfp8",
     .note = "plain OCP FP8 enters the MX datapath with every scale 1"},
    {.label = "FP8", .formats = "e4m3 e5m2",
     .dense_tflops = {1299, "Trainium2's double-FP8 rate, taken over", Basis::kAssumed},
     .matmul_tflops = {1258.3, kTrn2Array, Basis::kAssumed},
     .note =
         "legacy non-MX FP8: not on the Trn3 page; Trn2 double-FP8 rate "
         "ASSUMED to carry over (TensorE-only 1258)"},
    {.label = "FP8 E3M4", .formats = "e3m4", .dense_tflops = {},
     .note = "takes legacy E3M4; no rate is published"},
    {.label = "BF16", .formats = "bf16", .dense_tflops = {671, kTrn3Page},
     .sparse_tflops = {2517, kTrn3Page}, .sparsity = kTrainiumPatterns,
     .sparse_index_bits = kTrainiumTag,
     .matmul_tflops = kTrn3Bf16,
     .matmul_sparse_tflops = kTrn3Mx},
    {.label = "FP16", .formats = "f16", .dense_tflops = {671, kTrn3Page},
     .sparse_tflops = {2517, kTrn3Page}, .sparsity = kTrainiumPatterns,
     .sparse_index_bits = kTrainiumTag,
     .matmul_tflops = kTrn3Bf16,
     .matmul_sparse_tflops = kTrn3Mx},
    {.label = "TF32", .formats = "tf32", .dense_tflops = {671, kTrn3Page},
     .sparse_tflops = {2517, kTrn3Page}, .sparsity = kTrainiumPatterns,
     .sparse_index_bits = kTrainiumTag,
     .matmul_tflops = kTrn3Bf16,
     .matmul_sparse_tflops = kTrn3Mx},
    {.label = "FP32", .formats = "f32", .dense_tflops = {183, kTrn3Page},
     .matmul_tflops = kTrn3F32},
};
constexpr ChipSram kTrainium3Sram[] = {
    {"SBUF", 8, {32 * 1024, kNki3}},
    {"PSUM", 8, {2 * 1024, kNki3}},
};
constexpr Reference kTrainium3Alternatives[] = {
    {"memory.bandwidth_tbps", "4.7", kNki3,
     "NKI guide, 2026-03. 4.9 chosen: chip page, UltraServer totals "
     "(705.6/144, 313.6/64), 4x1024 bit x 9.6 Gb/s /8 = 4.915; \"capacity "
     "of 144 GiB and bandwidth of 4.7 TB/s\""},
    {"interconnect", "2,048 GiB/s/device", kTrn3Systems,
     "UltraServer table; 2560 GB/s on the chip page; PCIe text 256+320+128 "
     "GB/s; 2560 chosen as the chip ceiling, 2048 for in-rack collectives"},
    {"cc_cores", "20", kNki3},
    {"FP8 sparse", "x4 of FP8 (1.4 EF per rack)", kNewsletter,
     "contradicted by the docs: sparse listed only for FP16/BF16/TF32 at 2517"},
    {"FP32", "8x20=160", kNki3},
};
constexpr Reference kTrainium3Citations[] = {
    {"peaks", "2517/671/2517/183", kTrn3Page,
     "2,517 FP16/BF16/TF32 sparse TFLOPS"},
    {"memory", "144 GiB 4.9 TB/s", kTrn3Page,
     "144 GiB of device memory, with 4.9 TB/sec of bandwidth"},
    {"mx", "OCP", kNeuronCoreV4,
     "MXFP4 data types are converted to MXFP8 before Tensor Engine "
     "computation logic"},
    {"sparsity", "315 TF/core", kNeuronCoreV4,
     "Structured Sparsity, delivering up to 315 TFLOPS of FP16/BF16/TF32 compute"},
    {"clock", "2.4", kNki3, "8x128 (MXFP8 dense input) or 2x128"},
    {"power", "~1000", kDcd, "will likely consume 1kW of power"},
    {"accumulation", "FP32", kNki3,
     "within the systolic array is still performed using FP32 data"},
};
constexpr Reference kTrainium3Claims[] = {
    {"tensor_engine_utilisation", "0.9", kAim3335,
     "Anthropic FP8 matmul kernels on Trainium3 (talk); no shapes given"},
    {"efficiency",
     "40% better energy efficiency than Trainium2 (AWS, newsletter)",
     "AWS, quoted in the newsletter of Dec 2025"},
    {"efficiency",
     "3x throughput per chip and 4x lower response time on GPT-OSS vs Trn2 (AWS)",
     "AWS, quoted in the newsletter of Dec 2025"},
};
constexpr ChipInfo kTrainium3 = {
    .id = "trainium3",
    .name = "AWS Trainium3 (Trn3)",
    .vendor = "AWS",
    .year = 2025,
    .architecture = "NeuronCore-v4",
    .arithmetic = "trainium.f32 trainium3.mx.f32 trainium3.mx.bf16",
    .process = "TSMC 3 nm",
    .peaks = kTrainium3Peaks,
    .memory = {.type = "HBM3E 12-high",
               .capacity_gib = {144, kTrn3Page},
               .bandwidth_gbytes_per_s = {4900, kTrn3Page},
               .stacks = {4, kNki3}},
    .sram = kTrainium3Sram,
    .power_w = {1000, kDcd, Basis::kInferred},
    .clocks = {.tensor_ghz = {2.4, kNki3},
               .vector_ghz = {1.2, kNki3},
               .scalar_ghz = {1.2, kNki3},
               .gpsimd_ghz = {1.2, kNki3}},
    .engine = {.unit = "NeuronCore-v4",
               .units = {8, kTrn3Page},
               .matrix_engines = {8, kNki3},
               .array_k = 128,
               .array_n = 128,
               .note =
                 "128x128 PEs; MX: 4 products summed per PE per cycle "
                 "(logical 512x128); 8x128 MX | 2x128 dense | 5x128 sparse "
                 "in; 1x128 out; 2 dies"},
    .link = {.name = "NeuronLink-v4 on PCIe Gen6 switches (NeuronSwitch-v1)",
             .gbytes_per_s = {2560, kTrn3Page},
             .domain_chips = {144, kTrn3Systems},
             .dma_gbytes_per_s = {4900, kTrn3Page},
             .note = "switched all-to-all; 128 DMA engines, 16 CC cores"},
    .numerics =
        "FP32, TF32, BF16, FP16, MXFP8 (E4M3FN/E5M2, E8M0 scale, block 32 "
        "along K), MXFP4 (E2M1, E8M0, block 32), legacy E4M3 "
        "(+-240)/E5M2/E3M4. MXFP8 x MXFP4 allowed; legacy and OCP FP8 may "
        "not be mixed in one matmul; later hardware drops legacy F8E4M3 "
        "(EVRF052). VectorE QuantizeMX BF16/FP16 -> MXFP8 in hardware",
    .accumulation =
        "FP32 inside the array; PSUM FP32 or BF16 (BF16 PSUM: upcast, FP32 "
        "add, round on write)",
    .rounding = "RNE; stochastic",
    .note =
        "power: not published by AWS; newsletter and press \"~1,000 W\"; "
        "only an indirect AWS remark (liquid cooling above 1,000 W). "
        "Throttle as Trainium2",
    .alternatives = kTrainium3Alternatives,
    .citations = kTrainium3Citations,
    .claims = kTrainium3Claims,
};

// --------------------------------------------------------------------------
constexpr ChipPeak kTrainium4Peaks[] = {
    {.label = "FP8", .formats = "mxfp8 e4m3fn e5m2",
     .dense_tflops = {7551, kNand, Basis::kProjected},
     .note = "3 x 2517 (\"at least 3x FP8\"); OCP formats assumed"},
    {.label = "FP4", .formats = "mxfp4 e2m1fn",
     .dense_tflops = {15102, kNand, Basis::kProjected},
     .note = "6 x 2517 (\"at least 6x FP4\"); which FP4 is not said"},
};
constexpr Reference kTrainium4Alternatives[] = {
    {"date",
     "late 2026 (newsletter) / late 2026-early 2027 (Next Platform) / not "
     "before 1H27 (broker note)",
     "https://www.nextplatform.com/compute/2025/12/03/with-trainium4-aws-will-crank-up-everything-but-the-clocks/1700879"},
};
constexpr Reference kTrainium4Citations[] = {
    {"peaks", ">=6x FP4, >=3x FP8, 4x bandwidth", kNand,
     "at least 6x processing performance at FP4, 3x FP8 performance, and "
     "4x more memory bandwidth"},
    {"memory", "8 HBM4 stacks, 2x capacity", kNewsletter},
};
constexpr ChipInfo kTrainium4 = {
    .id = "trainium4",
    .name = "AWS Trainium4 (projected)",
    .vendor = "AWS",
    .year = 2026,
    .architecture = "Trainium4",
    .status = ChipStatus::kProjected,
    .peaks = kTrainium4Peaks,
    .memory = {.type = "HBM4",
               .capacity_gib = {288, kNewsletter, Basis::kProjected},
               .bandwidth_gbytes_per_s = {19600, kNand, Basis::kProjected},
               .stacks = {8, kNewsletter, Basis::kProjected}},
    .link = {.note =
               "UALink and NVLink Fusion (NVLink 6, 72-domain MGX) tracks"},
    .numerics =
        "the Neuron compiler says hardware later than Trn3 does not "
        "support legacy F8E4M3 (EVRF052): OCP E4M3FN only",
    .note = "memory: 2 x 144 GiB, 4 x 4.9 TB/s",
    .alternatives = kTrainium4Alternatives,
    .citations = kTrainium4Citations,
};

// --------------------------------------------------------------------------
constexpr ChipInfo kRows[] = {
    kTrainium1, kTrainium2, kTrainium3, kTrainium4};
// clang-format on
static_assert(Valid(kRows));

}  // namespace

std::span<const ChipInfo> AwsChips() { return kRows; }

}  // namespace zeroulp::internal
