// SPDX-License-Identifier: Apache-2.0
#include "kernels/ieee.h"

#include <algorithm>
#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/ieee.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/block-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

// Rows of D at a time: enough chains to hide the latency of one.
constexpr size_t kRows = 8;

// What all models share: Run calls a step for every vector of kRows rows.
template <class Derived>
class IeeeModel {
 public:
  explicit IeeeModel(const GemmCall& call)
      : row_(*call.row),
        chunk_(static_cast<size_t>(row_.chunk)),
        smallest_(row_.flush_results ? 0x1p-126f : 0.0f) {}

  void Prepare(const PackedMatrix& /*matrix*/, size_t /*k*/, size_t /*count*/,
               const Panel& /*panel*/) const {}

  void Run(const Panel& a, const Panel& b, size_t k, size_t count, size_t rows,
           float* acc) const {
    for (size_t lane = 0; lane < kGroupRows; lane += kLanesF32) {
      for (size_t r = 0; r < rows; r += kRows) {
        static_cast<const Derived*>(this)->Step(a, b, r, lane, k, k + count,
                                                acc + r * kGroupRows + lane);
      }
    }
  }

 protected:
  // Subnormal results become zero of their sign, if the row says so.
  HWY_INLINE VF Flushed(VF x) const {
    const DF df;
    return hn::IfThenElse(hn::Lt(hn::Abs(x), hn::Set(df, smallest_)),
                          hn::CopySign(hn::Zero(df), x), x);
  }

  const ArithInfo& row_;
  size_t chunk_;

 private:
  float smallest_;
};

template <bool kExactProducts>
class ChainModel : public IeeeModel<ChainModel<kExactProducts>> {
 public:
  using IeeeModel<ChainModel>::IeeeModel;

  void Step(const Panel& a, const Panel& b, size_t row, size_t lane,
            size_t begin, size_t end, float* HWY_RESTRICT acc) const {
    const DF df;
    VF sum[kRows];
    ZEROULP_UNROLL
    for (size_t i = 0; i < kRows; ++i)
      sum[i] = hn::Load(df, acc + i * kGroupRows);
    for (size_t k = begin; k < end; ++k) {
      const size_t at = k * kGroupRows;
      const VF b_now = hn::Load(df, b.values + at + lane);
      ZEROULP_UNROLL
      for (size_t i = 0; i < kRows; ++i) {
        const VF a_now = hn::Set(df, a.values[at + row + i]);
        sum[i] = kExactProducts ? MulAddExactProduct(sum[i], a_now, b_now)
                                : MulAddOnce(a_now, b_now, sum[i]);
      }
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kRows; ++i)
      hn::Store(sum[i], df, acc + i * kGroupRows);
  }
};

class DotPairsModel : public IeeeModel<DotPairsModel> {
 public:
  using IeeeModel::IeeeModel;

  void Step(const Panel& a, const Panel& b, size_t row, size_t lane,
            size_t begin, size_t end, float* HWY_RESTRICT acc) const {
    const DF df;
    VF sum[kRows];
    ZEROULP_UNROLL
    for (size_t i = 0; i < kRows; ++i) {
      sum[i] = Flushed(hn::Load(df, acc + i * kGroupRows));
    }
    for (size_t k = begin; k < end; k += 2) {
      const size_t even = k * kGroupRows;
      // A missing odd element is zero times zero in padded panels.
      const size_t odd = even + kGroupRows;
      const VF b_odd = hn::Load(df, b.values + odd + lane);
      const VF b_even = hn::Load(df, b.values + even + lane);
      ZEROULP_UNROLL
      for (size_t i = 0; i < kRows; ++i) {
        const VF a_odd = hn::Set(df, a.values[odd + row + i]);
        const VF a_even = hn::Set(df, a.values[even + row + i]);
        sum[i] = Flushed(MulAddOnce(a_odd, b_odd, sum[i]));
        sum[i] = Flushed(MulAddOnce(a_even, b_even, sum[i]));
      }
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kRows; ++i)
      hn::Store(sum[i], df, acc + i * kGroupRows);
  }
};

class PairTreeModel : public IeeeModel<PairTreeModel> {
 public:
  using IeeeModel::IeeeModel;

