// SPDX-License-Identifier: Apache-2.0
// One row of a case: how each kind of row is drawn.
#ifndef ZEROULP_TOOLS_RECORD_ROW_MAKER_H_
#define ZEROULP_TOOLS_RECORD_ROW_MAKER_H_

#include <cstdint>
#include <vector>

#include "tools/record/cases.h"
#include "tools/record/random_codes.h"
#include "tools/record/rows.h"

namespace zeroulp::record {

// Codes of one dot product.
struct Row {
  std::vector<uint32_t> a;  // stored elements
  std::vector<uint32_t> b;  // all of K
  uint32_t c = 0;
  std::vector<uint32_t> a_scales, b_scales;
  std::vector<uint8_t> index;  // of sparse rows, as in bundle.h
};

class RowMaker {
 public:
  RowMaker(const Case& c, uint64_t seed);

  // Row `ordinal` of the `count` rows of this kind; any but kDeciding.
  Row Make(RowKind kind, int64_t ordinal, int64_t count);

 private:
  Row Blank();
  size_t PositionOf(const Row& row, size_t stored) const;

  void Count(Row& row);
  void OneHot(Row& row, int64_t ordinal, int64_t count);
  void Wide(Row& row);
  void Near(Row& row);
  void Carried(Row& row);
  void Cancel(Row& row);
  void Edge(Row& row);
  void Subnormal(Row& row);
  void Tiny(Row& row);
  void ZeroHuge(Row& row);
  void Overflow(Row& row);
  void Special(Row& row);

  // All operands with exponents from low to high, c too.
  void Fill(Row& row, int low, int high);
  void SetScales(Row& row, int low, int high);
  // Products with exponents from t to t + spread, t as small as matters.
  void FillTiny(Row& row, int spread);
  // Makes one product +-2^exponent, or as near as the formats allow. Of FP4 the
  // scales of `stored`'s block take the exponent.
  void SetProduct(Row& row, size_t stored, int exponent);
  uint32_t Integer(const FormatInfo& f, int value) const;
  uint32_t WideCode(const FormatInfo& f);

  const Case& case_;
  const ArithInfo& arith_;
  const FormatInfo &a_, &b_, &out_, &scale_;
  RandomCodes random_;
};

}  // namespace zeroulp::record

#endif  // ZEROULP_TOOLS_RECORD_ROW_MAKER_H_
