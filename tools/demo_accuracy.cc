// SPDX-License-Identifier: Apache-2.0
#include "tools/demo_accuracy.h"

#include <cmath>
#include <optional>
#include <span>
#include <string>

#include "tools/output.h"
#include "zeroulp/compare.h"
#include "zeroulp/quantize.h"
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

// A matrix in a block format.
class Quantized {
 public:
  Quantized(const BlockInfo& block, const ConstMatrixView& source)
      : block_(block) {
    codes_ = Allocate(block.element, source.rows, source.cols, code_bytes_);
    scales_ = Allocate(block.scale, block.ScaleRows(source.rows),
                       block.ScaleCols(source.cols), scale_bytes_);
    tensor_scale_ =
        Quantize(source, codes_, scales_, {.format = block.name}).tensor_scale;
  }
  Quantized(const Quantized&) = delete;
  Quantized& operator=(const Quantized&) = delete;

  const MatrixView& codes() const { return codes_; }
  // What multiplies a product once; block scales of whole matrices, too.
  float factor() const {
    if (has_blocks()) return tensor_scale_;
    return Decode(block_.scale, ReadCode(scales_, 0, 0));
  }
  BlockScales blocks() const {
    if (!has_blocks()) return {};
    return {scales_, block_.block_cols};
  }
  std::vector<float> Values() const {
    std::vector<float> values(static_cast<size_t>(codes_.rows * codes_.cols));
    Dequantize(codes_, scales_,
               F32View(std::span(values), codes_.rows, codes_.cols),
               {.format = block_.name, .tensor_scale = tensor_scale_});
    return values;
  }

 private:
  static MatrixView Allocate(Format format, int64_t rows, int64_t cols,
                             std::vector<std::byte>& bytes) {
    const int64_t stride = DenseStride(format, cols);
    bytes.resize(static_cast<size_t>(
        (rows * stride * Info(format).storage_bits + 7) / 8));
    return {bytes, format, rows, cols, stride};
  }
  bool has_blocks() const { return block_.block_cols != 0; }

  const BlockInfo& block_;
  std::vector<std::byte> code_bytes_, scale_bytes_;
  MatrixView codes_, scales_;
  float tensor_scale_ = 1;
};

template <class Value>
double RelativeError(const std::vector<float>& x,
                     const std::vector<Value>& exact) {
  double error = 0, norm = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double difference = double{x[i]} - double{exact[i]};
    error += difference * difference;
    norm += double{exact[i]} * double{exact[i]};
  }
  return norm > 0 ? std::sqrt(error / norm) : 0;
}

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
  Operand b_t(stored.codes(), stored.blocks());
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

  const Operand a(x.codes(), x.blocks());
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