  void Step(const Panel& a, const Panel& b, size_t row, size_t lane,
            size_t begin, size_t end, float* HWY_RESTRICT acc) const {
    const DF df;
    for (size_t i = 0; i < kRows; ++i) {
      const float* HWY_RESTRICT a_row = a.values + row + i;
      float* HWY_RESTRICT to = acc + i * kGroupRows;
      VF sum = Flushed(hn::Load(df, to));
      // Plus zero: an exact zero is +0, what underflows keeps its sign.
      const auto product = [&](size_t k) HWY_ATTR {
        return Flushed(MulAddOnce(
            hn::Set(df, a_row[k * kGroupRows]),
            hn::Load(df, b.values + k * kGroupRows + lane), hn::Zero(df)));
      };
      const auto pair = [&](size_t k) HWY_ATTR {
        return Flushed(hn::Add(product(k), product(k + 1)));
      };
      for (size_t k = begin; k < end; k += chunk_) {
        const VF tree =
            chunk_ == 2 ? pair(k) : Flushed(hn::Add(pair(k), pair(k + 2)));
        sum = Flushed(hn::Add(sum, tree));
      }
      hn::Store(sum, df, to);
    }
  }
};

// A column of processing elements that add one product each.
class SystolicModel : public IeeeModel<SystolicModel> {
 public:
  explicit SystolicModel(const GemmCall& call)
      : IeeeModel(call),
        binary32_(row_.accumulator == Format::kF32),
        round_(Info(row_.accumulator), Info(row_.accumulator).mantissa_bits,
               /*toward_zero=*/false) {}

  void Step(const Panel& a, const Panel& b, size_t row, size_t lane,
            size_t begin, size_t end, float* HWY_RESTRICT acc) const {
    const DF df;
    for (size_t first = begin; first < end; first += chunk_) {
      VF sum[kRows];
      ZEROULP_UNROLL
      for (size_t i = 0; i < kRows; ++i) sum[i] = hn::Zero(df);
      const size_t stop = std::min(first + chunk_, end);
      for (size_t k = first; k < stop; ++k) {
        const size_t at = k * kGroupRows;
        const VF b_now = hn::Load(df, b.values + at + lane);
        ZEROULP_UNROLL
        for (size_t i = 0; i < kRows; ++i) {
          sum[i] =
              MulAddOnce(hn::Set(df, a.values[at + row + i]), b_now, sum[i]);
        }
      }
      alignas(64) float partial[kLanesF32];
      for (size_t i = 0; i < kRows; ++i) {
        hn::Store(sum[i], df, partial);
        AddToBank(partial, acc + i * kGroupRows);
      }
    }
  }

 protected:
  // acc = round(acc + partial), one vector.
  HWY_INLINE void AddToBank(const float* HWY_RESTRICT partial,
                            float* HWY_RESTRICT acc) const {
    const DF df;
    if (binary32_) {
      hn::Store(hn::Add(hn::Load(df, acc), hn::Load(df, partial)), df, acc);
      return;
    }
    for (size_t j = 0; j < kLanesF32; j += kLanesF64) {
      hn::StoreU(round_(AddToOdd(WideFrom(acc + j), WideFrom(partial + j))),
                 DFHalf(), acc + j);
    }
  }

 private:
  bool binary32_;
  WideRounder round_;
};

// A column of processing elements that add the exact sum of `group` narrow
// products, which may share a scale. Panels are binary64.
class SystolicGroupsModel : public SystolicModel {
 public:
  explicit SystolicGroupsModel(const GemmCall& call)
      : SystolicModel(call),
        group_(static_cast<size_t>(row_.group)),
        pe_rows_(static_cast<size_t>(row_.rows)),
        // Without scales of its own, they belong to the promotion.
        block_(row_.scales.empty() ? 0
                                   : static_cast<size_t>(row_.scale_block)) {}

  void Prepare(const PackedMatrix& matrix, size_t /*k*/, size_t count,
               const Panel& panel) const {
    *panel.special = SignificantBits(Info(matrix.format()).mantissa_bits,
                                     count * kGroupRows, panel.values);
    // In place, from the end: twice as long, where exponents would be.
    const DD dd;
    double* wide = reinterpret_cast<double*>(panel.values);
    for (size_t i = count * kGroupRows; i > 0;) {
      i -= kLanesF64;
      hn::Store(WideFrom(panel.values + i), dd, wide + i);
    }
  }

  void Run(const Panel& a, const Panel& b, size_t k, size_t count, size_t rows,
           float* acc) const {
    const auto carries = static_cast<int>(std::bit_width(group_ - 1));
    const auto column = *a.special + *b.special + carries <= 53
                            ? &SystolicGroupsModel::Column<true>
                            : &SystolicGroupsModel::Column<false>;
    for (size_t r = 0; r < rows; r += kColumns) {
      for (size_t lane = 0; lane < kGroupRows; lane += kLanesF32) {
        for (size_t first = k; first < k + count; first += chunk_) {
          alignas(64) float partial[kColumns * kLanesF32];
          for (size_t j = 0; j < kLanesF32; j += kLanesF64) {
            (this->*column)(a, b, r, lane + j, first,
                            std::min(first + chunk_, k + count), partial + j);
          }
          for (size_t i = 0; i < kColumns; ++i) {
            AddToBank(partial + i * kLanesF32,
                      acc + (r + i) * kGroupRows + lane);
          }
        }
      }
    }
  }

