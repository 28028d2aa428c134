// SPDX-License-Identifier: Apache-2.0
#include "tools/record/conversions.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "tools/record/random_codes.h"
#include "zeroulp/codec.h"
#include "zeroulp/safetensors.h"

namespace zeroulp::record {
namespace {

constexpr std::string_view kKey = "zeroulp.conversion", kVersion = "1",
                           kSourceKey = "zeroulp.source_format",
                           kTargetKey = "zeroulp.target",
                           kConventionKey = "zeroulp.convention",
                           kRoundingKey = "zeroulp.rounding",
                           kLayoutKey = "zeroulp.layout";

constexpr std::string_view kDocumented = "conversions: documented, no words";
constexpr std::string_view kRandomBits =
    "conversions: which random bits round which element";

constexpr Rounding kRne = Rounding::kNearestEven, kRz = Rounding::kTowardZero,
                   kRs = Rounding::kStochastic;
constexpr std::string_view kSat = "nvidia", kNosat = "nvidia-nosat",
                           kLayout = "nvidia.cvt.rs";

// clang-format off
constexpr ConversionForm kForms[] = {
    {"cvt.e4m3fn.f32", "cvt.rn.satfinite.e4m3x2.f32", Format::kF32, Format::kE4M3FN, kSat, kRne, "", 2, 8, Chip::kAda, true, kDocumented},
    {"cvt.e5m2.f32",   "cvt.rn.satfinite.e5m2x2.f32", Format::kF32, Format::kE5M2,   kSat, kRne, "", 2, 8, Chip::kAda, true, kDocumented},
    {"cvt.e4m3fn.f16", "cvt.rn.satfinite.e4m3x2.f16x2", Format::kF16, Format::kE4M3FN, kSat, kRne, "", 2, 8, Chip::kAda, true, kDocumented},
    {"cvt.e5m2.f16",   "cvt.rn.satfinite.e5m2x2.f16x2", Format::kF16, Format::kE5M2,   kSat, kRne, "", 2, 8, Chip::kAda, true, kDocumented},
    {"cvt.f16.e4m3fn", "cvt.rn.f16x2.e4m3x2", Format::kE4M3FN, Format::kF16, kNosat, kRne, "", 2, 16, Chip::kAda, true, kDocumented},
    {"cvt.f16.e5m2",   "cvt.rn.f16x2.e5m2x2", Format::kE5M2,   Format::kF16, kNosat, kRne, "", 2, 16, Chip::kAda, true, kDocumented},
    {"cvt.f16.f32",      "cvt.rn.f16.f32",  Format::kF32, Format::kF16,  kNosat, kRne, "", 1, 16, Chip::kAda, true, kDocumented},
    {"cvt.f16.f32.rz",   "cvt.rz.f16.f32",  Format::kF32, Format::kF16,  kNosat, kRz,  "", 1, 16, Chip::kAda, true, kDocumented},
    {"cvt.f16.f32.sat",  "cvt.rn.satfinite.f16.f32",  Format::kF32, Format::kF16,  kSat, kRne, "", 1, 16, Chip::kAda, true, kDocumented},
    {"cvt.bf16.f32",     "cvt.rn.bf16.f32", Format::kF32, Format::kBF16, kNosat, kRne, "", 1, 16, Chip::kAda, true, kDocumented},
    {"cvt.bf16.f32.rz",  "cvt.rz.bf16.f32", Format::kF32, Format::kBF16, kNosat, kRz,  "", 1, 16, Chip::kAda, true, kDocumented},
    {"cvt.bf16.f32.sat", "cvt.rn.satfinite.bf16.f32", Format::kF32, Format::kBF16, kSat, kRne, "", 1, 16, Chip::kAda, true, kDocumented},
    {"cvt.e2m3fn.f32", "cvt.rn.satfinite.e2m3x2.f32", Format::kF32, Format::kE2M3FN, kSat, kRne, "", 2, 8, Chip::kBlackwell, true, kDocumented},
    {"cvt.e3m2fn.f32", "cvt.rn.satfinite.e3m2x2.f32", Format::kF32, Format::kE3M2FN, kSat, kRne, "", 2, 8, Chip::kBlackwell, true, kDocumented},
    {"cvt.e2m1fn.f32", "cvt.rn.satfinite.e2m1x2.f32", Format::kF32, Format::kE2M1FN, kSat, kRne, "", 2, 4, Chip::kBlackwell, true, kDocumented},
    {"cvt.rs.f16.f32",    "cvt.rs.f16x2.f32",  Format::kF32, Format::kF16,  kNosat, kRs, kLayout, 2, 16, Chip::kBlackwell, false, kRandomBits},
    {"cvt.rs.bf16.f32",   "cvt.rs.bf16x2.f32", Format::kF32, Format::kBF16, kNosat, kRs, kLayout, 2, 16, Chip::kBlackwell, false, kRandomBits},
    {"cvt.rs.e4m3fn.f32", "cvt.rs.satfinite.e4m3x4.f32", Format::kF32, Format::kE4M3FN, kSat, kRs, kLayout, 4, 8, Chip::kBlackwell, false, kRandomBits},
    {"cvt.rs.e5m2.f32",   "cvt.rs.satfinite.e5m2x4.f32", Format::kF32, Format::kE5M2,   kSat, kRs, kLayout, 4, 8, Chip::kBlackwell, false, kRandomBits},
    {"cvt.rs.e2m3fn.f32", "cvt.rs.satfinite.e2m3x4.f32", Format::kF32, Format::kE2M3FN, kSat, kRs, kLayout, 4, 8, Chip::kBlackwell, false, kRandomBits},
    {"cvt.rs.e3m2fn.f32", "cvt.rs.satfinite.e3m2x4.f32", Format::kF32, Format::kE3M2FN, kSat, kRs, kLayout, 4, 8, Chip::kBlackwell, false, kRandomBits},
    {"cvt.rs.e2m1fn.f32", "cvt.rs.satfinite.e2m1x4.f32", Format::kF32, Format::kE2M1FN, kSat, kRs, kLayout, 4, 4, Chip::kBlackwell, false, kRandomBits},
};
// clang-format on

uint32_t Bits(float value) { return std::bit_cast<uint32_t>(value); }

// The value of a code, the half-way point to the next, and the neighbours of
// both in binary32, with either sign.
void AddEdges(const FormatInfo& target, std::vector<uint32_t>& words) {
  // Wide targets have too many codes: every 61st reaches all exponents.
  const uint32_t stride = target.bits > 8 ? 61 : 1;
  std::vector<uint32_t> codes = {target.max_code()};
  for (uint32_t i = 0; i < target.max_code(); i += stride) codes.push_back(i);
  for (const uint32_t code : codes) {
    const float value = Decode(target, code);
    // Beyond the largest the spacing goes on.
    const float next = code < target.max_code()
                           ? Decode(target, code + 1)
                           : 2 * value - Decode(target, code - 1);
    for (const float edge : {value, value + (next - value) / 2}) {
      for (const uint32_t word : {Bits(edge) - 1, Bits(edge), Bits(edge) + 1}) {
        if (Bits(edge) == 0 && word == Bits(edge) - 1) continue;
        words.push_back(word);
        words.push_back(word | 0x80000000u);
      }
    }
  }
}

void AddSpecials(std::vector<uint32_t>& words) {
  for (const uint32_t word :
       {0x7F800000u, 0x7F800001u, 0x7FC00000u, 0x7FFFFFFFu, 0x7F7FFFFFu,
        0x00000001u, 0x007FFFFFu, 0x00800000u}) {
    words.push_back(word);
    words.push_back(word | 0x80000000u);
  }
}

// Random words: a quarter over all of binary32, the others near the target.
void AddRandom(const FormatInfo& target, int count, RandomCodes& random,
               std::vector<uint32_t>& words) {
  const FormatInfo& f32 = zeroulp::Info(Format::kF32);
  for (int i = 0; i < count; ++i) {
    words.push_back(random.OneIn(4) ? random.Word()
                                    : random.WithExponent(
                                          f32, target.min_ulp_exponent() - 2,
                                          MaxExponent(target) + 1));
  }
}

constexpr int kRandomSources = 4096;

std::vector<uint32_t> Sources(const ConversionForm& form, RandomCodes& random) {
  const FormatInfo& source = zeroulp::Info(form.source);
  const FormatInfo& target = zeroulp::Info(form.target);
  std::vector<uint32_t> words;
  if (source.bits <= 16) {
    for (uint32_t code = 0; code < source.num_codes(); ++code) {
      words.push_back(code);
    }
    return words;
  }
  AddEdges(target, words);
  AddSpecials(words);
  AddRandom(target, kRandomSources, random, words);
  while (words.size() % static_cast<size_t>(form.per_call) != 0) {
    words.push_back(0);
  }
  return words;
}

Dtype DtypeOf(const FormatInfo& f) {
  return f.bits < 8 ? Dtype::kU8 : FindDtype(f.safetensors).id;
}

// Words of `bits` bits as they lie in memory, and back.
std::vector<std::byte> Pack(const std::vector<uint32_t>& words, int bits) {
  const auto size = static_cast<size_t>(bits / 8);
  std::vector<std::byte> bytes(words.size() * size);
  for (size_t i = 0; i < words.size(); ++i) {
    std::memcpy(bytes.data() + i * size, &words[i], size);
  }
  return bytes;
}
std::vector<uint32_t> Unpack(const std::vector<std::byte>& bytes, int bits) {
  const auto size = static_cast<size_t>(bits / 8);
  std::vector<uint32_t> words(bytes.size() / size);
  for (size_t i = 0; i < words.size(); ++i) {
    std::memcpy(&words[i], bytes.data() + i * size, size);
  }
  return words;
}

TensorInfo TensorOf(std::string_view name, Dtype dtype, size_t count) {
  TensorInfo info;
  info.name = name;
  info.dtype = dtype;
  info.shape = {static_cast<int64_t>(count)};
  return info;
}

// The code that a row of conventions gives for element i.
class Expected {
 public:
  explicit Expected(const SafetensorsFile& file)
      : source_(FindFormat(Get(file, kSourceKey))),
        target_(FindFormat(Get(file, kTargetKey))),
        rules_(ConventionRules(Get(file, kConventionKey), target_.id,
                               FindRounding(Get(file, kRoundingKey)))) {
    if (rules_.rounding == kRs) {
      layout_ = &FindRandomLayout(Get(file, kLayoutKey), target_.id);
    }
  }

