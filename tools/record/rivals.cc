// SPDX-License-Identifier: Apache-2.0
#include "tools/record/rivals.h"

#include <fmt/format.h>

#include "tools/io/bundle_operands.h"

namespace zeroulp::record {
namespace {

class List {
 public:
  explicit List(const ArithInfo& row) : base_(row) {}

  // `change` makes a rival of the row.
  template <class Change>
  void Add(std::string text, const Change& change) {
    Rival& rival = list_.emplace_back(Rival{std::move(text), base_});
    change(rival.row);
  }
  std::vector<Rival> Take() { return std::move(list_); }

 private:
  const ArithInfo& base_;
  std::vector<Rival> list_;
};

// The floors that published models state for F = 25, F = 24 and, through a zero
// c, for every F; f16 likewise.
void AddFloors(List& list, const ArithInfo& row) {
  if (row.exponent_floor) {
    list.Add("no exponent floor", [](ArithInfo& r) { r.exponent_floor = {}; });
  }
  const bool f16 = row.output == Format::kF16;
  for (const int floor :
       {f16 ? -14 : -126, f16 ? -20 : -132, f16 ? -21 : -133}) {
    if (row.exponent_floor == floor) continue;
    list.Add(fmt::format("exponent floor {}", floor),
             [&](ArithInfo& r) { r.exponent_floor = floor; });
  }
}

void AddChunks(List& list, const ArithInfo& row) {
  if (row.model != Model::kFusedDot) return;
  for (const int chunk : {row.chunk / 2, row.chunk * 2}) {
    list.Add(fmt::format("{} products a step", chunk),
             [&](ArithInfo& r) { r.chunk = chunk; });
  }
}

void AddOutputs(List& list, const ArithInfo& row) {
  const bool cuts = row.out_rounding == Rounding::kTowardZero;
  list.Add(cuts ? "steps round to nearest even" : "steps round toward zero",
           [&](ArithInfo& r) {
             r.out_rounding =
                 cuts ? Rounding::kNearestEven : Rounding::kTowardZero;
           });
  if (row.output != Format::kF32) return;
  const int bits = row.out_fraction_bits == 13 ? 23 : 13;
  list.Add(fmt::format("steps keep {} fraction bits", bits),
           [&](ArithInfo& r) { r.out_fraction_bits = bits; });
}

// FP8 through the f16 unit, or not.
void AddPath(List& list, const ArithInfo& row) {
  if (row.model == Model::kSplitFused) {
    list.Add("one fused step with c, not split", [](ArithInfo& r) {
      r.model = Model::kFusedDot;
      r.widen = {};
    });
  }
}

}  // namespace

std::vector<Rival> RivalsOf(const ArithInfo& row) {
  List list(row);
  for (const int bits : {row.align_bits - 1, row.align_bits + 1}) {
    list.Add(fmt::format("align_bits {}", bits),
             [&](ArithInfo& r) { r.align_bits = bits; });
  }
  if (row.model == Model::kGroupFused) {
    list.Add("align_bits 25", [](ArithInfo& r) { r.align_bits = 25; });
  }
  AddFloors(list, row);
  AddChunks(list, row);
  AddOutputs(list, row);
  AddPath(list, row);
  return list.Take();
}

std::vector<int64_t> DifferingRows(const Bundle& bundle, const ArithInfo& row) {
  BundleMatrix d = bundle.d.value();
  io::RunOracle(bundle, row, {.arith = row.name}, d);
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < bundle.batch(); ++i) {
    const ConstMatrixView expected = d.View(i), actual = bundle.d->View(i);
    if (ReadCode(expected, 0, 0) != ReadCode(actual, 0, 0)) rows.push_back(i);
  }
  return rows;
}

}  // namespace zeroulp::record
