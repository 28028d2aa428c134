// SPDX-License-Identifier: Apache-2.0
// encode, decode: raw streams of codes from and to little-endian floats.
#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "tools/commands.h"
#include "tools/output.h"
#include "tools/rounding.h"
#include "tools/stream.h"
#include "zeroulp/conventions.h"
#include "zeroulp/convert.h"
#include "zeroulp/random.h"
#include "zeroulp/view.h"

namespace zeroulp::cli {
namespace {

// Elements at a time: a multiple of four, so that a chunk starts with a Philox
// block, and with a word of every random layout.
constexpr int64_t kChunk = int64_t{1} << 20;

struct EncodeArguments {
  std::string format, dtype = "f32";
  std::string overflow = "saturate", preset, random_layout = "element";
  RoundingArguments rounding;
  int threads = 0;
  bool packed = false;
};

struct DecodeArguments {
  std::string format, dtype = "f32";
  int threads = 0;
  bool packed = false;
};

Overflow OverflowArgument(std::string_view name) {
  if (name == "saturate") return Overflow::kSaturate;
  if (name == "ieee") return Overflow::kIeee;
  throw Error(
      ErrorCode::kUnknownName,
      fmt::format("no overflow rule is named '{}'; known: saturate ieee",
                  name));
}

const FormatInfo& FloatArgument(std::string_view name) {
  for (const Format id : {Format::kF32, Format::kF16, Format::kBF16}) {
    const FormatInfo& format = Info(id);
    if (name == format.name || internal::ListContains(format.aliases, name)) {
      return format;
    }
  }
  throw Error(ErrorCode::kUnknownName,
              fmt::format("no float is named '{}'; known: f32 f16 bf16", name));
}

// A format as a stream of elements: one a byte at least, or packed.
struct StreamFormat {
  const FormatInfo& format;
  bool packed;

  StreamFormat(const FormatInfo& info, bool is_packed)
      : format(info), packed(is_packed) {
    if (packed && format.storage_bits != 4) {
      throw Error(ErrorCode::kArgument,
                  fmt::format("--packed is for 4-bit formats, {} has {} bits",
                              format.name, format.bits));
    }
  }

