// SPDX-License-Identifier: Apache-2.0
#include "kernels/floor_chain.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/floor_chain.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/block.h"
#include "kernels/float_environment.h"
#include "kernels/floor_panel-inl.h"
#include "kernels/floor_special.h"
#include "kernels/floor_tile-inl.h"
#include "kernels/promote-inl.h"
#include "kernels/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

template <class Exponents>
class FloorGemm {
 public:
  FloorGemm(const GemmCall& call, std::byte* workspace)
      : call_(call),
        split_(call.row->model == Model::kSplitFused),
        even_odd_(call.row->model == Model::kEvenOdd),
        parts_(even_odd_ && call.row->group == 2 ? 2 : 1),
        order_(*call.row),
        constants_(FloorConstants::Of(*call.row, Exponents())),
        step_(static_cast<size_t>(constants_.step)),
        decode_a_(*call.row, *call.a, constants_.step),
        decode_b_(*call.row, *call.b_t, constants_.step) {
    const FloorBlock block = FloorBlock::Of(call);
    state_rows_ = block.rows;
    cols_ = block.cols;
    FloorArena arena(workspace);
    state_ = arena.Take<double>(block.rows * block.cols);
    Lay(arena, kFloorPanelRows, kGroupRows, a_);
    Lay(arena, block.cols, kFloorStrip, b_);
    values_ = arena.Take<float>(kFloorK * kGroupRows);
    largest_ = arena.Take<Lane>(kTileSize);
    plain_ = arena.Take<uint8_t>(block.rows * block.cols / kTileSize);
    if (call.promote_every != 0) {
      sums_ = arena.Take<float>(block.rows * block.cols);
    }
  }

  void Run() {
    const size_t m_end = static_cast<size_t>(call_.m_end);
    const size_t n_end = static_cast<size_t>(call_.n_end);
    for (size_t m = static_cast<size_t>(call_.m_begin); m < m_end;
         m += state_rows_) {
      for (size_t n = static_cast<size_t>(call_.n_begin); n < n_end;
           n += cols_) {
        RunBlock(m, std::min(state_rows_, m_end - m), n,
                 std::min(cols_, n_end - n));
      }
    }
  }

 private:
  using Lane = typename Exponents::Lane;
  using Input = FloorTileInput<Exponents>;
  static constexpr size_t kTileSize = kFloorRows * kFloorCols;
  static constexpr bool kIsWide = std::is_same_v<Exponents, WideExponents>;
  // Of products of kEvenOdd that do not overflow binary32; its code.
  static constexpr int32_t kHighest = 126;
  static constexpr int32_t kOverflow =
      kHighest + Exponents::kAddA + Exponents::kAddB;

  template <class Element>
  static void Lay(FloorArena& arena, size_t columns, size_t stride,
                  FloorPanel<Element>& panel) {
    panel.values = arena.Take<double>(columns * kFloorK);
    panel.exponents = arena.Take<Element>(columns * kFloorK);
    panel.signs = arena.Take<uint64_t>(columns * kFloorMaxSteps);
    panel.special = arena.Take<uint32_t>(columns / stride * kFloorMaxSteps);
    panel.range = arena.Take<FloorRange>(columns / stride);
    panel.stride = stride;
  }
  // Panel `index` of several one after another.
  template <class Element>
  static FloorPanel<Element> At(const FloorPanel<Element>& first,
                                size_t index) {
    FloorPanel<Element> panel = first;
    panel.values += index * kFloorK * first.stride;
    panel.exponents += index * kFloorK * first.stride;
    panel.signs += index * kFloorMaxSteps * first.stride;
    panel.special += index * kFloorMaxSteps;
    panel.range += index;
    return panel;
  }

  // Accumulators of tiles, [strip][tile column][row][kFloorCols].
  double* State(size_t row, size_t col) const {
    return state_ + col / kFloorCols * (state_rows_ * kFloorCols) +
           row * kFloorCols + col % kFloorCols;
  }

