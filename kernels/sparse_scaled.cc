// SPDX-License-Identifier: Apache-2.0
#include "kernels/sparse_scaled.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_scaled.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/operand.h"
#include "kernels/sparse_pairs-inl.h"
#include "kernels/sparse_pairs.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

#if ZEROULP_TARGET_HAS_512

// Blocks sum from plus zero and products of narrow formats are multiples of
// 2^-40 or so: the BF16 dot has nothing to flush.
void SparseScaledTarget(const SparseCall& call, const SparsePart& part,
                        std::byte* workspace) {
  if (ScaleKindOf(call) == ScaleKind::kExponents) {
    RunSparse(PairKernel<ScaleKind::kExponents>(call), call, part, workspace);
  } else {
    RunSparse(PairKernel<ScaleKind::kFactors>(call), call, part, workspace);
  }
}

#else

// Never selected, see sparse_table.cc.
void SparseScaledTarget(const SparseCall& /*call*/, const SparsePart& /*part*/,
                        std::byte* /*workspace*/) {}

#endif  // ZEROULP_TARGET_HAS_512

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {
HWY_EXPORT(SparseScaledTarget);
}  // namespace

std::string_view SparseScaledRefuses(const SparseCall& call) {
  if (!call.block_scales()) return "takes block scales";
  if (!kNarrowFormats.contains(call.sparse->format()) ||
      !kNarrowFormats.contains(call.dense->format())) {
    return "takes formats of 8 bits or fewer";
  }
  if (const auto why = RefusesPairs(call); !why.empty()) return why;
  return RefusesScales(call, WindowOf(call.sparse->sparsity(), kPairLanes),
                       kPairSteps, kPairPerStep, 0);
}

size_t SparseScaledWorkspaceBytes(const SparseCall& call, int64_t sparse_rows) {
  const auto block = static_cast<size_t>(call.sparse->stored().scale_block());
  return WorkspaceOf(call, kPairLanes, kPairPerStep, kPairSteps,
                     block / kPairPerStep, sparse_rows);
}

void SparseScaled(const SparseCall& call, const SparsePart& part,
                  std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(SparseScaledTarget)(call, part, workspace);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
