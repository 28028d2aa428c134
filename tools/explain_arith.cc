// SPDX-License-Identifier: Apache-2.0
#include "tools/explain_arith.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "tools/describe.h"

namespace zeroulp::cli {
namespace {

bool HasSeveral(std::string_view names) {
  return names.find(' ') != std::string_view::npos;
}

std::string OneOf(std::string_view names) {
  return fmt::format("{}{}", HasSeveral(names) ? "one of " : "", names);
}

// "rounded to nearest even to f32", of one step or of the end.
std::string Rounded(const ArithInfo& row) {
  const FormatInfo& out = Info(row.output);
  std::string text = fmt::format("{} to {}",
                                 row.out_rounding == Rounding::kTowardZero
                                     ? "cut toward zero"
                                     : "rounded to nearest even",
                                 out.name);
  if (row.out_fraction_bits != out.mantissa_bits) {
    text += fmt::format(" with only the first {} of its {} fraction bits",
                        row.out_fraction_bits, out.mantissa_bits);
  }
  return text;
}

std::string Floor(const ArithInfo& row) {
  return row.exponent_floor ? fmt::format(" (at least {})", *row.exponent_floor)
                            : "";
}

std::string FusedInWords(const ArithInfo& row) {
  return fmt::format(
      "acc starts as C. Per {} products{}, k ascending: let E be the largest "
      "exponent{} among acc and those products that are not zero. acc and each "
      "product are cut toward zero to a multiple of 2^(E - {}). Their sum is "
      "exact, then {}: the acc of the next {} products. The exponent of a "
      "product is the sum of its factors' exponent fields less their biases; "
      "the product is not normalised.",
      row.chunk, row.scales.empty() ? "" : ", each times both its block scales",
      Floor(row), row.align_bits, Rounded(row), row.chunk);
}

std::string SplitInWords(const ArithInfo& row) {
  return fmt::format(
      "Operands are widened to {}, exactly. acc starts as C. Per {} products, "
      "k ascending, in three steps: r = the products with k mod 4 in {{0, 1}}, "
      "each cut toward zero to a multiple of 2^(E - {}) and summed exactly, E "
      "their largest exponent{}; then r = r and the products with k mod 4 in "
      "{{2, 3}}, cut and summed in the same way; each r is {}. Last, acc = acc "
      "+ r, one IEEE addition to nearest even.",
      Info(row.widen.value_or(row.output)).name, row.chunk, row.align_bits,
      Floor(row), Rounded(row));
}

std::string GroupsInWords(const ArithInfo& row) {
  return fmt::format(
      "acc starts as C. Per {} products, k ascending: {} exact sums of {} "
      "products each, times both their block scales. The exponent of a sum is "
      "that of its scales. Let E be the largest exponent{} among acc if it is "
      "not zero and the groups with a product that is not. acc and each sum "
      "are cut toward zero to a multiple of 2^(E - {}). Their sum is exact, "
      "then {}: the acc of the next {} products.",
      row.chunk, row.chunk / row.group, row.group, Floor(row), row.align_bits,
      Rounded(row), row.chunk);
}

std::string EvenOddInWords(const ArithInfo& row) {
  const bool split = row.group == 2;
  return fmt::format(
      "acc starts as C. Per {} products, k ascending: the products{} are cut "
      "toward zero to a multiple of 2^(E - {}), E their largest exponent, and "
      "summed exactly{}. Let T be the larger of E and the exponent of acc. The "
      "sum is cut toward minus infinity to a multiple of 2^(T - 31), acc to "
      "2^(T - {}){}; added exactly and {}, they are the next acc.",
      row.chunk, split ? " of even k, and apart from them those of odd k," : "",
      row.align_bits,
      split ? "; both sums are then cut toward minus infinity on the grid of "
              "the larger E and added"
            : "",
      row.align_bits,
      split ? " (it counts as zero if its exponent is below T - 25)" : "",
      Rounded(row));
}

std::string SystolicInWords(const ArithInfo& row) {
  return fmt::format(
      "acc starts as C. Per {} products, k ascending: p = 0; down the {} rows "
      "of the array p = p + {}{}, one rounding to nearest even in f32 a row; "
      "then acc = acc + p, {}.",
      row.chunk, row.rows,
      row.group == 1
          ? "the row's product"
          : fmt::format("the exact sum of the row's {} products", row.group),
      row.group == 1 ? ""
      : row.interleaved
          ? fmt::format(" (row r has k = {0}r ... {0}r + {1})", row.group,
                        row.group - 1)
          : fmt::format(" (row r has k = r and every {} on)", row.rows),
      Rounded(row));
}

std::string ModelInWords(const ArithInfo& row) {
  switch (row.model) {
    case Model::kExact:
      return fmt::format(
          "All products, each times its block scales if there are any, and C "
          "are summed exactly and {}, once. The order of k does not matter.",
          Rounded(row));
    case Model::kChain:
      return fmt::format(
          "acc starts as C; acc = acc + a[k] * b[k], k ascending, each product "
          "exact and each sum {}. With block scales: per block p = the same "
          "chain over its products from +0, then acc = acc + p * sa * sb, the "
          "product exact and one rounding; f32 scales are multiplied first, "
          "rounded.",
          Rounded(row));
    case Model::kFusedDot:
      return FusedInWords(row);
    case Model::kSplitFused:
      return SplitInWords(row);
    case Model::kGroupFused:
      return GroupsInWords(row);
    case Model::kEvenOdd:
      return EvenOddInWords(row);
    case Model::kPairTree:
      return fmt::format(
          "acc starts as C. Per {} products, k ascending: each product is {}, "
          "neighbours are added pairwise as a binary tree, and the tree's sum "
          "is added to acc; every operation rounds so.",
          row.chunk, Rounded(row));
    case Model::kSystolic:
      return SystolicInWords(row);
    case Model::kDotPairs:
      return fmt::format(
          "acc starts as C. Per pair of k: acc = fma(a, b, acc) over the odd "
          "element of the pair, then over the even one, each {}.",
          Rounded(row));
  }
  return {};
}

// A field of a row, and its heading.
struct Section {
  std::string_view key, title;
};
constexpr std::array kSections = {
    Section{"rule", "Rule"},       Section{"specials", "Zeros and specials"},
    Section{"accepts", "Accepts"}, Section{"evidence_text", "Evidence"},
    Section{"source", "Source"},   Section{"open", "Open questions"},
};

Table Parameters(const Json& row) {
  Table table({{"parameter"}, {"value"}});
  for (const auto& [key, value] : row["parameters"].items()) {
    table.Add({key, ShortText(row["parameters"], key)});
  }
  return table;
}

std::string SectionText(const Json& row, const Section& section) {
  const std::string text = ShortText(row, section.key);
  return text == "-" ? "None known." : text;
}

}  // namespace

std::string RuleInWords(const ArithInfo& row) {
  std::string text = ModelInWords(row);
  if (row.model == Model::kFusedDot || row.model == Model::kGroupFused ||
      row.model == Model::kSplitFused || row.model == Model::kEvenOdd ||
      row.model == Model::kSystolic) {
    text += " A last chunk that is shorter is as if zeros followed.";
  }
  return text;
}

std::string SpecialsInWords(const ArithInfo& row) {
  return fmt::format(
      "A result of exactly zero is {}. NaN, infinity times zero and infinities "
      "of both signs give 0x{:0{}X}; any other infinite addend gives that "
      "infinity, and so does a sum that is too large. Subnormal operands {}; "
      "subnormal results {}.",
      ZeroIsPlus(row.model) ? "+0, whatever the signs of its addends"
                            : "+0, or -0 if every addend is -0",
      row.nan_word, Info(row.output).bits / 4,
      row.flush_inputs ? "count as zero" : "have their value",
      row.flush_results ? "become zero" : "are kept");
}

std::string AcceptsInWords(const ArithInfo& row) {
  const std::string a = row.a.names(), b = row.b.names();
  std::string text;
  if (a != b) {
    text = fmt::format("A is {}; B is {}.", OneOf(a), OneOf(b));
  } else {
    text = fmt::format("A and B are {}{}.", OneOf(a),
                       HasSeveral(a) ? ", in any combination" : "");
  }
  text += fmt::format(" C is {}, D is {}.", Info(row.accumulator).name,
                      Info(row.output).name);
  if (row.scales.empty()) {
    text += " There are no block scales inside the sum.";
  } else {
    text += fmt::format(
        " Both operands {} a block scale for every {} of K, {}.",
        row.scale_block == 0 ? "may have" : "have",
        row.scale_block == 0 ? "so many elements"
                             : fmt::format("{} elements", row.scale_block),
        OneOf(row.scales.names()));
  }
  return text + " Anything else is refused.";
}

std::string EvidenceInWords(const ArithInfo& row) {
  switch (row.evidence) {
    case Evidence::kDefinition:
      return "Definition: the row is what it says, no hardware is claimed.";
    case Evidence::kHardware:
      return fmt::format(
          "Hardware: reproduces {} words that hardware returned, without a "
          "mismatch.",
          row.evidence_words);
    case Evidence::kPublished:
      return "Published: a bit-level model of others; no hardware words seen.";
    case Evidence::kDocumented:
      return "Documented: the vendor describes it; no hardware words seen.";
    case Evidence::kAssumed:
      return "Assumed: no evidence for the bits. compute and verify need "
             "--allow-assumed.";
  }
  return {};
}

std::string ExplainText(const Json& row) {
  std::string text = Heading(row["name"].get<std::string>()) + "\n";
  for (const Section& section : kSections) {
    text += "\n" + Heading(section.title) + "\n" +
            Wrapped(SectionText(row, section), 2);
  }
  return text + "\n" + Heading("Parameters") + "\n" + Parameters(row).Text(2);
}

std::string ExplainMarkdown(const Json& row) {
  std::string text = fmt::format("## {}\n", row["name"].get<std::string>());
  for (const Section& section : kSections) {
    text +=
        fmt::format("\n**{}.** {}\n", section.title, SectionText(row, section));
  }
  return text + "\n" + Parameters(row).Markdown();
}

}  // namespace zeroulp::cli
