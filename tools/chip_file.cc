// SPDX-License-Identifier: Apache-2.0
#include "tools/chip_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "tools/io/file_error.h"
#include "tools/text_file.h"
#include "zeroulp/formats.h"
#include "zeroulp/sparsity.h"

namespace zeroulp::cli {
namespace {

using Json = nlohmann::json;

// What a GEMM's operands may be beyond the rows of formats.h.
constexpr auto kBlockFormats = std::to_array<std::string_view>(
    {"mxfp8", "mxfp6", "mxfp4", "nvfp4", "int8", "f64"});

// No field of the schema lies deeper: chips, a chip, peaks, a peak, a figure.
constexpr int kMaxDepth = 6;

// A value for a message, which a file of one long line must not fill.
std::string Brief(const Json& json) {
  constexpr size_t kMost = 100;
  const std::string text = json.dump();
  return text.size() <= kMost ? text : text.substr(0, kMost) + "...";
}

// One object of the file: knows where it is, hands out its fields, and refuses
// those that nobody asked for.
class Object {
 public:
  Object(const std::string& path, std::string where, const Json& json,
         ChipFile& file)
      : path_(path), where_(std::move(where)), json_(json), file_(file) {
    if (!json.is_object()) Fail("", "must be an object, is {}", Brief(json));
  }

  template <typename... Args>
  [[noreturn]] void Fail(std::string_view field,
                         fmt::format_string<Args...> what, Args&&... args) {
    io::FileError(path_, "{}: {}", At(field),
                  fmt::format(what, std::forward<Args>(args)...));
  }

  bool Has(std::string_view field) const { return json_.contains(field); }

  // "" for an absent field, unless it is required.
  std::string_view Text(const char* field, bool required = false) {
    const Json* json = Find(field, required);
    if (json == nullptr) return {};
    if (!json->is_string() || json->get<std::string>().empty()) {
      Fail(field, "must be text, is {}", Brief(*json));
    }
    return Keep(json->get<std::string>());
  }

  int Whole(const char* field, int least, int most, bool required) {
    const Json* json = Find(field, required);
    if (json == nullptr) return 0;
    const double value = json->is_number() ? json->get<double>() : NAN;
    if (!(value >= least && value <= most) || value != std::floor(value)) {
      Fail(field, "must be a whole number from {} to {}, is {}", least, most,
           Brief(*json));
    }
    return static_cast<int>(value);
  }

  // {"value": 1.5, "source": "...", "basis": "published"}
  Quantity Figure(const char* field, bool required = false) {
    const Json* json = Find(field, required);
    if (json == nullptr) return {};
    Object figure(path_, At(field), *json, file_);
    Quantity q;
    const Json* value = figure.Find("value", true);
    q.value = value->is_number() ? value->get<double>() : NAN;
    if (!(std::isfinite(q.value) && q.value > 0)) {
      figure.Fail("value", "must be a number above 0, is {}", Brief(*value));
    }
    q.source = figure.Text("source", true);
    if (figure.Has("basis")) {
      q.basis = figure.Word(
          "basis",
          std::to_array({Basis::kPublished, Basis::kDerived, Basis::kInferred,
                         Basis::kAssumed, Basis::kProjected}));
    }
    figure.Done();
    return q;
  }

  // One of the values' names.
  template <typename Value, size_t kSize>
  Value Word(const char* field, const std::array<Value, kSize>& values) {
    const std::string_view text = Text(field, true);
    std::string known;
    for (const Value value : values) {
      if (text == Name(value)) return value;
      known.append(known.empty() ? "" : " ").append(Name(value));
    }
    Fail(field, "must be one of {}, is '{}'", known, text);
  }

  // A list of words, as one text with spaces. Each must pass the check.
  template <typename Check>
  std::string_view Words(const char* field, bool required, Check known) {
    const Json* json = Find(field, required);
    if (json == nullptr) return {};
    if (!json->is_array()) Fail(field, "must be a list of words");
    std::string words;
    for (const Json& word : *json) {
      if (!word.is_string() || !known(word.get<std::string>())) {
        Fail(field, "{} is unknown", Brief(word));
      }
      words.append(words.empty() ? "" : " ").append(word.get<std::string>());
    }
    return Keep(std::move(words));
  }

  // Calls read(Object&) for each object of a list.
  template <typename Read>
  auto List(const char* field, bool required, Read read) {
    std::vector<decltype(read(std::declval<Object&>()))> rows;
    const Json* json = Find(field, required);
    if (json == nullptr) return rows;
    if (!json->is_array() || (required && json->empty())) {
      Fail(field, "must be a list of {}objects", required ? "1 or more " : "");
    }
    for (size_t i = 0; i < json->size(); ++i) {
      Object object(path_, fmt::format("{}[{}]", At(field), i), (*json)[i],
                    file_);
      rows.push_back(read(object));
      object.Done();
    }
    return rows;
  }

