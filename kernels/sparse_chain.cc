// SPDX-License-Identifier: Apache-2.0
#include "kernels/sparse_chain.h"

#include <algorithm>
#include <bit>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_chain.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/panel-inl.h"
#include "kernels/panel16-inl.h"
#include "kernels/sparse_fma.h"
#include "kernels/sparse_loops-inl.h"
#include "kernels/tile-inl.h"

#ifndef ZEROULP_KERNELS_SPARSE_CHAIN_ONCE_
#define ZEROULP_KERNELS_SPARSE_CHAIN_ONCE_
namespace zeroulp::kernels {

inline constexpr size_t kBf16Lanes = 32;  // of a window
inline constexpr size_t kBf16PerStep = 2;

// Dense rows of a tile of kSparseNV vectors: 16 accumulators, two indices, two
// values, a window and what is selected from it.
inline constexpr size_t kSparseMR = 8;
// At 4:16 a pass is 4096 elements of K, at 2:4 half as many. Shorter ones read
// and write D more often; longer ones would not leave 64 dense rows in L2.
inline constexpr SparseSizes kBf16Sizes = {.steps = 512};
// They share the line a step that a square of 16 rows brings to L2.
inline constexpr size_t kTilesOfSquare = kSparseRows / kSparseMR;

}  // namespace zeroulp::kernels
#endif  // ZEROULP_KERNELS_SPARSE_CHAIN_ONCE_

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

#if ZEROULP_TARGET_HAS_512

// Quads of narrow codes or bf16 -> [step][16] pairs of bf16, the first in the
// high half.
class PairDecoder {
 public:
  explicit PairDecoder(const PackedMatrix& matrix)
      : narrow_(Info(matrix.format())),
        wide_(Info(matrix.format())),
        is_wide_(Info(matrix.format()).storage_bits == 16) {}

  void operator()(const uint8_t* quads, size_t count, float* pairs) const {
    if (is_wide_) {
      wide_.operator()<Bf16Dot>(quads, count, pairs);
    } else {
      DecodePanel<Bf16Dot>(narrow_, quads, count, pairs);
    }
  }

 private:
  PanelDecoder narrow_;
  Panel16Decoder wide_;
  bool is_wide_;
};

// The quad of group `group` that element `k` of its rows begins.
const uint8_t* QuadAt(const PackedMatrix& matrix, size_t group, size_t k) {
  const auto quads = static_cast<size_t>(matrix.quads());
  const auto per_quad = static_cast<size_t>(matrix.quad_cols());
  return matrix.data() + (group * quads + k / per_quad) * kQuadBytes;
}

// The values of a panel, from `count` quads of so many steps each.
void DecodeValues(const PairDecoder& decoder, const uint8_t* quads,
                  size_t count, size_t quad_steps, uint8_t* panel) {
  const DF df;
  constexpr size_t kSteps = 32;  // at a time, 2K of L1
  alignas(64) float values[kSteps * kSparseRows];
  while (count != 0) {
    const size_t now = std::min(count, kSteps / quad_steps);
    decoder(quads, now, values);
    for (size_t s = 0; s < now * quad_steps; ++s) {
      hn::Store(hn::Load(df, values + s * kSparseRows), df,
                reinterpret_cast<float*>(panel));
      panel += kPanelStepBytes;
    }
    quads += now * kQuadBytes;
    count -= now;
  }
}

