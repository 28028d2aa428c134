// SPDX-License-Identifier: Apache-2.0
#include "kernels/sparse_fp4.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_fp4.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/sparse_kernel-inl.h"
#include "kernels/sparse_loops-inl.h"
#include "zeroulp/codec.h"

#ifndef ZEROULP_KERNELS_SPARSE_FP4_ONCE_
#define ZEROULP_KERNELS_SPARSE_FP4_ONCE_
namespace zeroulp::kernels {

// Both factors of a product are twice as large.
inline constexpr int kFp4Unit = -2;

}  // namespace zeroulp::kernels
#endif  // ZEROULP_KERNELS_SPARSE_FP4_ONCE_

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_AVX3_DL

// 16-byte tables for TableLookupBytes: of codes, whose high bits are zero.
VI LookUp(VI codes, const uint8_t* table) {
  const hn::Repartition<uint8_t, DI> db;
  return hn::BitCast(DI(), hn::TableLookupBytes(hn::LoadDup128(db, table),
                                                hn::BitCast(db, codes)));
}

template <ScaleKind kKind>
class Fp4Kernel : public SparseKernel<Fp4Product, kKind> {
  using Base = SparseKernel<Fp4Product, kKind>;
  using Base::bases_;
  using Base::block_steps_;
  using Base::call_;
  using Base::sizes_;
  using Base::window_;

 public:
  explicit Fp4Kernel(const SparseCall& call) : Base(call, kFp4Steps, kFp4Unit) {
    const FormatInfo& f = Info(Format::kE2M1FN);
    for (uint32_t i = 0; i < 16; ++i) {
      const auto twice = static_cast<int32_t>(2 * Decode(f, i));
      sparse_table_[i] = static_cast<uint8_t>(twice);
      dense_table_[i] = static_cast<uint8_t>(twice + Fp4Product::kOffset);
    }
  }

  void Tiles(const SparsePass& pass, size_t vectors, const uint8_t* dense,
             const uint8_t* const* panels, const uint8_t* ahead,
             TileOutput out) const {
    // Scales are medium: what is not finite comes from C.
    if (kKind != ScaleKind::kNone && call_.c.rows == 0) out.last = false;
    Base::Tiles(pass, vectors, dense, panels, ahead, out);
  }

  void DecodeSparse(const SparsePass& pass, size_t group,
                    uint8_t* panel) const {
    const DI di;
    const size_t first = pass.first_window * window_.stored;
    const uint8_t* codes = Base::QuadAt(call_.sparse->stored(), group, first);
    const uint8_t* positions = Base::PositionsAt(group, first);
    const VI offset = hn::Set(di, Fp4Product::kOffset * 0x01010101);
    GroupBases::Cursor base = bases_.From(first / 4);
    uint8_t* block = panel + sizes_.scales();
    size_t s = 0;
    do {  // at least one: sums begin there
      VI sum = hn::Zero(di);
      const size_t end = std::min(s + block_steps_, pass.steps);
      for (; s < end; ++s) {
        const size_t at = s * kStepBytes;
        const VI value = LookUp(LoadWords(codes + at), sparse_table_);
        const VI index =
            hn::Add(LoadWords(positions + at), hn::Set(di, base.Next()));
        StoreLine(value, panel + s * kPanelStepBytes);
        StoreLine(index, panel + s * kPanelStepBytes + kStepBytes);
        sum = DotU8S8(sum, offset, value);
      }
      StoreLine(hn::Neg(sum), block);
      block += kPanelStepBytes;
    } while (s < pass.steps);
    Base::DecodeSparseScales(pass, group, panel);
    if constexpr (kKind == ScaleKind::kFractions) {
      uint8_t* const begin = panel + sizes_.scales();
      for (uint8_t* b = begin; b != block; b += kPanelStepBytes) {
        StoreLine(hn::Add(LoadWords(b), LoadWords(b + kStepBytes)), b);
      }
    }
  }

