// SPDX-License-Identifier: Apache-2.0
// Every kernel that takes a product, on every SIMD target of this CPU: at least
// one, or a test that says "every kernel" fails.
#ifndef ZEROULP_TESTS_EVERY_KERNEL_H_
#define ZEROULP_TESTS_EVERY_KERNEL_H_

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include "kernels/kernel_table.h"
#include "tests/arith_cases.h"

namespace zeroulp::testing {

using KernelNames = std::set<std::string_view>;

// Calls check(kernel, "its name on its target"), which runs it, for each.
// Returns the names of those there were.
template <class Check>
KernelNames ForEachKernel(const kernels::GemmCall& call, const Check& check) {
  KernelNames names;
  ForEachTarget([&](const char* target) {
    for (const kernels::KernelRow& kernel : kernels::AllKernels()) {
      if (!kernels::CannotRun(kernel, *call.row, kernels::TraitsOf(call))
               .empty()) {
        continue;
      }
      names.insert(kernel.name);
      check(kernel, fmt::format("{} on {}", kernel.name, target));
    }
  });
  EXPECT_FALSE(names.empty()) << "no kernel takes the call: " << call.row->name;
  return names;
}

// All words of D are the oracle's, by each of them and with so many threads.
inline KernelNames ExpectEveryKernelExact(
    const ArithInfo& row, const Operand& a, const Operand& b_t,
    const ConstMatrixView& c, const std::string& what,
    std::initializer_list<int> thread_counts = {1}, int64_t promote_every = 0) {
  const PackedMatrix a_packed = Pack(a), b_packed = Pack(b_t);
  const int64_t m = a_packed.rows(), n = b_packed.rows();
  Matrix expected(row.output, m, n, 0), d(row.output, m, n, 1);
  reference::Gemm(a, b_t, c, expected.view,
                  {.arith = row.name, .promote_every = promote_every});
  const kernels::GemmCall call = {&row, &a_packed, &b_packed,    0, m, 0, n,
                                  c,    d.view,    promote_every};
  return ForEachKernel(
      call, [&](const kernels::KernelRow& kernel, const std::string& by) {
        for (const int threads : thread_counts) {
          PreparedProblem::Clear(d);
          kernels::RunKernel(kernel, call, threads);
          const BitReport report = CompareBits(expected.view, d.view);
          EXPECT_TRUE(report.exact())
              << row.name << " " << what << " by " << by << " with " << threads
              << " threads: " << ToString(report);
        }
      });
}

}  // namespace zeroulp::testing

#endif  // ZEROULP_TESTS_EVERY_KERNEL_H_
