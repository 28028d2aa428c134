// SPDX-License-Identifier: Apache-2.0
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/decode.cc"  // this file, per target
#include <algorithm>
#include <array>
#include <cstring>

#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "kernels/convert.h"
#include "kernels/decode-inl.h"
#include "kernels/narrow-inl.h"
#include "zeroulp/codec.h"

#ifndef ZEROULP_KERNELS_DECODE_ONCE_
#define ZEROULP_KERNELS_DECODE_ONCE_
namespace zeroulp::kernels {

// The value of every byte, as a bf16 or f16 word. Every value of a format of at
// most 8 bits is a bf16.
struct WordTable {
  alignas(64) uint8_t low[256], high[256];
  uint16_t words[256];
  // Whether bit 7 of a code sets the word's sign (flip = 0x80) or nothing
  // (flip = 0), in every code.
  bool bit7_flips;
  uint8_t flip;
};

inline WordTable MakeWordTable(const FormatInfo& f, const FormatInfo& word) {
  WordTable table = {};
  for (uint32_t code = 0; code < 256; ++code) {
    const uint32_t value =
        Encode(word, Decode(f, code), Rounding::kTowardZero, Overflow::kIeee);
    table.words[code] = static_cast<uint16_t>(value);
    table.low[code] = static_cast<uint8_t>(value);
    table.high[code] = static_cast<uint8_t>(value >> 8);
  }
  table.flip = static_cast<uint8_t>(table.high[0x81] ^ table.high[0x01]);
  table.bit7_flips = table.flip == 0 || table.flip == 0x80;
  for (size_t code = 0; code < 128; ++code) {
    table.bit7_flips &=
        table.words[code + 128] == (table.words[code] ^ table.flip << 8);
  }
  return table;
}

// Made when first asked for: some 10 us for all formats.
inline const WordTable& TableOf(const FormatInfo& f, Format word) {
  constexpr size_t kNumNarrow = static_cast<size_t>(Format::kF16);
  using Tables = std::array<WordTable, kNumNarrow>;
  const auto make = [](Format to) {
    Tables tables = {};
    for (size_t i = 0; i < kNumNarrow; ++i) {
      tables[i] = MakeWordTable(kFormats[i], Info(to));
    }
    return tables;
  };
  static const Tables bf16 = make(Format::kBF16);
  static const Tables f16 = make(Format::kF16);
  return (word == Format::kF16 ? f16 : bf16)[static_cast<size_t>(f.id)];
}

}  // namespace zeroulp::kernels
#endif  // ZEROULP_KERNELS_DECODE_ONCE_

