// SPDX-License-Identifier: Apache-2.0
#include "tools/record/cuda/cuda_gpu.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <string_view>

#include "tools/record/cuda/convert.cuh"
#include "tools/record/cuda/kernel.cuh"
#include "tools/record/cuda/runtime.h"

// The families that cmake/Record.cmake compiles a file for.
#if defined(ZEROULP_RECORD_SM100A) || defined(ZEROULP_RECORD_SM103A)
#define ZEROULP_RECORD_BLACKWELL 1
#endif
#if defined(ZEROULP_RECORD_SM120A) || defined(ZEROULP_RECORD_SM121A)
#define ZEROULP_RECORD_RTX_BLACKWELL 1
#endif

namespace zeroulp::record {
namespace {

using cuda::Check;
using cuda::DeviceArray;

// The lists of kernels in this build.
std::vector<cuda::Kernels> KernelLists() {
  return {
      cuda::MmaKernels(),
#ifdef ZEROULP_RECORD_SM90A
      cuda::WgmmaKernels(),
#endif
#ifdef ZEROULP_RECORD_BLACKWELL
      cuda::Tcgen05Kernels(),
#endif
#ifdef ZEROULP_RECORD_RTX_BLACKWELL
      cuda::Mma120Kernels(),
#endif
  };
}

std::vector<cuda::Converters> ConverterLists() {
  return {
    cuda::Converts(),
#if defined(ZEROULP_RECORD_BLACKWELL) || defined(ZEROULP_RECORD_RTX_BLACKWELL)
        cuda::NarrowConverts(),
#endif
#ifdef ZEROULP_RECORD_BLACKWELL
        cuda::RandomConverts(),
#endif
  };
}

template <class Lists, class Match>
auto Find(const Lists& lists, std::string_view instruction,
          const Match& match) {
  for (const auto& list : lists) {
    for (int i = 0; i < list.count; ++i) {
      const auto& row = list.first[i];
      if (row.instruction == instruction && match(row)) return &row;
    }
  }
  throw Error(ErrorCode::kUnsupported,
              fmt::format("{}: not in this build, which is for {}; see "
                          "ZEROULP_RECORD_ARCHS",
                          instruction, BuiltArchitectures()));
}

// After a launch. A missing kernel image is no fault of the device.
void CheckLaunch(std::string_view instruction) {
  const cudaError_t status = cudaGetLastError();
  if (status == cudaErrorNoKernelImageForDevice ||
      status == cudaErrorInvalidDeviceFunction) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("{}: the device cannot run what this build is for, "
                            "{}; see ZEROULP_RECORD_ARCHS",
                            instruction, BuiltArchitectures()));
  }
  Check(status, instruction);
}

std::string Version(int number) {
  return fmt::format("{}.{}", number / 1000, number % 1000 / 10);
}

class CudaGpu : public Gpu {
 public:
  explicit CudaGpu(int device) {
    Check(cudaSetDevice(device), "choosing the device");
    cudaDeviceProp properties;
    Check(cudaGetDeviceProperties(&properties, device), "asking the device");
    int driver = 0;
    Check(cudaDriverGetVersion(&driver), "asking the driver");
    info_ = {.name = properties.name,
             .major = properties.major,
             .minor = properties.minor,
             .driver = "CUDA " + Version(driver),
             .toolkit = "CUDA " ZEROULP_RECORD_TOOLKIT};
  }

  const GpuInfo& info() const override { return info_; }

  std::vector<uint32_t> Multiply(const Launch& launch) override {
    const cuda::Kernel& kernel = *Find(
        KernelLists(), launch.instruction,
        [&](const cuda::Kernel& k) { return k.f16_out == launch.f16_out; });
    using Words = DeviceArray<uint32_t>;
    const Words a(launch.a), b(launch.b), c(launch.c), meta(launch.meta),
        scales(launch.scales);
    const Words d(static_cast<size_t>(launch.rows) *
                  static_cast<size_t>(kernel.copies));
    kernel.launch({.steps = launch.steps,
                   .descriptor = launch.descriptor,
                   .a = a.data(),
                   .b = b.data(),
                   .c = c.data(),
                   .meta = meta.data(),
                   .scales = scales.data(),
                   .d = d.data()},
                  launch.rows);
    CheckLaunch(launch.instruction);
    return d.Read();
  }

  std::vector<uint32_t> Convert(std::string_view instruction, int per_call,
                                std::span<const uint32_t> sources,
                                std::span<const uint32_t> random) override {
    const cuda::Converter& converter =
        *Find(ConverterLists(), instruction, [&](const cuda::Converter& x) {
          return x.per_call == per_call && x.takes_random == !random.empty();
        });
    const size_t calls = sources.size() / static_cast<size_t>(per_call);
    const DeviceArray<uint32_t> x(sources), r(random), d(calls);
    converter.launch(x.data(), r.data(), static_cast<int>(calls), d.data());
    CheckLaunch(instruction);
    return d.Read();
  }

  MatmulResult Multiply(const Matmul& matmul) override {
    return cuda::CublasLtMatmul(matmul);
  }

 private:
  GpuInfo info_;
};

}  // namespace

std::unique_ptr<Gpu> OpenGpu(int device) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || device < 0 || device >= count) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("no GPU number {}: CUDA finds {} and says: {}",
                            device, count, cudaGetErrorString(status)));
  }
  return std::make_unique<CudaGpu>(device);
}

std::vector<std::string> BuiltInstructions() {
  std::vector<std::string> names;
  const auto add = [&](const auto& lists) {
    for (const auto& list : lists) {
      for (int i = 0; i < list.count; ++i) {
        names.emplace_back(list.first[i].instruction);
      }
    }
  };
  add(KernelLists());
  add(ConverterLists());
  return names;
}

std::string BuiltArchitectures() { return ZEROULP_RECORD_ARCHS; }

}  // namespace zeroulp::record
