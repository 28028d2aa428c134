// SPDX-License-Identifier: Apache-2.0
// Sums of E2M1 products by the dot of bytes.
//
// Twice an E2M1 value is an integer, so that products are whole quarters and
// their sums, in a block, integers: no order of additions changes them.
#include <algorithm>
#include <type_traits>

#include "kernels/scaled.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/scaled_int8.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/scaled-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_AVX3_DL

inline constexpr size_t kFp4QuadBytes = 64;  // 16 rows x 4 k
// Makes bytes of A unsigned: the largest value, twice.
inline constexpr int kOffset = 12;

// Bytes of A are offset; what that adds to a sum, B's bytes alone decide.
template <class FoldType>
class BytePanels {
 public:
  using Dot = Int8Dot;
  using Fold = FoldType;

  BytePanels(const GemmCall& call, size_t block, const ScaleRows& a,
             const ScaleRows& b)
      : a_(*call.a), b_(*call.b_t), a_scales_(a), b_scales_(b), block_(block) {
    alignas(16) uint8_t twice[16], offset[16];
    for (uint32_t code = 0; code < 16; ++code) {
      const int value =
          static_cast<int>(2 * Decode(Info(Format::kE2M1FN), code));
      twice[code] = static_cast<uint8_t>(value);
      offset[code] = static_cast<uint8_t>(value + kOffset);
    }
    twice_ = hn::LoadDup128(DB(), twice);
    offset_ = hn::LoadDup128(DB(), offset);
  }

  size_t block() const { return block_; }

  void FillA(size_t group, const ScaledPass& pass, float* panel) const {
    const DF df;
    const uint8_t* codes = Codes(a_, group, pass);
    ForEachBlock(
        pass, block_ / 4, Fold::kARows, panel,
        [&](size_t block, size_t quad, size_t quads, float* to) HWY_ATTR {
          for (size_t q = 0; q < quads; ++q) {
            const VB code = hn::Load(DB(), codes + (quad + q) * kFp4QuadBytes);
            hn::Store(hn::BitCast(df, hn::TableLookupBytes(offset_, code)), df,
                      to + q * kGroup);
          }
          float* row = to + block_ / 4 * kGroup;
          a_scales_.Fill(group, pass.k_begin + block * block_, row);
        });
  }

  void FillB(size_t group, const ScaledPass& pass, float* panel) const {
    const DI di;
    const DF df;
    const uint8_t* codes = Codes(b_, group, pass);
    const VI offsets = hn::Set(di, kOffset * 0x01010101);
    ForEachBlock(
        pass, block_ / 4, Fold::kBRows, panel,
        [&](size_t block, size_t quad, size_t quads, float* to) HWY_ATTR {
          VI added = hn::Zero(di);
          for (size_t q = 0; q < quads; ++q) {
            const VB code = hn::Load(DB(), codes + (quad + q) * kFp4QuadBytes);
            const VB values = hn::TableLookupBytes(twice_, code);
            added = DotU8S8(added, offsets, hn::BitCast(di, values));
            hn::Store(hn::BitCast(df, values), df, to + q * kGroup);
          }
          float* begin = to + block_ / 4 * kGroup;
          float* row = begin + kGroup;
          b_scales_.Fill(group, pass.k_begin + block * block_, row);
          const VF base = hn::BitCast(df, hn::Set(di, kFractionBase));
          VF from = base;
          if constexpr (kPowers) {
            from = hn::Mul(base, hn::Load(df, row));
            hn::Store(from, df, row);
          }
          hn::Store(hn::BitCast(df, hn::Sub(hn::BitCast(di, from), added)), df,
                    begin);
        });
  }

 private:
  static constexpr bool kPowers = std::is_same_v<Fold, FractionFold>;

  static const uint8_t* Codes(const PackedMatrix& matrix, size_t group,
                              const ScaledPass& pass) {
    return matrix.data() + (group * static_cast<size_t>(matrix.quads()) +
                            pass.k_begin / kQuad) *
                               kFp4QuadBytes;
  }

  const PackedMatrix& a_;
  const PackedMatrix& b_;
  const ScaleRows& a_scales_;
  const ScaleRows& b_scales_;
  size_t block_;
  VB twice_, offset_;
};

template <class Fold>
void RunBytes(const GemmCall& call, size_t block, std::byte* workspace) {
  // FractionFold multiplies by A's scale in the one rounding of a sum.
  const bool any_a = std::is_same_v<Fold, FractionFold>;
  const ScaleRows a(*call.a, any_a ? ScaleRange()
                                   : RangeOf(call, *call.a, kRangeOfFractions));
  const ScaleRows b(*call.b_t, RangeOf(call, *call.b_t, kRangeOfFractions));
  const BytePanels<Fold> panels(call, block, a, b);
  RunWhereInRange(call, a, b, workspace, [&](const GemmCall& part) {
    ScaledGemm<BytePanels<Fold>>(part, panels, workspace).Run();
  });
}

#endif

void ScaledInt8Target(const GemmCall& call, std::byte* workspace) {
#if HWY_TARGET == HWY_AVX3_DL
  const int64_t block = ScaledBlock(call);
  if (block == 0) {
    // One block for as much of K as there is, or the lanes hold.
    constexpr int64_t kUnit = 16;
    const int64_t k = (call.a->cols() + kUnit - 1) / kUnit * kUnit;
    return RunBytes<FractionFold>(
        call, static_cast<size_t>(std::clamp(k, kUnit, kMaxIntegerBlock)),
        workspace);
  }
  if (OnlyPowersOfTwo(call)) {
    return RunBytes<FractionFold>(call, static_cast<size_t>(block), workspace);
  }
  RunBytes<FractionScaleFold>(call, static_cast<size_t>(block), workspace);
#else
  ScaledFma(call, workspace);  // never selected, see kernel_table.cc
#endif
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {
HWY_EXPORT(ScaledInt8Target);
}  // namespace

void ScaledInt8(const GemmCall& call, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(ScaledInt8Target)(call, workspace);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
