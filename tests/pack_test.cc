// SPDX-License-Identifier: Apache-2.0
// Mirrors kernels/pack.cc: the layout that packed.h states.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/cases.h"
#include "zeroulp/packed.h"

namespace zeroulp {
namespace {

TEST(Pack, EveryCodeIsWhereTheLayoutSaysAndPaddingIsZero) {
  std::mt19937 random(6);
  std::vector<Format> formats = testing::NarrowFormats();
  formats.insert(formats.end(), {Format::kF16, Format::kBF16, Format::kTF32});
  for (const Format format : formats) {
    const FormatInfo& f = Info(format);
    for (const int64_t rows : {0, 1, 15, 16, 17, 33}) {
      for (const int64_t cols : {0, 1, 3, 4, 5, 64, 67}) {
        const int64_t stride = DenseStride(format, cols + 3);
        std::vector<uint32_t> words(
            static_cast<size_t>((rows * stride * f.storage_bits + 31) / 32));
        const MatrixView view = {std::as_writable_bytes(std::span(words)),
                                 format, rows, cols, stride};
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t k = 0; k < cols; ++k) {
            WriteCode(view, r, k,
                      testing::DrawCode(f, testing::Draw::kAny, random));
          }
        }
        const PackedMatrix packed = Pack(ConstMatrixView(view));
        ASSERT_EQ(packed.rows(), rows);
        ASSERT_EQ(packed.cols(), cols);
        ASSERT_EQ(packed.format(), format);
        ASSERT_EQ(packed.scale_block(), 0);
        ASSERT_EQ(reinterpret_cast<uintptr_t>(packed.data()) % 64, 0u);
        // Each quad, 16 rows x 4 bytes, is a matrix of its own.
        const int64_t per_quad = packed.quad_cols();
        const auto bytes = std::as_bytes(
            std::span(packed.data(), static_cast<size_t>(packed.size_bytes())));
        for (int64_t q = 0; q < packed.groups() * packed.quads(); ++q) {
          const Format stored =
              f.storage_bits == 4 ? Format::kE5M2 : format;  // a byte a code
          const ConstMatrixView quad = {
              bytes.subspan(static_cast<size_t>(q) * 64, 64), stored, 16,
              per_quad, per_quad};
          for (int64_t i = 0; i < 16 * per_quad; ++i) {
            const int64_t row = q / packed.quads() * 16 + i / per_quad;
            const int64_t k = q % packed.quads() * per_quad + i % per_quad;
            const uint32_t expected =
                row < rows && k < cols ? ReadCode(view, row, k) : 0;
            ASSERT_EQ(ReadCode(quad, i / per_quad, i % per_quad), expected)
                << f.name << " row " << row << " k " << k;
          }
        }
      }
    }
  }
}

TEST(Pack, EveryRowHasItsScales) {
  const std::vector<uint8_t> codes(18 * 70, 1);
  std::vector<uint8_t> scales(9 * 5);
  for (size_t i = 0; i < scales.size(); ++i)
    scales[i] = static_cast<uint8_t>(i);
  const PackedMatrix packed =
      Pack({CodesView(codes, Format::kE5M2, 18, 70),
            {CodesView(scales, Format::kE8M0FNU, 9, 5), 16, 2}});
  ASSERT_EQ(packed.scale_block(), 16);
  ASSERT_EQ(packed.scale_format(), Format::kE8M0FNU);
  ASSERT_EQ(packed.scale_bytes(), 2 * 5 * 16);
  for (int64_t i = 0; i < packed.scale_bytes(); ++i) {
    const int64_t row = std::min<int64_t>(i / 80 * 16 + i % 16, 17);
    ASSERT_EQ(packed.scales()[i], row / 2 * 5 + i / 16 % 5) << i;
  }
}

TEST(Pack, EveryGroupOfBf16KnowsItsSmallestMagnitude) {
  std::mt19937 random(8);
  for (const int64_t rows : {0, 1, 16, 17, 50}) {
    for (const int64_t cols : {0, 1, 2, 31, 32, 33, 70}) {
      std::vector<uint16_t> codes(static_cast<size_t>(rows * cols));
      for (uint16_t& code : codes) {
        const auto bits = static_cast<uint16_t>(random());
        code = bits % 3 == 0 ? bits & 0x8000 : bits;  // zeros of both signs
      }
      for (int64_t i = 0; i < std::min<int64_t>(rows, 16) * cols; ++i) {
        if (cols == 32) codes[static_cast<size_t>(i)] = 0x8000;
      }
      const PackedMatrix packed = Pack(ConstMatrixView{
          std::as_bytes(std::span(codes)), Format::kBF16, rows, cols, cols});
      std::vector<uint16_t> expected(static_cast<size_t>(packed.groups()),
                                     0xFFFF);
      for (size_t i = 0; i < codes.size(); ++i) {
        const auto magnitude = static_cast<uint16_t>(codes[i] & 0x7FFF);
        uint16_t& smallest = expected[i / static_cast<size_t>(16 * cols)];
        if (magnitude != 0) smallest = std::min(smallest, magnitude);
      }
      const auto known = [](const PackedMatrix& x) {
        return std::vector(x.smallest().begin(), x.smallest().end());
      };
      EXPECT_EQ(known(packed), expected) << rows << "x" << cols;
      EXPECT_EQ(known(PackedMatrix::Deserialize(packed.Serialize())), expected);
    }
  }
  const std::vector<uint8_t> codes(64, 1);
  EXPECT_TRUE(Pack(CodesView(codes, Format::kE5M2, 8, 8)).smallest().empty());
}

TEST(Pack, MovesLeaveTheCodesWhereTheyAre) {
  const std::vector<uint8_t> codes(64, 1);
  PackedMatrix first = Pack(CodesView(codes, Format::kE5M2, 8, 8));
  const uint8_t* data = first.data();
  const PackedMatrix second = std::move(first);
  EXPECT_EQ(second.data(), data);
}

}  // namespace
}  // namespace zeroulp
