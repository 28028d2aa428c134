// SPDX-License-Identifier: Apache-2.0
// The loops around a model: blocks of D and of K, C and D, two-level sums.

#if defined(ZEROULP_KERNELS_BLOCK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_BLOCK_INL_H_
#undef ZEROULP_KERNELS_BLOCK_INL_H_
#else
#define ZEROULP_KERNELS_BLOCK_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/block.h"
#include "kernels/gemm_call.h"
#include "kernels/operand-inl.h"
#include "kernels/operand.h"
#include "kernels/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

// Products of both operands' block scales: FP32 ones with one rounding, but for
// an exact sum; the others exactly.
class ScaleProducts {
 public:
  explicit ScaleProducts(const GemmCall& call)
      : a_block_(static_cast<size_t>(call.a->scale_block())),
        b_block_(static_cast<size_t>(call.b_t->scale_block())),
        rounded_(call.row->model != Model::kExact &&
                 (IsF32(*call.a) || IsF32(*call.b_t))) {}

  bool none() const { return a_block_ == 0 && b_block_ == 0; }

  // Of row `row` of A and rows `lane` ... of B, for the blocks that k is in.
  // The panels begin at k = `origin`.
  HWY_INLINE VD operator()(const Panel& a, const Panel& b, size_t k,
                           size_t origin, size_t row, size_t lane) const {
    const DD dd;
    VD scale = hn::Set(dd, 1.0);
    if (a_block_ != 0) {
      scale = hn::Set(dd, double{a.scales[Index(a_block_, k, origin) + row]});
    }
    if (b_block_ != 0) {
      scale = hn::Mul(scale,
                      WideFrom(b.scales + Index(b_block_, k, origin) + lane));
    }
    if (!rounded_) return scale;
    return hn::PromoteTo(dd, ToBinary32(scale));
  }

 private:
  static bool IsF32(const PackedMatrix& x) {
    return x.scale_block() != 0 && x.scale_format() == Format::kF32;
  }
  static size_t Index(size_t block, size_t k, size_t origin) {
    return (k / block - origin / block) * kGroupRows;
  }

  size_t a_block_, b_block_;
  bool rounded_;
};

// Adds sums of `every` consecutive products, times their block scales, to the
// accumulators; 0: there are none, the accumulators run through.
class Folds {
 public:
  Folds(const GemmCall& call, size_t every)
      : every_(every),
        scales_(call),
        binary32_(call.row->output == Format::kF32),
        round_(Info(call.row->output), Info(call.row->output).mantissa_bits,
               /*toward_zero=*/false) {}

  size_t every() const { return every_; }

  // acc = round(acc + part * scales). Tiles of [16][16].
  void operator()(const Panel& a, const Panel& b, size_t k, size_t origin,
                  size_t rows, float* acc, const float* part) const {
    const DF df;
    for (size_t r = 0; r < rows; ++r) {
      const size_t at = r * kGroupRows;
      if (scales_.none() && binary32_) {
        for (size_t i = at; i < at + kGroupRows; i += kLanesF32) {
          hn::Store(hn::Add(hn::Load(df, acc + i), hn::Load(df, part + i)), df,
                    acc + i);
        }
        continue;
      }
      for (size_t i = 0; i < kGroupRows; i += kLanesF64) {
        const VD x =
            hn::Mul(WideFrom(part + at + i), scales_(a, b, k, origin, r, i));
        hn::StoreU(round_(AddToOdd(WideFrom(acc + at + i), x)), DFHalf(),
                   acc + at + i);
      }
    }
  }

 private:
  size_t every_;
  ScaleProducts scales_;
  bool binary32_;
  WideRounder round_;
};

// How many products of `call` are summed apart.
inline size_t FoldEvery(const GemmCall& call, bool scales_multiply_sums) {
  if (call.promote_every != 0) return static_cast<size_t>(call.promote_every);
  if (!scales_multiply_sums) return 0;
  return static_cast<size_t>(ScaledBlock(call));
}

