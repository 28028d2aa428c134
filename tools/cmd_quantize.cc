// SPDX-License-Identifier: Apache-2.0
// quantize: a whole checkpoint, one tensor in memory at a time.
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tools/checkpoint_names.h"
#include "tools/checkpoint_quantize.h"
#include "tools/commands.h"
#include "tools/error_report.h"
#include "tools/output.h"
#include "tools/rounding.h"
#include "zeroulp/conventions.h"
#include "zeroulp/layout.h"

namespace zeroulp::cli {
namespace {

// What somebody's software does, by name: the rule for scales of a format, and
// what becomes of infinities.
struct ScalePreset {
  std::string_view name;
  Format scale;
  ScaleRule rule;
  InfinityBlock infinity;
};
constexpr ScalePreset kScalePresets[] = {
    {"ocp", Format::kE8M0FNU, ScaleRule::kFloor, InfinityBlock::kNan},
    {"te", Format::kE8M0FNU, ScaleRule::kRceil, InfinityBlock::kLargest},
    {"te", Format::kUE4M3, ScaleRule::kTe, InfinityBlock::kNan},
    {"torchao", Format::kE8M0FNU, ScaleRule::kFloor, InfinityBlock::kNan},
    {"torchao", Format::kUE4M3, ScaleRule::kTorchao2, InfinityBlock::kNan},
    {"torchao-1", Format::kUE4M3, ScaleRule::kTorchao1, InfinityBlock::kNan},
    {"torchao-2", Format::kUE4M3, ScaleRule::kTorchao2, InfinityBlock::kNan},
    {"4over6", Format::kUE4M3, ScaleRule::kFourOverSix, InfinityBlock::kNan},
    {"trainium", Format::kE8M0FNU, ScaleRule::kTrn3, InfinityBlock::kNan},
    {"deepseek", Format::kF32, ScaleRule::kDivide, InfinityBlock::kNan},
    {"deepgemm", Format::kF32, ScaleRule::kReciprocal, InfinityBlock::kNan},
};

struct Arguments {
  std::string input, output, format, scale_mode, preset, naming, json;
  std::string sparsity;
  std::vector<std::string> skip;
  RoundingArguments rounding;
  int threads = 0;
};

// The arguments, found in their tables.
struct Request {
  const BlockInfo& block;
  const ScaleRuleInfo* rule;
  const Naming& naming;
  const SparsityInfo* sparsity;  // null: dense
  QuantizeOptions options;

  // Columns stored of a matrix.
  int64_t StoredCols(const TensorInfo& tensor) const {
    const int64_t cols = tensor.shape[1];
    if (sparsity == nullptr) return cols;
    return cols / sparsity->ratio.group * sparsity->ratio.keep;
  }
};

const ScalePreset& FindPreset(const BlockInfo& block, std::string_view name) {
  std::string known;
  for (const ScalePreset& preset : kScalePresets) {
    if (preset.scale != block.scale) continue;
    if (preset.name == name) return preset;
    known.append(known.empty() ? "" : " ").append(preset.name);
  }
  throw Error(ErrorCode::kUnknownName,
              fmt::format("no preset of {} is named '{}'; known: {}",
                          block.name, name, known));
}

Request Check(const Arguments& arguments) {
  const BlockInfo& block = FindBlock(arguments.format);
  Request request = {
      block,
      &FindScaleRule(block, arguments.scale_mode),
      FindNaming(arguments.naming, block),
      arguments.sparsity.empty() ? nullptr : &FindSparsity(arguments.sparsity),
      {}};
  QuantizeOptions& options = request.options;
  if (!arguments.preset.empty()) {
    const ScalePreset& preset = FindPreset(block, arguments.preset);
    request.rule = &Info(preset.rule);
    options.infinity = preset.infinity;
  }
  options.format = block.name;
  options.rule = request.rule->name;
  options.rounding = arguments.rounding.Check("quantize");
  options.seed = arguments.rounding.seed;
  options.threads = arguments.threads;
  if (options.rounding != Rounding::kNearestEven &&
      options.rounding != Rounding::kStochastic) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("quantize: --rounding is rne or sr, not {}",
                            Name(options.rounding)));
  }
  if (arguments.output == arguments.json) {
    throw Error(ErrorCode::kArgument,
                fmt::format("quantize: -o and --json cannot both be {}",
                            arguments.output == "-" ? "standard output"
                                                    : arguments.output));
  }
  return request;
}

// What becomes of a tensor of the input.
struct Plan {
  const TensorInfo* tensor;
  std::optional<StoredMatrix> stored;  // empty: copied
  std::string reason;                  // of a copy that may surprise
  // Once it was quantised:
  bool done = false;
  float tensor_scale = 1;
  ErrorStatistics errors = {};
};

