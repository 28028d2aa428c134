// SPDX-License-Identifier: Apache-2.0
// Compute and Verify: the kernel where there is one, else the oracle.
#include "tools/io/file_error.h"
#include "zeroulp/bundle.h"
#include "zeroulp/gemm.h"
#include "zeroulp/reference.h"

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

const ArithInfo& ArithOf(const Bundle& bundle, std::string_view wanted) {
  if (!wanted.empty()) return FindArith(wanted);
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

Dtype DtypeOf(Format format) { return FindDtype(Info(format).safetensors).id; }

using GemmFunction = void (*)(const Operand&, const Operand&,
                              const ConstMatrixView&, const MatrixView&,
                              const GemmOptions&);

Operand OperandOf(const BundleMatrix& codes,
                  const std::optional<BundleMatrix>& scales, int64_t block,
                  int64_t batch) {
  Operand operand = codes.View(batch);
  if (scales) operand.scales = {scales->View(batch), block};
  return operand;
}

Operand SparseOperandOf(const Bundle& bundle, int64_t batch) {
  Operand a = OperandOf(bundle.a, bundle.a_scales, bundle.block, batch);
  if (!bundle.sparsity) return a;
  const int64_t size = bundle.a.rows * bundle.a.cols;
  a.sparsity = *bundle.sparsity;
  a.index = CodesView(std::span(bundle.a_index)
                          .subspan(static_cast<size_t>(batch * size),
                                   static_cast<size_t>(size)),
                      Format::kE8M0FNU, bundle.a.rows, bundle.a.cols);
  return a;
}

void RunBatch(GemmFunction gemm, const Bundle& bundle,
              const GemmOptions& options, BundleMatrix& d) {
  // Scales of B beside a sparse A: as many of its own elements as a scale of A
  // stands for.
  const int64_t b_block =
      bundle.sparsity
          ? bundle.block * bundle.sparsity->group / bundle.sparsity->keep
          : bundle.block;
  for (int64_t i = 0; i < bundle.batch(); ++i) {
    gemm(SparseOperandOf(bundle, i),
         OperandOf(bundle.b_t, bundle.b_scales, b_block, i),
         bundle.c ? std::as_const(*bundle.c).View(i) : ConstMatrixView(),
         d.View(i), options);
  }
}

// Tensor scales, value = code * block scale * tensor scale, as one factor.
std::optional<float> AlphaOf(const Bundle& bundle) {
  if (!bundle.a_tensor_scale && !bundle.b_tensor_scale) return {};
  return bundle.a_tensor_scale.value_or(1.0f) *
         bundle.b_tensor_scale.value_or(1.0f);
}

// False if no kernel exists for these operands on this CPU.
bool RunKernel(const Bundle& bundle, const GemmOptions& options,
               BundleMatrix& d) {
  try {
    RunBatch(static_cast<GemmFunction>(&Gemm), bundle, options, d);
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;
    return false;
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

ComputeResult Compute(const Bundle& bundle, const ComputeOptions& options) {
  Check(bundle);
  ComputeResult result;
  result.arith = &ArithOf(bundle, options.arith);
  CheckFormats(bundle, *result.arith);
  const Format output = result.arith->output;
  result.d = BundleMatrix::Zeros(output, DtypeOf(output), bundle.batch(),
                                 bundle.m(), bundle.n());
  const GemmOptions gemm = {.arith = result.arith->name,
                            .alpha = AlphaOf(bundle),
                            .threads = options.threads};
  result.by_kernel = !options.oracle && RunKernel(bundle, gemm, result.d);
  if (!result.by_kernel) RunBatch(&reference::Gemm, bundle, gemm, result.d);
  return result;
}

VerifyResult Verify(const Bundle& bundle, const ComputeOptions& options,
                    size_t max_differences) {
  if (!bundle.d) {
    FileError(bundle.name, "has no tensor 'd' to verify; compute makes one");
  }
  const ArithInfo& arith = ArithOf(bundle, options.arith);
  if (bundle.d->format != arith.output) {
    Refuse(ErrorCode::kFormat, bundle, "'d' is {}, {} gives {}",
           Info(bundle.d->format).name, arith.name, Info(arith.output).name);
  }
  const ComputeResult computed = Compute(bundle, options);
  VerifyResult result;
  result.arith = computed.arith;
  result.by_kernel = computed.by_kernel;
  for (int64_t i = 0; i < bundle.batch(); ++i) {
    const ConstMatrixView expected = computed.d.View(i);
    const ConstMatrixView actual = bundle.d->View(i);
    const BitReport report = CompareBits(expected, actual);
    result.values += report.values;
    result.mismatches += report.mismatches;
    result.max_ulps = std::max(result.max_ulps, report.max_ulps);
    if (!report.exact()) {
      ListDifferences(expected, actual, i, max_differences, result.first);
    }
  }
  return result;
}

}  // namespace zeroulp
