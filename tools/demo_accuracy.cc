// SPDX-License-Identifier: Apache-2.0
#include "tools/demo_accuracy.h"

#include <span>
#include <string>

#include "tools/demo_quantized.h"
#include "tools/output.h"
#include "zeroulp/compare.h"
#include "zeroulp/reference.h"
#include "zeroulp/sparse.h"

namespace zeroulp::cli {
namespace {

constexpr std::string_view kArithmetic = "chain.f32";

// How the weights are stored; activations are in the same block format, dense.
struct Way {
  std::string_view block;
  std::string_view sparsity;  // empty: dense
};
constexpr Way kWays[] = {{"e4m3fn_tensor", ""},
                         {"e4m3fn_tensor", "2:4"},
                         {"e4m3fn_tensor", "4:16"},
                         {"mxfp4", ""},
                         {"nvfp4", ""}};

struct Cost {
  double bits;  // of a weight with its scales and positions
  double weight_error, result_error;
  bool exact;
};

// Of a matrix of whole groups.
Cost Measure(const Way& way, const Matrix& weights, const Matrix& activations,
             const std::vector<double>& exact, int threads) {
  const BlockInfo& block = FindBlock(way.block);
  const ConstMatrixView w =
      F32View(std::span(weights.values), weights.rows, weights.cols);
  const Quantized x(block, F32View(std::span(activations.values),
                                   activations.rows, activations.cols));
  SparseMatrix kept;
  const bool sparse = !way.sparsity.empty();
  if (sparse) {
    const SparsityInfo& pattern = FindSparsity(way.sparsity);
    kept = Compress(w, pattern, LargestPositions(w, pattern));
  }
  const Quantized stored(block, sparse ? kept.codes_view() : w);
  Operand b_t = stored.operand();
  std::vector<float> values = stored.Values();
  Cost cost = {};
  cost.bits = Info(block.element).bits;
  if (block.block_cols != 0) {
    cost.bits += Info(block.scale).bits / static_cast<double>(block.block_cols);
  }
  if (sparse) {
    b_t.sparsity = kept.sparsity;
    b_t.index = kept.operand().index;
    constexpr double kTagBits = 4;
    cost.bits = (cost.bits + kTagBits) *
                static_cast<double>(kept.sparsity.keep) /
                static_cast<double>(kept.sparsity.group);
    SparseMatrix back = kept;
    const auto bytes = std::as_bytes(std::span(values));
    back.codes.assign(bytes.begin(), bytes.end());
    values.assign(weights.values.size(), 0);
    Decompress(back, F32View(std::span(values), weights.rows, weights.cols));
  }
  cost.weight_error = RelativeError(values, weights.values);

  const Operand a = x.operand();
  const int64_t m = activations.rows, n = weights.rows;
  std::vector<float> d(exact.size()), expected(exact.size());
  GemmOptions options = {.arith = kArithmetic, .threads = threads};
  options.alpha = x.factor() * stored.factor();
  Gemm(a, b_t, {}, F32View(std::span(d), m, n), options);
  cost.result_error = RelativeError(d, exact);
  cost.exact = true;
  if (sparse) {
    const MatrixView view = F32View(std::span(expected), m, n);
    reference::Gemm(a, b_t, {}, view, options);
    cost.exact = CompareBits(view, F32View(std::span(d), m, n)).exact();
  }
  return cost;
}

}  // namespace

bool PrintAccuracy(const Matrix& weights, const Matrix& activations,
                   const std::vector<double>& exact, int threads) {
  Table table({{"weights"},
               {"bits a weight", true},
               {"weight error %", true},
               {"result error %", true},
               {"sparse = oracle"}});
  bool all_exact = true;
  for (const Way& way : kWays) {
    const bool sparse = !way.sparsity.empty();
    if (sparse && weights.cols % FindSparsity(way.sparsity).ratio.group != 0) {
      continue;  // not of whole groups
    }
    const Cost cost = Measure(way, weights, activations, exact, threads);
    all_exact = all_exact && cost.exact;
    table.Add(
        {fmt::format("{}{}{}", way.block, sparse ? " " : "", way.sparsity),
         fmt::format("{:.2f}", cost.bits),
         fmt::format("{:.3f}", 100 * cost.weight_error),
         fmt::format("{:.3f}", 100 * cost.result_error),
         !sparse      ? ""
         : cost.exact ? "EXACT"
                      : "DIFFERS"});
  }
  fmt::print("{}\n", Heading("4. Fewer bits, fewer weights"));
  fmt::print(
      "  activations in the same format; sparse: the largest of each group, "
      "4 bits for its\n  place, nothing retrained\n{}\n",
      table.Text(2));
  return all_exact;
}

}  // namespace zeroulp::cli
