// SPDX-License-Identifier: Apache-2.0
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/encode.cc"  // this file, per target
#include <algorithm>
#include <array>
#include <cstring>

#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/convert.h"
#include "kernels/decode-inl.h"
#include "kernels/encode-inl.h"
#include "kernels/encode_bytes-inl.h"
#include "kernels/philox-inl.h"
#include "kernels/segment-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

// Elements that are converted at once by the general path: its buffers stay in
// L1. A multiple of everything that shares bytes, words and vectors.
constexpr size_t kChunk = 512;

// `n` values, padded with zeros to whole vectors: where they are, or in buffer.
const float* LoadValues(Format source, const Decoder& decode_f16,
                        const std::byte* from, size_t n, float* buffer) {
  if (source == Format::kF32) {
    if (n % kPad == 0) return reinterpret_cast<const float*>(from);
    std::memcpy(buffer, from, n * sizeof(float));
  } else if (source == Format::kBF16) {
    WidenSegment(
        from, n, source,
        [](VI codes)
            HWY_ATTR { return hn::BitCast(DF(), hn::ShiftLeft<16>(codes)); },
        buffer);
  } else {
    WidenSegment(from, n, source, decode_f16, buffer);
  }
  std::fill(buffer + n, buffer + Padded(n), 0.0f);
  return buffer;
}

// The random bits of `n` elements, at the top of a word each: where they are,
// or in `buffer`. `first` is a word and its first position.
class RandomTops {
 public:
  explicit RandomTops(const EncodeJob& job) : job_(job) {}

  const uint32_t* Load(uint64_t first, size_t n) {
    const auto per_word = static_cast<size_t>(job_.layout->elements);
    const size_t num_words = (n + per_word - 1) / per_word;
    const bool in_place = per_word == 1 && n % kPad == 0;
    const uint32_t* words = nullptr;
    if (job_.words != nullptr) {
      words = job_.words + first;
    } else {
      PhiloxBlocks(job_.seed, first / 4, (num_words + first % 4 + 3) / 4,
                   words_);
      words = words_ + first % 4;
    }
    if (in_place) return words;
    const int top = 32 - job_.layout->width;
    for (size_t i = 0; i < n; ++i) {
      tops_[i] = (words[i / per_word] >> job_.layout->shifts[i % per_word])
                 << top;
    }
    std::fill(tops_ + n, tops_ + Padded(n), 0u);
    return tops_;
  }

 private:
  const EncodeJob& job_;
  alignas(64) uint32_t words_[kChunk + 8 + kPhiloxExcess];
  alignas(64) uint32_t tops_[kChunk];
};

// Codes of `n` values, a whole number of vectors, as elements of T.
template <Rounding kRounding, class T>
void EncodeLanes(const Encoder<kRounding>& encode,
                 const float* HWY_RESTRICT values,
                 const uint32_t* HWY_RESTRICT random, size_t n,
                 T* HWY_RESTRICT codes) {
  const DF df;
  for (size_t i = 0; i < n; i += hn::Lanes(df)) {
    VU code;
    if constexpr (kRounding == Rounding::kStochastic) {
      code = encode(hn::LoadU(df, values + i), hn::LoadU(DU(), random + i));
    } else {
      code = encode(hn::LoadU(df, values + i));
    }
    if constexpr (sizeof(T) == 4) {  // tf32: the high bits of the word
      hn::StoreU(hn::ShiftLeft<13>(code), DU(), codes + i);
    } else {
      const hn::Rebind<T, DI> dt;
      hn::StoreU(hn::DemoteTo(dt, hn::BitCast(DI(), code)), dt, codes + i);
    }
  }
}

// Any format and rounding, a chunk at a time.
template <Rounding kRounding>
void EncodeChunks(const EncodeJob& job, const std::byte* source, size_t count,
                  std::byte* codes, uint64_t first_word) {
  const FormatInfo& f = *job.target;
  const bool is_stochastic = kRounding == Rounding::kStochastic;
  const Encoder<kRounding> encode(f, job.rules.overflow, job.rules.nan,
                                  is_stochastic ? job.layout->width : 32);
  const Decoder decode_f16(Info(Format::kF16));
  RandomTops random(job);
  alignas(64) float value_buffer[kChunk];
  alignas(64) uint32_t code_buffer[kChunk];
  const auto source_bits = static_cast<size_t>(Info(job.source).storage_bits);
  const auto target_bits = static_cast<size_t>(f.storage_bits);
  for (size_t i = 0; i < count; i += kChunk) {
    const size_t n = std::min(kChunk, count - i);
    const size_t padded = Padded(n);
    const float* values = LoadValues(
        job.source, decode_f16, source + i * source_bits / 8, n, value_buffer);
    const uint32_t* tops =
        is_stochastic
            ? random.Load(
                  first_word + i / static_cast<size_t>(job.layout->elements), n)
            : nullptr;
    std::byte* to = codes + i * target_bits / 8;
    // Only whole vectors of whole bytes are stored where they belong.
    const bool in_place = n == padded && target_bits != 4;
    void* out = in_place ? static_cast<void*>(to) : code_buffer;
    if (target_bits <= 8) {
      EncodeLanes(encode, values, tops, padded, static_cast<uint8_t*>(out));
    } else if (target_bits == 16) {
      EncodeLanes(encode, values, tops, padded, static_cast<uint16_t*>(out));
    } else {
      EncodeLanes(encode, values, tops, padded, static_cast<uint32_t*>(out));
    }
    if (target_bits == 4) {
      to[(n - 1) / 2] = std::byte{0};  // an odd end leaves a zero nibble
      PackNibbles(reinterpret_cast<const uint8_t*>(code_buffer), n,
                  reinterpret_cast<uint8_t*>(to));
    } else if (!in_place) {
      std::memcpy(to, code_buffer, n * target_bits / 8);
    }
  }
}

