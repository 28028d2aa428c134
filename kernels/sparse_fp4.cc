// SPDX-License-Identifier: Apache-2.0
#include "kernels/sparse_fp4.h"

#include <algorithm>
#include <bit>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_fp4.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/sparse_fp4_tile-inl.h"
#include "kernels/sparse_loops-inl.h"
#include "zeroulp/codec.h"

#ifndef ZEROULP_KERNELS_SPARSE_FP4_ONCE_
#define ZEROULP_KERNELS_SPARSE_FP4_ONCE_
namespace zeroulp::kernels {

// The shares of a product's exponent: a quarter for both factors being twice as
// large, and the bias of binary32 once.
inline constexpr int32_t kQuarter = -2;

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
class Fp4Kernel {
 public:
  static constexpr size_t kLanes = kByteLanes;
  static constexpr size_t kPerStep = kBytesPerStep;
  static constexpr SparseSizes kSizes = kFp4Sizes;

  explicit Fp4Kernel(const SparseCall& call)
      : call_(call),
        window_(WindowOf(call.sparse->sparsity(), kByteLanes)),
        bases_(window_) {
    const FormatInfo& f = Info(Format::kE2M1FN);
    for (uint32_t i = 0; i < 16; ++i) {
      const auto twice = static_cast<int32_t>(2 * Decode(f, i));
      sparse_table_[i] = static_cast<uint8_t>(twice);
      dense_table_[i] = static_cast<uint8_t>(twice + kDenseOffset);
    }
    const auto block = static_cast<size_t>(call.sparse->stored().scale_block());
    block_steps_ =
        kKind == ScaleKind::kNone ? kSizes.steps : block / kBytesPerStep;
    if constexpr (kKind == ScaleKind::kFactors) {
      const FormatInfo& scale = Info(call.sparse->stored().scale_format());
      for (uint32_t i = 0; i < 256; ++i) scale_table_[i] = Decode(scale, i);
    }
  }

  void DecodeSparse(const SparsePass& pass, size_t group,
                    uint8_t* panel) const {
    const DI di;
    const PackedMatrix& stored = call_.sparse->stored();
    const size_t k = pass.first_window * window_.stored;
    const size_t quad = group * static_cast<size_t>(stored.quads()) + k / 4;
    const auto* codes =
        reinterpret_cast<const int32_t*>(stored.data() + quad * kStepBytes);
    const auto* positions = reinterpret_cast<const int32_t*>(
        call_.sparse->positions() + quad * kStepBytes);
    auto* blocks = reinterpret_cast<int32_t*>(panel + kSizes.scales());
    const VI offset = hn::Set(di, kDenseOffset * 0x01010101);
    GroupBases::Cursor base = bases_.From(k / 4);
    const size_t first_block = k / kBytesPerStep / block_steps_;
    const size_t count = hwy::DivCeil(pass.steps, block_steps_);
    for (size_t b = 0; b < std::max(count, size_t{1}); ++b) {
      const size_t end = std::min((b + 1) * block_steps_, pass.steps);
      VI sum = hn::Zero(di);
      for (size_t s = b * block_steps_; s < end; ++s) {
        const VI value =
            LookUp(hn::LoadU(di, codes + s * kSparseRows), sparse_table_);
        auto* to = reinterpret_cast<int32_t*>(panel + s * kPanelStepBytes);
        hn::Store(value, di, to);
        hn::Store(hn::Add(hn::LoadU(di, positions + s * kSparseRows),
                          hn::Set(di, base.Next())),
                  di, to + kSparseRows);
        sum = DotU8S8(sum, offset, value);
      }
      hn::Store(hn::Neg(sum), di, blocks);
      if (kKind != ScaleKind::kNone && b < count) {
        DecodeScales(stored, group, first_block + b, 0, blocks + kSparseRows);
      }
      blocks += 2 * kSparseRows;
    }
  }

