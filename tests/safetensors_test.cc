// SPDX-License-Identifier: Apache-2.0
// Mirrors tools/io: files that lie are refused, files that do not round trip.
#include "zeroulp/safetensors.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace zeroulp {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

std::vector<std::byte> FileOf(const std::string& header,
                              const std::string& data) {
  const uint64_t length = header.size();
  std::vector<std::byte> bytes(8 + header.size() + data.size());
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  if (!data.empty()) {
    std::memcpy(bytes.data() + 8 + header.size(), data.data(), data.size());
  }
  return bytes;
}

// The sentence with which a file is refused; fails the test if it is accepted.
std::string Refusal(const std::string& header, const std::string& data = "") {
  try {
    SafetensorsFile::FromBytes("x.safetensors", FileOf(header, data));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFile) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("x.safetensors: "));
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  ADD_FAILURE() << "accepted " << header;
  return "";
}

std::string Entry(const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return fmt::format(R"({{"dtype":"{}","shape":{},"data_offsets":{}}})", dtype,
                     shape, offsets);
}

class TemporaryFolder : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "zeroulpXXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const {
    return (folder_ / name).string();
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  fs::path folder_;
};
using SafetensorsWriterTest = TemporaryFolder;

TensorData Data(const std::string& name, Dtype dtype,
                std::vector<int64_t> shape, const std::string& bytes) {
  TensorData tensor;
  tensor.info.name = name;
  tensor.info.dtype = dtype;
  tensor.info.shape = std::move(shape);
  tensor.bytes = std::as_bytes(std::span(bytes));
  return tensor;
}

std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(SafetensorsTest, ReadsTensorsAndMetadata) {
  const auto file = SafetensorsFile::FromBytes(
      "x", FileOf(R"({"__metadata__":{"k":"v"},"b":)" +
                      Entry("U8", "[3]", "[8,11]") + R"(,"a":)" +
                      Entry("F32", "[2,1]", "[0,8]") + "}  ",
                  "abcdefghijk"));
  ASSERT_EQ(file.tensors().size(), 2u);
  EXPECT_EQ(file.tensors()[0].name, "a");
  EXPECT_EQ(file.Get("a").ToString(), "F32 [2, 1]");
  EXPECT_EQ(file.metadata().at("k"), "v");
  std::byte two[2];
  file.Read(file.Get("b"), 1, two);
  EXPECT_EQ(std::to_integer<char>(two[0]), 'j');
  EXPECT_THROW(file.Read(file.Get("b"), 2, two), Error);
  EXPECT_THROW(file.Read(file.Get("b"), -1, two), Error);
  EXPECT_EQ(file.Find("c"), nullptr);
  EXPECT_THROW(file.Get("c"), Error);
}

TEST(SafetensorsTest, EveryDtypeHasItsSize) {
  for (const DtypeInfo& dtype : kDtypes) {
    const int bytes = dtype.bits;  // of 8 elements
    const auto file = SafetensorsFile::FromBytes(
        "x", FileOf(fmt::format(R"({{"a":{}}})",
                                Entry(std::string(dtype.name), "[8]",
                                      fmt::format("[0,{}]", bytes))),
                    std::string(static_cast<size_t>(bytes), 'x')));
    EXPECT_EQ(file.Get("a").num_elements(), 8) << dtype.name;
  }
}

TEST(SafetensorsTest, ScalarsAndEmptyTensorsAreTensors) {
  const auto file = SafetensorsFile::FromBytes(
      "x", FileOf(R"({"s":)" + Entry("F32", "[]", "[0,4]") + R"(,"e":)" +
                      Entry("F32", "[0,5]", "[4,4]") + "}",
                  "abcd"));
  EXPECT_EQ(file.Get("s").num_elements(), 1);
  EXPECT_TRUE(file.Read(file.Get("e")).empty());
}

TEST(SafetensorsTest, EveryTruncationIsRefused) {
  const auto whole =
      FileOf(R"({"a":)" + Entry("F32", "[2]", "[0,8]") + "}", "abcdefgh");
  for (size_t size = 0; size < whole.size(); ++size) {
    std::vector<std::byte> part(whole.begin(),
                                whole.begin() + static_cast<int64_t>(size));
    EXPECT_THROW(SafetensorsFile::FromBytes("x", part), Error) << size;
  }
  auto longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_THROW(SafetensorsFile::FromBytes("x", longer), Error);
}