 private:
  // Rows of D at a time, which hide each other's latency.
  static constexpr size_t kColumns = 4;
  // Narrow values have their last place 34 bits below the largest at most.
  static constexpr uint8_t kAllBits = 64;

  // Bits from the largest of the values down to the last place of any.
  static uint8_t SignificantBits(int mantissa_bits, size_t count,
                                 const float* HWY_RESTRICT values) {
    const DI di;
    const DF df;
    const VI infinity = hn::Set(di, 0x7F800000);
    VI largest = hn::Zero(di), smallest = infinity;
    for (size_t i = 0; i < count; i += kLanesF32) {
      const VI bits = hn::BitCast(di, hn::Abs(hn::Load(df, values + i)));
      largest = hn::Max(largest, bits);
      smallest = hn::Min(
          smallest, hn::IfThenElse(hn::Eq(bits, hn::Zero(di)), infinity, bits));
    }
    const int high = hn::GetLane(hn::MaxOfLanes(di, largest)) >> 23;
    const int low = hn::GetLane(hn::MinOfLanes(di, smallest)) >> 23;
    if (high == 0) return 0;  // nothing but zeros
    // Infinity and NaN are no numbers: binary64 makes of them what it should.
    return static_cast<uint8_t>(
        std::min<int>(high + 1 - low + mantissa_bits, kAllBits));
  }

  template <bool kOne>
  void Column(const Panel& a, const Panel& b, size_t row, size_t lane,
              size_t begin, size_t end, float* HWY_RESTRICT partial) const {
    const DD dd;
    VD sum[kColumns], scales[kColumns];
    ZEROULP_UNROLL
    for (size_t i = 0; i < kColumns; ++i) {
      sum[i] = hn::Zero(dd);
      scales[i] = hn::Set(dd, 1.0);
    }
    const size_t step = row_.interleaved ? group_ : 1;
    const size_t apart = row_.interleaved ? 1 : pe_rows_;
    const size_t rows_end = std::min(begin + step * pe_rows_, end);
    for (size_t k = begin, block_end = begin; k < rows_end; k += step) {
      if (block_ != 0 && k >= block_end) {
        block_end = (k / block_ + 1) * block_;
        Scales(a, b, row, lane, k, scales);
      }
      // Of the group, those that exist.
      const size_t stop = std::min(k + group_ * apart, end);
      Elements<kOne>(a, b, row, lane, k, apart, stop, scales, sum);
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kColumns; ++i) {
      hn::StoreU(ToBinary32(sum[i]), DFHalf(), partial + i * kLanesF32);
    }
  }

  // kColumns processing elements side by side: sum + the products of k,
  // k + apart ... below end, rounded to binary32. kOne: the products' own sum
  // is exact in binary64.
  template <bool kOne>
  HWY_INLINE void Elements(const Panel& a, const Panel& b, size_t row,
                           size_t lane, size_t k, size_t apart, size_t end,
                           const VD (&scales)[kColumns],
                           VD (&sum)[kColumns]) const {
    const DD dd;
    if constexpr (!kOne) {
      for (size_t i = 0; i < kColumns; ++i) {
        sum[i] = Element(a, b, row + i, lane, k, apart, end, scales[i], sum[i]);
      }
      return;
    }
    VD products[kColumns];
    ZEROULP_UNROLL
    for (size_t i = 0; i < kColumns; ++i) {
      products[i] = Product(a, b, row + i, lane, k);  // -0 if all of them are
    }
    for (size_t j = k + apart; j < end; j += apart) {
      const VD b_now = hn::Load(dd, Wide(b) + j * kGroupRows + lane);
      ZEROULP_UNROLL
      for (size_t i = 0; i < kColumns; ++i) {
        const VD a_now = hn::Set(dd, Wide(a)[j * kGroupRows + row + i]);
        products[i] = hn::MulAdd(a_now, b_now, products[i]);
      }
    }
    VD lost = hn::Zero(dd);
    VD before[kColumns];
    ZEROULP_UNROLL
    for (size_t i = 0; i < kColumns; ++i) {
      if (block_ != 0) products[i] = hn::Mul(products[i], scales[i]);
      before[i] = sum[i];
      sum[i] = hn::Add(before[i], products[i]);
      // Of an exact sum both subtractions return the other addend. Zeros may
      // differ in sign; nothing else can.
      lost = hn::Or(lost, hn::Xor(hn::Sub(sum[i], before[i]), products[i]));
      lost = hn::Or(lost, hn::Xor(hn::Sub(sum[i], products[i]), before[i]));
    }
    if (HWY_UNLIKELY(!hn::AllTrue(dd, hn::Eq(hn::Abs(lost), hn::Zero(dd))))) {
      for (size_t i = 0; i < kColumns; ++i) {
        sum[i] = AddToOdd(before[i], products[i]);
      }
    }
    ZEROULP_UNROLL
    for (size_t i = 0; i < kColumns; ++i) {
      sum[i] = hn::PromoteTo(dd, ToBinary32(sum[i]));
    }
  }