HWY_BEFORE_NAMESPACE();
namespace zeroulp::kernels {
namespace HWY_NAMESPACE {
namespace {

uint32_t CodeAt(const std::byte* codes, bool nibbles, size_t i) {
  if (!nibbles) return std::to_integer<uint32_t>(codes[i]);
  const auto pair = std::to_integer<uint32_t>(codes[i / 2]);
  return pair >> (4 * (i % 2)) & 15;
}

// `begin` is even.
void DecodeByTable(const WordTable& table, const std::byte* codes, bool nibbles,
                   Format target, size_t begin, size_t end, std::byte* values) {
  if (target == Format::kF32) {
    auto* out = reinterpret_cast<uint32_t*>(values);
    for (size_t i = begin; i < end; ++i) {
      out[i] = uint32_t{table.words[CodeAt(codes, nibbles, i)]} << 16;
    }
  } else {
    auto* out = reinterpret_cast<uint16_t*>(values);
    for (size_t i = begin; i < end; ++i) {
      out[i] = table.words[CodeAt(codes, nibbles, i)];
    }
  }
}

#if HWY_TARGET == HWY_AVX3_DL
constexpr size_t kBlock = 64;

template <bool kStreams, class V, class D, class T>
HWY_INLINE void StoreVector(V v, D d, T* to) {
  if constexpr (kStreams) {
    hn::Stream(v, d, to);
  } else {
    hn::StoreU(v, d, to);
  }
}

// 64 codes a step: two table lookups for the low and the high bytes of bf16 or
// f16 words, which are then interleaved.
template <bool kStreams, bool kNibbles, bool kBit7Flips, bool kF32>
void DecodeBlocks(const WordTable& table, const uint8_t* HWY_RESTRICT codes,
                  size_t blocks, uint8_t* HWY_RESTRICT values) {
  const DB db;
  const DU du;
  const hn::Repartition<uint16_t, DB> d16;
  const VB low0 = hn::Load(db, table.low), low1 = hn::Load(db, table.low + 64);
  const VB high0 = hn::Load(db, table.high);
  const VB high1 = hn::Load(db, table.high + 64);
  const VB low2 = hn::Load(db, table.low + 128);
  const VB low3 = hn::Load(db, table.low + 192);
  const VB high2 = hn::Load(db, table.high + 128);
  const VB high3 = hn::Load(db, table.high + 192);
  const VB flip = hn::Set(db, table.flip);
  // Where interleaving bytes within 16-byte lanes leaves them right: the words
  // of the lower halves of lanes, then those of the upper halves, are elements
  // 0 to 31 and 32 to 63. As dwords of two words each, elements i and 16 + i,
  // so that even and odd words are whole vectors of binary32.
  alignas(64) static constexpr auto kOrder = [] {
    std::array<uint8_t, kBlock> order = {};
    for (size_t i = 0; i < kBlock; ++i) {
      const size_t word = i / 16 * 8 + i % 8 + (i % 16 < 8 ? 0 : 32);
      const size_t element =
          kF32 ? word / 32 * 32 + word % 2 * 16 + word % 32 / 2 : word;
      order[i] = static_cast<uint8_t>(element);
    }
    return order;
  }();
  const VB index = hn::Load(db, kOrder.data());
  for (size_t i = 0; i < blocks; ++i) {
    VB code;
    if constexpr (kNibbles) {
      const hn::Half<DB> dh;
      const auto pairs = hn::PromoteTo(d16, hn::LoadU(dh, codes + i * 32));
      code = hn::BitCast(db, hn::And(hn::Or(pairs, hn::ShiftLeft<4>(pairs)),
                                     hn::Set(d16, uint16_t{0x0F0F})));
    } else {
      code = hn::LoadU(db, codes + i * kBlock);
    }
    code = PermuteBytes(code, index);
    VB low = Lookup128(low0, low1, code);
    VB high = Lookup128(high0, high1, code);
    if constexpr (kBit7Flips) {
      high = hn::Xor(high, hn::And(code, flip));
    } else {
      const auto upper = hn::RebindMask(
          db, hn::MaskFromVec(hn::BitCast(hn::RebindToSigned<DB>(), code)));
      low = hn::IfThenElse(upper, Lookup128(low2, low3, code), low);
      high = hn::IfThenElse(upper, Lookup128(high2, high3, code), high);
    }
    const auto words0 = hn::InterleaveLower(db, low, high);
    const auto words1 = hn::InterleaveUpper(db, low, high);
    if constexpr (kF32) {
      auto* out = reinterpret_cast<uint32_t*>(values) + i * kBlock;
      const auto store = [&](VB words, size_t at) HWY_ATTR {
        const VU both = hn::BitCast(du, words);
        StoreVector<kStreams>(hn::ShiftLeft<16>(both), du, out + at);
        StoreVector<kStreams>(hn::And(both, hn::Set(du, 0xFFFF0000u)), du,
                              out + at + 16);
      };
      store(words0, 0);
      store(words1, 32);
    } else {
      auto* out = reinterpret_cast<uint8_t*>(values) + i * 2 * kBlock;
      StoreVector<kStreams>(words0, db, out);
      StoreVector<kStreams>(words1, db, out + kBlock);
    }
  }
  if constexpr (kStreams) hwy::FlushStream();
}

template <bool kStreams, bool kNibbles, bool kBit7Flips>
void DecodeBlocksTo(Format target, const WordTable& table, const uint8_t* codes,
                    size_t blocks, uint8_t* values) {
  if (target == Format::kF32) {
    DecodeBlocks<kStreams, kNibbles, kBit7Flips, true>(table, codes, blocks,
                                                       values);
  } else {
    DecodeBlocks<kStreams, kNibbles, kBit7Flips, false>(table, codes, blocks,
                                                        values);
  }
}

// Elements decoded: those before the first aligned value, where that matters,
// and whole blocks.
size_t DecodeMost(const DecodeJob& job, const WordTable& table,
                  const std::byte* codes, bool nibbles, size_t count,
                  std::byte* values) {
  const size_t value_bytes =
      static_cast<size_t>(Info(job.target).storage_bits) / 8;
  const size_t misaligned = reinterpret_cast<uintptr_t>(values) % 64;
  size_t head = 0;
  bool streams = job.streams;
  if (streams && misaligned != 0) {
    head = std::min((64 - misaligned) / value_bytes, count);
    // Nibbles are read in pairs.
    if (nibbles && head % 2 != 0) streams = false, head = 0;
  }
  DecodeByTable(table, codes, nibbles, job.target, 0, head, values);
  const auto* from =
      reinterpret_cast<const uint8_t*>(codes) + (nibbles ? head / 2 : head);
  auto* to = reinterpret_cast<uint8_t*>(values) + head * value_bytes;
  const size_t blocks = (count - head) / kBlock;
  const auto run = [&](auto one) { one(job.target, table, from, blocks, to); };
  if (nibbles) {
    run(streams ? DecodeBlocksTo<true, true, true>
                : DecodeBlocksTo<false, true, true>);
  } else if (table.bit7_flips) {
    run(streams ? DecodeBlocksTo<true, false, true>
                : DecodeBlocksTo<false, false, true>);
  } else {
    run(streams ? DecodeBlocksTo<true, false, false>
                : DecodeBlocksTo<false, false, false>);
  }
  return head + blocks * kBlock;
}
#else
size_t DecodeMost(const DecodeJob&, const WordTable&, const std::byte*, bool,
                  size_t, std::byte*) {
  return 0;
}
#endif

// Formats of more than 8 bits to binary32: words whose high bits are the code's
// but for the exponent range of f16.
void DecodeWide(const FormatInfo& f, const std::byte* codes, size_t count,
                float* values) {
  const DF df;
  const DI di;
  const Decoder decode_f16(Info(Format::kF16));
  const VI infinity = hn::Set(di, 0x7F800000);
  const auto number = [&](VI word) HWY_ATTR {
    const VI magnitude = hn::And(word, hn::Set(di, 0x7FFFFFFF));
    const VI nan =
        hn::Or(hn::Set(di, 0x7FC00000), hn::And(word, hn::Set(di, INT32_MIN)));
    return hn::BitCast(df,
                       hn::IfThenElse(hn::Gt(magnitude, infinity), nan, word));
  };
  size_t i = 0;
  for (; i + hn::Lanes(df) <= count; i += hn::Lanes(df)) {
    if (f.storage_bits == 32) {
      const VI word =
          hn::LoadU(di, reinterpret_cast<const int32_t*>(codes) + i);
      const auto unused = static_cast<int32_t>(~0u << (32 - f.bits));
      hn::StoreU(number(hn::And(word, hn::Set(di, unused))), df, values + i);
      continue;
    }
    const hn::Rebind<uint16_t, DI> d16;
    const VI code = hn::PromoteTo(
        di, hn::LoadU(d16, reinterpret_cast<const uint16_t*>(codes) + i));
    hn::StoreU(f.id == Format::kF16 ? decode_f16(code)
                                    : number(hn::ShiftLeft<16>(code)),
               df, values + i);
  }
  for (; i < count; ++i) {
    uint32_t word = 0;
    const auto size = static_cast<size_t>(f.storage_bits / 8);
    std::memcpy(&word, codes + i * size, size);
    values[i] = Decode(f, f.storage_bits == 32 ? word >> (32 - f.bits) : word);
  }
}

}  // namespace

void DecodeRun(const DecodeJob& job, const std::byte* codes, size_t count,
               std::byte* values) {
  const FormatInfo& f = *job.source;
  if (f.bits > 8) {
    return DecodeWide(f, codes, count, reinterpret_cast<float*>(values));
  }
  const WordTable& table = TableOf(f, job.target);
  const bool nibbles = f.storage_bits == 4;
  const size_t done = DecodeMost(job, table, codes, nibbles, count, values);
  DecodeByTable(table, codes, nibbles, job.target, done, count, values);
}

void MapRun(const uint8_t (&table)[256], const std::byte* from, size_t count,
            std::byte* to) {
  const auto* in = reinterpret_cast<const uint8_t*>(from);
  auto* out = reinterpret_cast<uint8_t*>(to);
  size_t i = 0;
#if HWY_TARGET == HWY_AVX3_DL
  const DB db;
  const VB t0 = hn::LoadU(db, table), t1 = hn::LoadU(db, table + 64);
  const VB t2 = hn::LoadU(db, table + 128), t3 = hn::LoadU(db, table + 192);
  for (; i + kBlock <= count; i += kBlock) {
    const VB code = hn::LoadU(db, in + i);
    const auto upper = hn::RebindMask(
        db, hn::MaskFromVec(hn::BitCast(hn::RebindToSigned<DB>(), code)));
    hn::StoreU(
        hn::IfThenElse(upper, Lookup128(t2, t3, code), Lookup128(t0, t1, code)),
        db, out + i);
  }
#endif
  for (; i < count; ++i) out[i] = table[in[i]];
}

}  // namespace HWY_NAMESPACE
}  // namespace zeroulp::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zeroulp::kernels {
HWY_EXPORT(DecodeRun);
HWY_EXPORT(MapRun);
void DecodeRun(const DecodeJob& job, const std::byte* codes, size_t count,
               std::byte* values) noexcept {
  HWY_DYNAMIC_DISPATCH(DecodeRun)(job, codes, count, values);
}
void MapRun(const uint8_t (&table)[256], const std::byte* from, size_t count,
            std::byte* to) noexcept {
  HWY_DYNAMIC_DISPATCH(MapRun)(table, from, count, to);
}
}  // namespace zeroulp::kernels
#endif  // HWY_ONCE
