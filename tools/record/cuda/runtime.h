// SPDX-License-Identifier: Apache-2.0
// CUDA runtime calls as errors, and device memory as an owner of its bytes.
#ifndef ZEROULP_TOOLS_RECORD_CUDA_RUNTIME_H_
#define ZEROULP_TOOLS_RECORD_CUDA_RUNTIME_H_

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "zeroulp/error.h"

namespace zeroulp::record::cuda {

// Throws Error{kArgument} with what CUDA says: the device is of no more use.
inline void Check(cudaError_t status, std::string_view what) {
  if (status == cudaSuccess) return;
  throw Error(ErrorCode::kArgument, fmt::format("{}: CUDA error {}: {}", what,
                                                cudaGetErrorName(status),
                                                cudaGetErrorString(status)));
}

template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(size_t count) : count_(count) {
    // Never empty: a kernel gets a pointer whether it reads there or not.
    Check(cudaMalloc(&data_, (count == 0 ? 1 : count) * sizeof(T)),
          "allocating device memory");
  }
  explicit DeviceArray(std::span<const T> host) : DeviceArray(host.size()) {
    if (host.empty()) return;
    Check(cudaMemcpy(data_, host.data(), host.size_bytes(),
                     cudaMemcpyHostToDevice),
          "copying to the device");
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() const { return static_cast<T*>(data_); }

  // Waits for whatever runs.
  std::vector<T> Read() const {
    std::vector<T> host(count_);
    Check(cudaMemcpy(host.data(), data_, count_ * sizeof(T),
                     cudaMemcpyDeviceToHost),
          "running, or copying from the device");
    return host;
  }

 private:
  size_t count_;
  void* data_ = nullptr;
};

}  // namespace zeroulp::record::cuda

#endif  // ZEROULP_TOOLS_RECORD_CUDA_RUNTIME_H_
