// SPDX-License-Identifier: Apache-2.0
#include "kernels/exact_fma.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/exact.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/exact_fma.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/exact_operand-inl.h"
#include "kernels/wide-inl.h"

#ifndef ZEROULP_KERNELS_EXACT_FMA_ONCE_
#define ZEROULP_KERNELS_EXACT_FMA_ONCE_
namespace zeroulp::kernels {

// A block of D, whose sums (twice 144 KiB) share an L2 cache of 1 MiB with the
// decoded block of B (384 KiB). B is decoded again for every such block: rows
// enough that this does not show. Columns are whole tiles on every target.
inline constexpr size_t kExactFmaRows = 96;
inline constexpr size_t kExactFmaCols = 192;
// Of K in a pass: a panel of A, 16 rows, fills an L1 cache of 32 KiB.
inline constexpr size_t kExactFmaK = 256;
inline constexpr int kLog2ExactFmaK = 8;
inline constexpr size_t kExactGroup = 16;  // PackedMatrix::kRows
// One line more than a power of two, so that panels read side by side do not
// fall on the same cache sets.
inline constexpr size_t kExactPanel = kExactFmaK * kExactGroup + 8;

struct alignas(64) ExactFmaMemory {
  // D = high + low, exactly.
  double high[kExactFmaRows * kExactFmaCols];
  double low[kExactFmaRows * kExactFmaCols];
  double a[kExactPanel];
  double b[kExactFmaCols / kExactGroup * kExactPanel];
};

}  // namespace zeroulp::kernels
#endif  // ZEROULP_KERNELS_EXACT_FMA_ONCE_

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

constexpr size_t kTileCols = kNV * kLanesF64;
static_assert(kExactFmaCols % kTileCols == 0);
static_assert(kExactGroup % kMR == 0);

// kMR rows by kVectors vectors of sums. Unless kFold, they go on from `high`;
// else they start from -0, which no product of -0 changes, and are added to
// high + low. False: that was not exact.
template <size_t kVectors, bool kFold>
HWY_NOINLINE bool Tile64(size_t steps, const double* HWY_RESTRICT a,
                         const double* const* HWY_RESTRICT b,
                         double* HWY_RESTRICT high, double* HWY_RESTRICT low) {
  const DD dd;
  VD acc[kMR][kVectors];
  ZEROULP_UNROLL
  for (size_t i = 0; i < kMR; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      acc[i][v] = kFold
                      ? hn::Set(dd, -0.0)
                      : hn::LoadU(dd, high + i * kExactFmaCols + v * kLanesF64);
    }
  }
  const double* b_at[kVectors];
  ZEROULP_UNROLL
  for (size_t v = 0; v < kVectors; ++v) b_at[v] = b[v];
  for (size_t s = 0; s < steps; ++s) {
    VD b_now[kVectors];
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      b_now[v] = hn::Load(dd, b_at[v] + s * kExactGroup);
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kMR; ++i) {
      const VD a_now = hn::Set(dd, a[s * kExactGroup + i]);
      ZEROULP_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        acc[i][v] = hn::MulAdd(a_now, b_now[v], acc[i][v]);
      }
    }
  }
  auto lost = hn::Zero(dd);
  ZEROULP_UNROLL
  for (size_t i = 0; i < kMR; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      const size_t at = i * kExactFmaCols + v * kLanesF64;
      if constexpr (kFold) {
        const TwoSum upper = AddExactly(hn::LoadU(dd, high + at), acc[i][v]);
        const TwoSum lower = AddExactly(hn::LoadU(dd, low + at), upper.error);
        hn::StoreU(upper.sum, dd, high + at);
        hn::StoreU(lower.sum, dd, low + at);
        // Of infinity and NaN, which `high` keeps, the error is NaN.
        lost = hn::Or(lost,
                      hn::IfThenElseZero(hn::IsFinite(upper.sum), lower.error));
      } else {
        hn::StoreU(acc[i][v], dd, high + at);
      }
    }
  }
  return hn::AllTrue(dd, hn::Eq(lost, hn::Zero(dd)));
}

