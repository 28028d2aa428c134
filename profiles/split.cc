// SPDX-License-Identifier: Apache-2.0
// One GEMM divided among chips.
//
// Method: the part of one chip by project.cc, then collectives that do not
// overlap with it, each by an alpha-beta model of a ring:
//   columns  all-gather of A        (g - 1) steps of A / g
//   rows     reduce-scatter of D    (g - 1) steps of D / g, in D's format
//   stages   D to the next stage    1 step of D
// A and D are what one chip reads or writes in its part. A step costs kAlphaS
// and its bytes at half of the link's rate, which counts both directions.
// A group that is larger than the link's domain goes over the network of the
// system, which its chips share evenly.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "profiles/target.h"
#include "profiles/work.h"
#include "zeroulp/internal/fail.h"
#include "zeroulp/project.h"

namespace zeroulp {
namespace {

using internal::Fail;

// Seconds of a step before its first byte: NCCL and its kin take 1 to 3 us in
// one rack. No vendor publishes it per chip, so that every projection with a
// collective says that it is assumed.
constexpr double kAlphaS = 2e-6;

struct Part {
  std::string_view what;
  int64_t count;
};

void CheckSplit(const Measurement& w, const SystemInfo& system,
                const Division& split) {
  const auto chips = static_cast<int64_t>(system.chips.value);
  int64_t used = 1;
  for (const auto& [what, count] : {Part{"data", split.data},
                                    {"columns", split.columns},
                                    {"rows", split.rows},
                                    {"stages", split.stages}}) {
    if (count < 1) {
      Fail(ErrorCode::kArgument,
           "ProjectSplit: {} is {}: each count must be at least 1", what,
           count);
    }
    if (count > chips / used) {
      Fail(ErrorCode::kArgument,
           "ProjectSplit: data {} x columns {} x rows {} x stages {} are more "
           "chips than the {} of {}",
           split.data, split.columns, split.rows, split.stages, chips,
           system.id);
    }
    used *= count;
  }
  if (split.data > w.m || split.columns > w.n || split.rows > w.k) {
    Fail(ErrorCode::kArgument,
         "ProjectSplit: m x n x k is {} x {} x {}: it cannot be divided into "
         "data {} x columns {} x rows {}",
         w.m, w.n, w.k, split.data, split.columns, split.rows);
  }
}

// One direction, one chip.
struct Fabric {
  double bytes_per_s;
  std::string text;
};

Fabric FindFabric(const SystemInfo& system, const ChipInfo& chip,
                  int64_t group) {
  const ChipLink& link = chip.link;
  const bool inside = !link.domain_chips.known() ||
                      static_cast<double>(group) <= link.domain_chips.value;
  if (inside && link.gbytes_per_s.known()) {
    return {link.gbytes_per_s.value * 1e9 / 2,
            fmt::format("{} at half of {}, one direction", link.name,
                        internal::Cite(link.gbytes_per_s, "GB/s"))};
  }
  if (!inside && system.network_gbits_per_s.known()) {
    return {system.network_gbits_per_s.value * 1e9 / 8 / system.chips.value,
            fmt::format("{} chips are beyond the link's domain of {}: the "
                        "network, {}, divided among the chips",
                        group, link.domain_chips.value,
                        internal::Cite(system.network_gbits_per_s, "Gb/s"))};
  }
  Fail(ErrorCode::kUnsupported,
       "ProjectSplit: no rate is published that joins {} chips {} of {}", group,
       chip.id, system.id);
}

double RingSeconds(const SystemInfo& system, const ChipInfo& chip,
                   int64_t group, double bytes,
                   std::vector<std::string>& assumptions) {
  if (group == 1) return 0;
  const Fabric fabric = FindFabric(system, chip, group);
  assumptions.push_back(fabric.text);
  const auto g = static_cast<double>(group);
  return (g - 1) * (kAlphaS + bytes / g / fabric.bytes_per_s);
}

double SendSeconds(const SystemInfo& system, const ChipInfo& chip, double bytes,
                   std::vector<std::string>& assumptions) {
  const Fabric fabric = FindFabric(system, chip, 2);
  assumptions.push_back(fabric.text);
  return kAlphaS + bytes / fabric.bytes_per_s;
}

Measurement PartOf(const Measurement& w, const Division& split) {
  const auto part = [](int64_t size, int64_t count) {
    return size / count + (size % count > 0);
  };
  Measurement one = w;
  one.m = part(w.m, split.data);
  one.n = part(w.n, split.columns);
  one.k = part(w.k, split.rows);
  return one;
}

// To the whole product; of a full pipe, one in every stage.
void Rescale(Projection& p, double flops, int64_t stages) {
  const auto n = static_cast<double>(stages);
  const auto tflops = [&](double seconds) {
    return n * flops / seconds / 1e12;
  };
  p.tflops = tflops(p.time_s);
  p.pct_of_peak = 100 * p.tflops / p.peak_tflops;
  p.roofline_tflops = tflops(p.roofline_time_s);
  p.calibrated_tflops = tflops(p.calibrated_time_s);
  if (p.spec_scaled_time_s) {
    p.spec_scaled_tflops = tflops(*p.spec_scaled_time_s);
  }
}

}  // namespace

Projection ProjectSplit(const Measurement& w, const SystemInfo& system,
                        const ChipInfo& chip, const Division& split,
                        const Conditions& conditions) {
  const internal::Work whole =
      internal::FindWork(w, chip, conditions.block_scales);
  CheckSplit(w, system, split);
  const Measurement one = PartOf(w, split);
  const internal::Work part =
      internal::FindWork(one, chip, conditions.block_scales);

  std::vector<std::string> assumptions;
  double fabric_s =
      RingSeconds(system, chip, split.columns, part.a_bytes, assumptions) +
      RingSeconds(system, chip, split.rows, part.d_bytes, assumptions);
  if (split.stages > 1) {
    fabric_s += SendSeconds(system, chip, part.d_bytes, assumptions);
  }

  internal::Target target = internal::WholeSystem(system, chip);
  target.chips = split.data * split.columns * split.rows * split.stages;
  const double used = static_cast<double>(target.chips) / system.chips.value;
  target.power_w.value *= used;  // of the racks, in proportion
  target.price_factor *= used;
  Projection p = internal::ProjectOnto(one, chip, target, conditions, fabric_s);
  Rescale(p, whole.flops, split.stages);
  p.assumptions.push_back(fmt::format(
      "{} of the {} {} chips: data {} x columns {} x rows {} x stages {}; one "
      "computes {} x {} x {}",
      p.chips, system.chips.value, chip.id, split.data, split.columns,
      split.rows, split.stages, one.m, one.n, one.k));
  for (std::string& text : assumptions) {
    if (std::find(p.assumptions.begin(), p.assumptions.end(), text) ==
        p.assumptions.end()) {
      p.assumptions.push_back(std::move(text));
    }
  }
  if (fabric_s > 0) {
    p.assumptions.push_back(fmt::format(
        "collectives by rings, after the product and not overlapping it, {} us "
        "a step (assumed)",
        kAlphaS * 1e6));
  }
  return p;
}

}  // namespace zeroulp
