// SPDX-License-Identifier: Apache-2.0
// Per chunk: c = the sum of c and four T, all cut toward zero to multiples of
// 2^(E - 35), rounded toward zero. T = t * scale of A * scale of B, t an exact
// sum of 16 products, E the largest exponent of c and of the scales' products.
//
// t is an integer of 12 bits in quarters, T a binary32 number of at most 20
// bits. Where exponents say that nothing is cut, as for nearly all chunks of
// real data, binary64 holds c + T + T + T + T exactly, and its conversion to
// binary32 is the one rounding; where they are close even binary32 holds the
// four T. Other chunks are cut one row of D at a time.
#include "kernels/group_dot.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/group_dot.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/ops-inl.h"
#include "kernels/wide-inl.h"
#if ZEROULP_TARGET_HAS_BYTE_DOT
#include "kernels/group_panel-inl.h"
#endif

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

#if ZEROULP_TARGET_HAS_BYTE_DOT

// Rows of a tile: for each a sum of products and two vectors of binary64.
constexpr size_t kTileRows = ZEROULP_TARGET_HAS_512 ? 8 : 4;

struct WideSums {
  VD low, high;
};

class GroupTiles {
 public:
  explicit GroupTiles(const GemmCall& call)
      : limits_(call),
        align_bits_(call.row->align_bits),
        floor_(call.row->exponent_floor.value_or(kLowestExponent)),
        a_min_exponent_(Info(call.a->scale_format()).min_exponent()),
        b_min_exponent_(Info(call.b_t->scale_format()).min_exponent()),
        round_(Info(Format::kF32), 23, /*toward_zero=*/true) {}

  // 16 x 16 accumulators at `tile`, `rows` of them used.
  void operator()(const GroupChunk* a, const GroupChunk* b, size_t chunks,
                  size_t rows, float* tile, size_t stride) const {
    for (size_t lane = 0; lane < kGroupLanes; lane += kLanesF32) {
      for (size_t row = 0; row < rows; row += kTileRows) {
        float* at = tile + row * stride + lane;
        for (size_t i = 0; i < chunks; ++i) {
          Chunk(a[i], b[i], row, lane, at, stride);
        }
      }
    }
  }

 private:
  HWY_INLINE void Chunk(const GroupChunk& a, const GroupChunk& b, size_t row,
                        size_t lane, float* HWY_RESTRICT acc,
                        size_t stride) const {
    const DF df;
    const DI di;
    const DFHalf dh;
    WideSums sums[kTileRows];
    auto in_range = hn::Eq(hn::Zero(di), hn::Zero(di));
    int spread = 0;
    ZEROULP_UNROLL
    for (size_t i = 0; i < kTileRows; ++i) {
      const VF c = hn::LoadU(df, acc + i * stride);
      in_range = hn::And(in_range, NothingIsCut(a, b, row + i, lane, c));
      spread = std::max(spread, a.spread[row + i]);
      sums[i] = {hn::PromoteTo(DD(), hn::LowerHalf(dh, c)),
                 hn::PromoteTo(DD(), hn::UpperHalf(dh, c))};
    }
    if (HWY_UNLIKELY(spread + b.spread[0] > limits_.spread ||
                     !hn::AllTrue(di, in_range))) {
      for (size_t i = 0; i < kTileRows; ++i) {
        CutRow(a, b, row + i, lane, acc + i * stride);
      }
      return;
    }
    if (spread + b.spread[0] <= limits_.narrow_spread) {
      AddGroups<kGroupCount>(a, b, row, lane, sums);
    } else {
      AddGroups<1>(a, b, row, lane, sums);
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kTileRows; ++i) {
      float* to = acc + i * stride;
      hn::StoreU(ToBinary32TowardZero(sums[i].low), dh, to);
      hn::StoreU(ToBinary32TowardZero(sums[i].high), dh, to + kLanesF64);
    }
  }

