// SPDX-License-Identifier: Apache-2.0
// Decisions out of a fuzzer's bytes.
#ifndef ZEROULP_TESTS_FUZZ_BYTES_H_
#define ZEROULP_TESTS_FUZZ_BYTES_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace zeroulp::testing {

// Bytes in turn; zeros once they are used up.
class FuzzBytes {
 public:
  explicit FuzzBytes(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }
  uint8_t Byte() {
    if (bytes_.empty()) return 0;
    const uint8_t byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return byte;
  }
  uint32_t Word() {
    uint32_t word = 0;
    for (int i = 0; i < 4; ++i) word = word << 8 | Byte();
    return word;
  }
  // 0 ... count - 1, from one byte.
  int64_t Below(int64_t count) { return Byte() % count; }
  template <class List>
  const auto& OneOf(const List& list) {
    return list[Byte() % list.size()];
  }

 private:
  std::span<const uint8_t> bytes_;
};

}  // namespace zeroulp::testing

#endif  // ZEROULP_TESTS_FUZZ_BYTES_H_