  void DecodeDense(const SparsePass& pass, size_t group, uint8_t* rows,
                   uint8_t* panel) const {
    const DI di;
    const PackedMatrix& dense = *call_.dense;
    const size_t first = pass.first_window * window_.cols / 4;
    const auto all = static_cast<size_t>(dense.quads());
    const uint8_t* codes = Base::QuadAt(dense, group, 4 * first);
    const size_t quads =
        pass.windows == 0
            ? 0
            : ((pass.windows - 1) * window_.cols + kFp4Lanes + 3) / 4;
    constexpr size_t kRows = TileRows<kKind>();
    const bool whole_windows = window_.cols == kFp4Lanes;
    for (size_t q = 0; q < quads; q += 16) {
      VI in[16];
      ZEROULP_UNROLL
      for (size_t i = 0; i < 16; ++i) {
        // What lies past the end of K is not selected, or times zero.
        in[i] =
            first + q + i < all
                ? LookUp(LoadWords(codes + (q + i) * kStepBytes), dense_table_)
                : hn::Zero(di);
      }
      StorePart<kRows>(in, q / 16, whole_windows, pass.windows, rows,
                       sizes_.row(), panel);
    }
    if (!whole_windows) {
      ToWindows<kRows>(rows, sizes_.row(), pass.windows, window_.cols, panel);
    }
    Base::DecodeDenseScales(pass, group, panel);
  }

 private:
  static VI LoadWords(const uint8_t* from) {
    return hn::LoadU(DI(), reinterpret_cast<const int32_t*>(from));
  }
  static void StoreLine(VI words, uint8_t* to) {
    hn::Store(words, DI(), reinterpret_cast<int32_t*>(to));
  }

  alignas(16) uint8_t sparse_table_[16];
  alignas(16) uint8_t dense_table_[16];
};

void SparseFp4Target(const SparseCall& call, const SparsePart& part,
                     std::byte* workspace) {
  if (call.sparse->stored().scale_block() == 0) {
    RunSparse(Fp4Kernel<ScaleKind::kNone>(call), call, part, workspace);
  } else if (ScaleKindOf(call) == ScaleKind::kExponents) {
    RunSparse(Fp4Kernel<ScaleKind::kFractions>(call), call, part, workspace);
  } else {
    RunSparse(Fp4Kernel<ScaleKind::kFactors>(call), call, part, workspace);
  }
}

#else

// Never selected, see sparse_table.cc.
void SparseFp4Target(const SparseCall& /*call*/, const SparsePart& /*part*/,
                     std::byte* /*workspace*/) {}

#endif  // HWY_TARGET == HWY_AVX3_DL

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {

HWY_EXPORT(SparseFp4Target);

}  // namespace

std::string_view SparseFp4Refuses(const SparseCall& call) {
  if (call.sparse->format() != Format::kE2M1FN ||
      call.dense->format() != Format::kE2M1FN) {
    return "takes e2m1fn only";
  }
  const SparseWindow window = WindowOf(call.sparse->sparsity(), kFp4Lanes);
  if (window.stored == 0 || window.cols % 2 != 0 ||
      window.stored % kFp4PerStep != 0 ||
      window.stored / kFp4PerStep > kFp4Steps / 2) {
    return "takes groups that fill a vector in whole steps";
  }
  if (call.block_scales()) {
    const PackedMatrix& stored = call.sparse->stored();
    if (stored.scale_format() == Format::kF32) {
      return "takes E8M0 or UE4M3 scales";  // others times 1/4 may round
    }
    // Sums of products of 36 and two scales, all less than 2^127; and 2^-50
    // times a quarter is a normal number, as 1.5 * 2^23 * 2^50 is.
    constexpr int64_t kMostScaled = 1 << 20;
    if (stored.cols() > kMostScaled || !ScalesAreMedium(stored) ||
        !ScalesAreMedium(*call.dense)) {
      return "takes scales between 2^-50 and 2^50, and K is limited";
    }
    return RefusesScales(call, window, kFp4Steps, kFp4PerStep, kFp4Unit);
  }
  // Sums of multiples of 1/4 that never need more than 24 bits.
  constexpr int64_t kMostProducts = (1 << 24) / (4 * 36);
  if (call.c.rows != 0 || call.sparse->stored().cols() > kMostProducts) {
    return "takes C beside block scales only, without them K is limited";
  }
  return {};
}

size_t SparseFp4WorkspaceBytes(const SparseCall& call, int64_t sparse_rows) {
  const auto block = static_cast<size_t>(call.sparse->stored().scale_block());
  return WorkspaceOf(call, kFp4Lanes, kFp4PerStep, kFp4Steps,
                     block == 0 ? kFp4Steps : block / kFp4PerStep, sparse_rows);
}

void SparseFp4(const SparseCall& call, const SparsePart& part,
               std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(SparseFp4Target)(call, part, workspace);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
