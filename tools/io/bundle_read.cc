// SPDX-License-Identifier: Apache-2.0
// ReadBundle: which tensor and metadata entry means what.
#include <algorithm>
#include <charconv>
#include <iterator>

#include "tools/io/bundle_matrix.h"
#include "tools/io/file_error.h"
#include "zeroulp/bundle.h"

namespace zeroulp {
namespace {

using io::FileError;
using io::LoadMatrix;
using io::Quote;

// What a dtype holds when no metadata says otherwise. U8 is not here: it
// always takes metadata.
struct DtypeFormat {
  Dtype dtype;
  Format format;
};
constexpr DtypeFormat kOperandFormats[] = {
    {Dtype::kF8E4M3, Format::kE4M3FN},  {Dtype::kF8E5M2, Format::kE5M2},
    {Dtype::kF8E8M0, Format::kE8M0FNU}, {Dtype::kF4, Format::kE2M1FN},
    {Dtype::kF16, Format::kF16},        {Dtype::kBF16, Format::kBF16},
    {Dtype::kF32, Format::kF32}};
constexpr DtypeFormat kCFormats[] = {{Dtype::kF32, Format::kF32},
                                     {Dtype::kF16, Format::kF16}};
constexpr DtypeFormat kDFormats[] = {{Dtype::kF32, Format::kF32},
                                     {Dtype::kF16, Format::kF16},
                                     {Dtype::kBF16, Format::kBF16}};
constexpr DtypeFormat kScaleFormats[] = {{Dtype::kF8E8M0, Format::kE8M0FNU},
                                         {Dtype::kF8E4M3, Format::kUE4M3},
                                         {Dtype::kF32, Format::kF32}};

constexpr DtypeFormat kRowScaleFormats[] = {{Dtype::kF32, Format::kF32}};

class Reader {
 public:
  explicit Reader(const SafetensorsFile& file) : file_(file) {}

  Bundle Read() {
    CheckVersion();
    bundle_.name = file_.path();
    if (const auto* arith = Entry(io::kArithKey)) bundle_.arith = *arith;
    const TensorInfo& a = Take("a");
    const TensorInfo& b_t = Take("b_t");
    const Format a_format = OperandFormat(a, io::kAFormatKey);
    const Format b_format = OperandFormat(b_t, io::kBFormatKey);
    bundle_.a = LoadMatrix(file_, a, a_format);
    bundle_.b_t = LoadMatrix(file_, b_t, b_format);
    bundle_.batched = a.shape.size() == 3;
    bundle_.c = Optional("c", kCFormats);
    bundle_.d = Optional("d", kDFormats);
    ReadScales();
    ReadSparsity();
    if (const std::string* promote = Entry(io::kPromoteKey)) {
      bundle_.promote_every = Number(io::kPromoteKey, *promote, INT32_MAX);
    }
    for (const auto& [key, value] : file_.metadata()) {
      if (!IsOwnKey(key)) bundle_.notes.emplace(key, value);
    }
    WarnOfExtras();
    Check(bundle_);
    return std::move(bundle_);
  }

 private:
  static bool IsOwnKey(std::string_view key) {
    constexpr std::string_view kOwn[] = {
        io::kBundleKey,   io::kArithKey, io::kAFormatKey, io::kBFormatKey,
        io::kSparsityKey, io::kBlockKey, io::kPromoteKey};
    return std::find(std::begin(kOwn), std::end(kOwn), key) != std::end(kOwn);
  }

  void CheckVersion() const {
    const auto version = file_.metadata().find(io::kBundleKey);
    if (version == file_.metadata().end()) {
      FileError(file_.path(),
                "is no verification bundle: metadata {} is "
                "missing",
                io::kBundleKey);
    }
    if (version->second != io::kBundleVersion) {
      FileError(file_.path(), "metadata {} is {}, this version reads '{}'",
                io::kBundleKey, Quote(version->second), io::kBundleVersion);
    }
  }

  // The metadata entry, or nullptr.
  const std::string* Entry(std::string_view key) const {
    const auto found = file_.metadata().find(key);
    return found == file_.metadata().end() ? nullptr : &found->second;
  }

  // The metadata entry as a number from 1 to `max`.
  int64_t Number(std::string_view key, std::string_view text,
                 int64_t max) const {
    int64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stop != end || number < 1 || number > max) {
      FileError(file_.path(),
                "metadata {} must have whole numbers from 1 to {}, found {}",
                key, max, Quote(*Entry(key)));
    }
    return number;
  }

  const TensorInfo& Take(std::string_view name) {
    known_.push_back(name);
    return file_.Get(name);
  }
  const TensorInfo* TakeOptional(std::string_view name) {
    known_.push_back(name);
    return file_.Find(name);
  }

  template <size_t kCount>
  Format FormatOf(const TensorInfo& tensor,
                  const DtypeFormat (&formats)[kCount]) const {
    std::string known;
    for (const DtypeFormat& row : formats) {
      if (row.dtype == tensor.dtype) return row.format;
      known.append(" ").append(Info(row.dtype).name);
    }
    FileError(file_.path(), "tensor {}: dtype {} is not one of:{}",
              Quote(tensor.name), Info(tensor.dtype).name, known);
  }

