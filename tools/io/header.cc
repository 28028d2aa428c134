// SPDX-License-Identifier: Apache-2.0
#include "tools/io/header.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "tools/io/file_error.h"

namespace zeroulp::io {
namespace {

using Json = nlohmann::json;

// One tensor's entry as it stands in the file.
struct RawTensor {
  std::string name;
  std::optional<std::string> dtype;
  std::optional<std::vector<int64_t>> shape, offsets;
};

// Accepts exactly the header's grammar. Events instead of a document: a hostile
// header costs no more memory than its text, and the parser reports what a
// document would hide: repeated keys and the spelling of every number.
class HeaderEvents : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderEvents(std::string_view path) : path_(path) {}

  std::vector<RawTensor> tensors;
  Metadata metadata;

  bool start_object(size_t) override {
    if (array_ != nullptr || depth_ == 2) WrongType("an object");
    ++depth_;
    return true;
  }

  bool key(std::string& name) override {
    if (depth_ == 1) {
      in_metadata_ = name == "__metadata__";
      if (in_metadata_ && has_metadata_) {
        FileError(path_, "the header has __metadata__ twice");
      }
      has_metadata_ |= in_metadata_;
      if (!in_metadata_) tensors.push_back({name, {}, {}, {}});
    } else if (in_metadata_ && metadata.count(name) != 0) {
      FileError(path_, "__metadata__ has the key {} twice", Quote(name));
    }
    key_ = std::move(name);
    return true;
  }

  bool end_object() override {
    if (depth_ == 2 && !in_metadata_) CheckComplete(tensors.back());
    --depth_;
    return true;
  }

  bool start_array(size_t) override {
    if (depth_ != 2 || in_metadata_ || array_ != nullptr) WrongType("a list");
    RawTensor& tensor = tensors.back();
    auto* field = key_ == "shape"          ? &tensor.shape
                  : key_ == "data_offsets" ? &tensor.offsets
                                           : nullptr;
    if (field == nullptr) WrongType("a list");
    if (field->has_value()) Twice();
    array_ = &field->emplace();
    return true;
  }

  bool end_array() override {
    array_ = nullptr;
    return true;
  }

  bool string(std::string& text) override {
    if (depth_ != 2 || array_ != nullptr) WrongType("text");
    if (in_metadata_) {
      metadata.emplace(key_, std::move(text));
      return true;
    }
    if (key_ != "dtype") WrongType("text");
    if (tensors.back().dtype.has_value()) Twice();
    tensors.back().dtype = std::move(text);
    return true;
  }

  bool number_unsigned(uint64_t number) override {
    if (array_ == nullptr) WrongType(std::to_string(number));
    if (number > static_cast<uint64_t>(INT64_MAX)) {
      BadNumber(std::to_string(number));
    }
    array_->push_back(static_cast<int64_t>(number));
    return true;
  }

  bool number_integer(int64_t number) override {
    BadNumber(std::to_string(number));
  }
  bool number_float(double, const std::string& text) override {
    BadNumber(text);
  }
  bool null() override { WrongType("null"); }
  bool boolean(bool value) override { WrongType(value ? "true" : "false"); }
  bool binary(Json::binary_t&) override { WrongType("binary data"); }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    std::string_view why = error.what();  // "[json.exception...] parse error at
    const size_t colon = why.find(": ");  //  line 1, column 9: syntax error..."
    if (colon != std::string_view::npos) why.remove_prefix(colon + 2);
    FileError(path_, "the header is no JSON at byte {}: {}", position, why);
  }

 private:
  std::string Where() const {
    if (depth_ == 0) return "the header";
    if (in_metadata_ && depth_ == 1) return "__metadata__";
    if (in_metadata_) return "__metadata__ key " + Quote(key_);
    std::string where = "tensor " + Quote(tensors.back().name);
    if (depth_ == 2) where += ": field " + Quote(key_);
    return where;
  }

  [[noreturn]] void WrongType(std::string_view found) const {
    const char* expected = depth_ == 0              ? "an object"
                           : depth_ == 1            ? "an object"
                           : in_metadata_           ? "text"
                           : array_ != nullptr      ? "whole numbers"
                           : key_ == "dtype"        ? "text"
                           : key_ == "shape"        ? "a list"
                           : key_ == "data_offsets" ? "a list"
                                                    : nullptr;
    if (expected == nullptr) {
      FileError(path_, "{} is not one of dtype, shape, data_offsets", Where());
    }
    FileError(path_, "{} must be {}, found {}", Where(), expected, found);
  }

  [[noreturn]] void BadNumber(std::string_view number) const {
    if (array_ == nullptr) WrongType(number);
    FileError(path_, "{} must hold whole numbers from 0 to 2^63 - 1, found {}",
              Where(), Quote(number));
  }

  [[noreturn]] void Twice() const {
    FileError(path_, "{} occurs twice", Where());
  }

  void CheckComplete(const RawTensor& tensor) const {
    const char* missing = !tensor.dtype     ? "dtype"
                          : !tensor.shape   ? "shape"
                          : !tensor.offsets ? "data_offsets"
                                            : nullptr;
    if (missing != nullptr) {
      FileError(path_, "tensor {} has no {}", Quote(tensor.name), missing);
    }
  }