inline void LoadTile(const GemmCall& call, size_t m, size_t n, float* tile) {
  std::fill_n(tile, kGroupRows * kGroupRows, 0.0f);
  if (call.c.rows == 0) return;
  const size_t rows = std::min(kGroupRows, static_cast<size_t>(call.m_end) - m);
  const size_t cols = std::min(kGroupRows, static_cast<size_t>(call.n_end) - n);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t i = 0; i < cols; ++i) {
      tile[r * kGroupRows + i] = ReadElement(
          call.c, static_cast<int64_t>(m + r), static_cast<int64_t>(n + i));
    }
  }
}

inline void StoreTile(const GemmCall& call, size_t m, size_t n,
                      const float* tile) {
  const size_t rows = std::min(kGroupRows, static_cast<size_t>(call.m_end) - m);
  const size_t cols = std::min(kGroupRows, static_cast<size_t>(call.n_end) - n);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t i = 0; i < cols; ++i) {
      WriteElement(*call.row, call.d, static_cast<int64_t>(m + r),
                   static_cast<int64_t>(n + i), tile[r * kGroupRows + i]);
    }
  }
}

// Where the panels of a block are.
inline Panel PanelAt(const ArithInfo& row, std::byte* panels, size_t index) {
  const size_t k = PanelK(row);
  auto* at = reinterpret_cast<float*>(panels + index * PanelBytes(row));
  Panel panel;
  panel.values = at;
  panel.exponents = reinterpret_cast<int32_t*>(at + k * kGroupRows);
  panel.scales = at + 2 * k * kGroupRows;
  panel.nonzero =
      reinterpret_cast<int32_t*>(at + (3 * k + kScaleSlack) * kGroupRows);
  panel.special =
      reinterpret_cast<uint8_t*>(at + (4 * k + kScaleSlack) * kGroupRows);
  return panel;
}

// Sums over a rectangle of D. `Sums` has kRows and kCols, the size of a block
// of D, and for its tiles of 16 x 16, numbered from 0:
//   void Prepare(matrix, k, count, panel): completes a panel of values from k;
//   void Begin(tile, m, n): reads C;
//   void Add(tile, a, b, k, count, rows): adds products from k on;
//   void End(tile, m, n): writes D.
// `panels` has room for those of a block's rows and columns.
template <class Sums>
void RunBlock(const GemmCall& call, const Sums& sums, std::byte* panels) {
  const ArithInfo& row = *call.row;
  const size_t panel_k = PanelK(row);
  const size_t chunk = std::max(static_cast<size_t>(row.chunk), size_t{1});
  const size_t k_end = static_cast<size_t>(call.a->cols());
  const size_t m_end = static_cast<size_t>(call.m_end);
  const size_t n_end = static_cast<size_t>(call.n_end);
  constexpr size_t kMGroups = Sums::kRows / kGroupRows;

  // Whole chunks, padded with zeros.
  const auto decode = [&](const PackedMatrix& matrix, size_t group, size_t k,
                          const Panel& panel) {
    const size_t count = hwy::RoundUpTo(std::min(panel_k, k_end - k), chunk);
    DecodeValues(row, matrix, group, k, count, panel.values);
    if (const auto block = static_cast<size_t>(matrix.scale_block())) {
      DecodeScales(matrix, group, k / block, (k + count - 1) / block,
                   panel.scales);
    }
    sums.Prepare(matrix, k, count, panel);
  };

  for (size_t m = static_cast<size_t>(call.m_begin); m < m_end;
       m += Sums::kRows) {
    const size_t m_groups =
        hwy::DivCeil(std::min(Sums::kRows, m_end - m), kGroupRows);
    for (size_t n = static_cast<size_t>(call.n_begin); n < n_end;
         n += Sums::kCols) {
      const size_t n_groups =
          hwy::DivCeil(std::min(Sums::kCols, n_end - n), kGroupRows);
      const auto for_each_tile = [&](const auto& body) {
        for (size_t j = 0; j < n_groups; ++j) {
          for (size_t i = 0; i < m_groups; ++i) body(i, j, j * kMGroups + i);
        }
      };
      for_each_tile([&](size_t i, size_t j, size_t tile) {
        sums.Begin(tile, m + i * kGroupRows, n + j * kGroupRows);
      });
      for (size_t k = 0; k < k_end; k += panel_k) {
        for (size_t i = 0; i < m_groups; ++i) {
          decode(*call.a, m / kGroupRows + i, k, PanelAt(row, panels, i));
        }
        for (size_t j = 0; j < n_groups; ++j) {
          decode(*call.b_t, n / kGroupRows + j, k,
                 PanelAt(row, panels, kMGroups + j));
        }
        for_each_tile([&](size_t i, size_t j, size_t tile) {
          sums.Add(tile, PanelAt(row, panels, i),
                   PanelAt(row, panels, kMGroups + j), k,
                   std::min(panel_k, k_end - k),
                   std::min(kGroupRows, m_end - m - i * kGroupRows));
        });
      }
      for_each_tile([&](size_t i, size_t j, size_t tile) {
        sums.End(tile, m + i * kGroupRows, n + j * kGroupRows);
      });
    }
  }
}

