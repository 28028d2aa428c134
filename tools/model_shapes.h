// SPDX-License-Identifier: Apache-2.0
// The GEMMs of a model: built in, or of a text file.
#ifndef ZEROULP_TOOLS_MODEL_SHAPES_H_
#define ZEROULP_TOOLS_MODEL_SHAPES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zeroulp::cli {

// Sequences, and tokens of each that go through the model at once: 1 when
// decoding, the prompt's length when it is read.
struct Load {
  int64_t batch = 1, tokens = 1;
};

// One GEMM of a pass, `times` of them; the model holds `matrices` such B, more
// than `times` if some experts get no token.
struct LayerShape {
  std::string name;
  int64_t m, n, k;
  int64_t times, matrices;
};

struct ModelShapes {
  std::string name, source;
  std::vector<LayerShape> layers;
};

// A built-in model by name, else a file. A line of a file is
//   name M N K [times] [experts=ACTIVE/ALL]
// where M is a number, T (batch x tokens) or B (batch: the last token of each
// sequence), and # begins a comment. With experts, each of the `times` layers
// has ALL matrices and a token visits ACTIVE of them, spread evenly.
// Throws Error{kFile} for a file that is none, {kUnknownName} that lists the
// models if there is no such file either, {kArgument} for a batch or tokens
// below 1 or above 2^31.
ModelShapes FindModelShapes(const std::string& name, const Load& load);

// Names, one a word.
std::string ModelNames();

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_MODEL_SHAPES_H_