std::vector<Plan> MakePlans(const SafetensorsFile& file, const Request& request,
                            const std::vector<std::string>& skip) {
  std::map<const TensorInfo*, std::string> scales;
  for (const MatrixGroup& group : FindGroups(file)) {
    for (const TensorInfo* scale : {group.scale, group.tensor_scale}) {
      if (scale != nullptr) {
        scales[scale] = fmt::format("scales of {}", group.codes->name);
      }
    }
  }
  std::vector<Plan> plans;
  for (const TensorInfo& tensor : file.tensors()) {
    Plan plan = {&tensor, {}, {}};
    const bool skipped =
        std::any_of(skip.begin(), skip.end(), [&](const std::string& text) {
          return tensor.name.find(text) != std::string::npos;
        });
    const bool matrix = tensor.shape.size() == 2 &&
                        IsSourceFloat(tensor.dtype) && tensor.size_bytes > 0;
    const int64_t stored = matrix ? request.StoredCols(tensor) : 0;
    const bool odd =
        stored % 2 != 0 && Info(request.block.element).storage_bits == 4;
    const bool broken = matrix && request.sparsity != nullptr &&
                        tensor.shape[1] % request.sparsity->ratio.group != 0;
    const auto scale = scales.find(&tensor);
    if (matrix && skipped) {
      plan.reason = "--skip";
    } else if (matrix && scale != scales.end()) {
      plan.reason = scale->second;
    } else if (broken) {
      plan.reason = fmt::format("{} columns, groups of {}", tensor.shape[1],
                                request.sparsity->ratio.group);
    } else if (odd) {
      plan.reason = fmt::format("{} columns, two codes a byte", stored);
    } else if (matrix) {
      plan.stored = StoredAs(request.naming, request.block, tensor.name,
                             tensor.shape[0], stored);
    }
    plans.push_back(std::move(plan));
  }
  return plans;
}

Metadata MakeMetadata(const SafetensorsFile& file, const Request& request) {
  Metadata metadata = file.metadata();
  metadata["zeroulp.version"] = ZEROULP_VERSION;
  metadata["zeroulp.block_format"] = request.block.name;
  metadata["zeroulp.scale_mode"] = request.rule->name;
  metadata["zeroulp.rounding"] = Name(request.options.rounding);
  metadata["zeroulp.naming"] = request.naming.name;
  metadata.erase("zeroulp.seed");
  metadata.erase("zeroulp.tensor_scale");
  metadata.erase("zeroulp.nibbles");
  metadata.erase("zeroulp.sparsity");
  if (request.sparsity != nullptr) {
    metadata["zeroulp.sparsity"] = request.sparsity->name;
  }
  if (request.options.seed) {
    metadata["zeroulp.seed"] = fmt::format("{}", *request.options.seed);
  }
  if (request.block.has_tensor_scale) {
    metadata["zeroulp.tensor_scale"] =
        request.naming.convention == TensorScaleConvention::kDirect
            ? "direct"
            : "reciprocal";
  }
  if (Info(request.block.element).storage_bits == 4) {
    metadata["zeroulp.nibbles"] = "low first";
  }
  return metadata;
}

// One line on a terminal, overwritten as it goes.
class Progress {
 public:
  explicit Progress(size_t total)
      : total_(total), shown_(isatty(STDERR_FILENO) != 0) {}
  ~Progress() {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Next(std::string_view name) {
    ++done_;
    if (!shown_) return;
    fmt::print(stderr, "\r\x1b[K{} of {}  {:.60}", done_, total_, Shown(name));
    std::fflush(stderr);
  }

 private:
  size_t total_, done_ = 0;
  bool shown_;
};

// Writes the parts of matrices in the order of the file, which keeps codes and
// scales apart: those of alignment 4 come first. A matrix is held until another
// one is needed, and quantised again where its parts do not follow each other:
// twice the work for scales in binary32, but never two matrices in memory.
class CheckpointWriter {
 public:
  CheckpointWriter(const SafetensorsFile& file, const Request& request,
                   std::vector<Plan>& plans)
      : file_(file), request_(request) {
    for (Plan& plan : plans) {
      if (!plan.stored) {
        parts_[plan.tensor->name] = {&plan, kCopy};
        outputs_.push_back(*plan.tensor);
        continue;
      }
      Add(plan, plan.stored->codes, kCodes);
      Add(plan, plan.stored->scale, kScales);
      if (plan.stored->tensor_scale) {
        Add(plan, *plan.stored->tensor_scale, kTensorScale);
      }
      if (request.sparsity != nullptr) {
        TensorInfo index;
        index.name = plan.tensor->name + "_index";
        index.dtype = Dtype::kU8;
        index.shape = {plan.tensor->shape[0], request.StoredCols(*plan.tensor)};
        Add(plan, index, kIndex);
      }
    }
  }

