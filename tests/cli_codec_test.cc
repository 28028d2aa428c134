// SPDX-License-Identifier: Apache-2.0
// encode and decode as streams: every format, rounding and preset against the
// scalar codec, and the same bits however the input arrives.
#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include "tests/cli_run.h"
#include "zeroulp/codec.h"
#include "zeroulp/conventions.h"
#include "zeroulp/random.h"

namespace zeroulp {
namespace {

using testing::HasSubstr;

class CliCodecTest : public CliRun {};

template <typename Word>
std::string Bytes(const std::vector<Word>& words) {
  return {reinterpret_cast<const char*>(words.data()),
          words.size() * sizeof(Word)};
}

// All exponents, all signs, and the specials.
std::vector<float> Values(size_t count) {
  std::mt19937 random(7);
  std::vector<float> values;
  for (size_t i = 0; i < count; ++i) {
    const auto word = static_cast<uint32_t>(random());
    const bool near_one = i % 2 == 0;  // where narrow formats live
    values.push_back(std::bit_cast<float>(
        near_one ? (word & 0x87FFFFFFu) | 0x38000000u : word));
  }
  return values;
}

std::string Codes(const FormatInfo& format, const std::vector<float>& values,
                  const EncodeRules& rules, std::optional<uint64_t> seed) {
  std::string codes;
  for (size_t i = 0; i < values.size(); ++i) {
    RandomBits random;
    if (seed) random.bits = RandomWord(*seed, i);
    uint32_t code = Encode(format.id, values[i], rules, random);
    if (format.id == Format::kTF32) code <<= 13;
    const auto size = static_cast<size_t>(std::max(8, format.storage_bits) / 8);
    codes.append(reinterpret_cast<const char*>(&code), size);
  }
  return codes;
}

TEST_F(CliCodecTest, EveryFormatAndRoundingIsTheScalarCodecs) {
  const std::vector<float> values = Values(3001);
  const std::string input = Bytes(values);
  for (const FormatInfo& format : kFormats) {
    for (const std::string_view rounding : kRoundingNames) {
      const bool stochastic = rounding == "stochastic";
      if (stochastic && format.id == Format::kF32) continue;
      if (stochastic && format.id == Format::kE8M0FNU) continue;
      const std::string arguments =
          "encode --to " + std::string(format.name) + " --overflow ieee" +
          (stochastic ? " --rounding sr --seed 9"
                      : " --rounding " + std::string(rounding));
      const Outcome outcome = Run(arguments, input);
      ASSERT_EQ(outcome.code, 0) << outcome.err;
      const EncodeRules rules = {FindRounding(rounding), Overflow::kIeee, {}};
      EXPECT_EQ(outcome.out == Codes(format, values, rules,
                                     stochastic ? std::optional<uint64_t>(9)
                                                : std::nullopt),
                true)
          << arguments;
    }
  }
}

TEST_F(CliCodecTest, PresetsAreTheConventions) {
  const std::vector<float> values = Values(3001);
  const std::string input = Bytes(values);
  for (const Convention& row : kConventions) {
    for (const FormatInfo& format : kFormats) {
      if (!row.targets.contains(format.id)) continue;
      const std::string arguments = "encode --to " + std::string(format.name) +
                                    " --preset " + std::string(row.name);
      const Outcome outcome = Run(arguments, input);
      ASSERT_EQ(outcome.code, 0) << outcome.err;
      EXPECT_EQ(outcome.out == Codes(format, values,
                                     ConventionRules(row.name, format.id), {}),
                true)
          << arguments;
    }
  }
}

TEST_F(CliCodecTest, HalvesGoInAndOut) {
  for (const FormatInfo& half : {Info(Format::kF16), Info(Format::kBF16)}) {
    std::vector<uint16_t> words;
    std::vector<float> values;
    for (uint32_t code = 0; code < 0x10000; ++code) {
      words.push_back(static_cast<uint16_t>(code));
      values.push_back(Decode(half, code));
    }
    const std::string name(half.name);
    const Outcome encoded =
        Run("encode --to e4m3fn --from-dtype " + name, Bytes(words));
    ASSERT_EQ(encoded.code, 0) << encoded.err;
    EXPECT_EQ(encoded.out == Codes(Info(Format::kE4M3FN), values, {}, {}),
              true);
    std::string all_codes;
    std::vector<uint16_t> expected;
    for (uint32_t code = 0; code < 256; ++code) {
      all_codes.push_back(static_cast<char>(code));
      expected.push_back(static_cast<uint16_t>(
          Encode(half.id, Decode(Format::kE4M3FN, code), EncodeRules{})));
    }
    const Outcome decoded =
        Run("decode --from e4m3fn --to-dtype " + name, all_codes);
    EXPECT_EQ(decoded.out == Bytes(expected), true) << decoded.err;
  }
}

// Longer than two chunks, in pieces of 4099 bytes through a pipe: the random
// bits belong to the element, not to its place in a read.
TEST_F(CliCodecTest, StochasticBitsDoNotDependOnPieces) {
  const std::vector<float> values = Values((size_t{1} << 21) + 77);
  Spill(folder_ / "in", Bytes(values));
  const std::string encode = "$Z encode --to e2m1fn --rounding sr --seed 5";
  const Outcome whole = Shell(encode + " --threads 1 <in");
  ASSERT_EQ(whole.code, 0) << whole.err;
  const Outcome pieces = Shell("dd if=in bs=4099 2>/dev/null | " + encode);
  EXPECT_EQ(pieces.out == whole.out, true);
  const EncodeRules rules = {Rounding::kStochastic, {}, {}};
  EXPECT_EQ(whole.out == Codes(Info(Format::kE2M1FN), values, rules, 5), true);
  EXPECT_NE(Shell("$Z encode --to e2m1fn --rounding sr --seed 6 <in").out ==
                whole.out,
            true);
}

TEST_F(CliCodecTest, HeldBackOutputLargerThanMemoryIsWhole) {
  const std::string zeros = "head -c 83886080 /dev/zero";
  EXPECT_EQ(Shell(zeros + " | $Z encode --to e5m2 | wc -c").out, "20971520\n");
  EXPECT_THAT(Refusal("{ " + zeros + "; printf x; } | $Z encode --to e5m2"),
              HasSubstr("83886081 bytes, which is no multiple of 4"));
}

TEST_F(CliCodecTest, RefusalsWriteNothing) {
  const std::string one(4, '\0');
  EXPECT_THAT(Refusal("$Z encode --to e5m2 --rounding sr", one),
              HasSubstr("--rounding sr needs --seed"));
  EXPECT_THAT(Refusal("$Z encode --to e5m2 --seed 1", one),
              HasSubstr("--seed is for --rounding sr, not for rne"));
  EXPECT_THAT(Refusal("$Z encode --to e5m2 --rounding sr --seed -3", one),
              HasSubstr("--seed: -3 must not be negative"));
  EXPECT_THAT(Refusal("$Z encode --to e5m2 --preset none", one),
              HasSubstr("known: nvidia nvidia-nosat ocp ml_dtypes"));
  EXPECT_THAT(Refusal("$Z encode --to e3m4 --preset nvidia", one),
              HasSubstr("states nothing about e3m4, only about"));
  EXPECT_THAT(Refusal("$Z encode --to e5m2 --from-dtype f64", one),
              HasSubstr("known: f32 f16 bf16"));
  EXPECT_THAT(Refusal("$Z encode --to e5m2 --from-dtype bf16", "abc"),
              HasSubstr("no multiple of 2, the size of a bfloat16"));
  EXPECT_THAT(Refusal("cat | $Z encode --to e2m1fn --packed", one),
              HasSubstr("an even number of values, the input has 1"));
  EXPECT_THAT(Refusal("cat | $Z decode --from bf16", "abc"),
              HasSubstr("no multiple of 2, the size of a bf16 code"));
  EXPECT_THAT(Refusal("cat | $Z decode --from e3m2fn", "\x01\x40"),
              HasSubstr("byte 1 is 0x40, e3m2fn codes end at 0x3f"));
  Refusal("$Z decode --from e8m0fnu --to-dtype f16", "a");
}

}  // namespace
}  // namespace zeroulp