  void RunBlock(size_t m, size_t rows, size_t n, size_t cols) {
    LoadC(m, rows, n, cols);
    if (sums_ != nullptr) StateToSums(cols);
    const size_t k_end = static_cast<size_t>(call_.a->cols());
    const size_t strips = hwy::DivCeil(cols, kFloorStrip);
    const size_t unit = static_cast<size_t>(call_.row->chunk);
    for (size_t k = 0; k < k_end;) {
      const size_t promotion = Promotion::After(call_, k, k_end);
      const size_t next = std::min(k + kFloorK, promotion);
      const size_t count = hwy::RoundUpTo(next - k, unit);
      for (size_t j = 0; j < strips; ++j) {
        for (size_t lane = 0; lane < kFloorStrip; lane += kGroupRows) {
          decode_b_((n + j * kFloorStrip + lane) / kGroupRows, k, count,
                    At(b_, j), lane, values_);
        }
      }
      for (size_t row = 0; row < rows; row += kFloorPanelRows) {
        const size_t panel_rows = std::min(kFloorPanelRows, rows - row);
        for (size_t i = 0; i * kGroupRows < panel_rows; ++i) {
          decode_a_((m + row) / kGroupRows + i, k, count, At(a_, i), 0,
                    values_);
        }
        for (size_t col = 0; col < cols; col += kFloorCols) {
          ColumnOfTiles(m, row, panel_rows, n, col, k, count / step_);
        }
      }
      if (sums_ != nullptr && next == promotion) Promote(m, rows, n, cols, k);
      k = next;
    }
    if (sums_ != nullptr) SumsToState(cols);
    StoreD(m, rows, n, cols);
  }

  // Rows of A one after another beside columns of B that L1 keeps.
  void ColumnOfTiles(size_t m, size_t row, size_t rows, size_t n, size_t col,
                     size_t k, size_t steps) {
    const size_t lane = col % kFloorStrip;
    const FloorPanel<Lane> b = At(b_, col / kFloorStrip);
    const auto input = [&](size_t i) {
      const FloorPanel<uint32_t> a = At(a_, i / kGroupRows);
      const size_t r = i % kGroupRows;
      return Input{a.values + r,    a.exponents + r,    a.signs + r,
                   b.values + lane, b.exponents + lane, b.signs + lane,
                   steps,           a.exponents + r,    b.exponents + lane,
                   largest_};
    };
    Input now = input(0);
    FirstLargest<Exponents>(constants_, now);
    const bool special_b = AnySpecial(b.special, steps);
    const FloorRange range_b = *b.range;
    const uint32_t* special_a = nullptr;
    bool special = false, plain = false;
    for (size_t i = 0; i < rows; i += kFloorRows) {
      if (i % kGroupRows == 0) {
        const FloorPanel<uint32_t> a = At(a_, i / kGroupRows);
        special_a = a.special;
        special = special_b || AnySpecial(special_a, steps) ||
                  MayOverflow(*a.range, range_b);
        plain = ArePlain(*a.range, range_b);
      }
      Input next = now;
      if (i + kFloorRows < rows) {
        next = input(i + kFloorRows);
        now.next_a = next.a_exponents;
      }
      double* state = State(row + i, col);
      if (special) {
        SpecialTile(now, m + row + i, special_a, i % kGroupRows, n + col - lane,
                    b.special, lane, k, state);
      } else {
        Tile(now, plain, state);
      }
      now = next;
    }
  }

  static bool AnySpecial(const uint32_t* special, size_t steps) {
    return std::any_of(special, special + steps,
                       [](uint32_t bits) { return bits != 0; });
  }