  void Write(const std::string& path) {
    SafetensorsWriter writer(path, outputs_, MakeMetadata(file_, request_));
    Progress progress(outputs_.size());
    for (const TensorInfo& output : writer.tensors()) {
      progress.Next(output.name);
      const auto [plan, part] = parts_.at(output.name);
      WritePart(*plan, part, writer);
    }
    writer.Commit();
  }

 private:
  enum Part { kCopy, kCodes, kScales, kTensorScale, kIndex };

  void Add(Plan& plan, const TensorInfo& output, Part part) {
    // A name that is there twice is the writer's to refuse.
    parts_[output.name] = {&plan, part};
    outputs_.push_back(output);
  }

  const QuantizedMatrix& Quantized(Plan& plan) {
    if (held_ != &plan) {
      held_ = nullptr;
      matrix_ = {};  // before the next is made
      matrix_ =
          QuantizeTensor(file_, *plan.tensor, request_.block, request_.sparsity,
                         request_.options, plan.done ? nullptr : &plan.errors);
      plan.tensor_scale = matrix_.tensor_scale;
      plan.done = true;
      held_ = &plan;
    }
    return matrix_;
  }

  void WritePart(Plan& plan, Part part, SafetensorsWriter& writer) {
    switch (part) {
      case kCopy:
        Copy(*plan.tensor, writer);
        break;
      case kCodes:
        writer.Append(Quantized(plan).codes);
        break;
      case kIndex:
        writer.Append(std::as_bytes(std::span(Quantized(plan).positions)));
        break;
      case kScales:
        WriteScales(plan, writer);
        break;
      case kTensorScale: {
        if (!plan.done) Quantized(plan);
        const float scale = ConvertTensorScale(plan.tensor_scale,
                                               TensorScaleConvention::kDirect,
                                               request_.naming.convention)
                                .value;
        writer.Append(std::as_bytes(std::span(&scale, 1)));
        break;
      }
    }
  }

  void Copy(const TensorInfo& tensor, SafetensorsWriter& writer) {
    constexpr int64_t kPiece = int64_t{1} << 22;
    std::vector<std::byte> bytes(
        static_cast<size_t>(std::min(kPiece, tensor.size_bytes)));
    for (int64_t first = 0; first < tensor.size_bytes; first += kPiece) {
      const auto size = std::min(kPiece, tensor.size_bytes - first);
      const std::span piece(bytes.data(), static_cast<size_t>(size));
      file_.Read(tensor, first, piece);
      writer.Append(piece);
    }
  }

  // A row of scales for every row of the matrix where StoredAs says so.
  void WriteScales(Plan& plan, SafetensorsWriter& writer) {
    const std::span<const std::byte> scales = Quantized(plan).scales;
    const BlockInfo& block = request_.block;
    if (block.scale != Format::kUE4M3 || block.block_rows == 1) {
      writer.Append(scales);
      return;
    }
    const auto cols =
        static_cast<size_t>(block.ScaleCols(request_.StoredCols(*plan.tensor)));
    std::vector<std::byte> rows;
    for (int64_t row = 0; row < plan.tensor->shape[0]; ++row) {
      const auto from = scales.subspan(
          static_cast<size_t>(row / block.block_rows) * cols, cols);
      rows.insert(rows.end(), from.begin(), from.end());
    }
    writer.Append(rows);
  }