  // Adds all groups, `kTogether` of them at a time in binary32.
  template <size_t kTogether>
  HWY_INLINE void AddGroups(const GroupChunk& a, const GroupChunk& b,
                            size_t row, size_t lane,
                            WideSums (&sums)[kTileRows]) const {
    const DF df;
    const DFHalf dh;
    for (size_t first = 0; first < kGroupCount; first += kTogether) {
      VF narrow[kTileRows];
      ZEROULP_UNROLL
      for (size_t i = 0; i < kTileRows; ++i) narrow[i] = hn::Zero(df);
      ZEROULP_UNROLL
      for (size_t g = first; g < first + kTogether; ++g) {
        VI dots[kTileRows];
        Dots(a, b, g, row, lane, dots);
        const VF b_scale = hn::Load(df, b.scales[g] + lane);
        ZEROULP_UNROLL
        for (size_t i = 0; i < kTileRows; ++i) {
          const VF scale = hn::Mul(hn::Set(df, a.scales[g][row + i]), b_scale);
          narrow[i] =
              MulAddExactProduct(narrow[i], hn::ConvertTo(df, dots[i]), scale);
        }
      }
      ZEROULP_UNROLL
      for (size_t i = 0; i < kTileRows; ++i) {
        sums[i].low = hn::Add(
            sums[i].low, hn::PromoteTo(DD(), hn::LowerHalf(dh, narrow[i])));
        sums[i].high = hn::Add(
            sums[i].high, hn::PromoteTo(DD(), hn::UpperHalf(dh, narrow[i])));
      }
    }
  }

  // Whether no addend of a chunk reaches below 2^(E - align_bits) in this row,
  // provided that the exponents of the scales do not spread too far.
  HWY_INLINE hn::Mask<DI> NothingIsCut(const GroupChunk& a, const GroupChunk& b,
                                       size_t row, size_t lane, VF c) const {
    const DI di;
    const VI magnitude = hn::BitCast(di, hn::Abs(c));
    const VI highest =
        hn::Add(hn::Load(di, b.highest + lane), hn::Set(di, a.highest[row]));
    const VI lowest =
        hn::Add(hn::Load(di, b.lowest + lane), hn::Set(di, a.lowest[row]));
    // The last place of C is not below the grid; that of no group is if C is
    // the largest.
    const VI from =
        hn::Add(highest, hn::Set(di, (127 + 23 - align_bits_) * (1 << 23)));
    const VI to =
        hn::Add(lowest, hn::Set(di, (127 + limits_.spread + 1) * (1 << 23)));
    const auto inside =
        hn::AndNot(hn::Lt(magnitude, from), hn::Lt(magnitude, to));
    return hn::Or(inside, hn::Eq(magnitude, hn::Zero(di)));
  }

  // The sums of group `g`, in quarters.
  HWY_INLINE void Dots(const GroupChunk& a, const GroupChunk& b, size_t g,
                       size_t row, size_t lane, VI (&dots)[kTileRows]) const {
    const DI di;
    ZEROULP_UNROLL
    for (size_t i = 0; i < kTileRows; ++i) {
      dots[i] = hn::Load(di, b.begin[g] + lane);
    }
    ZEROULP_UNROLL
    for (size_t step = 0; step < kGroupSteps; ++step) {
      const VI b_now = hn::Load(di, b.bytes[g][step] + lane);
      ZEROULP_UNROLL
      for (size_t i = 0; i < kTileRows; ++i) {
        dots[i] = DotSmallBytes(dots[i], hn::Set(di, a.bytes[g][step][row + i]),
                                b_now);
      }
    }
  }

  // One row, every addend cut as the arithmetic says.
  HWY_NOINLINE void CutRow(const GroupChunk& a, const GroupChunk& b, size_t row,
                           size_t lane, float* HWY_RESTRICT acc) const {
    const DI di;
    alignas(64) int32_t dots[kGroupCount][kLanesF32];
    alignas(64) int32_t products[kGroupCount][kLanesF32];
    for (size_t g = 0; g < kGroupCount; ++g) {
      VI dot = hn::Load(di, b.begin[g] + lane);
      for (size_t step = 0; step < kGroupSteps; ++step) {
        dot = DotSmallBytes(dot, hn::Set(di, a.bytes[g][step][row]),
                            hn::Load(di, b.bytes[g][step] + lane));
      }
      hn::Store(dot, di, dots[g]);
      hn::Store(hn::And(hn::Set(di, a.nonzero[g][row]),
                        hn::Load(di, b.nonzero[g] + lane)),
                di, products[g]);
    }
    for (size_t i = 0; i < kLanesF32; i += kLanesF64) {
      CutLanes(a, b, row, lane + i, &dots[0][i], &products[0][i], acc + i);
    }
  }

