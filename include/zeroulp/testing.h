// SPDX-License-Identifier: Apache-2.0
// For your own tests, with GoogleTest and GoogleMock: matchers of words, and
// verification bundles as test cases.
//
//   #include "zeroulp/testing.h"
//
//   TEST(Layer, GivesTheWordsOfAnH100) {
//     EXPECT_THAT(MyLayer(input), zeroulp::BitEqual(recorded));
//     EXPECT_THAT(MyFasterLayer(input), zeroulp::WithinUlp(1, recorded));
//   }
//   ZEROULP_INSTANTIATE_BUNDLE_TESTS(Recorded, "testdata/bundles");
//
// The matchers need library zeroulp::zeroulp, the bundles zeroulp::io as well.
// No other header of zeroulp includes this one.
#ifndef ZEROULP_TESTING_H_
#define ZEROULP_TESTING_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <concepts>
#include <filesystem>
#include <optional>
#include <ostream>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include "zeroulp/bundle.h"
#include "zeroulp/compare.h"
#include "zeroulp/diagnose.h"
#include "zeroulp/error.h"
#include "zeroulp/view.h"

namespace zeroulp {

// How GoogleTest prints a view: "4 x 5 f32".
inline void PrintTo(const ConstMatrixView& view, std::ostream* out) {
  *out << view.rows << " x " << view.cols << " " << Info(view.format).name;
}
inline void PrintTo(const MatrixView& view, std::ostream* out) {
  PrintTo(ConstMatrixView(view), out);
}

namespace internal {

// std::vector<float>, std::array<float, N>, std::span<const float>, float[N].
template <class T>
concept FloatRange =
    std::ranges::contiguous_range<T> && std::ranges::sized_range<T> &&
    std::same_as < std::ranges::range_value_t<T>,
float > ;

// What is compared: words, and whether they have the shape of a matrix or are
// a range, which takes the shape of the other side.
struct Words {
  ConstMatrixView view;
  bool is_range = false;
};

inline Words WordsOf(const ConstMatrixView& view) { return {view}; }
inline Words WordsOf(const MatrixView& view) { return {view}; }
template <FloatRange Range>
Words WordsOf(const Range& range) {
  const auto count = static_cast<int64_t>(std::ranges::size(range));
  return {F32View(std::span<const float>(range), 1, count), true};
}

// The range in the shape of `other`, if it has as many elements.
inline ConstMatrixView Shaped(const Words& words,
                              const ConstMatrixView& other) {
  ConstMatrixView view = words.view;
  if (words.is_range && view.cols == other.rows * other.cols) {
    view.rows = other.rows;
    view.cols = view.row_stride = other.cols;
  }
  return view;
}

// A copy of the expected words, which may be gone when a matcher is asked.
class OwnWords {
 public:
  explicit OwnWords(const Words& words)
      : bytes_(words.view.bytes.begin(), words.view.bytes.end()),
        words_(words) {}

  Words get() const {
    Words words = words_;
    words.view.bytes = bytes_;
    return words;
  }

 private:
  std::vector<std::byte> bytes_;
  Words words_;
};

// `max_ulps` empty: the same words.
class WordMatcher {
 public:
  using is_gtest_matcher = void;

  WordMatcher(const Words& expected, std::optional<uint64_t> max_ulps)
      : expected_(expected), max_ulps_(max_ulps) {}

  template <class Actual>
  bool MatchAndExplain(const Actual& actual,
                       testing::MatchResultListener* listener) const {
    return Compare(WordsOf(actual), listener);
  }

  void DescribeTo(std::ostream* out) const { Describe("is", out); }
  void DescribeNegationTo(std::ostream* out) const { Describe("isn't", out); }

 private:
  bool Compare(const Words& actual,
               testing::MatchResultListener* listener) const {
    const Words expected = expected_.get();
    try {
      const BitReport report = CompareBits(Shaped(expected, actual.view),
                                           Shaped(actual, expected.view));
      const bool matches = max_ulps_ ? report.nan_mismatches == 0 &&
                                           report.max_ulps <= *max_ulps_
                                     : report.exact();
      if (!report.exact()) *listener << "\n" << ToString(report);
      return matches;
    } catch (const Error& error) {
      *listener << error.what();
      return false;
    }
  }

