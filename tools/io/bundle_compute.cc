// SPDX-License-Identifier: Apache-2.0
// Compute and Verify: the kernel where there is one, else the oracle.
#include <algorithm>
#include <utility>

#include "tools/io/bundle_operands.h"
#include "tools/io/file_error.h"
#include "zeroulp/bundle.h"
#include "zeroulp/gemm.h"

namespace zeroulp {
namespace {

using io::FileError;
using io::Quote;

template <typename... Args>
[[noreturn]] void Refuse(ErrorCode code, const Bundle& bundle,
                         fmt::format_string<Args...> sentence, Args&&... args) {
  throw Error(code,
              fmt::format("{}: {}", bundle.name,
                          fmt::format(sentence, std::forward<Args>(args)...)));
}

void CheckFormats(const Bundle& bundle, const ArithInfo& arith) {
  const auto check = [&](std::string_view tensor, Format format, bool accepted,
                         const std::string& known) {
    if (accepted) return;
    Refuse(ErrorCode::kFormat, bundle, "{} takes no {} for {}; it takes {}",
           arith.name, Info(format).name, tensor, known);
  };
  check("a", bundle.a.format, arith.a.contains(bundle.a.format),
        arith.a.names());
  check("b_t", bundle.b_t.format, arith.b.contains(bundle.b_t.format),
        arith.b.names());
  if (bundle.c) {
    check("c", bundle.c->format, bundle.c->format == arith.accumulator,
          std::string(Info(arith.accumulator).name));
  }
}

// Differences of one matrix, up to `room` of them.
void ListDifferences(const ConstMatrixView& expected,
                     const ConstMatrixView& actual, int64_t batch, size_t room,
                     std::vector<BundleDifference>& list) {
  const auto element = [](const ConstMatrixView& view, int64_t row,
                          int64_t col) {
    const auto size = static_cast<size_t>(Info(view.format).storage_bits / 8);
    const auto index = static_cast<size_t>(row * view.row_stride + col);
    return ConstMatrixView{view.bytes.subspan(index * size, size), view.format,
                           1, 1, 1};
  };
  for (int64_t row = 0; row < expected.rows; ++row) {
    for (int64_t col = 0; col < expected.cols; ++col) {
      if (list.size() == room) return;
      if (ReadCode(expected, row, col) == ReadCode(actual, row, col)) continue;
      const BitReport one =
          CompareBits(element(expected, row, col), element(actual, row, col));
      BundleDifference difference = {batch, one.first.value()};
      difference.at.row = row;
      difference.at.col = col;
      list.push_back(difference);
    }
  }
}

}  // namespace

const ArithInfo& ArithOf(const Bundle& bundle, const ComputeOptions& options) {
  if (!options.arith.empty()) return FindArith(options.arith);
  if (bundle.arith.empty()) {
    Refuse(ErrorCode::kArgument, bundle,
           "no arithmetic: neither metadata zeroulp.arith nor the caller names "
           "one");
  }
  try {
    return FindArith(bundle.arith);
  } catch (const Error& error) {
    Refuse(ErrorCode::kUnsupported, bundle, "{}", error.what());
  }
}

ComputeResult Compute(const Bundle& bundle, const ComputeOptions& options) {
  Check(bundle);
  ComputeResult result;
  result.arith = &ArithOf(bundle, options);
  CheckFormats(bundle, *result.arith);
  result.d = io::EmptyResult(bundle, result.arith->output);
  const GemmOptions gemm = {.arith = result.arith->name,
                            .promote_every = io::PromoteEvery(bundle, options),
                            .alpha = io::AlphaOf(bundle),
                            .threads = options.threads};
  result.by_kernel = !options.oracle && io::RunKernel(bundle, gemm, result.d);
  if (!result.by_kernel) {
    io::RunOracle(bundle, *result.arith, gemm, result.d);
  }
  return result;
}

VerifyResult Verify(const Bundle& bundle, const ComputeOptions& options,
                    size_t max_differences) {
  if (!bundle.d) {
    FileError(bundle.name, "has no tensor 'd' to verify; compute makes one");
  }
  const ArithInfo& arith = ArithOf(bundle, options);
  if (!io::MayStore(arith, bundle.d->format)) {
    Refuse(ErrorCode::kFormat, bundle, "'d' is {}, {} gives {}",
           Info(bundle.d->format).name, arith.name, Info(arith.output).name);
  }
  ComputeResult computed = Compute(bundle, options);
  const BundleMatrix stored =
      io::Stored(arith, bundle.d->format, std::move(computed.d));
  VerifyResult result;
  result.arith = computed.arith;
  result.format = stored.format;
  result.by_kernel = computed.by_kernel;
  for (int64_t i = 0; i < bundle.batch(); ++i) {
    const ConstMatrixView expected = stored.View(i);
    const ConstMatrixView actual = bundle.d->View(i);
    const BitReport report = CompareBits(expected, actual);
    result.values += report.values;
    result.mismatches += report.mismatches;
    result.max_ulps = std::max(result.max_ulps, report.max_ulps);
    result.nan_mismatches += report.nan_mismatches;
    for (size_t j = 0; j < report.ulp_histogram.size(); ++j) {
      result.ulp_histogram[j] += report.ulp_histogram[j];
    }
    if (!report.exact()) {
      ListDifferences(expected, actual, i, max_differences, result.first);
    }
  }
  return result;
}

}  // namespace zeroulp
