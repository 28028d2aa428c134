// SPDX-License-Identifier: Apache-2.0
// The chips and systems of the tables and of --chip-file.
#ifndef ZEROULP_TOOLS_CATALOG_H_
#define ZEROULP_TOOLS_CATALOG_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "zeroulp/chips.h"
#include "zeroulp/project.h"

namespace zeroulp::cli {

class Catalog {
 public:
  Catalog();  // the tables

  // Adds the chips and systems of a JSON file, docs/chip-file.md; a row with a
  // known id takes the place of that row. Throws Error{kFile} that names the
  // field for a file that is not of this schema, and adds nothing then.
  void AddFile(const std::string& path);

  const std::vector<const ChipInfo*>& chips() const { return chips_; }
  const std::vector<const SystemInfo*>& systems() const { return systems_; }

  // Null if there is none.
  const ChipInfo* FindChip(std::string_view id) const;
  const SystemInfo* FindSystem(std::string_view id) const;
  // The chip, or the chip of the system, with this id. Throws
  // Error{kUnknownName} that lists all ids of both.
  const ChipInfo& ChipOf(std::string_view id) const;

  // Onto the chip or system with this id. Throws what Project throws, and
  // Error{kUnknownName} that lists all ids of both.
  Projection ProjectOnto(const Measurement& measurement, std::string_view id,
                         const Conditions& conditions = {}) const;
  // Ids of all chips, then of all systems.
  std::vector<std::string> Ids() const;

 private:
  std::shared_ptr<const void> owned_;  // what rows of files point into
  std::vector<const ChipInfo*> chips_;
  std::vector<const SystemInfo*> systems_;
};

}  // namespace zeroulp::cli

#endif  // ZEROULP_TOOLS_CATALOG_H_
