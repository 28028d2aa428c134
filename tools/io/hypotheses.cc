// SPDX-License-Identifier: Apache-2.0
#include "tools/io/hypotheses.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "zeroulp/layout.h"

namespace zeroulp::io {
namespace {

constexpr std::string_view kA = "a", kB = "b_t", kBoth = "a and b_t";

// One list, its common parts filled in.
class List {
 public:
  List(const ArithInfo& row, int64_t promote_every)
      : base_{.cause = {},
              .sentence = {},
              .row = row,
              .promote_every = promote_every} {}

  Hypothesis& Add(Cause cause, std::string sentence,
                  std::function<void(Bundle&)> change = {}) {
    Hypothesis& h = list_.emplace_back(base_);
    h.cause = cause;
    h.sentence = std::move(sentence);
    h.change = std::move(change);
    return h;
  }
  void Append(Hypothesis h) { list_.push_back(std::move(h)); }
  std::vector<Hypothesis> Take() { return std::move(list_); }

 private:
  Hypothesis base_;
  std::vector<Hypothesis> list_;
};

// Adds a change of one operand for A, for B and for both, where each allows it.
// change(bundle, is_a) makes it; sentence(which) describes it.
template <class Allows, class Sentence, class Change>
void AddForOperands(List& list, Cause cause, const Allows& allows,
                    const Sentence& sentence, const Change& change) {
  const bool a = allows(true), b = allows(false);
  if (a) {
    list.Add(cause, sentence(kA), [change](Bundle& x) { change(x, true); });
  }
  if (b) {
    list.Add(cause, sentence(kB), [change](Bundle& x) { change(x, false); });
  }
  if (a && b) {
    list.Add(cause, sentence(kBoth), [change](Bundle& x) {
      change(x, true);
      change(x, false);
    });
  }
}

BundleMatrix& CodesOf(Bundle& bundle, bool a) {
  return a ? bundle.a : bundle.b_t;
}
const BundleMatrix& CodesOf(const Bundle& bundle, bool a) {
  return a ? bundle.a : bundle.b_t;
}

void AddRows(List& list, const ArithInfo& own) {
  for (const ArithInfo& row : kArith) {
    if (row.name == own.name) continue;
    list.Add(
            Cause::kArithmetic,
            fmt::format("the arithmetic is {}{}", row.name,
                        row.evidence == Evidence::kAssumed ? " (assumed)" : ""))
        .row = row;
  }
}

// Intervals that libraries use; 128 is DeepGEMM's.
constexpr std::array<int64_t, 8> kIntervals = {128, 64,   32,   256,
                                               512, 1024, 2048, 4096};

std::string PromotionText(int64_t interval) {
  return fmt::format("partial sums are promoted every {} products", interval);
}

void AddPromotions(List& list, const Bundle& bundle, const ArithInfo& row,
                   int64_t own) {
  // Scales inside the sum and promotion exclude each other.
  if (row.chunk == 0 || (bundle.block != 0 && !row.scales.empty())) return;
  const int64_t products = bundle.a.cols;
  for (const int64_t interval : kIntervals) {
    if (interval == own || interval >= products || interval % row.chunk != 0) {
      continue;
    }
    list.Add(Cause::kPromotion, PromotionText(interval)).promote_every =
        interval;
  }
  if (own != 0) {
    list.Add(Cause::kPromotion, "partial sums are never promoted")
        .promote_every = 0;
  }
  if (bundle.c) {
    list.Add(Cause::kPromotion,
             "the sum starts from zero and c is added at its end")
        .promote_every = (products + row.chunk - 1) / row.chunk * row.chunk;
  }
}

void AddRounding(List& list, const ArithInfo& row) {
  const bool fused = row.model == Model::kFusedDot ||
                     row.model == Model::kSplitFused ||
                     row.model == Model::kGroupFused;
  if (!fused) return;  // the others are made of IEEE operations
  const bool cuts = row.out_rounding == Rounding::kTowardZero;
  Hypothesis& h =
      list.Add(Cause::kRounding,
               fmt::format("each step of {} rounds {}, not {}", row.name,
                           cuts ? "to nearest even" : "toward zero",
                           cuts ? "toward zero" : "to nearest even"));
  h.row.out_rounding = cuts ? Rounding::kNearestEven : Rounding::kTowardZero;
  h.in_table = false;
}

void AddNibbles(List& list, const Bundle& bundle) {
  AddForOperands(
      list, Cause::kNibbles,
      [&](bool a) {
        const BundleMatrix& x = CodesOf(bundle, a);
        return Info(x.format).storage_bits == 4 && x.cols % 2 == 0;
      },
      [](std::string_view which) {
        return fmt::format("the first of two codes of {} is in the high nibble",
                           which);
      },
      [](Bundle& x, bool a) {
        std::vector<std::byte>& bytes = CodesOf(x, a).bytes;
        SwapNibbles(bytes, bytes);
      });
}

// Formats of the same width that share a common name.
constexpr std::pair<Format, Format> kDecodes[] = {
    {Format::kE4M3FN, Format::kE4M3FNUZ}, {Format::kE5M2, Format::kE5M2FNUZ},
    {Format::kE4M3FNUZ, Format::kE4M3FN}, {Format::kE5M2FNUZ, Format::kE5M2},
    {Format::kE4M3FN, Format::kE4M3},     {Format::kE4M3, Format::kE4M3FN},
};

// `native`: only rows of kArith that take both new formats; else `row` made to
// take them.
void AddDecodes(List& list, const Bundle& bundle, const ArithInfo& row,
                bool native) {
  const auto choices = [](Format format) {
    std::vector<Format> formats = {format};
    for (const auto& [from, to] : kDecodes) {
      if (from == format) formats.push_back(to);
    }
    return formats;
  };
  const auto phrase = [](std::string_view tensor, Format from, Format to) {
    return from == to ? std::string()
                      : fmt::format("{} holds {} codes, not {}", tensor,
                                    Info(to).name, Info(from).name);
  };
  for (const Format a : choices(bundle.a.format)) {
    for (const Format b : choices(bundle.b_t.format)) {
      const std::string of_a = phrase(kA, bundle.a.format, a);
      const std::string of_b = phrase(kB, bundle.b_t.format, b);
      if (of_a.empty() && of_b.empty()) continue;
      const std::string text =
          of_a + (of_a.empty() || of_b.empty() ? "" : " and ") + of_b;
      const auto change = [a, b](Bundle& x) {
        x.a.format = a;
        x.b_t.format = b;
        x.a.dtype = x.b_t.dtype = Dtype::kU8;  // which holds either
      };
      if (!native) {
        Hypothesis& h = list.Add(Cause::kDecode, text, change);
        h.row.a = {a};
        h.row.b = {b};
        h.in_table = false;
        continue;
      }
      for (const ArithInfo& other : kArith) {
        if (other.name == row.name) continue;
        if (!other.a.contains(a) || !other.b.contains(b)) continue;
        list.Add(Cause::kDecode,
                 fmt::format("{} and the arithmetic is {}", text, other.name),
                 change)
            .row = other;
      }
    }
  }
}

void AddScales(List& list, const Bundle& bundle) {
  if (!bundle.a_scales) return;
  const auto of = [](auto& x, bool a) -> auto& {
    return a ? *x.a_scales : *x.b_scales;
  };
  if (bundle.m() == bundle.n()) {
    list.Add(Cause::kSwappedScales, "a_scales and b_scales are swapped",
             [](Bundle& x) { std::swap(x.a_scales, x.b_scales); });
  }
  AddForOperands(
      list, Cause::kTiledScales,
      [&](bool a) {  // whole tiles only: padding would not fit the tensor
        const BundleMatrix& s = of(bundle, a);
        return Info(s.format).storage_bits == 8 &&
               s.rows % kScaleTileRows == 0 && s.cols % kScaleTileCols == 0;
      },
      [](std::string_view which) {
        return fmt::format(
            "the scales of {} are in the tiled 128x4 order, not linear", which);
      },
      [of](Bundle& x, bool a) {
        BundleMatrix& s = of(x, a);
        const std::vector<std::byte> tiled = s.bytes;
        const size_t size = tiled.size() / static_cast<size_t>(s.batch);
        for (int64_t i = 0; i < s.batch; ++i) {
          TiledToLinear(
              std::span(tiled).subspan(static_cast<size_t>(i) * size, size),
              s.View(i));
        }
      });
}

void AddTensorScales(List& list, const Bundle& bundle) {
  const auto of = [](auto& x, bool a) -> auto& {
    return a ? x.a_tensor_scale : x.b_tensor_scale;
  };
  const auto factor = [&](bool a) { return of(bundle, a).value_or(1.0f); };
  AddForOperands(
      list, Cause::kTensorScale,
      [&](bool a) { return factor(a) != 0.0f && factor(a) != 1.0f; },
      [](std::string_view which) {
        return fmt::format("the tensor scale of {} is given as its reciprocal",
                           which);
      },
      [of](Bundle& x, bool a) { of(x, a) = 1.0f / *of(x, a); });
  AddForOperands(
      list, Cause::kTensorScale, [&](bool a) { return factor(a) != 1.0f; },
      [](std::string_view which) {
        return fmt::format("the tensor scale of {} is not applied", which);
      },
      [of](Bundle& x, bool a) { of(x, a).reset(); });
}

void AddLayout(List& list) {
  list.Add(Cause::kLayout, "d is stored column by column", [](Bundle& x) {
    const BundleMatrix stored = *x.d;
    for (int64_t i = 0; i < stored.batch; ++i) {
      const ConstMatrixView from = stored.View(i);
      for (int64_t e = 0; e < stored.rows * stored.cols; ++e) {
        WriteCode(x.d->View(i), e % stored.rows, e / stored.rows,
                  ReadCode(from, e / stored.cols, e % stored.cols));
      }
    }
  });
}

// A with zeros where nothing is stored. Steps of the arithmetic take them as
// products then, and NaN times zero is one.
void Decompress(Bundle& bundle) {
  const auto [keep, group] = *bundle.sparsity;
  const BundleMatrix stored = std::move(bundle.a);
  bundle.a = BundleMatrix::Zeros(stored.format, stored.dtype, stored.batch,
                                 stored.rows, bundle.k());
  const uint8_t* position = bundle.a_index.data();
  for (int64_t i = 0; i < stored.batch; ++i) {
    for (int64_t row = 0; row < stored.rows; ++row) {
      for (int64_t k = 0; k < stored.cols; ++k) {
        WriteCode(bundle.a.View(i), row, k / keep * group + *position++,
                  ReadCode(stored.View(i), row, k));
      }
    }
  }
  bundle.block = bundle.block * group / keep;  // scales cover what they did
  bundle.sparsity.reset();
  bundle.a_index.clear();
}

void AddSparsity(List& list, const Bundle& bundle) {
  if (!bundle.sparsity) return;
  const int64_t keep = bundle.sparsity->keep;
  if (bundle.block * bundle.sparsity->group % keep == 0) {
    list.Add(Cause::kDecompressed,
             "a was made dense, with zeros where nothing is stored",
             Decompress);
  }
  if (keep > 1) {
    list.Add(
        Cause::kPositions,
        "a_index lists the positions of a group from the last to the first",
        [keep](Bundle& x) {
          for (auto at = x.a_index.begin(); at != x.a_index.end(); at += keep) {
            std::reverse(at, at + keep);
          }
        });
  }
  if (bundle.a.cols / keep % 2 == 0) {  // as halves of a byte may be
    list.Add(Cause::kPositions,
             "a_index lists the second of two groups before the first",
             [keep](Bundle& x) {
               for (auto at = x.a_index.begin(); at != x.a_index.end();
                    at += 2 * keep) {
                 std::swap_ranges(at, at + keep, at + keep);
               }
             });
  }
}

}  // namespace

std::vector<Hypothesis> SingleCauses(const Bundle& bundle, const ArithInfo& row,
                                     int64_t promote_every) {
  List list(row, promote_every);
  AddRows(list, row);
  AddPromotions(list, bundle, row, promote_every);
  AddRounding(list, row);
  AddNibbles(list, bundle);
  AddDecodes(list, bundle, row, false);
  AddScales(list, bundle);
  AddTensorScales(list, bundle);
  AddLayout(list);
  AddSparsity(list, bundle);
  return list.Take();
}

std::vector<Hypothesis> PairedCauses(const Bundle& bundle, const ArithInfo& row,
                                     int64_t promote_every) {
  List list(row, promote_every);
  AddDecodes(list, bundle, row, true);
  for (const ArithInfo& other : kArith) {
    if (other.name == row.name) continue;
    List promotions(other, promote_every);
    AddPromotions(promotions, bundle, other, promote_every);
    for (Hypothesis& h : promotions.Take()) {
      h.cause = Cause::kArithmetic;
      h.sentence =
          fmt::format("the arithmetic is {} and {}", other.name, h.sentence);
      list.Append(std::move(h));
    }
  }
  return list.Take();
}

}  // namespace zeroulp::io
