// SPDX-License-Identifier: Apache-2.0
// Runs the built command in a folder of its own and sees what came of it.
#ifndef ZEROULP_TESTS_CLI_RUN_H_
#define ZEROULP_TESTS_CLI_RUN_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace zeroulp {

inline std::string Slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void Spill(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

struct Outcome {
  int code;
  std::string out, err;
};

class CliRun : public testing::Test {
 protected:
  void SetUp() override {
    std::string name =
        (std::filesystem::temp_directory_path() / "zeroulpXXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const {
    return (folder_ / name).string();
  }

  // Runs a shell command in the folder; $Z is the command under test.
  Outcome Shell(const std::string& command, const std::string& input = "") {
    const std::filesystem::path streams = folder_.string() + ".streams";
    std::filesystem::create_directory(streams);
    Spill(streams / "in", input);
    const std::string line =
        "cd '" + folder_.string() + "' && Z='" + ZEROULP_CLI + "' && { " +
        command + "\n} <'" + (streams / "in").string() + "' >'" +
        (streams / "out").string() + "' 2>'" + (streams / "err").string() + "'";
    const int status =
        std::system(("bash -c \"" + Escaped(line) + "\"").c_str());
    Outcome outcome = {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                       Slurp(streams / "out"), Slurp(streams / "err")};
    std::filesystem::remove_all(streams);
    return outcome;
  }

  Outcome Run(const std::string& arguments, const std::string& input = "") {
    return Shell("$Z " + arguments, input);
  }

  // A run that must fail with exit 2, one sentence, and nothing written.
  std::string Refusal(const std::string& command,
                      const std::string& input = "") {
    const auto before = Listing();
    const Outcome outcome = Shell(command, input);
    EXPECT_EQ(outcome.code, 2) << command;
    EXPECT_EQ(outcome.out, "") << command;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1)
        << outcome.err;
    EXPECT_EQ(Listing(), before) << command;
    return outcome.err;
  }

  std::map<std::string, std::string> Listing() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      files[entry.path().filename().string()] = Slurp(entry.path());
    }
    return files;
  }

  std::filesystem::path folder_;

 private:
  static std::string Escaped(const std::string& text) {
    std::string escaped;
    for (const char c : text) {
      if (c == '"' || c == '$' || c == '\\' || c == '`') escaped += '\\';
      escaped += c;
    }
    return escaped;
  }
};

}  // namespace zeroulp

#endif  // ZEROULP_TESTS_CLI_RUN_H_