  Format OperandFormat(const TensorInfo& tensor, std::string_view key) const {
    const std::string* stated = Entry(key);
    if (stated == nullptr && tensor.dtype == Dtype::kU8) {
      FileError(file_.path(),
                "tensor {}: U8 can hold any format, metadata {} must name it",
                Quote(tensor.name), key);
    }
    if (stated == nullptr) return FormatOf(tensor, kOperandFormats);
    const FormatInfo* format = nullptr;
    try {
      format = &FindFormat(*stated);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}: metadata {}: {}", file_.path(),
                                            key, error.what()));
    }
    const bool fits = tensor.dtype == Dtype::kU8 ? format->storage_bits <= 8
                      : format->id == Format::kTF32
                          ? tensor.dtype == Dtype::kF32
                          : FormatOf(tensor, kOperandFormats) == format->id;
    if (!fits) {
      FileError(file_.path(),
                "tensor {}: dtype {} contradicts metadata {}, "
                "which says {}",
                Quote(tensor.name), Info(tensor.dtype).name, key, format->name);
    }
    return format->id;
  }

  template <size_t kCount>
  std::optional<BundleMatrix> Optional(std::string_view name,
                                       const DtypeFormat (&formats)[kCount]) {
    const TensorInfo* tensor = TakeOptional(name);
    if (tensor == nullptr) return {};
    return LoadMatrix(file_, *tensor, FormatOf(*tensor, formats));
  }

  std::optional<float> TensorScale(std::string_view name) {
    const TensorInfo* tensor = TakeOptional(name);
    if (tensor == nullptr) return {};
    if (tensor->dtype != Dtype::kF32 ||
        tensor->shape != std::vector<int64_t>{1}) {
      FileError(file_.path(), "tensor {} must be F32 [1], is {}", Quote(name),
                tensor->ToString());
    }
    float scale = 0;
    file_.Read(*tensor, 0, std::as_writable_bytes(std::span(&scale, 1)));
    return scale;
  }

  void ReadScales() {
    bundle_.a_scales = Optional("a_scales", kScaleFormats);
    bundle_.b_scales = Optional("b_scales", kScaleFormats);
    bundle_.a_row_scales = Optional("a_row_scales", kRowScaleFormats);
    bundle_.b_row_scales = Optional("b_row_scales", kRowScaleFormats);
    bundle_.a_tensor_scale = TensorScale(io::kATensorScale);
    bundle_.b_tensor_scale = TensorScale(io::kBTensorScale);
    if (const std::string* block = Entry(io::kBlockKey)) {
      bundle_.block = Number(io::kBlockKey, *block, INT32_MAX);
    }
  }

  // "keep:group".
  Sparsity ParseSparsity(std::string_view text) const {
    constexpr int64_t kMaxGroup = 256;  // positions are bytes
    const size_t colon = std::min(text.find(':'), text.size());
    const std::string_view group =
        text.substr(std::min(colon + 1, text.size()));
    Sparsity sparsity;
    sparsity.keep = Number(io::kSparsityKey, text.substr(0, colon), kMaxGroup);
    sparsity.group = Number(io::kSparsityKey, group, kMaxGroup);
    return sparsity;
  }

  void ReadSparsity() {
    if (const std::string* text = Entry(io::kSparsityKey)) {
      bundle_.sparsity = ParseSparsity(*text);
    }
    const TensorInfo* tensor = TakeOptional(io::kAIndex);
    if (tensor == nullptr) return;
    const TensorInfo& a = file_.Get("a");
    if (tensor->dtype != Dtype::kU8 || tensor->shape != a.shape) {
      FileError(file_.path(),
                "tensor {} must be U8 {}, one position for each "
                "value of 'a', is {}",
                Quote(io::kAIndex), io::List(a.shape), tensor->ToString());
    }
    bundle_.a_index.resize(static_cast<size_t>(tensor->size_bytes));
    file_.Read(*tensor, 0, std::as_writable_bytes(std::span(bundle_.a_index)));
  }

  void WarnOfExtras() {
    for (const TensorInfo& tensor : file_.tensors()) {
      if (std::find(known_.begin(), known_.end(), tensor.name) !=
          known_.end()) {
        continue;
      }
      bundle_.warnings.push_back(
          fmt::format("{}: tensor {} is not part of a bundle and is ignored",
                      file_.path(), Quote(tensor.name)));
    }
  }

  const SafetensorsFile& file_;
  Bundle bundle_;
  std::vector<std::string_view> known_;
};

}  // namespace

Bundle ReadBundle(const SafetensorsFile& file) { return Reader(file).Read(); }

Bundle ReadBundle(const std::string& path) {
  return ReadBundle(SafetensorsFile::Open(path));
}

}  // namespace zeroulp
