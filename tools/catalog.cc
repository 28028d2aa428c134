// SPDX-License-Identifier: Apache-2.0
#include "tools/catalog.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "tools/chip_file.h"
#include "tools/io/file_error.h"

namespace zeroulp::cli {
namespace {

template <typename Row>
const Row* Find(const std::vector<const Row*>& rows, std::string_view id) {
  const auto at = std::find_if(rows.begin(), rows.end(),
                               [id](const Row* row) { return row->id == id; });
  return at == rows.end() ? nullptr : *at;
}

template <typename Row>
void AddOrReplace(std::vector<const Row*>& rows, const Row& row) {
  for (const Row*& known : rows) {
    if (known->id == row.id) {
      known = &row;
      return;
    }
  }
  rows.push_back(&row);
}

// As tests hold the tables to: a total is that of the chips within 1 %.
void CheckTotal(const std::string& path, const SystemInfo& system,
                std::string_view what, const Quantity& total,
                const Quantity& each, double unit) {
  if (!total.known() || !each.known()) return;
  const double expected = system.chips.value * each.value / unit;
  if (std::abs(total.value / expected - 1) <= 0.01) return;
  io::FileError(path, "system {}: {} is {}, but {} chips of {} are {}",
                system.id, what, total.value, system.chips.value, each.value,
                expected);
}

void CheckSystem(const std::string& path, const SystemInfo& system,
                 const ChipInfo& chip) {
  for (const SystemPeak& peak : system.peaks) {
    const auto of =
        std::find_if(chip.peaks.begin(), chip.peaks.end(),
                     [&](const ChipPeak& p) { return p.label == peak.label; });
    if (of == chip.peaks.end()) {
      io::FileError(path, "system {}: chip {} has no peak '{}'", system.id,
                    chip.id, peak.label);
    }
    CheckTotal(path, system, peak.label, peak.dense_pflops, of->dense_tflops,
               1000);
    CheckTotal(path, system, peak.label, peak.sparse_pflops, of->sparse_tflops,
               1000);
  }
  CheckTotal(path, system, "memory_gib", system.memory_gib,
             chip.memory.capacity_gib, 1);
  CheckTotal(path, system, "memory_gbytes", system.memory_gbytes,
             chip.memory.capacity_gbytes, 1);
  CheckTotal(path, system, "memory_gbytes_per_s", system.memory_gbytes_per_s,
             chip.memory.bandwidth_gbytes_per_s, 1);
}

void CheckIds(const std::string& path, const ChipFile& file,
              const Catalog& catalog) {
  std::set<std::string_view> ids;
  const auto check = [&](std::string_view id, bool taken) {
    if (!ids.insert(id).second) {
      io::FileError(path, "id '{}' is there twice", id);
    }
    if (taken) {
      io::FileError(path, "id '{}' is that of a row of the other kind", id);
    }
  };
  for (const ChipInfo& c : file.chips) {
    check(c.id, catalog.FindSystem(c.id) != nullptr);
  }
  for (const SystemInfo& s : file.systems) {
    check(s.id, catalog.FindChip(s.id) != nullptr);
  }
}

}  // namespace

Catalog::Catalog() {
  for (const ChipInfo& chip : Chips()) chips_.push_back(&chip);
  for (const SystemInfo& system : Systems()) systems_.push_back(&system);
}

void Catalog::AddFile(const std::string& path) {
  struct Files {
    ChipFile file;
    std::shared_ptr<const void> before;
  };
  const auto files = std::make_shared<Files>();
  ReadChipFile(path, files->file);
  CheckIds(path, files->file, *this);
  Catalog grown = *this;
  for (const ChipInfo& c : files->file.chips) AddOrReplace(grown.chips_, c);
  for (const SystemInfo& s : files->file.systems) {
    AddOrReplace(grown.systems_, s);
  }
  for (const SystemInfo& s : files->file.systems) {
    const ChipInfo* chip = grown.FindChip(s.chip);
    if (chip == nullptr) {
      io::FileError(path, "system {}: no chip is named '{}'", s.id, s.chip);
    }
    CheckSystem(path, s, *chip);
  }
  files->before = owned_;
  grown.owned_ = files;
  *this = std::move(grown);
}

const ChipInfo* Catalog::FindChip(std::string_view id) const {
  return Find(chips_, id);
}

const SystemInfo* Catalog::FindSystem(std::string_view id) const {
  return Find(systems_, id);
}

std::vector<std::string> Catalog::Ids() const {
  std::vector<std::string> ids;
  for (const ChipInfo* chip : chips_) ids.emplace_back(chip->id);
  for (const SystemInfo* system : systems_) ids.emplace_back(system->id);
  return ids;
}

const ChipInfo& Catalog::ChipOf(std::string_view id) const {
  if (const ChipInfo* chip = FindChip(id)) return *chip;
  if (const SystemInfo* system = FindSystem(id)) {
    return *FindChip(system->chip);
  }
  throw Error(ErrorCode::kUnknownName,
              fmt::format("no chip or system is named '{}'; known: {}", id,
                          fmt::join(Ids(), " ")));
}

Projection Catalog::ProjectOnto(const Measurement& measurement,
                                std::string_view id,
                                const Conditions& conditions) const {
  const ChipInfo& chip = ChipOf(id);
  if (const SystemInfo* system = FindSystem(id)) {
    return Project(measurement, *system, chip, conditions);
  }
  return Project(measurement, chip, conditions);
}

}  // namespace zeroulp::cli
