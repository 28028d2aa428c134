// SPDX-License-Identifier: Apache-2.0
// Mirrors include/zeroulp/testing.h.
#include "zeroulp/testing.h"

#include <gtest/gtest-spi.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <span>
#include <vector>

#include "zeroulp/codec.h"

namespace zeroulp {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr float kOne = 1.0f;
constexpr float kNext = std::bit_cast<float>(0x3F800001u);

// What a failing EXPECT_THAT would print of the match.
template <class Matcher, class Actual>
std::string Explanation(const Matcher& matcher, const Actual& actual) {
  testing::StringMatchResultListener listener;
  EXPECT_FALSE(matcher.MatchAndExplain(actual, &listener));
  return listener.str();
}

TEST(BitEqual, ComparesWordsNotValues) {
  const std::vector<float> x = {kOne, 0.0f, NAN};
  EXPECT_THAT(x, BitEqual(x));
  EXPECT_THAT(std::span(x), BitEqual(x));
  EXPECT_THAT(x, Not(BitEqual(std::vector<float>{kOne, -0.0f, NAN})));
  EXPECT_THAT(x, Not(BitEqual(std::vector<float>{kNext, 0.0f, NAN})));
  const std::vector<float> payload = {kOne, 0.0f,
                                      std::bit_cast<float>(0x7FC00001u)};
  EXPECT_THAT(x, Not(BitEqual(payload)));
}

TEST(BitEqual, KeepsACopyOfWhatIsExpected) {
  std::vector<float> expected = {kOne};
  const auto matcher = BitEqual(expected);
  expected[0] = 2.0f;
  EXPECT_THAT((std::vector<float>{kOne}), matcher);
}

TEST(BitEqual, ViewsAndRangesMeetInTheShapeOfTheView) {
  std::vector<float> x = {1, 2, 3, 4, 5, 6};
  const MatrixView view = F32View(std::span(x), 2, 3);
  EXPECT_THAT(view, BitEqual(x));
  EXPECT_THAT(x, BitEqual(view));
  EXPECT_THAT(view, BitEqual(ConstMatrixView(view)));
  const float array[] = {1, 2, 3, 4, 5, 7};
  EXPECT_THAT(Explanation(BitEqual(array), view),
              HasSubstr("row 1, column 2: expected 0x40e00000 (7), actual "
                        "0x40c00000 (6)"));
  EXPECT_THAT(Explanation(BitEqual(F32View(std::span(x), 3, 2)), view),
              HasSubstr("shapes must be equal"));
  EXPECT_THAT(Explanation(BitEqual(x), std::vector<float>{1}),
              HasSubstr("shapes must be equal"));
}

TEST(BitEqual, TakesViewsOfEveryFormat) {
  const std::vector<uint8_t> x = {0x21, 0x43}, y = {0x21, 0x53};
  const ConstMatrixView view = CodesView(x, Format::kE2M1FN, 1, 4);
  EXPECT_THAT(view, BitEqual(view));
  EXPECT_THAT(Explanation(BitEqual(view), CodesView(y, Format::kE2M1FN, 1, 4)),
              HasSubstr("column 3: expected 0x4 (2), actual 0x5 (3), 1 ulp"));
  EXPECT_THAT(Explanation(BitEqual(view), CodesView(x, Format::kE3M2FN, 1, 2)),
              HasSubstr("must be equal"));
}

TEST(BitEqual, FailuresCarryTheReport) {
  const std::vector<float> x = {kOne, kOne, 2}, y = {kOne, kNext, 2};
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(y, BitEqual(x)),
                          "is bit for bit equal to 1 x 3 f32");
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(y, BitEqual(x)),
                          "3 values  1 mismatches  DIFFERS");
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(y, BitEqual(x)),
                          "differences: 1 of 1 ulp");
}

