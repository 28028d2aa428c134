// SPDX-License-Identifier: Apache-2.0
#include "tools/record/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "tools/io/bundle_operands.h"
#include "tools/record/rivals.h"
#include "tools/record/row_maker.h"
#include "zeroulp/codec.h"

namespace zeroulp::record {
namespace {

constexpr int SharesSum() {
  int sum = 0;
  for (const RowKindRow& kind : kRowKinds) sum += kind.share;
  return sum;
}
static_assert(SharesSum() == kShares);

// [first, end) of each kind.
std::vector<std::pair<int64_t, int64_t>> Ranges(int64_t rows) {
  std::vector<std::pair<int64_t, int64_t>> ranges;
  int64_t shares = 0;
  for (const RowKindRow& kind : kRowKinds) {
    const int64_t first = rows * shares / kShares;
    shares += kind.share;
    ranges.emplace_back(first, rows * shares / kShares);
  }
  return ranges;
}

Dtype DtypeOf(Format format) {
  return FindDtype(zeroulp::Info(format).safetensors).id;
}

void Write(BundleMatrix& matrix, int64_t batch,
           std::span<const uint32_t> codes) {
  const MatrixView view = matrix.View(batch);
  for (size_t i = 0; i < codes.size(); ++i) {
    WriteCode(view, 0, static_cast<int64_t>(i), codes[i]);
  }
}

Bundle Assemble(const Case& c, std::span<const Row> rows) {
  const Form& form = *c.form;
  const auto count = static_cast<int64_t>(rows.size());
  const auto zeros = [&](Format format, int64_t cols) {
    return BundleMatrix::Zeros(format, DtypeOf(format), count, 1, cols);
  };
  Bundle bundle;
  bundle.name = c.name;
  bundle.arith = form.arith;
  bundle.a = zeros(c.a, c.stored_k());
  bundle.b_t = zeros(c.b, c.k());
  bundle.c = zeros(form.out, 1);
  if (form.is_sparse()) bundle.sparsity = form.sparsity;
  if (form.block != 0) {
    bundle.block = form.block;
    const int64_t blocks = c.stored_k() / form.block;
    bundle.a_scales = bundle.b_scales = zeros(form.scale, blocks);
  }
  for (int64_t i = 0; i < count; ++i) {
    const Row& row = rows[static_cast<size_t>(i)];
    Write(bundle.a, i, row.a);
    Write(bundle.b_t, i, row.b);
    Write(*bundle.c, i, {&row.c, 1});
    if (form.block != 0) {
      Write(*bundle.a_scales, i, row.a_scales);
      Write(*bundle.b_scales, i, row.b_scales);
    }
    bundle.a_index.insert(bundle.a_index.end(), row.index.begin(),
                          row.index.end());
  }
  return bundle;
}

// True if the rival gives another word than the arithmetic for this row.
bool Decides(const Case& c, const Row& row, const ArithInfo& arith,
             const ArithInfo& rival) {
  Bundle bundle = Assemble(c, {&row, 1});
  bundle.d = BundleMatrix::Zeros(c.form->out, DtypeOf(c.form->out), 1, 1, 1);
  io::RunOracle(bundle, arith, {.arith = arith.name}, *bundle.d);
  return !DifferingRows(bundle, rival).empty();
}

// Kinds that a deciding row is drawn from, the most telling first and often.
constexpr std::array kDrawn = {RowKind::kEdge, RowKind::kNear, RowKind::kEdge,
                               RowKind::kTiny, RowKind::kCarried};
// Draws before a rival is taken for one that no row can tell.
constexpr int kDraws = 200;

// Rows that tell one rival after the other from the arithmetic; of rivals
// that cannot be told, tiny rows.
class DecidingRows {
 public:
  DecidingRows(const Case& c, RowMaker& maker)
      : case_(c),
        maker_(maker),
        arith_(FindArith(c.form->arith)),
        rivals_(RivalsOf(arith_)) {}

  Row Next() {
    for (size_t tried = 0; tried < rivals_.size(); ++tried) {
      const size_t at = next_++ % rivals_.size();
      if (hopeless_[at]) continue;
      for (int i = 0; i < kDraws; ++i) {
        Row row = Draw(i);
        if (Decides(case_, row, arith_, rivals_[at].row)) return row;
      }
      hopeless_[at] = true;
    }
    return Draw(0);
  }

 private:
  Row Draw(int i) {
    return maker_.Make(kDrawn[static_cast<size_t>(i) % kDrawn.size()], 0, 1);
  }

  const Case& case_;
  RowMaker& maker_;
  const ArithInfo& arith_;
  const std::vector<Rival> rivals_;
  std::vector<bool> hopeless_ = std::vector<bool>(rivals_.size());
  size_t next_ = 0;
};

}  // namespace

const RowKindRow& KindOf(int64_t row, int64_t rows) {
  const auto ranges = Ranges(rows);
  size_t i = 0;
  while (row >= ranges[i].second) ++i;
  return kRowKinds[i];
}

std::string KindsText(int64_t rows) {
  std::string text;
  const auto ranges = Ranges(rows);
  for (size_t i = 0; i < ranges.size(); ++i) {
    const auto [first, end] = ranges[i];
    if (first == end) continue;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}-{}", kRowKinds[i].name, first, end - 1);
  }
  return text;
}

Bundle Generate(const Case& c, uint64_t seed) {
  RowMaker maker(c, seed);
  DecidingRows deciding(c, maker);
  std::vector<Row> rows;
  const auto ranges = Ranges(c.rows);
  for (size_t i = 0; i < ranges.size(); ++i) {
    const auto [first, end] = ranges[i];
    for (int64_t row = first; row < end; ++row) {
      rows.push_back(
          kRowKinds[i].id == RowKind::kDeciding
              ? deciding.Next()
              : maker.Make(kRowKinds[i].id, row - first, end - first));
    }
  }
  return Assemble(c, rows);
}

}  // namespace zeroulp::record
