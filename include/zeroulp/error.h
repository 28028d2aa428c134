// SPDX-License-Identifier: Apache-2.0
// The one exception type: a code for programs, a sentence for people.
#ifndef ZEROULP_ERROR_H_
#define ZEROULP_ERROR_H_

#include <stdexcept>
#include <string>

namespace zeroulp {

enum class ErrorCode {
  kShape,        // dimensions disagree, or a view is too small for its shape
  kFormat,       // an operation does not take this number format
  kUnsupported,  // the request is meaningful, but nothing here implements it
  kOverflow,     // a size does not fit in 63 bits
  kOverlap,      // an output overlaps an input
  kArgument,     // any other argument out of range
  kUnknownName,  // a format, arithmetic row, chip ... that no table has
  kFile,         // a file that is unreadable, truncated or contradicts itself
};

// Thrown by public entry points before anything is written. what() is one
// sentence: the operation, both operands, the rule, the values.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& sentence)
      : std::runtime_error(sentence), code_(code) {}

  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace zeroulp

#endif  // ZEROULP_ERROR_H_
