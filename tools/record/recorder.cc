// SPDX-License-Identifier: Apache-2.0
#include "tools/record/recorder.h"

#include <fmt/format.h>

#include <bit>
#include <map>

#include "tools/record/launch.h"
#include "tools/record/rivals.h"
#include "tools/record/rows.h"
#include "zeroulp/codec.h"

namespace zeroulp::record {
namespace {

template <typename... Args>
[[noreturn]] void Refuse(const Case& c, fmt::format_string<Args...> sentence,
                         Args&&... args) {
  throw Error(ErrorCode::kUnsupported,
              fmt::format("{}: {}: {}", c.name, c.instruction,
                          fmt::format(sentence, std::forward<Args>(args)...)));
}

// The one word of each row.
std::vector<uint32_t> OneWordPerRow(const Case& c,
                                    const std::vector<uint32_t>& words) {
  const auto rows = static_cast<size_t>(c.rows);
  const size_t copies = words.size() / rows;
  if (copies == 0 || copies * rows != words.size()) {
    Refuse(c, "the device returned {} words for {} rows", words.size(), rows);
  }
  std::vector<uint32_t> result(rows);
  for (size_t row = 0; row < rows; ++row) {
    result[row] = words[row * copies];
    for (size_t i = 1; i < copies; ++i) {
      const uint32_t word = words[row * copies + i];
      if (word == result[row]) continue;
      Refuse(c,
             "row {}: equal rows of A and columns of B gave 0x{:08X} in "
             "element 0 and 0x{:08X} in element {}",
             row, result[row], word, i);
    }
  }
  return result;
}

float ValueAt(const ConstMatrixView& view, int64_t col) {
  return Decode(view.format, ReadCode(view, 0, col));
}

// c and the products, in double: exact for the rows it is asked about.
double SumOf(const Bundle& bundle, int64_t row) {
  double sum = ValueAt(bundle.c->View(row), 0);
  const int64_t keep = bundle.sparsity ? bundle.sparsity->keep : 1;
  const int64_t group = bundle.sparsity ? bundle.sparsity->group : 1;
  for (int64_t i = 0; i < bundle.a.cols; ++i) {
    int64_t k = i;
    if (bundle.sparsity) {
      k = i / keep * group +
          bundle.a_index[static_cast<size_t>(row * bundle.a.cols + i)];
    }
    double product = double{ValueAt(bundle.a.View(row), i)} *
                     double{ValueAt(bundle.b_t.View(row), k)};
    if (bundle.block != 0) {
      product *= double{ValueAt(bundle.a_scales->View(row), i / bundle.block)} *
                 double{ValueAt(bundle.b_scales->View(row), i / bundle.block)};
    }
    sum += product;
  }
  return sum == 0 ? 0 : sum;  // no tensor core returns -0
}

void CheckExactRows(const Case& c, const Bundle& bundle) {
  for (int64_t row = 0; row < c.rows; ++row) {
    const RowKindRow& kind = KindOf(row, c.rows);
    if (kind.id != RowKind::kCount && kind.id != RowKind::kOneHot) continue;
    const auto value = static_cast<float>(SumOf(bundle, row));
    const uint32_t expected =
        Encode(c.form->out, value, Rounding::kNearestEven, Overflow::kIeee);
    const uint32_t actual = ReadCode(bundle.d->View(row), 0, 0);
    if (actual == expected) continue;
    Refuse(c,
           "row {} ({}) must be {} = 0x{:08X} in every arithmetic, the device "
           "returned 0x{:08X}",
           row, kind.name, value, expected, actual);
  }
}

std::string KindsOf(const Case& c, const std::vector<int64_t>& rows) {
  std::map<RowKind, int64_t> counts;
  for (const int64_t row : rows) ++counts[KindOf(row, c.rows).id];
  std::string text;
  for (const auto& [kind, count] : counts) {
    if (!text.empty()) text += ", ";
    text +=
        fmt::format("{} {}", kRowKinds[static_cast<size_t>(kind)].name, count);
  }
  return text;
}

}  // namespace

Metadata NotesOf(const Provenance& from, const std::string& case_name,
                 const std::string& instruction) {
  const GpuInfo& gpu = from.gpu;
  return {
      {"zeroulp.device", fmt::format("{}, compute capability {}.{}", gpu.name,
                                     gpu.major, gpu.minor)},
      {"zeroulp.driver", gpu.driver},
      {"zeroulp.toolkit", gpu.toolkit},
      {"zeroulp.date", from.date},
      {"zeroulp.source", fmt::format("zeroulp record {}, case {}, seed {}",
                                     from.version, case_name, from.seed)},
      {"zeroulp.instruction", instruction},
  };
}

Bundle Record(const Case& c, const Provenance& from, Gpu& gpu) {
  Bundle bundle = Generate(c, from.seed);
  const std::vector<uint32_t> words =
      OneWordPerRow(c, gpu.Multiply(MakeLaunch(c, bundle)));
  bundle.d = BundleMatrix::Zeros(
      c.form->out, FindDtype(zeroulp::Info(c.form->out).safetensors).id, c.rows,
      1, 1);
  for (size_t row = 0; row < words.size(); ++row) {
    WriteCode(bundle.d->View(static_cast<int64_t>(row)), 0, 0, words[row]);
  }
  CheckExactRows(c, bundle);
  bundle.notes = NotesOf(from, c.name, c.instruction);
  bundle.notes["zeroulp.rows"] = KindsText(c.rows);
  bundle.notes["zeroulp.decides"] = c.form->decides;
  return bundle;
}

Verdict Judge(const Case& c, const Bundle& bundle) {
  const ArithInfo& arith = FindArith(c.form->arith);
  const std::vector<int64_t> differing = DifferingRows(bundle, arith);
  Verdict verdict = {.rows = c.rows,
                     .differing = static_cast<int64_t>(differing.size()),
                     .where = KindsOf(c, differing),
                     .alive = {}};
  for (const Rival& rival : RivalsOf(arith)) {
    const size_t count = DifferingRows(bundle, rival.row).size();
    if (count > differing.size()) continue;
    verdict.alive.push_back(fmt::format("{} ({})", rival.text, count));
  }
  return verdict;
}

std::string ToText(const Verdict& verdict) {
  std::string text =
      fmt::format("{} rows, {} differ", verdict.rows, verdict.differing);
  if (!verdict.where.empty()) text += fmt::format(": {}", verdict.where);
  for (const std::string& rival : verdict.alive) {
    text += fmt::format("\n    no worse: {}", rival);
  }
  return text;
}

}  // namespace zeroulp::record