void EncodeGeneral(const EncodeJob& job, const std::byte* source, size_t count,
                   std::byte* codes, uint64_t first_word) {
  if (count == 0) return;
  const auto run = [&](auto one) {
    one(job, source, count, codes, first_word);
  };
  switch (job.rules.rounding) {
    case Rounding::kNearestEven:
      return run(EncodeChunks<Rounding::kNearestEven>);
    case Rounding::kTowardZero:
      return run(EncodeChunks<Rounding::kTowardZero>);
    case Rounding::kNearestAway:
      return run(EncodeChunks<Rounding::kNearestAway>);
    case Rounding::kUp:
      return run(EncodeChunks<Rounding::kUp>);
    case Rounding::kDown:
      return run(EncodeChunks<Rounding::kDown>);
    case Rounding::kAwayFromZero:
      return run(EncodeChunks<Rounding::kAwayFromZero>);
    case Rounding::kOdd:
      return run(EncodeChunks<Rounding::kOdd>);
    case Rounding::kStochastic:
      return run(EncodeChunks<Rounding::kStochastic>);
  }
}

#if HWY_TARGET == HWY_AVX3_DL
constexpr size_t kBlock = 64;

// How far ahead large arrays are fetched: the hardware's own prefetch stops at
// the end of a page, and costs a third of the bandwidth so.
constexpr size_t kPrefetchBytes = 4096;

// Loads 64 elements as four vectors, whichever lane of whichever vector;
// Position says where in the bytes of ByteEncoder element i comes out.
struct LoadF32 {
  static constexpr size_t Position(size_t i) { return 4 * (i % 16) + i / 16; }
  HWY_INLINE VB operator()(const ByteEncoder& encode,
                           const std::byte* from) const {
    const DF df;
    const auto* values = reinterpret_cast<const float*>(from);
    return encode(hn::LoadU(df, values), hn::LoadU(df, values + 16),
                  hn::LoadU(df, values + 32), hn::LoadU(df, values + 48));
  }
};

struct LoadF16 {
  static constexpr size_t Position(size_t i) { return LoadF32::Position(i); }
  HWY_INLINE VB operator()(const ByteEncoder& encode,
                           const std::byte* from) const {
    const auto load = [from](size_t i) HWY_ATTR {
      const hn::Rebind<hwy::float16_t, DF> d16;
      const auto* values = reinterpret_cast<const hwy::float16_t*>(from);
      return hn::PromoteTo(DF(), hn::LoadU(d16, values + i));
    };
    return encode(load(0), load(16), load(32), load(48));
  }
};

// Even and odd elements of 32, each in one operation.
struct LoadBF16 {
  static constexpr size_t Position(size_t i) {
    return 4 * (i % 32 / 2) + 2 * (i / 32) + i % 2;
  }
  HWY_INLINE VB operator()(const ByteEncoder& encode,
                           const std::byte* from) const {
    const DU du;
    const DF df;
    const auto* words = reinterpret_cast<const uint32_t*>(from);
    const VU first = hn::LoadU(du, words), second = hn::LoadU(du, words + 16);
    const auto even = [df](VU x) HWY_ATTR {
      return hn::BitCast(df, hn::ShiftLeft<16>(x));
    };
    const auto odd = [du, df](VU x) HWY_ATTR {
      return hn::BitCast(df, hn::And(x, hn::Set(du, 0xFFFF0000u)));
    };
    return encode(even(first), odd(first), even(second), odd(second));
  }
};

struct StoreBytes {
  static constexpr size_t kBytes = 64;
  static constexpr size_t Element(size_t byte) { return byte; }
  template <bool kStreams>
  static HWY_INLINE void Store(VB codes, uint8_t* to) {
    if constexpr (kStreams) {
      hn::Stream(codes, DB(), to);
    } else {
      hn::StoreU(codes, DB(), to);
    }
  }
};