  void DecodeDense(const SparsePass& pass, size_t group, uint8_t* rows,
                   uint8_t* panel) const {
    const DI di;
    const PackedMatrix& dense = *call_.dense;
    const size_t first = pass.first_window * window_.cols / 4;
    const auto all = static_cast<size_t>(dense.quads());
    const auto* codes = reinterpret_cast<const int32_t*>(
        dense.data() + (group * all + first) * kStepBytes);
    const size_t quads =
        pass.windows == 0
            ? 0
            : ((pass.windows - 1) * window_.cols + kByteLanes + 3) / 4;
    constexpr size_t kRows = TileRows<kKind>();
    const bool whole_windows = window_.cols == kByteLanes;
    for (size_t q = 0; q < quads; q += 16) {
      VI in[16];
      ZEROULP_UNROLL
      for (size_t i = 0; i < 16; ++i) {
        // What lies past the end of K is not selected, or times zero.
        in[i] = first + q + i < all
                    ? LookUp(hn::LoadU(di, codes + (q + i) * kSparseRows),
                             dense_table_)
                    : hn::Zero(di);
      }
      StorePart<kRows>(in, q / 16, whole_windows, pass.windows, rows,
                       kSizes.row(), panel);
    }
    if (!whole_windows) {
      ToWindows<kRows>(rows, kSizes.row(), pass.windows, window_.cols, panel);
    }
    if (kKind == ScaleKind::kNone) return;
    auto* scales = reinterpret_cast<int32_t*>(panel + kSizes.dense_scales());
    const size_t first_block =
        pass.first_window * window_.stored / kBytesPerStep / block_steps_;
    for (size_t b = 0; b < hwy::DivCeil(pass.steps, block_steps_); ++b) {
      DecodeScales(dense, group, first_block + b, kQuarter,
                   scales + b * kSparseRows);
    }
  }

  void Tiles(const SparsePass& pass, size_t vectors, const uint8_t* panel,
             const uint8_t* const* panels, const uint8_t* ahead,
             TileOutput out) const {
    constexpr size_t kRows = TileRows<kKind>();
    TileInput in = {
        panel,
        reinterpret_cast<const int32_t*>(panel + kSizes.dense_scales()),
        panels,
        ahead,
        window_.stored / kBytesPerStep,
        block_steps_};
    for (size_t i = 0; i < kSparseRows; i += kRows) {
      if (vectors == kSparseNV) {
        Tile<kSparseNV>(pass, in, out);
      } else {
        Tile<1>(pass, in, out);
      }
      in.windows += kRows * pass.windows * kStepBytes;
      in.scales += kRows;
      in.ahead += pass.steps / (kSparseRows / kRows) * kStepBytes;
      if (out.from != nullptr) out.from += kRows * out.from_stride;
      out.to += kRows * out.to_stride;
    }
  }

 private:
  template <size_t kVectors>
  static void Tile(const SparsePass& pass, const TileInput& in,
                   const TileOutput& out) {
    if constexpr (kKind == ScaleKind::kNone) {
      IntegerTile<kVectors>(pass, in, out);
    } else {
      ScaledTile<kKind, kVectors>(pass, in, out);
    }
  }

  // 16 words of one block: exponents of E8M0 in the place of binary32's, of
  // which one of the two operands takes the bias and the quarter; or values,
  // one of them a quarter.
  void DecodeScales(const PackedMatrix& matrix, size_t group, size_t block,
                    int32_t quarter, int32_t* words) const {
    const DI di;
    const auto blocks = static_cast<size_t>(matrix.scale_cols());
    const uint8_t* codes =
        matrix.scales() + (group * blocks + block) * kSparseRows;
    if constexpr (kKind == ScaleKind::kExponents) {
      const hn::Rebind<uint8_t, DI> d8;
      const int32_t bias = quarter == 0 ? 0 : 127;
      const VI exponents = hn::PromoteTo(di, hn::LoadU(d8, codes));
      hn::Store(
          hn::ShiftLeft<23>(hn::Add(exponents, hn::Set(di, quarter - bias))),
          di, words);
    } else {
      const DF df;
      const hn::Rebind<uint8_t, DI> d8;
      const VI index = hn::PromoteTo(di, hn::LoadU(d8, codes));
      const VF factor = hn::Set(df, quarter == 0 ? 1.0f : 0.25f);
      hn::Store(hn::Mul(hn::GatherIndex(df, scale_table_, index), factor), df,
                reinterpret_cast<float*>(words));
    }
  }