  std::string_view path_;
  int depth_ = 0;  // of objects: 1 in the header, 2 in an entry
  bool in_metadata_ = false, has_metadata_ = false;
  std::string key_;
  std::vector<int64_t>* array_ = nullptr;  // the list being filled
};

// Everything that can be said about one entry by itself.
TensorInfo CheckTensor(std::string_view path, RawTensor&& raw,
                       int64_t data_bytes) {
  TensorInfo tensor;
  const std::string name = Quote(raw.name);
  try {
    tensor.dtype = FindDtype(*raw.dtype).id;
    tensor.size_bytes = SizeBytes(tensor.dtype, *raw.shape);
  } catch (const Error& error) {
    FileError(path, "tensor {}: {}", name, error.what());
  }
  tensor.shape = std::move(*raw.shape);
  const std::vector<int64_t>& offsets = *raw.offsets;
  if (offsets.size() != 2) {
    FileError(path, "tensor {}: data_offsets must be two numbers, found {}",
              name, offsets.size());
  }
  const int64_t begin = offsets[0], end = offsets[1];
  if (begin > end || end > data_bytes) {
    FileError(
        path,
        "tensor {}: data_offsets {} must lie in order inside the {} bytes "
        "of data",
        name, List(offsets), data_bytes);
  }
  if (end - begin != tensor.size_bytes) {
    FileError(path, "tensor {}: {} takes {} bytes, data_offsets {} hold {}",
              name, tensor.ToString(), tensor.size_bytes, List(offsets),
              end - begin);
  }
  if (begin % Info(tensor.dtype).alignment() != 0) {
    FileError(path,
              "tensor {}: {} must start at a multiple of {}, starts at {}",
              name, tensor.ToString(), Info(tensor.dtype).alignment(), begin);
  }
  tensor.offset = begin;
  tensor.name = std::move(raw.name);
  return tensor;
}

// The tensors must cover the data: a hole could hide anything.
void CheckCover(std::string_view path, const std::vector<TensorInfo>& tensors,
                int64_t data_bytes) {
  std::vector<const TensorInfo*> order;
  for (const TensorInfo& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(),
            [](const TensorInfo* x, const TensorInfo* y) {
              return x->offset != y->offset ? x->offset < y->offset
                                            : x->size_bytes < y->size_bytes;
            });
  int64_t end = 0;
  std::string_view previous;
  for (const TensorInfo* tensor : order) {
    if (tensor->offset < end) {
      FileError(path,
                "tensors {} and {} overlap: one ends at {}, the other starts "
                "at {}",
                Quote(previous), Quote(tensor->name), end, tensor->offset);
    }
    if (tensor->offset > end) {
      FileError(path, "{} bytes of data before tensor {} belong to no tensor",
                tensor->offset - end, Quote(tensor->name));
    }
    end = tensor->offset + tensor->size_bytes;
    previous = tensor->name;
  }
  if (end != data_bytes) {
    FileError(path, "the last {} bytes of data belong to no tensor",
              data_bytes - end);
  }
}

}  // namespace

std::string Quote(std::string_view text) {
  constexpr size_t kMaxShown = 100;
  std::string quoted = "'";
  for (const char c : text.substr(0, kMaxShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted += text.size() > kMaxShown ? "...'" : "'";
}

Header ParseHeader(std::string_view path, std::string_view json,
                   int64_t data_bytes) {
  if (json.empty() || json.front() != '{') {
    FileError(path, "the header must start with {{, as JSON objects do");
  }
  // The parser would take a zero byte for the end of the text.
  const size_t zero = json.find('\0');
  if (zero != std::string_view::npos) {
    FileError(path, "the header is no JSON at byte {}: a zero byte", zero);
  }
  HeaderEvents events(path);
  Json::sax_parse(json, &events);

  Header header;
  header.metadata = std::move(events.metadata);
  for (RawTensor& raw : events.tensors) {
    header.tensors.push_back(CheckTensor(path, std::move(raw), data_bytes));
  }
  const auto by_name = [](const TensorInfo& x, const TensorInfo& y) {
    return x.name < y.name;
  };
  std::sort(header.tensors.begin(), header.tensors.end(), by_name);
  const auto same_name = [](const TensorInfo& x, const TensorInfo& y) {
    return x.name == y.name;
  };
  const auto twice = std::adjacent_find(header.tensors.begin(),
                                        header.tensors.end(), same_name);
  if (twice != header.tensors.end()) {
    FileError(path, "the header has tensor {} twice", Quote(twice->name));
  }
  CheckCover(path, header.tensors, data_bytes);
  return header;
}

std::string FormatHeader(std::span<const TensorInfo> tensors,
                         const Metadata& metadata) {
  nlohmann::json header = nlohmann::json::object();  // sorts its keys
  if (!metadata.empty()) header["__metadata__"] = metadata;
  for (const TensorInfo& tensor : tensors) {
    header[tensor.name] = {
        {"dtype", Info(tensor.dtype).name},
        {"shape", tensor.shape},
        {"data_offsets", {tensor.offset, tensor.offset + tensor.size_bytes}}};
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace zeroulp::io
