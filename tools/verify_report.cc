// SPDX-License-Identifier: Apache-2.0
#include "tools/verify_report.h"

#include <algorithm>

#include "tools/bundles.h"

namespace zeroulp::cli {
namespace {

// A word of a format, with all its digits.
std::string Hex(Format format, uint32_t word) {
  return fmt::format("0x{:0{}x}", word, (Info(format).bits + 3) / 4);
}

Json ToJson(Format format, const BundleDifference& difference) {
  const auto& [batch, at] = difference;
  return {{"batch", batch},
          {"row", at.row},
          {"column", at.col},
          {"expected", Hex(format, at.expected)},
          {"actual", Hex(format, at.actual)},
          {"ulps", at.ulps ? Json(*at.ulps) : Json()}};
}

// The histogram without its empty end.
Json ToJson(const UlpHistogram& histogram) {
  size_t size = histogram.size();
  while (size > 0 && histogram[size - 1] == 0) --size;
  return std::span(histogram).first(size);
}

Json ToJson(const Bundle& bundle, Format format, const Diagnosis& diagnosis) {
  std::optional<Parting> first;
  Json findings = Json::array();
  for (const Finding& finding : diagnosis.findings) {
    if (findings.empty()) first = finding.parting;
    Json& json = findings.emplace_back();
    json = {{"cause", Name(finding.cause)},
            {"if", finding.sentence},
            {"values_checked", finding.values_checked}};
    if (const auto& parting = finding.parting) {
      json["accumulators_part"] = {{"k", parting->k},
                                   {"expected", Hex(format, parting->expected)},
                                   {"other", Hex(format, parting->other)}};
    }
  }
  Json accumulator = Json::array();
  const AccumulatorTrace& trace = diagnosis.trace;
  for (const size_t i : Excerpt(trace, bundle.k(), first)) {
    const auto end = static_cast<int64_t>(i + 1) * trace.step;
    accumulator.push_back({{"k", std::min(end, bundle.k())},
                           {"word", Hex(format, trace.words[i])}});
  }
  return {{"hypotheses_tried", diagnosis.tried},
          {"accumulator_step", trace.step},
          {"accumulator", accumulator},
          {"agrees_if", findings}};
}

Json ToJson(const Bundle& bundle, const VerifyResult& result,
            const Diagnosis& diagnosis) {
  Json differences = Json::array();
  for (const BundleDifference& difference : result.first) {
    differences.push_back(ToJson(result.format, difference));
  }
  Json json = {{"arith", result.arith->name},
               {"evidence", Name(result.arith->evidence)},
               {"computed_by", result.by_kernel ? "kernel" : "oracle"},
               {"a_format", Info(bundle.a.format).name},
               {"b_format", Info(bundle.b_t.format).name},
               {"d_format", Info(result.format).name},
               {"batch", bundle.batch()},
               {"m", bundle.m()},
               {"n", bundle.n()},
               {"k", bundle.k()},
               {"values", result.values},
               {"mismatches", result.mismatches},
               {"nan_mismatches", result.nan_mismatches},
               {"max_ulps", result.max_ulps},
               {"ulp_histogram", ToJson(result.ulp_histogram)},
               {"exact", result.exact()},
               {"first_differences", differences}};
  if (!diagnosis.trace.words.empty()) {
    json["diagnosis"] = ToJson(bundle, result.arith->output, diagnosis);
  }
  json["notes"] = bundle.notes;
  return json;
}

// Text inside an attribute or element: UTF-8 whatever the bytes were, markup
// escaped, and what XML 1.0 cannot say at all replaced.
std::string Escaped(std::string_view text) {
  const std::string utf8 = Json::parse(
      Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
  std::string escaped;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      escaped += "&#10;";  // attributes would make it a space
    } else if (std::string_view("<>&\"'").find(c) != std::string_view::npos) {
      escaped += fmt::format("&#{};", byte);
    } else {
      escaped += byte < 0x20 ? '?' : c;
    }
  }
  return escaped;
}

}  // namespace

Verified Describe(const std::string& path, const Bundle& bundle,
                  const VerifyResult& result, const Diagnosis& diagnosis) {
  Verified verified = {.path = path, .code = result.exact() ? kOk : kDiffers};
  verified.line = fmt::format("{}  {} values  {} mismatches  {}",
                              Describe(bundle, *result.arith, result.by_kernel),
                              result.values, result.mismatches,
                              result.exact() ? "EXACT" : "DIFFERS");
  verified.detail = ToString(bundle, result, diagnosis);
  verified.json = ToJson(bundle, result, diagnosis);
  return verified;
}

Json ToJson(std::span<const Verified> results) {
  Json json = NewJson("verify");
  json["results"] = Json::array();
  for (const Verified& verified : results) {
    Json entry = {{"bundle", verified.path}, {"seconds", verified.seconds}};
    if (!verified.error.empty()) entry["error"] = verified.error;
    if (verified.json.is_object()) entry.update(verified.json);
    json["results"].push_back(entry);
  }
  return json;
}

std::string ToJunit(std::span<const Verified> results) {
  const auto count = [&](auto... codes) {
    return std::count_if(
        results.begin(), results.end(),
        [&](const Verified& v) { return ((v.code == codes) || ...); });
  };
  double seconds = 0;
  for (const Verified& verified : results) seconds += verified.seconds;
  std::string xml = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"zeroulp verify\" tests=\"{}\" failures=\"{}\" "
      "errors=\"{}\" skipped=\"0\" time=\"{:.3f}\">\n",
      results.size(), count(kDiffers), count(kBadInput, kAssumed), seconds);
  for (const Verified& verified : results) {
    xml += fmt::format(
        "  <testcase classname=\"zeroulp.verify\" name=\"{}\" "
        "time=\"{:.3f}\">\n",
        Escaped(verified.path), verified.seconds);
    if (!verified.error.empty()) {
      xml +=
          fmt::format("    <error message=\"{}\"/>\n", Escaped(verified.error));
    } else if (verified.code == kDiffers) {
      xml += fmt::format("    <failure message=\"{}\">{}</failure>\n",
                         Escaped(verified.line), Escaped(verified.detail));
    } else {
      xml += fmt::format("    <system-out>{}</system-out>\n",
                         Escaped(verified.line));
    }
    xml += "  </testcase>\n";
  }
  return xml + "</testsuite>\n";
}

}  // namespace zeroulp::cli
