// SPDX-License-Identifier: Apache-2.0
// A GPU for tests of the recorder: it computes by a row of arithmetic.
#ifndef ZEROULP_TESTS_RECORD_FAKE_GPU_H_
#define ZEROULP_TESTS_RECORD_FAKE_GPU_H_

#include <gtest/gtest.h>

#include <bit>
#include <functional>
#include <string>
#include <vector>

#include "tools/io/bundle_operands.h"
#include "tools/record/cases.h"
#include "tools/record/gpu.h"
#include "tools/record/rows.h"
#include "zeroulp/arithmetic.h"
#include "zeroulp/codec.h"
#include "zeroulp/reference.h"

namespace zeroulp::record {

class FakeGpu : public Gpu {
 public:
  static constexpr int kCopies = 4;

  // Runs `c` alone, whose operands it makes again from the seed.
  FakeGpu(const Case& c, uint64_t seed, const ArithInfo& row)
      : case_(c), seed_(seed), row_(row) {
    info_ = {"Fake GPU", 9, 0, "13.0", "13.0"};
  }

  const GpuInfo& info() const override { return info_; }
  void set_capability(int major, int minor) {
    info_.major = major;
    info_.minor = minor;
  }

  std::vector<uint32_t> Multiply(const Launch& launch) override {
    EXPECT_EQ(launch.instruction, case_.instruction);
    const Bundle bundle = Generate(case_, seed_);
    BundleMatrix d = *bundle.c;
    io::RunOracle(bundle, row_, {.arith = row_.name}, d);
    std::vector<uint32_t> words;
    for (int64_t i = 0; i < bundle.batch(); ++i) {
      words.insert(words.end(), kCopies,
                   ReadCode(static_cast<ConstMatrixView>(d.View(i)), 0, 0));
    }
    if (spoil) spoil(words);
    return words;
  }

  std::vector<uint32_t> Convert(std::string_view, int,
                                std::span<const uint32_t>,
                                std::span<const uint32_t>) override {
    throw Error(ErrorCode::kUnsupported, "not here");
  }
  MatmulResult Multiply(const Matmul&) override {
    throw Error(ErrorCode::kUnsupported, "not here");
  }

  // A fault to plant in the words.
  std::function<void(std::vector<uint32_t>&)> spoil;

 private:
  const Case& case_;
  uint64_t seed_;
  ArithInfo row_;
  GpuInfo info_;
};

inline const Case& FindCase(std::string_view name) {
  for (const Case& c : Cases()) {
    if (c.name == name) return c;
  }
  throw Error(ErrorCode::kUnknownName, "no case " + std::string(name));
}

}  // namespace zeroulp::record

#endif  // ZEROULP_TESTS_RECORD_FAKE_GPU_H_