// Sums of a Model, which is made from a GemmCall and has Prepare as above and
//   void Run(a, b, k, count, rows, acc): continues `rows` x 16 binary32
//     accumulators by `count` products from k of the panels, where a chunk
//     begins;
// and their two-level accumulation.
template <class Model>
class ModelSums {
 public:
  static constexpr size_t kRows = kBlockRows;
  static constexpr size_t kCols = kBlockCols;

  ModelSums(const GemmCall& call, bool scales_multiply_sums, float* memory)
      : call_(call),
        model_(call),
        fold_(call, FoldEvery(call, scales_multiply_sums)),
        acc_(memory),
        part_(memory + kRows * kCols) {}

  void Prepare(const PackedMatrix& matrix, size_t k, size_t count,
               const Panel& panel) const {
    model_.Prepare(matrix, k, count, panel);
  }
  void Begin(size_t tile, size_t m, size_t n) const {
    LoadTile(call_, m, n, acc_ + tile * kTile);
    std::fill_n(part_ + tile * kTile, kTile, 0.0f);
  }
  void Add(size_t tile, const Panel& a, const Panel& b, size_t k_begin,
           size_t count, size_t rows) const {
    float* acc = acc_ + tile * kTile;
    float* part = part_ + tile * kTile;
    const size_t every = fold_.every();
    if (every == 0) return model_.Run(a, b, 0, count, rows, acc);
    const size_t k_end = static_cast<size_t>(call_.a->cols());
    for (size_t k = k_begin; k < k_begin + count;) {
      const size_t next = (k / every + 1) * every;
      const size_t stop = std::min(next, k_begin + count);
      model_.Run(a, b, k - k_begin, stop - k, rows, part);
      if (stop == next || stop == k_end) {
        fold_(a, b, k, k_begin, rows, acc, part);
        std::fill_n(part, kTile, 0.0f);
      }
      k = stop;
    }
  }
  void End(size_t tile, size_t m, size_t n) const {
    StoreTile(call_, m, n, acc_ + tile * kTile);
  }

 private:
  static constexpr size_t kTile = kGroupRows * kGroupRows;

  const GemmCall& call_;
  Model model_;
  Folds fold_;
  float* acc_;
  float* part_;
};

template <class Model>
void RunModel(const GemmCall& call, bool scales_multiply_sums,
              std::byte* workspace) {
  constexpr size_t kFloats = 2 * kBlockRows * kBlockCols;
  auto* memory = reinterpret_cast<float*>(workspace);
  RunBlock(call, ModelSums<Model>(call, scales_multiply_sums, memory),
           reinterpret_cast<std::byte*>(memory + kFloats));
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_BLOCK_INL_H_