template <bool kFold>
HWY_INLINE bool RunTile64(size_t vectors, size_t steps, const double* a,
                          const double* const* b, double* high, double* low) {
  static_assert(kNV == 3);
  switch (vectors) {
    case 1:
      return Tile64<1, kFold>(steps, a, b, high, low);
    case 2:
      return Tile64<2, kFold>(steps, a, b, high, low);
    default:
      return Tile64<3, kFold>(steps, a, b, high, low);
  }
}

// x times a positive binary32 number, exactly, or what infinity and NaN give.
HWY_INLINE TwoSum TimesBinary32(VD x, VD scale) {
  const DD dd;
  const hn::RebindToUnsigned<DD> du;
  // 26 and 27 bits, of the sign of x, times 24 are binary64 numbers.
  const VD upper =
      hn::And(x, hn::BitCast(dd, hn::Set(du, ~((uint64_t{1} << 27) - 1))));
  const VD lower =
      hn::CopySign(hn::IfThenElseZero(hn::IsFinite(x), hn::Sub(x, upper)), x);
  return AddExactly(hn::Mul(upper, scale), hn::Mul(lower, scale));
}

// x times a positive number of at most 48 bits, exactly, or what infinity and
// NaN give.
HWY_INLINE TwoSum TimesScales(VD x, VD scale) {
  const DD dd;
  const hn::RebindToUnsigned<DD> du;
  const VD upper =
      hn::And(scale, hn::BitCast(dd, hn::Set(du, ~((uint64_t{1} << 29) - 1))));
  const TwoSum product = TimesBinary32(x, upper);
  if (hn::AllTrue(dd, hn::Eq(upper, scale))) return product;
  const TwoSum rest = TimesBinary32(x, hn::Sub(scale, upper));
  // All 101 bits are two numbers: the errors are multiples of the last bit
  // below 2^49 of it, and so is their sum. What infinity, NaN and zero give
  // stays: to it a zero of its sign is added.
  const VD none = hn::CopySign(hn::Zero(dd), product.sum);
  const auto finite = hn::IsFinite(product.sum);
  const TwoSum sum =
      AddExactly(product.sum, hn::IfThenElse(finite, rest.sum, none));
  const VD error = hn::Add(sum.error, hn::Add(product.error, rest.error));
  const auto some = hn::And(finite, hn::Ne(error, hn::Zero(dd)));
  return AddExactly(sum.sum, hn::IfThenElse(some, error, none));
}

bool HasBinary32Scales(const PackedMatrix& x) {
  return x.scale_block() != 0 && x.scale_format() == Format::kF32;
}

// How far the sums of one group of rows have come.
struct GroupState {
  ExponentRange products;
  double bound = 0;     // of the magnitude of all sums
  bool folded = false;  // into high + low: `high` alone is not exact
  bool inexact = false;
};

class ExactBlock {
 public:
  ExactBlock(const GemmCall& call, ExactFmaMemory* memory)
      : call_(call),
        memory_(memory),
        row_scales_(HasBinary32Scales(*call.a) || HasBinary32Scales(*call.b_t)),
        a_(*call.a, !row_scales_),
        b_(*call.b_t, !row_scales_) {}

  // Rows m ... m_end - 1 by columns n ... n_end - 1 of D, but the groups for
  // which it calls refuse(first row, end).
  template <class Refuse>
  void Run(size_t m, size_t m_end, size_t n, size_t n_end,
           const Refuse& refuse) {
    const size_t k_end = static_cast<size_t>(call_.a->cols());
    const size_t groups = hwy::DivCeil(m_end - m, kExactGroup);
    std::fill_n(memory_->high, groups * kExactGroup * kExactFmaCols, -0.0);
    GroupState states[kExactFmaRows / kExactGroup];
    for (size_t k = 0; k < k_end; k += kExactFmaK) {
      const size_t k_size = std::min(kExactFmaK, k_end - k);
      ExponentRange b_range;
      for (size_t j = 0; j * kExactGroup < n_end - n; ++j) {
        const size_t group = n / kExactGroup + j;
        b_range.Join(b_.RangeOf(group, k, k_size));
        b_.Decode(group, k, k_size, memory_->b + j * kExactPanel);
      }
      for (size_t g = 0; g < groups; ++g) {
        if (states[g].inexact) continue;
        const size_t group = m / kExactGroup + g;
        const ExponentRange a_range = a_.RangeOf(group, k, k_size);
        Enter(Times(a_range, b_range), k_size, g, states[g]);
        if (states[g].inexact) continue;
        a_.Decode(group, k, k_size, memory_->a);
        AddPass(g, k_size, n_end - n, states[g]);
      }
    }
    for (size_t g = 0; g < groups; ++g) {
      const size_t row = m + g * kExactGroup;
      const size_t row_end = std::min(row + kExactGroup, m_end);
      if (row_scales_ && !states[g].inexact)
        Scale(row, row_end, g, n, n_end, states[g]);
      if (states[g].inexact || !Finish(row, row_end, g, n, n_end, states[g])) {
        refuse(row, row_end);
      }
    }
  }

