// SPDX-License-Identifier: Apache-2.0
#include "tools/error_report.h"

#include <cmath>

namespace zeroulp::cli {
namespace {

double Percent(int64_t part, int64_t whole) {
  return whole == 0
             ? 0
             : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Json ErrorJson(const ErrorStatistics& errors) {
  Json json = {{"elements", errors.elements},
               {"relative_error", errors.relative_error()},
               {"sqnr_db", nullptr},  // no error
               {"max_ulp_error", errors.max_ulp_error},
               {"saturated", errors.saturated},
               {"pct_saturated", Percent(errors.saturated, errors.elements)},
               {"flushed", errors.flushed},
               {"pct_flushed", Percent(errors.flushed, errors.elements)},
               {"pruned", errors.pruned},
               {"not_finite", errors.not_finite},
               {"lost", errors.lost}};
  if (std::isfinite(errors.sqnr_db())) json["sqnr_db"] = errors.sqnr_db();
  return json;
}

std::vector<std::string> ErrorCells(const ErrorStatistics& errors) {
  std::string notes;
  if (errors.not_finite != 0) {
    notes = fmt::format("{} NaN or infinite", errors.not_finite);
  }
  if (errors.lost != 0) {
    notes += fmt::format("{}{} lost to NaN blocks", notes.empty() ? "" : ", ",
                         errors.lost);
  }
  return {fmt::format("{:.3e}", errors.relative_error()),
          std::isfinite(errors.sqnr_db())
              ? fmt::format("{:.2f}", errors.sqnr_db())
              : "exact",
          fmt::format("{:.3f}", errors.max_ulp_error),
          fmt::format("{:.3f}", Percent(errors.saturated, errors.elements)),
          fmt::format("{:.3f}", Percent(errors.flushed, errors.elements)),
          notes};
}

}  // namespace zeroulp::cli
