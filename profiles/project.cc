// SPDX-License-Identifier: Apache-2.0
// Projects a GEMM onto a row of chips.h.
//
// Method
//   flops     2 * m * n * k, whatever sparsity skips.
//   bytes     A, B and D cross the chip's memory interface once: elements in
//             the storage width of formats.h (block formats: plus one scale
//             byte per block of K), D in d_format. Sparse A: kept values plus
//             the row's metadata bits.
//   roofline  time = max(flops / peak, bytes / bandwidth).
//   scaled    time = max(flops / (efficiency * peak), bytes / bandwidth), where
//             efficiency = flops_per_s / peak_flops_per_s of the host.
//   peak      dense or sparse as asked, of the matrix engine alone where the
//             row has that (Trainium), else the brochure's. The sparse figure
//             is that of the row's first pattern; another pattern is held to
//             dense * group / keep, since no engine gains more than it skips.
//
// Limits, also stated in Projection::assumptions: no launch cost, no tile or
// wave quantisation, no cache reuse or refetch, memory at its full rate, clocks
// at the advertised boost; a system's fabric costs nothing. A host CPU's
// efficiency need not be the chip's. A plain roofline is always optimistic. The
// per-tensor scale of NVFP4, 4 bytes, is not counted.
#include "zeroulp/project.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "zeroulp/formats.h"
#include "zeroulp/internal/fail.h"

