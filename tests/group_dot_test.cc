// SPDX-License-Identifier: Apache-2.0
// Mirrors kernels/group_dot.cc: more than one pass over K and block of columns,
// chunks that are cut beside chunks that are not. Small problems of every kind
// are in arith_kernel_test.cc.
#include "kernels/group_dot.h"

#include <gtest/gtest.h>

#include "kernels/group_panel.h"
#include "tests/every_kernel.h"

namespace zeroulp {
namespace {

using testing::ForEachTarget;
using testing::Matrix;
using testing::PreparedProblem;
using testing::Problem;
using testing::Scales;
using testing::Values;

constexpr int64_t kPassK =
    kernels::kGroupPassChunks * kernels::kGroupCount * kernels::kGroupProducts;

const kernels::KernelRow& GroupDotRow() {
  for (const kernels::KernelRow& row : kernels::AllKernels()) {
    if (row.run == kernels::GroupDot) return row;
  }
  throw std::logic_error("GroupDot is no row of the kernel table");
}

void ExpectExact(const Problem& problem) {
  const PreparedProblem p(problem);
  const PackedMatrix a = Pack(p.a()), b = Pack(p.b());
  Matrix d = p.Blank();
  const kernels::GemmCall call = {problem.row, &a,    &b,    0, problem.m, 0,
                                  problem.n,   p.c(), d.view};
  const auto names = testing::ForEachKernel(
      call, [&](const kernels::KernelRow& kernel, const std::string& by) {
        p.Clear(d);
        kernels::RunKernel(kernel, call, 1);
        p.ExpectExact(d, by);
      });
  const kernels::KernelRow& kernel = GroupDotRow();
  EXPECT_EQ(names.contains(kernel.name), kernel.unable().empty());
}

Problem On(std::string_view arith, Format scale, Scales scales, Values values) {
  return {.row = &FindArith(arith),
          .a = Format::kE2M1FN,
          .b = Format::kE2M1FN,
          .m = 19,
          .n = 37,
          .k = kPassK + 69,
          .values = values,
          .scales = scales,
          .scale_format = scale};
}

TEST(GroupDot, PassesOverKWithCutAndUncutChunks) {
  for (const Values values : {Values::kGaussian, Values::kFinite,
                              Values::kZeroGroups, Values::kCancelling}) {
    for (const Scales scales :
         {Scales::kOrdinary, Scales::kExtreme, Scales::kNan}) {
      ExpectExact(
          On("blackwell.tcgen05.mxf4nvf4.f32", Format::kUE4M3, scales, values));
      ExpectExact(On("blackwell.tcgen05.mxf4nvf4.f32", Format::kE8M0FNU, scales,
                     values));
      ExpectExact(
          On("blackwell.tcgen05.mxf4.f32", Format::kE8M0FNU, scales, values));
    }
  }
}

TEST(GroupDot, MoreColumnsThanABlockHasPanels) {
  Problem p = On("blackwell.tcgen05.mxf4nvf4.f32", Format::kUE4M3,
                 Scales::kOrdinary, Values::kGaussian);
  p.m = 3;
  p.n = static_cast<int64_t>(kernels::kGroupBPanels) * 16 + 21;
  p.k = 130;
  ExpectExact(p);
}

// C so large or so small beside the products that it alone decides the grid,
// or is cut itself.
TEST(GroupDot, COfEverySize) {
  for (const float c : {0x1p-30f, -0x1.fffffep-9f, 0x1.000002p12f, -0x1p40f,
                        0x1.234568p-12f, 0x1p127f, 0x1p-149f, -0.0f}) {
    constexpr int64_t kM = 9, kN = 17, kK = 128;
    std::mt19937 random(7);
    const auto codes = [&random](int64_t count) {
      std::vector<uint8_t> bytes(static_cast<size_t>(count));
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
      return bytes;
    };
    const auto a = codes(kM * kK / 2), b = codes(kN * kK / 2);
    auto a_scales = codes(kM * kK / 16), b_scales = codes(kN * kK / 16);
    for (auto* scales : {&a_scales, &b_scales}) {
      for (uint8_t& code : *scales) code = 0x30 + code % 24;
    }
    const auto operand = [](const auto& x, const auto& scales, int64_t rows) {
      return Operand(CodesView(x, Format::kE2M1FN, rows, kK),
                     {CodesView(scales, Format::kUE4M3, rows, kK / 16), 16});
    };
    const std::vector<float> addend(kM * kN, c);
    std::vector<float> expected(addend.size()), d(addend.size());
    const GemmOptions options = {.arith = "blackwell.tcgen05.mxf4nvf4.f32"};
    reference::Gemm(operand(a, a_scales, kM), operand(b, b_scales, kN),
                    F32View(addend, kM, kN), F32View(expected, kM, kN),
                    options);
    ForEachTarget([&](const char* target) {
      Gemm(operand(a, a_scales, kM), operand(b, b_scales, kN),
           F32View(addend, kM, kN), F32View(d, kM, kN), options);
      const BitReport report =
          CompareBits(F32View(expected, kM, kN), F32View(d, kM, kN));
      EXPECT_TRUE(report.exact())
          << c << " on " << target << ": " << ToString(report);
    });
  }
}

}  // namespace
}  // namespace zeroulp