  // Whether the accumulators of the tile at `state` are known to need no care
  // beside products that do not: zero or 2^-103 ... 2^110 in magnitude, or, of
  // narrow products, finite. Then all are multiples of 2^-126, remain so, and
  // stay far from overflow.
  uint8_t& IsPlain(const double* state) const {
    return plain_[static_cast<size_t>(state - state_) / kTileSize];
  }
  bool ArePlain(const double* state) const {
    const double low = kIsWide || even_odd_ ? 0x1p-103 * constants_.unit : 0.0;
    const double high = kIsWide || even_odd_
                            ? 0x1p110 * constants_.unit
                            : std::numeric_limits<double>::max();
    return std::all_of(state, state + kTileSize, [&](double x) {
      const double magnitude = std::fabs(x);
      return (magnitude >= low || x == 0.0) && magnitude <= high;
    });
  }
  // Whether no sum of products, however many, comes near overflow and all are
  // multiples of the smallest normal number. Of binary16: whether
  // kFloorK of them, each below 4 times its power of two, stay below 2^14.
  bool ArePlain(const FloorRange& a, const FloorRange& b) const {
    static_assert(kFloorK <= 64);
    if (call_.row->output == Format::kF16) {
      return a.highest + b.highest + 2 + 6 <= 14;
    }
    if (!kIsWide) return true;
    const int fraction_bits = Info(call_.a->format()).mantissa_bits +
                              Info(call_.b_t->format()).mantissa_bits;
    return a.highest + b.highest <= 80 &&
           a.lowest + b.lowest - fraction_bits >= -126;
  }
  // Whether a product may be 2^128 or more, which is infinite in kEvenOdd.
  bool MayOverflow(const FloorRange& a, const FloorRange& b) const {
    return even_odd_ && a.highest + b.highest > kHighest;
  }
  static bool NoneFinite(const double* state) {
    return std::none_of(state, state + kTileSize,
                        [](double x) { return std::isfinite(x); });
  }

  // `plain`: the products are.
  void Tile(const Input& in, bool plain, double* state) const {
    if (even_odd_) {
      if (plain && IsPlain(state) != 0) {
        return EvenOddTile<FloorFinish::kEvenOdd>(in, state);
      }
      IsPlain(state) = 0;
      return AnyTile(in, state);
    }
    if (call_.row->output == Format::kF32) {
      if (split_) return TileOf<FloorFinish::kBinary32, true>(in, state);
      if (plain && IsPlain(state) != 0) {
        return TileOf<FloorFinish::kBinary32, false>(in, state);
      }
      IsPlain(state) = 0;
      // Finite products change no infinity and no NaN.
      if (NoneFinite(state)) return FirstLargest<Exponents>(constants_, in);
      return AnyTile(in, state);
    }
    if (split_) return TileOf<FloorFinish::kAnyBinary16, true>(in, state);
    if constexpr (kRoundsInInstruction) {
      if (plain && AreWithin(0x1p15 * constants_.unit, state)) {
        return TileOf<FloorFinish::kBinary16, false>(in, state);
      }
    }
    TileOf<FloorFinish::kAnyBinary16, false>(in, state);
  }

  // Rows that FloorChainComputes refuses are not compiled.
  template <FloorFinish kFinish, bool kSplit>
  void TileOf(const Input& in, double* state) const {
    if constexpr (!kIsWide ||
                  (kFinish != FloorFinish::kBinary16 &&
                   kFinish != FloorFinish::kAnyBinary16 && !kSplit)) {
      FloorTile<Exponents, kFinish, kSplit>(constants_, in, state);
    }
  }

  template <FloorFinish kFinish>
  void EvenOddTile(const Input& in, double* state) const {
    if (parts_ == 2) return TileOf<kFinish, true>(in, state);
    TileOf<kFinish, false>(in, state);
  }

  // Steps one after another, whatever the accumulators are.
  void AnyTile(const Input& in, double* state) const {
    if (even_odd_) {
      EvenOddTile<FloorFinish::kAnyEvenOdd>(in, state);
    } else if (call_.row->output == Format::kF16) {
      TileOf<FloorFinish::kAnyBinary16, false>(in, state);
    } else {
      TileOf<FloorFinish::kAnyBinary32, false>(in, state);
    }
  }

