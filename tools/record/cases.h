// SPDX-License-Identifier: Apache-2.0
// What can be recorded: matrix instructions by chip, and the cases made of
// them, one bundle each. No CUDA here: it compiles and is tested everywhere.
#ifndef ZEROULP_TOOLS_RECORD_CASES_H_
#define ZEROULP_TOOLS_RECORD_CASES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "zeroulp/arithmetic.h"
#include "zeroulp/formats.h"
#include "zeroulp/operand.h"

namespace zeroulp::record {

// Chips whose instructions are told apart; a case runs on one of them only.
enum class Chip : uint8_t { kAda, kHopper, kBlackwell, kRtxBlackwell };

struct ChipRow {
  Chip id;
  std::string_view name;     // first part of a case's name
  int major;                 // compute capability
  int minor_min, minor_max;  // inclusive
};

inline constexpr ChipRow kChipRows[] = {
    {Chip::kAda, "ada", 8, 9, 9},
    {Chip::kHopper, "hopper", 9, 0, 0},
    {Chip::kBlackwell, "blackwell", 10, 0, 9},
    {Chip::kRtxBlackwell, "sm120", 12, 0, 9},
};

constexpr const ChipRow& Info(Chip chip) {
  return kChipRows[static_cast<size_t>(chip)];
}

// The row of a compute capability; nullptr if nothing here is for it.
const ChipRow* FindChip(int major, int minor);

// How an operand gets to the instruction: rows of A and columns of B are
// kStepWords words per step (twice that for B beside a sparse A) in all of
// them.
enum class Unit : uint8_t {
  kMma,      // mma.sync: registers of a warp
  kWgmma,    // wgmma.mma_async: shared memory, accumulator in registers
  kTcgen05,  // tcgen05.mma: shared memory, the rest in tensor memory
};

// One PTX instruction up to its operand types, on one chip.
struct Form {
  Chip chip = Chip::kHopper;
  Unit unit = Unit::kMma;
  std::string_view kind = {};  // part of the case's name, may be empty
  std::string_view ptx;        // {a} and {b} stand for the operand types
  std::string_view arith;      // that is believed to reproduce it
  FormatSet formats = {};      // of operands, every pair of them
  Format out = Format::kF32;
  int k = 0;               // logical products of one instruction
  Sparsity sparsity = {};  // of A; 0 of 0: dense
  Format scale = Format::kE8M0FNU;
  int block = 0;                  // stored elements a scale covers; 0: none
  std::string_view decides = {};  // the open question, by its section

  bool is_sparse() const { return sparsity.group != 0; }
  // Elements of A that one instruction reads.
  int64_t stored_k() const {
    return is_sparse() ? k / sparsity.group * sparsity.keep : k;
  }
};

const std::vector<Form>& Forms();

// A form with its types, and how many instructions run one after the other.
struct Case {
  std::string name;
  const Form* form = nullptr;
  Format a = Format::kE4M3FN, b = Format::kE4M3FN;
  int steps = 1;
  int rows = 0;
  std::string instruction;  // form->ptx with its types

  int64_t k() const { return int64_t{form->k} * steps; }
  int64_t stored_k() const { return form->stored_k() * steps; }
};

const std::vector<Case>& Cases();

}  // namespace zeroulp::record

#endif  // ZEROULP_TOOLS_RECORD_CASES_H_
