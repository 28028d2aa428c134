// SPDX-License-Identifier: Apache-2.0
// Few rows of E2M1 times many columns: codes of B, each used a few times, are
// decoded in registers, so that memory is the limit.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/scaled.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/scaled_skinny.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/scaled-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_AVX3_DL

// Here the bytes of B are unsigned, by adding their largest value: what that
// adds to a sum, A's bytes alone decide, which are few.
inline constexpr int kOffset = 12;
inline constexpr size_t kLineBytes = 64;  // a quad of 16 rows

// A's rows: bytes, and for every block what to begin with and the scale.
template <size_t kRows>
struct SkinnyA {
  int32_t* bytes;  // [quad][kRows]
  int32_t* begin;  // [block][kRows]
  float* scales;   // [block][kRows]
};

VB Twice(int offset) {
  alignas(16) uint8_t table[16];
  for (uint32_t code = 0; code < 16; ++code) {
    const auto twice =
        static_cast<int>(2 * Decode(Info(Format::kE2M1FN), code));
    table[code] = static_cast<uint8_t>(twice + offset);
  }
  return hn::LoadDup128(DB(), table);
}

// Bytes of memory for A's rows.
constexpr size_t SkinnyBytes(size_t rows, size_t blocks, size_t block) {
  return rows * blocks * (block + 2 * sizeof(int32_t));
}

// Rows from `first` of the call's only group, `rows` of which exist.
template <size_t kRows>
class SkinnyGemm {
 public:
  SkinnyGemm(const GemmCall& call, size_t first, size_t rows, size_t block,
             const ScaleRows& a, const ScaleRows& b, std::byte* workspace)
      : call_(call),
        first_(first),
        rows_(rows),
        b_scales_(b),
        block_(block),
        quads_(static_cast<size_t>(call.a->quads())),
        blocks_(hwy::DivCeil(static_cast<size_t>(call.a->cols()), block)),
        table_(Twice(kOffset)) {
    auto* words = reinterpret_cast<int32_t*>(workspace);
    a_.bytes = words;
    a_.begin = a_.bytes + blocks_ * block_ / kQuad * kRows;
    a_.scales = reinterpret_cast<float*>(a_.begin + blocks_ * kRows);
    FillA(a);
  }

  void Run(size_t n, size_t n_end) const {
    // As many streams of codes; sums of 16 vectors hide each other's latency.
    constexpr size_t kVectors = kRows > 4 ? 2 : 4;
    for (; n + kVectors * kGroup <= n_end; n += kVectors * kGroup) {
      Columns<kVectors>(n, kGroup);
    }
    for (; n < n_end; n += kGroup) Columns<1>(n, std::min(kGroup, n_end - n));
  }

 private:
  // All 16 rows are decoded, kRows kept.
  void FillA(const ScaleRows& scales) {
    const DI di;
    const VB table = Twice(0);
    const VI offsets = hn::Set(di, kOffset * 0x01010101);
    const auto m = static_cast<size_t>(call_.m_begin);
    const uint8_t* codes = call_.a->data() + m / kGroup * quads_ * kLineBytes;
    alignas(64) int32_t row[kGroup];
    alignas(64) float scale[kGroup];
    for (size_t block = 0; block < blocks_; ++block) {
      VI added = hn::Zero(di);
      const size_t end = (block + 1) * block_ / kQuad;
      for (size_t q = block * block_ / kQuad; q < end; ++q) {
        VI bytes = hn::Zero(di);
        if (q < quads_) {
          bytes = hn::BitCast(
              di, hn::TableLookupBytes(table,
                                       hn::Load(DB(), codes + q * kLineBytes)));
        }
        added = DotU8S8(added, offsets, bytes);
        hn::Store(bytes, di, row);
        std::copy_n(row + first_, kRows, a_.bytes + q * kRows);
      }
      hn::Store(hn::Sub(hn::Set(di, kFractionBase), added), di, row);
      std::copy_n(row + first_, kRows, a_.begin + block * kRows);
      scales.Fill(m / kGroup, block * block_, scale);
      std::copy_n(scale + first_, kRows, a_.scales + block * kRows);
    }
  }

