// SPDX-License-Identifier: Apache-2.0
// zeroulp: the command line. Results on standard output, everything else on
// standard error, one sentence per complaint.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "tools/commands.h"
#include "tools/output.h"

namespace zeroulp::cli {
namespace {

void AddCommands(CLI::App& app, Action& action) {
  app.require_subcommand(0, 1);  // none: a better message than CLI11's
  app.set_version_flag("--version", ZEROULP_VERSION);
  app.failure_message([](const CLI::App* failed, const CLI::Error& error) {
    return fmt::format("{}: {}; {} --help tells more\n", failed->get_name(),
                       error.what(), failed->get_name());
  });
  AddDemo(app, action);
  AddList(app, action);
  AddExplain(app, action);
  AddEncode(app, action);
  AddDecode(app, action);
  AddQuantize(app, action);
  AddInspect(app, action);
  AddCompute(app, action);
  AddVerify(app, action);
  AddProject(app, action);
}

std::string CommandNames(const CLI::App& app) {
  std::string names;
  for (const CLI::App* command : app.get_subcommands({})) {
    names.append(" ").append(command->get_name());
  }
  return names;
}

// Output lost to a full disk or a closed pipe must not look like success.
int Flushed(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  Complain("standard output cannot be written: {}", std::strerror(errno));
  return kBadInput;
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Accelerator GEMM arithmetic on CPUs, bit for bit: quantise, multiply, "
      "verify, project.",
      "zeroulp");
  Action action;
  AddCommands(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return Flushed(app.exit(error));
    if (!app.get_subcommands().empty()) {
      app.exit(error);
      return kBadInput;
    }
    action = nullptr;  // no command, or none of this name
  }
  if (!action) {
    Complain("{}; known:{}",
             argc > 1 ? fmt::format("no command is named '{}'", argv[1])
                      : "a command is missing",
             CommandNames(app));
    return kBadInput;
  }
  try {
    return Flushed(action());
  } catch (const std::bad_alloc&) {
    Complain("out of memory");
  } catch (const std::exception& error) {
    Complain("{}", error.what());
  }
  return kBadInput;
}

}  // namespace
}  // namespace zeroulp::cli

int main(int argc, char** argv) { return zeroulp::cli::Main(argc, argv); }
