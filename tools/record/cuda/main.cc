// SPDX-License-Identifier: Apache-2.0
// record: words of a real GPU as verification bundles. tools/record/README.md
// has the recipe.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/record/cuda/cuda_gpu.h"
#include "tools/record/session.h"

namespace zeroulp::record {
namespace {

enum ExitCode { kAllRecorded = 0, kSomeNotRecorded = 1, kFailed = 2 };

std::string Today() {
  const std::time_t now = std::time(nullptr);
  std::tm utc = {};
  gmtime_r(&now, &utc);
  char text[16];
  std::strftime(text, sizeof(text), "%Y-%m-%d", &utc);
  return text;
}

// Every instruction of a case must have its kernel where all architectures are
// built; elsewhere the list says what is missing.
int PrintList(const std::vector<std::string>& only) {
  const std::vector<std::string> built = BuiltInstructions();
  for (const Listed& x : List(only)) {
    const bool missing =
        !x.instruction.empty() &&
        std::find(built.begin(), built.end(), x.instruction) == built.end();
    fmt::print("{:<44} {}{}\n", x.name, x.decides,
               missing ? "  NOT IN THIS BUILD" : "");
  }
  return kAllRecorded;
}

int RecordAll(const SessionOptions& options, int device) {
  const auto gpu = OpenGpu(device);
  const GpuInfo& info = gpu->info();
  fmt::print("{}, compute capability {}.{}, driver {}, toolkit {}\n", info.name,
             info.major, info.minor, info.driver, info.toolkit);
  std::filesystem::create_directories(options.out);
  const SessionResult result =
      RecordSelection(options, *gpu, [](std::string_view line) {
        fmt::print("{}\n", line);
        std::fflush(stdout);
      });
  fmt::print("{} recorded, {} not, {} left out for want of time\n",
             result.recorded, result.refused, result.skipped);
  return result.refused + result.skipped == 0 ? kAllRecorded : kSomeNotRecorded;
}

int Main(int argc, char** argv) {
  SessionOptions options;
  options.date = Today();
  options.version = ZEROULP_VERSION;
  bool list = false;
  int device = 0;
  CLI::App app("Records result words of a GPU's matrix units as bundles.",
               "zeroulp-record");
  app.add_flag("--list", list, "what can be recorded, and what it decides");
  app.add_option("--only", options.only,
                 "only cases whose name contains this; may be repeated");
  app.add_option("--seed", options.seed, "of the operands")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);  // -3 would be read as 2^64 - 3
  app.add_option("--out", options.out, "folder for the files");
  app.add_option("--device", device, "number of the GPU")
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "start no case later than this")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kAllRecorded : kFailed;
  }
  if (list) return PrintList(options.only);
  if (options.out.empty()) {
    fmt::print(stderr, "zeroulp-record: --out DIR or --list is needed\n");
    return kFailed;
  }
  try {
    return RecordAll(options, device);
  } catch (const std::exception& error) {
    fmt::print(stderr, "zeroulp-record: {}\n", error.what());
    return kFailed;
  }
}

}  // namespace
}  // namespace zeroulp::record

int main(int argc, char** argv) { return zeroulp::record::Main(argc, argv); }
