// SPDX-License-Identifier: Apache-2.0
#include "kernels/sparse_chain.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_chain.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/smallest.h"
#include "kernels/sparse_fma.h"
#include "kernels/sparse_pairs-inl.h"
#include "kernels/sparse_pairs.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

#if ZEROULP_TARGET_HAS_512

bool AnySubnormal(const float* HWY_RESTRICT from, size_t count) {
  const DI di;
  const auto* words = reinterpret_cast<const int32_t*>(from);
  // Magnitudes but zero below 2^-126: unsigned, zero less one is the largest.
  const hn::RebindToUnsigned<DI> du;
  auto smallest = hn::Set(du, ~uint32_t{0});
  const auto fold = [&](auto x) HWY_ATTR {
    const auto magnitude =
        hn::And(hn::BitCast(du, x), hn::Set(du, uint32_t{0x7FFFFFFF}));
    smallest = hn::Min(smallest, hn::Sub(magnitude, hn::Set(du, uint32_t{1})));
  };
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) fold(hn::LoadU(di, words + i));
  if (i < count) {
    fold(hn::MaskedLoad(hn::FirstN(di, count - i), di, words + i));
  }
  return hn::GetLane(hn::MinOfLanes(du, smallest)) < 0x7FFFFFu;
}

int UnitExponentOf(const PackedMatrix& matrix, int64_t begin, int64_t end) {
  const auto first = static_cast<size_t>(begin) / kSparseRows;
  return UnitExponent(
      matrix, first,
      hwy::DivCeil(static_cast<size_t>(end), kSparseRows) - first);
}

bool Flushes(const SparseCall& call, const SparsePart& part) {
  if (UnitExponentOf(call.sparse->stored(), part.sparse_begin,
                     part.sparse_end) +
          UnitExponentOf(*call.dense, part.dense_begin, part.dense_end) <
      kLowestUnit) {
    return true;
  }
  if (call.c.rows == 0) return false;
  const auto* c = reinterpret_cast<const float*>(call.c.bytes.data());
  const bool by_sparse = call.sparse_is_a;
  const int64_t begin = by_sparse ? part.sparse_begin : part.dense_begin;
  const int64_t end = by_sparse ? part.sparse_end : part.dense_end;
  const int64_t col = by_sparse ? part.dense_begin : part.sparse_begin;
  const int64_t col_end = by_sparse ? part.dense_end : part.sparse_end;
  for (int64_t row = begin; row < end; ++row) {
    if (AnySubnormal(c + row * call.c.row_stride + col,
                     static_cast<size_t>(col_end - col))) {
      return true;
    }
  }
  return false;
}

bool SparseChainBf16Target(const SparseCall& call, const SparsePart& part,
                           std::byte* workspace) {
  if (Flushes(call, part)) return false;
  RunSparse(PairKernel<ScaleKind::kNone>(call), call, part, workspace);
  return true;
}

#else

bool SparseChainBf16Target(const SparseCall& /*call*/,
                           const SparsePart& /*part*/,
                           std::byte* /*workspace*/) {
  return false;  // never selected, see sparse_table.cc
}

#endif  // ZEROULP_TARGET_HAS_512

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {
HWY_EXPORT(SparseChainBf16Target);
}  // namespace

size_t SparseChainBf16WorkspaceBytes(const SparseCall& call,
                                     int64_t sparse_rows) {
  return std::max(WorkspaceOf(call, kPairLanes, kPairPerStep, kPairSteps,
                              kPairSteps, sparse_rows),
                  kStrandBytes + SparseFmaWorkspaceBytes());
}

void SparseChainBf16(const SparseCall& call, const SparsePart& part,
                     std::byte* workspace) noexcept {
  if (!HWY_DYNAMIC_DISPATCH(SparseChainBf16Target)(call, part, workspace)) {
    std::fill_n(workspace, kStrandBytes, std::byte{0});  // panels are lost
    SparseFma(call, part, workspace + kStrandBytes);
  }
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