// A panel: for each step 16 pairs of bf16, and behind them as many pairs of
// word indices.
void DecodeSparse(const SparseCall& call, const SparseWindow& window,
                  const GroupBases& bases, const PairDecoder& decoder,
                  const SparsePass& pass, size_t group, uint8_t* panel) {
  const DI di;
  const PackedMatrix& stored = call.sparse->stored();
  const size_t k_begin = pass.first_window * window.stored;
  const auto per_quad = static_cast<size_t>(stored.quad_cols());
  DecodeValues(decoder, QuadAt(stored, group, k_begin),
               hwy::DivCeil(pass.stored, per_quad), per_quad / kBf16PerStep,
               panel);
  const size_t quads = hwy::DivCeil(pass.stored, size_t{4});
  const auto all_positions = static_cast<size_t>(call.sparse->position_quads());
  const uint8_t* from = call.sparse->positions() +
                        (group * all_positions + k_begin / 4) * kQuadBytes;
  const auto step = [&](size_t s) {
    return reinterpret_cast<int32_t*>(panel + s * kPanelStepBytes);
  };
  // Dense rows are pairs like these, so that element k is word k ^ 1.
  const VI swapped = hn::Set(di, 0x01010101);
  GroupBases::Cursor base = bases.From(k_begin / 4);
  for (size_t q = 0; q < quads; ++q) {
    const VI positions =
        hn::LoadU(di, reinterpret_cast<const int32_t*>(from + q * kQuadBytes));
    const VI index =
        hn::Xor(hn::Add(positions, hn::Set(di, base.Next())), swapped);
    const VI low = hn::Set(di, 0xFF), high = hn::Set(di, 0xFF0000);
    hn::Store(hn::Or(hn::ShiftLeft<16>(hn::And(index, low)),
                     hn::And(hn::ShiftRight<8>(index), low)),
              di, step(2 * q) + kSparseRows);
    hn::Store(
        hn::Or(hn::And(index, high), hn::And(hn::ShiftRight<24>(index), low)),
        di, step(2 * q + 1) + kSparseRows);
  }
  if (pass.stored % kBf16PerStep == 0) return;
  // The second half of the last step is no product, and must not turn a sum of
  // minus zero into plus zero: -0 times the last word of a window that the end
  // of K leaves empty, +0, does not.
  int32_t* words = step(pass.steps - 1);
  int32_t* indices = words + kSparseRows;
  const VI upper = hn::Set(di, static_cast<int32_t>(0xFFFF0000u));
  hn::Store(hn::Or(hn::And(hn::Load(di, words), upper), hn::Set(di, 0x8000)),
            di, words);
  hn::Store(hn::Or(hn::And(hn::Load(di, indices), upper),
                   hn::Set(di, kBf16Lanes - 1)),
            di, indices);
}

// 16 dense rows, zero past the end of K.
void DecodeDense(const PackedMatrix& dense, const SparseWindow& window,
                 const PairDecoder& decoder, const SparsePass& pass,
                 size_t group, uint8_t* rows, uint8_t* panel) {
  const DI di;
  const auto per_quad = static_cast<size_t>(dense.quad_cols());
  const size_t quads = kBf16Lanes / per_quad;  // of a transpose
  const size_t k_begin = pass.first_window * window.cols;
  const uint8_t* codes = QuadAt(dense, group, k_begin);
  size_t left = static_cast<size_t>(dense.quads()) - k_begin / per_quad;
  const size_t words =
      pass.windows == 0 ? 0 : (pass.windows - 1) * window.cols + kBf16Lanes;
  const bool whole_windows = window.cols == kBf16Lanes;
  for (size_t part = 0; part * kBf16Lanes < words; ++part) {
    alignas(64) float steps[16 * kSparseRows];
    const size_t now = std::min(quads, left);
    decoder(codes, now, steps);
    std::fill(steps + now * per_quad / kBf16PerStep * kSparseRows,
              std::end(steps), 0.0f);
    codes += now * kQuadBytes;
    left -= now;
    VI in[16];
    ZEROULP_UNROLL
    for (size_t i = 0; i < 16; ++i) {
      in[i] = hn::Load(
          di, reinterpret_cast<const int32_t*>(steps) + i * kSparseRows);
    }
    StorePart<kSparseMR>(in, part, whole_windows, pass.windows, rows,
                         kBf16Sizes.row(), panel);
  }
  if (whole_windows) return;
  ToWindows<kSparseMR>(rows, kBf16Sizes.row(), pass.windows,
                       window.cols * sizeof(uint16_t), panel);
}

