// SPDX-License-Identifier: Apache-2.0
// What the recorder asks of a GPU; tools/record/cuda has the real one.
#ifndef ZEROULP_TOOLS_RECORD_GPU_H_
#define ZEROULP_TOOLS_RECORD_GPU_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/record/launch.h"
#include "zeroulp/formats.h"

namespace zeroulp::record {

struct GpuInfo {
  std::string name;          // "NVIDIA H100 80GB HBM3"
  int major = 0, minor = 0;  // compute capability
  std::string driver;        // version of the driver's CUDA
  std::string toolkit;       // of the compiler that built the kernels
};

// FP32 scales of FP8 operands.
enum class MatmulScales : uint8_t {
  kNone,    // of other formats
  kMatrix,  // one of A, one of B
  kRows,    // a_scales[m], b_scales[n]
  kBlocks,  // a_scales[k / 128][m], b_scales[n / 128][k / 128]
};
inline constexpr int64_t kScaleBlock = 128;

// A matrix product of the vendor's library: D = A x B^T times the scales.
struct Matmul {
  int64_t m = 0, n = 0, k = 0;
  Format a_format = Format::kE4M3FN, b_format = Format::kE4M3FN;
  Format out = Format::kF32;
  bool fast = false;                // fast accumulation, of FP8 alone
  std::span<const uint8_t> a, b_t;  // m x k, n x k codes, little-endian
  MatmulScales scales = MatmulScales::kNone;
  std::span<const float> a_scales, b_scales;
};

struct MatmulResult {
  std::vector<uint32_t> d;  // m x n words
  std::string library;      // name and version
  std::string algorithm;    // what it says about the kernel it chose
};

// Every member throws Error{kUnsupported} with the reason where the device, the
// driver or this build cannot do it; after any other error the device is
// unusable.
class Gpu {
 public:
  virtual ~Gpu() = default;

  virtual const GpuInfo& info() const = 0;

  // The words of d: for each row as many as the instruction has elements.
  virtual std::vector<uint32_t> Multiply(const Launch& launch) = 0;

  // One call of a conversion instruction per `per_call` sources, with a random
  // word for each call where the instruction takes one; 32 result bits a call.
  virtual std::vector<uint32_t> Convert(std::string_view instruction,
                                        int per_call,
                                        std::span<const uint32_t> sources,
                                        std::span<const uint32_t> random) = 0;

  virtual MatmulResult Multiply(const Matmul& matmul) = 0;
};

}  // namespace zeroulp::record

#endif  // ZEROULP_TOOLS_RECORD_GPU_H_
