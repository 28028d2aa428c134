// SPDX-License-Identifier: Apache-2.0
#include "kernels/sparse_call.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <vector>

#include "kernels/epilogue.h"
#include "kernels/float_environment.h"
#include "kernels/parallel.h"
#include "zeroulp/internal/check.h"

namespace zeroulp::kernels {
namespace {

using internal::NumParts;

struct FreeAligned {
  void operator()(std::byte* p) const {
    ::operator delete[](p, std::align_val_t{64});
  }
};

constexpr int64_t kBlock = 64;  // dense rows that kernels decode at once
constexpr int64_t kPair = 32;   // sparse rows of a tile

// Rows of a part if there are up to `parts` of whole units.
int64_t RowsOfPart(int64_t rows, int64_t parts, int64_t unit) {
  return std::max(NumParts(NumParts(rows, unit), parts), int64_t{1}) * unit;
}

// Parts of every strand: its own, one after the other, then those that others
// have not begun. A strand's own are the same in every call: where another core
// wrote those lines of D last, a product of 1024^3 took a seventh longer.
class Shares {
 public:
  Shares(int64_t parts, int64_t strands)
      : shares_(static_cast<size_t>(strands)) {
    for (int64_t i = 0; i < strands; ++i) {
      Share& share = shares_[static_cast<size_t>(i)];
      share.next = parts * i / strands;
      share.end = parts * (i + 1) / strands;
    }
  }

  // -1: there is none.
  int64_t Take(int64_t strand) {
    for (size_t i = 0; i < shares_.size(); ++i) {
      Share& share =
          shares_[(static_cast<size_t>(strand) + i) % shares_.size()];
      if (share.next >= share.end) continue;
      const int64_t part = share.next++;
      if (part < share.end) return part;
    }
    return -1;
  }

 private:
  struct alignas(64) Share {  // a line each
    std::atomic<int64_t> next = 0;
    int64_t end = 0;
  };
  std::vector<Share> shares_;
};

void FinishPart(const SparseCall& call, const SparsePart& part) {
  GemmCall done = {};
  done.row = call.row;
  done.d = call.d;
  const bool by_sparse = call.sparse_is_a;
  done.m_begin = by_sparse ? part.sparse_begin : part.dense_begin;
  done.m_end = by_sparse ? part.sparse_end : part.dense_end;
  done.n_begin = by_sparse ? part.dense_begin : part.sparse_begin;
  done.n_end = by_sparse ? part.dense_end : part.sparse_end;
  done.epilogue = call.epilogue;
  Finish(done);
}

// Neighbours share sparse rows.
SparsePart PartAt(const SparseCall& call, const SparsePlan& plan,
                  int64_t index) {
  SparsePart part = {};
  part.dense_begin = index % plan.dense_parts * plan.dense_rows;
  part.dense_end =
      std::min(part.dense_begin + plan.dense_rows, call.dense->rows());
  part.sparse_begin = index / plan.dense_parts * plan.sparse_rows;
  part.sparse_end =
      std::min(part.sparse_begin + plan.sparse_rows, call.sparse->rows());
  return part;
}

}  // namespace

SparseOutput OutputOf(const SparseCall& call) {
  SparseOutput out = {};
  if (call.c.rows != 0) {
    out.c = reinterpret_cast<const float*>(call.c.bytes.data());
  }
  out.d = reinterpret_cast<float*>(call.d.bytes.data());
  out.c_dense_step = call.sparse_is_a ? 1 : call.c.row_stride;
  out.c_sparse_step = call.sparse_is_a ? call.c.row_stride : 1;
  out.d_dense_step = call.sparse_is_a ? 1 : call.d.row_stride;
  out.d_sparse_step = call.sparse_is_a ? call.d.row_stride : 1;
  return out;
}

SparsePlan PlanSparse(std::span<const SparseCall> calls, int threads,
                      bool keeps_panels) {
  const SparseCall& call = calls.front();
  const auto num_calls = static_cast<int64_t>(calls.size());
  const int64_t workers = NumThreads(threads);
  const int64_t dense = call.dense->rows(), sparse = call.sparse->rows();
  // Whole products while there are enough of them. Then dense rows: every one
  // of them is decoded once, and sparse ones once for each strand.
  const int64_t needed = NumParts(workers, num_calls);
  const int64_t blocks = NumParts(dense, kBlock);
  const int64_t along_dense = keeps_panels ? blocks : std::min(needed, blocks);
  SparsePlan plan = {};
  plan.dense_rows = RowsOfPart(dense, along_dense, kBlock);
  plan.sparse_rows = RowsOfPart(sparse, NumParts(needed, along_dense), kPair);
  plan.dense_parts = NumParts(dense, plan.dense_rows);
  plan.sparse_parts = NumParts(sparse, plan.sparse_rows);
  plan.parts = num_calls * plan.dense_parts * plan.sparse_parts;
  plan.strands = std::min(plan.parts, workers);
  return plan;
}

void RunSparsePlan(std::span<const SparseCall> calls, const SparsePlan& plan,
                   int threads, size_t bytes, const SparseBody& body) {
  const size_t size = (std::max(bytes, kStrandBytes) + 63) / 64 * 64;
  const std::unique_ptr<std::byte[], FreeAligned> memory(
      static_cast<std::byte*>(::operator new[](
          size* static_cast<size_t>(plan.strands), std::align_val_t{64})));
  const int64_t per_call = plan.dense_parts * plan.sparse_parts;
  Shares shares(plan.parts, plan.strands);
  ParallelFor(plan.strands, threads, [&](int64_t strand) {
    const DefaultFloatEnvironment environment;
    std::byte* own = memory.get() + static_cast<size_t>(strand) * size;
    std::fill_n(own, kStrandBytes, std::byte{0});
    for (int64_t i = shares.Take(strand); i >= 0; i = shares.Take(strand)) {
      const SparseCall& call = calls[static_cast<size_t>(i / per_call)];
      const SparsePart part = PartAt(call, plan, i % per_call);
      body(call, part, strand, own);
      if (call.epilogue != nullptr) FinishPart(call, part);
    }
  });
}

}  // namespace zeroulp::kernels
