// SPDX-License-Identifier: Apache-2.0
// Block-scaled sums by binary32 multiply-adds and by the BF16 dot.
#include "kernels/scaled.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/scaled.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/panel-inl.h"
#include "kernels/scaled-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

// Multiplies steps of 16 lanes by a row of 16 powers of two, exactly.
template <class Dot>
void MultiplySteps(const float* HWY_RESTRICT row, size_t steps,
                   float* HWY_RESTRICT panel) {
  const DI di;
  const DF df;
  for (size_t lane = 0; lane < kGroup; lane += kLanes) {
    const VF scale = hn::Load(df, row + lane);
    for (size_t s = 0; s < steps; ++s) {
      float* at = panel + s * kGroup + lane;
      const VF x = hn::Load(df, at);
      if constexpr (Dot::kStepK == 1) {
        hn::Store(hn::Mul(x, scale), df, at);
      } else {
        // A bf16 is the upper half of a binary32.
        const hn::RebindToUnsigned<DF> du;
        const VI bits = hn::BitCast(di, x);
        const VI upper = hn::Set(di, static_cast<int32_t>(0xFFFF0000u));
        const VF high = hn::BitCast(df, hn::And(bits, upper));
        const VF low = hn::BitCast(df, hn::ShiftLeft<16>(bits));
        hn::Store(hn::Or(hn::Mul(high, scale),
                         hn::BitCast(df, hn::ShiftRight<16>(hn::BitCast(
                                             du, hn::Mul(low, scale))))),
                  df, at);
      }
    }
  }
}

// Values as Dot takes them; scales that are powers of two within.
template <class DotType, class FoldType>
class FloatPanels {
 public:
  using Dot = DotType;
  using Fold = FoldType;

  FloatPanels(const GemmCall& call, size_t block, const ScaleRows& a,
              const ScaleRows& b)
      : a_{*call.a, a, PanelDecoder(Info(call.a->format()))},
        b_{*call.b_t, b, PanelDecoder(Info(call.b_t->format()))},
        block_(block) {}

  size_t block() const { return block_; }
  void FillA(size_t group, const ScaledPass& pass, float* panel) const {
    Fill(a_, group, pass, Fold::kARows, panel);
  }
  void FillB(size_t group, const ScaledPass& pass, float* panel) const {
    Fill(b_, group, pass, Fold::kBRows, panel);
  }

 private:
  struct Side {
    const PackedMatrix& matrix;
    const ScaleRows& scales;
    PanelDecoder decoder;
  };

  void Fill(const Side& side, size_t group, const ScaledPass& pass, size_t rows,
            float* panel) const {
    const size_t steps = block_ / Dot::kStepK;
    const uint8_t* codes =
        side.matrix.data() + (group * static_cast<size_t>(side.matrix.quads()) +
                              pass.k_begin / kQuad) *
                                 kQuadBytes;
    ForEachBlock(
        pass, steps, rows, panel,
        [&](size_t block, size_t quad, size_t quads, float* to) HWY_ATTR {
          DecodePanel<Dot>(side.decoder, codes + quad * kQuadBytes, quads, to);
          const size_t k = pass.k_begin + block * block_;
          if (rows != 0) {
            side.scales.Fill(group, k, to + steps * kGroup);
          } else if (side.matrix.scale_block() != 0) {
            alignas(64) float row[kGroup];
            side.scales.Fill(group, k, row);
            MultiplySteps<Dot>(row, quads * (kQuad / Dot::kStepK), to);
          }
        });
  }

  Side a_, b_;
  size_t block_;
};

template <class Dot>
void Scaled(const GemmCall& call, std::byte* workspace) {
  const int64_t block = ScaledBlock(call);
  const ScaleRange range =
      RangeOfProducts(call.a->format(), call.b_t->format(), block);
  const ScaleRows a(*call.a, RangeOf(call, *call.a, range));
  const ScaleRows b(*call.b_t, RangeOf(call, *call.b_t, range));
  const auto run = [&](auto fold) {
    using Panels = FloatPanels<Dot, decltype(fold)>;
    const Panels panels(call, static_cast<size_t>(block), a, b);
    RunWhereInRange(call, a, b, workspace, [&](const GemmCall& part) {
      ScaledGemm<Panels>(part, panels, workspace).Run();
    });
  };
  if (OnlyPowersOfTwo(call)) {
    run(AddFold());
  } else {
    run(ScaleFold());
  }
}

void ScaledFmaTarget(const GemmCall& call, std::byte* workspace) {
  Scaled<FmaDot>(call, workspace);
}

void ScaledBf16Target(const GemmCall& call, std::byte* workspace) {
#if ZEROULP_TARGET_HAS_512
  Scaled<Bf16Dot>(call, workspace);
#else
  ScaledFmaTarget(call, workspace);  // never selected, see kernel_table.cc
#endif
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {
HWY_EXPORT(ScaledFmaTarget);
HWY_EXPORT(ScaledBf16Target);
}  // namespace

size_t ScaledWorkspaceBytes(const GemmCall& call) {
  return ScaledBytes(*call.row);
}
void ScaledFma(const GemmCall& call, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(ScaledFmaTarget)(call, workspace);
}
void ScaledBf16(const GemmCall& call, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(ScaledBf16Target)(call, workspace);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