// kSparseMR dense rows from window panel `a` by kVectors panels.
template <size_t kVectors>
HWY_NOINLINE void SparseTile(const SparsePass& pass, size_t window_steps,
                             const uint8_t* HWY_RESTRICT a,
                             const uint8_t* const* HWY_RESTRICT panels,
                             const uint8_t* HWY_RESTRICT ahead,
                             const TileOutput& out) {
  const DF df;
  const DI di;
  VF acc[kSparseMR][kVectors];
  ZEROULP_UNROLL
  for (size_t i = 0; i < kSparseMR; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      acc[i][v] =
          out.from == nullptr
              ? hn::Zero(df)
              : hn::LoadU(df, out.from + i * out.from_stride + v * kLanes);
    }
  }
  const uint8_t* at[kVectors];
  ZEROULP_UNROLL
  for (size_t v = 0; v < kVectors; ++v) at[v] = panels[v];
  size_t steps = pass.steps;
  bool fetched = false;
  while (steps != 0) {
    if (steps <= kFetchSteps && !fetched) {
      PrefetchOutput<kSparseMR, kVectors>(out);
      fetched = true;
    }
    const size_t now = HWY_MIN(steps, window_steps);
    steps -= now;
    for (size_t s = 0; s < now; s += kTilesOfSquare) {
      PrefetchL2(ahead);
      ahead += kStepBytes;
    }
    for (size_t s = 0; s < now; ++s) {
      VI index[kVectors];
      VF value[kVectors];
      ZEROULP_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        value[v] = hn::Load(df, reinterpret_cast<const float*>(at[v]));
        index[v] =
            hn::Load(di, reinterpret_cast<const int32_t*>(at[v] + kStepBytes));
        at[v] += kPanelStepBytes;
      }
      ZEROULP_UNROLL
      for (size_t i = 0; i < kSparseMR; ++i) {
        const VF row =
            hn::Load(df, reinterpret_cast<const float*>(a + i * kStepBytes));
        ZEROULP_UNROLL
        for (size_t v = 0; v < kVectors; ++v) {
          acc[i][v] =
              DotBf16HighLow(acc[i][v], SelectWords(row, index[v]), value[v]);
        }
      }
    }
    a += kSparseMR * kStepBytes;
  }
  const VF nan = hn::BitCast(df, hn::Set(di, 0x7FC00000));
  ZEROULP_UNROLL
  for (size_t i = 0; i < kSparseMR; ++i) {
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      const VF x = acc[i][v];
      hn::StoreU(out.last ? hn::IfThenElse(hn::IsNaN(x), nan, x) : x, df,
                 out.to + i * out.to_stride + v * kLanes);
    }
  }
}

// 16 dense rows by up to kSparseNV panels.
void TwoTiles(const SparsePass& pass, size_t window_steps, size_t vectors,
              const uint8_t* windows, const uint8_t* const* panels,
              const uint8_t* ahead, TileOutput out) {
  for (size_t i = 0; i < kSparseRows; i += kSparseMR) {
    if (vectors == kSparseNV) {
      SparseTile<kSparseNV>(pass, window_steps, windows, panels, ahead, out);
    } else {
      SparseTile<1>(pass, window_steps, windows, panels, ahead, out);
    }
    windows += kSparseMR * pass.windows * kStepBytes;
    ahead += pass.steps / kTilesOfSquare * kStepBytes;
    if (out.from != nullptr) out.from += kSparseMR * out.from_stride;
    out.to += kSparseMR * out.to_stride;
  }
}

class Bf16Kernel {
 public:
  static constexpr size_t kLanes = kBf16Lanes;
  static constexpr size_t kPerStep = kBf16PerStep;
  static constexpr SparseSizes kSizes = kBf16Sizes;

