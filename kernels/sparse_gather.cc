// SPDX-License-Identifier: Apache-2.0
#include "kernels/sparse_gather.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_gather.cc"  // this file, per target
#include "kernels/targets.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/kernel_table.h"
#include "kernels/ops-inl.h"
#include "kernels/packed_scratch.h"
#include "kernels/parallel.h"
#include "zeroulp/internal/fail.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

// Of 16 dense rows, `dense`, the elements that row `row` of the sparse operand
// selects: quads of both like PackedMatrix has them.
void GatherTarget(const PackedSparse& sparse, int64_t row,
                  const PackedMatrix& dense, int64_t group, uint8_t* quads) {
  const DI di;
  constexpr size_t kWords = 16;  // of a quad
  const auto [keep, size] = sparse.sparsity();
  const uint8_t* positions = sparse.positions() +
                             row / 16 * sparse.position_quads() * 64 +
                             row % 16 * 4;
  const auto* from = reinterpret_cast<const int32_t*>(
      dense.data() + group * dense.quads() * 64);
  auto* to = reinterpret_cast<int32_t*>(quads);
  const int64_t per_quad = dense.quad_cols();
  const auto bits = static_cast<int>(32 / per_quad);
  const VI mask = hn::Set(di, static_cast<int32_t>(~0u >> (32 - bits)));
  const int64_t stored = sparse.stored().cols();
  for (int64_t k = 0; k < stored; k += per_quad) {
    const int64_t count = std::min(per_quad, stored - k);
    for (size_t lane = 0; lane < kWords; lane += hn::Lanes(di)) {
      VI words = hn::Zero(di);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t at = k + i;
        const int64_t source =
            at / keep * size + positions[at / 4 * 64 + at % 4];
        const VI quad =
            hn::LoadU(di, from + source / per_quad * int64_t{kWords} + lane);
        const int shift = static_cast<int>(source % per_quad) * bits;
        const VI code = hn::And(hn::ShiftRightSame(quad, shift), mask);
        words =
            hn::Or(words, hn::ShiftLeftSame(code, static_cast<int>(i) * bits));
      }
      hn::StoreU(words, di, to + lane);
    }
    to += kWords;
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
namespace {

HWY_EXPORT(GatherTarget);

constexpr int64_t kRows = PackedMatrix::kRows;
// Dense rows at once: what they are gathered into stays in L2.
constexpr int64_t kRowsAtOnce = 128;

int64_t BytesOf(Format format) { return Info(format).storage_bits / 8; }

// One strand's memory, for calls of one shape.
class Gatherer {
 public:
  explicit Gatherer(const SparseCall& call)
      : call_(&call),
        sparse_(1, call.sparse->stored().cols(), call.sparse->format(),
                call.sparse->stored().scale_block(),
                call.sparse->stored().scale_format()),
        dense_(std::min(kRowsAtOnce, call.dense->rows()),
               call.sparse->stored().cols(), call.dense->format(),
               DenseBlock(call), call.dense->scale_format()),
        c_(static_cast<size_t>(kRowsAtOnce * BytesOf(call.row->accumulator))),
        d_(static_cast<size_t>(kRowsAtOnce * BytesOf(call.row->output))),
        kernel_(*Select(*call.row, TraitsOf(Call(1)), nullptr)),
        workspace_(kernel_.workspace_bytes(Call(dense_.matrix().rows())) + 64) {
  }

  void Run(const SparseCall& call, const SparsePart& part) {
    call_ = &call;
    for (int64_t i = part.dense_begin; i < part.dense_end; i += kRowsAtOnce) {
      const int64_t rows = std::min(kRowsAtOnce, part.dense_end - i);
      TakeDenseScales(i / kRows, rows);
      for (int64_t j = part.sparse_begin; j < part.sparse_end; ++j) {
        TakeSparseRow(j);
        Multiply(i, rows, j);
      }
    }
  }

 private:
  // Scales of the dense operand are of products here.
  static int64_t DenseBlock(const SparseCall& call) {
    const auto [keep, group] = call.sparse->sparsity();
    return call.dense->scale_block() * keep / group;
  }

  GemmCall Call(int64_t rows) {
    GemmCall gemm = {};
    gemm.row = call_->row;
    gemm.a = &sparse_.matrix();
    gemm.b_t = &dense_.matrix();
    gemm.m_end = 1;
    gemm.n_end = rows;
    if (call_->c.rows != 0) {
      gemm.c = {std::as_bytes(std::span(c_)), call_->row->accumulator, 1, rows,
                rows};
    }
    gemm.d = {std::as_writable_bytes(std::span(d_)), call_->row->output, 1,
              rows, rows};
    gemm.promote_every = call_->promote_every;
    return gemm;
  }

  void TakeDenseScales(int64_t group, int64_t rows) {
    const PackedMatrix& dense = *call_->dense;
    if (dense.scale_block() == 0) return;
    const int64_t size =
        dense.scale_cols() * kRows * BytesOf(dense.scale_format());
    std::copy_n(dense.scales() + group * size,
                (rows + kRows - 1) / kRows * size, dense_.scales());
  }

  void TakeSparseRow(int64_t row) {
    const PackedMatrix& from = call_->sparse->stored();
    const auto take = [&](const uint8_t* columns, int64_t count, int64_t size,
                          uint8_t* to) {
      columns += row / kRows * count * kRows * size + row % kRows * size;
      for (int64_t i = 0; i < count; ++i) {
        std::copy_n(columns + i * kRows * size, size, to + i * kRows * size);
      }
    };
    take(from.data(), from.quads(), PackedMatrix::kQuad, sparse_.data());
    if (from.scale_block() == 0) return;
    take(from.scales(), from.scale_cols(), BytesOf(from.scale_format()),
         sparse_.scales());
  }

  // `rows` elements of C or D from dense row `i` and sparse row `j`, one after
  // the other in `words`.
  template <class View, class Copy>
  void ForEachElement(const View& view, int64_t i, int64_t rows, int64_t j,
                      uint8_t* words, const Copy& copy) const {
    const int64_t size = BytesOf(view.format);
    for (int64_t n = 0; n < rows; ++n) {
      const int64_t element = call_->sparse_is_a
                                  ? j * view.row_stride + i + n
                                  : (i + n) * view.row_stride + j;
      copy(view.bytes.data() + element * size, words + n * size,
           static_cast<size_t>(size));
    }
  }

  void Multiply(int64_t i, int64_t rows, int64_t j) {
    const int64_t quads = dense_.matrix().quads();
    for (int64_t n = 0; n < rows; n += kRows) {
      HWY_DYNAMIC_DISPATCH(GatherTarget)
      (*call_->sparse, j, *call_->dense, (i + n) / kRows,
       dense_.data() + n / kRows * quads * kRows * PackedMatrix::kQuad);
    }
    const GemmCall gemm = Call(rows);
    if (call_->c.rows != 0) {
      ForEachElement(call_->c, i, rows, j, c_.data(),
                     [](const std::byte* view, uint8_t* word, size_t size) {
                       std::memcpy(word, view, size);
                     });
    }
    auto* memory = reinterpret_cast<std::byte*>(
        (reinterpret_cast<uintptr_t>(workspace_.data()) + 63) / 64 * 64);
    kernel_.run(gemm, memory);
    ForEachElement(call_->d, i, rows, j, d_.data(),
                   [](std::byte* view, const uint8_t* word, size_t size) {
                     std::memcpy(view, word, size);
                   });
  }

  const SparseCall* call_;
  PackedScratch sparse_, dense_;
  std::vector<uint8_t> c_, d_;
  const KernelRow& kernel_;
  std::vector<std::byte> workspace_;
};

}  // namespace

void SparseGather(std::span<const SparseCall> calls, int threads) {
  const SparsePlan plan = PlanSparse(calls, threads, false);
  std::vector<std::unique_ptr<Gatherer>> strands;  // this can throw
  for (int64_t i = 0; i < plan.strands; ++i) {
    strands.push_back(std::make_unique<Gatherer>(calls.front()));
  }
  RunSparsePlan(calls, plan, threads, 0,
                [&](const SparseCall& call, const SparsePart& part,
                    int64_t strand, std::byte* /*memory*/) {
                  strands[static_cast<size_t>(strand)]->Run(call, part);
                });
}

}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