 private:
  // Decides how the sums of a group go on.
  void Enter(const ExponentRange& products, size_t k_size, size_t group,
             GroupState& state) {
    if (products.zeros_alone()) return;
    constexpr int kBits = std::numeric_limits<double>::digits;
    if (products.top - products.unit + kLog2ExactFmaK > kBits) {
      state.inexact = true;
      return;
    }
    state.products.Join(products);
    state.bound += std::ldexp(static_cast<double>(k_size), products.top);
    const bool fits =
        state.bound <= std::ldexp(1.0, kBits + state.products.unit);
    if (fits || state.folded) return;
    state.folded = true;
    std::fill_n(memory_->low + group * kExactGroup * kExactFmaCols,
                kExactGroup * kExactFmaCols, 0.0);
  }

  void AddPass(size_t group, size_t k_size, size_t cols, GroupState& state) {
    const size_t all_vectors = hwy::RoundUpTo(cols, kExactGroup) / kLanesF64;
    bool exact = true;
    for (size_t row = 0; row < kExactGroup; row += kMR) {
      for (size_t v = 0, vectors = 0; v < all_vectors; v += vectors) {
        vectors = VectorsOfTile(all_vectors - v);
        const double* b[kNV];
        for (size_t i = 0; i < vectors; ++i) {
          const size_t col = (v + i) * kLanesF64;
          b[i] =
              memory_->b + col / kExactGroup * kExactPanel + col % kExactGroup;
        }
        const size_t at =
            (group * kExactGroup + row) * kExactFmaCols + v * kLanesF64;
        const auto run = state.folded ? RunTile64<true> : RunTile64<false>;
        exact = run(vectors, k_size, memory_->a + row, b, memory_->high + at,
                    memory_->low + at) &&
                exact;
      }
    }
    state.inexact = !exact;
  }

  // Multiplies sums by the scales of their row and column, into high + low.
  // Other scales than positive numbers give signs, infinities and NaN that
  // depend on addends.
  void Scale(size_t row, size_t row_end, size_t group, size_t n, size_t n_end,
             GroupState& state) {
    const DD dd;
    if (state.folded) state.inexact = true;  // four parts
    if (state.inexact) return;
    state.folded = true;
    alignas(64) float a_scales[kExactGroup], b_scales[kExactGroup];
    a_.RowScales(row / kExactGroup, a_scales);
    auto others = hn::FirstN(dd, 0);
    for (size_t i = 0; i < n_end - n; i += kLanesF64) {
      const size_t lane = i % kExactGroup;
      if (lane == 0) b_.RowScales((n + i) / kExactGroup, b_scales);
      const auto exists = hn::FirstN(dd, n_end - n - i);
      for (size_t m = row; m < row_end; ++m) {
        const VD scale = hn::Mul(hn::Set(dd, double{a_scales[m - row]}),
                                 WideFrom(b_scales + lane));
        const auto ordinary =
            hn::And(hn::Gt(scale, hn::Zero(dd)), hn::IsFinite(scale));
        others = hn::Or(others, hn::AndNot(ordinary, exists));
        const size_t at = (group * kExactGroup + m - row) * kExactFmaCols + i;
        const TwoSum product =
            TimesScales(hn::LoadU(dd, memory_->high + at), scale);
        hn::StoreU(product.sum, dd, memory_->high + at);
        hn::StoreU(product.error, dd, memory_->low + at);
      }
    }
    state.inexact = !hn::AllFalse(dd, others);
  }