  const FormatInfo& source() const { return source_; }
  const FormatInfo& target() const { return target_; }
  // Elements that share a random word; 0: no random words.
  int elements() const { return layout_ == nullptr ? 0 : layout_->elements; }

  uint32_t Code(size_t i, uint32_t word,
                const std::vector<uint32_t>& random) const {
    RandomBits bits;
    if (layout_ != nullptr) {
      const auto elements = static_cast<size_t>(layout_->elements);
      bits.bits = random[i / elements] >> layout_->shifts[i % elements];
      bits.width = layout_->width;
    }
    return Encode(target_.id, Decode(source_, word), rules_, bits);
  }

 private:
  static std::string_view Get(const SafetensorsFile& file,
                              std::string_view key) {
    const auto at = file.metadata().find(key);
    if (at != file.metadata().end()) return at->second;
    throw Error(ErrorCode::kFile,
                fmt::format("{}: metadata {} is missing", file.path(), key));
  }

  const FormatInfo &source_, &target_;
  const EncodeRules rules_;
  const RandomLayout* layout_ = nullptr;
};

std::vector<uint32_t> ReadWords(const SafetensorsFile& file,
                                std::string_view name, Dtype dtype,
                                int64_t count) {
  const TensorInfo& tensor = file.Get(name);
  if (tensor.dtype != dtype || tensor.shape.size() != 1 ||
      (count >= 0 && tensor.shape[0] != count)) {
    throw Error(
        ErrorCode::kFile,
        fmt::format("{}: tensor '{}' is {}, must be {} [{}]", file.path(), name,
                    tensor.ToString(), zeroulp::Info(dtype).name,
                    count >= 0 ? std::to_string(count) : "n"));
  }
  return Unpack(file.Read(tensor), zeroulp::Info(dtype).bits);
}

}  // namespace

std::span<const ConversionForm> ConversionForms() { return kForms; }

bool RunsOn(const ConversionForm& form, Chip chip) {
  return chip == Chip::kRtxBlackwell ? form.rtx : chip >= form.first;
}

Conversions GenerateConversions(const ConversionForm& form, uint64_t seed) {
  RandomCodes random(seed, form.name);
  Conversions x;
  x.source = Sources(form, random);
  if (!form.layout.empty()) {
    x.random.resize(x.source.size() / static_cast<size_t>(form.per_call));
    for (uint32_t& word : x.random) word = random.Word();
  }
  return x;
}

Conversions RecordConversions(const ConversionForm& form, uint64_t seed,
                              Gpu& gpu) {
  Conversions x = GenerateConversions(form, seed);
  const std::vector<uint32_t> words =
      gpu.Convert(form.instruction, form.per_call, x.source, x.random);
  const auto per_call = static_cast<size_t>(form.per_call);
  if (words.size() * per_call != x.source.size()) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("{}: {}: the device returned {} words for {} calls",
                            form.name, form.instruction, words.size(),
                            x.source.size() / per_call));
  }
  for (size_t i = 0; i < x.source.size(); ++i) {
    const auto shift = static_cast<uint32_t>(i % per_call) *
                       static_cast<uint32_t>(form.target_bits);
    x.codes.push_back(words[i / per_call] >> shift &
                      ((1u << form.target_bits) - 1));
  }
  return x;
}

