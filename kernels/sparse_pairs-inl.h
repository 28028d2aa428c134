// SPDX-License-Identifier: Apache-2.0
// Sparse operands as pairs of bf16: what SparseKernel<Bf16Product> decodes.

#if defined(ZEROULP_KERNELS_SPARSE_PAIRS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ZEROULP_KERNELS_SPARSE_PAIRS_INL_H_
#undef ZEROULP_KERNELS_SPARSE_PAIRS_INL_H_
#else
#define ZEROULP_KERNELS_SPARSE_PAIRS_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/panel-inl.h"
#include "kernels/sparse_kernel-inl.h"
#include "kernels/sparse_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {

#if ZEROULP_TARGET_HAS_512

// Quads of narrow codes or bf16 -> [step][16] pairs of bf16, the first in the
// high half, steps `stride` pairs apart.
class PairDecoder {
 public:
  explicit PairDecoder(const PackedMatrix& matrix)
      : format_(Info(matrix.format())) {}

  void operator()(const uint8_t* quads, size_t count, float* pairs,
                  size_t stride = kSparseRows) const {
    if (format_.storage_bits == 16) {
      for (size_t q = 0; q < count; ++q) {
        hn::Store(HighFirst(quads + q * kStepBytes), DF(), pairs + q * stride);
      }
      return;
    }
    const PanelDecoder decoder(format_);
    for (size_t q = 0; q < count; ++q) {
      decoder.Decode4<Bf16Dot>(quads + q * kStepBytes, pairs + 2 * q * stride,
                               stride);
    }
  }

  // 16 pairs of bf16.
  static HWY_INLINE VF HighFirst(const uint8_t* pairs) {
    const hn::RebindToUnsigned<DI> du;
    return hn::BitCast(
        DF(), hn::RotateRight<16>(
                  hn::LoadU(du, reinterpret_cast<const uint32_t*>(pairs))));
  }

 private:
  const FormatInfo& format_;
};

template <ScaleKind kKind>
class PairKernel : public SparseKernel<Bf16Product, kKind> {
  using Base = SparseKernel<Bf16Product, kKind>;
  using Base::bases_;
  using Base::call_;
  using Base::sizes_;
  using Base::window_;

 public:
  explicit PairKernel(const SparseCall& call)
      : Base(call, kPairSteps, 0),
        sparse_decoder_(call.sparse->stored()),
        dense_decoder_(*call.dense) {}

  // A panel: for each step 16 pairs of bf16, and behind them as many pairs of
  // word indices.
  void DecodeSparse(const SparsePass& pass, size_t group,
                    uint8_t* panel) const {
    DecodeValues(pass, group, panel);
    DecodeIndices(pass, group, panel);
    if (pass.stored % Bf16Product::kPerStep != 0) ClearSecondHalf(pass, panel);
    Base::DecodeSparseScales(pass, group, panel);
  }

  // 16 dense rows, zero past the end of K.
  void DecodeDense(const SparsePass& pass, size_t group, uint8_t* rows,
                   uint8_t* panel) const {
    constexpr size_t kLanes16 = Bf16Product::kLanes;
    const PackedMatrix& dense = *call_.dense;
    const auto per_quad = static_cast<size_t>(dense.quad_cols());
    const size_t quads = kLanes16 / per_quad;  // of a transpose
    const size_t k_begin = pass.first_window * window_.cols;
    const uint8_t* codes = Base::QuadAt(dense, group, k_begin);
    size_t left = static_cast<size_t>(dense.quads()) - k_begin / per_quad;
    const size_t words =
        pass.windows == 0 ? 0 : (pass.windows - 1) * window_.cols + kLanes16;
    const bool whole_windows = window_.cols == kLanes16;
    constexpr size_t kRows = TileRows<kKind>();
    size_t part = 0;
#if HWY_TARGET == HWY_AVX3_DL
    if (per_quad == 4) {
      const PanelDecoder decoder(Info(dense.format()));
      for (; part * kLanes16 < words; part += 2) {
        DecodeBytes(decoder, codes, left, part,
                    (part + 1) * kLanes16 < words ? 2 : 1, pass.windows, rows,
                    panel);
        const size_t now = std::min(kSparseRows, left);
        codes += now * kStepBytes;
        left -= now;
      }
    }
#endif
    for (; part * kLanes16 < words; ++part) {
      const size_t now = std::min(quads, left);
      VI in[16];
      LoadPairs(codes, now, in);
      codes += now * kStepBytes;
      left -= now;
      StorePart<kRows>(in, part, whole_windows, pass.windows, rows,
                       sizes_.row(), panel);
    }
    if (!whole_windows) {
      ToWindows<kRows>(rows, sizes_.row(), pass.windows,
                       window_.cols * sizeof(uint16_t), panel);
    }
    Base::DecodeDenseScales(pass, group, panel);
  }

 private:
  static int32_t* StepAt(uint8_t* panel, size_t step) {
    return reinterpret_cast<int32_t*>(panel + step * kPanelStepBytes);
  }
  size_t FirstStored(const SparsePass& pass) const {
    return pass.first_window * window_.stored;
  }