  // 4-bit codes with a byte each, which is no layout of view.h.
  bool spread() const { return format.storage_bits == 4 && !packed; }
  // Of the smallest piece that makes sense alone.
  size_t unit_bytes() const {
    return static_cast<size_t>(std::max(8, format.storage_bits) / 8);
  }
  size_t Bytes(int64_t elements) const {
    const auto count = static_cast<size_t>(elements);
    return packed ? (count + 1) / 2 : count * unit_bytes();
  }
  int64_t Elements(size_t bytes) const {
    return static_cast<int64_t>(packed ? 2 * bytes : bytes / unit_bytes());
  }
};

std::vector<std::byte> Buffer(const FormatInfo& format) {
  return std::vector<std::byte>(
      static_cast<size_t>(kChunk * format.storage_bits / 8));
}

MatrixView RowView(std::span<std::byte> bytes, Format format, int64_t count) {
  return {bytes, format, 1, count, DenseStride(format, count)};
}

void SpreadNibbles(std::span<const std::byte> packed,
                   std::span<std::byte> codes) {
  for (size_t i = 0; i < codes.size(); ++i) {
    codes[i] = (packed[i / 2] >> (4 * (i % 2))) & std::byte{0x0F};
  }
}

void JoinNibbles(std::span<const std::byte> codes,
                 std::span<std::byte> packed) {
  for (size_t i = 0; i + 1 < codes.size(); i += 2) {
    packed[i / 2] = codes[i] | (codes[i + 1] << 4);
  }
  if (codes.size() % 2 != 0) packed[codes.size() / 2] = codes.back();
}

void CheckWhole(std::string_view command, uint64_t bytes, size_t unit,
                std::string_view what) {
  if (bytes % unit == 0) return;
  throw Error(ErrorCode::kArgument,
              fmt::format("{}: the input has {} bytes, which is no multiple "
                          "of {}, the size of a {}",
                          command, bytes, unit, what));
}

// The words that elements [first, first + count) of the stream draw from, so
// that where chunks end does not matter.
void FillWords(uint64_t seed, uint64_t first, std::span<uint32_t> words) {
  for (size_t i = 0; i < words.size(); i += 4) {
    const uint64_t block = (first + i) / 4;
    const auto four = Philox4x32(
        {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0,
         0},
        {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
    std::copy_n(four.begin(), std::min<size_t>(4, words.size() - i),
                words.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

// Encodes pieces of a stream of floats.
class Encoder {
 public:
  Encoder(const FormatInfo& from, const StreamFormat& to,
          const EncodeArguments& arguments)
      : from_(from), to_(to) {
    options_.threads = arguments.threads;
    const Rounding rounding = arguments.rounding.Check("encode");
    options_.rules =
        arguments.preset.empty()
            ? EncodeRules{rounding, OverflowArgument(arguments.overflow), {}}
            : ConventionRules(arguments.preset, to.format.id, rounding);
    if (rounding == Rounding::kStochastic) {
      seed_ = *arguments.rounding.seed;
      layout_ = &FindRandomLayout(arguments.random_layout, to.format.id);
      options_.random.layout = layout_->name;
      words_.resize(kChunk);
    } else if (arguments.random_layout != "element") {
      throw Error(ErrorCode::kArgument,
                  "--random-layout is for --rounding sr alone");
    }
    codes_ = Buffer(to.format);
    if (to.spread()) spread_.resize(kChunk);
    // What the library refuses, it refuses before anything is written.
    if (!by_scalar()) {
      std::byte value[4] = {};
      Convert(RowView(value, from_.id, 1), 0);
    }
  }

  std::span<const std::byte> operator()(std::span<std::byte> values,
                                        int64_t count, uint64_t first) {
    const ConstMatrixView source = RowView(values, from_.id, count);
    by_scalar() ? ConvertByScalar(source) : Convert(source, first);
    if (!to_.spread()) return {codes_.data(), to_.Bytes(count)};
    const std::span spread(spread_.data(), static_cast<size_t>(count));
    SpreadNibbles(codes_, spread);
    return spread;
  }

 private:
  // A format to itself: the vector kernels leave it to the scalar codec.
  bool by_scalar() const {
    return to_.format.id == Format::kF32 || to_.format.id == from_.id;
  }

  void Convert(const ConstMatrixView& source, uint64_t first) {
    if (layout_ != nullptr) {
      const auto elements = static_cast<uint64_t>(layout_->elements);
      const auto count = static_cast<uint64_t>(source.cols);
      const std::span words(words_.data(), (count + elements - 1) / elements);
      FillWords(seed_, first / elements, words);
      options_.random.words = words;
    }
    Encode(source, RowView(codes_, to_.format.id, source.cols), options_);
  }

  void ConvertByScalar(const ConstMatrixView& source) {
    const MatrixView codes = RowView(codes_, to_.format.id, source.cols);
    for (int64_t i = 0; i < source.cols; ++i) {
      const float value = Decode(from_, ReadCode(source, 0, i));
      WriteCode(codes, 0, i, Encode(to_.format.id, value, options_.rules));
    }
  }

  const FormatInfo& from_;
  const StreamFormat& to_;
  EncodeOptions options_;
  uint64_t seed_ = 0;
  const RandomLayout* layout_ = nullptr;  // of stochastic rounding alone
  std::vector<uint32_t> words_;
  std::vector<std::byte> codes_, spread_;
};

// Whether the input is good is known at its end, but nothing may be written if
// it is not: codes are held back, unless the length is known beforehand.
int EncodeCommand(const EncodeArguments& arguments) {
  const FormatInfo& from = FloatArgument(arguments.dtype);
  const StreamFormat to(FormatArgument(arguments.format), arguments.packed);
  Encoder encoder(from, to, arguments);

  const auto size = static_cast<size_t>(from.storage_bits / 8);
  const auto check = [&](uint64_t bytes) {
    CheckWhole("encode", bytes, size,
               from.id == Format::kF32    ? "float32"
               : from.id == Format::kBF16 ? "bfloat16"
                                          : "float16");
    if (arguments.packed && bytes / size % 2 != 0) {
      throw Error(ErrorCode::kArgument,
                  fmt::format("encode: --packed takes an even number of "
                              "values, the input has {}",
                              bytes / size));
    }
  };
  const std::optional<int64_t> known = InputBytes();
  if (known) check(static_cast<uint64_t>(*known));

  OutputStream output(!known.has_value());
  std::vector<std::byte> values = Buffer(from);
  uint64_t total = 0;
  for (size_t got = values.size(); got == values.size(); total += got) {
    got = ReadInput(values);
    const auto count = static_cast<int64_t>(got / size);
    if (count > 0) output.Write(encoder(values, count, total / size));
  }
  check(total);  // once more: a file may change while it is read
  output.Commit();
  return kOk;
}

void CheckCodes(const FormatInfo& format, std::span<const std::byte> codes,
                uint64_t first) {
  for (size_t i = 0; i < codes.size(); ++i) {
    const auto code = std::to_integer<uint32_t>(codes[i]);
    if (code < format.num_codes()) continue;
    throw Error(
        ErrorCode::kArgument,
        fmt::format("decode: byte {} is 0x{:02x}, {} codes end at "
                    "0x{:x}{}",
                    first + i, code, format.name, format.num_codes() - 1,
                    format.bits == 4 ? "; is the input --packed?" : ""));
  }
}

void DecodeChunk(const ConstMatrixView& codes, const MatrixView& values,
                 int threads) {
  if (codes.format == Format::kF32 && values.format == Format::kF32) {
    for (int64_t i = 0; i < codes.cols; ++i) {
      const float value = Decode(Format::kF32, ReadCode(codes, 0, i));
      WriteCode(values, 0, i, std::bit_cast<uint32_t>(value));
    }
    return;
  }
  Decode(codes, values, {.threads = threads});
}

int DecodeCommand(const DecodeArguments& arguments) {
  const StreamFormat from(FormatArgument(arguments.format), arguments.packed);
  const FormatInfo& to = FloatArgument(arguments.dtype);
  std::vector<std::byte> values = Buffer(to);
  {  // what the library refuses, it refuses before anything is written
    std::byte code[4] = {};
    DecodeChunk(RowView(code, from.format.id, 1), RowView(values, to.id, 1), 1);
  }
  // ue4m3 ignores bit 7
  const bool any_byte_is_good = arguments.packed || from.format.bits >= 7;
  const std::optional<int64_t> known = InputBytes();
  const auto check = [&](uint64_t bytes) {
    CheckWhole("decode", bytes, from.unit_bytes(),
               fmt::format("{} code", from.format.name));
  };
  if (known) check(static_cast<uint64_t>(*known));

  OutputStream output(!any_byte_is_good || (!known && from.unit_bytes() > 1));
  std::vector<std::byte> codes(from.Bytes(kChunk));
  std::vector<std::byte> packed = Buffer(from.format);
  uint64_t total = 0;
  for (size_t got = codes.size(); got == codes.size(); total += got) {
    got = ReadInput(codes);
    const std::span bytes(codes.data(), got);
    if (!any_byte_is_good) CheckCodes(from.format, bytes, total);
    if (from.spread()) JoinNibbles(bytes, packed);
    const int64_t count = from.Elements(got);
    if (count == 0) continue;
    DecodeChunk(RowView(from.spread() ? packed : codes, from.format.id, count),
                RowView(values, to.id, count), arguments.threads);
    output.Write(
        {values.data(), static_cast<size_t>(count * to.storage_bits / 8)});
  }
  check(total);
  output.Commit();
  return kOk;
}

void AddPacked(CLI::App& command, bool& packed) {
  command.add_flag(
      "--packed", packed,
      "4-bit formats: two codes a byte, the first in the low half");
}

}  // namespace

void AddEncode(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "encode",
      "floats from standard input to codes on standard output, one a byte");
  const auto options = std::make_shared<EncodeArguments>();
  command->add_option("--to", options->format, "number format")->required();
  command
      ->add_option("--from-dtype", options->dtype,
                   "of the input: f32, f16 or bf16")
      ->capture_default_str();
  options->rounding.Add(*command, "rne, rz, rna, ru, rd, ra, odd, or sr");
  CLI::Option* overflow =
      command
          ->add_option("--overflow", options->overflow,
                       "saturate, or ieee for infinity or NaN")
          ->capture_default_str();
  command
      ->add_option("--preset", options->preset,
                   "overflow and NaN codes as a vendor or library has them: "
                   "nvidia, ocp, ml_dtypes, ...")
      ->excludes(overflow);
  command
      ->add_option("--random-layout", options->random_layout,
                   "which bits of which random word an element takes")
      ->capture_default_str();
  AddPacked(*command, options->packed);
  AddThreads(*command, options->threads);
  command->callback([options, &action] {
    action = [options] { return EncodeCommand(*options); };
  });
}

void AddDecode(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "decode", "codes from standard input to floats on standard output");
  const auto options = std::make_shared<DecodeArguments>();
  command->add_option("--from", options->format, "number format")->required();
  command
      ->add_option("--to-dtype", options->dtype,
                   "of the output: f32, f16 or bf16")
      ->capture_default_str();
  AddPacked(*command, options->packed);
  AddThreads(*command, options->threads);
  command->callback([options, &action] {
    action = [options] { return DecodeCommand(*options); };
  });
}

}  // namespace zeroulp::cli
