// SPDX-License-Identifier: Apache-2.0
// Flops, bytes and the roof of a GEMM on a row of chips.h.
//
//   flops  2 * m * n * k, whatever sparsity skips.
//   bytes  A, B and D cross the chip's memory interface once: elements in the
//          storage width of formats.h (block formats: plus one scale byte per
//          block of K), D in d_format. A sparse operand: kept values plus the
//          row's metadata bits. The per-tensor scale of NVFP4, 4 bytes, is not
//          counted.
//   roof   dense or sparse as asked, of the matrix engine alone where the row
//          has that (Trainium), else the brochure's. The sparse figure is that
//          of the row's first pattern; another pattern is held to dense *
//          group / keep, since no engine gains more than it skips.
#include "profiles/work.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "zeroulp/formats.h"
#include "zeroulp/internal/fail.h"

namespace zeroulp::internal {
namespace {

struct Storage {
  std::string_view name;  // canonical
  int element_bits;
  int scale_bits = 0;  // per block
  int block = 1;       // elements of K that share a scale
};

constexpr int Bits(Format format) { return Info(format).storage_bits; }

// Formats that are not a single row of formats.h.
// clang-format off
constexpr auto kBlockStorage = std::to_array<Storage>({
    // name   element                scale                   block
    {"mxfp8", Bits(Format::kE4M3FN), Bits(Format::kE8M0FNU), 32},
    {"mxfp6", Bits(Format::kE3M2FN), Bits(Format::kE8M0FNU), 32},
    {"mxfp4", Bits(Format::kE2M1FN), Bits(Format::kE8M0FNU), 32},
    {"nvfp4", Bits(Format::kE2M1FN), Bits(Format::kUE4M3),   16},
    {"int8",  8},
    {"f64",   64},
});
// clang-format on

Storage FindStorage(std::string_view name) {
  std::string known;
  for (const FormatInfo& f : kFormats) {
    if (name == f.name || ListContains(f.aliases, name)) {
      return {f.name, f.storage_bits};
    }
    known.append(f.name).append(" ");
  }
  for (const Storage& s : kBlockStorage) {
    if (name == s.name) return s;
    known.append(s.name).append(" ");
  }
  known.pop_back();
  Fail(ErrorCode::kUnknownName,
       "Project: no number format is named '{}'; known: {}", name, known);
}

// Of `rows` rows of `cols` elements. Rows start on a byte, and every row has
// its own blocks.
double MatrixBytes(const Storage& s, int64_t rows, int64_t cols) {
  const auto ceil_div = [](int64_t a, int64_t b) {
    return a / b + (a % b > 0);
  };
  const double row_bytes =
      std::ceil(static_cast<double>(cols) * s.element_bits / 8) +
      static_cast<double>(ceil_div(cols, s.block)) * s.scale_bits / 8;
  return static_cast<double>(rows) * row_bytes;
}

struct Pattern {
  int64_t keep, group;
};

// "4:8-pairs" -> 4, 8. Only sees patterns that a row lists.
Pattern Parse(std::string_view name) {
  Pattern p = {};
  const char* const end = name.data() + name.size();
  const char* const colon = std::from_chars(name.data(), end, p.keep).ptr;
  std::from_chars(colon + 1, end, p.group);
  return p;
}

std::string_view First(std::string_view list) {
  return list.substr(0, list.find(' '));
}

// ---------------------------------------------------------------------------
// Checks

void CheckShape(const Measurement& w) {
  if (w.m < 1 || w.n < 1 || w.k < 1) {
    Fail(ErrorCode::kShape,
         "Project: m x n x k is {} x {} x {}: each must be at least 1", w.m,
         w.n, w.k);
  }
  if (w.k > std::numeric_limits<int64_t>::max() / 2 / w.m / w.n) {
    Fail(ErrorCode::kOverflow,
         "Project: m x n x k is {} x {} x {}: 2 * m * n * k must fit in 63 "
         "bits",
         w.m, w.n, w.k);
  }
}

// What a dense GEMM can reach: of the matrix engine alone, if that is known.
const Quantity& DenseRate(const ChipPeak& peak) {
  return peak.matmul_tflops.known() ? peak.matmul_tflops : peak.dense_tflops;
}

// "e4m3fn e5m2; bf16; f32": formats that multiply with each other together.
std::string FormatsOf(const ChipInfo& chip) {
  std::string list;
  for (const ChipPeak& p : chip.peaks) {
    if (p.formats.empty() || !DenseRate(p).known()) continue;
    list.append(list.empty() ? "" : "; ").append(p.formats);
  }
  return list;
}

// "2:4 for FP8; 4:8-pairs for NVFP4", or "none".
std::string PatternsOf(const ChipInfo& chip) {
  std::string list;
  for (const ChipPeak& p : chip.peaks) {
    if (!p.sparse_tflops.known()) continue;
    list += fmt::format("{}{} for {}", list.empty() ? "" : "; ", p.sparsity,
                        p.label);
  }
  return list.empty() ? "none" : list;
}

const ChipPeak& FindPeak(const ChipInfo& chip, std::string_view a,
                         std::string_view b) {
  const auto row =
      std::find_if(chip.peaks.begin(), chip.peaks.end(), [&](const auto& p) {
        return ListContains(p.formats, a) && ListContains(p.formats, b);
      });
  if (row == chip.peaks.end()) {
    Fail(ErrorCode::kUnsupported,
         "Project: {} does not multiply {} x {}; it has {}", chip.id, a, b,
         FormatsOf(chip));
  }
  return *row;
}

// ---------------------------------------------------------------------------
// Peaks

struct Roof {
  double tflops;
  std::vector<std::string> assumptions;
};

Roof DenseRoof(const ChipInfo& chip, const ChipPeak& peak) {
  const Quantity& q = DenseRate(peak);
  if (!q.known()) {
    Fail(ErrorCode::kUnsupported,
         "Project: {} takes {} ({}), but no dense rate is published; it has {}",
         chip.id, peak.formats, peak.label, FormatsOf(chip));
  }
  Roof roof = {q.value, {fmt::format("dense peak {}", Cite(q, "TFLOPS"))}};
  if (peak.matmul_tflops.known() && peak.dense_tflops.known()) {
    roof.assumptions.push_back(fmt::format(
        "the matrix engine alone, not the brochure's {} TFLOPS for all engines",
        peak.dense_tflops.value));
  }
  return roof;
}

Roof SparseRoof(const ChipInfo& chip, const ChipPeak& peak,
                std::string_view pattern) {
  const Quantity& q = peak.matmul_sparse_tflops.known()
                          ? peak.matmul_sparse_tflops
                          : peak.sparse_tflops;
  if (!ListContains(peak.sparsity, pattern) || !q.known()) {
    Fail(ErrorCode::kUnsupported,
         "Project: {} has no {} sparsity for {} ({}); it has {}", chip.id,
         pattern, peak.label, peak.formats, PatternsOf(chip));
  }
  Roof roof = {q.value,
               {fmt::format("{} sparse peak {}, skipped products counted",
                            First(peak.sparsity), Cite(q, "TFLOPS"))}};
  if (pattern != First(peak.sparsity)) {
    const Pattern p = Parse(pattern);
    const double limit = DenseRoof(chip, peak).tflops *
                         static_cast<double>(p.group) /
                         static_cast<double>(p.keep);
    roof.tflops = std::min(roof.tflops, limit);
    roof.assumptions.push_back(
        fmt::format("no peak is published for {} itself: that of {}, at most "
                    "dense x {} / {} = {} TFLOPS",
                    pattern, First(peak.sparsity), p.group, p.keep, limit));
  }
  return roof;
}

// ---------------------------------------------------------------------------
// Bytes

// Which library kernels: formats of one width behave alike.
std::string_view Family(const Storage& a, const Storage& b, bool block_scales) {
  const int bits = std::max(a.element_bits, b.element_bits);
  if (a.name == "int8") return "INT8";
  if (bits <= 4) return "FP4";
  if (bits <= 8) return block_scales ? "FP8 block" : "FP8";
  return "BF16";
}

double SparseBytes(const Storage& s, int64_t rows, int64_t k,
                   std::string_view sparsity, double index_bits) {
  const Pattern pattern = Parse(sparsity);
  const int64_t groups = k / pattern.group + (k % pattern.group > 0);
  const int64_t kept = groups * pattern.keep;
  return MatrixBytes(s, rows, kept) +
         static_cast<double>(rows) *
             std::ceil(static_cast<double>(kept) * index_bits / 8);
}

void CheckBlockScales(const Storage& a, const Storage& b) {
  if (a.element_bits == 8 && b.element_bits == 8 && a.block == 1 &&
      b.block == 1 && a.name != "int8" && b.name != "int8") {
    return;
  }
  Fail(ErrorCode::kArgument,
       "Project: FP32 block scales go with FP8 operands, not with {} x {}",
       a.name, b.name);
}

}  // namespace

std::string Cite(const Quantity& q, std::string_view unit) {
  return fmt::format("{} {} ({}, {})", q.value, unit, Name(q.basis), q.source);
}

Work FindWork(const Measurement& w, const ChipInfo& chip, bool block_scales) {
  CheckShape(w);
  Storage a = FindStorage(w.a_format);
  Storage b = FindStorage(w.b_format);
  const Storage d = FindStorage(w.d_format);
  const ChipPeak& peak = FindPeak(chip, a.name, b.name);
  Roof roof = w.sparsity.empty() ? DenseRoof(chip, peak)
                                 : SparseRoof(chip, peak, w.sparsity);
  if (block_scales) CheckBlockScales(a, b);

  Work work = {};
  work.peak = &peak;
  work.tflops = roof.tflops;
  work.assumptions = std::move(roof.assumptions);
  const auto assume = [&work](std::string sentence) {
    work.assumptions.push_back(std::move(sentence));
  };
  if (!peak.note.empty()) {
    assume(fmt::format("{}: {}", peak.label, peak.note));
  }
  if (!peak.stored_as.empty()) {
    a = b = FindStorage(peak.stored_as);
    assume(fmt::format("operands are stored as {}", peak.stored_as));
  }
  work.family = Family(a, b, block_scales);
  const auto bytes = [&](const Storage& s, int64_t rows, Side side) {
    return w.sparsity.empty() || side != w.sparse_side
               ? MatrixBytes(s, rows, w.k)
               : SparseBytes(s, rows, w.k, w.sparsity,
                             peak.sparse_index_bits.value);
  };
  work.a_bytes = bytes(a, w.m, Side::kA);
  work.b_bytes = bytes(b, w.n, Side::kB);
  work.d_bytes = MatrixBytes(d, w.m, w.n);
  if (!w.sparsity.empty()) {
    assume(
        fmt::format("{} is stored compressed with {} metadata bits per kept "
                    "value ({})",
                    Name(w.sparse_side), peak.sparse_index_bits.value,
                    peak.sparse_index_bits.source));
  }
  if (block_scales) {
    const auto blocks = [](int64_t x) { return x / 128 + (x % 128 > 0); };
    const auto scale_bytes = [](int64_t rows, int64_t columns) {
      return 4.0 * static_cast<double>(rows) * static_cast<double>(columns);
    };
    work.a_bytes += scale_bytes(w.m, blocks(w.k));
    work.b_bytes += scale_bytes(blocks(w.n), blocks(w.k));
    assume("FP32 scales for 1x128 of A and 128x128 of B");
  }
  work.flops = 2 * static_cast<double>(w.m) * static_cast<double>(w.n) *
               static_cast<double>(w.k);
  work.quantised_bytes =
      2 * static_cast<double>(w.m) * static_cast<double>(w.k) +
      MatrixBytes(a, w.m, w.k);
  return work;
}

}  // namespace zeroulp::internal
