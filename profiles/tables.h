// SPDX-License-Identifier: Apache-2.0
// The vendors' tables, and what the compiler checks of each row.
#ifndef ZEROULP_PROFILES_TABLES_H_
#define ZEROULP_PROFILES_TABLES_H_

#include <array>
#include <initializer_list>
#include <span>
#include <string_view>

#include "profiles/sources.h"
#include "zeroulp/chips.h"

namespace zeroulp::internal {

std::span<const ChipInfo> AwsChips();
std::span<const ChipInfo> HopperChips();
std::span<const ChipInfo> BlackwellChips();
std::span<const ChipInfo> GoogleChips();
std::span<const ChipInfo> AmdChips();
std::span<const SystemInfo> AwsSystems();
std::span<const SystemInfo> GpuTpuSystems();

// A figure has a source, and a source has a figure.
constexpr bool Valid(const Quantity& q) {
  return q.known() ? q.value > 0 : q.value == 0;
}

constexpr bool Valid(std::initializer_list<Quantity> quantities) {
  for (const Quantity& q : quantities) {
    if (!Valid(q)) return false;
  }
  return true;
}

constexpr bool DenseAtMostSparse(const Quantity& dense,
                                 const Quantity& sparse) {
  return !dense.known() || !sparse.known() || dense.value <= sparse.value;
}

constexpr bool Valid(const ChipPeak& p) {
  return !p.label.empty() &&
         Valid({p.dense_tflops, p.sparse_tflops, p.sparse_index_bits,
                p.matmul_tflops, p.matmul_sparse_tflops}) &&
         DenseAtMostSparse(p.dense_tflops, p.sparse_tflops) &&
         DenseAtMostSparse(p.matmul_tflops, p.matmul_sparse_tflops) &&
         // A sparse figure names its patterns; patterns state their metadata.
         (!p.sparse_tflops.known() || !p.sparsity.empty()) &&
         (p.sparsity.empty() || p.sparse_index_bits.known());
}

constexpr bool Valid(std::span<const Reference> references) {
  for (const Reference& r : references) {
    if (r.field.empty() || r.value.empty() || r.source.empty()) return false;
  }
  return true;
}

constexpr bool Valid(std::span<const Price> prices) {
  for (const Price& p : prices) {
    if (!Valid({p.usd_per_hour, p.usd_capex})) return false;
    if (p.usd_per_hour.known() == p.usd_capex.known()) return false;
  }
  return true;
}

constexpr bool Valid(const ChipInfo& c) {
  for (const ChipPeak& peak : c.peaks) {
    if (!Valid(peak)) return false;
  }
  for (const ChipSram& sram : c.sram) {
    if (sram.count < 1 || !Valid(sram.size_kib)) return false;
  }
  // One kind of engine or, unpublished, none.
  const bool array = c.engine.array_k > 0 && c.engine.array_n > 0;
  if (array &&
      (c.engine.tile_cores.known() || !c.engine.matrix_engines.known())) {
    return false;
  }
  return !c.id.empty() && !c.name.empty() && !c.vendor.empty() &&
         !c.architecture.empty() && !c.peaks.empty() &&
         c.memory.bandwidth_gbytes_per_s.known() &&
         Valid({c.memory.capacity_gib, c.memory.capacity_gbytes,
                c.memory.bandwidth_gbytes_per_s, c.memory.stacks, c.power_w,
                c.clocks.tensor_ghz, c.clocks.boost_ghz, c.clocks.vector_ghz,
                c.clocks.scalar_ghz, c.clocks.gpsimd_ghz, c.engine.units,
                c.engine.matrix_engines, c.engine.tile_cores,
                c.link.gbytes_per_s, c.link.domain_chips,
                c.link.dma_gbytes_per_s}) &&
         Valid(c.prices) && Valid(c.alternatives) && Valid(c.citations) &&
         Valid(c.claims) && !c.citations.empty();
}

constexpr bool Valid(const SystemInfo& s) {
  for (const SystemPeak& peak : s.peaks) {
    if (!Valid({peak.dense_pflops, peak.sparse_pflops})) return false;
    if (!DenseAtMostSparse(peak.dense_pflops, peak.sparse_pflops)) return false;
  }
  return !s.id.empty() && !s.name.empty() && !s.chip.empty() &&
         s.chips.known() && !s.peaks.empty() &&
         Valid({s.chips, s.memory_gib, s.memory_gbytes, s.memory_gbytes_per_s,
                s.network_gbits_per_s, s.power_w}) &&
         Valid(s.prices) && Valid(s.alternatives) && Valid(s.citations) &&
         Valid(s.claims) && !s.citations.empty();
}

template <typename Row, size_t kSize>
constexpr bool Valid(const Row (&rows)[kSize]) {
  for (const Row& row : rows) {
    if (!Valid(row)) return false;
  }
  return true;
}

}  // namespace zeroulp::internal

#endif  // ZEROULP_PROFILES_TABLES_H_