  const SparseCall& call_;
  SparseWindow window_;
  GroupBases bases_;
  size_t block_steps_;
  alignas(16) uint8_t sparse_table_[16];
  alignas(16) uint8_t dense_table_[16];
  float scale_table_[256];  // of kFactors: value of a code
};

void SparseFp4Target(const SparseCall& call, const SparsePart& part,
                     std::byte* workspace) {
  const PackedMatrix& stored = call.sparse->stored();
  if (stored.scale_block() == 0) {
    RunSparse(Fp4Kernel<ScaleKind::kNone>(call), call, part, workspace);
  } else if (stored.scale_format() == Format::kE8M0FNU) {
    RunSparse(Fp4Kernel<ScaleKind::kExponents>(call), call, part, workspace);
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

struct Range {
  int low = 255, high = 0;
};

Range CodeRange(const PackedMatrix& matrix) {
  Range range;
  const uint8_t* codes = matrix.scales();
  const int64_t count = matrix.scale_bytes();
  uint8_t low = 255, high = 0;
  for (int64_t i = 0; i < count; ++i) {
    low = std::min(low, codes[i]);
    high = std::max(high, codes[i]);
  }
  range.low = low;
  range.high = high;
  return range;
}

// Whether the product of any two E8M0 scales, a quarter of it, is a normal
// number of binary32; NaN is not.
bool ExponentsFit(const PackedMatrix& a, const PackedMatrix& b) {
  const Range x = CodeRange(a), y = CodeRange(b);
  constexpr int kNan = 255, kBias = 127;
  const int low = x.low + y.low - kBias + kQuarter;
  const int high = x.high + y.high - kBias + kQuarter;
  return x.high != kNan && y.high != kNan && low > 0 && high < kNan;
}

std::string_view WhyNotScales(const SparseCall& call,
                              const SparseWindow& window) {
  const PackedMatrix& stored = call.sparse->stored();
  const PackedMatrix& dense = *call.dense;
  const auto [keep, group] = call.sparse->sparsity();
  const int64_t block = stored.scale_block();
  if (block == 0 || dense.scale_block() * keep != block * group ||
      stored.scale_format() != dense.scale_format() ||
      stored.scale_format() == Format::kF32) {
    return "takes E8M0 or UE4M3 scales of both operands for the same products";
  }
  const size_t pass =
      WindowsOfPass(kFp4Sizes, window, kBytesPerStep) * window.stored;
  if (block < 16 || block % 4 != 0 || pass % static_cast<size_t>(block) != 0) {
    return "takes blocks of scales that fill its passes";
  }
  if (stored.scale_format() == Format::kE8M0FNU &&
      !ExponentsFit(stored, dense)) {
    return "takes scales whose products are normal binary32 numbers";
  }
  return {};
}

}  // namespace

std::string_view SparseFp4Refuses(const SparseCall& call) {
  if (call.sparse->format() != Format::kE2M1FN ||
      call.dense->format() != Format::kE2M1FN) {
    return "takes e2m1fn only";
  }
  const SparseWindow window = WindowOf(call.sparse->sparsity(), kByteLanes);
  if (window.stored == 0 || window.cols % 2 != 0 ||
      window.stored % kBytesPerStep != 0 ||
      window.stored / kBytesPerStep > kFp4Sizes.steps / 2) {
    return "takes groups that fill a vector in whole steps";
  }
  if (call.block_scales()) return WhyNotScales(call, window);
  // Sums of multiples of 1/4 that never need more than 24 bits.
  constexpr int64_t kMostProducts = (1 << 24) / (4 * 36);
  if (call.c.rows != 0 || call.sparse->stored().cols() > kMostProducts) {
    return "takes C beside block scales only, without them K is limited";
  }
  return {};
}

size_t SparseFp4WorkspaceBytes(int64_t sparse_rows) {
  const auto rows = static_cast<size_t>(sparse_rows);
  return LayoutOf(kFp4Sizes, rows).end;
}

void SparseFp4(const SparseCall& call, const SparsePart& part,
               std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(SparseFp4Target)(call, part, workspace);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