  // One step at a time, or both parts of one: products of infinities and NaN,
  // or that overflow, alone decide where they are. The former count as zeros
  // for the others.
  void SpecialTile(const Input& in, size_t m, const uint32_t* special_a,
                   size_t row, size_t n, const uint32_t* special_b, size_t lane,
                   size_t k, double* state) const {
    constexpr size_t kSize = kTileSize;
    alignas(64) double sums[kSize], before[kSize];
    Lane largest[kSize];
    const size_t count = parts_ * step_;
    Input one = in;
    one.steps = parts_;
    for (size_t s = 0; s < in.steps; s += parts_) {
      const bool last = s + parts_ == in.steps;
      one.next_a = last ? in.next_a : one.a_exponents + count * kGroupRows;
      one.next_b = last ? in.next_b : one.b_exponents + count * kFloorStrip;
      const uint32_t rows = special_a[s] | special_a[s + parts_ - 1];
      const uint32_t cols = special_b[s] | special_b[s + parts_ - 1];
      double* const acc = split_ ? sums : state;
      if (split_ && s % 2 == 0) std::fill_n(sums, kSize, 0.0);
      std::copy_n(acc, kSize, before);
      std::copy_n(in.largest, kSize, largest);
      AnyTile(one, acc);
      for (size_t i = 0; i < kSize; ++i) {
        const size_t r = row + i / kFloorCols, c = lane + i % kFloorCols;
        const bool overflows = even_odd_ && kIsWide && largest[i] > kOverflow;
        if ((((rows >> r) | (cols >> c)) & 1) == 0 && !overflows) continue;
        double special = 0.0;
        for (size_t j = 0; j < count; ++j) {
          const size_t at = k + order_[s * step_ + j];
          special += SpecialProduct(call_, m + i / kFloorCols, n + c, at);
        }
        if (special == 0.0) continue;  // below 2^128, for all that
        acc[i] = std::isfinite(before[i]) ? special : before[i] + special;
      }
      if (split_ && s % 2 == 1) {
        const DD dd;
        for (size_t i = 0; i < kSize; i += kLanesF64) {
          hn::Store(AddHalves(hn::Load(dd, state + i), hn::Load(dd, sums + i),
                              constants_),
                    dd, state + i);
        }
      }
      one.a += count * kGroupRows;
      one.b += count * kFloorStrip;
      one.a_exponents = one.next_a;
      one.b_exponents = one.next_b;
      one.a_signs += parts_ * kGroupRows;
      one.b_signs += parts_ * kFloorStrip;
    }
    IsPlain(state) = ArePlain(state);
  }

  size_t StateSize(size_t cols) const {
    return state_rows_ * hwy::RoundUpTo(cols, kFloorCols);
  }
  void ClearState(size_t cols) const {
    const size_t size = StateSize(cols);
    std::fill_n(state_, size, 0.0);
    std::fill_n(plain_, size / kTileSize, uint8_t{1});
  }

  // With promotion, sums start from C and accumulators from zero.
  void StateToSums(size_t cols) const {
    const size_t size = StateSize(cols);
    for (size_t i = 0; i < size; i += kFloorCols)
      ToFloats(state_ + i, constants_.unit, sums_ + i);
    ClearState(cols);
  }
  void SumsToState(size_t cols) const {
    const size_t size = StateSize(cols);
    for (size_t i = 0; i < size; ++i) {
      state_[i] = double{sums_[i]} * constants_.unit;
    }
  }

  // Adds the accumulators, times the scales at k, to the sums: to nearest even,
  // whatever the steps need.
  void Promote(size_t m, size_t rows, size_t n, size_t cols, size_t k) const {
    if constexpr (kRoundsInInstruction) {
      PromoteToNearest(m, rows, n, cols, k);
    } else {
      const DefaultFloatEnvironment environment;
      PromoteToNearest(m, rows, n, cols, k);
    }
    ClearState(cols);
  }
  HWY_NOINLINE void PromoteToNearest(size_t m, size_t rows, size_t n,
                                     size_t cols, size_t k) const {
    const DF df;
    const Promotion promote(call_, k);
    for (size_t j = 0; j < cols; j += kFloorCols) {
      const size_t width = std::min(kFloorCols, cols - j);
      for (size_t i = 0; i < rows; ++i) {
        alignas(64) float parts[kFloorCols];
        const double* const state = State(i, j);
        ToFloats(state, constants_.unit, parts);
        float* const sums = sums_ + (state - state_);
        for (size_t at = 0; at < width; at += kLanesF32) {
          hn::Store(promote(m + i, n + j + at, hn::Load(df, parts + at),
                            hn::Load(df, sums + at)),
                    df, sums + at);
        }
      }
    }
  }

