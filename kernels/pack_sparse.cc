// SPDX-License-Identifier: Apache-2.0
// PackedSparse: made, written and read back. No SIMD.
#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "zeroulp/internal/check.h"
#include "zeroulp/sparse.h"

namespace zeroulp {
namespace {

// What a serialised operand begins with, little-endian; the stored elements
// follow as a serialised PackedMatrix, then their positions as in memory.
struct Header {
  char magic[8];
  uint32_t version;
  uint16_t keep, group;
  int64_t stored_bytes;
};
static_assert(sizeof(Header) == 24);
constexpr char kMagic[8] = {'z', 'u', 's', 'p', 'a', 'r', 's', 'e'};
constexpr uint32_t kVersion = 1;

template <typename... Args>
[[noreturn]] void Refuse(fmt::format_string<Args...> why, Args&&... args) {
  internal::Fail(ErrorCode::kFile, "PackedSparse::Deserialize: {}",
                 fmt::format(why, std::forward<Args>(args)...));
}

void CheckHeader(const Header& h, size_t size) {
  if (std::memcmp(h.magic, kMagic, sizeof(kMagic)) != 0) {
    Refuse("the bytes do not begin as a packed sparse operand does");
  }
  if (h.version != kVersion) {
    Refuse("version {} is not {}, the only one this library reads", h.version,
           kVersion);
  }
  if (h.keep == 0 || h.group <= h.keep || h.group > 256) {
    Refuse(
        "sparsity {}:{}: keep must be positive and below group, group at "
        "most 256",
        h.keep, h.group);
  }
  if (h.stored_bytes < 0 || std::cmp_greater(h.stored_bytes, size)) {
    Refuse("stored elements of {} bytes, of which {} are there", h.stored_bytes,
           size);
  }
}

int64_t PositionBytes(const PackedMatrix& stored) {
  constexpr int64_t kQuad = PackedMatrix::kQuad;
  return stored.groups() * ((stored.cols() + kQuad - 1) / kQuad) * kQuad *
         PackedMatrix::kRows;
}

// Every one inside its group, and 0 where no element is.
void CheckPositions(const PackedMatrix& stored, int64_t group,
                    std::span<const uint8_t> positions) {
  constexpr int64_t kRows = PackedMatrix::kRows, kQuad = PackedMatrix::kQuad;
  const int64_t quads = (stored.cols() + kQuad - 1) / kQuad;
  for (int64_t i = 0; std::cmp_less(i, positions.size()); ++i) {
    const uint8_t position = positions[static_cast<size_t>(i)];
    const int64_t quad = i / (kRows * kQuad);
    const int64_t row = quad / quads * kRows + i / kQuad % kRows;
    const int64_t k = quad % quads * kQuad + i % kQuad;
    if (position >= group) {
      Refuse(
          "row {}, stored element {}: position {} is outside its group of "
          "{}",
          row, k, position, group);
    }
    if (position != 0 && (row >= stored.rows() || k >= stored.cols())) {
      Refuse("row {}, stored element {}: a position outside {}x{} elements",
             row, k, stored.rows(), stored.cols());
    }
  }
}

}  // namespace

PackedSparse PackSparse(const Operand& operand) {
  internal::CheckView("PackSparse", "the matrix", operand.codes);
  internal::CheckSparse("PackSparse", "the matrix", operand);
  PackedMatrix stored = Pack(Operand(operand.codes, operand.scales));
  constexpr int64_t kRows = PackedMatrix::kRows, kQuad = PackedMatrix::kQuad;
  const int64_t quads = (stored.cols() + kQuad - 1) / kQuad;
  std::vector<uint8_t> positions(
      static_cast<size_t>(stored.groups() * quads * kRows * kQuad));
  for (int64_t r = 0; r < stored.rows(); ++r) {
    uint8_t* to =
        positions.data() + (r / kRows * quads * kRows + r % kRows) * kQuad;
    for (int64_t k = 0; k < stored.cols(); ++k) {
      to[k / kQuad * kRows * kQuad + k % kQuad] =
          static_cast<uint8_t>(ReadCode(operand.index, r, k));
    }
  }
  return {std::move(stored), operand.sparsity, std::move(positions)};
}

std::vector<std::byte> PackedSparse::Serialize() const {
  const std::vector<std::byte> stored = stored_.Serialize();
  Header h = {};
  std::memcpy(h.magic, kMagic, sizeof(kMagic));
  h.version = kVersion;
  h.keep = static_cast<uint16_t>(sparsity_.keep);
  h.group = static_cast<uint16_t>(sparsity_.group);
  h.stored_bytes = static_cast<int64_t>(stored.size());
  std::vector<std::byte> bytes(sizeof(h) + stored.size() + positions_.size());
  std::memcpy(bytes.data(), &h, sizeof(h));
  std::memcpy(bytes.data() + sizeof(h), stored.data(), stored.size());
  std::memcpy(bytes.data() + sizeof(h) + stored.size(), positions_.data(),
              positions_.size());
  return bytes;
}

PackedSparse PackedSparse::Deserialize(std::span<const std::byte> bytes) {
  Header h;
  if (bytes.size() < sizeof(h)) {
    Refuse("{} bytes are shorter than a header of {}", bytes.size(), sizeof(h));
  }
  std::memcpy(&h, bytes.data(), sizeof(h));
  bytes = bytes.subspan(sizeof(h));
  CheckHeader(h, bytes.size());
  const auto stored_bytes = static_cast<size_t>(h.stored_bytes);
  PackedMatrix stored = PackedMatrix::Deserialize(bytes.first(stored_bytes));
  bytes = bytes.subspan(stored_bytes);
  if (stored.cols() % h.keep != 0 ||
      !internal::ProductFits(stored.rows() + 1, stored.cols() / h.keep + 1,
                             h.group)) {
    Refuse("{}x{} stored elements cannot have sparsity {}:{}", stored.rows(),
           stored.cols(), h.keep, h.group);
  }
  if (std::cmp_not_equal(bytes.size(), PositionBytes(stored))) {
    Refuse("{}x{} stored elements have {} bytes of positions, got {}",
           stored.rows(), stored.cols(), PositionBytes(stored), bytes.size());
  }
  const auto* from = reinterpret_cast<const uint8_t*>(bytes.data());
  std::vector<uint8_t> positions(from, from + bytes.size());
  CheckPositions(stored, h.group, positions);
  return {std::move(stored), {h.keep, h.group}, std::move(positions)};
}

}  // namespace zeroulp