  // 16 dense rows by 32 elements of K -> [pair][16], zero past `quads`.
  void LoadPairs(const uint8_t* codes, size_t quads, VI (&in)[16]) const {
    const DI di;
    const auto per_quad = static_cast<size_t>(call_.dense->quad_cols());
    if (per_quad == Bf16Product::kPerStep) {
      ZEROULP_UNROLL
      for (size_t i = 0; i < 16; ++i) {
        in[i] = i < quads
                    ? hn::BitCast(
                          di, PairDecoder::HighFirst(codes + i * kStepBytes))
                    : hn::Zero(di);
      }
      return;
    }
    alignas(64) float steps[16 * kSparseRows];
    dense_decoder_(codes, quads, steps);
    std::fill(steps + quads * per_quad / Bf16Product::kPerStep * kSparseRows,
              std::end(steps), 0.0f);
    ZEROULP_UNROLL
    for (size_t i = 0; i < 16; ++i) {
      in[i] = hn::Load(
          di, reinterpret_cast<const int32_t*>(steps) + i * kSparseRows);
    }
  }

#if HWY_TARGET == HWY_AVX3_DL
  // Up to 16 quads of bytes, 64 elements of K or two parts of StorePart, of
  // which `parts` are stored. Transposed first: codes are half as many vectors
  // as bf16.
  void DecodeBytes(const PanelDecoder& decoder, const uint8_t* codes,
                   size_t quads, size_t part, size_t parts, size_t windows,
                   uint8_t* rows, uint8_t* panel) const {
    const DI di;
    const DF df;
    constexpr size_t kRows = TileRows<kKind>();
    VI in[16];
    ZEROULP_UNROLL
    for (size_t i = 0; i < 16; ++i) {
      const auto* from = reinterpret_cast<const int32_t*>(codes);
      in[i] = i < quads ? hn::LoadU(di, from + i * kSparseRows) : hn::Zero(di);
    }
    alignas(64) uint8_t transposed[kSparseRows * kStepBytes];
    Transpose16(in, transposed, kStepBytes);
    const bool whole_windows = window_.cols == Bf16Product::kLanes;
    for (size_t i = 0; i < kSparseRows; ++i) {
      uint8_t* to =
          whole_windows
              ? panel + ((i / kRows * windows + part) * kRows + i % kRows) *
                            kStepBytes
              : rows + i * sizes_.row() + part * kStepBytes;
      VF first, second;
      decoder.DecodeRow(transposed + i * kStepBytes, first, second);
      hn::StoreU(first, df, reinterpret_cast<float*>(to));
      if (parts == 1) continue;
      to += whole_windows ? kRows * kStepBytes : kStepBytes;
      hn::StoreU(second, df, reinterpret_cast<float*>(to));
    }
  }
#endif  // HWY_TARGET == HWY_AVX3_DL

  void DecodeValues(const SparsePass& pass, size_t group,
                    uint8_t* panel) const {
    const PackedMatrix& stored = call_.sparse->stored();
    const auto per_quad = static_cast<size_t>(stored.quad_cols());
    // The last quad may have a step more than the pass.
    sparse_decoder_(Base::QuadAt(stored, group, FirstStored(pass)),
                    hwy::DivCeil(pass.stored, per_quad),
                    reinterpret_cast<float*>(panel),
                    kPanelStepBytes / sizeof(float));
  }

  void DecodeIndices(const SparsePass& pass, size_t group,
                     uint8_t* panel) const {
    const DI di;
    const size_t first = FirstStored(pass);
    const uint8_t* from = Base::PositionsAt(group, first);
    // Dense rows are pairs like these, so that element k is word k ^ 1.
    const VI swapped = hn::Set(di, 0x01010101);
    const VI low = hn::Set(di, 0xFF), high = hn::Set(di, 0xFF0000);
    GroupBases::Cursor base = bases_.From(first / 4);
    const size_t quads = hwy::DivCeil(pass.stored, size_t{4});
    for (size_t q = 0; q < quads; ++q) {
      const VI positions = hn::LoadU(
          di, reinterpret_cast<const int32_t*>(from + q * kStepBytes));
      const VI index =
          hn::Xor(hn::Add(positions, hn::Set(di, base.Next())), swapped);
      hn::Store(hn::Or(hn::ShiftLeft<16>(hn::And(index, low)),
                       hn::And(hn::ShiftRight<8>(index), low)),
                di, StepAt(panel, 2 * q) + kSparseRows);
      hn::Store(
          hn::Or(hn::And(index, high), hn::And(hn::ShiftRight<24>(index), low)),
          di, StepAt(panel, 2 * q + 1) + kSparseRows);
    }
  }

  // The second half of the last step is no product, and must not turn a sum of
  // minus zero into plus zero: -0 times the last word of a window that the end
  // of K leaves empty, +0, does not.
  static void ClearSecondHalf(const SparsePass& pass, uint8_t* panel) {
    const DI di;
    int32_t* words = StepAt(panel, pass.steps - 1);
    int32_t* indices = words + kSparseRows;
    const VI upper = hn::Set(di, static_cast<int32_t>(0xFFFF0000u));
    hn::Store(hn::Or(hn::And(hn::Load(di, words), upper), hn::Set(di, 0x8000)),
              di, words);
    hn::Store(
        hn::Or(hn::And(hn::Load(di, indices), upper),
               hn::Set(di, static_cast<int32_t>(Bf16Product::kLanes - 1))),
        di, indices);
  }

  PairDecoder sparse_decoder_, dense_decoder_;
};

#endif  // ZEROULP_TARGET_HAS_512

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_SPARSE_PAIRS_INL_H_
