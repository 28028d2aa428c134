// SPDX-License-Identifier: Apache-2.0
// What Diagnose found, for people.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "tools/io/bundle_operands.h"
#include "zeroulp/diagnose.h"

namespace zeroulp {

std::string_view Name(Cause cause) {
  constexpr std::array<std::string_view, 11> kNames = {
      "arithmetic", "promotion",      "rounding",     "nibbles",
      "decode",     "swapped-scales", "tiled-scales", "tensor-scale",
      "layout",     "decompressed",   "positions"};
  static_assert(kNames.size() == static_cast<size_t>(Cause::kPositions) + 1);
  return kNames[static_cast<size_t>(cause)];
}

std::vector<size_t> Excerpt(const AccumulatorTrace& trace, int64_t k,
                            const std::optional<Parting>& parting) {
  constexpr size_t kEnds = 3;  // entries at each end, and on each side
  const size_t size = trace.words.size();
  const auto entry = [&](int64_t after) {
    return static_cast<size_t>((std::clamp<int64_t>(after, 1, k) - 1) /
                               trace.step);
  };
  const size_t middle = parting ? entry(parting->k) : 0;
  std::vector<size_t> entries;
  for (size_t i = 0; i < size; ++i) {
    const bool near = parting && i + kEnds > middle && i < middle + kEnds;
    const bool end = i + (parting ? 1 : kEnds) >= size;
    if ((i < (parting ? 1 : kEnds)) || near || end) entries.push_back(i);
  }
  return entries;
}

namespace {

using Lines = std::back_insert_iterator<std::string>;

void AppendTrace(const Bundle& bundle, const VerifyResult& result,
                 const Diagnosis& diagnosis, Lines out) {
  const AccumulatorTrace& trace = diagnosis.trace;
  const Format format = result.arith->output;
  std::optional<Parting> parting;
  if (!diagnosis.findings.empty()) {
    parting = diagnosis.findings.front().parting;
  }
  const auto& [batch, at] = diagnosis.at;
  fmt::format_to(out, "  accumulator of batch {} row {} column {} by {}:\n",
                 batch, at.row, at.col, result.arith->name);
  int64_t shown = -1;
  for (const size_t i : Excerpt(trace, bundle.k(), parting)) {
    const auto entry = static_cast<int64_t>(i);
    if (entry != shown + 1) fmt::format_to(out, "    ...\n");
    shown = entry;
    const int64_t k = std::min((entry + 1) * trace.step, bundle.k());
    fmt::format_to(out, "    after k = {:<6}  {}", k,
                   WordText(format, trace.words[i]));
    if (parting && parting->k == k) {
      fmt::format_to(out, "  first to differ: {} if {}",
                     WordText(format, parting->other),
                     diagnosis.findings.front().sentence);
    }
    fmt::format_to(out, "\n");
  }
  const bool row_scales = bundle.a_row_scales || bundle.b_row_scales;
  if (const auto alpha = io::AlphaOf(bundle)) {
    fmt::format_to(out, "    times the tensor scales, {}{}: {}\n", *alpha,
                   row_scales ? ", and those of rows" : "",
                   WordText(result.format, at.expected));
  } else if (row_scales) {
    fmt::format_to(out, "    times the scales of rows: {}\n",
                   WordText(result.format, at.expected));
  } else if (result.format != format) {
    fmt::format_to(out, "    as {}: {}\n", Info(result.format).name,
                   WordText(result.format, at.expected));
  }
}

}  // namespace

std::string ToString(const Bundle& bundle, const VerifyResult& result,
                     const Diagnosis& diagnosis) {
  std::string text;
  if (result.exact()) return text;
  const Lines out(text);
  for (const auto& [batch, at] : result.first) {
    fmt::format_to(out,
                   "  batch {} row {} column {}: expected {}, actual {}, {}\n",
                   batch, at.row, at.col, WordText(result.format, at.expected),
                   WordText(result.format, at.actual), DistanceText(at));
  }
  fmt::format_to(out, "  differences: {}\n",
                 HistogramText(result.ulp_histogram, result.nan_mismatches));
  if (diagnosis.trace.words.empty()) return text;
  AppendTrace(bundle, result, diagnosis, out);
  for (const Finding& finding : diagnosis.findings) {
    fmt::format_to(
        out, "  {} {} values agree if {}\n",
        finding.values_checked == result.values ? "all" : "a sample of",
        finding.values_checked, finding.sentence);
  }
  if (diagnosis.findings.empty()) {
    fmt::format_to(out, "  none of {} hypotheses explains it\n",
                   diagnosis.tried);
  }
  return text;
}

}  // namespace zeroulp
