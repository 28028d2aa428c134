// SPDX-License-Identifier: Apache-2.0
// Mirrors kernels/pack.cc: the layout that packed.h states.
#include <gtest/gtest.h>

#include <cstdint>

#include "tests/cases.h"
#include "zeroulp/packed.h"

namespace zeroulp {
namespace {

TEST(Pack, EveryCodeIsWhereTheLayoutSaysAndPaddingIsZero) {
  std::mt19937 random(6);
  for (const Format format : testing::NarrowFormats()) {
    for (const int64_t rows : {0, 1, 15, 16, 17, 33}) {
      for (const int64_t cols : {0, 1, 3, 4, 5, 64, 67}) {
        const int64_t stride = DenseStride(format, cols + 3);
        const auto codes = testing::DrawCodes(format, testing::Draw::kAny, rows,
                                              stride, random);
        const ConstMatrixView view = {std::as_bytes(std::span(codes)), format,
                                      rows, cols, stride};
        const PackedMatrix packed = Pack(view);
        ASSERT_EQ(packed.rows(), rows);
        ASSERT_EQ(packed.cols(), cols);
        ASSERT_EQ(packed.format(), format);
        ASSERT_EQ(reinterpret_cast<uintptr_t>(packed.data()) % 64, 0u);
        for (int64_t i = 0; i < packed.size_bytes(); ++i) {
          const int64_t quad = i / 64,
                        row = quad / packed.quads() * 16 + i % 64 / 4;
          const int64_t k = quad % packed.quads() * 4 + i % 4;
          const uint32_t expected =
              row < rows && k < cols ? ReadCode(view, row, k) : 0;
          const uint32_t mask =
              Info(format).sign_mask() | Info(format).magnitude_mask();
          ASSERT_EQ(packed.data()[i] & mask, expected)
              << Info(format).name << " row " << row << " k " << k;
        }
      }
    }
  }
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
