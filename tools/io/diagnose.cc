// SPDX-License-Identifier: Apache-2.0
// Diagnose: a few elements under every hypothesis, then the whole bundle under
// those that survive.
#include "zeroulp/diagnose.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <span>

#include "tools/io/bundle_operands.h"
#include "tools/io/hypotheses.h"
#include "zeroulp/reference.h"

namespace zeroulp {
namespace {

using io::Hypothesis;
using io::Operands;

// One element of D.
struct Place {
  int64_t batch = 0, row = 0, col = 0;
};

void CheckPlace(const Bundle& bundle, const Place& at) {
  if (at.batch >= 0 && at.batch < bundle.batch() && at.row >= 0 &&
      at.row < bundle.m() && at.col >= 0 && at.col < bundle.n()) {
    return;
  }
  throw Error(
      ErrorCode::kArgument,
      fmt::format("{}: batch {} row {} column {} is outside the result, "
                  "{} x {} x {}",
                  bundle.name, at.batch, at.row, at.col, bundle.batch(),
                  bundle.m(), bundle.n()));
}

// `count` elements spread over D: multiples of the golden ratio leave no gaps
// and, unlike a stride, prefer no column.
std::vector<Place> Spread(const Bundle& bundle, int64_t count) {
  const int64_t size = bundle.m() * bundle.n();
  const auto total = static_cast<unsigned __int128>(bundle.batch() * size);
  std::vector<Place> places;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t angle = static_cast<uint64_t>(i) * 0x9E3779B97F4A7C15u;
    const auto index = static_cast<int64_t>(total * angle >> 64);
    places.push_back(
        {index / size, index % size / bundle.n(), index % size % bundle.n()});
  }
  return places;
}

uint32_t RunOne(const ArithInfo& row, const Operands& x,
                const GemmOptions& options) {
  uint32_t word = 0;
  const MatrixView d = {std::as_writable_bytes(std::span(&word, 1)), row.output,
                        1, 1, 1};
  reference::GemmWithRow(row, x.a, x.b_t, x.c, d,
                         io::WithRowScales(options, x));
  return ReadCode(d, 0, 0);
}

GemmOptions OptionsOf(const Bundle& bundle, const Hypothesis& h) {
  return {.arith = h.row.name,
          .promote_every = h.promote_every,
          .alpha = io::AlphaOf(bundle)};
}

bool AgreesAt(const Bundle& bundle, const Hypothesis& h, const Place& at) {
  const Operands x =
      io::ElementOperands(io::MatrixOperands(bundle, at.batch), at.row, at.col);
  const uint32_t word = RunOne(h.row, x, OptionsOf(bundle, h));
  return io::StoredWord(h.row, bundle.d->format, word) ==
         ReadCode(bundle.d->View(at.batch), at.row, at.col);
}

// Elements for a given number of products, at least `least`.
int64_t Affordable(const Bundle& bundle, int64_t products, int64_t least) {
  return std::max(products / bundle.a.cols, least);
}

// The number of values checked if all agree, else 0.
int64_t ValuesThatAgree(const Bundle& bundle, const Hypothesis& h,
                        const ComputeOptions& compute,
                        const DiagnoseOptions& limits) {
  const int64_t values = bundle.batch() * bundle.m() * bundle.n();
  BundleMatrix d = io::EmptyResult(bundle, h.row.output);
  GemmOptions options = OptionsOf(bundle, h);
  options.threads = compute.threads;
  const bool by_kernel =
      h.in_table && !compute.oracle && io::RunKernel(bundle, options, d);
  const int64_t affordable = Affordable(bundle, limits.max_products, 1);
  if (!by_kernel && affordable < values) {
    for (const Place& at : Spread(bundle, affordable)) {
      if (!AgreesAt(bundle, h, at)) return 0;
    }
    return affordable;
  }
  if (!by_kernel) io::RunOracle(bundle, h.row, options, d);
  const BundleMatrix stored = io::Stored(h.row, bundle.d->format, std::move(d));
  return stored.bytes == bundle.d->bytes ? values : 0;
}

AccumulatorTrace TraceOf(const Bundle& bundle, const ArithInfo& row,
                         int64_t promote_every, const Place& at) {
  const Operands x =
      io::ElementOperands(io::MatrixOperands(bundle, at.batch), at.row, at.col);
  const int64_t stored = x.a.codes.cols;
  // Without a chunk there is no accumulator before the end.
  const int64_t chunk = promote_every != 0 ? promote_every
                        : row.chunk != 0   ? row.chunk
                                           : stored;
  const int64_t length = io::PartLength(x, chunk);
  AccumulatorTrace trace;
  trace.step = bundle.sparsity
                   ? length / bundle.sparsity->keep * bundle.sparsity->group
                   : length;
  trace.step = std::min(trace.step, bundle.k());
  uint32_t acc = 0;
  for (int64_t first = 0; first < stored; first += length) {
    Operands part = io::PartOfK(x, first, length);
    uint32_t word = 0;  // of the last step, in its format's own memory
    const MatrixView c = {std::as_writable_bytes(std::span(&word, 1)),
                          row.accumulator, 1, 1, 1};
    WriteCode(c, 0, 0, acc);
    if (first != 0) part.c = c;
    acc = RunOne(row, part, {.promote_every = promote_every});
    trace.words.push_back(acc);
  }
  return trace;
}

// After k elements, a multiple of the step or all of K.
uint32_t WordAt(const AccumulatorTrace& trace, int64_t k) {
  return trace.words[static_cast<size_t>((k - 1) / trace.step)];
}

std::optional<Parting> PartingOf(const AccumulatorTrace& x,
                                 const AccumulatorTrace& y, int64_t k_end) {
  const int64_t step = std::lcm(x.step, y.step);
  for (int64_t k = std::min(step, k_end);; k = std::min(k + step, k_end)) {
    const Parting parting = {k, WordAt(x, k), WordAt(y, k)};
    if (parting.expected != parting.other) return parting;
    if (k == k_end) return {};
  }
}

class Search {
 public:
  Search(const Bundle& bundle, const VerifyResult& result,
         const ComputeOptions& compute, const DiagnoseOptions& limits)
      : bundle_(bundle), compute_(compute), limits_(limits) {
    for (const auto& [batch, at] : result.first) {
      samples_.push_back({batch, at.row, at.col});
    }
    constexpr int64_t kProducts = 1 << 21, kLeast = 8, kMost = 56;
    const auto spread =
        Spread(bundle, std::min(Affordable(bundle, kProducts, kLeast), kMost));
    samples_.insert(samples_.end(), spread.begin(), spread.end());
    diagnosis_.at = result.first.front();
    diagnosis_.trace =
        TraceOf(bundle, *result.arith, io::PromoteEvery(bundle, compute),
                samples_.front());
  }

