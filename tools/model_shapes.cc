// SPDX-License-Identifier: Apache-2.0
#include "tools/model_shapes.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iterator>

#include "tools/io/file_error.h"
#include "tools/text_file.h"

namespace zeroulp::cli {
namespace {

struct BuiltIn {
  std::string_view name, source, lines;
};

// Figures of each model's config.json. qkv and gate-up are one GEMM each, as
// serving engines run them.
constexpr BuiltIn kModels[] = {
    {"llama3-8b",
     "Meta Llama 3.1 8B config.json: hidden 4096, intermediate 14336, 32 "
     "layers, 32 heads and 8 key/value heads of 128, vocabulary 128256",
     "qkv T 6144 4096 32\n"
     "o T 4096 4096 32\n"
     "gate-up T 28672 4096 32\n"
     "down T 4096 14336 32\n"
     "head B 128256 4096 1\n"},
    {"llama3-70b",
     "Meta Llama 3.1 70B config.json: hidden 8192, intermediate 28672, 80 "
     "layers, 64 heads and 8 key/value heads of 128, vocabulary 128256",
     "qkv T 10240 8192 80\n"
     "o T 8192 8192 80\n"
     "gate-up T 57344 8192 80\n"
     "down T 8192 28672 80\n"
     "head B 128256 8192 1\n"},
    {"llama3-405b",
     "Meta Llama 3.1 405B config.json: hidden 16384, intermediate 53248, 126 "
     "layers, 128 heads and 8 key/value heads of 128, vocabulary 128256",
     "qkv T 18432 16384 126\n"
     "o T 16384 16384 126\n"
     "gate-up T 106496 16384 126\n"
     "down T 16384 53248 126\n"
     "head B 128256 16384 1\n"},
    {"qwen3-32b",
     "Qwen3 32B config.json: hidden 5120, intermediate 25600, 64 layers, 64 "
     "heads and 8 key/value heads of 128, vocabulary 151936",
     "qkv T 10240 5120 64\n"
     "o T 5120 8192 64\n"
     "gate-up T 51200 5120 64\n"
     "down T 5120 25600 64\n"
     "head B 151936 5120 1\n"},
    {"deepseek-v3",
     "DeepSeek-V3 config.json: hidden 7168, 61 layers of which 3 dense with "
     "intermediate 18432; 128 heads, ranks 1536 and 512, 64 rotary; 256 "
     "experts of 2048, 8 a token and 1 shared; vocabulary 129280",
     "q-a-kv-a T 2112 7168 61\n"
     "q-b T 24576 1536 61\n"
     "kv-b T 32768 512 61\n"
     "o T 7168 16384 61\n"
     "dense-gate-up T 36864 7168 3\n"
     "dense-down T 7168 18432 3\n"
     "router T 256 7168 58\n"
     "shared-gate-up T 4096 7168 58\n"
     "shared-down T 7168 2048 58\n"
     "expert-gate-up T 4096 7168 58 experts=8/256\n"
     "expert-down T 7168 2048 58 experts=8/256\n"
     "head B 129280 7168 1\n"},
};

class Parser {
 public:
  Parser(std::string_view path, const Load& load) : path_(path), load_(load) {}

  std::vector<LayerShape> Read(std::string_view text) {
    std::vector<LayerShape> layers;
    for (number_ = 1; !text.empty(); ++number_) {
      const size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      line = line.substr(0, line.find('#'));
      const std::vector<std::string_view> words = Words(line);
      if (!words.empty()) layers.push_back(Layer(words));
    }
    if (layers.empty()) io::FileError(path_, "no line has a shape");
    return layers;
  }

 private:
  static std::vector<std::string_view> Words(std::string_view line) {
    constexpr std::string_view kBlanks = " \t\r";
    std::vector<std::string_view> words;
    for (;;) {
      const size_t begin = line.find_first_not_of(kBlanks);
      if (begin == line.npos) return words;
      line.remove_prefix(begin);
      const size_t end = std::min(line.find_first_of(kBlanks), line.size());
      words.push_back(line.substr(0, end));
      line.remove_prefix(end);
    }
  }

