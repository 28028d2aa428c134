// SPDX-License-Identifier: Apache-2.0
// Accelerators and systems of them: one row each, every figure with its source.
//
// Units are in the names: TFLOPS are 1e12 operations a second and one fused
// multiply-add is two of them; GB are 1e9 bytes, GiB are 2^30. Dense and sparse
// peaks are different columns and are never mixed.
//
// The rows are in profiles/. To project a GEMM onto one, see project.h.
#ifndef ZEROULP_CHIPS_H_
#define ZEROULP_CHIPS_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "zeroulp/error.h"

namespace zeroulp {

// How far a figure is from the words of its source.
enum class Basis : uint8_t {
  kPublished,  // the source prints it
  kDerived,    // arithmetic on published figures
  kInferred,   // concluded, e.g. from a total that holds more than the chip
  kAssumed,    // taken over from a sibling, or not verified
  kProjected,  // of a chip that does not exist yet
};
std::string_view Name(Basis basis);

// A figure and the document it comes from. Without a source it is unknown:
// nobody has published it, and value means nothing.
struct Quantity {
  double value = 0;
  std::string_view source = {};  // document or URL
  Basis basis = Basis::kPublished;

  constexpr bool known() const { return !source.empty(); }
};

// A statement about a row: a value not taken and why (alternatives), the words
// a figure rests on (citations), or a vendor's unverifiable remark (claims).
struct Reference {
  std::string_view field, value, source, note = {};
};

// Throughput of one number format.
struct ChipPeak {
  std::string_view label;  // the vendor's word: "FP8"
  // Operand formats by canonical name, space separated. A GEMM runs at this
  // peak if the row lists the formats of both operands; the first such row
  // counts. Empty: a brochure figure that no matrix multiplication reaches.
  std::string_view formats;
  Quantity dense_tflops = {};
  // With structured sparsity, counting the skipped products as done.
  Quantity sparse_tflops = {};
  // keep:group, space separated; sparse_tflops is that of the first.
  // "4:8-pairs" keeps two adjacent pairs of every four.
  std::string_view sparsity = {};
  Quantity sparse_index_bits = {};  // metadata bits per kept value
  // What the matrix engine alone reaches, where the brochure's total holds
  // other engines as well. Then these are the roof of a GEMM.
  Quantity matmul_tflops = {};
  Quantity matmul_sparse_tflops = {};
  // Format the operands have in the chip's memory, where it differs.
  std::string_view stored_as = {};
  std::string_view note = {};
};

struct ChipMemory {
  std::string_view type = {};
  Quantity capacity_gib = {};     // usable, or where the source says GiB
  Quantity capacity_gbytes = {};  // as sold
  Quantity bandwidth_gbytes_per_s = {};
  Quantity stacks = {};
};

// On-chip memory: `count` blocks of `size_kib` each.
struct ChipSram {
  std::string_view name;
  int count;
  Quantity size_kib;
};

struct ChipClocks {
  Quantity tensor_ghz = {};  // the clock the matrix peaks are quoted at
  Quantity boost_ghz = {};   // the highest the part runs at
  Quantity vector_ghz = {}, scalar_ghz = {}, gpsimd_ghz = {};
};

struct ChipEngine {
  std::string_view unit = {};    // what the chip has several of: "SM"
  Quantity units = {};           // of those
  Quantity matrix_engines = {};  // tensor or matrix cores, or arrays, in all
  // Of a chip that computes its product in tiles: how many at a time. Of one
  // with systolic arrays: how much of K and N one holds, and then 0 tiles.
  Quantity tile_cores = {};
  int array_k = 0, array_n = 0;
  std::string_view note = {};  // array geometry, datapath
};

struct ChipLink {
  std::string_view name = {};
  Quantity gbytes_per_s = {};  // per chip, all links, both directions
  Quantity domain_chips = {};  // chips that reach each other over it
  Quantity dma_gbytes_per_s = {};
  std::string_view note = {};  // topology
};

// Prices age: `kind` says which price, when. The first row of a list is the
// one that projections use.
struct Price {
  Quantity usd_per_hour = {};
  Quantity usd_capex = {};
  std::string_view kind = {};
};

enum class ChipStatus : uint8_t { kShipping, kLegacy, kAnnounced, kProjected };
std::string_view Name(ChipStatus status);

struct ChipInfo {
  std::string_view id;    // "trainium3"
  std::string_view name;  // "AWS Trainium3 (Trn3)"
  std::string_view vendor;
  int year;
  std::string_view architecture = {};  // chips of one are alike: "Blackwell"
  // What its engine computes: rows of arithmetic.h by id, space separated.
  // Empty: none of them is known to be this chip's.
  std::string_view arithmetic = {};
  ChipStatus status = ChipStatus::kShipping;
  std::string_view process = {};
  std::span<const ChipPeak> peaks;
  ChipMemory memory = {};
  std::span<const ChipSram> sram = {};
  Quantity power_w = {};
  ChipClocks clocks = {};
  ChipEngine engine = {};
  ChipLink link = {};
  std::string_view numerics = {};  // formats in the vendor's words, rules
  std::string_view accumulation = {};
  std::string_view rounding = {};
  std::string_view note = {};
  std::span<const Price> prices = {};
  std::span<const Reference> alternatives = {};
  std::span<const Reference> citations = {};
  std::span<const Reference> claims = {};
};

// A system's published total of one of its chip's peaks.
struct SystemPeak {
  std::string_view label;  // of the chip's ChipPeak
  Quantity dense_pflops = {};
  Quantity sparse_pflops = {};
};

struct SystemInfo {
  std::string_view id;
  std::string_view name;
  std::string_view chip;  // id of a ChipInfo
  Quantity chips;
  ChipStatus status = ChipStatus::kShipping;
  std::span<const SystemPeak> peaks;
  Quantity memory_gib = {};
  Quantity memory_gbytes = {};
  Quantity memory_gbytes_per_s = {};
  Quantity network_gbits_per_s = {};  // out of the system
  Quantity power_w = {};
  std::string_view topology = {};
  std::string_view note = {};
  std::span<const Price> prices = {};
  std::span<const Reference> alternatives = {};
  std::span<const Reference> citations = {};
  std::span<const Reference> claims = {};
};

// All rows: chips by vendor, newest family last; systems likewise.
std::span<const ChipInfo> Chips();
std::span<const SystemInfo> Systems();

// The row with this id. Throws Error{kUnknownName} that lists every id.
const ChipInfo& Chip(std::string_view id);
const SystemInfo& System(std::string_view id);

}  // namespace zeroulp

#endif  // ZEROULP_CHIPS_H_
