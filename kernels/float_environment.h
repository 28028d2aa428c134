// SPDX-License-Identifier: Apache-2.0
// The floating-point environment the kernels compute in.
#ifndef ZEROULP_KERNELS_FLOAT_ENVIRONMENT_H_
#define ZEROULP_KERNELS_FLOAT_ENVIRONMENT_H_

#include <cfenv>

namespace zeroulp::kernels {

// The default floating-point environment for a scope: round to nearest even,
// no flushing of subnormals, no traps. The caller's comes back unchanged.
// Arithmetic inside the scope must be behind a call the compiler cannot see
// into, such as a dispatched kernel, or it may be moved out.
class DefaultFloatEnvironment {
 public:
  DefaultFloatEnvironment() noexcept {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloatEnvironment() { std::fesetenv(&saved_); }
  DefaultFloatEnvironment(const DefaultFloatEnvironment&) = delete;
  DefaultFloatEnvironment& operator=(const DefaultFloatEnvironment&) = delete;

 private:
  std::fenv_t saved_;
};

// Rounds toward zero for a scope inside DefaultFloatEnvironment's, under the
// same condition.
class TowardZeroEnvironment {
 public:
  TowardZeroEnvironment() noexcept { std::fesetround(FE_TOWARDZERO); }
  ~TowardZeroEnvironment() { std::fesetround(FE_TONEAREST); }
  TowardZeroEnvironment(const TowardZeroEnvironment&) = delete;
  TowardZeroEnvironment& operator=(const TowardZeroEnvironment&) = delete;
};

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_FLOAT_ENVIRONMENT_H_