  template <typename Read>
  void Inside(const char* field, bool required, Read read) {
    const Json* json = Find(field, required);
    if (json == nullptr) return;
    Object object(path_, At(field), *json, file_);
    read(object);
    object.Done();
  }

  void Done() {
    for (const auto& [field, value] : json_.items()) {
      if (!asked_.contains(field)) {
        Fail(field, "is no field of the schema; those here are {}",
             fmt::join(asked_, " "));
      }
    }
  }

  std::string_view Keep(std::string text) {
    return file_.texts.emplace_back(std::move(text));
  }
  ChipFile& file() { return file_; }

 private:
  std::string At(std::string_view field) const {
    if (field.empty()) return where_.empty() ? "the file" : where_;
    return where_.empty() ? std::string(field)
                          : fmt::format("{}.{}", where_, field);
  }

  const Json* Find(const char* field, bool required) {
    asked_.insert(field);
    const auto at = json_.find(field);
    if (at != json_.end()) return &*at;
    if (required) Fail(field, "is missing");
    return nullptr;
  }

  const std::string& path_;
  std::string where_;
  const Json& json_;
  ChipFile& file_;
  std::set<std::string, std::less<>> asked_;
};

void CheckAtMost(Object& o, const Quantity& dense, const Quantity& sparse) {
  if (dense.known() && sparse.known() && dense.value > sparse.value) {
    o.Fail("", "dense {} is above sparse {}", dense.value, sparse.value);
  }
}

bool KnownFormat(const std::string& name) {
  return std::find(kBlockFormats.begin(), kBlockFormats.end(), name) !=
             kBlockFormats.end() ||
         std::any_of(kFormats.begin(), kFormats.end(),
                     [&](const FormatInfo& f) { return f.name == name; });
}

bool KnownPattern(const std::string& name) {
  return std::any_of(kSparsities.begin(), kSparsities.end(),
                     [&](const SparsityInfo& s) { return s.name == name; });
}

ChipPeak ReadPeak(Object& o) {
  ChipPeak p = {.label = o.Text("label", true),
                .formats = o.Words("formats", true, KnownFormat),
                .dense_tflops = o.Figure("dense_tflops"),
                .sparse_tflops = o.Figure("sparse_tflops"),
                .sparsity = o.Words("sparsity", false, KnownPattern),
                .sparse_index_bits = o.Figure("sparse_index_bits"),
                .matmul_tflops = o.Figure("matmul_tflops"),
                .matmul_sparse_tflops = o.Figure("matmul_sparse_tflops"),
                .stored_as = o.Text("stored_as"),
                .note = o.Text("note")};
  CheckAtMost(o, p.dense_tflops, p.sparse_tflops);
  CheckAtMost(o, p.matmul_tflops, p.matmul_sparse_tflops);
  if (!p.stored_as.empty() && !KnownFormat(std::string(p.stored_as))) {
    o.Fail("stored_as", "'{}' is unknown", p.stored_as);
  }
  if (p.sparse_tflops.known() != !p.sparsity.empty()) {
    o.Fail("", "sparse_tflops and sparsity go together");
  }
  if (p.sparse_index_bits.known() != !p.sparsity.empty()) {
    o.Fail("", "sparse_index_bits and sparsity go together");
  }
  return p;
}

Price ReadPrice(Object& o) {
  const Price p = {.usd_per_hour = o.Figure("usd_per_hour"),
                   .usd_capex = o.Figure("usd_capex"),
                   .kind = o.Text("kind")};
  if (p.usd_per_hour.known() == p.usd_capex.known()) {
    o.Fail("", "must have one of usd_per_hour and usd_capex");
  }
  return p;
}

std::span<const Price> ReadPrices(Object& o) {
  return o.file().prices.emplace_back(o.List("prices", false, ReadPrice));
}

ChipStatus ReadStatus(Object& o) {
  if (!o.Has("status")) return ChipStatus::kShipping;
  return o.Word(
      "status",
      std::to_array({ChipStatus::kShipping, ChipStatus::kLegacy,
                     ChipStatus::kAnnounced, ChipStatus::kProjected}));
}

void ReadEngine(Object& o, ChipEngine& e) {
  e = {.unit = o.Text("unit"),
       .units = o.Figure("units"),
       .matrix_engines = o.Figure("matrix_engines"),
       .tile_cores = o.Figure("tile_cores"),
       .array_k = o.Whole("array_k", 1, 65536, false),
       .array_n = o.Whole("array_n", 1, 65536, false),
       .note = o.Text("note")};
  if ((e.array_k > 0) != (e.array_n > 0)) {
    o.Fail("", "array_k and array_n go together");
  }
  if (e.array_k > 0 && (e.tile_cores.known() || !e.matrix_engines.known())) {
    o.Fail("", "systolic arrays need matrix_engines and exclude tile_cores");
  }
}

ChipInfo ReadChip(Object& o) {
  ChipFile& file = o.file();
  ChipInfo c = {};
  c.id = o.Text("id", true);
  c.name = o.Text("name", true);
  c.vendor = o.Text("vendor", true);
  c.year = o.Whole("year", 1940, 2100, true);
  c.architecture = o.Text("architecture", true);
  c.status = ReadStatus(o);
  c.process = o.Text("process");
  c.peaks = file.peaks.emplace_back(o.List("peaks", true, ReadPeak));
  o.Inside("memory", true, [&c](Object& m) {
    c.memory = {
        .type = m.Text("type"),
        .capacity_gib = m.Figure("capacity_gib"),
        .capacity_gbytes = m.Figure("capacity_gbytes"),
        .bandwidth_gbytes_per_s = m.Figure("bandwidth_gbytes_per_s", true),
        .stacks = m.Figure("stacks")};
  });
  c.sram = file.srams.emplace_back(o.List("sram", false, [](Object& s) {
    return ChipSram{s.Text("name", true), s.Whole("count", 1, 65536, true),
                    s.Figure("size_kib", true)};
  }));
  c.power_w = o.Figure("power_w");
  o.Inside("clocks", false, [&c](Object& k) {
    c.clocks = {.tensor_ghz = k.Figure("tensor_ghz"),
                .boost_ghz = k.Figure("boost_ghz")};
  });
  o.Inside("engine", false, [&c](Object& e) { ReadEngine(e, c.engine); });
  o.Inside("link", false, [&c](Object& l) {
    c.link = {.name = l.Text("name"),
              .gbytes_per_s = l.Figure("gbytes_per_s"),
              .domain_chips = l.Figure("domain_chips"),
              .note = l.Text("note")};
  });
  c.note = o.Text("note");
  c.prices = ReadPrices(o);
  return c;
}

SystemInfo ReadSystem(Object& o) {
  SystemInfo s = {};
  s.id = o.Text("id", true);
  s.name = o.Text("name", true);
  s.chip = o.Text("chip", true);
  s.chips = o.Figure("chips", true);
  if (s.chips.value != std::floor(s.chips.value) || s.chips.value > 1e9) {
    o.Fail("chips", "must be a whole number of at most 1e9, is {}",
           s.chips.value);
  }
  s.status = ReadStatus(o);
  s.peaks =
      o.file().system_peaks.emplace_back(o.List("peaks", false, [](Object& p) {
        const SystemPeak peak = {.label = p.Text("label", true),
                                 .dense_pflops = p.Figure("dense_pflops"),
                                 .sparse_pflops = p.Figure("sparse_pflops")};
        CheckAtMost(p, peak.dense_pflops, peak.sparse_pflops);
        return peak;
      }));
  s.memory_gib = o.Figure("memory_gib");
  s.memory_gbytes = o.Figure("memory_gbytes");
  s.memory_gbytes_per_s = o.Figure("memory_gbytes_per_s");
  s.network_gbits_per_s = o.Figure("network_gbits_per_s");
  s.power_w = o.Figure("power_w");
  s.topology = o.Text("topology");
  s.note = o.Text("note");
  s.prices = ReadPrices(o);
  return s;
}

}  // namespace

void ReadChipFile(const std::string& path, ChipFile& file) {
  // Deeper values could exhaust the stack of whoever walks them.
  const auto flat = [&path](int depth, Json::parse_event_t, Json&) {
    if (depth <= kMaxDepth) return true;
    io::FileError(path, "is nested deeper than {} levels, as no chip file is",
                  kMaxDepth);
  };
  Json json;
  try {
    json = Json::parse(ReadTextFile(path), flat);
  } catch (const Json::exception& error) {
    io::FileError(path, "is not JSON: {}", error.what());
  }
  Object top(path, "", json, file);
  top.Whole("schema", 1, 1, true);
  if (top.Text("kind", true) != "chips") top.Fail("kind", "must be 'chips'");
  for (ChipInfo& chip : top.List("chips", false, ReadChip)) {
    file.chips.push_back(chip);
  }
  for (SystemInfo& system : top.List("systems", false, ReadSystem)) {
    file.systems.push_back(system);
  }
  top.Done();
  if (file.chips.empty() && file.systems.empty()) {
    top.Fail("", "has neither chips nor systems");
  }
}

}  // namespace zeroulp::cli
