// SPDX-License-Identifier: Apache-2.0
// Mirrors kernels/parallel.cc and kernels/run_kernel.cc: whose threads compute,
// in how much memory.
#include <gtest/gtest.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>
#include <set>
#include <thread>
#include <vector>

#include "kernels/parallel.h"
#include "tests/arith_cases.h"
#include "zeroulp/gemm.h"

namespace {
// The largest block that this thread asked for while it was watched.
thread_local bool watched = false;
thread_local size_t largest = 0;
}  // namespace

void* operator new[](size_t size, std::align_val_t alignment) {
  if (watched) largest = std::max(largest, size);
  const auto align = static_cast<size_t>(alignment);
  if (void* p = std::aligned_alloc(align, (size + align - 1) / align * align)) {
    return p;
  }
  throw std::bad_alloc();
}
void operator delete[](void* p, std::align_val_t /*alignment*/) noexcept {
  std::free(p);
}

namespace zeroulp {
namespace {

// Threads that took part in 64 tasks.
std::set<std::thread::id> ThreadsOf(int threads) {
  std::set<std::thread::id> ids;
  std::mutex mutex;
  kernels::ParallelFor(64, threads, [&](int64_t) {
    const std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
  });
  return ids;
}

TEST(Threads, OneIsTheCallingThread) {
  EXPECT_EQ(ThreadsOf(1), std::set{std::this_thread::get_id()});
}

TEST(Threads, ZeroIsTheCallersArena) {
  for (const int size : {1, 2, 3}) {
    oneapi::tbb::task_arena(size).execute([&] {
      EXPECT_EQ(kernels::NumThreads(0), size);
      EXPECT_LE(ThreadsOf(0).size(), static_cast<size_t>(size));
    });
  }
  oneapi::tbb::task_arena(1).execute(
      [] { EXPECT_EQ(ThreadsOf(0), std::set{std::this_thread::get_id()}); });
}

PackedMatrix Ones(int64_t rows, int64_t k) {
  const std::vector<uint8_t> codes(static_cast<size_t>(rows * k), 0x38);
  return Pack(CodesView(codes, Format::kE4M3FN, rows, k));
}

TEST(Workspace, IsWhatGemmAllocates) {
  for (const char* arith : {"chain.f32", "exact.f32", "hopper.wgmma.fp8.f32",
                            "blackwell.tcgen05.f8f6f4.f32"}) {
    for (const int64_t m : {1, 40, 300}) {
      const PackedMatrix a = Ones(m, 70), b = Ones(130, 70);
      std::vector<float> d(static_cast<size_t>(m * 130));
      for (const int threads : {1, 3}) {
        const GemmOptions options = {.arith = arith, .threads = threads};
        largest = 0;
        watched = true;
        Gemm(a, b, {}, F32View(d, m, 130), options);
        watched = false;
        EXPECT_EQ(static_cast<size_t>(GemmWorkspaceBytes(a, b, options)),
                  largest)
            << arith << " m " << m << " threads " << threads;
      }
    }
  }
}

TEST(Workspace, IsBoundedWhateverTheSizes) {
  constexpr int64_t kBound = 8 << 20;
  const PackedMatrix a = Ones(4096, 4096), b = Ones(2048, 4096);
  for (const ArithInfo& row : kArith) {
    if (!row.a.contains(Format::kE4M3FN) || row.scale_block != 0) continue;
    const GemmOptions options = {.arith = row.name, .threads = 1};
    const int64_t bytes = GemmWorkspaceBytes(a, b, options);
    EXPECT_LE(bytes, kBound) << row.name;
    EXPECT_GT(bytes, 0) << row.name;
  }
  EXPECT_EQ(GemmWorkspaceBytes(Ones(0, 8), Ones(4, 8)), 0);
}

TEST(Workspace, ThrowsAsGemmDoes) {
  try {
    GemmWorkspaceBytes(Ones(1, 8), Ones(1, 9));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kShape);
  }
}

}  // namespace
}  // namespace zeroulp
