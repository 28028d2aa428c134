// SPDX-License-Identifier: Apache-2.0
// What a bad call says: one sentence, in an Error of the right code.
#ifndef ZEROULP_TESTS_REFUSAL_H_
#define ZEROULP_TESTS_REFUSAL_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "zeroulp/error.h"

namespace zeroulp::testing {

// The sentence with which `call` throws Error{code}; fails the test and is
// empty if it throws nothing.
template <class Call>
std::string Refusal(ErrorCode code, const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    const std::string sentence = error.what();
    EXPECT_EQ(error.code(), code) << sentence;
    EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
    return sentence;
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

using Words = std::vector<std::string>;

// `call` throws Error{code} with a sentence that holds all of `words`.
template <class Call>
void ExpectRefusal(ErrorCode code, const Words& words, const Call& call) {
  const std::string sentence = Refusal(code, call);
  for (const std::string& word : words) {
    EXPECT_NE(sentence.find(word), std::string::npos)
        << "'" << sentence << "' lacks '" << word << "'";
  }
}

}  // namespace zeroulp::testing

#endif  // ZEROULP_TESTS_REFUSAL_H_
