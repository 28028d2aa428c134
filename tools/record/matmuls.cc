// SPDX-License-Identifier: Apache-2.0
#include "tools/record/matmuls.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>

#include "tools/io/bundle_operands.h"
#include "tools/record/random_codes.h"
#include "zeroulp/codec.h"
#include "zeroulp/gemm.h"

namespace zeroulp::record {
namespace {

struct Shape {
  std::string_view name;
  int64_t m, n, k, samples;
};

// Samples: few where K is long, so that a bundle stays near 100 KB.
constexpr Shape kShapes[] = {
    {"llama3-8b-qkv", 256, 6144, 4096, 8},
    {"llama3-8b-down", 256, 4096, 14336, 4},
};

struct Mode {
  std::string_view name;
  Format a, b, out;
  MatmulScales scales = MatmulScales::kNone;
  bool fast = false;
};
using enum Format;
using enum MatmulScales;
constexpr Mode kModes[] = {
    {"e4m3fn.e4m3fn.f32.slow", kE4M3FN, kE4M3FN, kF32, kMatrix},
    {"e4m3fn.e4m3fn.f32.fast", kE4M3FN, kE4M3FN, kF32, kMatrix, true},
    {"e4m3fn.e4m3fn.bf16.slow", kE4M3FN, kE4M3FN, kBF16, kMatrix},
    {"e4m3fn.e4m3fn.bf16.fast", kE4M3FN, kE4M3FN, kBF16, kMatrix, true},
    {"e4m3fn.e4m3fn.f32.rows", kE4M3FN, kE4M3FN, kF32, kRows},
    {"e4m3fn.e4m3fn.bf16.rows", kE4M3FN, kE4M3FN, kBF16, kRows},
    {"e4m3fn.e4m3fn.f32.rows.fast", kE4M3FN, kE4M3FN, kF32, kRows, true},
    {"e4m3fn.e4m3fn.f32.blocks", kE4M3FN, kE4M3FN, kF32, kBlocks},
    {"e4m3fn.e4m3fn.bf16.blocks", kE4M3FN, kE4M3FN, kBF16, kBlocks},
    {"e5m2.e4m3fn.f32.slow", kE5M2, kE4M3FN, kF32, kMatrix},
    {"e5m2.e4m3fn.f32.fast", kE5M2, kE4M3FN, kF32, kMatrix, true},
    {"bf16.bf16.f32", kBF16, kBF16, kF32},
    {"bf16.bf16.bf16", kBF16, kBF16, kBF16},
    {"f16.f16.f32", kF16, kF16, kF32},
    {"f16.f16.f16", kF16, kF16, kF16},
    {"tf32.tf32.f32", kTF32, kTF32, kF32},
};

// Not powers of two: how they are applied shows.
constexpr float kAScale = 0.013f, kBScale = 0.021f;

// Codes of a bell curve: 256 values of equal share, one for each byte. That of
// twelve uniform numbers' sum would need twelve times the random words.
std::array<uint32_t, 256> BellCodes(const FormatInfo& f) {
  std::array<uint32_t, 256> codes;
  for (size_t i = 0; i < 256; ++i) {
    // The logistic curve's quantile: a bell with longer tails, in closed form.
    const double p = (static_cast<double>(i) + 0.5) / 256;
    const auto value = static_cast<float>(2 * std::log(p / (1 - p)));
    codes[i] = Encode(f, value, Rounding::kNearestEven, Overflow::kSaturate);
  }
  return codes;
}

std::vector<uint8_t> Codes(Format format, int64_t rows, int64_t cols,
                           RandomCodes& random) {
  const FormatInfo& f = zeroulp::Info(format);
  const std::array<uint32_t, 256> table = BellCodes(f);
  std::vector<uint8_t> bytes(static_cast<size_t>(rows * cols) *
                             static_cast<size_t>(f.storage_bits / 8));
  const MatrixView view = {std::as_writable_bytes(std::span(bytes)), format,
                           rows, cols, cols};
  for (int64_t i = 0; i < rows; ++i) {
    uint32_t word = 0;
    for (int64_t j = 0; j < cols; ++j) {
      word = j % 4 == 0 ? random.Word() : word >> 8;
      WriteCode(view, i, j, table[word & 0xFF]);
    }
  }
  return bytes;
}

// From 1/2 to 3/2, with all bits of their fraction.
std::vector<float> Scales(int64_t count, RandomCodes& random) {
  std::vector<float> scales(static_cast<size_t>(count));
  for (float& scale : scales) {
    scale = 0.5f + static_cast<float>(random.Word() >> 8) * 0x1p-24f;
  }
  return scales;
}

// Block scales as an Operand takes them: [m][k / 128].
std::vector<float> RowsOfScales(const MatmulForm& form,
                                const MatmulOperands& x) {
  const int64_t blocks = form.k / kScaleBlock;
  std::vector<float> rows(x.a_scales.size());
  for (int64_t i = 0; i < form.m; ++i) {
    for (int64_t block = 0; block < blocks; ++block) {
      rows[static_cast<size_t>(i * blocks + block)] =
          x.a_scales[static_cast<size_t>(block * form.m + i)];
    }
  }
  return rows;
}

// Row `i` of `samples` out of `rows`.
int64_t Sampled(int64_t i, int64_t samples, int64_t rows) {
  return i * rows / samples + i;
}

BundleMatrix Empty(Format format, int64_t rows, int64_t cols) {
  return BundleMatrix::Zeros(
      format, FindDtype(zeroulp::Info(format).safetensors).id, 1, rows, cols);
}

// One number for each of the rows that SampledRows takes.
BundleMatrix SampledScales(const std::vector<float>& scales, int64_t samples) {
  BundleMatrix matrix = Empty(Format::kF32, 1, samples);
  const auto rows = static_cast<int64_t>(scales.size());
  for (int64_t i = 0; i < samples; ++i) {
    const auto at = static_cast<size_t>(Sampled(i, samples, rows));
    WriteCode(matrix.View(0), 0, i, std::bit_cast<uint32_t>(scales[at]));
  }
  return matrix;
}

BundleMatrix SampledRows(const ConstMatrixView& from, int64_t samples,
                         int64_t block_rows = 1) {
  BundleMatrix matrix = Empty(from.format, samples, from.cols);
  const int64_t rows = from.rows * block_rows;
  for (int64_t i = 0; i < samples; ++i) {
    for (int64_t j = 0; j < from.cols; ++j) {
      WriteCode(matrix.View(0), i, j,
                ReadCode(from, Sampled(i, samples, rows) / block_rows, j));
    }
  }
  return matrix;
}

void AddScales(const MatmulForm& form, const MatmulOperands& x,
               Bundle& bundle) {
  const int64_t samples = form.samples;
  switch (form.scales) {
    case kNone:
      return;
    case kMatrix:
      bundle.a_tensor_scale = x.a_scales.front();
      bundle.b_tensor_scale = x.b_scales.front();
      return;
    case kRows:
      bundle.a_row_scales = SampledScales(x.a_scales, samples);
      bundle.b_row_scales = SampledScales(x.b_scales, samples);
      return;
    case kBlocks: {
      const int64_t blocks = form.k / kScaleBlock;
      const std::vector<float> a_scales = RowsOfScales(form, x);
      bundle.block = kScaleBlock;
      bundle.a_scales = SampledRows(F32View(a_scales, form.m, blocks), samples);
      bundle.b_scales =
          SampledRows(F32View(x.b_scales, form.n / kScaleBlock, blocks),
                      samples, kScaleBlock);
    }
  }
}

Bundle SampleOf(const MatmulForm& form, const MatmulOperands& x,
                const std::vector<uint32_t>& d) {
  Bundle bundle;
  bundle.a =
      SampledRows(CodesView(x.a, form.format_a, form.m, form.k), form.samples);
  bundle.b_t = SampledRows(CodesView(x.b_t, form.format_b, form.n, form.k),
                           form.samples);
  AddScales(form, x, bundle);
  bundle.d = Empty(form.out, form.samples, form.samples);
  for (int64_t i = 0; i < form.samples; ++i) {
    for (int64_t j = 0; j < form.samples; ++j) {
      const int64_t at = Sampled(i, form.samples, form.m) * form.n +
                         Sampled(j, form.samples, form.n);
      WriteCode(bundle.d->View(0), i, j, d[static_cast<size_t>(at)]);
    }
  }
  return bundle;
}

// Rows of kArith for what a chip's library multiplies with. `slow`: after how
// many products it promotes without fast accumulation; 0: not known.
struct ChipLibrary {
  Chip chip;
  std::string_view fp8, f16, bf16, tf32;
  int64_t slow = 0;
};
constexpr ChipLibrary kLibraries[] = {
    {Chip::kAda, "ada.fp8.f32", "ampere.f16.f32", "ampere.bf16.f32",
     "ampere.tf32.f32"},
    {Chip::kHopper, "hopper.wgmma.fp8.f32", "hopper.f16.f32", "hopper.bf16.f32",
     "hopper.tf32.f32", 128},
    {Chip::kBlackwell, "blackwell.tcgen05.f8f6f4.f32", "blackwell.f16.f32",
     "blackwell.bf16.f32", "blackwell.tf32.f32"},
    {Chip::kRtxBlackwell, "sm120.f8f6f4.f32", "blackwell.f16.f32",
     "blackwell.bf16.f32", "blackwell.tf32.f32"},
};

const ChipLibrary& LibraryOf(Chip chip) {
  for (const ChipLibrary& library : kLibraries) {
    if (library.chip == chip) return library;
  }
  throw Error(ErrorCode::kUnknownName, "no library of this chip");
}

}  // namespace

const std::vector<MatmulForm>& MatmulForms() {
  static const std::vector<MatmulForm> forms = [] {
    std::vector<MatmulForm> list;
    for (const Shape& shape : kShapes) {
      for (const Mode& mode : kModes) {
        list.push_back(
            {.name = fmt::format("cublaslt.{}.{}", shape.name, mode.name),
             .m = shape.m,
             .n = shape.n,
             .k = shape.k,
             .samples = shape.samples,
             .format_a = mode.a,
             .format_b = mode.b,
             .out = mode.out,
             .scales = mode.scales,
             .fast = mode.fast});
      }
    }
    return list;
  }();
  return forms;
}

MatmulOperands OperandsOf(const MatmulForm& form, uint64_t seed) {
  RandomCodes random(seed, fmt::format("cublaslt {}", form.k));
  MatmulOperands x;
  x.a = Codes(form.format_a, form.m, form.k, random);
  x.b_t = Codes(form.format_b, form.n, form.k, random);
  const int64_t blocks = form.k / kScaleBlock;
  switch (form.scales) {
    case kNone:
      break;
    case kMatrix:
      x.a_scales = {kAScale};
      x.b_scales = {kBScale};
      break;
    case kRows:
      x.a_scales = Scales(form.m, random);
      x.b_scales = Scales(form.n, random);
      break;
    case kBlocks:
      x.a_scales = Scales(blocks * form.m, random);
      x.b_scales = Scales(blocks * (form.n / kScaleBlock), random);
  }
  return x;
}

MatmulArith ArithOf(const MatmulForm& form, Chip chip) {
  const ChipLibrary& library = LibraryOf(chip);
  switch (form.format_a) {
    case kF16:
      return {library.f16};
    case kBF16:
      return {library.bf16};
    case kTF32:
      return {library.tf32};
    default:
      if (form.scales == kBlocks) return {library.fp8, kScaleBlock};
      return {library.fp8, form.fast ? 0 : library.slow};
  }
}

std::vector<uint32_t> ComputeMatmul(const MatmulForm& form,
                                    const MatmulOperands& x,
                                    const MatmulArith& arith) {
  Operand a = CodesView(x.a, form.format_a, form.m, form.k);
  Operand b_t = CodesView(x.b_t, form.format_b, form.n, form.k);
  GemmOptions options = {.arith = arith.arith,
                         .promote_every = arith.promote_every};
  std::vector<float> a_scales;
  const int64_t blocks = form.k / kScaleBlock;
  switch (form.scales) {
    case kNone:
      break;
    case kMatrix:
      options.alpha = x.a_scales.front() * x.b_scales.front();
      break;
    case kRows:
      options.a_row_scales = F32View(x.a_scales, 1, form.m);
      options.b_row_scales = F32View(x.b_scales, 1, form.n);
      break;
    case kBlocks:
      a_scales = RowsOfScales(form, x);
      a.scales = {F32View(a_scales, form.m, blocks), kScaleBlock};
      b_t.scales = {F32View(x.b_scales, form.n / kScaleBlock, blocks),
                    kScaleBlock, kScaleBlock};
  }
  std::vector<float> d(static_cast<size_t>(form.m * form.n));
  Gemm(a, b_t, {}, F32View(d, form.m, form.n), options);
  const ArithInfo& row = FindArith(arith.arith);
  std::vector<uint32_t> words(d.size());
  for (size_t i = 0; i < d.size(); ++i) {
    words[i] = io::StoredWord(row, form.out, std::bit_cast<uint32_t>(d[i]));
  }
  return words;
}

uint64_t DigestOf(const std::vector<uint32_t>& words) {
  static_assert(std::endian::native == std::endian::little);
  return Hash({reinterpret_cast<const char*>(words.data()),
               words.size() * sizeof(uint32_t)});
}

RecordedMatmul RecordMatmul(const MatmulForm& form, Chip chip,
                            const Provenance& from, Gpu& gpu) {
  const MatmulOperands x = OperandsOf(form, from.seed);
  const MatmulResult result = gpu.Multiply(Matmul{.m = form.m,
                                                  .n = form.n,
                                                  .k = form.k,
                                                  .a_format = form.format_a,
                                                  .b_format = form.format_b,
                                                  .out = form.out,
                                                  .fast = form.fast,
                                                  .a = x.a,
                                                  .b_t = x.b_t,
                                                  .scales = form.scales,
                                                  .a_scales = x.a_scales,
                                                  .b_scales = x.b_scales});
  const MatmulArith arith = ArithOf(form, chip);
  const std::vector<uint32_t> expected = ComputeMatmul(form, x, arith);
  RecordedMatmul recorded = {.bundle = SampleOf(form, x, result.d)};
  for (size_t i = 0; i < expected.size(); ++i) {
    recorded.differing += expected[i] != result.d[i];
  }
  recorded.values = static_cast<int64_t>(expected.size());
  Bundle& bundle = recorded.bundle;
  bundle.name = form.name;
  bundle.arith = arith.arith;
  bundle.promote_every = arith.promote_every;
  bundle.notes = NotesOf(from, form.name, result.library);
  bundle.notes["zeroulp.algorithm"] = result.algorithm;
  bundle.notes["zeroulp.decides"] = kMatmulDecides;
  bundle.notes["zeroulp.digest"] = fmt::format("{:016x}", DigestOf(result.d));
  bundle.notes["zeroulp.shape"] =
      fmt::format("{} x {} x {}, {} rows and columns of it", form.m, form.n,
                  form.k, form.samples);
  return recorded;
}

}  // namespace zeroulp::record
