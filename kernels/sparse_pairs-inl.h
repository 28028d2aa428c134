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

// 16 pairs of words, the first in the high half, and back.
HWY_INLINE VI SwapWords(VI pairs) {
  const hn::RebindToUnsigned<DI> du;
  return hn::BitCast(DI(), hn::RotateRight<16>(hn::BitCast(du, pairs)));
}

template <ScaleKind kKind>
class PairKernel : public SparseKernel<Bf16Product, kKind> {
  using Base = SparseKernel<Bf16Product, kKind>;
  using Base::bases_;
  using Base::call_;
  using Base::sizes_;
  using Base::window_;

 public:
  explicit PairKernel(const SparseCall& call) : Base(call, kPairSteps, 0) {}

  // A panel: for each step 16 pairs of bf16, the first in the high half, and
  // behind them as many pairs of word indices.
  void DecodeSparse(const SparsePass& pass, size_t group,
                    uint8_t* panel) const {
    const FormatInfo& format = Info(call_.sparse->format());
    const uint8_t* codes =
        Base::QuadAt(call_.sparse->stored(), group, FirstStored(pass));
    if (format.storage_bits == 16) {
      const auto swapped = [&](size_t step) HWY_ATTR {
        StoreLine(SwapWords(LoadLine(codes + step * kStepBytes)),
                  StepAt(panel, step));
      };
      DecodeSteps(pass, group, panel, [&](size_t quad) HWY_ATTR {
        swapped(2 * quad);
        if (2 * quad + 1 < pass.steps) swapped(2 * quad + 1);
      });
    } else {
      const PanelDecoder decoder(format);
      DecodeSteps(pass, group, panel, [&](size_t quad) HWY_ATTR {
        decoder.Decode4<Bf16Dot>(
            codes + quad * kStepBytes,
            reinterpret_cast<float*>(StepAt(panel, 2 * quad)),
            kPanelStepBytes / sizeof(float));
      });
    }
    if (pass.stored % Bf16Product::kPerStep != 0) ClearSecondHalf(pass, panel);
    Base::DecodeSparseScales(pass, group, panel);
  }

  // 16 dense rows in order of K, zero past its end.
  void DecodeDense(const SparsePass& pass, size_t group, uint8_t* rows,
                   uint8_t* panel) const {
    constexpr size_t kRows = TileRows<kKind>();
    constexpr size_t kLanes16 = Bf16Product::kLanes;
    const PackedMatrix& dense = *call_.dense;
    const FormatInfo& format = Info(dense.format());
    const auto per_quad = static_cast<size_t>(dense.quad_cols());
    const size_t k_begin = pass.first_window * window_.cols;
    const uint8_t* codes = Base::QuadAt(dense, group, k_begin);
    size_t left = static_cast<size_t>(dense.quads()) - k_begin / per_quad;
    const size_t words =
        pass.windows == 0 ? 0 : (pass.windows - 1) * window_.cols + kLanes16;
    const bool whole_windows = window_.cols == kLanes16;
    const auto for_each_part = [&](const auto& decode) HWY_ATTR {
      for (size_t part = 0; part * kLanes16 < words; ++part) {
        const size_t quads = std::min(kLanes16 / per_quad, left);
        decode(codes, quads, part);
        codes += quads * kStepBytes;
        left -= quads;
      }
    };
    if (format.storage_bits == 16) {
      for_each_part(
          [&](const uint8_t* from, size_t quads, size_t part) HWY_ATTR {
            VI in[16];
            ZEROULP_UNROLL
            for (size_t i = 0; i < 16; ++i) in[i] = LoadQuad(from, i, quads);
            StorePart<kRows>(in, part, whole_windows, pass.windows, rows,
                             sizes_.row(), panel);
          });
    } else {
      const PanelDecoder decoder(format);
      for_each_part(
          [&](const uint8_t* from, size_t quads, size_t part) HWY_ATTR {
            DecodeBytes(decoder, from, quads, part, pass.windows, rows, panel);
          });
    }
    if (!whole_windows) {
      ToWindows<kRows>(rows, sizes_.row(), pass.windows,
                       window_.cols * sizeof(uint16_t), panel);
    }
    Base::DecodeDenseScales(pass, group, panel);
  }

 private:
  // Of quads of indices those of a step, as words. Selection reads 5 bits of a
  // word: what is in its upper byte does not matter.
  alignas(16) static constexpr uint8_t kFirstPair[16] = {
      1, 1, 0, 0, 5, 5, 4, 4, 9, 9, 8, 8, 13, 13, 12, 12};
  alignas(16) static constexpr uint8_t kSecondPair[16] = {
      3, 3, 2, 2, 7, 7, 6, 6, 11, 11, 10, 10, 15, 15, 14, 14};

