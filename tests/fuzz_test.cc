// SPDX-License-Identifier: Apache-2.0
// A bounded run of the differential fuzzer and of the one of bundles, from
// fixed seeds: what libFuzzer does without a bound (CONTRIBUTING.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/bundle_cases.h"
#include "tests/cli_fixture.h"
#include "tests/fuzz/bundle_case.h"
#include "tests/fuzz/gemm_case.h"

namespace zeroulp {
namespace {

class FuzzGemmTest : public ::testing::TestWithParam<size_t> {};

// Some 20 s of one core for all rows together.
constexpr int kProblemsOfARow = 200;

TEST_P(FuzzGemmTest, KernelsAndOracleAgree) {
  const auto row = static_cast<uint8_t>(GetParam());
  std::mt19937 random(row);
  for (int i = 0; i < kProblemsOfARow; ++i) {
    // Up to four single elements.
    std::vector<uint8_t> bytes(40 + random() % 5 * 8);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    bytes[0] = row;
    EXPECT_EQ(testing::FuzzGemm(bytes), "") << "problem " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, FuzzGemmTest,
                         ::testing::Range(size_t{0}, kArith.size()),
                         [](const ::testing::TestParamInfo<size_t>& test) {
                           std::string name(kArith[test.param].name);
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

// The bytes alone, with any end, are a problem.
TEST(FuzzGemmCase, AnyBytesAreAProblem) {
  EXPECT_EQ(testing::FuzzGemm({}), "");
  const std::vector<uint8_t> ones(100, 0xFF);
  EXPECT_EQ(testing::FuzzGemm(ones), "");
}

class FuzzBundleTest : public CliTest {
 protected:
  std::vector<uint8_t> FileOf(const Bundle& bundle) {
    const std::string path = (folder_ / "bundle").string();
    WriteBundle(path, bundle);
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // Bytes changed, cut out, doubled, and the end cut off.
  std::vector<uint8_t> Damaged(std::vector<uint8_t> file) {
    const size_t changes = random_() % 4 + 1;
    for (size_t i = 0; i < changes && !file.empty(); ++i) {
      const auto at =
          file.begin() + static_cast<std::ptrdiff_t>(random_() % file.size());
      switch (random_() % 6) {
        case 0:
          file.erase(at);
          break;
        case 1:
          file.insert(at, *at);
          break;
        case 2:
          file.erase(at, file.end());
          break;
        case 3:
          *at ^= static_cast<uint8_t>(1u << random_() % 8);
          break;
        case 4:  // a digit for a digit
          if (*at >= '0' && *at <= '9')
            *at = static_cast<uint8_t>('0' + random_() % 10);
          break;
        default:
          *at = static_cast<uint8_t>(random_());
          break;
      }
    }
    return file;
  }

  std::mt19937 random_{1};
};

TEST_F(FuzzBundleTest, DamagedFilesAreReadOrRefusedInOneSentence) {
  BundleMaker make;
  std::vector<std::vector<uint8_t>> files;
  const auto add = [&](Bundle bundle) {
    bundle.d = Compute(bundle).d;
    files.push_back(FileOf(bundle));
  };
  add(make.Dense("ada.fp8.f32", Format::kE4M3FN, Format::kE5M2, 2, 2, 3, 32));
  add(make.Dense("hopper.tf32.f32", Format::kTF32, Format::kTF32, 1, 2, 2, 8));
  add(make.Scaled("blackwell.tcgen05.mxf4nvf4.f32", Format::kE2M1FN,
                  Format::kUE4M3, 16, 2, 3, 64));
  Bundle sparse =
      make.Dense("trainium.f32", Format::kE4M3, Format::kE4M3, 1, 2, 2, 32);
  make.MakeSparse(sparse, 4, 16);
  add(sparse);
  Bundle with_c =
      make.Dense("ada.fp8.f16", Format::kE4M3FN, Format::kE4M3FN, 1, 2, 2, 16);
  with_c.c = make.Codes(Format::kF16, 1, 2, 2);
  with_c.a_tensor_scale = 0.5f;
  add(with_c);
  for (const std::vector<uint8_t>& file : files) {
    EXPECT_EQ(testing::FuzzBundle(file), "");
    for (int i = 0; i < 1500; ++i) {
      EXPECT_EQ(testing::FuzzBundle(Damaged(file)), "");
    }
  }
}

}  // namespace
}  // namespace zeroulp