  // D = round(C + high + low), once. False: that takes more than two numbers,
  // and nothing is written.
  bool Finish(size_t row, size_t row_end, size_t group, size_t n, size_t n_end,
              const GroupState& state) {
    const DD dd;
    const DFHalf dh;
    const bool has_c = call_.c.rows != 0;
    const auto* c = reinterpret_cast<const float*>(call_.c.bytes.data());
    auto* d = reinterpret_cast<float*>(call_.d.bytes.data());
    for (int pass = 0; pass < (state.folded ? 2 : 1); ++pass) {
      const bool write = pass == 1 || !state.folded;
      for (size_t m = row; m < row_end; ++m) {
        const size_t at = (group * kExactGroup + m - row) * kExactFmaCols;
        for (size_t i = 0; i < n_end - n; i += kLanesF64) {
          const size_t count = std::min(kLanesF64, n_end - n - i);
          alignas(64) float words[kLanesF64] = {};
          if (has_c) {
            const size_t from =
                m * static_cast<size_t>(call_.c.row_stride) + n + i;
            std::copy_n(c + from, count, words);
          }
          TwoSum sum = AddExactly(hn::LoadU(dd, memory_->high + at + i),
                                  WideFrom(words));
          if (state.folded) {
            const TwoSum rest =
                AddExactly(hn::LoadU(dd, memory_->low + at + i), sum.error);
            const VD lost =
                hn::IfThenElseZero(hn::IsFinite(sum.sum), rest.error);
            if (!hn::AllTrue(dd, hn::Eq(lost, hn::Zero(dd)))) return false;
            const TwoSum both = AddExactly(sum.sum, rest.sum);
            // Infinity, NaN and the sign of zero are those of the first sum.
            const auto keep = hn::Or(hn::Not(hn::IsFinite(sum.sum)),
                                     hn::Eq(rest.sum, hn::Zero(dd)));
            sum = {hn::IfThenElse(keep, sum.sum, both.sum),
                   hn::IfThenZeroElse(keep, both.error)};
          }
          if (!write) continue;
          hn::StoreU(ToBinary32(ToOdd(sum)), dh, words);
          float* to = d + m * static_cast<size_t>(call_.d.row_stride) + n + i;
          for (size_t j = 0; j < count; ++j) {
            to[j] = std::isnan(words[j])
                        ? std::bit_cast<float>(call_.row->nan_word)
                        : words[j];
          }
        }
      }
    }
    return true;
  }

  const GemmCall& call_;
  ExactFmaMemory* memory_;
  bool row_scales_;  // of binary32: they multiply sums
  WideOperand a_, b_;
};

void ExactFmaTarget(const GemmCall& call, std::byte* workspace) {
  auto* memory = reinterpret_cast<ExactFmaMemory*>(workspace);
  ExactBlock block(call, memory);
  const size_t m_end = static_cast<size_t>(call.m_end);
  const size_t n_end = static_cast<size_t>(call.n_end);
  for (size_t n = static_cast<size_t>(call.n_begin); n < n_end;
       n += kExactFmaCols) {
    const size_t n_stop = std::min(n + kExactFmaCols, n_end);
    for (size_t m = static_cast<size_t>(call.m_begin); m < m_end;
         m += kExactFmaRows) {
      block.Run(m, std::min(m + kExactFmaRows, m_end), n, n_stop,
                [&](size_t row, size_t row_end) {
                  GemmCall part = call;
                  part.m_begin = static_cast<int64_t>(row);
                  part.m_end = static_cast<int64_t>(row_end);
                  part.n_begin = static_cast<int64_t>(n);
                  part.n_end = static_cast<int64_t>(n_stop);
                  Exact(part, workspace + sizeof(ExactFmaMemory));
                });
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {
HWY_EXPORT(ExactFmaTarget);
}  // namespace

size_t ExactFmaWorkspaceBytes(const ArithInfo& row) {
  return sizeof(ExactFmaMemory) + ExactWorkspaceBytes(row);
}

void ExactFma(const GemmCall& call, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(ExactFmaTarget)(call, workspace);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