TEST(SafetensorsTest, EveryOtherNumberIsRefused) {
  const std::vector<std::string> numbers = {"2", "3", "0", "24"};
  const char* const bad[] = {"-1",
                             "-0",
                             "1.0",
                             "2.5",
                             "1e3",
                             "null",
                             "\"2\"",
                             "true",
                             "[]",
                             "{}",
                             "1",
                             "4",
                             "25",
                             "23",
                             "2147483648",
                             "4294967296",
                             "9223372036854775807",
                             "9223372036854775808",
                             "18446744073709551615",
                             "18446744073709551616",
                             "1e400",
                             "99999999999999999999999999"};
  for (size_t i = 0; i < numbers.size(); ++i) {
    for (const char* number : bad) {
      auto n = numbers;
      n[i] = number;
      Refusal(R"({"a":)" +
                  Entry("F32", "[" + n[0] + "," + n[1] + "]",
                        "[" + n[2] + "," + n[3] + "]") +
                  "}",
              std::string(24, 'x'));
    }
  }
}

TEST(SafetensorsTest, EveryHeaderByteChangedIsReadOrRefused) {
  const std::string header =
      R"({"__metadata__":{"k":"v"},"a":)" + Entry("U8", "[4]", "[0,4]") + "}";
  for (size_t i = 0; i < header.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = header;
      changed[i] = static_cast<char>(byte);
      try {
        const auto file =
            SafetensorsFile::FromBytes("x", FileOf(changed, "abcd"));
        for (const TensorInfo& tensor : file.tensors()) file.Read(tensor);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kFile) << changed;
      }
    }
  }
}

TEST(SafetensorsTest, HeaderLengthsThatLieAreRefused) {
  for (const uint64_t length :
       {uint64_t{3}, uint64_t{100}, uint64_t{1} << 32, uint64_t{1} << 63,
        UINT64_MAX, UINT64_MAX - 7}) {
    auto bytes = FileOf("{}", "");
    std::memcpy(bytes.data(), &length, 8);
    EXPECT_THROW(SafetensorsFile::FromBytes("x", bytes), Error) << length;
  }
}

TEST(SafetensorsTest, SentencesNameTheTensorAndTheValues) {
  const auto one = [](const std::string& entry) {
    return R"({"w":)" + entry + "}";
  };
  EXPECT_THAT(Refusal(one(Entry("F33", "[1]", "[0,4]")), "abcd"),
              HasSubstr("tensor 'w': no dtype is named 'F33'; known: F64 "));
  EXPECT_THAT(Refusal(one(Entry("F32", "[2]", "[0,4]")), "abcd"),
              HasSubstr("tensor 'w': F32 [2] takes 8 bytes, data_offsets "
                        "[0, 4] hold 4"));
  EXPECT_THAT(Refusal(one(Entry("F4", "[3]", "[0,2]")), "ab"),
              HasSubstr("tensor 'w': F4 [3] ends inside a byte"));
  EXPECT_THAT(Refusal(one(Entry("F32", "[4294967296,4294967296,2]", "[0,0]"))),
              HasSubstr("has more than 2^63 - 1 bits"));
  EXPECT_THAT(Refusal(one(Entry("U8", "[8]", "[0,8]")), "abcd"),
              HasSubstr("must lie in order inside the 4 bytes of data"));
  EXPECT_THAT(Refusal(one(Entry("U8", "[1]", "[0]")), "a"),
              HasSubstr("data_offsets must be two numbers, found 1"));
  EXPECT_THAT(Refusal(one(R"({"dtype":"U8","shape":[1]})"), "a"),
              HasSubstr("tensor 'w' has no data_offsets"));
  EXPECT_THAT(Refusal(one(R"({"dtype":"U8","stride":[1]})"), "a"),
              HasSubstr("field 'stride' is not one of"));
  EXPECT_THAT(Refusal(one(R"({"dtype":"U8","dtype":"U8"})"), "a"),
              HasSubstr("field 'dtype' occurs twice"));
  EXPECT_THAT(Refusal(one(Entry("U8", "[-1]", "[0,1]")), "a"),
              HasSubstr("from 0 to 2^63 - 1, found '-1'"));
  EXPECT_THAT(Refusal("{} x"), HasSubstr("the header is no JSON at byte"));
  EXPECT_THAT(Refusal("[]"), HasSubstr("must start with {"));
  EXPECT_THAT(Refusal(std::string("{}\0", 3)), HasSubstr("a zero byte"));
  EXPECT_THAT(Refusal(R"({"__metadata__":{"k":1}})"),
              HasSubstr("__metadata__ key 'k' must be text, found 1"));
  EXPECT_THAT(Refusal(R"({"__metadata__":{"k":"1","k":"2"}})"),
              HasSubstr("__metadata__ has the key 'k' twice"));
}