void WriteConversions(const std::string& path, const ConversionForm& form,
                      const Conversions& x, const Metadata& notes) {
  const FormatInfo& source = zeroulp::Info(form.source);
  const FormatInfo& target = zeroulp::Info(form.target);
  Metadata metadata = notes;
  metadata.emplace(kKey, kVersion);
  metadata.emplace(kSourceKey, source.name);
  metadata.emplace(kTargetKey, target.name);
  metadata.emplace(kConventionKey, form.convention);
  metadata.emplace(kRoundingKey, Name(form.rounding));
  const auto source_bytes = Pack(x.source, source.storage_bits);
  const auto code_bytes = Pack(x.codes, std::max(target.bits, 8));
  std::vector<TensorData> tensors = {
      {TensorOf("source", DtypeOf(source), x.source.size()), source_bytes},
      {TensorOf("codes", DtypeOf(target), x.codes.size()), code_bytes}};
  if (!form.layout.empty()) {
    metadata.emplace(kLayoutKey, form.layout);
    tensors.push_back({TensorOf("random", Dtype::kU32, x.random.size()),
                       std::as_bytes(std::span(x.random))});
  }
  WriteSafetensors(path, tensors, metadata);
}

ConversionReport CheckConversions(const std::string& path) {
  const SafetensorsFile file = SafetensorsFile::Open(path);
  const auto version = file.metadata().find(kKey);
  if (version == file.metadata().end() || version->second != kVersion) {
    throw Error(ErrorCode::kFile,
                fmt::format("{}: metadata {} must be \"{}\": not a file of "
                            "recorded conversions",
                            path, kKey, kVersion));
  }
  const Expected expected(file);
  const auto source = ReadWords(file, "source", DtypeOf(expected.source()), -1);
  const auto count = static_cast<int64_t>(source.size());
  const auto codes =
      ReadWords(file, "codes", DtypeOf(expected.target()), count);
  std::vector<uint32_t> random;
  if (const int elements = expected.elements(); elements != 0) {
    random = ReadWords(file, "random", Dtype::kU32,
                       (count + elements - 1) / elements);
  }
  ConversionReport report = {.values = count, .differing = 0, .first = {}};
  for (size_t i = 0; i < source.size(); ++i) {
    const uint32_t code = expected.Code(i, source[i], random);
    if (code == codes[i]) continue;
    if (report.differing++ != 0) continue;
    report.first = fmt::format(
        "element {}: {} 0x{:X} became {} 0x{:X}, the convention gives 0x{:X}",
        i, expected.source().name, source[i], expected.target().name, codes[i],
        code);
  }
  return report;
}

}  // namespace zeroulp::record