namespace zeroulp {
namespace {

using internal::Fail;
using internal::ListContains;

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

// "4:8-in-pairs" -> 4, 8. Only sees patterns that a row lists.
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

// "7700 GB/s (published, https://...)"
std::string Cite(const Quantity& q, std::string_view unit) {
  return fmt::format("{} {} ({}, {})", q.value, unit, Name(q.basis), q.source);
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

// Nothing if nothing was measured.
std::optional<double> HostEfficiency(const Measurement& w) {
  if (w.flops_per_s == 0 && w.peak_flops_per_s == 0) return std::nullopt;
  const auto valid = [](double rate) {
    return std::isfinite(rate) && rate > 0;
  };
  if (!valid(w.flops_per_s) || !valid(w.peak_flops_per_s)) {
    Fail(ErrorCode::kArgument,
         "Project: measured {} flop/s of a peak of {}: both must be positive "
         "and finite, or both 0 for a roofline alone",
         w.flops_per_s, w.peak_flops_per_s);
  }
  return std::min(w.flops_per_s / w.peak_flops_per_s, 1.0);
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

// "2:4 for FP8; 4:8-in-pairs for NVFP4", or "none".
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

// What multiplies with the number of chips: 1 of them, or a system's.
struct Target {
  std::string_view id;
  int64_t chips;
  Quantity power_w;
  const Price* price;  // may be null; of the whole target
  double price_factor;
};

const Price* HourlyPrice(std::span<const Price> prices) {
  for (const Price& p : prices) {
    if (p.usd_per_hour.known()) return &p;
  }
  return nullptr;
}

Projection ProjectOnto(const Measurement& w, const ChipInfo& chip,
                       const Target& target) {
  CheckShape(w);
  const std::optional<double> efficiency = HostEfficiency(w);
  Storage a = FindStorage(w.a_format);
  Storage b = FindStorage(w.b_format);
  const Storage d = FindStorage(w.d_format);
  const ChipPeak& peak = FindPeak(chip, a.name, b.name);
  Roof roof = w.sparsity.empty() ? DenseRoof(chip, peak)
                                 : SparseRoof(chip, peak, w.sparsity);

  Projection p;
  p.target = target.id;
  p.peak_label = peak.label;
  p.chips = target.chips;
  p.assumptions = std::move(roof.assumptions);
  const auto assume = [&p](std::string sentence) {
    p.assumptions.push_back(std::move(sentence));
  };
  if (!peak.note.empty()) {
    assume(fmt::format("{}: {}", peak.label, peak.note));
  }

  if (!peak.stored_as.empty()) {
    a = b = FindStorage(peak.stored_as);
    assume(fmt::format("operands are stored as {}", peak.stored_as));
  }
  if (w.sparsity.empty()) {
    p.a_bytes = MatrixBytes(a, w.m, w.k);
  } else {
    const Pattern pattern = Parse(w.sparsity);
    const int64_t groups = w.k / pattern.group + (w.k % pattern.group > 0);
    const int64_t kept = groups * pattern.keep;
    const double index_bits = peak.sparse_index_bits.value;
    p.a_bytes = MatrixBytes(a, w.m, kept) +
                static_cast<double>(w.m) *
                    std::ceil(static_cast<double>(kept) * index_bits / 8);
    assume(
        fmt::format("A is stored compressed with {} metadata bits per kept "
                    "value ({})",
                    index_bits, peak.sparse_index_bits.source));
  }
  p.b_bytes = MatrixBytes(b, w.n, w.k);
  p.d_bytes = MatrixBytes(d, w.m, w.n);
  assume(
      fmt::format("A and B are read once and D is written once, as {}; "
                  "memory at its full rate, {}",
                  d.name, Cite(chip.memory.bandwidth_gbytes_per_s, "GB/s")));
  assume("no launch cost, tile quantisation or clock throttling");

  const auto chips = static_cast<double>(target.chips);
  const double flops = 2 * static_cast<double>(w.m) * static_cast<double>(w.n) *
                       static_cast<double>(w.k);
  const double bytes = p.a_bytes + p.b_bytes + p.d_bytes;
  const double flops_per_s = roof.tflops * 1e12;  // of one chip
  const double bytes_per_s = chip.memory.bandwidth_gbytes_per_s.value * 1e9;
  const double compute_s = flops / flops_per_s;
  const double memory_s = bytes / bytes_per_s;
  const auto bound = [memory_s](double seconds) {
    return seconds < memory_s ? Bound::kMemory : Bound::kCompute;
  };

  p.arithmetic_intensity_flop_per_byte = flops / bytes;
  p.peak_tflops = chips * roof.tflops;
  p.memory_gbytes_per_s = chips * chip.memory.bandwidth_gbytes_per_s.value;
  p.roofline_time_s = std::max(compute_s, memory_s);
  p.roofline_tflops = chips * flops / p.roofline_time_s / 1e12;
  p.roofline_bound = bound(compute_s);
  p.time_s = p.roofline_time_s;
  p.bound = p.roofline_bound;
  if (efficiency) {
    p.host_efficiency = efficiency;
    p.time_s = std::max(compute_s / *efficiency, memory_s);
    p.bound = bound(compute_s / *efficiency);
    p.spec_scaled_time_s = p.time_s;
    p.spec_scaled_tflops = chips * flops / p.time_s / 1e12;
    assume(
        fmt::format("the chip reaches the share of its peak that the host "
                    "reached of its own: {:.1f} %{}",
                    100 * *efficiency,
                    w.flops_per_s > w.peak_flops_per_s
                        ? ", held there although more was measured"
                        : ""));
  }
  p.tflops = chips * flops / p.time_s / 1e12;
  p.pct_of_peak = 100 * p.tflops / p.peak_tflops;

  if (target.power_w.known()) {
    p.energy_j = target.power_w.value * p.time_s;
    assume(fmt::format("full power throughout, {}", Cite(target.power_w, "W")));
  }
  if (target.price != nullptr) {
    const Quantity& usd_per_hour = target.price->usd_per_hour;
    p.usd = target.price_factor * usd_per_hour.value * p.time_s / 3600;
    assume(fmt::format("price {} x {}: {}", target.price_factor,
                       Cite(usd_per_hour, "USD an hour"), target.price->kind));
  }
  if (chip.status == ChipStatus::kAnnounced ||
      chip.status == ChipStatus::kProjected) {
    assume(fmt::format("{} is {}, not shipping", chip.id, Name(chip.status)));
  }
  return p;
}

}  // namespace

std::string_view Name(Bound bound) {
  return bound == Bound::kCompute ? "compute" : "memory";
}

Projection Project(const Measurement& measurement, const ChipInfo& chip) {
  return ProjectOnto(measurement, chip,
                     {.id = chip.id,
                      .chips = 1,
                      .power_w = chip.power_w,
                      .price = HourlyPrice(chip.prices),
                      .price_factor = 1});
}

Projection Project(const Measurement& measurement, const SystemInfo& system) {
  const ChipInfo& chip = Chip(system.chip);
  Target target = {.id = system.id,
                   .chips = static_cast<int64_t>(system.chips.value),
                   .power_w = system.power_w,
                   .price = HourlyPrice(system.prices),
                   .price_factor = 1};
  if (!target.power_w.known() && chip.power_w.known()) {  // hosts left out
    target.power_w = chip.power_w;
    target.power_w.value *= system.chips.value;
    target.power_w.basis = Basis::kDerived;
  }
  if (target.price == nullptr) {
    target.price = HourlyPrice(chip.prices);
    target.price_factor = system.chips.value;
  }
  Projection p = ProjectOnto(measurement, chip, target);
  p.assumptions.push_back(fmt::format(
      "data parallel: each of the {} {} chips runs the whole GEMM on its own "
      "data; the fabric is not modelled",
      p.chips, chip.id));
  return p;
}

}  // namespace zeroulp
