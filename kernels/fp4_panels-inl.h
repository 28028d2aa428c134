// SPDX-License-Identifier: Apache-2.0
// Panels of bytes, twice E2M1 values, for the dot of bytes in
// scaled_tile-inl.h. Those of A are offset, to be unsigned; what that adds to a
// sum, B's bytes alone decide.

#if defined(ZEROULP_KERNELS_FP4_PANELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_FP4_PANELS_INL_H_
#undef ZEROULP_KERNELS_FP4_PANELS_INL_H_
#else
#define ZEROULP_KERNELS_FP4_PANELS_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/aligned_parts.h"
#include "kernels/aligned_scales-inl.h"
#include "kernels/scaled-inl.h"
#include "zeroulp/codec.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3_DL

inline constexpr size_t kFp4QuadBytes = 64;  // 16 rows x 4 k

// Of 16 rows, from the quad that a pass begins with.
inline const uint8_t* Fp4Codes(const PackedMatrix& matrix, size_t group,
                               const ScaledPass& pass) {
  return matrix.data() +
         (group * static_cast<size_t>(matrix.quads()) + pass.k_begin / kQuad) *
             kFp4QuadBytes;
}

inline VI LoadFp4(const uint8_t* codes) {
  return hn::Load(DI(), reinterpret_cast<const int32_t*>(codes));
}

// Blocks that have a scale each.
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
      offset[code] = static_cast<uint8_t>(value + kLargestTwice);
    }
    twice_ = hn::LoadDup128(DB(), twice);
    offset_ = hn::LoadDup128(DB(), offset);
  }

  size_t block() const { return block_; }

  void FillA(size_t group, const ScaledPass& pass, float* panel) const {
    const DF df;
    const uint8_t* codes = Fp4Codes(a_, group, pass);
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
    const uint8_t* codes = Fp4Codes(b_, group, pass);
    const VI offsets = hn::Set(di, kLargestTwice * 0x01010101);
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

  const PackedMatrix& a_;
  const PackedMatrix& b_;
  const ScaleRows& a_scales_;
  const ScaleRows& b_scales_;
  size_t block_;
  VB twice_, offset_;
};

// Calls use(q, indices) for `quads` quads, of which `first` is the first, and
// `codes` where it is: indices of tables of 4 times 16 values, each 16 twice as
// large as those before.
template <class Use>
HWY_INLINE void ForEachQuad(const AlignedScales& scales, const uint8_t* codes,
                            size_t first, size_t quads, const Use& use) {
  for (size_t q = 0; q < quads;) {
    const size_t scale = (first + q) / scales.quads();
    const size_t end = std::min(quads, (scale + 1) * scales.quads() - first);
    const VI shifts = scales.Shifts(scale);
    for (; q < end; ++q) {
      use(q, hn::Or(LoadFp4(codes + q * kFp4QuadBytes), shifts));
    }
  }
}

// See aligned_parts.h.
inline int RoomOfTarget(const PackedMatrix& matrix, size_t group) {
  // Lanes hold the sums of 2^31 / 96 magnitudes; of far fewer that are not zero
  // there is no room.
  constexpr int64_t kMostProducts = int64_t{1} << 20;
  if (matrix.cols() > kMostProducts) return -1;
  const DI di;
  const auto quads = static_cast<size_t>(matrix.quads());
  static constexpr ShiftedTable kMagnitudes(
      [](int x) { return x < 0 ? -x : x; });
  const VI magnitudes = LoadFp4(kMagnitudes.bytes);
  const VI ones = hn::Set(di, 0x01010101);
  VI sum = hn::Zero(di);
  ForEachQuad(AlignedScales(matrix, group),
              matrix.data() + group * quads * kFp4QuadBytes, 0, quads,
              [&](size_t, VI indices) HWY_ATTR {
                sum = DotU8S8(sum, SelectBytes(magnitudes, indices), ones);
              });
  return RoomBeside(hn::GetLane(hn::MaxOfLanes(di, sum)));
}

// Long blocks of rows that share an exponent (see aligned_rows.h): bytes are
// shifted by what their own exponent is above it.
class AlignedPanels {
 public:
  using Dot = Int8Dot;
  using Fold = IntegerFold;

  AlignedPanels(const GemmCall& call, size_t block)
      : a_(*call.a),
        b_(*call.b_t),
        block_(block),
        twice_(LoadFp4(kTwice.bytes)),
        offset_(LoadFp4(kOffsetTwice.bytes)) {}

  size_t block() const { return block_; }

  void FillA(size_t group, const ScaledPass& pass, float* panel) const {
    const DF df;
    const AlignedScales scales(a_, group);
    const uint8_t* codes = Fp4Codes(a_, group, pass);
    ForEachBlock(
        pass, block_ / 4, Fold::kARows, panel,
        [&](size_t, size_t quad, size_t quads, float* to) HWY_ATTR {
          ForEachQuad(
              scales, codes + quad * kFp4QuadBytes, pass.k_begin / kQuad + quad,
              quads, [&](size_t q, VI indices) HWY_ATTR {
                hn::Store(hn::BitCast(df, SelectBytes(offset_, indices)), df,
                          to + q * kGroup);
              });
          hn::Store(scales.powers(), df, to + block_ / 4 * kGroup);
        });
  }

  void FillB(size_t group, const ScaledPass& pass, float* panel) const {
    const DI di;
    const DF df;
    const AlignedScales scales(b_, group);
    const uint8_t* codes = Fp4Codes(b_, group, pass);
    const VI offsets = hn::Set(di, kOffset * 0x01010101);
    ForEachBlock(pass, block_ / 4, Fold::kBRows, panel,
                 [&](size_t, size_t quad, size_t quads, float* to) HWY_ATTR {
                   VI added = hn::Zero(di);
                   ForEachQuad(scales, codes + quad * kFp4QuadBytes,
                               pass.k_begin / kQuad + quad, quads,
                               [&](size_t q, VI indices) HWY_ATTR {
                                 const VI values = SelectBytes(twice_, indices);
                                 added = DotU8S8(added, offsets, values);
                                 hn::Store(hn::BitCast(df, values), df,
                                           to + q * kGroup);
                               });
                   float* begin = to + block_ / 4 * kGroup;
                   hn::Store(hn::BitCast(df, hn::Neg(added)), df, begin);
                   // The unit of products of two numbers twice as large.
                   hn::Store(hn::Mul(scales.powers(), hn::Set(df, 0.25f)), df,
                             begin + kGroup);
                 });
  }

 private:
  static constexpr int kOffset = kLargestTwice << kMostShift;
  static constexpr ShiftedTable kTwice{[](int x) { return x; }};
  static constexpr ShiftedTable kOffsetTwice{[](int x) { return x + kOffset; }};

  const PackedMatrix& a_;
  const PackedMatrix& b_;
  size_t block_;
  VI twice_, offset_;
};

#endif

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_FP4_PANELS_INL_H_
