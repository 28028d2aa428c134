// SPDX-License-Identifier: Apache-2.0
// demo: one linear layer through the whole chain, from weights to projections.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

#include "tools/commands.h"
#include "tools/demo_accuracy.h"
#include "tools/demo_data.h"
#include "tools/demo_quantized.h"
#include "tools/output.h"
#include "tools/projection.h"
#include "zeroulp/compare.h"
#include "zeroulp/gemm.h"
#include "zeroulp/machine.h"
#include "zeroulp/reference.h"

namespace zeroulp::cli {
namespace {

struct Options {
  std::string weights, tensor;
  int64_t tokens = 64;
  int threads = 0;
};

constexpr std::string_view kDemoArith = "chain.f32";
constexpr std::string_view kDemoBlocks[] = {"e4m3fn_tensor", "e5m2_tensor"};
// The oracle visits every product: about this many weights keep 64 tokens in
// both formats to a few seconds.
constexpr int64_t kMaxWeights = 600'000;
constexpr int64_t kTimedTokens = 2048;  // activations repeated
constexpr int64_t kProjectedTokens = 65'536;

using Clock = std::chrono::steady_clock;

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

int NumThreads(int threads) {
  if (threads > 0) return threads;
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

ConstMatrixView ViewOf(const Matrix& matrix) {
  return F32View(matrix.values, matrix.rows, matrix.cols);
}

// activations * weights^T in binary64: what quantisation is measured against.
std::vector<double> MultiplyF64(const Matrix& a, const Matrix& b_t) {
  std::vector<double> d;
  for (int64_t m = 0; m < a.rows; ++m) {
    for (int64_t n = 0; n < b_t.rows; ++n) {
      const float* x = a.values.data() + m * a.cols;
      const float* y = b_t.values.data() + n * b_t.cols;
      double sum = 0;
      for (int64_t k = 0; k < a.cols; ++k) sum += double{x[k]} * y[k];
      d.push_back(sum);
    }
  }
  return d;
}

// reference::Gemm of the rows of A in as many pieces as there are threads: an
// element of D knows nothing of the others.
void OracleGemm(const ConstMatrixView& a, const ConstMatrixView& b_t,
                const MatrixView& d, int num_threads) {
  std::vector<std::jthread> threads;
  std::vector<std::exception_ptr> failures(static_cast<size_t>(num_threads));
  const int64_t step = (a.rows + num_threads - 1) / num_threads;
  const auto rows = [](const auto& view, int64_t first, int64_t count) {
    auto part = view;
    const int64_t row_bytes =
        view.row_stride * Info(view.format).storage_bits / 8;
    part.bytes = view.bytes.subspan(static_cast<size_t>(first * row_bytes),
                                    static_cast<size_t>(count * row_bytes));
    part.rows = count;
    return part;
  };
  for (int64_t first = 0; first < a.rows; first += step) {
    threads.emplace_back([&, first] {
      const int64_t count = std::min(step, a.rows - first);
      try {
        reference::Gemm(rows(a, first, count), b_t, {}, rows(d, first, count),
                        {.arith = kDemoArith});
      } catch (...) {
        failures[static_cast<size_t>(first / step)] = std::current_exception();
      }
    });
  }
  threads.clear();  // joined
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

// Median rate of repeated products, in flop/s.
double MeasureGemm(const PackedMatrix& a, const PackedMatrix& b_t,
                   int threads) {
  constexpr size_t kMinRuns = 9;
  constexpr double kMinSeconds = 0.4;
  std::vector<float> d(static_cast<size_t>(a.rows() * b_t.rows()));
  const MatrixView view = F32View(std::span(d), a.rows(), b_t.rows());
  const GemmOptions options = {.arith = kDemoArith, .threads = threads};
  Gemm(a, b_t, {}, view, options);  // wakes the threads, warms the caches
  std::vector<double> seconds;
  const auto start = Clock::now();
  while (seconds.size() < kMinRuns || Seconds(start) < kMinSeconds) {
    const auto run = Clock::now();
    Gemm(a, b_t, {}, view, options);
    seconds.push_back(Seconds(run));
  }
  const auto middle =
      seconds.begin() + static_cast<int64_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  return 2.0 * static_cast<double>(a.rows() * b_t.rows()) *
         static_cast<double>(a.cols()) / *middle;
}

struct Input {
  Matrix weights, activations;
};

Input LoadInput(const Options& options) {
  Input input;
  if (options.weights.empty()) {
    input.weights = SyntheticLayer(1536, 384);
  } else {
    const SafetensorsFile file = SafetensorsFile::Open(options.weights);
    input.weights = LoadLayer(file, options.tensor, kMaxWeights);
    auto activations =
        EmbeddingActivations(file, options.tokens, input.weights.cols);
    if (activations) input.activations = std::move(*activations);
  }
  if (input.activations.rows == 0) {
    input.activations =
        SyntheticActivations(options.tokens, input.weights.cols);
  }
  return input;
}

void PrintInput(const Input& input) {
  const auto& [weights, activations] = input;
  fmt::print("{}\n", Heading("1. A linear layer"));
  fmt::print("  weights      {} x {}  {}\n", weights.rows, weights.cols,
             weights.origin);
  fmt::print("  activations  {} x {}  {}\n", activations.rows, activations.cols,
             activations.origin);
  fmt::print("  product      M x N x K = {} x {} x {}, {:.1f} Mflop\n\n",
             activations.rows, weights.rows, weights.cols,
             2e-6 * static_cast<double>(activations.rows) *
                 static_cast<double>(weights.values.size()));
}

// Quantises, multiplies and proves in each format. True if all bits agree.
bool QuantizeAndProve(const Input& input, const std::vector<double>& reference,
                      int threads) {
  const auto& [weights, activations] = input;
  const int64_t m = activations.rows, n = weights.rows;
  Table table({{"format"},
               {"weight scale", true},
               {"activation scale", true},
               {"weight error %", true},
               {"activation error %", true},
               {"result error %", true}});
  std::string proofs;
  bool exact = true;
  for (const std::string_view name : kDemoBlocks) {
    const BlockInfo& block = FindBlock(name);
    const Quantized w(block, ViewOf(weights)), x(block, ViewOf(activations));
    const ConstMatrixView a = x.codes(), b_t = w.codes();
    std::vector<float> d(static_cast<size_t>(m * n)), expected(d.size());
    Gemm(Pack(a), Pack(b_t), {}, F32View(std::span(d), m, n),
         {.arith = kDemoArith, .threads = threads});
    const auto start = Clock::now();
    OracleGemm(a, b_t, F32View(std::span(expected), m, n), NumThreads(threads));
    const BitReport report = CompareBits(F32View(std::span(expected), m, n),
                                         F32View(std::span(d), m, n));
    exact = exact && report.exact();

    const double factor = double{x.factor()} * w.factor();
    const auto percent = [](double error) {
      return fmt::format("{:.3f}", 100 * error);
    };
    const std::string_view element = Info(block.element).name;
    table.Add({std::string(element), fmt::format("{:.3e}", w.factor()),
               fmt::format("{:.3e}", x.factor()),
               percent(RelativeError(w.Values(), weights.values)),
               percent(RelativeError(x.Values(), activations.values)),
               percent(RelativeError(d, reference, factor))});
    proofs += fmt::format("  {:<7}{} (oracle: {:.1f} s)\n", element,
                          ToString(report), Seconds(start));
  }
  fmt::print("{}\n", Heading("2. Quantised to FP8"));
  fmt::print(
      "  one scale per tensor, largest magnitude / largest finite code; "
      "errors are\n  Frobenius norms relative to float64\n{}\n",
      table.Text(2));
  fmt::print("{}\n", Heading("3. Multiplied, every bit checked"));
  fmt::print("  {} by the kernel against the integer oracle\n{}\n", kDemoArith,
             proofs);
  return exact;
}

// `count` rows, those of the matrix over and over.
Matrix RepeatRows(const Matrix& matrix, int64_t count) {
  Matrix result = {matrix.origin, count, matrix.cols, {}};
  const auto size = static_cast<size_t>(count * matrix.cols);
  for (size_t i = 0; i < size; ++i) {
    result.values.push_back(matrix.values[i % matrix.values.size()]);
  }
  return result;
}

// Prints the host's rates; returns what to project.
Measurement MeasureHost(const Input& input, int threads) {
  const Matrix& weights = input.weights;
  const Matrix activations = RepeatRows(
      input.activations, std::max(kTimedTokens, input.activations.rows));
  const BlockInfo& block = FindBlock(kDemoBlocks[0]);
  const Format format = block.element;
  const PackedMatrix a = Pack(Quantized(block, ViewOf(activations)).operand());
  const PackedMatrix b_t = Pack(Quantized(block, ViewOf(weights)).operand());
  const MachinePeaks peaks = MeasureInstructionPeaks(0.2);
  const double peak = ChainPeakFlops(peaks);
  const std::string explanation = Explain(format, format, kDemoArith);

  fmt::print("{}\n", Heading("5. Speed on this machine"));
  fmt::print("  {}, {}\n", peaks.cpu, peaks.target);
  fmt::print("  kernel {}, {} x {}, {} x {} x {}, operands packed\n",
             explanation.substr(0, explanation.find('\n')), Info(format).name,
             Info(format).name, activations.rows, weights.rows, weights.cols);
  Table table({{"threads", true},
               {"GFLOP/s", true},
               {"peak GFLOP/s", true},
               {"% of peak", true}});
  Measurement measurement;
  std::vector<int> counts = {1};
  if (NumThreads(threads) > 1) counts.push_back(NumThreads(threads));
  for (const int count : counts) {
    const double rate = MeasureGemm(a, b_t, count);
    const double share = rate / (peak * count);
    table.Add({fmt::format("{}", count), fmt::format("{:.1f}", rate * 1e-9),
               fmt::format("{:.1f}", peak * count * 1e-9),
               fmt::format("{:.1f}", 100 * share)});
    // The better share is projected: what else runs on this machine lowers one
    // and says nothing about a chip.
    if (measurement.peak_flops_per_s == 0 ||
        share > measurement.flops_per_s / measurement.peak_flops_per_s) {
      measurement.flops_per_s = rate;
      measurement.peak_flops_per_s = peak * count;
    }
  }
  fmt::print(
      "{}  median of repeated products; peak: the instruction alone on "
      "one core, measured\n  now, times threads\n\n",
      table.Text(2));
  measurement.m = kProjectedTokens;
  measurement.n = weights.rows;
  measurement.k = weights.cols;
  measurement.a_format = measurement.b_format = Info(format).name;
  return measurement;
}

// Assumptions name their sources by address; one screen has no room for that.
std::string WithoutLinks(std::string text) {
  size_t link = 0;
  while ((link = text.find(", http")) != std::string::npos) {
    text.erase(
        link, std::min(text.find_first_of(" )", link + 2), text.size()) - link);
  }
  return text;
}

void PrintProjections(const Measurement& measurement) {
  constexpr std::string_view kTargets[] = {"trainium3", "b200", "gb300_nvl72",
                                           "tpu7x"};
  fmt::print("{}\n", Heading("6. Projected, not measured"));
  fmt::print(
      "  the same layer with {} tokens a chip, {} x {} x {}, {}, at the "
      "better share of peak above\n",
      measurement.m, measurement.m, measurement.n, measurement.k,
      measurement.a_format);
  std::vector<Projection> projections;
  std::string refusals;
  for (const std::string_view target : kTargets) {
    try {
      projections.push_back(ProjectOnto(measurement, target));
      for (std::string& text : projections.back().assumptions) {
        text = WithoutLinks(text);
      }
    } catch (const Error& error) {
      refusals += fmt::format("  not projected: {}\n", error.what());
    }
  }
  fmt::print("{}{}{}", ProjectionTable(projections).Text(2), refusals,
             AssumptionsText(projections, 2));
  fmt::print("  sources: zeroulp explain {}, ...; all chips: zeroulp project\n",
             kTargets[0]);
}

int Demo(const Options& options) {
  const Input input = LoadInput(options);
  PrintInput(input);
  const std::vector<double> reference =
      MultiplyF64(input.activations, input.weights);
  if (!QuantizeAndProve(input, reference, options.threads) ||
      !PrintAccuracy(input.weights, input.activations, reference,
                     options.threads)) {
    Complain("the kernel's bits differ from the oracle's");
    return kDiffers;
  }
  PrintProjections(MeasureHost(input, options.threads));
  return kOk;
}

}  // namespace

void AddDemo(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "demo", "one layer quantised, multiplied, proved, timed and projected");
  const auto options = std::make_shared<Options>();
  CLI::Option* weights = command->add_option(
      "--weights", options->weights,
      "safetensors file of a model; without it a synthetic layer");
  command
      ->add_option("--tensor", options->tensor,
                   "2-D weights N x K in it; default: a feed-forward layer")
      ->needs(weights);
  command->add_option("--tokens", options->tokens, "rows of activations")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  AddThreads(*command, options->threads);
  command->callback(
      [options, &action] { action = [options] { return Demo(*options); }; });
}

}  // namespace zeroulp::cli