  explicit Bf16Kernel(const SparseCall& call)
      : call_(call),
        window_(WindowOf(call.sparse->sparsity(), kBf16Lanes)),
        bases_(window_),
        sparse_decoder_(call.sparse->stored()),
        dense_decoder_(*call.dense) {}

  void DecodeSparse(const SparsePass& pass, size_t group,
                    uint8_t* panel) const {
    HWY_NAMESPACE::DecodeSparse(call_, window_, bases_, sparse_decoder_, pass,
                                group, panel);
  }
  void DecodeDense(const SparsePass& pass, size_t group, uint8_t* rows,
                   uint8_t* panel) const {
    HWY_NAMESPACE::DecodeDense(*call_.dense, window_, dense_decoder_, pass,
                               group, rows, panel);
  }
  void Tiles(const SparsePass& pass, size_t vectors, const uint8_t* windows,
             const uint8_t* const* panels, const uint8_t* ahead,
             const TileOutput& out) const {
    TwoTiles(pass, window_.stored / kBf16PerStep, vectors, windows, panels,
             ahead, out);
  }

 private:
  const SparseCall& call_;
  SparseWindow window_;
  GroupBases bases_;
  PairDecoder sparse_decoder_, dense_decoder_;
};

// The BF16 dot flushes subnormal operands and sums to zero. There are none
// where every product is zero or a multiple of 2^kLowestUnit and sums start
// normal: one below half of that unit is C, still untouched, and others are
// multiples of the last place of half the unit, at least 2^-126.
constexpr int kLowestUnit = -126 + 24;

// The exponent of 2 that all elements are multiples of; far below any other if
// one is subnormal in bf16.
int UnitExponent(const PackedMatrix& matrix, int64_t begin, int64_t end) {
  const FormatInfo& f = Info(matrix.format());
  if (f.id != Format::kBF16) return f.min_ulp_exponent();
  const auto groups =
      hwy::DivCeil(static_cast<size_t>(end - begin), kSparseRows);
  const uint32_t smallest =
      SmallestBf16(QuadAt(matrix, static_cast<size_t>(begin) / kSparseRows, 0),
                   groups * static_cast<size_t>(matrix.quads()));
  constexpr int kNone = -1000;
  if (smallest < f.min_normal_code()) return kNone;
  return static_cast<int>(smallest >> f.mantissa_bits) - f.bias -
         f.mantissa_bits;
}

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

bool Flushes(const SparseCall& call, const SparsePart& part) {
  if (UnitExponent(call.sparse->stored(), part.sparse_begin, part.sparse_end) +
          UnitExponent(*call.dense, part.dense_begin, part.dense_end) <
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
  RunSparse(Bf16Kernel(call), call, part, workspace);
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

std::string_view SparseChainBf16Refuses(const SparseCall& call) {
  if (call.sparse->format() == Format::kF16 ||
      call.dense->format() == Format::kF16) {
    return "takes no f16, which bf16 cannot hold";
  }
  const SparseWindow window = WindowOf(call.sparse->sparsity(), kBf16Lanes);
  if (window.stored == 0 || window.cols % 2 != 0 ||
      window.stored % kBf16PerStep != 0 ||
      window.stored / kBf16PerStep > kBf16Sizes.steps / 2) {
    return "takes groups of at most 32 that fill a vector in whole steps";
  }
  return {};
}

size_t SparseChainBf16WorkspaceBytes(int64_t sparse_rows) {
  return std::max(LayoutOf(kBf16Sizes, static_cast<size_t>(sparse_rows)).end,
                  SparseFmaWorkspaceBytes());
}

void SparseChainBf16(const SparseCall& call, const SparsePart& part,
                     std::byte* workspace) noexcept {
  if (!HWY_DYNAMIC_DISPATCH(SparseChainBf16Target)(call, part, workspace)) {
    SparseFma(call, part, workspace);
  }
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
