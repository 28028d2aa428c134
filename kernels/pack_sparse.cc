// SPDX-License-Identifier: Apache-2.0
// PackedSparse: made, written and read back. No SIMD.
#include <algorithm>
#include <cstring>
#include <string>

#include "kernels/packed_scratch.h"
#include "zeroulp/internal/check.h"
#include "zeroulp/sparse.h"

namespace zeroulp {
namespace {

// What a serialised operand begins with; its codes, scales and positions follow
// as they are in memory. Little-endian, formats by name: numbers of an enum are
// nobody's interface.
struct Header {
  char magic[8];
  uint32_t version;
  uint16_t keep, group;
  char format[16], scale_format[16];  // padded with zeros
  int64_t rows, stored_cols, scale_block;
};
static_assert(sizeof(Header) == 72);
constexpr char kMagic[8] = {'z', 'u', 's', 'p', 'a', 'r', 's', 'e'};
constexpr uint32_t kVersion = 1;

template <typename... Args>
[[noreturn]] void Refuse(fmt::format_string<Args...> why, Args&&... args) {
  internal::Fail(ErrorCode::kFile, "PackedSparse::Deserialize: {}",
                 fmt::format(why, std::forward<Args>(args)...));
}

Format FormatNamed(const char (&name)[16]) {
  const std::string text(name, strnlen(name, sizeof(name)));
  for (const FormatInfo& f : kFormats) {
    if (f.name == text) return f.id;
  }
  Refuse("no number format is named '{}'", text);
}

void CheckHeader(const Header& h) {
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
  // Bounds of what a matrix can be before any size is computed from it.
  constexpr int64_t kMax = int64_t{1} << 48;
  if (h.rows < 0 || h.rows > kMax || h.stored_cols < 0 ||
      h.stored_cols > kMax || h.stored_cols % h.keep != 0 ||
      h.scale_block < 0 ||
      !internal::ProductFits(h.rows + PackedMatrix::kRows,
                             h.stored_cols + PackedMatrix::kQuad, 16)) {
    Refuse(
        "{}x{} stored elements with sparsity {}:{} and a scale for every {} "
        "cannot be",
        h.rows, h.stored_cols, h.keep, h.group, h.scale_block);
  }
}

int64_t PositionBytes(int64_t groups, int64_t stored_cols) {
  constexpr int64_t kQuad = PackedMatrix::kQuad;
  return groups * ((stored_cols + kQuad - 1) / kQuad) * kQuad *
         PackedMatrix::kRows;
}

// Bytes of the three parts, before memory is taken for them.
int64_t BodyBytes(const Header& h, Format format, Format scale_format) {
  const auto size = [](Format f) {
    return std::max<int64_t>(Info(f).storage_bits / 8, 1);
  };
  constexpr int64_t kRows = PackedMatrix::kRows, kQuad = PackedMatrix::kQuad;
  const int64_t groups = (h.rows + kRows - 1) / kRows;
  const int64_t codes = (h.stored_cols * size(format) + kQuad - 1) / kQuad *
                        kQuad * kRows * groups;
  const int64_t blocks =
      h.scale_block == 0 ? 0 : (h.stored_cols - 1) / h.scale_block + 1;
  return codes + groups * blocks * kRows * size(scale_format) +
         PositionBytes(groups, h.stored_cols);
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
  Header h = {};
  std::memcpy(h.magic, kMagic, sizeof(kMagic));
  h.version = kVersion;
  h.keep = static_cast<uint16_t>(sparsity_.keep);
  h.group = static_cast<uint16_t>(sparsity_.group);
  const auto name = [](Format format, char(&to)[16]) {
    const std::string_view text = Info(format).name;
    std::copy(text.begin(), text.end(), to);
  };
  name(format(), h.format);
  name(stored_.scale_format(), h.scale_format);
  h.rows = rows();
  h.stored_cols = stored_.cols();
  h.scale_block = stored_.scale_block();
  std::vector<std::byte> bytes(sizeof(h));
  std::memcpy(bytes.data(), &h, sizeof(h));
  const auto append = [&](const uint8_t* from, int64_t size) {
    const auto part = std::as_bytes(std::span(from, static_cast<size_t>(size)));
    bytes.insert(bytes.end(), part.begin(), part.end());
  };
  append(stored_.data(), stored_.size_bytes());
  append(stored_.scales(), stored_.scale_bytes());
  append(positions_.data(), static_cast<int64_t>(positions_.size()));
  return bytes;
}

PackedSparse PackedSparse::Deserialize(std::span<const std::byte> bytes) {
  Header h;
  if (bytes.size() < sizeof(h)) {
    Refuse("{} bytes are shorter than a header of {}", bytes.size(), sizeof(h));
  }
  std::memcpy(&h, bytes.data(), sizeof(h));
  CheckHeader(h);
  const Format format = FormatNamed(h.format);
  const Format scale_format = FormatNamed(h.scale_format);
  const int64_t body = BodyBytes(h, format, scale_format);
  if (std::cmp_not_equal(bytes.size() - sizeof(h), body)) {
    Refuse("{}x{} stored elements take {} bytes after the header, got {}",
           h.rows, h.stored_cols, body, bytes.size() - sizeof(h));
  }
  kernels::PackedScratch stored(h.rows, h.stored_cols, format, h.scale_block,
                                scale_format);
  const auto* from = reinterpret_cast<const uint8_t*>(bytes.data()) + sizeof(h);
  const auto take = [&](int64_t size, uint8_t* to) {
    std::copy_n(from, size, to);
    from += size;
  };
  take(stored.matrix().size_bytes(), stored.data());
  take(stored.matrix().scale_bytes(), stored.scales());
  const FormatInfo& f = Info(format);
  const uint8_t* codes = stored.matrix().data();
  if (f.bits < 8 &&
      std::any_of(codes, codes + stored.matrix().size_bytes(),
                  [&](uint8_t code) { return code >> f.bits != 0; })) {
    Refuse("a code has more than the {} bits of {}", f.bits, f.name);
  }
  const int64_t groups = stored.matrix().groups();
  std::vector<uint8_t> positions(from,
                                 from + PositionBytes(groups, h.stored_cols));
  if (std::any_of(positions.begin(), positions.end(),
                  [&](uint8_t position) { return position >= h.group; })) {
    Refuse("a position is outside its group of {}", h.group);
  }
  return {std::move(stored).Take(), {h.keep, h.group}, std::move(positions)};
}

}  // namespace zeroulp
