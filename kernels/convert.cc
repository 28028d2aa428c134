// SPDX-License-Identifier: Apache-2.0
// Encode, Decode, Reencode: check, split into runs. No SIMD.
#include "zeroulp/convert.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>

#include "kernels/convert.h"
#include "kernels/float_environment.h"
#include "kernels/parallel.h"
#include "zeroulp/internal/check.h"

namespace zeroulp {
namespace {

using internal::Describe;
using internal::Fail;

inline constexpr FormatSet kSources = {Format::kF32, Format::kF16,
                                       Format::kBF16};

// Elements of a task: enough work for a thread to be worth waking, small enough
// for both sides to fit in L2 of any CPU. A multiple of what shares a byte, a
// random word or a vector.
constexpr int64_t kRun = int64_t{1} << 15;
// Fewer elements than this stay on the calling thread.
constexpr int64_t kParallelElements = 4 * kRun;
// From this size on, what is written bypasses the caches: it would push out
// more than a later reader could find there, and each line written would first
// be read from memory.
constexpr int64_t kStreamBytes = int64_t{8} << 20;
constexpr int64_t kStreamRun = 1024;  // elements; below, rows are mostly edges

// A matrix as runs of consecutive elements of at most kRun.
struct Runs {
  int64_t rows, cols;
  int64_t per_row;  // runs
};

void CheckPair(std::string_view operation, std::string_view from_name,
               const ConstMatrixView& from, std::string_view to_name,
               const MatrixView& to, int threads) {
  internal::CheckView(operation, from_name, from);
  internal::CheckView(operation, to_name, to);
  if (from.rows != to.rows || from.cols != to.cols) {
    Fail(ErrorCode::kShape,
         "{}: {} is {} and {} is {}: they must be equal in "
         "rows and columns",
         operation, from_name, Describe(from), to_name, Describe(to));
  }
  if (internal::Overlap(from, to)) {
    Fail(ErrorCode::kOverlap,
         "{}: {} ({}) overlaps {} ({}): they must be apart", operation, to_name,
         Describe(to), from_name, Describe(from));
  }
  if (threads < 0) {
    Fail(ErrorCode::kArgument,
         "{}: threads is {}: it must be 0 (all) or a positive number",
         operation, threads);
  }
}

// Random words of a row.
int64_t WordsPerRow(const RandomLayout& layout, int64_t cols) {
  return cols / layout.elements + (cols % layout.elements != 0);
}

// The layout if random bits are needed and there, else null.
const RandomLayout* CheckRandom(const MatrixView& codes,
                                const EncodeOptions& options) {
  const RandomSource& random = options.random;
  const bool has_words = random.words.data() != nullptr;
  if (options.rules.rounding != Rounding::kStochastic) {
    if (random.seed.has_value() || has_words) {
      Fail(ErrorCode::kArgument,
           "Encode: random bits are given, but rounding {} takes none",
           Name(options.rules.rounding));
    }
    return nullptr;
  }
  const RandomLayout& layout = FindRandomLayout(random.layout, codes.format);
  if (random.seed.has_value() == has_words) {
    Fail(ErrorCode::kArgument,
         "Encode: rounding stochastic takes either a seed or random words, "
         "{} given",
         has_words ? "both are" : "none is");
  }
  const int64_t per_row = WordsPerRow(layout, codes.cols);
  if (!internal::ProductFits(codes.rows, per_row, 1)) {
    Fail(ErrorCode::kOverflow,
         "Encode: codes are {}: their random words exceed 2^63 - 1",
         Describe(codes));
  }
  if (has_words && std::cmp_less(random.words.size(), codes.rows * per_row)) {
    Fail(ErrorCode::kArgument,
         "Encode: codes are {}: layout {} needs {} random words, got {}",
         Describe(codes), layout.name, codes.rows * per_row,
         random.words.size());
  }
  return &layout;
}

// Whether the rows of a view follow each other without a gap.
bool IsDense(const ConstMatrixView& v) { return v.row_stride == v.cols; }

// Rows that follow each other on both sides become one; `unit` elements must
// not be split between rows.
Runs Split(const ConstMatrixView& from, const ConstMatrixView& to, int unit) {
  Runs runs = {from.rows, from.cols, 1};
  if (IsDense(from) && IsDense(to) && from.cols % unit == 0) {
    runs.cols *= runs.rows;
    runs.rows = 1;
  }
  runs.per_row = runs.cols / kRun + (runs.cols % kRun != 0);
  return runs;
}

bool Streams(const MatrixView& to, const Runs& runs) {
  return runs.cols >= kStreamRun && internal::ExtentBytes(to) >= kStreamBytes;
}

template <class View>
auto* Element(const View& view, int64_t row, int64_t col) {
  const int64_t bits = Info(view.format).storage_bits;
  return view.bytes.data() + (row * view.row_stride + col) * bits / 8;
}

// Calls body(row, col, count) for every run, several short ones a task.
template <class Body>
void ForEachRun(const Runs& runs, int threads, const Body& body) {
  const int64_t total = runs.rows * runs.per_row;
  const int64_t length = std::min(runs.cols, kRun);
  const int64_t group =
      std::max<int64_t>(1, kRun / std::max<int64_t>(1, length));
  const bool alone = runs.rows * runs.cols < kParallelElements;
  kernels::ParallelFor(
      (total + group - 1) / group, alone ? 1 : threads, [&](int64_t task) {
        const int64_t end = std::min(total, (task + 1) * group);
        for (int64_t run = task * group; run < end; ++run) {
          const int64_t col = run % runs.per_row * kRun;
          body(run / runs.per_row, col, std::min(kRun, runs.cols - col));
        }
      });
}

}  // namespace

void Encode(const ConstMatrixView& source, const MatrixView& codes,
            const EncodeOptions& options) {
  CheckPair("Encode", "the source", source, "codes", codes, options.threads);
  if (!kSources.contains(source.format)) {
    Fail(ErrorCode::kFormat, "Encode: the source is {}: it may be {}",
         Describe(source), kSources.names());
  }
  if (codes.format == Format::kF32 || codes.format == source.format) {
    Fail(ErrorCode::kFormat,
         "Encode: the source is {} and codes are {}: they may be any format "
         "but f32 and the source's own",
         Describe(source), Describe(codes));
  }
  const RandomLayout* layout = CheckRandom(codes, options);
  const int unit = layout == nullptr ? 1 : layout->elements;
  const Runs runs = Split(source, codes, unit);
  const kernels::EncodeJob job = {.source = source.format,
                                  .target = &Info(codes.format),
                                  .rules = options.rules,
                                  .layout = layout,
                                  .words = options.random.words.data(),
                                  .seed = options.random.seed.value_or(0),
                                  .streams = Streams(codes, runs)};
  const int64_t words_per_row = (runs.cols + unit - 1) / unit;
  ForEachRun(runs, options.threads, [&](int64_t row, int64_t col, int64_t n) {
    // Kernels do not see the caller's floating-point environment, but they may
    // raise its flags.
    const kernels::DefaultFloatEnvironment environment;
    kernels::EncodeRun(job, Element(source, row, col), static_cast<size_t>(n),
                       Element(codes, row, col),
                       static_cast<uint64_t>(row * words_per_row + col / unit));
  });
}

void Decode(const ConstMatrixView& codes, const MatrixView& values,
            const DecodeOptions& options) {
  CheckPair("Decode", "codes", codes, "values", values, options.threads);
  const FormatInfo& f = Info(codes.format);
  if (f.id == Format::kF32) {
    Fail(ErrorCode::kFormat, "Decode: codes are {}: nothing to decode",
         Describe(codes));
  }
  const bool exact =
      values.format == Format::kF32 ||
      (f.bits <= 8 && values.format == Format::kBF16) ||
      (f.bits <= 8 && values.format == Format::kF16 && f.has_zero);
  if (!exact) {
    Fail(ErrorCode::kFormat,
         "Decode: values are {}: {} decodes exactly to f32{}", Describe(values),
         Describe(codes),
         f.bits > 8   ? ""
         : f.has_zero ? ", f16 and bf16"
                      : " and bf16");
  }
  const Runs runs = Split(codes, values, 1);
  const kernels::DecodeJob job = {
      .source = &f, .target = values.format, .streams = Streams(values, runs)};
  ForEachRun(runs, options.threads, [&](int64_t row, int64_t col, int64_t n) {
    const kernels::DefaultFloatEnvironment environment;
    kernels::DecodeRun(job, Element(codes, row, col), static_cast<size_t>(n),
                       Element(values, row, col));
  });
}

void Reencode(const ConstMatrixView& from, const MatrixView& to, int exponent,
              const EncodeOptions& options) {
  CheckPair("Reencode", "the source", from, "codes", to, options.threads);
  const auto takes = [](const FormatInfo& f) {
    return f.bits <= 8 && f.has_zero;
  };
  const FormatInfo &f = Info(from.format), &target = Info(to.format);
  if (!takes(f) || !takes(target)) {
    Fail(ErrorCode::kFormat,
         "Reencode: the source is {} and codes are {}: both must have at most "
         "8 bits and a zero",
         Describe(from), Describe(to));
  }
  constexpr int kMaxExponent = 64;
  if (std::abs(exponent) > kMaxExponent) {
    Fail(ErrorCode::kArgument, "Reencode: the exponent is {}: at most {}",
         exponent, kMaxExponent);
  }
  if (options.rules.rounding == Rounding::kStochastic) {
    Fail(ErrorCode::kUnsupported,
         "Reencode: rounding stochastic is not offered");
  }
  CheckRandom(to, options);
  uint8_t table[256];
  for (uint32_t code = 0; code < 256; ++code) {
    table[code] = static_cast<uint8_t>(Encode(
        to.format, std::ldexp(Decode(f, code), exponent), options.rules));
  }
  // Whole bytes on both sides go by the run; nibbles one by one.
  const bool bytes = f.storage_bits == 8 && target.storage_bits == 8;
  const Runs runs = Split(from, to, 1);
  ForEachRun(runs, options.threads, [&](int64_t row, int64_t col, int64_t n) {
    if (bytes) {
      kernels::MapRun(table, Element(from, row, col), static_cast<size_t>(n),
                      Element(to, row, col));
      return;
    }
    for (int64_t i = col; i < col + n; ++i) {
      // The first of a byte makes the other nibble zero.
      if (target.storage_bits == 4 && i % 2 == 0) {
        *Element(to, row, i) = std::byte{0};
      }
      WriteCode(to, row, i, table[ReadCode(from, row, i)]);
    }
  });
}

}  // namespace zeroulp