TEST(SafetensorsTest, TensorsCoverTheDataExactly) {
  const auto two = [](const char* x, const char* y, const char* name = "y") {
    return fmt::format(R"({{"x":{},"{}":{}}})", Entry("U8", "[4]", x), name,
                       Entry("U8", "[4]", y));
  };
  const std::string data(10, 'x');
  EXPECT_THAT(Refusal(two("[0,4]", "[2,6]"), data),
              HasSubstr("tensors 'x' and 'y' overlap: one ends at 4, the "
                        "other starts at 2"));
  EXPECT_THAT(Refusal(two("[0,4]", "[0,4]"), data), HasSubstr("overlap"));
  EXPECT_THAT(Refusal(two("[0,4]", "[6,10]"), data),
              HasSubstr("2 bytes of data before tensor 'y'"));
  EXPECT_THAT(Refusal(two("[4,8]", "[0,4]"), data),
              HasSubstr("the last 2 bytes of data belong to no tensor"));
  EXPECT_THAT(Refusal(two("[0,4]", "[4,8]", "x"), data.substr(0, 8)),
              HasSubstr("has tensor 'x' twice"));
  EXPECT_THAT(Refusal(R"({"x":)" + Entry("U8", "[2]", "[0,2]") + R"(,"y":)" +
                          Entry("F32", "[1]", "[2,6]") + "}",
                      data.substr(0, 6)),
              HasSubstr("must start at a multiple of 4, starts at 2"));
}

TEST(SafetensorsTest, NamesOutOfTheFileStayOnOneShortLine) {
  const std::string name(5000, 'n');
  const std::string why =
      Refusal("{\"a\\n" + name + "\":" + Entry("Q", "[1]", "[0,1]") + "}", "a");
  EXPECT_THAT(why, HasSubstr("'a\\x0an"));
  EXPECT_LT(why.size(), 500u);
}

TEST_F(SafetensorsWriterTest, RoundTripsAndIsDeterministic) {
  const std::string f4(3, 'q'), f32(8, 'w'), u8(5, 'e');
  const std::vector<TensorData> tensors = {Data("z", Dtype::kF32, {2}, f32),
                                           Data("y", Dtype::kF4, {2, 3}, f4),
                                           Data("a", Dtype::kU8, {5}, u8)};
  const std::vector<TensorData> turned(tensors.rbegin(), tensors.rend());
  WriteSafetensors(Path("1"), tensors, {{"key", "text"}});
  WriteSafetensors(Path("2"), turned, {{"key", "text"}});
  EXPECT_EQ(Slurp(Path("1")), Slurp(Path("2")));

  const auto file = SafetensorsFile::Open(Path("1"));
  EXPECT_EQ(file.metadata().at("key"), "text");
  for (const TensorData& tensor : tensors) {
    const TensorInfo& info = file.Get(tensor.info.name);
    EXPECT_EQ(info.dtype, tensor.info.dtype);
    EXPECT_EQ(info.shape, tensor.info.shape);
    const auto bytes = file.Read(info);
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), tensor.bytes.begin(),
                           tensor.bytes.end()));
  }
  uint64_t length = 0;
  std::memcpy(&length, Slurp(Path("1")).data(), 8);
  EXPECT_EQ(length % 8, 0u);
}

TEST_F(SafetensorsWriterTest, WithoutCommitTheOldFileStays) {
  const std::string old(4, 'o');
  WriteSafetensors(Path("f"), {{Data("a", Dtype::kU8, {4}, old)}}, {});
  const std::string before = Slurp(Path("f"));
  {
    SafetensorsWriter writer(Path("f"), {Data("b", Dtype::kU8, {9}, "").info},
                             {});
    writer.Append(std::as_bytes(std::span(old)));
    EXPECT_THROW(writer.Commit(), Error);
    EXPECT_THROW(writer.Append(std::vector<std::byte>(6)), Error);
  }
  EXPECT_EQ(Slurp(Path("f")), before);
  EXPECT_THAT(Names(), testing::ElementsAre("f"));
}

