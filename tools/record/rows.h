// SPDX-License-Identifier: Apache-2.0
// The rows of a recorded bundle: each one dot product, of a kind that asks one
// thing. A function of the case and the seed alone.
#ifndef ZEROULP_TOOLS_RECORD_ROWS_H_
#define ZEROULP_TOOLS_RECORD_ROWS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/record/cases.h"
#include "zeroulp/bundle.h"

namespace zeroulp::record {

enum class RowKind : uint8_t {
  kCount,      // small integers: exact in every arithmetic
  kOneHot,     // one product, every position of K in turn: exact likewise
  kWide,       // any finite codes
  kNear,       // exponents close together: every bit of the sum counts
  kCarried,    // c beyond the products, up to where they vanish
  kCancel,     // products that cancel, and what is left of them
  kEdge,       // on the edge of rounding, tipped by an addend near the grid
  kSubnormal,  // operands with exponent field zero
  kTiny,       // the smallest operands, c zero or subnormal
  kZeroHuge,   // a zero beside the largest value, the rest tiny
  kOverflow,   // the largest operands
  kSpecial,    // NaN and infinities, in operands, c and scales
  kDeciding,   // drawn until a rival of the arithmetic disagrees with it
};

struct RowKindRow {
  RowKind id;
  std::string_view name;
  int share;  // of kShares
};

// Shares of a case's rows, in this order one after the other.
inline constexpr int kShares = 32;
inline constexpr RowKindRow kRowKinds[] = {
    {RowKind::kCount, "count", 2},       {RowKind::kOneHot, "one-hot", 4},
    {RowKind::kWide, "wide", 2},         {RowKind::kNear, "near", 4},
    {RowKind::kCarried, "carried", 3},   {RowKind::kCancel, "cancel", 2},
    {RowKind::kEdge, "edge", 3},         {RowKind::kSubnormal, "subnormal", 2},
    {RowKind::kTiny, "tiny", 2},         {RowKind::kZeroHuge, "zero-huge", 2},
    {RowKind::kOverflow, "overflow", 1}, {RowKind::kSpecial, "special", 1},
    {RowKind::kDeciding, "deciding", 4},
};

// The kind of row `row` of `rows`.
const RowKindRow& KindOf(int64_t row, int64_t rows);

// "count 0-31, one-hot 32-95, ...": for the bundle's metadata.
std::string KindsText(int64_t rows);

// A bundle of `c.rows` matrices 1 x K times K x 1, with c and without d.
Bundle Generate(const Case& c, uint64_t seed);

}  // namespace zeroulp::record

#endif  // ZEROULP_TOOLS_RECORD_ROWS_H_