  template <typename... Args>
  [[noreturn]] void Fail(fmt::format_string<Args...> what, Args&&... args) {
    io::FileError(path_, "line {}: {}", number_,
                  fmt::format(what, std::forward<Args>(args)...));
  }

  int64_t Whole(std::string_view word) {
    constexpr int64_t kMost = int64_t{1} << 40;  // elements of one dimension
    int64_t value = 0;
    const char* const end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, value);
    if (error != std::errc() || stop != end || value < 1 || value > kMost) {
      Fail("{} is not a whole number from 1 to 2^40", io::Quote(word));
    }
    return value;
  }

  LayerShape Layer(const std::vector<std::string_view>& words) {
    if (words.size() < 4) {
      Fail("takes: name M N K [times] [experts=ACTIVE/ALL]");
    }
    LayerShape layer = {std::string(words[0]),
                        Rows(words[1]),
                        Whole(words[2]),
                        Whole(words[3]),
                        1,
                        1};
    size_t at = 4;
    if (at < words.size() && !words[at].starts_with("experts=")) {
      layer.times = layer.matrices = Whole(words[at++]);
    }
    if (at < words.size() && words[at].starts_with("experts=")) {
      Divide(layer, words[at++].substr(8));
    }
    if (at < words.size())
      Fail("{} is one word too many", io::Quote(words[at]));
    return layer;
  }

  int64_t Rows(std::string_view word) {
    if (word == "T") return load_.batch * load_.tokens;
    if (word == "B") return load_.batch;
    return Whole(word);
  }

  // Of `all` experts those that get a token, with as many as the others.
  void Divide(LayerShape& layer, std::string_view experts) {
    const size_t slash = experts.find('/');
    if (slash == experts.npos) Fail("experts=ACTIVE/ALL, as in experts=8/256");
    const int64_t active = Whole(experts.substr(0, slash));
    const int64_t all = Whole(experts.substr(slash + 1));
    constexpr int64_t kMost = int64_t{1} << 20;
    if (active > all || all > kMost) {
      Fail("experts={}: ACTIVE must be at most ALL, and ALL at most 2^20",
           experts);
    }
    const int64_t visits = layer.m * active;
    const int64_t busy = std::min(all, visits);
    layer.m = visits / busy + (visits % busy > 0);
    layer.times *= busy;
    layer.matrices *= all;
  }

  std::string path_;
  Load load_;
  int64_t number_ = 0;
};

void CheckLoad(const Load& load) {
  constexpr int64_t kMost = int64_t{1} << 31;
  for (const auto& [what, value] :
       {std::pair{"batch", load.batch}, {"tokens", load.tokens}}) {
    if (value < 1 || value > kMost || load.batch > kMost / load.tokens) {
      throw Error(ErrorCode::kArgument,
                  fmt::format("{} is {}: batch and tokens must be at least 1, "
                              "and their product at most 2^31",
                              what, value));
    }
  }
}

}  // namespace

std::string ModelNames() {
  std::string names;
  for (const BuiltIn& model : kModels) {
    names.append(names.empty() ? "" : " ").append(model.name);
  }
  return names;
}

ModelShapes FindModelShapes(const std::string& name, const Load& load) {
  CheckLoad(load);
  for (const BuiltIn& model : kModels) {
    if (name != model.name) continue;
    return {name, std::string(model.source),
            Parser(name, load).Read(model.lines)};
  }
  if (name != "-" && !std::filesystem::exists(name)) {
    throw Error(ErrorCode::kUnknownName,
                fmt::format("no model or file is named '{}'; models: {}", name,
                            ModelNames()));
  }
  return {name, name, Parser(name, load).Read(ReadTextFile(name))};
}

}  // namespace zeroulp::cli
