// SPDX-License-Identifier: Apache-2.0
#include "tools/record/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "tools/record/cases.h"
#include "tools/record/conversions.h"
#include "tools/record/matmuls.h"
#include "tools/record/recorder.h"
#include "zeroulp/bundle.h"

namespace zeroulp::record {
namespace {

bool Selected(std::string_view name, const std::vector<std::string>& only) {
  return only.empty() || std::any_of(only.begin(), only.end(), [&](auto& part) {
           return name.find(part) != std::string_view::npos;
         });
}

// A case as something to do: what it returns is the line of its report.
struct Task {
  std::string name;
  std::function<std::string(const std::string& path)> record;
};

class Session {
 public:
  Session(const SessionOptions& options, Gpu& gpu, Chip chip)
      : options_(options),
        from_{gpu.info(), options.date, options.version, options.seed},
        gpu_(gpu),
        chip_(chip) {}

  std::vector<Task> Tasks() {
    std::vector<Task> tasks;
    for (const Case& c : Cases()) {
      if (c.form->chip != chip_) continue;
      tasks.push_back({c.name, [&](const std::string& path) {
                         return RecordCase(c, path);
                       }});
    }
    for (const ConversionForm& form : ConversionForms()) {
      if (!RunsOn(form, chip_)) continue;
      tasks.push_back({OnChip(form.name), [&](const std::string& path) {
                         return RecordConversion(form, path);
                       }});
    }
    for (const MatmulForm& form : MatmulForms()) {
      tasks.push_back({OnChip(form.name), [&](const std::string& path) {
                         return RecordProduct(form, path);
                       }});
    }
    std::erase_if(tasks, [&](const Task& task) {
      return !Selected(task.name, options_.only);
    });
    return tasks;
  }

 private:
  // Of forms that several chips have: the file says on which it was recorded.
  std::string OnChip(std::string_view name) const {
    return fmt::format("{}.{}", zeroulp::record::Info(chip_).name, name);
  }

  std::string RecordCase(const Case& c, const std::string& path) {
    const Bundle bundle = Record(c, from_, gpu_);
    WriteBundle(path, bundle);
    return ToText(Judge(c, bundle));
  }

  std::string RecordConversion(const ConversionForm& form,
                               const std::string& path) {
    const Conversions x = RecordConversions(form, options_.seed, gpu_);
    Metadata notes =
        NotesOf(from_, std::string(form.name), std::string(form.instruction));
    notes.emplace("zeroulp.decides", form.decides);
    WriteConversions(path, form, x, notes);
    const ConversionReport report = CheckConversions(path);
    std::string text =
        fmt::format("{} values, {} differ", report.values, report.differing);
    if (report.differing != 0) text += fmt::format(": {}", report.first);
    return text;
  }

  std::string RecordProduct(const MatmulForm& form, const std::string& path) {
    const RecordedMatmul x = RecordMatmul(form, chip_, from_, gpu_);
    WriteBundle(path, x.bundle);
    return fmt::format("{} values, {} differ; {}", x.values, x.differing,
                       x.bundle.notes.at("zeroulp.algorithm"));
  }

  const SessionOptions& options_;
  const Provenance from_;
  Gpu& gpu_;
  const Chip chip_;
};

const ChipRow& ChipOf(const GpuInfo& info) {
  if (const ChipRow* row = FindChip(info.major, info.minor)) return *row;
  std::string known;
  for (const ChipRow& row : kChipRows) {
    known += fmt::format("{}{} ({}.{})", known.empty() ? "" : ", ", row.name,
                         row.major, row.minor_min);
  }
  throw Error(ErrorCode::kUnsupported,
              fmt::format("{} has compute capability {}.{}; cases are for {}",
                          info.name, info.major, info.minor, known));
}

}  // namespace

std::vector<Listed> List(const std::vector<std::string>& only) {
  std::vector<Listed> list;
  for (const Case& c : Cases()) {
    list.push_back({c.name, c.instruction, std::string(c.form->decides)});
  }
  for (const ConversionForm& form : ConversionForms()) {
    list.push_back({std::string(form.name), std::string(form.instruction),
                    std::string(form.decides)});
  }
  for (const MatmulForm& form : MatmulForms()) {
    list.push_back({form.name, "", std::string(kMatmulDecides)});
  }
  std::erase_if(list, [&](const Listed& x) { return !Selected(x.name, only); });
  return list;
}

SessionResult RecordSelection(
    const SessionOptions& options, Gpu& gpu,
    const std::function<void(std::string_view line)>& report) {
  const ChipRow& chip = ChipOf(gpu.info());
  Session session(options, gpu, chip.id);
  const std::vector<Task> tasks = session.Tasks();
  if (tasks.empty()) {
    throw Error(ErrorCode::kArgument,
                fmt::format("nothing to record on {} is named like '{}'",
                            chip.name, fmt::join(options.only, "', '")));
  }
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  SessionResult result;
  for (const Task& task : tasks) {
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    if (elapsed.count() > options.seconds) {
      ++result.skipped;
      continue;
    }
    const auto path =
        std::filesystem::path(options.out) / (task.name + ".safetensors");
    try {
      report(fmt::format("{}  {}", task.name, task.record(path.string())));
      ++result.recorded;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnsupported) throw;
      report(fmt::format("{}  not recorded: {}", task.name, error.what()));
      ++result.refused;
    }
  }
  return result;
}

}  // namespace zeroulp::record
