// SPDX-License-Identifier: Apache-2.0
// One matrix of a checkpoint: quantised, and how far from what it was.
#ifndef ZEROULP_TOOLS_CHECKPOINT_QUANTIZE_H_
#define ZEROULP_TOOLS_CHECKPOINT_QUANTIZE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "zeroulp/quantize.h"
#include "zeroulp/safetensors.h"
#include "zeroulp/sparse.h"

namespace zeroulp::cli {

// What quantising did to a matrix. Elements that are not finite, before or
// after, are counted and in none of the sums.
struct ErrorStatistics {
  int64_t elements = 0;
  int64_t not_finite = 0;  // NaN and infinities of the source
  int64_t lost = 0;        // finite elements whose block became NaN
  int64_t saturated = 0;   // too large by half a unit in the last place
  int64_t flushed = 0;     // not zero, became zero
  int64_t pruned = 0;      // not stored: an error of their own size
  double sum_squares = 0, sum_squared_errors = 0;
  // |x - q| in units of the element format's last place at x / scale.
  double max_ulp_error = 0;

  void Add(const ErrorStatistics& other);
  double relative_error() const;  // of Frobenius norms; 0 if there is none
  double sqnr_db() const;         // infinite if there is no error
};

struct QuantizedMatrix {
  std::vector<std::byte> codes, scales;  // dense rows
  std::vector<uint8_t> positions;        // of sparse codes in their groups
  float tensor_scale = 1;
};

bool IsSourceFloat(Dtype dtype);  // F32, F16, BF16

// Reads and quantises a 2-D tensor of F32, F16 or BF16; K is its last
// dimension. With a sparsity, its largest magnitudes are kept, and blocks are
// of stored elements, as hardware has them. Holds the tensor and its result.
// Fills `statistics` unless it is null: they do not depend on options.threads.
// Throws Error.
QuantizedMatrix QuantizeTensor(const SafetensorsFile& file,
                               const TensorInfo& tensor, const BlockInfo& block,
                               const SparsityInfo* sparsity,
                               const QuantizeOptions& options,
                               ErrorStatistics* statistics);

// The same of the values themselves.
ErrorStatistics Compare(const ConstMatrixView& source,
                        const ConstMatrixView& codes,
                        const ConstMatrixView& scales, const BlockInfo& block,
                        float tensor_scale, int threads);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_CHECKPOINT_QUANTIZE_H_
