// SPDX-License-Identifier: Apache-2.0
// All 2^32 binary32 words into three formats, to nearest even and saturating:
// Encode equals the scalar codec, and the codes are those on record.
//
// The scalar codec is too slow to be asked 2^32 times on every target. It is
// asked at the ends of every run of words with one code instead: rounding is
// monotone, so that words between two neighbouring ends have the code of both.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cases.h"
#include "zeroulp/codec.h"
#include "zeroulp/convert.h"

namespace zeroulp {
namespace {

constexpr EncodeRules kRules = {Rounding::kNearestEven, Overflow::kSaturate,
                                NanRule::kKeepSign};

// Words begin ... end have one code.
struct Step {
  uint64_t begin, end;
  uint8_t code;
};

uint8_t CodeOf(Format format, uint64_t word) {
  return static_cast<uint8_t>(Encode(
      format, std::bit_cast<float>(static_cast<uint32_t>(word)), kRules));
}

// The steps from word `begin` to word `end`, whose values are monotone: each
// end is found by bisection, with the scalar codec asked on both sides of it.
void AddSteps(Format format, uint64_t begin, uint64_t end,
              std::vector<Step>& steps) {
  while (begin <= end) {
    const uint8_t code = CodeOf(format, begin);
    uint64_t last = begin, beyond = end + 1;
    while (last + 1 < beyond) {
      const uint64_t middle = last + (beyond - last) / 2;
      (CodeOf(format, middle) == code ? last : beyond) = middle;
    }
    steps.push_back({begin, last, code});
    begin = last + 1;
  }
}

std::vector<Step> AllSteps(Format format) {
  std::vector<Step> steps;
  for (const uint64_t sign : {uint64_t{0}, uint64_t{0x80000000u}}) {
    // Numbers and infinity, then NaN, whose code is one for each sign.
    AddSteps(format, sign, sign + 0x7F800000u, steps);
    AddSteps(format, sign + 0x7F800001u, sign + 0x7FFFFFFFu, steps);
  }
  return steps;
}

TEST(ConvertSteps, EveryCodeIsOneRunOfWords) {
  for (const Format format :
       {Format::kE4M3FN, Format::kE5M2, Format::kE2M1FN}) {
    const std::vector<Step> steps = AllSteps(format);
    const FormatInfo& f = Info(format);
    // Each finite code once, and NaN once for each sign: no code comes back.
    ASSERT_EQ(steps.size(), f.num_finite_codes() + 2);
    uint64_t next = 0;
    for (const Step& step : steps) {
      ASSERT_EQ(step.begin, next);
      next = step.end + 1;
    }
    ASSERT_EQ(next, uint64_t{1} << 32);
  }
}

// FNV-1a, 64 bits, over one code a byte.
constexpr uint64_t kDigestStart = 0xCBF29CE484222325u;
constexpr uint64_t kDigestPrime = 0x00000100000001B3u;

// "name hex" a line, '#' begins a comment.
std::map<std::string, uint64_t> GoldenDigests() {
  std::ifstream file(ZEROULP_SOURCE_DIR "/tests/golden/encode_all_f32.txt");
  EXPECT_TRUE(file.good());
  std::map<std::string, uint64_t> digests;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string name;
    uint64_t digest = 0;
    if (words >> name >> std::hex >> digest) digests[name] = digest;
  }
  return digests;
}

class ConvertSlow : public ::testing::TestWithParam<Format> {};

TEST_P(ConvertSlow, All2To32WordsEqualTheCodecOnEveryTarget) {
  constexpr size_t kChunk = 1 << 18;
  const Format format = GetParam();
  const std::vector<Step> steps = AllSteps(format);
  std::vector<uint32_t> words(kChunk);
  std::vector<uint8_t> codes(kChunk), expected(kChunk);
  const bool nibbles = Info(format).storage_bits == 4;
  const size_t code_bytes = nibbles ? kChunk / 2 : kChunk;
  const MatrixView to = {std::as_writable_bytes(std::span(codes)), format, 1,
                         kChunk, kChunk};
  const ConstMatrixView from = {std::as_bytes(std::span(words)), Format::kF32,
                                1, kChunk, kChunk};
  uint64_t digest = kDigestStart;
  size_t step = 0;
  for (uint64_t begin = 0; begin < uint64_t{1} << 32; begin += kChunk) {
    for (size_t i = 0; i < kChunk; ++i) {
      words[i] = static_cast<uint32_t>(begin + i);
    }
    for (size_t i = 0; i < kChunk;) {
      while (steps[step].end < begin + i) ++step;
      const size_t end = static_cast<size_t>(
          std::min<uint64_t>(kChunk, steps[step].end + 1 - begin));
      std::fill(expected.begin() + static_cast<ptrdiff_t>(i),
                expected.begin() + static_cast<ptrdiff_t>(end),
                steps[step].code);
      i = end;
    }
    for (const uint8_t code : expected) {
      digest = (digest ^ code) * kDigestPrime;
    }
    if (nibbles) {
      for (size_t i = 0; i < code_bytes; ++i) {
        expected[i] =
            static_cast<uint8_t>(expected[2 * i] | expected[2 * i + 1] << 4);
      }
    }
    testing::ForEachTarget([&](const char* target) {
      Encode(from, to, {.rules = kRules});
      ASSERT_EQ(std::memcmp(codes.data(), expected.data(), code_bytes), 0)
          << Info(format).name << " on " << target << ", words from 0x"
          << std::hex << begin;
    });
    if (HasFatalFailure()) return;
  }
  const std::string name(Info(format).name);
  EXPECT_EQ(digest, GoldenDigests()[name]) << name << " " << std::hex << digest;
}

INSTANTIATE_TEST_SUITE_P(Formats, ConvertSlow,
                         ::testing::Values(Format::kE4M3FN, Format::kE5M2,
                                           Format::kE2M1FN),
                         [](const auto& instance) {
                           return std::string(Info(instance.param).name);
                         });

}  // namespace
}  // namespace zeroulp
