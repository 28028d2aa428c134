// SPDX-License-Identifier: Apache-2.0
// Projections held against measured times.
#ifndef ZEROULP_TOOLS_BACKTEST_H_
#define ZEROULP_TOOLS_BACKTEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/catalog.h"
#include "tools/output.h"

namespace zeroulp::cli {

struct BacktestRow {
  std::string chip, dtype, sparsity, use;
  std::string_view family;  // "BF16", "FP8", "FP4", "INT8", "FP32"
  int64_t m, n, k;
  double measured_us;
  bool counted;  // `use` begins with "validate", or there is no such column
  bool fitted;   // this row had a part in the constants that predict it
  // Neither if the chip refuses; then why.
  std::optional<double> predicted_us;
  std::optional<double> without_us;  // by constants that no row of this chip
                                     // had a part in
  std::string refusal;
};

// Columns chip, dtype, M, N, K, sparsity and latency_us or tflops; others that
// count are use, flags and chip_fraction. Throws Error{kFile} for a file that
// is none, names a chip or format that is unknown, or holds a number that
// cannot be.
std::vector<BacktestRow> Backtest(const Catalog& catalog,
                                  const std::string& path);

// Per chip, format and sparsity and per family: median and 90th percentile of
// the absolute error, and median error, of the rows that were not fitted and,
// where a chip was measured, without it.
Table BacktestTable(const std::vector<BacktestRow>& rows);
Json DescribeBacktest(const std::vector<BacktestRow>& rows);
// What was left out and why, one line each.
std::string BacktestNotes(const std::vector<BacktestRow>& rows);

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_BACKTEST_H_
