// SPDX-License-Identifier: Apache-2.0
// The floating-point environment the kernels compute in.
#ifndef ZEROULP_KERNELS_FLOAT_ENVIRONMENT_H_
#define ZEROULP_KERNELS_FLOAT_ENVIRONMENT_H_

#if defined(__x86_64__)
#include <immintrin.h>
#else
#include <cfenv>
#endif

namespace zeroulp::kernels {

// The default floating-point environment for a scope: round to nearest even,
// no flushing of subnormals, no traps. The caller's comes back unchanged.
// Arithmetic inside the scope must be behind a call the compiler cannot see
// into, such as a dispatched kernel, or it may be moved out.
class DefaultFloatEnvironment {
 public:
  DefaultFloatEnvironment(const DefaultFloatEnvironment&) = delete;
  DefaultFloatEnvironment& operator=(const DefaultFloatEnvironment&) = delete;

#if defined(__x86_64__)
  // All arithmetic is SSE's, whose one register this is. <cfenv> would save and
  // load the x87's state too, which short conversions would notice.
  DefaultFloatEnvironment() noexcept : saved_(_mm_getcsr()) {
    constexpr unsigned kAllMaskedToNearest = 0x1F80;
    _mm_setcsr(kAllMaskedToNearest);
  }
  ~DefaultFloatEnvironment() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#else
  DefaultFloatEnvironment() noexcept {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloatEnvironment() { std::fesetenv(&saved_); }

 private:
  std::fenv_t saved_;
#endif
};

// Rounds toward zero for a scope inside DefaultFloatEnvironment's, under the
// same condition.
class TowardZeroEnvironment {
 public:
#if defined(__x86_64__)
  // MXCSR alone, as above: fesetround would change the x87's rounding, which
  // nobody restores.
  TowardZeroEnvironment() noexcept {
    _mm_setcsr(_mm_getcsr() | _MM_ROUND_TOWARD_ZERO);
  }
  ~TowardZeroEnvironment() {
    _mm_setcsr(_mm_getcsr() & ~static_cast<unsigned>(_MM_ROUND_MASK));
  }
#else
  TowardZeroEnvironment() noexcept { std::fesetround(FE_TOWARDZERO); }
  ~TowardZeroEnvironment() { std::fesetround(FE_TONEAREST); }
#endif
  TowardZeroEnvironment(const TowardZeroEnvironment&) = delete;
  TowardZeroEnvironment& operator=(const TowardZeroEnvironment&) = delete;
};

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_FLOAT_ENVIRONMENT_H_
