// SPDX-License-Identifier: Apache-2.0
// PackedMatrix written as bytes and read back. No SIMD.
#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>

#include "kernels/packed_scratch.h"
#include "zeroulp/arithmetic.h"
#include "zeroulp/internal/check.h"
#include "zeroulp/packed.h"

namespace zeroulp {
namespace {

// Little-endian; formats by name: numbers of an enum are nobody's interface.
struct Header {
  char magic[8];
  uint32_t version, reserved;
  char format[12], scale_format[12];  // padded with zeros
  int64_t rows, cols, scale_block;
};
static_assert(sizeof(Header) == 64);
static_assert(std::endian::native == std::endian::little,
              "codes are written as they are in memory");
constexpr char kMagic[8] = {'z', 'u', 'p', 'a', 'c', 'k', 'e', 'd'};
constexpr uint32_t kVersion = 1;

constexpr bool NamesFit() {
  return std::all_of(kFormats.begin(), kFormats.end(),
                     [](const FormatInfo& f) { return f.name.size() <= 12; });
}
static_assert(NamesFit());

template <typename... Args>
[[noreturn]] void Refuse(fmt::format_string<Args...> why, Args&&... args) {
  internal::Fail(ErrorCode::kFile, "PackedMatrix::Deserialize: {}",
                 fmt::format(why, std::forward<Args>(args)...));
}

Format FormatNamed(const char (&name)[12]) {
  const std::string text(name, strnlen(name, sizeof(name)));
  for (const FormatInfo& f : kFormats) {
    if (f.name == text) return f.id;
  }
  Refuse("no number format is named '{}'", text);
}

// Sizes that memory could hold, before any other is computed from them.
void CheckHeader(const Header& h) {
  if (std::memcmp(h.magic, kMagic, sizeof(kMagic)) != 0) {
    Refuse("the bytes do not begin as a packed operand does");
  }
  if (h.version != kVersion || h.reserved != 0) {
    Refuse("version {} is not {}, the only one this library reads", h.version,
           kVersion);
  }
  constexpr int64_t kMax = int64_t{1} << 48;
  const auto possible = [](int64_t size) { return 0 <= size && size <= kMax; };
  if (!possible(h.rows) || !possible(h.cols) || !possible(h.scale_block) ||
      !internal::ProductFits(h.rows + PackedMatrix::kRows,
                             h.cols + PackedMatrix::kQuad, 8)) {
    Refuse("{}x{} elements with a scale for every {} cannot be", h.rows, h.cols,
           h.scale_block);
  }
}

void CheckFormats(const Header& h, Format format, Format scale_format) {
  const bool is_operand =
      std::any_of(kArith.begin(), kArith.end(), [=](const ArithInfo& row) {
        return row.a.contains(format) || row.b.contains(format);
      });
  if (!is_operand) {
    Refuse("{} is no format of a packed operand", Info(format).name);
  }
  constexpr FormatSet kScaleFormats = {Format::kE8M0FNU, Format::kUE4M3,
                                       Format::kF32};
  if (h.scale_block != 0 && !kScaleFormats.contains(scale_format)) {
    Refuse("the scales are {}: block scales may be {}", Info(scale_format).name,
           kScaleFormats.names());
  }
}

// Bytes of codes and scales, before memory is taken for them.
int64_t BodyBytes(const Header& h, Format format, Format scale_format) {
  const auto size = [](Format f) {
    return std::max<int64_t>(Info(f).storage_bits / 8, 1);
  };
  constexpr int64_t kRows = PackedMatrix::kRows, kQuad = PackedMatrix::kQuad;
  const int64_t groups = (h.rows + kRows - 1) / kRows;
  const int64_t quads = (h.cols * size(format) + kQuad - 1) / kQuad;
  const int64_t blocks =
      h.scale_block == 0 || h.cols == 0 ? 0 : (h.cols - 1) / h.scale_block + 1;
  return groups * kRows * (quads * kQuad + blocks * size(scale_format));
}

// Kernels read whole groups and quads, whose padding must not become NaN, and
// look up 4-bit codes without masking them. Bits above a 6-bit code, or below a
// tf32 one, are ignored everywhere.
void CheckCodes(const PackedMatrix& matrix) {
  const FormatInfo& f = Info(matrix.format());
  const int64_t bytes = PackedMatrix::kQuad / matrix.quad_cols();
  const uint32_t allowed = f.storage_bits == 4 ? 0xF : ~uint32_t{0};
  const int64_t cols = matrix.quads() * matrix.quad_cols();
  const uint8_t* at = matrix.data();
  for (int64_t g = 0; g < matrix.groups(); ++g) {
    for (int64_t first = 0; first < cols; first += matrix.quad_cols()) {
      for (int64_t r = 0; r < PackedMatrix::kRows; ++r) {
        const int64_t row = g * PackedMatrix::kRows + r;
        for (int64_t k = first; k < first + matrix.quad_cols(); ++k) {
          uint32_t code = 0;
          std::memcpy(&code, at, static_cast<size_t>(bytes));
          at += bytes;
          if ((code & ~allowed) != 0) {
            Refuse(
                "the code {:#x} at row {}, column {} has bits that {} has "
                "not",
                code, row, k, f.name);
          }
          if (code != 0 && (row >= matrix.rows() || k >= matrix.cols())) {
            Refuse("the code {:#x} at row {}, column {} is outside {}x{}", code,
                   row, k, matrix.rows(), matrix.cols());
          }
        }
      }
    }
  }
}

}  // namespace

std::vector<std::byte> PackedMatrix::Serialize() const {
  Header h = {};
  std::memcpy(h.magic, kMagic, sizeof(kMagic));
  h.version = kVersion;
  const auto name = [](Format format, char(&to)[12]) {
    const std::string_view text = Info(format).name;
    std::copy(text.begin(), text.end(), to);
  };
  name(format_, h.format);
  name(scale_block_ == 0 ? Format::kF32 : scale_format_, h.scale_format);
  h.rows = rows_;
  h.cols = cols_;
  h.scale_block = scale_block_;
  const auto codes = static_cast<size_t>(size_bytes());
  const auto scales = static_cast<size_t>(scale_bytes());
  std::vector<std::byte> bytes(sizeof(h) + codes + scales);
  std::memcpy(bytes.data(), &h, sizeof(h));
  std::memcpy(bytes.data() + sizeof(h), data_.get(), codes);
  std::memcpy(bytes.data() + sizeof(h) + codes, scales_.get(), scales);
  return bytes;
}

PackedMatrix PackedMatrix::Deserialize(std::span<const std::byte> bytes) {
  Header h;
  if (bytes.size() < sizeof(h)) {
    Refuse("{} bytes are shorter than a header of {}", bytes.size(), sizeof(h));
  }
  std::memcpy(&h, bytes.data(), sizeof(h));
  CheckHeader(h);
  const Format format = FormatNamed(h.format);
  const Format scale_format = FormatNamed(h.scale_format);
  CheckFormats(h, format, scale_format);
  const int64_t body = BodyBytes(h, format, scale_format);
  if (std::cmp_not_equal(bytes.size() - sizeof(h), body)) {
    Refuse("{}x{} {} take {} bytes after the header, got {}", h.rows, h.cols,
           Info(format).name, body, bytes.size() - sizeof(h));
  }
  kernels::PackedScratch packed(h.rows, h.cols, format, h.scale_block,
                                scale_format);
  const auto* from = reinterpret_cast<const uint8_t*>(bytes.data()) + sizeof(h);
  const int64_t codes = packed.matrix().size_bytes();
  std::copy_n(from, codes, packed.data());
  std::copy_n(from + codes, packed.matrix().scale_bytes(), packed.scales());
  CheckCodes(packed.matrix());
  return std::move(packed).Take();
}

}  // namespace zeroulp
