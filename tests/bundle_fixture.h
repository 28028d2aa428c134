// SPDX-License-Identifier: Apache-2.0
// A small bundle that tests change and write, and what is said of it.
#ifndef ZEROULP_TESTS_BUNDLE_FIXTURE_H_
#define ZEROULP_TESTS_BUNDLE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "zeroulp/bundle.h"

namespace zeroulp::testing {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

inline constexpr int64_t kBatch = 2, kM = 3, kN = 5, kK = 8;

// A file to be: tensors whose bytes are all `fill`, and metadata.
struct Draft {
  struct Tensor {
    Dtype dtype;
    std::vector<int64_t> shape;
    std::vector<std::byte> bytes;
  };
  std::map<std::string, Tensor> tensors;
  Metadata metadata = {{"zeroulp.bundle", "1"}, {"zeroulp.arith", "chain.f32"}};

  void Set(const std::string& name, Dtype dtype, std::vector<int64_t> shape,
           int fill = 0) {
    const auto size = static_cast<size_t>(SizeBytes(dtype, shape));
    tensors[name] = {dtype, std::move(shape),
                     std::vector<std::byte>(size, std::byte(fill))};
  }
};

class BundleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "zeroulpXXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = (folder_ / "b.safetensors").string();
    draft_.Set("a", Dtype::kF8E4M3, {kBatch, kM, kK}, 0x38);    // 1
    draft_.Set("b_t", Dtype::kF8E5M2, {kBatch, kN, kK}, 0x40);  // 2
  }
  void TearDown() override { fs::remove_all(folder_); }

  Bundle Read() const {
    std::vector<TensorData> tensors;
    for (const auto& [name, tensor] : draft_.tensors) {
      TensorData data;
      data.info.name = name;
      data.info.dtype = tensor.dtype;
      data.info.shape = tensor.shape;
      data.bytes = tensor.bytes;
      tensors.push_back(data);
    }
    WriteSafetensors(path_, tensors, draft_.metadata);
    return ReadBundle(path_);
  }

  // The sentence that an action on the bundle throws.
  std::string Sentence(const std::function<void(const Bundle&)>& act) const {
    try {
      act(Read());
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(path_ + ": "));
      return error.what();
    }
    ADD_FAILURE() << "accepted";
    return "";
  }
  std::string Refusal() const {
    return Sentence([](const Bundle&) {});
  }
  std::string ComputeRefusal(ErrorCode code) const {
    return Sentence([code](const Bundle& bundle) {
      try {
        Compute(bundle);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), code) << error.what();
        throw;
      }
    });
  }

  void AddScales(int64_t block, int64_t stored_k = kK) {
    const int64_t blocks = (stored_k + block - 1) / block;
    draft_.Set("a_scales", Dtype::kF8E8M0, {kBatch, kM, blocks}, 127);
    draft_.Set("b_scales", Dtype::kF8E4M3, {kBatch, kN, blocks}, 0x38);
    draft_.metadata["zeroulp.block"] = std::to_string(block);
  }
  void AddSparsity() {  // 4:8, K = 8
    draft_.Set("a", Dtype::kF8E4M3, {kBatch, kM, 4});
    draft_.Set("a_index", Dtype::kU8, {kBatch, kM, 4});
    auto& index = draft_.tensors["a_index"].bytes;
    for (size_t i = 0; i < index.size(); ++i) {
      index[i] = static_cast<std::byte>(2 * (i % 4));
    }
    draft_.metadata["zeroulp.sparsity"] = "4:8";
  }

  // A matrix like D, of equal words.
  void Fill(const char* name, Dtype dtype, uint32_t word) {
    draft_.Set(name, dtype, {kBatch, kM, kN});
    auto& bytes = draft_.tensors[name].bytes;
    const auto size = static_cast<size_t>(Info(dtype).bits / 8);
    for (size_t i = 0; i < bytes.size(); i += size) {
      std::memcpy(bytes.data() + i, &word, size);
    }
  }

  fs::path folder_;
  std::string path_;
  Draft draft_;
};

}  // namespace zeroulp::testing

#endif  // ZEROULP_TESTS_BUNDLE_FIXTURE_H_
