// SPDX-License-Identifier: Apache-2.0
// Bundles of reproducible random operands, for tests that plant a fault.
#ifndef ZEROULP_TESTS_BUNDLE_CASES_H_
#define ZEROULP_TESTS_BUNDLE_CASES_H_

#include <cmath>
#include <cstdint>
#include <random>
#include <string_view>

#include "zeroulp/arithmetic.h"
#include "zeroulp/bundle.h"
#include "zeroulp/codec.h"

namespace zeroulp {

class BundleMaker {
 public:
  // Finite codes from all of the format, but from 2^-8 to 2^8 for the wide ones
  // so that sums round rather than overflow.
  BundleMatrix Codes(Format format, int64_t batch, int64_t rows, int64_t cols) {
    const Dtype dtype = Info(format).storage_bits == 8
                            ? Dtype::kU8
                            : FindDtype(Info(format).safetensors).id;
    BundleMatrix matrix = BundleMatrix::Zeros(format, dtype, batch, rows, cols);
    for (int64_t i = 0; i < batch; ++i) {
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t k = 0; k < cols; ++k) {
          WriteCode(matrix.View(i), r, k, Code(Info(format)));
        }
      }
    }
    return matrix;
  }

  // Powers of two (e8m0fnu) or any (ue4m3, f32) from 2^-3 to 2^3.
  BundleMatrix Scales(Format format, int64_t batch, int64_t rows,
                      int64_t cols) {
    BundleMatrix matrix = BundleMatrix::Zeros(
        format, FindDtype(Info(format).safetensors).id, batch, rows, cols);
    std::uniform_real_distribution<float> exponent(-3.0f, 3.0f);
    for (int64_t i = 0; i < batch; ++i) {
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t k = 0; k < cols; ++k) {
          WriteCode(matrix.View(i), r, k,
                    Encode(format, std::exp2(exponent(random_)),
                           Rounding::kNearestEven, Overflow::kSaturate));
        }
      }
    }
    return matrix;
  }

  // Without c, scales and d.
  Bundle Dense(std::string_view arith, Format a, Format b, int64_t batch,
               int64_t m, int64_t n, int64_t k) {
    Bundle bundle;
    bundle.name = "planted";
    bundle.arith = arith;
    bundle.a = Codes(a, batch, m, k);
    bundle.b_t = Codes(b, batch, n, k);
    return bundle;
  }

  // With scales of one format for every `block` elements.
  Bundle Scaled(std::string_view arith, Format codes, Format scales,
                int64_t block, int64_t m, int64_t n, int64_t k) {
    Bundle bundle = Dense(arith, codes, codes, 1, m, n, k);
    bundle.block = block;
    bundle.a_scales = Scales(scales, 1, m, (k + block - 1) / block);
    bundle.b_scales = Scales(scales, 1, n, (k + block - 1) / block);
    return bundle;
  }

  // A keeps `keep` of every `group`, at ascending positions.
  void MakeSparse(Bundle& bundle, int64_t keep, int64_t group) {
    const int64_t stored = bundle.a.cols / group * keep;
    bundle.a = Codes(bundle.a.format, bundle.a.batch, bundle.a.rows, stored);
    bundle.sparsity = {keep, group};
    bundle.a_index.clear();
    for (int64_t i = 0; i < bundle.a.batch * bundle.a.rows * stored / keep;
         ++i) {
      int64_t position = 0;
      for (int64_t j = 0; j < keep; ++j) {
        std::uniform_int_distribution<int64_t> next(position, group - keep + j);
        position = next(random_);
        bundle.a_index.push_back(static_cast<uint8_t>(position++));
      }
    }
  }

 private:
  uint32_t Code(const FormatInfo& format) {
    if (format.bits > 8) {
      std::uniform_real_distribution<float> exponent(-8.0f, 8.0f);
      const float value = std::exp2(exponent(random_));
      return Encode(format, (random_() & 1) != 0 ? value : -value,
                    Rounding::kNearestEven, Overflow::kSaturate);
    }
    for (;;) {
      const auto code =
          static_cast<uint32_t>(random_() & (format.num_codes() - 1));
      if (std::isfinite(Decode(format, code))) return code;
    }
  }

  std::mt19937 random_{1};
};

}  // namespace zeroulp

#endif  // ZEROULP_TESTS_BUNDLE_CASES_H_
