// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/gemm_case.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <string>
#include <vector>

#include "kernels/kernel_table.h"
#include "kernels/sparse_table.h"
#include "tests/arith_cases.h"
#include "tests/fuzz/bytes.h"
#include "zeroulp/sparse.h"

namespace zeroulp::testing {
namespace {

std::vector<Format> Members(const FormatSet& set) {
  std::vector<Format> formats;
  for (const FormatInfo& f : kFormats) {
    if (set.contains(f.id)) formats.push_back(f.id);
  }
  return formats;
}

// Changes a row of the table to one nobody has made: a kernel that says it
// computes a row must do so whatever its parameters are. Change 0 is none, and
// so are those of columns that the row's model does not read.
constexpr int kNumChanges = 8;
void ChangeRow(int change, ArithInfo& row) {
  if (!ZeroIsPlus(row.model) && change != 1) return;
  switch (change) {
    case 1:
      row.nan_word = Info(row.output).nan_code();
      break;
    case 2:
      row.align_bits -= row.align_bits > 8 ? 1 : 0;
      break;
    case 3:
      row.align_bits += row.align_bits > 0 ? 1 : 0;
      break;
    case 4:
      row.out_rounding = row.out_rounding == Rounding::kTowardZero
                             ? Rounding::kNearestEven
                             : Rounding::kTowardZero;
      break;
    case 5:
      row.exponent_floor.reset();
      break;
    case 6:
      row.exponent_floor = -40;
      break;
    case 7:
      row.out_fraction_bits -= row.out_fraction_bits > 4 ? 1 : 0;
      break;
    case 8:
      row.normalise_products = true;
      break;
    default:
      break;
  }
}

// Lengths that matter to blocked loops, and others.
int64_t DrawLength(FuzzBytes& bytes, int64_t most) {
  constexpr std::array<int64_t, 12> kEdges = {1,  2,  3,  4,  7,  8,
                                              15, 16, 17, 31, 33, 48};
  const int64_t byte = bytes.Byte();
  const int64_t length = byte < 128
                             ? kEdges[static_cast<size_t>(byte) % kEdges.size()]
                             : byte - 127;
  return std::min(length, most);
}

// Products of a problem: the oracle takes some 10 to 100 ns for each.
constexpr int64_t kMostProducts = 1 << 14;

void DrawShape(FuzzBytes& bytes, Problem& p) {
  const int64_t chunk = std::max(p.row->chunk, 1);
  // Some chunks and a part of one, or anything.
  p.k = bytes.Below(4) * chunk + bytes.Below(std::min<int64_t>(chunk + 1, 256));
  if (bytes.Below(4) == 0) p.k = bytes.Byte() * 3;
  p.m = DrawLength(bytes, 48);
  p.n = DrawLength(bytes, std::max<int64_t>(
                              1, kMostProducts / (p.m * std::max(p.k, chunk))));
  p.padding = bytes.Below(4);
}

void DrawScales(FuzzBytes& bytes, Problem& p) {
  const ArithInfo& row = *p.row;
  const int64_t kind = bytes.Below(5);
  const int64_t a = bytes.Below(70), b = bytes.Below(70);
  const int64_t rows = bytes.Below(4) + 1;
  const uint8_t format = bytes.Byte();
  if (p.promote_every != 0 ? !row.scales.empty() : row.scales.empty()) return;
  constexpr std::array kKinds = {Scales::kOrdinary, Scales::kTiny,
                                 Scales::kExtreme, Scales::kNan};
  const bool needed = row.scale_block != 0;
  if (kind == 4 && !needed) return;  // without scales
  p.scales = kKinds[static_cast<size_t>(kind) % kKinds.size()];
  p.block_rows = rows;
  if (p.promote_every != 0) {
    p.scale_format = Format::kF32;
    p.a_block = a % 4 == 0 ? 0 : p.promote_every;
    p.b_block = b % 4 == 0 ? 0 : p.promote_every;
    return;
  }
  const auto formats = Members(row.scales);
  p.scale_format = formats[format % formats.size()];
  if (needed) return;
  constexpr std::array<int64_t, 6> kCommon = {0, 16, 32, 64, 128, 5};
  p.a_block = a < 6 ? kCommon[static_cast<size_t>(a)] : a;
  p.b_block = b < 6 ? kCommon[static_cast<size_t>(b)] : b;
}

void DrawEpilogue(FuzzBytes& bytes, Problem& p) {
  constexpr std::array kBiases = {Format::kF32, Format::kF16, Format::kBF16};
  const int64_t steps = bytes.Below(128);  // most problems have none
  const uint32_t alpha = bytes.Word();
  const Format bias = bytes.OneOf(kBiases);
  const auto overflow = static_cast<Overflow>(bytes.Below(3));
  const Format d = bytes.OneOf(Members(kResultFormats));
  if (steps >= 32) return;
  if ((steps & 1) != 0) {
    p.alpha = alpha % 2 == 0 ? std::bit_cast<float>(alpha) : 0.37f;
  }
  if ((steps & 2) != 0) p.bias = bias;
  if ((steps & 4) != 0) {
    p.convert = overflow;
    p.d = d;
  }
  p.b_row_scales = (steps & 8) != 0;
  p.a_row_scales = (steps & 16) != 0;
}

// Selects pairs, unless scales would not cover whole groups.
void MakeSparse(FuzzBytes& bytes, Problem& p) {
  constexpr std::array<Sparsity, 9> kPatterns = {{{1, 2},
                                                  {2, 4},
                                                  {4, 8},
                                                  {4, 16},
                                                  {4, 12},
                                                  {2, 8},
                                                  {1, 4},
                                                  {3, 5},
                                                  {7, 30}}};
  const Sparsity pattern = bytes.OneOf(kPatterns);
  const bool is_a = bytes.Below(2) == 0;
  const auto [keep, group] = pattern;
  const auto block_of = [&](int64_t block) {
    return block != 0 ? block : p.row->scale_block;
  };
  int64_t& dense_block = is_a ? p.b_block : p.a_block;
  if (p.scales != Scales::kNone && block_of(dense_block) != 0) {
    if (block_of(dense_block) % keep != 0) return;
    dense_block = block_of(dense_block) / keep * group;
  }
  p.sparsity = pattern;
  p.sparse_is_a = is_a;
  p.k -= p.k % group;
}

Problem DrawProblem(FuzzBytes& bytes, const ArithInfo& row, bool changed) {
  Problem p = {.row = &row,
               .a = bytes.OneOf(Members(row.a)),
               .b = bytes.OneOf(Members(row.b)),
               .m = 0,
               .n = 0,
               .k = 0};
  DrawShape(bytes, p);
  p.values =
      static_cast<Values>(bytes.Below(static_cast<int64_t>(Values::kLast) + 1));
  p.with_c = bytes.Below(4) != 0;
  p.scales = Scales::kNone;
  const int64_t steps = bytes.Below(24);
  if (steps < 6 && row.chunk != 0 && row.scale_block == 0) {
    p.promote_every = steps * row.chunk;
  }
  DrawScales(bytes, p);
  DrawEpilogue(bytes, p);
  // Sparse kernels know the rows there are.
  if (bytes.Below(5) == 1 && !changed) MakeSparse(bytes, p);
  p.seed = bytes.Word();
  while (!bytes.empty()) {
    const auto part = static_cast<Part>(bytes.Below(6));
    const uint32_t index = static_cast<uint32_t>(bytes.Byte()) << 8;
    p.overrides.push_back({part, index | bytes.Byte(), bytes.Word()});
  }
  return p;
}

// By every sparse kernel that takes the problem, then by SparseGemm with its
// epilogue.
std::string FuzzSparse(const Problem& problem, const PreparedProblem& p) {
  const bool is_a = problem.sparse_is_a;
  const PackedSparse sparse = PackSparse(is_a ? p.a() : p.b());
  const PackedMatrix dense = Pack(is_a ? p.b() : p.a());
  std::string mismatch;
  ForEachTarget([&](const char* target) {
    const auto check = [&](const Matrix& d, std::string_view by) {
      if (mismatch.empty()) {
        mismatch = p.Mismatch(d, fmt::format("{} on {}", by, target));
      }
    };
    Matrix d = p.Blank();
    if (is_a) {
      SparseGemm(sparse, dense, p.c(), d.view, p.Options());
    } else {
      SparseGemm(dense, sparse, p.c(), d.view, p.Options());
    }
    check(d, "SparseGemm");
    if (problem.has_epilogue()) return;
    const kernels::SparseCall call = {
        problem.row,          &sparse, &dense, is_a, p.c(), d.view,
        problem.promote_every};
    for (const kernels::SparseKernelRow& kernel : kernels::AllSparseKernels()) {
      if (!kernels::CannotRun(kernel, call).empty()) continue;
      p.Clear(d);
      kernel.run({&call, 1}, 1);
      check(d, kernel.name);
    }
  });
  return mismatch;
}

// By one kernel; where there is an epilogue, through it, as Gemm does.
Matrix RunOne(const kernels::KernelRow& kernel, const Problem& problem,
              const PreparedProblem& p, kernels::GemmCall call) {
  Matrix d = p.Blank();
  const kernels::Epilogue epilogue(p.Options(), d.view);
  Matrix sums;
  call.d = d.view;
  if (d.view.format != problem.row->output) {
    sums = Matrix(problem.row->output, problem.m, problem.n, 0);
    call.d = sums.view;
  }
  if (!epilogue.is_nothing()) call.epilogue = &epilogue;
  kernels::RunKernel(kernel, call, 1 + static_cast<int>(problem.seed % 2));
  return d;
}

}  // namespace

std::string FuzzGemm(std::span<const uint8_t> data) {
  FuzzBytes bytes(data);
  ArithInfo row = bytes.OneOf(kArith);
  // Half of all problems are of the row itself.
  const int change = static_cast<int>(
      std::max<int64_t>(0, bytes.Below(2 * kNumChanges + 1) - kNumChanges));
  ChangeRow(change, row);
  const Problem problem = DrawProblem(bytes, row, change != 0);
  const PreparedProblem p(problem);
  if (problem.sparsity.group != 0) return FuzzSparse(problem, p);
  const PackedMatrix a = Pack(p.a()), b = Pack(p.b());
  std::string mismatch;
  ForEachTarget([&](const char* target) {
    const kernels::GemmCall call = {
        &row, &a,       &b,    0,  a.rows(),
        0,    b.rows(), p.c(), {}, problem.promote_every};
    for (const kernels::KernelRow& kernel : kernels::AllKernels()) {
      if (!mismatch.empty()) return;
      if (!kernels::CannotRun(kernel, row, kernels::TraitsOf(call)).empty()) {
        continue;
      }
      mismatch = p.Mismatch(
          RunOne(kernel, problem, p, call),
          fmt::format("change {} {} on {}", change, kernel.name, target));
    }
  });
  return mismatch;
}

}  // namespace zeroulp::testing