  // The same, one, where the sum of products is exact in two parts.
  HWY_INLINE VD Element(const Panel& a, const Panel& b, size_t row, size_t lane,
                        size_t k, size_t apart, size_t end, VD scale,
                        VD sum) const {
    const DD dd;
    // Rounds to multiples of 2^-8: products are multiples of 2^-34 below 2^32.
    const VD cut = hn::Set(dd, 0x1.8p44);
    VD high = hn::Zero(dd), low = hn::Zero(dd), plain = sum;
    for (size_t j = k; j < end; j += apart) {
      const VD product = Product(a, b, row, lane, j);
      const VD upper = hn::Sub(hn::Add(product, cut), cut);
      high = hn::Add(high, upper);
      low = hn::Add(low, hn::Sub(product, upper));
      // Its rounding errors do not matter: it is infinity, NaN or -0 where the
      // exact sum is.
      plain = hn::Add(plain, hn::Mul(product, scale));
    }
    const TwoSum first = AddExactly(sum, hn::Mul(high, scale));
    const TwoSum second = AddExactly(first.error, hn::Mul(low, scale));
    const TwoSum third = AddExactly(first.sum, second.sum);
    // No more than the last place of the sum, unless the sum is nearly zero
    // and the addition is exact.
    const TwoSum exact =
        AddExactly(third.sum, hn::Add(third.error, second.error));
    const VD zero = hn::Zero(dd);
    const VD signed_zero = hn::IfThenElse(hn::Eq(plain, zero), plain, zero);
    const VD finite =
        hn::IfThenElse(hn::Eq(exact.sum, zero), signed_zero, ToOdd(exact));
    return hn::PromoteTo(
        dd, ToBinary32(hn::IfThenElse(hn::IsFinite(plain), finite, plain)));
  }

  static const double* Wide(const Panel& panel) {
    return reinterpret_cast<const double*>(panel.values);
  }

  static HWY_INLINE VD Product(const Panel& a, const Panel& b, size_t row,
                               size_t lane, size_t k) {
    const DD dd;
    const size_t at = k * kGroupRows;
    return hn::Mul(hn::Set(dd, Wide(a)[at + row]),
                   hn::Load(dd, Wide(b) + at + lane));
  }

  HWY_INLINE void Scales(const Panel& a, const Panel& b, size_t row,
                         size_t lane, size_t k, VD (&scales)[kColumns]) const {
    const size_t at = k / block_ * kGroupRows;
    const VD b_scale = WideFrom(b.scales + at + lane);
    for (size_t i = 0; i < kColumns; ++i) {
      scales[i] =
          hn::Mul(hn::Set(DD(), double{a.scales[at + row + i]}), b_scale);
    }
  }

  size_t group_, pe_rows_, block_;
};

void IeeeTarget(const GemmCall& call, std::byte* workspace) {
  const ArithInfo& row = *call.row;
  switch (row.model) {
    case Model::kPairTree:
      return RunModel<PairTreeModel>(call, false, workspace);
    case Model::kDotPairs:
      return RunModel<DotPairsModel>(call, false, workspace);
    case Model::kSystolic:
      if (row.group > 1 || !row.scales.empty()) {
        return RunModel<SystolicGroupsModel>(call, false, workspace);
      }
      return RunModel<SystolicModel>(call, false, workspace);
    default:
      if (kNarrowFormats.contains(call.a->format()) &&
          kNarrowFormats.contains(call.b_t->format())) {
        return RunModel<ChainModel<true>>(call, /*scales_multiply_sums=*/true,
                                          workspace);
      }
      return RunModel<ChainModel<false>>(call, /*scales_multiply_sums=*/true,
                                         workspace);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
HWY_EXPORT(IeeeTarget);
void Ieee(const GemmCall& call, std::byte* workspace) noexcept {
  HWY_DYNAMIC_DISPATCH(IeeeTarget)(call, workspace);
}
}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
