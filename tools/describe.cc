// SPDX-License-Identifier: Apache-2.0
#include "tools/describe.h"

#include <algorithm>
#include <array>

#include "tools/explain_arith.h"
#include "zeroulp/codec.h"
#include "zeroulp/gemm.h"

namespace zeroulp::cli {
namespace {

// Adds fields, skipping what is unknown or empty.
class Object {
 public:
  Object& Add(const char* key, std::string_view text) {
    if (!text.empty()) json_[key] = text;
    return *this;
  }
  Object& Add(const char* key, const Quantity& quantity) {
    if (!quantity.known()) return *this;
    json_[key] = {{"value", quantity.value},
                  {"source", quantity.source},
                  {"basis", Name(quantity.basis)}};
    return *this;
  }
  Object& Set(const char* key, Json json) {
    if (!json.empty()) json_[key] = std::move(json);
    return *this;
  }

  Json Take() { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

template <typename Rows, typename Function>
Json Array(const Rows& rows, Function describe) {
  Json array = Json::array();
  for (const auto& row : rows) array.push_back(describe(row));
  return array;
}

Json Describe(const Reference& reference) {
  return Object()
      .Add("field", reference.field)
      .Add("value", reference.value)
      .Add("source", reference.source)
      .Add("note", reference.note)
      .Take();
}

Json Describe(const Price& price) {
  return Object()
      .Add("kind", price.kind)
      .Add("usd_per_hour", price.usd_per_hour)
      .Add("usd_capex", price.usd_capex)
      .Take();
}

Json Describe(const ChipPeak& peak) {
  return Object()
      .Add("label", peak.label)
      .Add("formats", peak.formats)
      .Add("dense_tflops", peak.dense_tflops)
      .Add("matmul_tflops", peak.matmul_tflops)
      .Add("sparse_tflops", peak.sparse_tflops)
      .Add("matmul_sparse_tflops", peak.matmul_sparse_tflops)
      .Add("sparsity", peak.sparsity)
      .Add("sparse_index_bits", peak.sparse_index_bits)
      .Add("stored_as", peak.stored_as)
      .Add("note", peak.note)
      .Take();
}

Json Describe(const ChipMemory& memory) {
  return Object()
      .Add("type", memory.type)
      .Add("capacity_gib", memory.capacity_gib)
      .Add("capacity_gbytes", memory.capacity_gbytes)
      .Add("bandwidth_gbytes_per_s", memory.bandwidth_gbytes_per_s)
      .Add("stacks", memory.stacks)
      .Take();
}

Json Describe(const ChipSram& sram) {
  return Object()
      .Add("name", sram.name)
      .Set("count", Json(sram.count))
      .Add("size_kib", sram.size_kib)
      .Take();
}

Json Describe(const ChipClocks& clocks) {
  return Object()
      .Add("tensor_ghz", clocks.tensor_ghz)
      .Add("boost_ghz", clocks.boost_ghz)
      .Add("vector_ghz", clocks.vector_ghz)
      .Add("scalar_ghz", clocks.scalar_ghz)
      .Add("gpsimd_ghz", clocks.gpsimd_ghz)
      .Take();
}

Json Describe(const ChipEngine& engine) {
  return Object()
      .Add("unit", engine.unit)
      .Add("units", engine.units)
      .Add("matrix_engines", engine.matrix_engines)
      .Add("note", engine.note)
      .Take();
}

Json Describe(const ChipLink& link) {
  return Object()
      .Add("name", link.name)
      .Add("gbytes_per_s", link.gbytes_per_s)
      .Add("domain_chips", link.domain_chips)
      .Add("dma_gbytes_per_s", link.dma_gbytes_per_s)
      .Add("note", link.note)
      .Take();
}

Json Describe(const SystemPeak& peak) {
  return Object()
      .Add("label", peak.label)
      .Add("dense_pflops", peak.dense_pflops)
      .Add("sparse_pflops", peak.sparse_pflops)
      .Take();
}

std::string_view Name(Specials specials) {
  switch (specials) {
    case Specials::kIeee:
      return "infinities and NaNs as IEEE 754";
    case Specials::kNanAllOnes:
      return "no infinity, NaN is all ones";
    case Specials::kNanMinusZero:
      return "no infinity, no -0, NaN is 0x80";
    case Specials::kFinite:
      break;
  }
  return "every code is finite";
}

// Operand pairs with the same answer of Gemm.
struct KernelUse {
  std::string arith, explanation;
  std::vector<std::string> pairs;
};

std::vector<KernelUse> KernelUses() {
  std::vector<KernelUse> uses;
  for (const ArithInfo& arith : kArith) {
    for (const FormatInfo& a : kFormats) {
      for (const FormatInfo& b : kFormats) {
        if (!arith.a.contains(a.id) || !arith.b.contains(b.id)) continue;
        const KernelUse use = {
            std::string(arith.name), Explain(a.id, b.id, arith.name), {}};
        auto same =
            std::find_if(uses.begin(), uses.end(), [&](const KernelUse& other) {
              return other.arith == use.arith &&
                     other.explanation == use.explanation;
            });
        if (same == uses.end()) same = uses.insert(uses.end(), use);
        same->pairs.push_back(fmt::format("{}x{}", a.name, b.name));
      }
    }
  }
  return uses;
}

// The lines of a text that are not empty.
Json Lines(std::string_view text) {
  Json lines = Json::array();
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (!line.empty()) lines.push_back(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return lines;
}

std::string_view Name(Model model) {
  constexpr std::array<std::string_view, 9> kNames = {
      "exact",    "chain",     "fused dot", "split fused dot", "grouped dot",
      "even odd", "pair tree", "systolic",  "dot pairs"};
  static_assert(kNames.size() == static_cast<size_t>(Model::kDotPairs) + 1);
  return kNames[static_cast<size_t>(model)];
}

// Every column of a row of kArith; those that do not apply to it are left out.
Json ParametersOf(const ArithInfo& arith) {
  Object object;
  object.Add("model", Name(arith.model))
      .Add("a_formats", arith.a.names())
      .Add("b_formats", arith.b.names())
      .Add("accumulator", Info(arith.accumulator).name)
      .Add("output", Info(arith.output).name);
  const auto set_column = [&](const char* key, int value) {
    if (value != 0) object.Set(key, Json(value));  // 0: does not apply
  };
  set_column("chunk", arith.chunk);
  set_column("align_bits", arith.align_bits);
  if (arith.exponent_floor) {
    object.Set("exponent_floor", Json(*arith.exponent_floor));
  }
  if (arith.align_bits != 0) {
    object.Set("normalise_products", Json(arith.normalise_products));
  }
  object.Set("out_fraction_bits", Json(arith.out_fraction_bits))
      .Add("out_rounding", arith.out_rounding == Rounding::kTowardZero
                               ? "toward zero"
                               : "to nearest even")
      .Add("zero_sign", ZeroIsPlus(arith.model) ? "plus" : "ieee")
      .Add("nan_word", fmt::format("0x{:0{}X}", arith.nan_word,
                                   Info(arith.output).bits / 4));
  if (arith.widen) object.Add("widen", Info(*arith.widen).name);
  object.Set("flush_inputs", Json(arith.flush_inputs))
      .Set("flush_results", Json(arith.flush_results))
      .Add("scales", arith.scales.names());
  set_column("scale_block", arith.scale_block);
  object.Set("group", Json(arith.group));
  if (arith.rows != 0) {
    object.Set("rows", Json(arith.rows))
        .Add("lane_order", arith.interleaved ? "interleaved" : "split");
  }
  return object.Take();
}

}  // namespace

Json Describe(const FormatInfo& format) {
  const uint32_t smallest = format.has_zero ? 1 : 0;
  return Object()
      .Add("name", format.name)
      .Add("aliases", format.aliases)
      .Set("bits", Json(format.bits))
      .Set("storage_bits", Json(format.storage_bits))
      .Set("exponent_bits", Json(format.exponent_bits))
      .Set("mantissa_bits", Json(format.mantissa_bits))
      .Set("bias", Json(format.bias))
      .Set("signed", Json(format.has_sign))
      .Add("specials", Name(format.specials))
      .Set("max", Json(Decode(format, format.max_code())))
      .Add("max_code", fmt::format("0x{:X}", format.max_code()))
      .Set("min_normal", Json(Decode(format, format.min_normal_code())))
      .Set("min_positive", Json(Decode(format, smallest)))
      .Set("finite_codes", Json(format.num_finite_codes()))
      .Add("safetensors_dtype", format.safetensors)
      .Add("source", format.source)
      .Take();
}

Json Describe(const BlockInfo& block) {
  const auto size = [](int64_t elements) {
    return elements == 0 ? std::string("all") : std::to_string(elements);
  };
  std::string names;
  Json rules = Json::array();
  for (const ScaleRuleInfo& rule : kScaleRules) {
    if (rule.scale != block.scale) continue;
    names.append(names.empty() ? "" : " ").append(rule.name);
    rules.push_back({{"scale_mode", rule.name},
                     {"rule", rule.rule},
                     {"source", rule.source}});
  }
  return Object()
      .Add("name", block.name)
      .Add("aliases", block.aliases)
      .Add("element", Info(block.element).name)
      .Add("scale", Info(block.scale).name)
      .Add("block", size(block.block_rows) + " x " + size(block.block_cols))
      .Set("tensor_scale", Json(block.has_tensor_scale))
      .Add("scale_modes", names)  // the default one first
      .Add("source", block.source)
      .Set("rules", std::move(rules))
      .Take();
}

Json Describe(const ArithInfo& arith) {
  const std::string a = arith.a.names(), b = arith.b.names();
  Object object;
  object.Add("name", arith.name)
      .Add("operands", a == b ? a : fmt::format("{} with {}", a, b))
      .Add("output", Info(arith.output).name)
      .Add("rule", RuleInWords(arith))
      .Add("specials", SpecialsInWords(arith))
      .Add("accepts", AcceptsInWords(arith))
      .Add("evidence", Name(arith.evidence))
      .Add("evidence_text", EvidenceInWords(arith));
  if (arith.evidence_words != 0) {
    object.Set("evidence_words", Json(arith.evidence_words));
  }
  return object.Add("source", arith.source)
      .Add("open", arith.open)
      .Set("parameters", ParametersOf(arith))
      .Take();
}

Json Describe(const ChipInfo& chip) {
  const auto any = [](const auto& row) { return Describe(row); };
  return Object()
      .Add("id", chip.id)
      .Add("name", chip.name)
      .Add("vendor", chip.vendor)
      .Set("year", Json(chip.year))
      .Add("status", Name(chip.status))
      .Add("process", chip.process)
      .Set("peaks", Array(chip.peaks, any))
      .Set("memory", Describe(chip.memory))
      .Set("sram", Array(chip.sram, any))
      .Add("power_w", chip.power_w)
      .Set("clocks", Describe(chip.clocks))
      .Set("engine", Describe(chip.engine))
      .Set("link", Describe(chip.link))
      .Add("numerics", chip.numerics)
      .Add("accumulation", chip.accumulation)
      .Add("rounding", chip.rounding)
      .Add("note", chip.note)
      .Set("prices", Array(chip.prices, any))
      .Set("alternatives", Array(chip.alternatives, any))
      .Set("citations", Array(chip.citations, any))
      .Set("claims", Array(chip.claims, any))
      .Take();
}

Json Describe(const SystemInfo& system) {
  const auto any = [](const auto& row) { return Describe(row); };
  return Object()
      .Add("id", system.id)
      .Add("name", system.name)
      .Add("chip", system.chip)
      .Add("chips", system.chips)
      .Add("status", Name(system.status))
      .Set("peaks", Array(system.peaks, any))
      .Add("memory_gib", system.memory_gib)
      .Add("memory_gbytes", system.memory_gbytes)
      .Add("memory_gbytes_per_s", system.memory_gbytes_per_s)
      .Add("network_gbits_per_s", system.network_gbits_per_s)
      .Add("power_w", system.power_w)
      .Add("topology", system.topology)
      .Add("note", system.note)
      .Set("prices", Array(system.prices, any))
      .Set("alternatives", Array(system.alternatives, any))
      .Set("citations", Array(system.citations, any))
      .Set("claims", Array(system.claims, any))
      .Take();
}

std::vector<Json> DescribeKernels() {
  std::vector<Json> kernels;
  std::string without;  // arithmetic that no kernel computes
  size_t pairs_without = 0;
  for (const KernelUse& use : KernelUses()) {
    // The chosen kernel's name, then a line for each one refused.
    const size_t end =
        std::min(use.explanation.find('\n'), use.explanation.size());
    const std::string name = use.explanation.substr(0, end);
    if (name == "none") {
      without.append(without.empty() ? "" : " ").append(use.arith);
      pairs_without += use.pairs.size();
      continue;
    }
    kernels.push_back(
        Object()
            .Add("name", name)
            .Add("arith", use.arith)
            .Set("pairs", Json(use.pairs.size()))
            .Add("operands", fmt::format("{}", fmt::join(use.pairs, " ")))
            .Set("refused", Lines(use.explanation.substr(end)))
            .Take());
  }
  if (pairs_without != 0) {
    kernels.push_back(Object()
                          .Add("name", "oracle")
                          .Add("arith", without)
                          .Set("pairs", Json(pairs_without))
                          .Take());
  }
  return kernels;
}

std::string ShortText(const Json& object, std::string_view key) {
  const auto found = object.find(std::string(key));
  if (found == object.end()) return "-";
  if (found->is_string()) return found->get<std::string>();
  if (found->is_object() && found->contains("value")) {
    return ShortText(*found, "value");
  }
  if (found->is_number_float()) {
    return fmt::format("{:.6g}", found->get<double>());
  }
  if (found->is_array()) {
    std::string text;
    for (const Json& element : *found) {
      text.append(text.empty() ? "" : "; ").append(element.get<std::string>());
    }
    return text;
  }
  return found->dump();
}

}  // namespace zeroulp::cli
