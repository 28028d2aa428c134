// SPDX-License-Identifier: Apache-2.0
// Written by tools/calibrate.py from published measurements; do not edit.
// Columns: profiles/calibration.h. Fitted to half of the shapes.
#include "profiles/calibration.h"

namespace zeroulp::internal {
namespace {

// clang-format off
constexpr FormatFit kAllFormats[] = {
    {"BF16", false, 5.763, 2.033, 7, 0.4},
    {"BF16", true, 2.556, 2.993, 7, 0.4},
    {"FP4", false, 1.425, 5.354, 5.603, 0.478},
    {"FP4", true, 2.564, 1.914, 7, 0.4},
    {"FP8", false, 11.12, 2.119, 10.94, 0.3171},
    {"FP8", true, 3.854, 1.724, 7, 0.4},
    {"FP8 block", false, 2.311, 4.412, 2.024, 0.7131},
    {"INT8", false, 3.187, 9.713, 7, 0.4},
    {"INT8", true, 2.672, 2.15, 7, 0.4},
};
constexpr ChipFit kAllChips[] = {
    {"a100_pcie", "BF16", false, 51, 0.7057, 1, 0.7106, 2.33},
    {"a100_pcie", "BF16", true, 51, 0.614, 0.9005, 0.6301, 3.366},
    {"a100_pcie", "INT8", false, 48, 0.6836, 0.8187, 0.6849, 3.073},
    {"a100_pcie", "INT8", true, 48, 0.6335, 0.9653, 0.6229, 3.438},
    {"b200", "BF16", false, 115, 0.7323, 0.8893, 0.8142, 2.807},
    {"b200", "BF16", true, 43, 1, 0.8596, 0.9506, 2.874},
    {"b200", "FP4", false, 77, 0.7639, 0.8191, 0.8714, 2.067},
    {"b200", "FP4", true, 28, 0.8123, 0.9206, 0.5401, 3.907},
    {"b200", "FP8", false, 94, 0.7282, 0.8755, 0.7926, 3.495},
    {"b200", "FP8", true, 40, 0.6863, 0.8927, 1, 3.464},
    {"b200", "FP8 block", false, 52, 0.7413, 0.5904, 0.7668, 2.618},
    {"b300", "BF16", false, 43, 0.7398, 0.9924, 0.7889, 2.125},
    {"b300", "FP4", false, 54, 0.9703, 0.9, 0.7245, 2.52},
    {"b300", "FP8", false, 39, 0.7497, 0.9271, 0.7193, 2.754},
    {"b300", "FP8 block", false, 44, 0.885, 0.9, 0.7204, 2.249},
    {"gb200", "BF16", false, 48, 0.6632, 0.8924, 0.8203, 2.261},
    {"gb200", "FP4", false, 54, 0.8562, 0.8985, 0.7767, 1.962},
    {"gb200", "FP8", false, 44, 0.6427, 0.9107, 0.7901, 3.275},
    {"gb200", "FP8 block", false, 56, 0.712, 0.7502, 0.7713, 2.438},
    {"h100_pcie", "BF16", false, 43, 0.8149, 0.6388, 0.9653, 1.618},
    {"h100_pcie", "BF16", true, 40, 1, 0.8274, 0.6504, 3.17},
    {"h100_pcie", "FP8", false, 40, 0.6989, 0.679, 0.9752, 1.618},
    {"h100_pcie", "FP8", true, 40, 0.4853, 0.9497, 1, 2.221},
    {"h100_pcie", "INT8", false, 40, 0.8195, 0.8444, 0.6215, 2.127},
    {"h100_pcie", "INT8", true, 40, 0.6617, 0.9881, 1, 1.932},
    {"h100_sxm", "BF16", false, 40, 0.8055, 0.9718, 0.8553, 2.353},
    {"h100_sxm", "FP8", false, 38, 0.7945, 0.7959, 0.8796, 2.108},
    {"h100_sxm", "FP8 block", false, 40, 0.6427, 0.9, 0.9577, 2.102},
    {"Ampere", "BF16", false, 0, 0.7057, 1, 0.7106, 2.33},
    {"Ampere", "BF16", true, 0, 0.614, 0.9005, 0.6301, 3.366},
    {"Ampere", "INT8", false, 0, 0.6836, 0.8187, 0.6849, 3.073},
    {"Ampere", "INT8", true, 0, 0.6335, 0.9653, 0.6229, 3.438},
    {"Blackwell", "BF16", false, 0, 0.7109, 0.9235, 0.8077, 2.38},
    {"Blackwell", "BF16", true, 0, 1, 0.8596, 0.9506, 2.874},
    {"Blackwell", "FP4", false, 0, 0.8594, 0.8717, 0.7886, 2.17},
    {"Blackwell", "FP4", true, 0, 0.8123, 0.9206, 0.5401, 3.907},
    {"Blackwell", "FP8", false, 0, 0.7053, 0.9042, 0.7666, 3.159},
    {"Blackwell", "FP8", true, 0, 0.6863, 0.8927, 1, 3.464},
    {"Blackwell", "FP8 block", false, 0, 0.7759, 0.736, 0.7525, 2.43},
    {"Hopper", "BF16", false, 0, 0.8102, 0.7879, 0.9086, 1.951},
    {"Hopper", "BF16", true, 0, 1, 0.8274, 0.6504, 3.17},
    {"Hopper", "FP8", false, 0, 0.7452, 0.7351, 0.9262, 1.847},
    {"Hopper", "FP8", true, 0, 0.4853, 0.9497, 1, 2.221},
    {"Hopper", "FP8 block", false, 0, 0.6427, 0.9, 0.9577, 2.102},
    {"Hopper", "INT8", false, 0, 0.8195, 0.8444, 0.6215, 2.127},
    {"Hopper", "INT8", true, 0, 0.6617, 0.9881, 1, 1.932},
    {"", "BF16", false, 0, 0.7417, 0.8876, 0.8223, 2.22},
    {"", "BF16", true, 0, 0.8499, 0.862, 0.7303, 3.13},
    {"", "FP4", false, 0, 0.8594, 0.8717, 0.7886, 2.17},
    {"", "FP4", true, 0, 0.8123, 0.9206, 0.5401, 3.907},
    {"", "FP8", false, 0, 0.721, 0.8323, 0.8268, 2.549},
    {"", "FP8", true, 0, 0.5771, 0.9208, 1, 2.774},
    {"", "FP8 block", false, 0, 0.7402, 0.7739, 0.7992, 2.344},
    {"", "INT8", false, 0, 0.7485, 0.8315, 0.6524, 2.557},
    {"", "INT8", true, 0, 0.6474, 0.9766, 0.7892, 2.577},
    {"", "", false, 0, 0.7533, 0.842, 0.795, 2.348},
    {"", "", true, 0, 0.7167, 0.9116, 0.7757, 2.974},
};
constexpr SharedFit kAllShared = {0.6546, 3.122, 428.8, 2.256, 1.738, 0.8941};
// clang-format on

}  // namespace

const Calibration& Calibrated() {
  static constexpr Calibration kCalibration = {kAllShared, kAllFormats,
                                               kAllChips};
  return kCalibration;
}

}  // namespace zeroulp::internal