  HWY_INLINE void CutLanes(const GroupChunk& a, const GroupChunk& b, size_t row,
                           size_t lane, const int32_t* HWY_RESTRICT dots,
                           const int32_t* HWY_RESTRICT products,
                           float* HWY_RESTRICT acc) const {
    const DD dd;
    const DL dl;
    const DFHalf dh;
    const VD c = WideFrom(acc);
    VL largest = hn::Max(WideExponent(c, Info(Format::kF32).min_exponent()),
                         hn::Set(dl, int64_t{floor_}));
    VD scales[kGroupCount];
    for (size_t g = 0; g < kGroupCount; ++g) {
      const VD x = hn::Set(dd, 4.0 * double{a.scales[g][row]});
      const VD y = WideFrom(b.scales[g] + lane);
      scales[g] = hn::Mul(x, y);
      const VL exponent = hn::Add(ScaleExponent(x, a_min_exponent_),
                                  ScaleExponent(y, b_min_exponent_));
      // A group whose products are all zero aligns nothing.
      const auto none = hn::Eq(
          hn::PromoteTo(dl, hn::LoadU(DIHalf(), products + g * kLanesF32)),
          hn::Zero(dl));
      largest = hn::Max(
          largest, hn::IfThenElse(none, hn::Set(dl, int64_t{kLowestExponent}),
                                  exponent));
    }
    const VL grid = hn::Sub(largest, hn::Set(dl, int64_t{align_bits_}));
    const VD per_unit = PowerOfTwo(hn::Neg(grid));
    const VD quarter = hn::Set(dd, 0.25);
    VD total = hn::Trunc(hn::Mul(c, per_unit));
    VD nan = hn::Zero(dd);  // or NaN, if a scale is
    for (size_t g = 0; g < kGroupCount; ++g) {
      const VD sum = hn::Mul(WideFrom(dots + g * kLanesF32), quarter);
      const VD scaled = hn::Mul(hn::Mul(sum, scales[g]), per_unit);
      nan = hn::Add(nan, hn::Mul(scales[g], hn::Zero(dd)));
      total = hn::Add(total, hn::Trunc(scaled));
    }
    const auto sum = round_(hn::Mul(total, PowerOfTwo(grid)));
    const auto plus_zero = hn::IfThenZeroElse(hn::Eq(sum, hn::Zero(dh)), sum);
    const auto before = hn::LoadU(dh, acc);
    const auto after = hn::IfThenElse(hn::IsFinite(before), plus_zero, before);
    hn::StoreU(hn::Add(after, ToBinary32(nan)), dh, acc);
  }

  // As an aligner sees it; of zero the smallest.
  static HWY_INLINE VL ScaleExponent(VD x, int min_exponent) {
    const DL dl;
    const hn::Repartition<uint64_t, DD> du;
    const VL field =
        hn::BitCast(dl, hn::ShiftRight<52>(hn::BitCast(du, hn::Abs(x))));
    return hn::Max(hn::Sub(field, hn::Set(dl, int64_t{1023})),
                   hn::Set(dl, int64_t{min_exponent}));
  }

  GroupLimits limits_;
  int align_bits_, floor_, a_min_exponent_, b_min_exponent_;
  WideRounder round_;
};

// One call's loops, outermost first: columns of D whose panels the L2 cache
// holds; passes over K; groups of 16 rows.
class GroupDotGemm {
 public:
  GroupDotGemm(const GemmCall& call, GroupWorkspace& memory)
      : call_(call),
        fill_a_(*call.a, true),
        fill_b_(*call.b_t, false),
        tiles_(call),
        memory_(memory) {}

