// SPDX-License-Identifier: Apache-2.0
#include "tools/record/launch.h"

#include <span>

namespace zeroulp::record {
namespace {

// Where the bits of an element lie in a row: in units of `unit_bits` that hold
// `per_unit` elements, `spacing` bits apart, from bit `shift` on.
struct Container {
  int per_unit, unit_bits, spacing, shift;
};

// Sources: PTX ISA 9.0, 9.7.14.5 (mma: FP6 in the low, FP4 in the middle bits
// of a byte), 9.7.16.3 (tcgen05 f8f6f4: 16 elements packed at the start of 16
// bytes), 9.7.14.5.11 (mxf4: two a byte, low nibble first).
Container ContainerOf(const Case& c, Format format) {
  const FormatInfo& f = zeroulp::Info(format);
  if (f.bits >= 8) return {1, f.storage_bits, 0, f.storage_bits - f.bits};
  if (c.form->k == 64) return {1, 4, 0, 0};  // FP4 alone
  if (c.form->unit == Unit::kTcgen05) return {16, 128, f.bits, 0};
  return {1, 8, 0, f.bits == 4 ? 2 : 0};
}

// Appends `count` elements of a row from `first` on.
void Append(const Container& x, const ConstMatrixView& row, int64_t first,
            int64_t count, std::vector<uint32_t>& words) {
  const size_t begin = words.size();
  words.resize(begin +
               static_cast<size_t>(count / x.per_unit * x.unit_bits / 32));
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t code = ReadCode(row, 0, first + i);
    const int64_t bit =
        i / x.per_unit * x.unit_bits + i % x.per_unit * x.spacing + x.shift;
    const size_t word = begin + static_cast<size_t>(bit / 32);
    const uint64_t shifted = code << (bit % 32);
    words[word] |= static_cast<uint32_t>(shifted);
    // Six bits may reach into the next word.
    if (shifted >> 32 != 0) {
      words[word + 1] |= static_cast<uint32_t>(shifted >> 32);
    }
  }
}

// The metadata nibbles of one step, the first in the lowest bits. 2:4: two
// positions. tf32, 1:2: the positions of its 16-bit halves.
void AppendMetadata(const Form& form, std::span<const uint8_t> index,
                    std::vector<uint32_t>& words) {
  uint64_t nibbles = 0;
  int shift = 0;
  const auto keep = static_cast<size_t>(form.sparsity.keep);
  for (size_t i = 0; i < index.size(); i += keep, shift += 4) {
    const uint32_t nibble = keep == 2       ? index[i] | (index[i + 1] << 2)
                            : index[i] == 0 ? 0x4u
                                            : 0xEu;
    nibbles |= uint64_t{nibble} << shift;
  }
  words.push_back(static_cast<uint32_t>(nibbles));
  words.push_back(static_cast<uint32_t>(nibbles >> 32));
}

// The scales of one step as bytes of a word, the first in the lowest.
uint32_t ScaleWord(const ConstMatrixView& scales, int64_t first,
                   int64_t count) {
  uint32_t word = 0;
  for (int64_t i = 0; i < count; ++i) {
    word |= ReadCode(scales, 0, first + i) << (8 * i);
  }
  return word;
}

// The type field of operands. PTX ISA 9.0, 9.7.16.4.2.
uint32_t TypeField(const Case& c, Format format) {
  switch (format) {
    case Format::kBF16:
      return 1;
    case Format::kTF32:
      return 2;
    case Format::kE5M2:
      return 1;
    case Format::kE2M3FN:
      return 3;
    case Format::kE3M2FN:
      return 4;
    case Format::kE2M1FN:
      return c.form->k == 64 ? 1 : 5;  // mxf4, mxf4nvf4: the only type
    default:
      return 0;  // f16, e4m3
  }
}

uint32_t Descriptor(const Case& c) {
  const Form& form = *c.form;
  uint32_t bits = (form.is_sparse() ? 1u : 0u) << 2 | TypeField(c, c.a) << 7 |
                  TypeField(c, c.b) << 10 | uint32_t{kTcgen05N >> 3} << 17 |
                  uint32_t{kTcgen05M >> 4} << 24;
  if (form.block == 0) {
    bits |= (form.out == Format::kF32 ? 1u : 0u) << 4;
  } else {
    bits |= (form.scale == Format::kE8M0FNU ? 1u : 0u) << 23;
  }
  return bits;
}

void AppendStep(const Case& c, const Bundle& bundle, int64_t row, int64_t step,
                Launch& launch) {
  const Form& form = *c.form;
  const int64_t stored = form.stored_k();
  Append(ContainerOf(c, c.a), bundle.a.View(row), step * stored, stored,
         launch.a);
  Append(ContainerOf(c, c.b), bundle.b_t.View(row), step * form.k, form.k,
         launch.b);
  if (launch.sparse) {
    const auto first = static_cast<size_t>(row * c.stored_k() + step * stored);
    AppendMetadata(
        form,
        std::span(bundle.a_index).subspan(first, static_cast<size_t>(stored)),
        launch.meta);
  }
  if (form.block != 0) {
    const int64_t blocks = stored / form.block;
    launch.scales.push_back(
        ScaleWord(bundle.a_scales->View(row), step * blocks, blocks));
    launch.scales.push_back(
        ScaleWord(bundle.b_scales->View(row), step * blocks, blocks));
  }
}

}  // namespace

Launch MakeLaunch(const Case& c, const Bundle& bundle) {
  Launch launch;
  launch.instruction = c.instruction;
  launch.rows = c.rows;
  launch.steps = c.steps;
  launch.sparse = c.form->is_sparse();
  launch.f16_out = c.form->out == Format::kF16;
  if (c.form->unit == Unit::kTcgen05) launch.descriptor = Descriptor(c);
  for (int64_t row = 0; row < c.rows; ++row) {
    launch.c.push_back(ReadCode(bundle.c->View(row), 0, 0));
    for (int64_t step = 0; step < c.steps; ++step) {
      AppendStep(c, bundle, row, step, launch);
    }
  }
  return launch;
}

}  // namespace zeroulp::record
