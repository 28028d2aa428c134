// SPDX-License-Identifier: Apache-2.0
#include "kernels/sparse_fp4.h"

#include <algorithm>
#include <span>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_fp4.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/aligned_scales-inl.h"
#include "kernels/scaled.h"
#include "kernels/sparse_kernel-inl.h"
#include "kernels/sparse_loops-inl.h"
#include "zeroulp/internal/check.h"

#ifndef ZEROULP_KERNELS_SPARSE_FP4_ONCE_
#define ZEROULP_KERNELS_SPARSE_FP4_ONCE_
namespace zeroulp::kernels {

// Both factors of a product are twice as large.
inline constexpr int kFp4Unit = -2;

// Behind HeldPanels: of which sparse rows the shifts are, see GroupShifts.
struct HeldShifts {
  const PackedSparse* sparse;  // null: none
  int64_t begin, end;

  friend bool operator==(const HeldShifts&, const HeldShifts&) = default;
};
static_assert(sizeof(HeldPanels) + sizeof(HeldShifts) <= kStrandBytes);

// What RunSparse needs. With scales a strand has as much for one group of
// sparse rows that is not aligned behind it, and then the shifts of all groups.
inline size_t PanelsBytes(const SparseCall& call, int64_t sparse_rows) {
  const auto block = static_cast<size_t>(call.sparse->stored().scale_block());
  return WorkspaceOf(call, kFp4Lanes, kFp4PerStep, kFp4Steps,
                     block == 0 ? kFp4Steps : block / kFp4PerStep, sparse_rows);
}

}  // namespace zeroulp::kernels
#endif  // ZEROULP_KERNELS_SPARSE_FP4_ONCE_

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_AVX3_DL

template <ScaleKind kKind>
class Fp4Kernel : public SparseKernel<Fp4Product, kKind> {
  using Base = SparseKernel<Fp4Product, kKind>;
  using Base::bases_;
  using Base::block_steps_;
  using Base::call_;
  using Base::sizes_;
  using Base::window_;

 public:
  explicit Fp4Kernel(const SparseCall& call)
      : Base(call, kFp4Steps, kFp4Unit) {}

  void Tiles(const SparsePass& pass, size_t vectors, const uint8_t* dense,
             const uint8_t* const* panels, const Fetch* ahead,
             TileOutput out) const {
    // Scales are medium: what is not finite comes from C.
    if (kInBlocks<kKind> && call_.c.rows == 0) out.last = false;
    Base::Tiles(pass, vectors, dense, panels, ahead, out);
  }

  HWY_NOINLINE void DecodeSparse(const SparsePass& pass, size_t group,
                                 uint8_t* panel) const {
    const DI di;
    const size_t first = pass.first_window * window_.stored;
    const uint8_t* codes = Base::QuadAt(call_.sparse->stored(), group, first);
    const uint8_t* positions = Base::PositionsAt(group, first);
    const VI offset = hn::Set(di, kOffset * 0x01010101);
    const VI table = LoadWords(kSparseTable.bytes);
    const AlignedScales scales = ShiftsOf(call_.sparse->stored(), group);
    GroupBases::Cursor base = bases_.From(first / 4);
    uint8_t* block = panel + sizes_.scales();
    size_t s = 0;
    do {  // at least one: sums begin there
      VI sum = hn::Zero(di);
      const size_t end = std::min(s + block_steps_, pass.steps);
      while (s < end) {
        const VI shift =
            scales.Shifts((first / kFp4PerStep + s) / scales.quads());
        const size_t run = s + std::min(end - s, scales.quads());
        for (; s < run; ++s) {
          const size_t at = s * kStepBytes;
          const VI value =
              SelectBytes(table, hn::Or(LoadWords(codes + at), shift));
          const VI index =
              hn::Add(LoadWords(positions + at), hn::Set(di, base.Next()));
          StoreLine(value, panel + s * kPanelStepBytes);
          StoreLine(index, panel + s * kPanelStepBytes + kStepBytes);
          sum = DotU8S8(sum, offset, value);
        }
      }
      StoreLine(hn::Neg(sum), block);
      block += kPanelStepBytes;
    } while (s < pass.steps);
    if constexpr (Base::kIsAligned) {
      StoreLine(Base::ExponentWords(scales.lowest(), false, kFp4Unit),
                panel + sizes_.scales() + kStepBytes);
      return;
    }
    Base::DecodeSparseScales(pass, group, panel);
    if constexpr (kKind == ScaleKind::kFractions) {
      uint8_t* const begin = panel + sizes_.scales();
      for (uint8_t* b = begin; b != block; b += kPanelStepBytes) {
        StoreLine(hn::Add(LoadWords(b), LoadWords(b + kStepBytes)), b);
      }
    }
  }