TEST_F(SafetensorsWriterTest, KeepsTheModeAndFollowsLinks) {
  const std::string data(4, 'd');
  const TensorData tensor = Data("a", Dtype::kU8, {4}, data);
  WriteSafetensors(Path("f"), {{tensor}}, {});
  ASSERT_EQ(chmod(Path("f").c_str(), 0640), 0);
  fs::create_symlink(Path("f"), Path("link"));
  WriteSafetensors(Path("link"), {{tensor}}, {{"new", "1"}});
  EXPECT_TRUE(fs::is_symlink(Path("link")));
  EXPECT_EQ(SafetensorsFile::Open(Path("f")).metadata().count("new"), 1u);
  EXPECT_EQ(static_cast<int>(fs::status(Path("f")).permissions()), 0640);
}

TEST_F(SafetensorsWriterTest, AFullDiskIsAnError) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const std::string data(4, 'd');
  EXPECT_THROW(
      WriteSafetensors("/dev/full", {{Data("a", Dtype::kU8, {4}, data)}}, {}),
      Error);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST_F(SafetensorsWriterTest, RefusesWhatItCouldNotRead) {
  const std::string data(4, 'd');
  const TensorData good = Data("a", Dtype::kU8, {4}, data);
  EXPECT_THROW(WriteSafetensors(Path("f"), {{good, good}}, {}), Error);
  EXPECT_THROW(
      WriteSafetensors(Path("f"), {{Data("a", Dtype::kU8, {5}, data)}}, {}),
      Error);
  EXPECT_THROW(
      WriteSafetensors(Path("f"),
                       {{Data("__metadata__", Dtype::kU8, {4}, data)}}, {}),
      Error);
  EXPECT_THROW(
      WriteSafetensors(Path("f"), {{Data("\xFF", Dtype::kU8, {4}, data)}}, {}),
      Error);
  EXPECT_THROW(WriteSafetensors(Path("no/such/folder"), {{good}}, {}), Error);
  EXPECT_TRUE(Names().empty());
}

TEST_F(SafetensorsWriterTest, FoldersAndMissingFilesAreErrors) {
  EXPECT_THROW(SafetensorsFile::Open(Path("none")), Error);
  EXPECT_THROW(SafetensorsFile::Open(folder_.string()), Error);
}

TEST_F(SafetensorsWriterTest, TensorsOfOtherFilesAreRefused) {
  const std::string data(100000, 'd');
  WriteSafetensors(Path("f"), {{Data("a", Dtype::kU8, {100000}, data)}}, {});
  const auto large = SafetensorsFile::Open(Path("f"));
  WriteSafetensors(Path("g"), {{Data("b", Dtype::kU8, {4}, data.substr(4, 4))}},
                   {});
  const std::string bytes = Slurp(Path("g"));
  const auto small = SafetensorsFile::FromBytes(
      "g", {reinterpret_cast<const std::byte*>(bytes.data()),
            reinterpret_cast<const std::byte*>(bytes.data()) + bytes.size()});
  EXPECT_THROW(small.Read(large.Get("a")), Error);
  TensorInfo lie = small.Get("b");
  for (const int64_t offset : {int64_t{-1}, int64_t{1}, INT64_MAX}) {
    lie.offset = offset;
    EXPECT_THROW(small.Read(lie), Error) << offset;
  }
  lie.offset = 0;
  lie.size_bytes = -1;
  EXPECT_THROW(small.Read(lie), Error);
}

TEST_F(SafetensorsWriterTest, AFileThatShrinksIsAnErrorNotACrash) {
  const std::string data(100000, 'd');
  WriteSafetensors(Path("f"), {{Data("a", Dtype::kU8, {100000}, data)}}, {});
  const auto file = SafetensorsFile::Open(Path("f"));
  fs::resize_file(Path("f"), 1000);
  EXPECT_THROW(file.Read(file.Get("a")), Error);
}

}  // namespace
}  // namespace zeroulp
