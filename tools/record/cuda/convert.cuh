// SPDX-License-Identifier: Apache-2.0
// cvt instructions: one thread a call. Of two or four sources the first goes
// into the lowest bits: it is the last operand. PTX ISA 9.7.9.21.
#ifndef ZEROULP_TOOLS_RECORD_CUDA_CONVERT_CUH_
#define ZEROULP_TOOLS_RECORD_CUDA_CONVERT_CUH_

#include <cstdint>

namespace zeroulp::record::cuda {

// A kernel and the instruction it runs. `random` is read by those that take
// random words alone.
struct Converter {
  const char* instruction;
  int per_call;
  bool takes_random;
  void (*launch)(const uint32_t* sources, const uint32_t* random, int calls,
                 uint32_t* d);
};

struct Converters {
  const Converter* first;
  int count;
};

// Defined where the build has the architecture, see cmake/Record.cmake.
Converters Converts();
Converters NarrowConverts();
Converters RandomConverts();

#ifdef __CUDACC__

template <class Op>
__global__ void ConvertKernel(const uint32_t* sources, const uint32_t* random,
                              int calls, uint32_t* d) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= calls) return;
  uint32_t word = 0;
  if constexpr (Op::kRandom) word = random[i];
  d[i] = Op::Run(sources + i * Op::kPerCall, word);
}

template <class Op>
constexpr Converter ConverterOf() {
  return {Op::kText, Op::kPerCall, Op::kRandom,
          [](const uint32_t* sources, const uint32_t* random, int calls,
             uint32_t* d) {
            constexpr int kThreads = 128;
            ConvertKernel<Op><<<(calls + kThreads - 1) / kThreads, kThreads>>>(
                sources, random, calls, d);
          }};
}

#define ZEROULP_CVT(name, per_call, takes_random, text)                \
  struct name {                                                        \
    static constexpr char kText[] = text;                              \
    static constexpr int kPerCall = per_call;                          \
    static constexpr bool kRandom = takes_random;                      \
    __device__ static uint32_t Run([[maybe_unused]] const uint32_t* x, \
                                   [[maybe_unused]] uint32_t random)

#define ZEROULP_F(i) "f"(__uint_as_float(x[i]))

// Results of 16 bits.
#define ZEROULP_CVT_1F(name, text)                          \
  ZEROULP_CVT(name, 1, false, text) {                       \
    uint16_t d;                                             \
    asm volatile(text " %0, %1;" : "=h"(d) : ZEROULP_F(0)); \
    return d;                                               \
  }                                                         \
  }
#define ZEROULP_CVT_2F(name, text)                                            \
  ZEROULP_CVT(name, 2, false, text) {                                         \
    uint16_t d;                                                               \
    asm volatile(text " %0, %2, %1;" : "=h"(d) : ZEROULP_F(0), ZEROULP_F(1)); \
    return d;                                                                 \
  }                                                                           \
  }
#define ZEROULP_CVT_2H(name, text)                                    \
  ZEROULP_CVT(name, 2, false, text) {                                 \
    uint16_t d;                                                       \
    asm volatile(text " %0, %1;" : "=h"(d) : "r"(x[0] | x[1] << 16)); \
    return d;                                                         \
  }                                                                   \
  }
// Two codes of 8 bits become two of 16.
#define ZEROULP_CVT_2B(name, text)                                \
  ZEROULP_CVT(name, 2, false, text) {                             \
    uint32_t d;                                                   \
    asm volatile(text " %0, %1;"                                  \
                 : "=r"(d)                                        \
                 : "h"(static_cast<uint16_t>(x[0] | x[1] << 8))); \
    return d;                                                     \
  }                                                               \
  }
// Two codes of 4 bits in a byte register, which assembly here cannot return: it
// is repeated.
#define ZEROULP_CVT_2F_BYTE(name, text)         \
  ZEROULP_CVT(name, 2, false, text) {           \
    uint32_t d;                                 \
    asm volatile("{\n.reg .b8 t;\n" text        \
                 " t, %2, %1;\n"                \
                 "mov.b32 %0, {t, t, t, t};\n}" \
                 : "=r"(d)                      \
                 : ZEROULP_F(0), ZEROULP_F(1)); \
    return d;                                   \
  }                                             \
  }
// Stochastic: two results of 16 bits, four of 8, four of 4.
#define ZEROULP_CVT_RS2(name, text)                          \
  ZEROULP_CVT(name, 2, true, text) {                         \
    uint32_t d;                                              \
    asm volatile(text " %0, %2, %1, %3;"                     \
                 : "=r"(d)                                   \
                 : ZEROULP_F(0), ZEROULP_F(1), "r"(random)); \
    return d;                                                \
  }                                                          \
  }
#define ZEROULP_CVT_RS4(name, type, constraint, text)                      \
  ZEROULP_CVT(name, 4, true, text) {                                       \
    type d;                                                                \
    asm volatile(text " %0, {%4, %3, %2, %1}, %5;"                         \
                 : constraint(d)                                           \
                 : ZEROULP_F(0), ZEROULP_F(1), ZEROULP_F(2), ZEROULP_F(3), \
                   "r"(random));                                           \
    return d;                                                              \
  }                                                                        \
  }

#endif  // __CUDACC__

}  // namespace zeroulp::record::cuda

#endif  // ZEROULP_TOOLS_RECORD_CUDA_CONVERT_CUH_
