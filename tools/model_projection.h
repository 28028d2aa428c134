// SPDX-License-Identifier: Apache-2.0
// All GEMMs of a model on chips and systems.
#ifndef ZEROULP_TOOLS_MODEL_PROJECTION_H_
#define ZEROULP_TOOLS_MODEL_PROJECTION_H_

#include <optional>
#include <string>
#include <vector>

#include "tools/catalog.h"
#include "tools/model_shapes.h"
#include "tools/output.h"
#include "zeroulp/project.h"

namespace zeroulp::cli {

// How a GEMM is projected onto a target: whole onto each chip, or divided.
struct Plan {
  Measurement gemm;  // without its shape
  Conditions conditions;
  std::optional<Division> split;
};
Projection ProjectPlan(const Catalog& catalog, const Plan& plan,
                       std::string_view target);

struct ModelProjection {
  std::string target;
  std::vector<Projection> layers;  // of one GEMM each, as in ModelShapes
  int64_t chips = 1;
  // Of one pass of a chip or group of chips; `passes` run at the same time.
  double time_s = 0, flops = 0, passes = 0;
  double peak_tflops = 0;
  double weight_bytes = 0;  // of one chip
  std::optional<double> capacity_bytes;
  std::optional<double> energy_j, usd;

  double tflops() const { return passes * flops / time_s / 1e12; }
};

// Throws what projecting a layer throws.
ModelProjection ProjectModel(const Catalog& catalog, const ModelShapes& model,
                             const Plan& plan, std::string_view target);

// One line a layer, and the total.
Table LayerTable(const ModelShapes& model, const ModelProjection& projection);
// One line a target; a pass is of so many tokens. `chips to match`, their kW
// and USD an hour: what it takes to do the work of the first target.
Table ModelTable(const std::vector<ModelProjection>& projections,
                 double pass_tokens);
Json Describe(const ModelShapes& model, const ModelProjection& projection);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_MODEL_PROJECTION_H_