  const SafetensorsFile& file_;
  const Request& request_;
  std::vector<TensorInfo> outputs_;
  std::map<std::string, std::pair<Plan*, Part>, std::less<>> parts_;
  const Plan* held_ = nullptr;  // whose matrix_ is
  QuantizedMatrix matrix_;
};

Json MakeJson(const Arguments& arguments, const Request& request,
              const std::vector<Plan>& plans) {
  Json json = NewJson("quantize");
  json["input"] = arguments.input;
  json["output"] = arguments.output;
  json["format"] = request.block.name;
  json["scale_mode"] = request.rule->name;
  json["rounding"] = Name(request.options.rounding);
  json["seed"] = nullptr;
  if (request.options.seed) json["seed"] = *request.options.seed;
  json["naming"] = request.naming.name;
  json["sparsity"] = nullptr;
  if (request.sparsity != nullptr) json["sparsity"] = request.sparsity->name;
  json["tensors"] = Json::array();
  json["copied"] = Json::array();
  ErrorStatistics total;
  for (const Plan& plan : plans) {
    if (!plan.stored) {
      json["copied"].push_back(
          {{"name", plan.tensor->name}, {"reason", plan.reason}});
      continue;
    }
    Json row = {{"name", plan.tensor->name},
                {"dtype", Info(plan.tensor->dtype).name},
                {"shape", plan.tensor->shape},
                {"codes", plan.stored->codes.name},
                {"scales", plan.stored->scale.name}};
    if (request.sparsity != nullptr) {
      row["index"] = plan.tensor->name + "_index";
    }
    if (plan.stored->tensor_scale) {
      row["tensor_scale"] = plan.stored->tensor_scale->name;
      row["direct_tensor_scale"] = plan.tensor_scale;
    }
    row.update(ErrorJson(plan.errors));
    json["tensors"].push_back(std::move(row));
    total.Add(plan.errors);
  }
  json["total"] = ErrorJson(total);
  return json;
}

void PrintReport(const Request& request, const std::vector<Plan>& plans,
                 const std::string& output) {
  Table table({{"tensor"},
               {"shape"},
               {"rel. error", true},
               {"SQNR dB", true},
               {"max ulp", true},
               {"saturated %", true},
               {"flushed %", true},
               {""}});
  ErrorStatistics total;
  size_t quantized = 0;
  const auto add = [&](std::string name, std::string shape,
                       const ErrorStatistics& errors) {
    std::vector<std::string> row = {std::move(name), std::move(shape)};
    for (std::string& cell : ErrorCells(errors)) row.push_back(std::move(cell));
    table.Add(std::move(row));
  };
  for (const Plan& plan : plans) {
    if (!plan.stored) continue;
    ++quantized;
    add(Shown(plan.tensor->name),
        fmt::format("{} x {}", plan.tensor->shape[0], plan.tensor->shape[1]),
        plan.errors);
    total.Add(plan.errors);
  }
  if (quantized > 1) add("all", "", total);
  if (quantized > 0) fmt::print("{}", table.Text());
  for (const Plan& plan : plans) {
    if (plan.reason.empty()) continue;
    fmt::print("{} was copied: {}\n", Shown(plan.tensor->name), plan.reason);
  }
  fmt::print("{}  {} {}{}{}  {} tensors quantised, {} copied\n", output,
             request.block.name, request.rule->name,
             request.sparsity == nullptr ? "" : " ",
             request.sparsity == nullptr ? "" : request.sparsity->name,
             quantized, plans.size() - quantized);
}

int QuantizeCommand(const Arguments& arguments) {
  const Request request = Check(arguments);
  const SafetensorsFile file = SafetensorsFile::Open(arguments.input);
  std::vector<Plan> plans = MakePlans(file, request, arguments.skip);
  TextOutput json(arguments.json);
  CheckpointWriter(file, request, plans).Write(arguments.output);
  json.Write(ToText(MakeJson(arguments, request, plans)));
  if (arguments.output != "-" && arguments.json != "-") {
    PrintReport(request, plans, arguments.output);
  }
  return kOk;
}

}  // namespace

void AddQuantize(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "quantize", "every matrix of a safetensors checkpoint to a block format");
  const auto options = std::make_shared<Arguments>();
  command->add_option("IN", options->input, "input; - is standard input")
      ->required();
  command
      ->add_option("-o,--output", options->output,
                   "output; - is standard output")
      ->required();
  command
      ->add_option("--format", options->format,
                   "block format: nvfp4, mxfp4, mxfp8, fp8_tensor, fp8_row, "
                   "e4m3fn_128x128, ...")
      ->required();
  CLI::Option* mode = command->add_option(
      "--scale-mode", options->scale_mode,
      "how scales are computed: floor, rceil, te, divide, pow2, ...");
  command
      ->add_option("--preset", options->preset,
                   "scales as some software computes them: ocp, te, torchao, "
                   "trainium, deepseek, ...")
      ->excludes(mode);
  command->add_option("--sparsity", options->sparsity,
                      "keep the largest of each group: 4:16, 2:4, 4:8, ...; "
                      "their places become X_index");
  command->add_option("--naming", options->naming,
                      "weight_scale (default) or compressed-tensors");
  command->add_option("--skip", options->skip,
                      "copy tensors whose name contains this, such as "
                      "embed or lm_head; may be repeated");
  options->rounding.Add(*command, "rne, or sr");
  command->add_option("--json", options->json,
                      "write the error statistics to this file");
  AddThreads(*command, options->threads);
  command->callback([options, &action] {
    action = [options] { return QuantizeCommand(*options); };
  });
}

}  // namespace zeroulp::cli
