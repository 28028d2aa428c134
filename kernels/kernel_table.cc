// SPDX-License-Identifier: Apache-2.0
#include "kernels/targets.h"

#include "kernels/kernel_table.h"

#include <array>

#include "hwy/targets.h"
#include "kernels/block.h"
#include "kernels/chain.h"
#include "kernels/chain_skinny.h"
#include "kernels/cpu.h"
#include "kernels/exact.h"
#include "kernels/exact_fma.h"
#include "kernels/exact_rows.h"
#include "kernels/floor32.h"
#include "kernels/floor_chain.h"
#include "kernels/fused.h"
#include "kernels/group_dot.h"
#include "kernels/ieee.h"
#include "kernels/machine.h"
#include "kernels/scaled.h"
#include "kernels/scaled_long.h"
#include "kernels/target_in_use.h"
#include "zeroulp/internal/fail.h"

namespace zeroulp::kernels {
namespace {

std::string_view Able() { return {}; }
std::string_view NotSlower(const CallTraits& /*call*/) { return {}; }

std::string_view Bf16Unable() {
  if (!HaveBf16Dot()) return "this CPU has no AVX512_BF16";
  if ((TargetInUse() & (HWY_AVX3 | HWY_AVX3_DL)) == 0) {
    return "512-bit SIMD targets are disabled";
  }
  return {};
}

std::string_view FloorChainUnable() {
  // Bytes and binary64 numbers of as many columns.
  if ((TargetInUse() & ~HWY_SCALAR) == 0) {
    return "all SIMD targets are disabled";
  }
  return {};
}

std::string_view GroupDotUnable() {
  constexpr int64_t kHaveDot =
      HWY_SSSE3 | HWY_SSE4 | HWY_AVX2 | HWY_AVX3 | HWY_AVX3_DL;
  if ((TargetInUse() & kHaveDot) != 0) return {};
  return "no SIMD target with a dot of bytes is enabled";
}

std::string_view Bf16Slower(const CallTraits& /*call*/) {
  if (Bf16DotIsFaster()) return {};
  return "this CPU's BF16 dot is slower than its binary32 multiply-add";
}

constexpr bool IsPlainChain(const ArithInfo& row) {
  return row.model == Model::kChain && IeeeComputes(row);
}

constexpr bool LongComputes(const ArithInfo& row) {
  return IsPlainChain(row) && row.scales.contains(Format::kF32);
}

// Products of scales round to binary32.
bool HasBinary32Scales(const CallTraits& call) {
  return (call.a_block != 0 && call.a_scale == Format::kF32) ||
         (call.b_block != 0 && call.b_scale == Format::kF32);
}

std::string_view OnlyPlain(const CallTraits& call) {
  if (call.block_scales()) return "takes no block scales";
  return call.promote_every != 0 ? "takes no promote_every"
                                 : std::string_view();
}

std::string_view ExactScales(const CallTraits& call) {
  if (call.promote_every != 0) return "takes no promote_every";
  const auto whole = [&](int64_t block) {
    return block % PackedMatrix::kQuad == 0 || block >= call.k;
  };
  if (!whole(call.a_block) || !whole(call.b_block)) {
    return "takes blocks of all of K, or of a multiple of 4";
  }
  if (HasBinary32Scales(call) &&
      ScaledBlock(call.a_block, call.b_block, call.k) < call.k) {
    return "takes binary32 scales of all of K alone";
  }
  return {};
}

std::string_view OneLevel(const CallTraits& call) {
  return call.promote_every != 0 ? "takes no promote_every"
                                 : std::string_view();
}

std::string_view PlainBf16(const CallTraits& call) {
  if (call.a == Format::kF16 || call.b_t == Format::kF16) {
    return "takes no f16, which bf16 cannot hold";
  }
  return OnlyPlain(call);
}

std::string_view SkinnyBf16(const CallTraits& call) {
  if (call.m > kSkinnyRows) return "takes at most 16 rows of A";
  if (!kNarrowFormats.contains(call.b_t)) return "takes narrow B^T alone";
  return PlainBf16(call);
}

std::string_view Anything(const CallTraits& /*call*/) { return {}; }

std::string_view Int8Unable() {
  if ((TargetInUse() & HWY_AVX3_DL) == 0) {
    return "no SIMD target with 512-bit dots of bytes";
  }
  return {};
}

std::string_view OnlyScaled(const CallTraits& call) {
  if (!call.block_scales()) return "takes block scales only";
  if (call.promote_every != 0) return "takes no promote_every";
  if (!kNarrowFormats.contains(call.a) || !kNarrowFormats.contains(call.b_t)) {
    return "takes formats of at most 8 bits";
  }
  const int64_t block = ScaledBlock(call.a_block, call.b_block, call.k);
  if (block % PackedMatrix::kQuad != 0 || block < kMinScaledBlock ||
      block > kMaxScaledBlock) {
    return "takes blocks of a multiple of 4 from 16 to 512";
  }
  return {};
}

bool IsFp4(const CallTraits& call) {
  return call.a == Format::kE2M1FN && call.b_t == Format::kE2M1FN;
}

std::string_view OnlyScaledFp4(const CallTraits& call) {
  return IsFp4(call) ? OnlyScaled(call) : "takes E2M1 only";
}

std::string_view OnlyFewRowsOfFp4(const CallTraits& call) {
  return call.m <= kMaxSkinnyRows ? OnlyScaledFp4(call)
                                  : "takes at most 16 rows of A";
}

std::string_view OnlyLongBlocks(const CallTraits& call) {
  if (!HasBinary32Scales(call)) return "takes binary32 scales";
  if (call.promote_every != 0) return "takes no promote_every";
  if (call.k == 0) return "takes K of at least 1";
  const int64_t block = ScaledBlock(call.a_block, call.b_block, call.k);
  if (block >= call.k) return {};
  if (block % PackedMatrix::kQuad != 0 || block <= kMaxScaledBlock) {
    return "takes blocks of all of K, or of a multiple of 4 above 512";
  }
  return {};
}

std::string_view LongBlocksBf16(const CallTraits& call) {
  if (call.a == Format::kF16 || call.b_t == Format::kF16) {
    return "takes no f16, which bf16 cannot hold";
  }
  return OnlyLongBlocks(call);
}

std::string_view LongBlocksSkinny(const CallTraits& call) {
  if (call.m > kSkinnyRows) return "takes at most 16 rows of A";
  if (!kNarrowFormats.contains(call.b_t)) return "takes narrow B^T alone";
  return LongBlocksBf16(call);
}

std::string_view OnlyPlainFp4(const CallTraits& call) {
  if (!IsFp4(call)) return "takes E2M1 only";
  if (call.k > kMaxExactFp4K) return "takes no K whose sums may be inexact";
  return OnlyPlain(call);
}

// C and D of these rows are binary32.
GemmBlock ToBlock(const GemmCall& call) {
  const auto* c = reinterpret_cast<const float*>(call.c.bytes.data());
  auto* d = reinterpret_cast<float*>(call.d.bytes.data());
  const auto at = [&](int64_t stride) {
    return call.m_begin * stride + call.n_begin;
  };
  return {call.a,
          call.b_t,
          call.m_begin,
          call.m_end,
          call.n_begin,
          call.n_end,
          0,
          call.a->cols(),
          call.c.rows == 0 ? nullptr : c + at(call.c.row_stride),
          call.c.row_stride,
          d + at(call.d.row_stride),
          call.d.row_stride};
}
size_t ChainBytes(const GemmCall& call) {
  return ChainWorkspaceBytes(call.a->rows(), call.b_t->rows(), call.a->cols());
}
size_t BlockBytes(const GemmCall& call) {
  return BlockWorkspaceBytes(*call.row);
}
size_t ExactBytes(const GemmCall& call) {
  return ExactWorkspaceBytes(*call.row);
}
size_t ExactFmaBytes(const GemmCall& call) {
  return ExactFmaWorkspaceBytes(*call.row);
}
size_t SkinnyBytes(const GemmCall& call) {
  return ChainSkinnyWorkspaceBytes(call.a->rows(), call.b_t->rows(),
                                   call.a->cols());
}
void RunChainSkinny(const GemmCall& call, std::byte* workspace) noexcept {
  ChainSkinny(ToBlock(call), workspace);
}
void RunChainBf16(const GemmCall& call, std::byte* workspace) noexcept {
  ChainBf16(ToBlock(call), workspace);
}
void RunChainFma(const GemmCall& call, std::byte* workspace) noexcept {
  ChainFma(ToBlock(call), workspace);
}

size_t LongBytes(const GemmCall& call) {
  return ScaledLongBytes(call) + ChainBytes(call);
}
size_t LongSkinnyBytes(const GemmCall& call) {
  return ScaledLongBytes(call) + SkinnyBytes(call);
}
void RunLongSkinny(const GemmCall& call, std::byte* workspace) noexcept {
  ScaledLong(call, ChainSkinny, workspace);
}
void RunLongBf16(const GemmCall& call, std::byte* workspace) noexcept {
  ScaledLong(call, ChainBf16, workspace);
}
void RunLongFma(const GemmCall& call, std::byte* workspace) noexcept {
  ScaledLong(call, ChainFma, workspace);
}

size_t PlainFp4Bytes(const GemmCall& call) {
  return std::max(ScaledWorkspaceBytes(call), ChainBytes(call));
}
// Rows that start from a C with which sums could be inexact take the chain.
void RunPlainFp4(const GemmCall& call, std::byte* workspace) noexcept {
  ForEachRunOfRows(call, [&](const GemmCall& part, bool exact) {
    if (exact) {
      ScaledInt8(part, workspace);
    } else if (Bf16Unable().empty()) {
      RunChainBf16(part, workspace);
    } else {
      RunChainFma(part, workspace);
    }
  });
}

constexpr std::array kKernels = {
    KernelRow{"chain.int8dot", IsPlainChain, OnlyPlainFp4, Int8Unable,
              NotSlower, PlainFp4Bytes, RunPlainFp4},
    KernelRow{"chain.bf16dot.skinny", IsPlainChain, SkinnyBf16, Bf16Unable,
              Bf16Slower, SkinnyBytes, RunChainSkinny},
    KernelRow{"chain.bf16dot", IsPlainChain, PlainBf16, Bf16Unable, Bf16Slower,
              ChainBytes, RunChainBf16},
    KernelRow{"chain.fma", IsPlainChain, OnlyPlain, Able, NotSlower, ChainBytes,
              RunChainFma},
    KernelRow{"scaled.int8dot.skinny", ScaledComputes, OnlyFewRowsOfFp4,
              Int8Unable, NotSlower, ScaledSkinnyBytes, ScaledSkinny},
    KernelRow{"scaled.int8dot", ScaledComputes, OnlyScaledFp4, Int8Unable,
              NotSlower, ScaledWorkspaceBytes, ScaledInt8},
    KernelRow{"scaled.bf16dot", ScaledComputes, OnlyScaled, Bf16Unable,
              Bf16Slower, ScaledWorkspaceBytes, ScaledBf16},
    KernelRow{"scaled.fma", ScaledComputes, OnlyScaled, Able, NotSlower,
              ScaledWorkspaceBytes, ScaledFma},
    KernelRow{"scaled.long.bf16dot.skinny", LongComputes, LongBlocksSkinny,
              Bf16Unable, Bf16Slower, LongSkinnyBytes, RunLongSkinny},
    KernelRow{"scaled.long.bf16dot", LongComputes, LongBlocksBf16, Bf16Unable,
              Bf16Slower, LongBytes, RunLongBf16},
    KernelRow{"scaled.long.fma", LongComputes, OnlyLongBlocks, Able, NotSlower,
              LongBytes, RunLongFma},
    KernelRow{"ieee", IeeeComputes, Anything, Able, NotSlower, BlockBytes,
              Ieee},
    KernelRow{"exact.fma", ExactComputes, ExactScales, Able, NotSlower,
              ExactFmaBytes, ExactFma},
    KernelRow{"exact", ExactComputes, Anything, Able, NotSlower, ExactBytes,
              Exact},
    KernelRow{"floor32.cut", Floor32CutComputes, Anything, Able, NotSlower,
              Floor32WorkspaceBytes, Floor32},
    KernelRow{"floor32.f16", Floor32F16Computes, OneLevel, Able, NotSlower,
              Floor32WorkspaceBytes, Floor32},
    KernelRow{"floor_chain.f32", FloorChainF32Computes, Anything,
              FloorChainUnable, NotSlower, FloorChainWorkspaceBytes,
              FloorChain},
    KernelRow{"floor_chain.f16", FloorChainF16Computes, OneLevel,
              FloorChainUnable, NotSlower, FloorChainWorkspaceBytes,
              FloorChain},
    KernelRow{"fused", FusedComputes, Anything, Able, NotSlower, BlockBytes,
              Fused},
    KernelRow{"fused.groups.dot", GroupDotComputes, OneLevel, GroupDotUnable,
              NotSlower, GroupDotWorkspaceBytes, GroupDot},
    KernelRow{"fused.groups", GroupFusedComputes, Anything, Able, NotSlower,
              BlockBytes, GroupFused},
};

constexpr bool EveryRowHasAKernel() {
  for (const ArithInfo& row : kArith) {
    bool found = false;
    for (const KernelRow& kernel : kKernels) {
      found = found || kernel.computes(row);
    }
    if (!found) return false;
  }
  return true;
}
static_assert(EveryRowHasAKernel());

}  // namespace

std::span<const KernelRow> AllKernels() { return kKernels; }

CallTraits TraitsOf(const GemmCall& call) {
  return {.a = call.a->format(),
          .b_t = call.b_t->format(),
          .m = call.a->rows(),
          .k = call.a->cols(),
          .a_block = call.a->scale_block(),
          .b_block = call.b_t->scale_block(),
          .a_scale = call.a->scale_format(),
          .b_scale = call.b_t->scale_format(),
          .promote_every = call.promote_every};
}

std::string CannotRun(const KernelRow& kernel, const ArithInfo& row,
                      const CallTraits& call) {
  if (!kernel.computes(row)) {
    return fmt::format("does not compute {}", row.name);
  }
  if (const auto why = kernel.refuses(call); !why.empty()) {
    return std::string(why);
  }
  return std::string(kernel.unable());
}

const KernelRow* Select(const ArithInfo& row, const CallTraits& call,
                        std::string* why) {
  for (const KernelRow& kernel : kKernels) {
    if (!kernel.computes(row)) continue;
    std::string refusal = CannotRun(kernel, row, call);
    if (refusal.empty()) refusal = kernel.slower(call);
    if (refusal.empty()) return &kernel;
    if (why != nullptr) *why += fmt::format("{}: {}\n", kernel.name, refusal);
  }
  return nullptr;
}

}  // namespace zeroulp::kernels
