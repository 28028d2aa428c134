// SPDX-License-Identifier: Apache-2.0
// Words that real GPUs returned. The bundles lie outside the project: the
// option ZEROULP_SHARED_DIR names their folder, and without it these tests
// skip.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "zeroulp/bundle.h"
#include "zeroulp/compare.h"
#include "zeroulp/reference.h"
#include "zeroulp/sparse.h"

namespace zeroulp {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> Bundles() {
  const fs::path folder = fs::path(ZEROULP_SHARED_DIR) / "hardware";
  std::vector<fs::path> paths;
  if (!std::string(ZEROULP_SHARED_DIR).empty() && fs::exists(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".safetensors") {
        paths.push_back(entry.path());
      }
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST(Hardware, EveryRecordedWordIsReproduced) {
  const auto paths = Bundles();
  if (paths.empty()) GTEST_SKIP() << "no recorded bundles (ZEROULP_SHARED_DIR)";
  for (const fs::path& path : paths) {
    const Bundle bundle = ReadBundle(path.string());
    const VerifyResult result = Verify(bundle);
    EXPECT_TRUE(result.exact()) << path.filename() << ": " << result.mismatches
                                << " of " << result.values;
    EXPECT_GE(result.values, 2500);
  }
}

int64_t MismatchesUnder(const Bundle& bundle, const ArithInfo& row) {
  BundleMatrix d = *bundle.d;
  int64_t mismatches = 0;
  for (int64_t i = 0; i < bundle.batch(); ++i) {
    reference::GemmWithRow(row, bundle.a.View(i), bundle.b_t.View(i),
                           bundle.c ? bundle.c->View(i) : ConstMatrixView(),
                           d.View(i));
    mismatches +=
        CompareBits(bundle.d->View(i), static_cast<ConstMatrixView>(d.View(i)))
            .mismatches;
  }
  return mismatches;
}

// One wrong parameter must not go unnoticed, or the words prove nothing. What
// the recorded rows are known not to resolve is excepted by name.
TEST(Hardware, OneWrongParameterIsNoticed) {
  const auto paths = Bundles();
  if (paths.empty()) GTEST_SKIP() << "no recorded bundles (ZEROULP_SHARED_DIR)";
  for (const fs::path& path : paths) {
    const Bundle bundle = ReadBundle(path.string());
    const ArithInfo& row = FindArith(bundle.arith);
    if (row.model != Model::kFusedDot) continue;
    ArithInfo wrong = row;
    wrong.out_rounding = row.out_rounding == Rounding::kTowardZero
                             ? Rounding::kNearestEven
                             : Rounding::kTowardZero;
    EXPECT_GT(MismatchesUnder(bundle, wrong), 50) << path << " rounding";
    // f16 accumulators round away what the grid decides.
    const bool f16_to_f16 =
        row.a.contains(Format::kF16) && row.output == Format::kF16;
    for (const int change : {-1, 1}) {
      wrong = row;
      wrong.align_bits += change;
      if (!f16_to_f16) {
        EXPECT_GT(MismatchesUnder(bundle, wrong), 50)
            << path << " align_bits " << wrong.align_bits;
      }
    }
    wrong = row;
    wrong.normalise_products = true;
    if (!f16_to_f16) {
      EXPECT_GT(MismatchesUnder(bundle, wrong), 10) << path << " normalised";
    }
    wrong = row;
    wrong.chunk /= 2;
    const bool hopper_tf32 = row.chunk == 8 && row.a.contains(Format::kTF32);
    if (!hopper_tf32) {
      EXPECT_GT(MismatchesUnder(bundle, wrong), 50) << path << " half chunk";
    }
    wrong = row;
    wrong.chunk *= 2;
    if (bundle.k() > row.chunk) {
      EXPECT_GT(MismatchesUnder(bundle, wrong), 50) << path << " double chunk";
    }
  }
}

// One row of b200_words.csv: hex codes, a and b with their full logical K.
struct PublishedWord {
  std::map<std::string, std::string> columns;

  const std::string& at(const std::string& name) const {
    return columns.at(name);
  }
  std::vector<uint32_t> codes(const std::string& name) const {
    std::istringstream text(at(name));
    std::vector<uint32_t> list;
    for (std::string word; text >> word;) {
      list.push_back(static_cast<uint32_t>(std::stoul(word, nullptr, 16)));
    }
    return list;
  }
  bool is(const std::string& name, const std::string& part) const {
    return at(name).find(part) != std::string::npos;
  }
};

std::vector<std::string> SplitCommas(const std::string& line) {
  std::vector<std::string> fields = {""};
  for (const char c : line) {
    if (c == ',') {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

std::vector<PublishedWord> PublishedWords(std::istream& file) {
  std::string line;
  std::getline(file, line);
  const std::vector<std::string> header = SplitCommas(line);
  std::vector<PublishedWord> words;
  while (std::getline(file, line)) {
    const std::vector<std::string> fields = SplitCommas(line);
    PublishedWord& word = words.emplace_back();
    for (size_t i = 0; i < header.size(); ++i) {
      word.columns[header[i]] = fields.at(i);
    }
  }
  return words;
}

std::string ArithOf(const PublishedWord& word) {
  const std::string out = word.at("out") == "fp16" ? ".f16" : ".f32";
  if (word.is("kind", "mx")) return "blackwell.tcgen05.mxf8f6f4.f32";
  if (word.is("kind", "fp4")) {
    return word.codes("scale_a").size() == 2 ? "blackwell.tcgen05.mxf4.f32"
                                             : "blackwell.tcgen05.mxf4nvf4.f32";
  }
  for (const char* wide : {"tf32", "bf16", "fp16"}) {
    if (!word.is("fmt_a", wide)) continue;
    return "blackwell." + std::string(Info(FindFormat(wide).id).name) + out;
  }
  return "blackwell.tcgen05.f8f6f4" + out;
}

// One row of codes with the memory behind it.
class Codes {
 public:
  Codes(Format format, const std::vector<uint32_t>& codes)
      : bytes_(codes.size() * 4) {
    const auto n = static_cast<int64_t>(codes.size());
    view_ = {std::as_writable_bytes(std::span(bytes_)), format, 1, n,
             DenseStride(format, n)};
    for (int64_t k = 0; k < n; ++k) {
      WriteCode(view_, 0, k, codes[static_cast<size_t>(k)]);
    }
  }
  Codes(const Codes&) = delete;
  Codes& operator=(const Codes&) = delete;
  const MatrixView& view() const { return view_; }

 private:
  std::vector<uint8_t> bytes_;
  MatrixView view_;
};

// Positions that PTX metadata nibbles select: two fields of two bits, for
// single elements of 4 or for pairs of 8.
std::vector<uint32_t> Positions(const PublishedWord& word, uint32_t width) {
  std::vector<uint32_t> positions;
  for (const uint32_t nibble : word.codes("metadata")) {
    for (const uint32_t field : {nibble & 3, nibble >> 2}) {
      for (uint32_t i = 0; i < width; ++i) {
        positions.push_back(field * width + i);
      }
    }
  }
  return positions;
}

// The library reads the same positions from the same nibbles, and writes them.
void ExpectMetadata(const PublishedWord& word, uint32_t width,
                    const std::vector<uint32_t>& positions) {
  const SparsityInfo& pattern = FindSparsity(width == 2 ? "4:8-pairs" : "2:4");
  const std::vector<uint32_t> nibbles = word.codes("metadata");
  std::vector<uint16_t> words((nibbles.size() + 3) / 4);
  for (size_t i = 0; i < nibbles.size(); ++i) {
    words[i / 4] |= static_cast<uint16_t>(nibbles[i] << (4 * (i % 4)));
  }
  const auto cols = static_cast<int64_t>(positions.size());
  const auto read = NvidiaPositions(pattern, 1, cols, words);
  EXPECT_TRUE(
      std::equal(read.begin(), read.end(), positions.begin(), positions.end()))
      << word.at("name");
  EXPECT_EQ(NvidiaMetadata(pattern, 1, cols, read), words) << word.at("name");
}

TEST(Hardware, EveryPublishedB200WordIsReproduced) {
  std::ifstream file(fs::path(ZEROULP_SHARED_DIR) / "hardware/b200_words.csv");
  if (!file) GTEST_SKIP() << "no b200_words.csv (ZEROULP_SHARED_DIR)";
  int checked = 0;
  for (const PublishedWord& word : PublishedWords(file)) {
    const ArithInfo& row = FindArith(ArithOf(word));
    const bool sparse = word.is("kind", "sparse");
    const uint32_t width = word.is("kind", "fp4") ? 2 : 1;
    const std::vector<uint32_t> positions = Positions(word, width);
    std::vector<uint32_t> a_codes = word.codes("a");
    if (sparse) {
      ExpectMetadata(word, width, positions);
      std::vector<uint32_t> stored;
      for (size_t k = 0; k < positions.size(); ++k) {
        const size_t group = k / (2 * width) * (4 * width);
        stored.push_back(a_codes[group + positions[k]]);
      }
      a_codes = stored;
    }
    const Codes a(FindFormat(word.at("fmt_a")).id, a_codes);
    const Codes b(FindFormat(word.at("fmt_b")).id, word.codes("b"));
    const Codes index(Format::kE8M0FNU, positions);
    const bool ue4m3 = word.at("scale_type") == "ue4m3";
    const Format scale = ue4m3 ? Format::kUE4M3 : Format::kE8M0FNU;
    const Codes a_scales(scale, word.codes("scale_a"));
    const Codes b_scales(scale, word.codes("scale_b"));
    Operand a_operand = static_cast<ConstMatrixView>(a.view());
    Operand b_operand = static_cast<ConstMatrixView>(b.view());
    if (row.scale_block != 0) {
      a_operand.scales = {a_scales.view(), row.scale_block};
      // Scales cover stored elements; those of B what A's selection leaves.
      b_operand.scales = {b_scales.view(),
                          sparse ? 2 * row.scale_block : row.scale_block};
    }
    if (sparse) {
      a_operand.sparsity = {2 * width, 4 * width};
      a_operand.index = index.view();
    }
    const Codes c(row.accumulator, word.codes("c"));
    const Codes d(row.output, {0});
    reference::Gemm(a_operand, b_operand, c.view(), d.view(),
                    {.arith = row.name});
    EXPECT_EQ(ReadCode(d.view(), 0, 0), word.codes("d")[0])
        << word.at("name") << " by " << row.name;
    const Codes by_kernel(row.output, {0});
    Gemm(a_operand, b_operand, c.view(), by_kernel.view(), {.arith = row.name});
    EXPECT_EQ(ReadCode(by_kernel.view(), 0, 0), word.codes("d")[0])
        << word.at("name") << " by " << row.name << ", kernel";
    ++checked;
  }
  EXPECT_EQ(checked, 32);
}

// GH200, e4m3 wgmma, every a = b = 1/16 accumulated over and over: the grid at
// 64 is 2^-7, and 2^-8 is cut to nothing (published observation).
TEST(Hardware, WgmmaStallsAt64) {
  const int64_t k = 32 * 2000;
  const std::vector<uint8_t> codes(static_cast<size_t>(k), 0x18);
  std::vector<float> d(1);
  reference::Gemm(CodesView(codes, Format::kE4M3FN, 1, k),
                  CodesView(codes, Format::kE4M3FN, 1, k), {},
                  F32View(std::span(d), 1, 1),
                  {.arith = "hopper.wgmma.fp8.f32"});
  EXPECT_EQ(d[0], 64.0f);
}

}  // namespace
}  // namespace zeroulp