  void LoadC(size_t m, size_t rows, size_t n, size_t cols) const {
    ClearState(cols);
    if (call_.c.rows == 0) return;
    const size_t size = StateSize(cols);
    for (size_t i = 0; i < rows; ++i) {
      for (size_t j = 0; j < cols; j += kFloorCols) {
        float row[kFloorCols];
        const size_t width = std::min(kFloorCols, cols - j);
        LoadRow(call_.c, m + i, n + j, width, row);
        double* const to = State(i, j);
        for (size_t at = 0; at < width; ++at) {
          to[at] = double{row[at]} * constants_.unit;
        }
      }
    }
    for (size_t i = 0; i < size; i += kTileSize) {
      IsPlain(state_ + i) = ArePlain(state_ + i);
    }
  }

  void StoreD(size_t m, size_t rows, size_t n, size_t cols) const {
    for (size_t i = 0; i < rows; ++i) {
      for (size_t j = 0; j < cols; j += kFloorCols) {
        alignas(64) float row[kFloorCols];
        ToFloats(State(i, j), constants_.unit, row);
        StoreRow(*call_.row, call_.d, m + i, n + j,
                 std::min(kFloorCols, cols - j), row);
      }
    }
  }

  const GemmCall& call_;
  bool split_, even_odd_;
  size_t parts_;  // steps that one rounding ends
  FloorOrder order_;
  FloorConstants constants_;
  size_t step_;
  size_t state_rows_, cols_;  // of a block
  FloorDecoder<Exponents, true> decode_a_;
  FloorDecoder<Exponents, false> decode_b_;
  double* state_;
  FloorPanel<uint32_t> a_;
  FloorPanel<Lane> b_;
  float* values_;
  Lane* largest_;
  uint8_t* plain_;         // [tile of state_]
  float* sums_ = nullptr;  // as state_, with promotion alone
};

HWY_NOINLINE void RunFloorChain(const GemmCall& call, std::byte* workspace) {
  if (HasNarrowExponents(*call.row)) {
    FloorGemm<NarrowExponents>(call, workspace).Run();
  } else {
    FloorGemm<WideExponents>(call, workspace).Run();
  }
}

void FloorChainTarget(const GemmCall& call, std::byte* workspace) {
  static_assert(kFloorPanelRows % kGroupRows == 0 &&
                kGroupRows % kFloorRows == 0 && kFloorStrip <= kFloorMaxStrip &&
                kFloorMaxStrip % kFloorStrip == 0);
  if constexpr (kRoundsInInstruction) {
    RunFloorChain(call, workspace);
  } else {
    const TowardZeroEnvironment environment;
    RunFloorChain(call, workspace);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
HWY_EXPORT(FloorChainTarget);

size_t FloorChainWorkspaceBytes(const GemmCall& call) {
  const FloorBlock block = FloorBlock::Largest(call);
  return block.rows * block.cols * sizeof(double) +
         FloorPanelBytes(kFloorPanelRows, sizeof(uint32_t)) +
         FloorPanelBytes(block.cols, sizeof(uint16_t)) +
         kFloorK * PackedMatrix::kRows * sizeof(float) + kFloorLargestBytes +
         block.rows * block.cols / kFloorMinTile +
         (call.promote_every == 0 ? 0
                                  : block.rows * block.cols * sizeof(float));
}

void FloorChain(const GemmCall& call, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(FloorChainTarget)(call, workspace);
}
}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
