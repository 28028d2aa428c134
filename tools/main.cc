// SPDX-License-Identifier: Apache-2.0
// zeroulp: the command line. Results on standard output, everything else on
// standard error, one sentence per complaint.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>

#include "tools/commands.h"
#include "tools/output.h"

namespace zeroulp::cli {
namespace {

void AddCommands(CLI::App& app, Action& action) {
  app.require_subcommand(0, 1);  // none: a better message than CLI11's
  app.set_version_flag("--version", ZEROULP_VERSION);
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

// A stream that came closed leaves its descriptor to the next file opened, and
// what is meant for the stream would end up there. The placeholder, opened the
// wrong way round, refuses to be read or written as the stream would.
void OccupyClosedStreams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) >= 0) continue;
    // The lowest number that is free: this one.
    open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

int LostOutput(std::string_view why) {
  Complain("standard output cannot be written: {}", why);
  return kBadInput;
}

// Output lost to a full disk or a closed pipe must not look like success.
int Flushed(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  return LostOutput(std::strerror(errno));
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
    if (const auto commands = app.get_subcommands(); !commands.empty()) {
      Complain("{}; zeroulp {} --help tells more", error.what(),
               commands[0]->get_name());
      return kBadInput;
    }
    action = nullptr;  // no command, or none of this name
  }
  if (!action) {
    Complain("{}; known:{}; zeroulp --help tells more",
             argc > 1 ? fmt::format("no command is named '{}'", argv[1])
                      : "a command is missing",
             CommandNames(app));
    return kBadInput;
  }
  try {
    return Flushed(action());
  } catch (const std::bad_alloc&) {
    Complain("out of memory");
  } catch (const std::system_error& error) {
    // fmt, which prints, does not say to what.
    if (std::ferror(stdout) != 0) return LostOutput(error.code().message());
    Complain("{}", error.what());
  } catch (const std::exception& error) {
    Complain("{}", error.what());
  }
  return kBadInput;
}

}  // namespace
}  // namespace zeroulp::cli

int main(int argc, char** argv) {
  zeroulp::cli::OccupyClosedStreams();
  return zeroulp::cli::Main(argc, argv);
}
