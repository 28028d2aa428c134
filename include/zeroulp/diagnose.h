// SPDX-License-Identifier: Apache-2.0
// Diagnose: why a verification bundle differs from what was computed.
//
// Named hypotheses (another arithmetic row, exchanged nibbles, swapped or tiled
// scales, ...) are tried on the bundle, one at a time. One is reported only if
// it makes every compared value agree in all bits.
//
// Library zeroulp::io. Nothing here prints.
#ifndef ZEROULP_DIAGNOSE_H_
#define ZEROULP_DIAGNOSE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zeroulp/bundle.h"

namespace zeroulp {

// What was assumed to be wrong.
enum class Cause : uint8_t {
  kArithmetic,     // d was computed by another row of kArith
  kPromotion,      // partial sums were promoted, or not, or elsewhere
  kRounding,       // steps round to nearest for toward zero, or the reverse
  kNibbles,        // FP4: the first of two codes is in the high nibble
  kDecode,         // FP8: the other format of the same width and name
  kSwappedScales,  // block scales of A are those of B and the reverse
  kTiledScales,    // block scales are in the tiled 128x4 order
  kTensorScale,    // a tensor scale is a reciprocal, or not applied
  kLayout,         // d is stored column by column
  kDecompressed,   // d is of a made dense again: what is absent was zero
  kPositions,      // a_index lists the positions of its groups differently
};

// "swapped-scales"; stable, for programs.
std::string_view Name(Cause cause);

// The accumulator of one element of D while K advances, before tensor scales.
struct AccumulatorTrace {
  int64_t step = 0;             // logical elements of K from one to the next
  std::vector<uint32_t> words;  // entry i: after min((i + 1) * step, K) of them
};

// The first point of K, of those both traces have, where they differ.
struct Parting {
  int64_t k = 0;  // after so many elements
  uint32_t expected = 0, other = 0;
};

struct Finding {
  Cause cause = Cause::kArithmetic;
  std::string sentence;  // "the arithmetic is hopper.f16.f32"
  // All of the bundle's unless that would take too long; then spread over it.
  int64_t values_checked = 0;
  std::optional<Parting> parting = {};  // empty: the traces end alike
};

struct Diagnosis {
  BundleDifference at;     // the first difference, which the traces are of
  AccumulatorTrace trace;  // under the arithmetic verified against
  // Single causes first; pairs of them are tried only if none is found.
  std::vector<Finding> findings;
  int64_t tried = 0;  // hypotheses
};

struct DiagnoseOptions {
  // Products computed for one hypothesis beyond the first samples, where only
  // the oracle can: some 10 to 100 ns each.
  int64_t max_products = 50'000'000;
};

// `result` is what Verify returned for this bundle and these options. Exact, or
// without a first difference: nothing to diagnose, an empty answer.
//
// Throws what Verify throws, and Error{kArgument} if the result is not of this
// bundle; a hypothesis that does not apply is no error.
Diagnosis Diagnose(const Bundle& bundle, const VerifyResult& result,
                   const ComputeOptions& options = {},
                   const DiagnoseOptions& limits = {});

// The running accumulator of one element of D. Throws what Compute throws, and
// Error{kArgument} for an element that D has not.
AccumulatorTrace Trace(const Bundle& bundle, int64_t batch, int64_t row,
                       int64_t col, const ComputeOptions& options = {});

// Points of a trace worth showing, as entry numbers in ascending order: those
// around `parting`, or both ends.
std::vector<size_t> Excerpt(const AccumulatorTrace& trace, int64_t k,
                            const std::optional<Parting>& parting);

// Differences, their distances, the trace and the findings: several lines,
// each after two spaces. Empty if the result is exact.
std::string ToString(const Bundle& bundle, const VerifyResult& result,
                     const Diagnosis& diagnosis);

}  // namespace zeroulp

#endif  // ZEROULP_DIAGNOSE_H_
