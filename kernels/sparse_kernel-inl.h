// SPDX-License-Identifier: Apache-2.0
// What the sparse kernels of 512-bit targets have in common: sizes, block
// scales and tiles. How they decode elements is theirs.

#if defined(ZEROULP_KERNELS_SPARSE_KERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_SPARSE_KERNEL_INL_H_
#undef ZEROULP_KERNELS_SPARSE_KERNEL_INL_H_
#else
#define ZEROULP_KERNELS_SPARSE_KERNEL_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "kernels/decode-inl.h"
#include "kernels/sparse_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

#if ZEROULP_TARGET_HAS_512

template <class Product, ScaleKind kKind>
class SparseKernel {
 public:
  static constexpr size_t kPerStep = Product::kPerStep;
  static constexpr bool kIsAligned = kKind == ScaleKind::kAligned;

  // Passes of at most `max_steps` steps; sums in units of 2^unit.
  SparseKernel(const SparseCall& call, size_t max_steps, int unit)
      : call_(call),
        window_(WindowOf(call.sparse->sparsity(), Product::kLanes)),
        bases_(window_),
        unit_(unit) {
    const PackedMatrix& stored = call.sparse->stored();
    block_steps_ =
        kInBlocks<kKind>
            ? static_cast<size_t>(stored.scale_block()) / Product::kPerStep
            : max_steps;
    sizes_ = SizesOf(static_cast<size_t>(stored.cols()), max_steps, window_,
                     Product::kPerStep, block_steps_);
  }

  // Steps of the tiles of half a square.
  static size_t StepsOfHalf(const SparsePass& pass) {
    return kSparseRows / 2 / TileRows<kKind>() * pass.steps;
  }

  const SparseWindow& window() const { return window_; }
  const SparseSizes& sizes() const { return sizes_; }

  void Tiles(const SparsePass& pass, size_t vectors, const uint8_t* dense,
             const uint8_t* const* panels, const Fetch* ahead,
             const TileOutput& out) const {
    SquareOfTiles<Product, kKind>(vectors, pass.windows,
                                  {pass.steps,
                                   window_.stored / Product::kPerStep,
                                   block_steps_,
                                   dense,
                                   dense + sizes_.dense_scales(),
                                   panels,
                                   sizes_.scales(),
                                   {ahead[0], ahead[1]}},
                                  out);
  }

  // Of a row, the quad of `matrix` that element `k` begins.
  static const uint8_t* QuadAt(const PackedMatrix& matrix, size_t group,
                               size_t k) {
    const auto quads = static_cast<size_t>(matrix.quads());
    const auto per_quad = static_cast<size_t>(matrix.quad_cols());
    return matrix.data() + (group * quads + k / per_quad) * kStepBytes;
  }
  const uint8_t* PositionsAt(size_t group, size_t k) const {
    const auto quads = static_cast<size_t>(call_.sparse->position_quads());
    return call_.sparse->positions() + (group * quads + k / 4) * kStepBytes;
  }

 protected:
  void DecodeSparseScales(const SparsePass& pass, size_t group,
                          uint8_t* panel) const {
    DecodeScales(call_.sparse->stored(), pass, group, 0,
                 panel + sizes_.scales() + kStepBytes, kPanelStepBytes);
  }
  // These take the unit.
  void DecodeDenseScales(const SparsePass& pass, size_t group,
                         uint8_t* panel) const {
    DecodeScales(*call_.dense, pass, group, unit_,
                 panel + sizes_.dense_scales(), kStepBytes);
  }

  const SparseCall& call_;
  SparseWindow window_;
  GroupBases bases_;
  SparseSizes sizes_;
  size_t block_steps_;

  // Of E8M0 codes, times 2^unit. Of two exponents that are added one has the
  // bias, the dense one.
  static VI ExponentWords(VI codes, bool is_dense, int unit) {
    const DI di;
    constexpr int32_t kBias = 127, kFractionBits = 23;
    if constexpr (kKind == ScaleKind::kFractions) {
      if (!is_dense) {
        const VI exponents = hn::Add(codes, hn::Set(di, kFractionBits));
        return hn::Or(hn::ShiftLeft<23>(exponents), hn::Set(di, 0x400000));
      }
      return hn::ShiftLeft<23>(hn::Add(codes, hn::Set(di, unit)));
    }
    const int32_t add = is_dense ? unit - kBias : 0;
    return hn::ShiftLeft<23>(hn::Add(codes, hn::Set(di, add)));
  }

 private:
  // 16 words of each block, times 2^unit, `stride` bytes apart.
  void DecodeScales(const PackedMatrix& matrix, const SparsePass& pass,
                    size_t group, int unit, uint8_t* words,
                    size_t stride) const {
    if constexpr (!kInBlocks<kKind>) return;
    const DI di;
    const DF df;
    const hn::Rebind<uint8_t, DI> d8;
    const bool is_dense = &matrix == call_.dense;
    const bool is_f32 = matrix.scale_format() == Format::kF32;
    // UE4M3 is E4M3FN without the sign bit, which is ignored.
    const Decoder ue4m3(Info(Format::kE4M3FN));
    const VF power = hn::BitCast(
        df, hn::ShiftLeft<23>(hn::Set(di, static_cast<int32_t>(127 + unit))));
    const size_t first =
        pass.first_window * window_.stored / Product::kPerStep / block_steps_;
    size_t at = (group * static_cast<size_t>(matrix.scale_cols()) + first) *
                kSparseRows;
    const size_t blocks = hwy::DivCeil(pass.steps, block_steps_);
    for (size_t b = 0; b < blocks; ++b) {
      VI scales;
      if (kKind == ScaleKind::kFactors && is_f32) {
        const auto* from = reinterpret_cast<const float*>(matrix.scales());
        scales = hn::BitCast(di, hn::Mul(hn::LoadU(df, from + at), power));
      } else {
        const VI codes = hn::PromoteTo(di, hn::LoadU(d8, matrix.scales() + at));
        if constexpr (kKind == ScaleKind::kFactors) {
          const VF values = ue4m3(hn::And(codes, hn::Set(di, 0x7F)));
          scales = hn::BitCast(di, hn::Mul(values, power));
        } else {
          scales = ExponentWords(codes, is_dense, unit);
        }
      }
      hn::Store(scales, di, reinterpret_cast<int32_t*>(words));
      at += kSparseRows;
      words += stride;
    }
  }

  int unit_;
};

#endif  // ZEROULP_TARGET_HAS_512

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_SPARSE_KERNEL_INL_H_