// Even elements in the low half of the vector, odd ones in the high half.
struct StoreNibbles {
  static constexpr size_t kBytes = 32;
  static constexpr size_t Element(size_t byte) {
    return byte < 32 ? 2 * byte : 2 * (byte - 32) + 1;
  }
  template <bool kStreams>
  static HWY_INLINE void Store(VB codes, uint8_t* to) {
    const hn::Half<DB> dh;
    const hn::Repartition<uint16_t, hn::Half<DB>> d16;
    const auto high = hn::BitCast(
        dh, hn::ShiftLeft<4>(hn::BitCast(d16, hn::UpperHalf(dh, codes))));
    const auto pairs = hn::Or(hn::LowerHalf(dh, codes), high);
    if constexpr (kStreams) {
      hn::Stream(pairs, dh, to);
    } else {
      hn::StoreU(pairs, dh, to);
    }
  }
};

template <bool kStreams, class Load, class Store>
void EncodeBlocks(ByteEncoder encode, const std::byte* from,
                  size_t source_bytes, size_t blocks, uint8_t* to) {
  const DB db;
  alignas(64) static constexpr auto kOrder = [] {
    std::array<uint8_t, kBlock> order = {};
    for (size_t i = 0; i < kBlock; ++i) {
      order[i] = static_cast<uint8_t>(Load::Position(Store::Element(i)));
    }
    return order;
  }();
  const VB index = hn::Load(db, kOrder.data());
  const Load load;
  for (size_t i = 0; i < blocks; ++i) {
    if constexpr (kStreams) {
      for (size_t line = 0; line < kBlock * source_bytes; line += 64) {
        hwy::Prefetch(from + i * kBlock * source_bytes + line + kPrefetchBytes);
      }
    }
    const VB codes = load(encode, from + i * kBlock * source_bytes);
    Store::template Store<kStreams>(PermuteBytes(codes, index),
                                    to + i * Store::kBytes);
  }
  if constexpr (kStreams) hwy::FlushStream();
}

template <bool kStreams, class Store>
void EncodeBlocksFrom(Format source, const ByteEncoder& encode,
                      const std::byte* from, size_t blocks, uint8_t* to) {
  if (source == Format::kF32) {
    EncodeBlocks<kStreams, LoadF32, Store>(encode, from, 4, blocks, to);
  } else if (source == Format::kF16) {
    EncodeBlocks<kStreams, LoadF16, Store>(encode, from, 2, blocks, to);
  } else {
    EncodeBlocks<kStreams, LoadBF16, Store>(encode, from, 2, blocks, to);
  }
}

// Whole blocks; streaming needs an aligned `to`.
void EncodeBlocksTo(const EncodeJob& job, const std::byte* from, size_t blocks,
                    uint8_t* to) {
  const ByteEncoder encode(*job.target, job.rules);
  const bool nibbles = job.target->storage_bits == 4;
  const auto run = [&](auto one) { one(job.source, encode, from, blocks, to); };
  if (job.streams) {
    run(nibbles ? EncodeBlocksFrom<true, StoreNibbles>
                : EncodeBlocksFrom<true, StoreBytes>);
  } else {
    run(nibbles ? EncodeBlocksFrom<false, StoreNibbles>
                : EncodeBlocksFrom<false, StoreBytes>);
  }
}
#endif

}  // namespace

void EncodeRun(const EncodeJob& job, const std::byte* source, size_t count,
               std::byte* codes, uint64_t first_word) {
#if HWY_TARGET == HWY_AVX3_DL
  if (ByteEncoder::Takes(*job.target, job.rules)) {
    const auto source_bits = static_cast<size_t>(Info(job.source).storage_bits);
    const auto bits = static_cast<size_t>(job.target->storage_bits);
    // Elements before the first aligned byte of codes, where that matters.
    const size_t misaligned = reinterpret_cast<uintptr_t>(codes) % 64;
    const size_t head = job.streams && misaligned != 0
                            ? std::min((64 - misaligned) * 8 / bits, count)
                            : 0;
    EncodeGeneral(job, source, head, codes, 0);
    source += head * source_bits / 8;
    codes += head * bits / 8;
    count -= head;
    const size_t whole = count / kBlock * kBlock;
    EncodeBlocksTo(job, source, whole / kBlock,
                   reinterpret_cast<uint8_t*>(codes));
    source += whole * source_bits / 8;
    codes += whole * bits / 8;
    count -= whole;
  }
#endif
  EncodeGeneral(job, source, count, codes, first_word);
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
HWY_EXPORT(EncodeRun);
void EncodeRun(const EncodeJob& job, const std::byte* source, size_t count,
               std::byte* codes, uint64_t first_word) noexcept {
  HWY_DYNAMIC_DISPATCH(EncodeRun)(job, source, count, codes, first_word);
}
}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
