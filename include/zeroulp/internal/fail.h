// SPDX-License-Identifier: Apache-2.0
// Fail: throws Error with a formatted sentence. Not installed.
#ifndef ZEROULP_INTERNAL_FAIL_H_
#define ZEROULP_INTERNAL_FAIL_H_

#include <fmt/format.h>

#include <utility>

#include "zeroulp/error.h"

namespace zeroulp::internal {

template <typename... Args>
[[noreturn]] void Fail(ErrorCode code, fmt::format_string<Args...> sentence,
                       Args&&... args) {
  throw Error(code, fmt::format(sentence, std::forward<Args>(args)...));
}

}  // namespace zeroulp::internal

#endif  // ZEROULP_INTERNAL_FAIL_H_