  // kVectors groups of columns from n, of which `cols` of each exist.
  template <size_t kVectors>
  HWY_NOINLINE void Columns(size_t n, size_t cols) const {
    const DI di;
    const DF df;
    const uint8_t* codes[kVectors];
    VF sum[kRows][kVectors];
    ZEROULP_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      codes[v] = call_.b_t->data() + (n / kGroup + v) * quads_ * kLineBytes;
      ZEROULP_UNROLL
      for (size_t i = 0; i < kRows; ++i) {
        sum[i][v] = LoadC(i, n + v * kGroup, cols);
      }
    }
    const VF base = hn::BitCast(df, hn::Set(di, kFractionBase));
    for (size_t block = 0; block < blocks_; ++block) {
      VI acc[kRows][kVectors];
      ZEROULP_UNROLL
      for (size_t i = 0; i < kRows; ++i) {
        const VI begin = hn::Set(di, a_.begin[block * kRows + i]);
        ZEROULP_UNROLL
        for (size_t v = 0; v < kVectors; ++v) acc[i][v] = begin;
      }
      const size_t end = std::min((block + 1) * block_ / kQuad, quads_);
      for (size_t q = block * block_ / kQuad; q < end; ++q) {
        VI b[kVectors];
        ZEROULP_UNROLL
        for (size_t v = 0; v < kVectors; ++v) {
          b[v] = hn::BitCast(
              di, hn::TableLookupBytes(
                      table_, hn::Load(DB(), codes[v] + q * kLineBytes)));
        }
        ZEROULP_UNROLL
        for (size_t i = 0; i < kRows; ++i) {
          const VI a = hn::Set(di, a_.bytes[q * kRows + i]);
          ZEROULP_UNROLL
          for (size_t v = 0; v < kVectors; ++v) {
            acc[i][v] = DotU8S8(acc[i][v], b[v], a);
          }
        }
      }
      ZEROULP_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        alignas(64) float row[kGroup];
        b_scales_.Fill(n / kGroup + v, block * block_, row);
        const VF b = hn::Load(df, row);
        ZEROULP_UNROLL
        for (size_t i = 0; i < kRows; ++i) {
          const VF scale =
              hn::Mul(hn::Set(df, a_.scales[block * kRows + i]), b);
          sum[i][v] = hn::MulAdd(hn::Sub(hn::BitCast(df, acc[i][v]), base),
                                 scale, sum[i][v]);
        }
      }
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
      ZEROULP_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        StoreD(i, n + v * kGroup, cols, sum[i][v]);
      }
    }
  }

  VF LoadC(size_t i, size_t n, size_t cols) const {
    const DF df;
    if (call_.c.rows == 0 || i >= rows_) return hn::Zero(df);
    const float* from = reinterpret_cast<const float*>(call_.c.bytes.data()) +
                        (static_cast<size_t>(call_.m_begin) + first_ + i) *
                            static_cast<size_t>(call_.c.row_stride) +
                        n;
    if (cols == kGroup) return hn::LoadU(df, from);
    alignas(64) float row[kGroup] = {};
    std::copy_n(from, cols, row);
    return hn::Load(df, row);
  }
  void StoreD(size_t i, size_t n, size_t cols, VF sum) const {
    const DF df;
    if (i >= rows_) return;
    const VF nan = hn::BitCast(df, hn::Set(DI(), 0x7FC00000));
    alignas(64) float row[kGroup];
    hn::Store(hn::IfThenElse(hn::IsNaN(sum), nan, sum), df, row);
    std::copy_n(row, cols,
                reinterpret_cast<float*>(call_.d.bytes.data()) +
                    (static_cast<size_t>(call_.m_begin) + first_ + i) *
                        static_cast<size_t>(call_.d.row_stride) +
                    n);
  }

  const GemmCall& call_;
  const ScaleRows& b_scales_;
  size_t first_, rows_, block_, quads_, blocks_;
  VB table_;
  SkinnyA<kRows> a_;
};

// All rows, of which there are at most kMaxSkinnyRows.
void RunSkinny(const GemmCall& call, size_t block, const ScaleRows& a,
               const ScaleRows& b, std::byte* workspace) {
  const auto rows = static_cast<size_t>(call.m_end - call.m_begin);
  const auto n_begin = static_cast<size_t>(call.n_begin);
  const auto n_end = static_cast<size_t>(call.n_end);
  const auto run = [&](const auto& gemm) { gemm.Run(n_begin, n_end); };
  switch (rows) {
    case 1:
      return run(SkinnyGemm<1>(call, 0, rows, block, a, b, workspace));
    case 2:
      return run(SkinnyGemm<2>(call, 0, rows, block, a, b, workspace));
    case 3:
    case 4:
      return run(SkinnyGemm<4>(call, 0, rows, block, a, b, workspace));
    default:
      break;
  }
  constexpr size_t kHalf = 8;
  const size_t upper = std::min(rows, kHalf);
  const SkinnyGemm<kHalf> first(call, 0, upper, block, a, b, workspace);
  if (rows == upper) return run(first);
  const size_t blocks =
      hwy::DivCeil(static_cast<size_t>(call.a->cols()), block);
  const SkinnyGemm<kHalf> second(call, upper, rows - upper, block, a, b,
                                 workspace + SkinnyBytes(kHalf, blocks, block));
  // Columns whose codes the second half still finds in a cache.
  constexpr size_t kColumns = 32;
  for (size_t n = n_begin; n < n_end; n += kColumns) {
    first.Run(n, std::min(n + kColumns, n_end));
    second.Run(n, std::min(n + kColumns, n_end));
  }
}

#endif

void ScaledSkinnyTarget(const GemmCall& call, std::byte* workspace) {
#if HWY_TARGET == HWY_AVX3_DL
  const auto block = static_cast<size_t>(ScaledBlock(call));
  const ScaleRows a(*call.a, RangeOf(call, *call.a, kRangeOfHalves));
  const ScaleRows b(*call.b_t, RangeOf(call, *call.b_t, kRangeOfHalves));
  RunWhereInRange(call, a, b, workspace, [&](const GemmCall& part) {
    RunSkinny(part, block, a, b, workspace);
  });
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
HWY_EXPORT(ScaledSkinnyTarget);
}  // namespace

size_t ScaledSkinnyBytes(const GemmCall& call) {
  const int64_t block = ScaledBlock(call);
  const int64_t blocks = (call.a->cols() + block - 1) / block;
  // Bytes of A, and two words for every block.
  const int64_t bytes = kMaxSkinnyRows * blocks * (block + 8);
  return std::max(ScaledBytes(*call.row), static_cast<size_t>(bytes));
}
void ScaledSkinny(const GemmCall& call, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(ScaledSkinnyTarget)(call, workspace);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