  static uint8_t* StepAt(uint8_t* panel, size_t step) {
    return panel + step * kPanelStepBytes;
  }
  static HWY_INLINE void StoreLine(VI words, uint8_t* to) {
    hn::Store(words, DI(), reinterpret_cast<int32_t*>(to));
  }
  // Quad `i` of `quads`, zero past them.
  static HWY_INLINE VI LoadQuad(const uint8_t* codes, size_t i, size_t quads) {
    return i < quads ? LoadLine(codes + i * kStepBytes) : hn::Zero(DI());
  }
  size_t FirstStored(const SparsePass& pass) const {
    return pass.first_window * window_.stored;
  }

  // 8 quads of bytes, 32 elements of K, of which `quads` exist. Transposed
  // first: codes are half as many vectors as bf16.
  void DecodeBytes(const PanelDecoder& decoder, const uint8_t* codes,
                   size_t quads, size_t part, size_t windows, uint8_t* rows,
                   uint8_t* panel) const {
    constexpr size_t kRows = TileRows<kKind>();
#if HWY_TARGET == HWY_AVX3_DL
    const DI di;
    const bool whole_windows = window_.cols == Bf16Product::kLanes;
    VI in[8], y[8];
    ZEROULP_UNROLL
    for (size_t i = 0; i < 8; ++i) in[i] = LoadQuad(codes, i, quads);
    TransposeBlocks(in, y);
    // Two rows, of each 16 codes in a block and 16 two blocks behind.
    const auto store = [&](VI row_codes, size_t first, size_t second) HWY_ATTR {
      VI row[2];
      decoder.DecodeRows(row_codes, row[0], row[1]);
      ZEROULP_UNROLL
      for (size_t n = 0; n < 2; ++n) {
        const size_t i = n == 0 ? first : second;
        StoreLine(row[n], whole_windows
                              ? panel + ((i / kRows * windows + part) * kRows +
                                         i % kRows) *
                                            kStepBytes
                              : rows + i * sizes_.row() + part * kStepBytes);
      }
    };
    ZEROULP_UNROLL
    for (size_t r = 0; r < 4; ++r) {
      store(hn::ConcatLowerLower(di, y[4 + r], y[r]), r, 4 + r);
      store(hn::ConcatUpperUpper(di, y[4 + r], y[r]), 8 + r, 12 + r);
    }
#else
    alignas(64) uint8_t steps[16 * kStepBytes] = {};
    for (size_t q = 0; q < quads; ++q) {
      decoder.Decode4<Bf16Dot>(
          codes + q * kStepBytes,
          reinterpret_cast<float*>(steps + 2 * q * kStepBytes));
    }
    VI in[16];
    ZEROULP_UNROLL
    for (size_t i = 0; i < 16; ++i) {
      in[i] = SwapWords(LoadLine(steps + i * kStepBytes));
    }
    StorePart<kRows>(in, part, window_.cols == Bf16Product::kLanes, windows,
                     rows, sizes_.row(), panel);
#endif
  }

  // Both lines of every step in the order of memory. decode_values(quad) writes
  // those of two steps.
  template <class DecodeValues>
  HWY_INLINE void DecodeSteps(const SparsePass& pass, size_t group,
                              uint8_t* panel,
                              const DecodeValues& decode_values) const {
    const DI di;
    const hn::Repartition<uint8_t, DI> d8;
    using VB = hn::Vec<decltype(d8)>;
    const size_t first = FirstStored(pass);
    const uint8_t* positions = Base::PositionsAt(group, first);
    GroupBases::Cursor base = bases_.From(first / 4);
    const VB first_pair = hn::LoadDup128(d8, kFirstPair);
    const VB second_pair = hn::LoadDup128(d8, kSecondPair);
    const size_t quads = hwy::DivCeil(pass.stored, size_t{4});
    for (size_t q = 0; q < quads; ++q) {
      decode_values(q);
      const auto in_group = hn::LoadU(d8, positions + q * kStepBytes);
      const VI base_words = hn::Set(di, base.Next());
      const VB indices = hn::Add(in_group, hn::BitCast(d8, base_words));
      const auto store = [&](VB pair, size_t step) HWY_ATTR {
        StoreLine(hn::BitCast(di, hn::TableLookupBytes(indices, pair)),
                  StepAt(panel, step) + kStepBytes);
      };
      store(first_pair, 2 * q);
      store(second_pair, 2 * q + 1);
    }
  }

  // The second half of the last step is no product, and must not turn a sum of
  // minus zero into plus zero: -0 times the last word of a window that the end
  // of K leaves empty, +0, does not.
  static void ClearSecondHalf(const SparsePass& pass, uint8_t* panel) {
    const DI di;
    uint8_t* words = StepAt(panel, pass.steps - 1);
    uint8_t* indices = words + kStepBytes;
    const VI upper = hn::Set(di, static_cast<int32_t>(0xFFFF0000u));
    StoreLine(hn::Or(hn::And(LoadLine(words), upper), hn::Set(di, 0x8000)),
              words);
    StoreLine(
        hn::Or(hn::And(LoadLine(indices), upper),
               hn::Set(di, static_cast<int32_t>(Bf16Product::kLanes - 1))),
        indices);
  }
};

#endif  // ZEROULP_TARGET_HAS_512

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#endif  // ZEROULP_KERNELS_SPARSE_PAIRS_INL_H_
