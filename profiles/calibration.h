// SPDX-License-Identifier: Apache-2.0
// Constants of model.h, fitted by tools/calibrate.py to published times.
#ifndef ZEROULP_PROFILES_CALIBRATION_H_
#define ZEROULP_PROFILES_CALIBRATION_H_

#include <span>
#include <string_view>

#include "zeroulp/chips.h"

namespace zeroulp::internal {

// Of the libraries' kernels for one family of formats: BF16 (all 16 and 32-bit
// formats), FP8, "FP8 block" (FP32 scales for 1x128 and 128x128), FP4, INT8.
struct FormatFit {
  std::string_view family;
  bool sparse;
  double operand_ratio;   // operands into the cores, as a multiple of memory's
                          // rate
  double split_us;        // more for a K that is split over several cores
  double quantise_us;     // of the kernel that quantises A, and the share of
  double quantise_share;  // memory's rate that it reaches
};

// Of one chip; or, from no rows of its own, the geometric mean of an
// architecture's chips or (target "") of all; family "" is every family.
struct ChipFit {
  std::string_view target;
  std::string_view family;
  bool sparse;
  int rows;          // fitted to
  double compute;    // share of the peak while cool
  double sustained;  // clock when hot, of the clock when cool
  double memory;     // share of the bandwidth
  double launch_us;
};

struct SharedFit {
  double wave_rounding;  // 1: a last, partial wave costs a whole one; 0: a part
  double norm;           // of overlapping limits; infinite: the largest alone
  double heat_us;        // after which half of the way to hot is gone
  double loop_us;        // more per launch from a loop than from a graph
  double cache_ratio;    // rate of what stayed in L2, of memory's
  double saturation;     // share of memory's rate per share of busy cores
};

struct Calibration {
  SharedFit shared;
  std::span<const FormatFit> formats;
  std::span<const ChipFit> chips;  // chips, then architectures, then all
};
const Calibration& Calibrated();

// As Calibrated(), but by all rows of the other chips and none of this one.
struct CalibrationWithout {
  std::string_view chip;
  Calibration calibration;
};
std::span<const CalibrationWithout> Without();

// The constants for a chip and family, and what they are: its own, or the
// pooled of its architecture, or those of all chips.
struct Constants {
  const SharedFit* shared;
  const FormatFit* format;
  const ChipFit* chip;
};
Constants FindConstants(const Calibration& calibration, const ChipInfo& chip,
                        std::string_view family, bool sparse);

}  // namespace zeroulp::internal

#endif  // ZEROULP_PROFILES_CALIBRATION_H_
