// SPDX-License-Identifier: Apache-2.0
// What the values of a tensor, and of a quantised matrix, look like: read in
// pieces, so that memory does not grow with the tensor.
#ifndef ZEROULP_TOOLS_CHECKPOINT_SCAN_H_
#define ZEROULP_TOOLS_CHECKPOINT_SCAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/checkpoint_names.h"
#include "zeroulp/safetensors.h"

namespace zeroulp::cli {

struct ValueRange {
  double min = 0, max = 0;  // of finite values; 0 if there are none
  int64_t finite = 0, nan = 0, infinite = 0;
  int64_t zero_rows = 0;  // of the last dimension, two dimensions or more
};

// Nothing for dtypes that are not floats. Throws Error{kFile}.
std::optional<ValueRange> ScanTensor(const SafetensorsFile& file,
                                     const TensorInfo& tensor);

struct Finding {
  bool suspicious;  // or only worth knowing
  std::string tensor, text;
};

// What is known of a matrix beside its shape.
struct GroupReport {
  double abs_max = 0;  // of the dequantised matrix; NaN blocks left out
  std::string guess;   // how the scales were probably made, and why
};

// Needs a block format: group.blocks is not empty. The scales are held in
// memory, codes read in pieces. Throws Error{kFile}.
GroupReport ScanGroup(const SafetensorsFile& file, const MatrixGroup& group,
                      std::vector<Finding>& findings);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_CHECKPOINT_SCAN_H_
