// SPDX-License-Identifier: Apache-2.0
// Encode, Decode and Reencode of arrays on every SIMD target, against the
// scalar codec.
#include "zeroulp/convert.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/cases.h"
#include "tests/convert_cases.h"
#include "zeroulp/conventions.h"
#include "zeroulp/random.h"

namespace zeroulp {
namespace {

using testing::ForEachTarget;
using testing::kCanary;
using testing::Matrix;

float ValueAt(const ConstMatrixView& view, int64_t row, int64_t col) {
  const uint32_t code = ReadCode(view, row, col);
  // Decode would make every NaN the canonical one.
  return view.format == Format::kF32 ? std::bit_cast<float>(code)
                                     : Decode(view.format, code);
}

RandomBits BitsAt(const RandomSource& random, Format target, int64_t cols,
                  int64_t row, int64_t col) {
  const RandomLayout& layout = FindRandomLayout(random.layout, target);
  const int64_t per_row = (cols + layout.elements - 1) / layout.elements;
  const auto index =
      static_cast<uint64_t>(row * per_row + col / layout.elements);
  const uint32_t word = random.seed.has_value()
                            ? RandomWord(*random.seed, index)
                            : random.words[index];
  return {word >> layout.shifts[static_cast<size_t>(col % layout.elements)],
          layout.width};
}

// What Encode must write, by the scalar codec.
void EncodeByTheCodec(const ConstMatrixView& source, Matrix& codes,
                      const EncodeOptions& options) {
  codes.Reset();
  codes.ZeroPadNibbles();
  const Format target = codes.view().format;
  for (int64_t row = 0; row < source.rows; ++row) {
    for (int64_t col = 0; col < source.cols; ++col) {
      RandomBits bits = {};
      if (options.rules.rounding == Rounding::kStochastic) {
        bits = BitsAt(options.random, target, source.cols, row, col);
      }
      WriteCode(codes.view(), row, col,
                Encode(target, ValueAt(source, row, col), options.rules, bits));
    }
  }
}

// All bytes, canaries and gaps between rows included, on every target.
void ExpectEncodesLikeTheCodec(const Matrix& source, Matrix& codes,
                               const EncodeOptions& options,
                               const std::string& what) {
  EncodeByTheCodec(source.view(), codes, options);
  const std::vector<std::byte> expected = codes.bytes();
  ForEachTarget([&](const char* target) {
    codes.Reset();
    Encode(source.view(), codes.view(), options);
    if (codes.bytes() == expected) return;
    const auto at =
        std::mismatch(expected.begin(), expected.end(), codes.bytes().begin());
    ADD_FAILURE() << Info(source.view().format).name << " to "
                  << Info(codes.view().format).name << " " << codes.view().rows
                  << "x" << codes.view().cols << ", "
                  << Name(options.rules.rounding) << " overflow "
                  << static_cast<int>(options.rules.overflow) << " nan "
                  << static_cast<int>(options.rules.nan) << " on " << target
                  << " " << what << ": byte " << at.first - expected.begin()
                  << " is " << std::to_integer<int>(*at.second) << ", expected "
                  << std::to_integer<int>(*at.first);
  });
}

void ExpectDecodesLikeTheCodec(const Matrix& codes, Matrix& values,
                               const std::string& what) {
  values.Reset();
  const ConstMatrixView view = codes.view();
  for (int64_t row = 0; row < view.rows; ++row) {
    for (int64_t col = 0; col < view.cols; ++col) {
      const float value = Decode(view.format, ReadCode(view, row, col));
      // Exact in every target format that Decode accepts.
      WriteCode(values.view(), row, col,
                Encode(values.view().format, value,
                       EncodeRules{Rounding::kTowardZero, Overflow::kIeee}));
    }
  }
  const std::vector<std::byte> expected = values.bytes();
  ForEachTarget([&](const char* target) {
    values.Reset();
    Decode(codes.view(), values.view());
    EXPECT_TRUE(values.bytes() == expected)
        << Info(view.format).name << " to " << Info(values.view().format).name
        << " " << view.rows << "x" << view.cols << " on " << target << " "
        << what;
  });
}

bool DecodesTo(const FormatInfo& f, Format to) {
  return to == Format::kF32 ||
         (f.bits <= 8 && (to == Format::kBF16 || f.has_zero));
}

std::vector<Format> Targets(Format source) {
  std::vector<Format> formats;
  for (const FormatInfo& f : kFormats) {
    if (f.id != Format::kF32 && f.id != source) formats.push_back(f.id);
  }
  return formats;
}

std::vector<uint32_t> AllCodes(const FormatInfo& f) {
  // Of tf32, a stride through them and the ends.
  const uint64_t step = f.bits <= 16 ? 1 : 7;
  std::vector<uint32_t> codes;
  for (uint64_t c = 0; c < f.num_codes(); c += step) {
    codes.push_back(static_cast<uint32_t>(c));
  }
  codes.push_back(static_cast<uint32_t>(f.num_codes() - 1));
  return codes;
}

std::vector<uint32_t> Words(const std::vector<float>& values) {
  std::vector<uint32_t> words;
  for (const float x : values) words.push_back(std::bit_cast<uint32_t>(x));
  return words;
}

TEST(Convert, EveryCodeOfEveryFormatDecodes) {
  for (const FormatInfo& f : kFormats) {
    if (f.id == Format::kF32) continue;
    const std::vector<uint32_t> codes = AllCodes(f);
    // Twice, so that every code is in a whole block and in a tail.
    const auto count = static_cast<int64_t>(2 * codes.size() + 1);
    for (const Format to : {Format::kF32, Format::kBF16, Format::kF16}) {
      if (!DecodesTo(f, to)) continue;
      Matrix in(f.id, 1, count), out(to, 1, count);
      in.Fill(codes);
      ExpectDecodesLikeTheCodec(in, out, "");
    }
  }
}

TEST(Convert, BitsAboveACodeAreIgnored) {
  for (const FormatInfo& f : kFormats) {
    if (f.storage_bits != 8 || f.bits == 8) continue;
    std::vector<uint8_t> codes(256);
    for (size_t i = 0; i < codes.size(); ++i)
      codes[i] = static_cast<uint8_t>(i);
    std::vector<float> values(codes.size());
    ForEachTarget([&](const char* target) {
      Decode(CodesView(codes, f.id, 1, 256),
             F32View(std::span(values), 1, 256));
      for (uint32_t i = 0; i < 256; ++i) {
        ASSERT_EQ(std::bit_cast<uint32_t>(values[i]),
                  std::bit_cast<uint32_t>(Decode(f, i)))
            << f.name << " on " << target;
      }
    });
  }
}

TEST(Convert, EveryF16AndBF16IntoEveryFormatRoundingAndOverflow) {
  std::vector<uint32_t> random(65536);
  std::mt19937 generator(11);
  for (uint32_t& word : random) word = static_cast<uint32_t>(generator());
  for (const Format source : {Format::kF16, Format::kBF16}) {
    Matrix in(source, 1, 65536);
    in.Fill(AllCodes(Info(source)));
    for (const Format target : Targets(source)) {
      Matrix out(target, 1, 65536);
      for (const Rounding rounding : testing::kRoundings) {
        for (const Overflow overflow : testing::kOverflows) {
          EncodeOptions options;
          options.rules = {rounding, overflow,
                           testing::kNanRules[generator() % 5]};
          if (rounding == Rounding::kStochastic) options.random.words = random;
          ExpectEncodesLikeTheCodec(in, out, options, "");
        }
      }
    }
  }
}

TEST(Convert, F32AroundEveryRoundingBoundaryOfEveryFormat) {
  for (const FormatInfo& f : kFormats) {
    if (f.id == Format::kF32) continue;
    const std::vector<uint32_t> words = Words(testing::BoundaryFloats(f));
    const auto count = static_cast<int64_t>(words.size());
    Matrix in(Format::kF32, 1, count), out(f.id, 1, count);
    in.Fill(words);
    for (const Rounding rounding : testing::kRoundings) {
      for (const Overflow overflow : testing::kOverflows) {
        for (const NanRule nan : testing::kNanRules) {
          EncodeOptions options;
          options.rules = {rounding, overflow, nan};
          if (rounding == Rounding::kStochastic) options.random.seed = 5;
          ExpectEncodesLikeTheCodec(in, out, options, "");
        }
      }
    }
  }
}

TEST(Convert, EveryCountAndAlignment) {
  std::mt19937 generator(12);
  for (int64_t count = 0; count <= 130; ++count) {
    const auto offset = static_cast<size_t>(generator() % 64);
    for (const Format source : {Format::kF32, Format::kF16, Format::kBF16}) {
      const size_t size = source == Format::kF32 ? 4 : 2;
      Matrix in(source, 1, count, 0, offset / size * size);
      std::vector<uint32_t> words(131);
      for (uint32_t& word : words) word = static_cast<uint32_t>(generator());
      in.Fill(words);
      for (const Format target :
           {Format::kE4M3FN, Format::kE2M1FN, Format::kE8M0FNU, Format::kTF32,
            source == Format::kF16 ? Format::kBF16 : Format::kF16}) {
        const auto bytes =
            static_cast<size_t>(Info(target).storage_bits + 7) / 8;
        Matrix out(target, 1, count, 0, (64 - offset) / bytes * bytes % 64);
        for (const Rounding rounding :
             {Rounding::kNearestEven, Rounding::kUp, Rounding::kStochastic}) {
          EncodeOptions options;
          options.rules.rounding = rounding;
          if (rounding == Rounding::kStochastic) options.random.seed = 3;
          ExpectEncodesLikeTheCodec(in, out, options,
                                    "offset " + std::to_string(offset));
        }
        for (const Format to : {Format::kF32, Format::kF16, Format::kBF16}) {
          if (!DecodesTo(Info(target), to)) continue;
          const size_t to_size = to == Format::kF32 ? 4 : 2;
          Matrix values(to, 1, count, 0, offset / to_size * to_size);
          ExpectDecodesLikeTheCodec(out, values,
                                    "offset " + std::to_string(offset));
        }
      }
    }
  }
}

TEST(Convert, StridesOddColumnsAndManyRows) {
  std::mt19937 generator(13);
  std::vector<uint32_t> words(9973);
  for (uint32_t& word : words) word = static_cast<uint32_t>(generator());
  for (const auto& [rows, cols, padding] :
       {std::array{3, 7, 0}, std::array{5, 130, 3}, std::array{300, 33, 1},
        std::array{2, 40000, 5}, std::array{1, 70001, 0}}) {
    Matrix in(Format::kF32, rows, cols, 2 * padding);
    in.Fill(words);
    for (const Format target : {Format::kE5M2, Format::kE2M1FN, Format::kF16}) {
      Matrix out(target, rows, cols, padding);
      for (const Rounding rounding :
           {Rounding::kNearestEven, Rounding::kStochastic}) {
        EncodeOptions options;
        options.rules.rounding = rounding;
        if (rounding == Rounding::kStochastic) options.random.seed = 4;
        ExpectEncodesLikeTheCodec(in, out, options, "");
      }
      Matrix values(Format::kF32, rows, cols, 2 * padding);
      ExpectDecodesLikeTheCodec(out, values, "");
    }
  }
}

// Large enough for threads and for stores that bypass the caches.
TEST(Convert, LargeArraysAndThreads) {
  constexpr int64_t kCols = 16'777'216 + 77;
  std::mt19937 generator(14);
  std::vector<uint32_t> words(99991);
  for (uint32_t& word : words) word = static_cast<uint32_t>(generator());
  Matrix in(Format::kF32, 1, kCols, 0, 4);
  in.Fill(words);
  for (const Format target : {Format::kE4M3FN, Format::kE2M1FN}) {
    Matrix codes(target, 1, kCols, 0, 5), values(Format::kF32, 1, kCols, 0, 12);
    EncodeByTheCodec(in.view(), codes, {});
    const std::vector<std::byte> expected = codes.bytes();
    for (const int threads : {1, 0, 2, 7}) {
      codes.Reset();
      Encode(in.view(), codes.view(), {.threads = threads});
      EXPECT_TRUE(codes.bytes() == expected) << "threads " << threads;
      values.Reset();
      Decode(codes.view(), values.view(), {.threads = threads});
      for (int64_t i = 0; i < kCols; ++i) {
        ASSERT_EQ(ReadCode(values.view(), 0, i),
                  std::bit_cast<uint32_t>(
                      Decode(target, ReadCode(codes.view(), 0, i))));
      }
      EXPECT_EQ(values.bytes().back(), kCanary);
    }
  }
}

TEST(Convert, StochasticBitsDependOnSeedAndElementOnly) {
  constexpr int64_t kRows = 6, kCols = 50'001;
  Matrix dense(Format::kF32, kRows, kCols);
  Matrix strided(Format::kF32, kRows, kCols, 9);
  std::mt19937 generator(15);
  std::vector<uint32_t> words(kRows * kCols);
  for (uint32_t& word : words) {
    word = static_cast<uint32_t>(generator()) % 0x08000000u + 0x3C000000u;
  }
  dense.Fill(words);
  strided.Fill(words);
  for (const char* layout : {"element", "nvidia.cvt.rs"}) {
    EncodeOptions options;
    options.rules.rounding = Rounding::kStochastic;
    options.random = {.seed = 77, .words = {}, .layout = layout};
    Matrix expected(Format::kE4M3FN, kRows, kCols);
    EncodeByTheCodec(dense.view(), expected, options);
    for (const Matrix* in : {&dense, &strided}) {
      for (const int threads : {1, 0, 3}) {
        options.threads = threads;
        Matrix out(Format::kE4M3FN, kRows, kCols);
        ForEachTarget([&](const char* target) {
          Encode(in->view(), out.view(), options);
          EXPECT_TRUE(
              std::ranges::equal(out.view().bytes, expected.view().bytes))
              << layout << " on " << target << " threads " << threads;
        });
      }
    }
  }
}

TEST(Convert, RandomWordsOfEveryLayout) {
  std::vector<uint32_t> random(4000);
  std::mt19937 generator(16);
  for (uint32_t& word : random) word = static_cast<uint32_t>(generator());
  for (const RandomLayout& layout : kRandomLayouts) {
    for (const FormatInfo& f : kFormats) {
      if (!layout.targets.contains(f.id)) continue;
      const std::vector<uint32_t> words = Words(testing::BoundaryFloats(f));
      for (const int64_t cols : {1, 2, 3, 4, 63, 517}) {
        Matrix in(Format::kF32, 7, cols), out(f.id, 7, cols);
        in.Fill(words);
        EncodeOptions options;
        options.rules.rounding = Rounding::kStochastic;
        options.random.words = random;
        options.random.layout = layout.name;
        ExpectEncodesLikeTheCodec(in, out, options, std::string(layout.name));
      }
    }
  }
}

TEST(Convert, CvtRsSharesBitsAsDocumented) {
  // 1 + 1/16 is half way from 1 to 1 1/8 in e4m3fn: it rounds up if and only if
  // the top random bit is set.
  const std::vector<float> values(4, 1.0625f);
  const auto codes = [&](uint32_t word, Format target) {
    std::vector<uint8_t> bytes(8);
    EncodeOptions options;
    options.rules.rounding = Rounding::kStochastic;
    options.random.words = std::span(&word, 1);
    options.random.layout = "nvidia.cvt.rs";
    const ConstMatrixView out = CodesView(bytes, target, 1, 4);
    Encode(F32View(std::span(values), 1, 4),
           {std::as_writable_bytes(std::span(bytes)), target, 1, 4, 4},
           options);
    std::string up;
    for (int64_t i = 3; i >= 0; --i) {  // a, b, e, f
      up += ReadCode(out, 0, i) == Encode(target, 1.0f, EncodeRules{}) ? '0'
                                                                       : '1';
    }
    return up;
  };
  EXPECT_EQ(codes(0x80000000u, Format::kE4M3FN), "1100");
  EXPECT_EQ(codes(0x00008000u, Format::kE4M3FN), "0011");
  EXPECT_EQ(codes(0x7FFF7FFFu, Format::kE4M3FN), "0000");
  // e2m1fn discards 1/8 of a unit: three zero bits, then the random byte's.
  EXPECT_EQ(codes(0xE0000000u, Format::kE2M1FN), "1000");
  EXPECT_EQ(codes(0x0000E000u, Format::kE2M1FN), "0100");
  EXPECT_EQ(codes(0x00E00000u, Format::kE2M1FN), "0010");
  EXPECT_EQ(codes(0x000000E0u, Format::kE2M1FN), "0001");
}

TEST(Convert, CallersFloatingPointEnvironmentChangesNoBitAndIsKept) {
  for (const Format source : {Format::kF32, Format::kF16, Format::kBF16}) {
    const std::vector<uint32_t> codes =
        source == Format::kF32
            ? Words(testing::BoundaryFloats(Info(Format::kE4M3FN)))
            : AllCodes(Info(source));
    const auto count = static_cast<int64_t>(codes.size());
    Matrix in(source, 1, count), values(Format::kF32, 1, count);
    in.Fill(codes);
    for (const Format target : {Format::kE4M3FN, Format::kE2M1FN}) {
      Matrix out(target, 1, count);
      for (const Rounding rounding : testing::kRoundings) {
        EncodeOptions options = {.threads = 1};
        options.rules.rounding = rounding;
        if (rounding == Rounding::kStochastic) options.random.seed = 1;
        EncodeByTheCodec(in.view(), out, options);
        const std::vector<std::byte> expected = out.bytes();
        ForEachTarget([&](const char* name) {
          testing::ForEachFloatEnvironment([&](const char* environment) {
            std::fenv_t before, after;
            std::fegetenv(&before);
            Encode(in.view(), out.view(), options);
            Decode(out.view(), values.view(), {.threads = 1});
            std::fegetenv(&after);
            EXPECT_EQ(std::memcmp(&before, &after, sizeof(before)), 0);
            EXPECT_TRUE(out.bytes() == expected)
                << name << " in " << environment;
          });
        });
      }
    }
  }
}

TEST(Reencode, Fnuz) {
  std::vector<uint8_t> codes(256), halved(256), back(256);
  for (size_t i = 0; i < 256; ++i) codes[i] = static_cast<uint8_t>(i);
  const auto view = [](std::vector<uint8_t>& bytes, Format format) {
    return MatrixView{std::as_writable_bytes(std::span(bytes)), format, 16, 16,
                      16};
  };
  ForEachTarget([&](const char* target) {
    Reencode(view(codes, Format::kE4M3FN), view(halved, Format::kE4M3FNUZ), -1);
    Reencode(view(halved, Format::kE4M3FNUZ), view(back, Format::kE4M3FN), 1);
    for (size_t i = 0; i < 256; ++i) {
      const bool nan = (i & 0x7F) == 0x7F;
      const size_t expected = nan ? 0x80 : i == 0x80 ? 0x00 : i;
      ASSERT_EQ(halved[i], expected) << target;
      ASSERT_EQ(back[i], nan ? 0x7F : expected) << target;
    }
    // Values that e4m3fn does not have: 480 saturates, or is NaN.
    Reencode(view(codes, Format::kE4M3FNUZ), view(back, Format::kE4M3FN), 1);
    EXPECT_EQ(back[0x7F], 0x7E);
    EXPECT_EQ(back[0xFF], 0xFE);
    EncodeOptions ieee;
    ieee.rules.overflow = Overflow::kIeee;
    Reencode(view(codes, Format::kE4M3FNUZ), view(back, Format::kE4M3FN), 1,
             ieee);
    EXPECT_EQ(back[0x7F], 0x7F);
  });
}

TEST(Reencode, EveryPairOfFormats) {
  for (const FormatInfo& from : kFormats) {
    for (const FormatInfo& to : kFormats) {
      if (from.bits > 8 || to.bits > 8 || !from.has_zero || !to.has_zero) {
        continue;
      }
      Matrix in(from.id, 3, 171), out(to.id, 3, 171);
      in.Fill(AllCodes(from));
      for (const int exponent : {0, -3, 5}) {
        EncodeOptions options;
        options.rules.rounding = Rounding::kDown;
        ForEachTarget([&](const char* target) {
          out.Reset();
          Reencode(in.view(), out.view(), exponent, options);
          for (int64_t i = 0; i < 3 * 171; ++i) {
            const float value =
                std::ldexp(ValueAt(in.view(), i / 171, i % 171), exponent);
            ASSERT_EQ(ReadCode(out.view(), i / 171, i % 171),
                      Encode(to, value, Rounding::kDown, Overflow::kSaturate))
                << from.name << " to " << to.name << " on " << target;
          }
        });
      }
    }
  }
}

}  // namespace
}  // namespace zeroulp
