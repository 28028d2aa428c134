// SPDX-License-Identifier: Apache-2.0
// The SIMD targets of this CPU, and what the kernel choice must know of it
// beyond what it supports.
#ifndef ZEROULP_KERNELS_MACHINE_H_
#define ZEROULP_KERNELS_MACHINE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace zeroulp::kernels {

// A SIMD target of Highway.
struct Target {
  int64_t id;
  std::string name;  // "AVX2"
};

// What the library was compiled for and this CPU runs, best first.
std::vector<Target> Targets();

// While it lives, everything in the process uses this target: for tests and
// benchmarks, which compare targets. Not to be nested, nor created or destroyed
// while another thread computes.
class ScopedTarget {
 public:
  explicit ScopedTarget(const Target& target);
  ~ScopedTarget();
  ScopedTarget(const ScopedTarget&) = delete;
  ScopedTarget& operator=(const ScopedTarget&) = delete;
};

// Whether 512-bit BF16 dots do more operations per second than 512-bit binary32
// multiply-adds: twice as many on AMD Zen 4, half as many on Intel Sapphire
// Rapids. Measured by the first call, in less than a millisecond; false on a
// CPU without the dot. The answer does not depend on the SIMD target in use and
// leaves the floating-point environment as it was. Thread-safe.
bool Bf16DotIsFaster() noexcept;

// Bytes per second at which one core reads a working set of `bytes`, rounded up
// a little, again and again: from whichever cache holds it, whatever the system
// says of their sizes. The best of at least five runs. Allocates the working
// set.
double MeasureReadRate(int64_t bytes, double seconds);

}  // namespace zeroulp::kernels

#endif  // ZEROULP_KERNELS_MACHINE_H_
