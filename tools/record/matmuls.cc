// SPDX-License-Identifier: Apache-2.0
#include "tools/record/matmuls.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "tools/record/random_codes.h"
#include "zeroulp/codec.h"
#include "zeroulp/random.h"

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

// Not powers of two: how they are applied shows.
constexpr float kAScale = 0.013f, kBScale = 0.021f;

// Codes of a bell curve: 256 values of equal share, one for each byte. That of
// twelve uniform numbers' sum would need twelve times the random words.
std::array<uint8_t, 256> BellCodes(const FormatInfo& f) {
  std::array<uint8_t, 256> codes;
  for (size_t i = 0; i < 256; ++i) {
    // The logistic curve's quantile: a bell with longer tails, in closed form.
    const double p = (static_cast<double>(i) + 0.5) / 256;
    const auto value = static_cast<float>(2 * std::log(p / (1 - p)));
    codes[i] = static_cast<uint8_t>(
        Encode(f, value, Rounding::kNearestEven, Overflow::kSaturate));
  }
  return codes;
}

std::vector<uint8_t> Codes(Format format, int64_t count, RandomCodes& random) {
  const std::array<uint8_t, 256> table = BellCodes(zeroulp::Info(format));
  std::vector<uint8_t> codes(static_cast<size_t>(count));
  for (size_t i = 0; i < codes.size(); i += 4) {
    const uint32_t word = random.Word();
    for (size_t j = 0; j < 4; ++j) codes[i + j] = table[word >> (8 * j) & 0xFF];
  }
  return codes;
}

// Row `i` of `samples` out of `rows`.
int64_t Sampled(int64_t i, int64_t samples, int64_t rows) {
  return i * rows / samples + i;
}

BundleMatrix SampledRows(Format format, const std::vector<uint8_t>& codes,
                         int64_t rows, int64_t k, int64_t samples) {
  BundleMatrix matrix = BundleMatrix::Zeros(
      format, FindDtype(zeroulp::Info(format).safetensors).id, 1, samples, k);
  for (int64_t i = 0; i < samples; ++i) {
    for (int64_t j = 0; j < k; ++j) {
      const int64_t at = Sampled(i, samples, rows) * k + j;
      WriteCode(matrix.View(0), i, j, codes[static_cast<size_t>(at)]);
    }
  }
  return matrix;
}

}  // namespace

const std::vector<MatmulForm>& MatmulForms() {
  static const std::vector<MatmulForm> forms = [] {
    std::vector<MatmulForm> list;
    for (const Shape& shape : kShapes) {
      for (const bool bf16 : {false, true}) {
        for (const bool fast : {false, true}) {
          list.push_back({.name = fmt::format("cublaslt.{}.{}.{}", shape.name,
                                              bf16 ? "bf16" : "f32",
                                              fast ? "fast" : "slow"),
                          .m = shape.m,
                          .n = shape.n,
                          .k = shape.k,
                          .samples = shape.samples,
                          .bf16_out = bf16,
                          .fast = fast});
        }
      }
    }
    return list;
  }();
  return forms;
}

std::string_view MatmulArith(Chip chip) {
  switch (chip) {
    case Chip::kAda:
      return "ada.fp8.f32";
    case Chip::kHopper:
      return "hopper.wgmma.fp8.f32";
    case Chip::kBlackwell:
      return "blackwell.tcgen05.f8f6f4.f32";
    case Chip::kRtxBlackwell:
      return "sm120.f8f6f4.f32";
  }
  return {};
}

Bundle RecordMatmul(const MatmulForm& form, Chip chip, const Provenance& from,
                    Gpu& gpu) {
  // The same operands for all variants of a shape: only they differ then.
  RandomCodes random(from.seed, fmt::format("cublaslt {}", form.k));
  const auto a = Codes(form.a, form.m * form.k, random);
  const auto b = Codes(form.b, form.n * form.k, random);
  const MatmulResult result =
      gpu.Multiply(Matmul{.m = form.m,
                          .n = form.n,
                          .k = form.k,
                          .a_e5m2 = form.a == Format::kE5M2,
                          .b_e5m2 = form.b == Format::kE5M2,
                          .bf16_out = form.bf16_out,
                          .fast = form.fast,
                          .a_scale = kAScale,
                          .b_scale = kBScale,
                          .a = a,
                          .b_t = b});
  const Format out = form.bf16_out ? Format::kBF16 : Format::kF32;
  Bundle bundle;
  bundle.name = form.name;
  bundle.arith = MatmulArith(chip);
  bundle.a = SampledRows(form.a, a, form.m, form.k, form.samples);
  bundle.b_t = SampledRows(form.b, b, form.n, form.k, form.samples);
  bundle.a_tensor_scale = kAScale;
  bundle.b_tensor_scale = kBScale;
  bundle.d =
      BundleMatrix::Zeros(out, FindDtype(zeroulp::Info(out).safetensors).id, 1,
                          form.samples, form.samples);
  for (int64_t i = 0; i < form.samples; ++i) {
    for (int64_t j = 0; j < form.samples; ++j) {
      const int64_t at = Sampled(i, form.samples, form.m) * form.n +
                         Sampled(j, form.samples, form.n);
      WriteCode(bundle.d->View(0), i, j, result.d[static_cast<size_t>(at)]);
    }
  }
  bundle.notes = NotesOf(from, form.name, result.library);
  bundle.notes["zeroulp.algorithm"] = result.algorithm;
  bundle.notes["zeroulp.decides"] = kMatmulDecides;
  bundle.notes["zeroulp.shape"] =
      fmt::format("{} x {} x {}, {} rows and columns of it", form.m, form.n,
                  form.k, form.samples);
  return bundle;
}

}  // namespace zeroulp::record
