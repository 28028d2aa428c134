// SPDX-License-Identifier: Apache-2.0
// Arrays that begin with a cache line, as those of NumPy and PyTorch do: the
// rows of D of all that is compared here, ours and the peers'.
#ifndef ZEROULP_BENCH_ALIGNED_H_
#define ZEROULP_BENCH_ALIGNED_H_

#include <cstddef>
#include <new>
#include <vector>

namespace zeroulp::bench {

template <class T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};

  LineAllocator() = default;
  template <class U>
  LineAllocator(const LineAllocator<U>&) {}  // NOLINT: rebinding

  T* allocate(size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), kLine));
  }
  void deallocate(T* memory, size_t /*count*/) {
    ::operator delete(memory, kLine);
  }
  friend bool operator==(const LineAllocator&, const LineAllocator&) = default;
};

template <class T>
using AlignedVector = std::vector<T, LineAllocator<T>>;

}  // namespace zeroulp::bench

#endif  // ZEROULP_BENCH_ALIGNED_H_