TEST(WithinUlp, CountsRepresentableValues) {
  const std::vector<float> one = {kOne}, next = {kNext};
  EXPECT_THAT(next, WithinUlp(1, one));
  EXPECT_THAT(next, Not(WithinUlp(0, one)));
  EXPECT_THAT(std::vector<float>{-0.0f}, WithinUlp(0, std::vector{0.0f}));
  EXPECT_THAT(std::vector<float>{INFINITY},
              WithinUlp(1, std::vector{std::numeric_limits<float>::max()}));
  EXPECT_THAT(std::vector<float>{NAN}, WithinUlp(0, std::vector<float>{NAN}));
  EXPECT_THAT(std::vector<float>{NAN}, Not(WithinUlp(1000, one)));
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(next, WithinUlp(0, one)),
                          "is within 0 ulp of 1 x 1 f32");
}

// Folders of bundles, made before GoogleTest asks for their names.
class Folders {
 public:
  Folders() {
    std::string name = (fs::temp_directory_path() / "zeroulpXXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    root_ = name;
    fs::create_directory(root_ / "good");
    fs::create_directory(root_ / "assumed");
    fs::create_directory(root_ / "empty");
    Bundle bundle;
    bundle.arith = "chain.f32";
    bundle.a = BundleMatrix::Zeros(Format::kE5M2, Dtype::kF8E5M2, 1, 2, 3);
    bundle.b_t = BundleMatrix::Zeros(Format::kE5M2, Dtype::kF8E5M2, 1, 4, 3);
    bundle.d = Compute(bundle).d;
    WriteBundle((root_ / "good/a-b.safetensors").string(), bundle);
    WriteBundle((root_ / "good/c.safetensors").string(), bundle);
    bundle.arith = "trainium.f32";
    WriteBundle((root_ / "assumed/d.safetensors").string(), bundle);
    bundle.arith = "chain.f32";
    WriteCode(bundle.d->View(0), 1, 2, 0x3F800000u);
    WriteBundle((root_ / "bad.safetensors").string(), bundle);
  }
  ~Folders() { fs::remove_all(root_); }
  Folders(const Folders&) = delete;
  Folders& operator=(const Folders&) = delete;

  static std::string Path(const std::string& name) {
    static const Folders folders;
    return (folders.root_ / name).string();
  }

 private:
  fs::path root_;
};

ZEROULP_INSTANTIATE_BUNDLE_TESTS(RecordedBundles, Folders::Path("good"));
ZEROULP_INSTANTIATE_BUNDLE_TESTS(AssumedBundles, Folders::Path("assumed"),
                                 .allow_assumed = true);

std::string Failure(const std::string& name) {
  const testing::AssertionResult result =
      internal::VerifyBundle(Folders::Path(name), {});
  EXPECT_FALSE(result) << name;
  return result.message();
}

TEST(BundleTests, FailWithADiagnosis) {
  EXPECT_THAT(Failure("bad.safetensors"),
              testing::AllOf(HasSubstr("1 of 8 values differ from chain.f32"),
                             HasSubstr("batch 0 row 1 column 2"),
                             HasSubstr("accumulator of"),
                             HasSubstr("hypotheses explains it")));
}

TEST(BundleTests, RefuseWhatProvesNothing) {
  EXPECT_THAT(Failure("assumed/d.safetensors"), HasSubstr("is assumed"));
  EXPECT_THAT(Failure("empty"), HasSubstr("no *.safetensors files are there"));
  EXPECT_THAT(Failure("none"), HasSubstr("no *.safetensors files are there"));
  EXPECT_EQ(internal::BundlesIn(Folders::Path("empty")),
            std::vector{Folders::Path("empty")});
}

TEST(BundleTests, AreNamedAfterTheirFiles) {
  EXPECT_EQ(internal::BundlesIn(Folders::Path("good")),
            (std::vector{Folders::Path("good/a-b.safetensors"),
                         Folders::Path("good/c.safetensors")}));
  EXPECT_EQ(internal::BundleTestName({"x/a-b.safetensors", 3}), "3_a_b");
}

}  // namespace
}  // namespace zeroulp