  void Try(const std::vector<Hypothesis>& hypotheses) {
    for (const Hypothesis& h : hypotheses) {
      if (!io::MayStore(h.row, bundle_.d->format)) continue;
      if (!h.change) {
        Try(bundle_, h);
        continue;
      }
      Bundle changed = bundle_;
      h.change(changed);
      Try(changed, h);
    }
  }

  Diagnosis& diagnosis() { return diagnosis_; }

 private:
  void Try(const Bundle& bundle, const Hypothesis& h) {
    try {
      const auto agrees = [&](const Place& at) {
        return AgreesAt(bundle, h, at);
      };
      const bool survives =
          std::all_of(samples_.begin(), samples_.end(), agrees);
      ++diagnosis_.tried;
      if (!survives) return;
      Finding finding = {.cause = h.cause, .sentence = h.sentence};
      finding.values_checked = ValuesThatAgree(bundle, h, compute_, limits_);
      if (finding.values_checked == 0) return;
      finding.parting =
          PartingOf(diagnosis_.trace,
                    TraceOf(bundle, h.row, h.promote_every, samples_.front()),
                    bundle.k());
      diagnosis_.findings.push_back(std::move(finding));
    } catch (const Error& error) {
      // The row takes no such operands: not a hypothesis for this bundle.
    }
  }

  const Bundle& bundle_;
  const ComputeOptions& compute_;
  const DiagnoseOptions& limits_;
  std::vector<Place> samples_;  // the known differences first
  Diagnosis diagnosis_;
};

}  // namespace

Diagnosis Diagnose(const Bundle& bundle, const VerifyResult& result,
                   const ComputeOptions& options,
                   const DiagnoseOptions& limits) {
  if (result.exact() || result.first.empty()) return {};
  Check(bundle);
  if (!bundle.d || result.arith == nullptr) {
    throw Error(ErrorCode::kArgument,
                fmt::format("{}: the result to diagnose is not of this bundle",
                            bundle.name));
  }
  for (const auto& [batch, at] : result.first) {
    CheckPlace(bundle, {batch, at.row, at.col});
  }
  Search search(bundle, result, options, limits);
  const int64_t promote_every = io::PromoteEvery(bundle, options);
  search.Try(io::SingleCauses(bundle, *result.arith, promote_every));
  if (search.diagnosis().findings.empty()) {
    search.Try(io::PairedCauses(bundle, *result.arith, promote_every));
  }
  return std::move(search.diagnosis());
}

AccumulatorTrace Trace(const Bundle& bundle, int64_t batch, int64_t row,
                       int64_t col, const ComputeOptions& options) {
  Check(bundle);
  const ArithInfo& arith = ArithOf(bundle, options);
  CheckPlace(bundle, {batch, row, col});
  return TraceOf(bundle, arith, io::PromoteEvery(bundle, options),
                 {batch, row, col});
}

}  // namespace zeroulp
