// SPDX-License-Identifier: Apache-2.0
// The conventions say what their sources say.
#include "zeroulp/conventions.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace zeroulp {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::numeric_limits<float>::quiet_NaN();

uint32_t By(const char* convention, Format target, float value) {
  return Encode(target, value, ConventionRules(convention, target));
}

TEST(Conventions, Nvidia) {
  for (const Format f : {Format::kE4M3FN, Format::kE5M2}) {
    EXPECT_EQ(By("nvidia", f, kNan), 0x7Fu);
    EXPECT_EQ(By("nvidia", f, -kNan), 0x7Fu);
  }
  EXPECT_EQ(By("nvidia", Format::kE4M3FN, -kInf), 0xFEu);
  EXPECT_EQ(By("nvidia", Format::kE5M2, 1e9f), 0x7Bu);
  EXPECT_EQ(By("nvidia", Format::kE2M1FN, -kNan), 0x7u);
  EXPECT_EQ(By("nvidia", Format::kE3M2FN, -kNan), 0x1Fu);
  EXPECT_EQ(By("nvidia", Format::kF16, -kNan), 0x7FFFu);
  EXPECT_EQ(By("nvidia", Format::kBF16, kInf), 0x7F7Fu);
}

TEST(Conventions, NvidiaWithoutSaturation) {
  EXPECT_EQ(By("nvidia-nosat", Format::kE4M3FN, 1e9f), 0x7Fu);
  EXPECT_EQ(By("nvidia-nosat", Format::kE4M3FN, -kInf), 0xFFu);
  EXPECT_EQ(By("nvidia-nosat", Format::kE4M3FN, -kNan), 0x7Fu);
  EXPECT_EQ(By("nvidia-nosat", Format::kE5M2, -1e9f), 0xFCu);
  EXPECT_EQ(By("nvidia-nosat", Format::kE5M2, -kNan), 0x7Fu);
}

TEST(Conventions, MlDtypes) {
  EXPECT_EQ(By("ml_dtypes", Format::kE4M3FN, kInf), 0x7Fu);
  EXPECT_EQ(By("ml_dtypes", Format::kE4M3FN, -kNan), 0xFFu);
  EXPECT_EQ(By("ml_dtypes", Format::kE5M2, -kNan), 0xFEu);
  EXPECT_EQ(By("ml_dtypes", Format::kE4M3, kNan), 0x7Cu);
  EXPECT_EQ(By("ml_dtypes", Format::kE3M4, -kNan), 0xF8u);
  EXPECT_EQ(By("ml_dtypes", Format::kE5M2FNUZ, 1e9f), 0x80u);
  EXPECT_EQ(By("ml_dtypes", Format::kE2M1FN, kNan), 0x8u);
  EXPECT_EQ(By("ml_dtypes", Format::kE2M3FN, -kNan), 0x0u);
  EXPECT_EQ(By("ml_dtypes", Format::kE2M3FN, -kInf), 0x3Fu);
}

TEST(Conventions, Cutlass) {
  EXPECT_EQ(By("cutlass", Format::kE5M2, 1e9f), 0x7Cu);
  EXPECT_EQ(By("cutlass", Format::kE5M2, -kNan), 0xFFu);
  EXPECT_EQ(By("cutlass", Format::kE4M3FN, kInf), 0x7Eu);
  EXPECT_EQ(By("cutlass", Format::kE4M3FN, kNan), 0x7Fu);
  EXPECT_EQ(By("cutlass", Format::kE2M1FN, -kNan), 0xFu);
}

TEST(Conventions, Amd) {
  EXPECT_EQ(By("amd", Format::kE4M3FNUZ, 1e9f), 0x7Fu);
  EXPECT_EQ(By("amd", Format::kE4M3FNUZ, -1e9f), 0xFFu);
  EXPECT_EQ(By("amd", Format::kE4M3FNUZ, kInf), 0x80u);
  EXPECT_EQ(By("amd", Format::kE5M2FNUZ, kNan), 0x80u);
}

TEST(Conventions, OcpAndTrainium) {
  EXPECT_EQ(By("ocp", Format::kE5M2, kInf), 0x7Bu);
  EXPECT_EQ(By("ocp", Format::kE2M1FN, -kInf), 0xFu);
  EXPECT_EQ(By("trainium", Format::kE4M3, -1e9f), 0xF7u);
  EXPECT_EQ(By("trainium", Format::kE4M3FN, 1e9f), 0x7Eu);
}

template <class Body>
void ExpectError(ErrorCode code, std::initializer_list<const char*> words,
                 const Body& body) {
  try {
    body();
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    for (const char* word : words) {
      EXPECT_NE(std::string(e.what()).find(word), std::string::npos)
          << "'" << e.what() << "' lacks '" << word << "'";
    }
  }
}

TEST(Conventions, NothingIsGuessed) {
  ExpectError(ErrorCode::kUnknownName,
              {"'intel'",
               "known: nvidia nvidia-nosat ocp ml_dtypes cutlass amd trainium"},
              [] { FindConvention("intel", Format::kE4M3FN); });
  ExpectError(ErrorCode::kUnsupported,
              {"'amd'", "about e4m3fn", "e4m3fnuz e5m2fnuz"}, [] {
                // The OCP formats of later AMD chips are another convention.
                FindConvention("amd", Format::kE4M3FN);
              });
  ExpectError(ErrorCode::kUnsupported, {"'ml_dtypes'", "about e8m0fnu"},
              [] { FindConvention("ml_dtypes", Format::kE8M0FNU); });
  // 'trainium' is e4m3fn too on Trn3, but e5m2 is not stated.
  ExpectError(ErrorCode::kUnsupported, {"'trainium'", "about e5m2"},
              [] { FindConvention("trainium", Format::kE5M2); });
  ExpectError(ErrorCode::kUnsupported, {"e5m2 by odd", "rne stochastic"},
              [] { FindConvention("nvidia", Format::kE5M2, Rounding::kOdd); });
  ExpectError(ErrorCode::kUnknownName, {"'up'", "rne rz rna ru rd ra odd"},
              [] { FindRounding("up"); });
}

TEST(Conventions, NamesOfRoundingsGoBothWays) {
  for (const std::string_view name : kRoundingNames) {
    EXPECT_EQ(Name(FindRounding(name)), name);
  }
}

}  // namespace
}  // namespace zeroulp