  void Describe(const char* is, std::ostream* out) const {
    *out << is << " ";
    if (max_ulps_) {
      *out << "within " << *max_ulps_ << " ulp of ";
    } else {
      *out << "bit for bit equal to ";
    }
    PrintTo(expected_.get().view, out);
  }

  OwnWords expected_;
  std::optional<uint64_t> max_ulps_;
};

}  // namespace internal

// Matches ranges of float and matrix views of any format that have the words
// `expected` has, a range or a view: NaN equals NaN with the same payload only,
// and +0 differs from -0. A range matches a view with as many elements. Copies
// `expected`. A failure says how many words differ, where the first is, and how
// far they are apart.
template <class Expected>
internal::WordMatcher BitEqual(const Expected& expected) {
  return {internal::WordsOf(expected), std::nullopt};
}

// The same with up to `ulps` representable values from one word to the other;
// infinity comes after the largest finite value, +0 and -0 are the same. NaN
// still matches its own word only.
template <class Expected>
internal::WordMatcher WithinUlp(uint64_t ulps, const Expected& expected) {
  return {internal::WordsOf(expected), ulps};
}

// What a bundle test accepts beside exactness.
struct BundleTestOptions {
  bool allow_assumed = false;  // arithmetic that no evidence backs
  ComputeOptions compute = {};
};

namespace internal {

// The bundles of a folder, sorted; the folder itself if there are none, so that
// a test fails rather than disappears.
inline std::vector<std::string> BundlesIn(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".safetensors") {
      paths.push_back(entry.path().string());
    }
  }
  std::sort(paths.begin(), paths.end());
  if (paths.empty()) paths.push_back(folder);
  return paths;
}

// Letters and digits of the file's name; the number keeps names apart.
inline std::string BundleTestName(
    const testing::TestParamInfo<std::string>& info) {
  std::string name = std::filesystem::path(info.param).stem().string();
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return std::to_string(info.index) + "_" + name;
}

inline testing::AssertionResult VerifyBundle(const std::string& path,
                                             const BundleTestOptions& options) {
  if (std::filesystem::is_directory(path) || !std::filesystem::exists(path)) {
    return testing::AssertionFailure()
           << path << ": no *.safetensors files are there";
  }
  try {
    const Bundle bundle = ReadBundle(path);
    const ArithInfo& arith = ArithOf(bundle, options.compute);
    if (arith.evidence == Evidence::kAssumed && !options.allow_assumed) {
      return testing::AssertionFailure()
             << path << ": " << arith.name
             << " is assumed, no evidence backs it; allow_assumed accepts that";
    }
    const VerifyResult result = Verify(bundle, options.compute);
    if (result.exact()) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << path << ": " << result.mismatches << " of " << result.values
           << " values differ from " << arith.name << "\n"
           << ToString(bundle, result,
                       Diagnose(bundle, result, options.compute));
  } catch (const Error& error) {
    return testing::AssertionFailure() << error.what();
  }
}

}  // namespace internal
}  // namespace zeroulp

// A test suite `name` with one test for each *.safetensors file in `directory`
// (an expression, evaluated when tests are registered): its result words are
// computed again, and the test fails with a diagnosis unless all bits agree. An
// empty folder fails. At namespace scope; what follows initialises a
// BundleTestOptions: .allow_assumed = true.
#define ZEROULP_INSTANTIATE_BUNDLE_TESTS(name, directory, ...)        \
  class name : public ::testing::TestWithParam<std::string> {};       \
  TEST_P(name, IsReproduced) {                                        \
    EXPECT_TRUE(::zeroulp::internal::VerifyBundle(                    \
        GetParam(), ::zeroulp::BundleTestOptions{__VA_ARGS__}));      \
  }                                                                   \
  INSTANTIATE_TEST_SUITE_P(                                           \
      Bundles, name,                                                  \
      ::testing::ValuesIn(::zeroulp::internal::BundlesIn(directory)), \
      ::zeroulp::internal::BundleTestName)

#endif  // ZEROULP_TESTING_H_
