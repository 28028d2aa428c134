// SPDX-License-Identifier: Apache-2.0
// The tables of all vendors as one, and look-up by id.
#include "zeroulp/chips.h"

#include <array>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "profiles/tables.h"
#include "zeroulp/internal/fail.h"

namespace zeroulp {
namespace {

template <typename Row>
std::vector<Row> Concatenate(
    std::initializer_list<std::span<const Row>> tables) {
  std::vector<Row> rows;
  for (const std::span<const Row> table : tables) {
    rows.insert(rows.end(), table.begin(), table.end());
  }
  return rows;
}

template <typename Row>
const Row& Find(std::string_view what, std::span<const Row> rows,
                std::string_view id) {
  std::string known;
  for (const Row& row : rows) {
    if (row.id == id) return row;
    known.append(known.empty() ? "" : " ").append(row.id);
  }
  internal::Fail(ErrorCode::kUnknownName, "no {} is named '{}'; known: {}",
                 what, id, known);
}

}  // namespace

std::string_view Name(Basis basis) {
  constexpr std::array<std::string_view, 5> kNames = {
      "published", "derived", "inferred", "assumed", "projected"};
  return kNames[static_cast<size_t>(basis)];
}

std::string_view Name(ChipStatus status) {
  constexpr std::array<std::string_view, 4> kNames = {"shipping", "legacy",
                                                      "announced", "projected"};
  return kNames[static_cast<size_t>(status)];
}

std::span<const ChipInfo> Chips() {
  using internal::AmdChips, internal::AwsChips, internal::BlackwellChips,
      internal::GoogleChips, internal::HopperChips;
  static const std::vector<ChipInfo> rows = Concatenate<ChipInfo>(
      {AwsChips(), HopperChips(), BlackwellChips(), GoogleChips(), AmdChips()});
  return rows;
}

std::span<const SystemInfo> Systems() {
  static const std::vector<SystemInfo> rows = Concatenate<SystemInfo>(
      {internal::AwsSystems(), internal::GpuTpuSystems()});
  return rows;
}

const ChipInfo& Chip(std::string_view id) { return Find("chip", Chips(), id); }

const SystemInfo& System(std::string_view id) {
  return Find("system", Systems(), id);
}

}  // namespace zeroulp