  HWY_NOINLINE void DecodeDense(const SparsePass& pass, size_t group,
                                uint8_t* rows, uint8_t* panel) const {
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
    const VI table = LoadWords(kDenseTable.bytes);
    const AlignedScales scales = ShiftsOf(dense, group);
    const size_t stored = std::min(quads, all - std::min(first, all));
    for (size_t q = 0; q < quads; q += 16) {
      const VI shift = scales.Shifts((first + q) / scales.quads());
      const auto value = [&](size_t i) HWY_ATTR {
        return SelectBytes(
            table, hn::Or(LoadWords(codes + (q + i) * kStepBytes), shift));
      };
      VI in[16];
      if (q + 16 <= stored) {
        ZEROULP_UNROLL
        for (size_t i = 0; i < 16; ++i) in[i] = value(i);
      } else {
        // What lies past the end of K is not selected, or times zero.
        ZEROULP_UNROLL
        for (size_t i = 0; i < 16; ++i) {
          in[i] = q + i < stored ? value(i) : hn::Zero(di);
        }
      }
      StorePart<kRows>(in, q / 16, whole_windows, pass.windows, rows,
                       sizes_.row(), panel);
    }
    if (!whole_windows) {
      ToWindows<kRows>(rows, sizes_.row(), pass.windows, window_.cols, panel);
    }
    if constexpr (Base::kIsAligned) {
      StoreLine(Base::ExponentWords(scales.lowest(), true, kFp4Unit),
                panel + sizes_.dense_scales());
      return;
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

  // By which elements are shifted.
  static AlignedScales ShiftsOf(const PackedMatrix& matrix, size_t group) {
    if constexpr (Base::kIsAligned) return AlignedScales(matrix, group);
    return {};
  }

  // Makes bytes of dense rows unsigned.
  static constexpr int32_t kOffset = kLargestTwice
                                     << (Base::kIsAligned ? kMostShift : 0);

  static constexpr ShiftedTable kSparseTable{[](int x) { return x; }};
  static constexpr ShiftedTable kDenseTable{[](int x) { return x + kOffset; }};
};

// Of the groups of 16 sparse rows, by AlignRows. Those of a strand's parts are
// often the same.
std::span<const int8_t> GroupShifts(const SparseCall& call,
                                    const SparsePart& part,
                                    std::byte* workspace) {
  constexpr auto kRows = static_cast<int64_t>(kSparseRows);
  const int64_t rows = part.sparse_end - part.sparse_begin;
  auto* shifts = reinterpret_cast<int8_t*>(workspace + PanelsBytes(call, rows) +
                                           PanelsBytes(call, kRows));
  const auto groups = static_cast<size_t>(hwy::DivCeil(rows, kRows));
  auto* held = reinterpret_cast<HeldShifts*>(workspace + sizeof(HeldPanels));
  const HeldShifts needed = {call.sparse, part.sparse_begin, part.sparse_end};
  if (*held != needed) {
    *held = needed;
    const auto first = static_cast<size_t>(part.sparse_begin / kRows);
    for (size_t g = 0; g < groups; ++g) {
      uint8_t lowest[kSparseRows];
      shifts[g] = static_cast<int8_t>(
          AlignRows(call.sparse->stored(), first + g, lowest));
    }
  }
  return {shifts, groups};
}

// E8M0 scales. Groups of sparse rows that are not aligned are computed once
// more, each in memory of its own.
void RunPowers(const SparseCall& call, const SparsePart& part,
               std::byte* workspace) {
  const std::span<const int8_t> shifts = GroupShifts(call, part, workspace);
  const int most = MostSparseShift(call, part, shifts);
  if (most < 0) {
    RunSparse(Fp4Kernel<ScaleKind::kFractions>(call), call, part, workspace);
    return;
  }
  RunSparse(Fp4Kernel<ScaleKind::kAligned>(call), call, part, workspace);
  std::byte* other =
      workspace + PanelsBytes(call, part.sparse_end - part.sparse_begin);
  for (size_t g = 0; g < shifts.size(); ++g) {
    if (0 <= shifts[g] && shifts[g] <= most) continue;
    SparsePart rows = part;
    rows.sparse_begin += static_cast<int64_t>(g * kSparseRows);
    rows.sparse_end = std::min(
        rows.sparse_begin + static_cast<int64_t>(kSparseRows), part.sparse_end);
    std::fill_n(other, kStrandBytes, std::byte{0});
    RunSparse(Fp4Kernel<ScaleKind::kFractions>(call), call, rows, other);
  }
}

void SparseFp4Target(const SparseCall& call, const SparsePart& part,
                     std::byte* workspace) {
  if (call.sparse->stored().scale_block() == 0) {
    RunSparse(Fp4Kernel<ScaleKind::kNone>(call), call, part, workspace);
  } else if (ScaleKindOf(call) == ScaleKind::kFactors) {
    RunSparse(Fp4Kernel<ScaleKind::kFactors>(call), call, part, workspace);
  } else {
    RunPowers(call, part, workspace);
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
  if (call.c.rows != 0 || call.sparse->stored().cols() > kMaxExactFp4K) {
    return "takes C beside block scales only, without them K is limited";
  }
  return {};
}

int MostSparseShift(const SparseCall& call, const SparsePart& part,
                    std::span<const int8_t> shifts) {
  constexpr auto kWindow = static_cast<int64_t>(kFp4Lanes);
  if (call.c.rows != 0 || call.dense->scale_block() % kWindow != 0) return -1;
  const int dense = MostShiftOf(*call.dense, part.dense_begin, part.dense_end);
  if (dense < 0) return -1;
  int most = kMostShift;
  while (most >= 0 &&
         call.sparse->stored().cols() > kMaxExactFp4K >> (most + dense)) {
    --most;
  }
  const auto others =
      std::count_if(shifts.begin(), shifts.end(),
                    [=](int8_t shift) { return shift < 0 || shift > most; });
  // A group that is computed twice costs what nine gain.
  return others * 10 <= std::ssize(shifts) ? most : -1;
}

size_t SparseFp4WorkspaceBytes(const SparseCall& call, int64_t sparse_rows) {
  const size_t panels = PanelsBytes(call, sparse_rows);
  if (!call.block_scales()) return panels;
  constexpr auto kRows = static_cast<int64_t>(kSparseRows);
  return panels + PanelsBytes(call, kRows) +
         static_cast<size_t>(internal::NumParts(sparse_rows, kRows));
}

void SparseFp4(const SparseCall& call, const SparsePart& part,
               std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(SparseFp4Target)(call, part, workspace);
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
