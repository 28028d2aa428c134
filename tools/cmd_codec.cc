// SPDX-License-Identifier: Apache-2.0
// encode, decode: raw streams of codes from and to little-endian binary32.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "tools/commands.h"
#include "tools/output.h"
#include "zeroulp/codec.h"
#include "zeroulp/view.h"

namespace zeroulp::cli {
namespace {

struct RoundingName {
  std::string_view name;
  Rounding rounding;
};
constexpr RoundingName kRoundings[] = {
    {"rne", Rounding::kNearestEven}, {"rz", Rounding::kTowardZero},
    {"rna", Rounding::kNearestAway}, {"ru", Rounding::kUp},
    {"rd", Rounding::kDown},         {"ra", Rounding::kAwayFromZero},
    {"odd", Rounding::kOdd},
};

Rounding RoundingArgument(std::string_view name) {
  std::string known;
  for (const RoundingName& row : kRoundings) {
    if (row.name == name) return row.rounding;
    known.append(" ").append(row.name);
  }
  throw Error(ErrorCode::kUnknownName,
              fmt::format("no rounding is named '{}'; known:{}", name, known));
}

Overflow OverflowArgument(std::string_view name) {
  if (name == "saturate") return Overflow::kSaturate;
  if (name == "ieee") return Overflow::kIeee;
  throw Error(
      ErrorCode::kUnknownName,
      fmt::format("no overflow rule is named '{}'; known: saturate ieee",
                  name));
}

struct Options {
  std::string format;
  std::string rounding = "rne", overflow = "saturate";
  bool packed = false;
};

// How many bits a code takes in the stream.
int StreamBits(const FormatInfo& format, bool packed) {
  if (packed && format.storage_bits != 4) {
    throw Error(ErrorCode::kArgument,
                fmt::format("--packed is for 4-bit formats, {} has {} bits",
                            format.name, format.bits));
  }
  return packed ? 4 : std::max(8, format.storage_bits);
}

// Reads up to `size` bytes of standard input; fewer only at its end.
size_t ReadInput(std::byte* data, size_t size) {
  size_t filled = 0;
  while (filled < size) {
    const ssize_t got = read(STDIN_FILENO, data + filled, size - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      throw Error(ErrorCode::kFile,
                  fmt::format("standard input cannot be read: {}",
                              std::strerror(errno)));
    }
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  return filled;
}

constexpr size_t kChunk = size_t{1} << 16;  // codes at a time

void WriteOutput(const void* data, size_t size) {
  std::fwrite(data, 1, size, stdout);  // main reports a failure
}

// The code at `index` of a stream without padding; unpacked 4-bit codes have a
// byte each, which is not a layout of view.h.
uint32_t GetCode(const FormatInfo& format, int bits,
                 std::span<const std::byte> codes, size_t index) {
  if (bits == 8) return std::to_integer<uint32_t>(codes[index]);
  return ReadCode({codes, format.id, 1, 1, 1}, 0, static_cast<int64_t>(index));
}
void PutCode(const FormatInfo& format, int bits, std::span<std::byte> codes,
             size_t index, uint32_t code) {
  if (bits == 8) {
    codes[index] = static_cast<std::byte>(code);
  } else {
    WriteCode({codes, format.id, 1, 1, 1}, 0, static_cast<int64_t>(index),
              code);
  }
}

// The length is known only at the end of the input, and output must not start
// before it is known to be right: codes are kept, a quarter of the input.
int Encode(const Options& options) {
  const FormatInfo& format = FormatArgument(options.format);
  const Rounding rounding = RoundingArgument(options.rounding);
  const Overflow overflow = OverflowArgument(options.overflow);
  const auto bits = static_cast<size_t>(StreamBits(format, options.packed));

  std::vector<std::byte> codes;
  const auto values = std::make_unique<float[]>(kChunk);
  size_t count = 0, got = 0;
  do {
    got = ReadInput(reinterpret_cast<std::byte*>(values.get()), 4 * kChunk);
    codes.resize(((count + got / 4) * bits + 7) / 8);
    for (size_t i = 0; i < got / 4; ++i) {
      const uint32_t code =
          zeroulp::Encode(format, values[i], rounding, overflow);
      PutCode(format, static_cast<int>(bits), codes, count + i, code);
    }
    count += got / 4;
  } while (got == 4 * kChunk);
  if (got % 4 != 0) {
    throw Error(ErrorCode::kArgument,
                fmt::format("encode: the input has {} bytes, which is no "
                            "multiple of 4, the size of a float32",
                            4 * count + got % 4));
  }
  if (options.packed && count % 2 != 0) {
    throw Error(ErrorCode::kArgument,
                fmt::format("encode: --packed takes an even number of values, "
                            "the input has {}",
                            count));
  }
  WriteOutput(codes.data(), codes.size());
  return kOk;
}

std::vector<std::byte> ReadAllInput() {
  std::vector<std::byte> bytes;
  size_t size = 0, got = 0;
  do {
    bytes.resize(2 * size + kChunk);
    got = ReadInput(bytes.data() + size, bytes.size() - size);
    size += got;
  } while (size == bytes.size());
  bytes.resize(size);
  return bytes;
}

void CheckCodes(const FormatInfo& format, int bits,
                std::span<const std::byte> codes) {
  const auto code_bytes = static_cast<size_t>(std::max(bits, 8) / 8);
  if (codes.size() % code_bytes != 0) {
    throw Error(ErrorCode::kArgument,
                fmt::format("decode: the input has {} bytes, which is no "
                            "multiple of {}, the size of a {} code",
                            codes.size(), code_bytes, format.name));
  }
  if (bits != 8 || format.bits >= 7) return;  // ue4m3 ignores bit 7
  for (size_t i = 0; i < codes.size(); ++i) {
    const auto code = std::to_integer<uint32_t>(codes[i]);
    if (code < format.num_codes()) continue;
    throw Error(
        ErrorCode::kArgument,
        fmt::format("decode: byte {} is 0x{:02x}, {} codes end at "
                    "0x{:x}{}",
                    i, code, format.name, format.num_codes() - 1,
                    format.bits == 4 ? "; is the input --packed?" : ""));
  }
}

int Decode(const Options& options) {
  const FormatInfo& format = FormatArgument(options.format);
  const int bits = StreamBits(format, options.packed);
  const std::vector<std::byte> codes = ReadAllInput();
  CheckCodes(format, bits, codes);
  const size_t count = codes.size() * 8 / static_cast<size_t>(bits);
  std::vector<float> values;
  values.reserve(kChunk);
  for (size_t i = 0; i < count; ++i) {
    values.push_back(zeroulp::Decode(format, GetCode(format, bits, codes, i)));
    if (values.size() == kChunk || i + 1 == count) {
      WriteOutput(values.data(), 4 * values.size());
      values.clear();
    }
  }
  return kOk;
}

void AddPacked(CLI::App& command, Options& options) {
  command.add_flag(
      "--packed", options.packed,
      "4-bit formats: two codes a byte, the first in the low half");
}

}  // namespace

void AddEncode(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "encode",
      "float32 from standard input to codes on standard output, one a byte");
  const auto options = std::make_shared<Options>();
  command->add_option("--to", options->format, "number format")->required();
  command
      ->add_option("--rounding", options->rounding,
                   "rne, rz, rna, ru, rd, ra or odd")
      ->capture_default_str();
  command
      ->add_option("--overflow", options->overflow,
                   "saturate, or ieee for infinity or NaN")
      ->capture_default_str();
  AddPacked(*command, *options);
  command->callback(
      [options, &action] { action = [options] { return Encode(*options); }; });
}

void AddDecode(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "decode", "codes from standard input to float32 on standard output");
  const auto options = std::make_shared<Options>();
  command->add_option("--from", options->format, "number format")->required();
  AddPacked(*command, *options);
  command->callback(
      [options, &action] { action = [options] { return Decode(*options); }; });
}

}  // namespace zeroulp::cli
