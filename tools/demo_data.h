// SPDX-License-Identifier: Apache-2.0
// Input of the demo: a linear layer and activations for it, real where there is
// a file of weights, synthetic where there is none.
#ifndef ZEROULP_TOOLS_DEMO_DATA_H_
#define ZEROULP_TOOLS_DEMO_DATA_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "zeroulp/safetensors.h"

namespace zeroulp::cli {

struct Matrix {
  std::string origin;  // what it is, in words
  int64_t rows = 0, cols = 0;
  std::vector<float> values;  // rows x cols
};

// The weights N x K of tensor `name`, or of a typical linear layer if that is
// empty: the first max_elements of them at most, in whole rows. Throws
// Error{kFile} if there is no such 2-D tensor of floats or it is not finite.
Matrix LoadLayer(const SafetensorsFile& file, const std::string& name,
                 int64_t max_elements);

// What the file's embeddings make of `tokens` token numbers spread over the
// vocabulary: word + position + token type rows, layer normalised in binary64,
// each part where the file has it. Nothing if it has no word embeddings of
// length `cols`.
std::optional<Matrix> EmbeddingActivations(const SafetensorsFile& file,
                                           int64_t tokens, int64_t cols);

// Normal with standard deviation 1 / sqrt(cols), as a layer is initialised.
Matrix SyntheticLayer(int64_t rows, int64_t cols);

// Heavy-tailed as activations of transformers are: z1 * exp(z2 / 2) with z1 and
// z2 normal, and every 64th column 20 times larger.
Matrix SyntheticActivations(int64_t rows, int64_t cols);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_DEMO_DATA_H_
