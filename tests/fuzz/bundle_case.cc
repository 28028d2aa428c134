// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/bundle_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <string_view>

#include "tests/fuzz/bytes.h"
#include "zeroulp/bundle.h"
#include "zeroulp/diagnose.h"
#include "zeroulp/error.h"
#include "zeroulp/safetensors.h"

namespace zeroulp::testing {

std::string FuzzBundle(std::span<const uint8_t> file) {
  const auto bytes = std::as_bytes(file);
  try {
    const Bundle bundle = ReadBundle(
        SafetensorsFile::FromBytes("fuzz", {bytes.begin(), bytes.end()}));
    constexpr int64_t kSmall = 1 << 12;  // products
    if (bundle.k() > kSmall ||
        bundle.batch() * bundle.m() * bundle.n() > kSmall / bundle.k()) {
      return {};
    }
    const ComputeOptions options = {.threads = 1};
    const VerifyResult result = Verify(bundle, options);
    const Diagnosis diagnosis =
        Diagnose(bundle, result, options, {.max_products = kSmall});
    if (!result.exact() && ToString(bundle, result, diagnosis).empty()) {
      return "a difference without a word";
    }
  } catch (const Error& error) {
    const std::string_view sentence = error.what();
    if (sentence.empty() || sentence.find('\n') != std::string_view::npos) {
      return fmt::format("'{}' is not one sentence", sentence);
    }
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

std::vector<uint8_t> BundleFile(std::span<const uint8_t> data) {
  FuzzBytes bytes(data);
  const bool raw = bytes.Byte() == 0;
  const size_t used = raw ? 1 : 3;
  if (data.size() < used) return {};
  const auto rest = data.subspan(used);
  std::vector<uint8_t> file;
  if (!raw) {
    const size_t stated = static_cast<size_t>(bytes.Byte()) << 8;
    uint64_t length = std::min(stated + bytes.Byte(), rest.size());
    for (int i = 0; i < 8; ++i, length >>= 8) {
      file.push_back(static_cast<uint8_t>(length));
    }
  }
  file.insert(file.end(), rest.begin(), rest.end());
  return file;
}

}  // namespace zeroulp::testing