  void Run() const {
    const size_t chunk = kGroupCount * kGroupProducts;
    const size_t chunks =
        hwy::DivCeil(static_cast<size_t>(call_.a->cols()), chunk);
    const auto n_end = static_cast<size_t>(call_.n_end);
    constexpr size_t kCols = kGroupBPanels * kGroupLanes;
    for (size_t n = static_cast<size_t>(call_.n_begin); n < n_end; n += kCols) {
      size_t first = 0;
      do {  // at least once: K = 0 copies C
        const size_t count = std::min(chunks - first, kGroupPassChunks);
        Pass(n, std::min(n + kCols, n_end), first, count,
             first + count == chunks);
        first += count;
      } while (first < chunks);
    }
  }

 private:
  void Pass(size_t n_begin, size_t n_end, size_t first, size_t count,
            bool last) const {
    for (size_t n = n_begin; n < n_end; n += kGroupLanes) {
      fill_b_(n / kGroupLanes, first, count,
              memory_.b[(n - n_begin) / kGroupLanes]);
    }
    const auto m_end = static_cast<size_t>(call_.m_end);
    for (size_t m = static_cast<size_t>(call_.m_begin); m < m_end;
         m += kGroupLanes) {
      fill_a_(m / kGroupLanes, first, count, memory_.a);
      const size_t rows = std::min(kGroupLanes, m_end - m);
      for (size_t n = n_begin; n < n_end; n += kGroupLanes) {
        const size_t cols = std::min(kGroupLanes, n_end - n);
        Load(m, n, rows, cols, first == 0);
        tiles_(memory_.a, memory_.b[(n - n_begin) / kGroupLanes], count, rows,
               memory_.tile, kGroupLanes);
        Store(m, n, rows, cols, last);
      }
    }
  }

  // Accumulators from C or, after the first pass, from D.
  void Load(size_t m, size_t n, size_t rows, size_t cols, bool first) const {
    const ConstMatrixView from = first ? call_.c : call_.d;
    if (rows < kGroupLanes || cols < kGroupLanes || from.rows == 0) {
      std::fill_n(memory_.tile, kGroupLanes * kGroupLanes, 0.0f);
    }
    if (from.rows == 0) return;
    const auto* words = reinterpret_cast<const float*>(from.bytes.data());
    const auto stride = static_cast<size_t>(from.row_stride);
    for (size_t i = 0; i < rows; ++i) {
      std::memcpy(memory_.tile + i * kGroupLanes, words + (m + i) * stride + n,
                  cols * sizeof(float));
    }
  }

  void Store(size_t m, size_t n, size_t rows, size_t cols, bool last) const {
    const DF df;
    if (last) {
      const VF nan = hn::BitCast(
          df, hn::Set(DI(), static_cast<int32_t>(call_.row->nan_word)));
      for (size_t i = 0; i < kGroupLanes * kGroupLanes; i += kLanesF32) {
        const VF x = hn::Load(df, memory_.tile + i);
        hn::Store(hn::IfThenElse(hn::IsNaN(x), nan, x), df, memory_.tile + i);
      }
    }
    auto* words = reinterpret_cast<float*>(call_.d.bytes.data());
    const auto stride = static_cast<size_t>(call_.d.row_stride);
    for (size_t i = 0; i < rows; ++i) {
      std::memcpy(words + (m + i) * stride + n, memory_.tile + i * kGroupLanes,
                  cols * sizeof(float));
    }
  }

  const GemmCall& call_;
  GroupPanelFiller fill_a_, fill_b_;
  GroupTiles tiles_;
  GroupWorkspace& memory_;
};

#endif  // ZEROULP_TARGET_HAS_BYTE_DOT

void GroupDotTarget(const GemmCall& call, std::byte* workspace) {
#if ZEROULP_TARGET_HAS_BYTE_DOT
  GroupDotGemm(call, *reinterpret_cast<GroupWorkspace*>(workspace)).Run();
#else
  GroupFused(call, workspace);  // never selected, see kernel_table.cc
#endif
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/group_panel.h"

namespace zeroulp::kernels {
HWY_EXPORT(GroupDotTarget);

size_t GroupDotWorkspaceBytes(const GemmCall& /*call*/) {
  return sizeof(GroupWorkspace);
}

void GroupDot(const GemmCall& call, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(GroupDotTarget)(call, workspace);
}
}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
