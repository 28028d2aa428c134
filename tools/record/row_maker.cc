// SPDX-License-Identifier: Apache-2.0
#include "tools/record/row_maker.h"

#include <algorithm>
#include <cmath>

#include "zeroulp/codec.h"

namespace zeroulp::record {

RowMaker::RowMaker(const Case& c, uint64_t seed)
    : case_(c),
      arith_(FindArith(c.form->arith)),
      a_(zeroulp::Info(c.a)),
      b_(zeroulp::Info(c.b)),
      out_(zeroulp::Info(c.form->out)),
      scale_(zeroulp::Info(c.form->scale)),
      random_(seed, c.name) {}

Row RowMaker::Make(RowKind kind, int64_t ordinal, int64_t count) {
  Row row = Blank();
  switch (kind) {
    case RowKind::kCount:
      Count(row);
      break;
    case RowKind::kOneHot:
      OneHot(row, ordinal, count);
      break;
    case RowKind::kWide:
      Wide(row);
      break;
    case RowKind::kNear:
      Near(row);
      break;
    case RowKind::kCarried:
      Carried(row);
      break;
    case RowKind::kCancel:
      Cancel(row);
      break;
    case RowKind::kEdge:
      Edge(row);
      break;
    case RowKind::kSubnormal:
      Subnormal(row);
      break;
    case RowKind::kTiny:
      Tiny(row);
      break;
    case RowKind::kZeroHuge:
      ZeroHuge(row);
      break;
    case RowKind::kOverflow:
      Overflow(row);
      break;
    case RowKind::kSpecial:
    case RowKind::kDeciding:
      Special(row);
      break;
  }
  return row;
}

// Zeros, scales of one, and for sparse rows any legal positions.
Row RowMaker::Blank() {
  const Form& form = *case_.form;
  Row row;
  row.a.resize(static_cast<size_t>(case_.stored_k()));
  row.b.resize(static_cast<size_t>(case_.k()));
  if (form.block != 0) {
    const auto blocks = static_cast<size_t>(case_.stored_k() / form.block);
    row.a_scales.assign(blocks, PowerOfTwo(scale_, 0));
    row.b_scales = row.a_scales;
  }
  if (!form.is_sparse()) return row;
  const auto [keep, group] = form.sparsity;
  for (int64_t i = 0; i < case_.stored_k(); i += keep) {
    int position = 0;
    for (int64_t j = 0; j < keep; ++j) {
      position = random_.Between(position, static_cast<int>(group - keep + j));
      row.index.push_back(static_cast<uint8_t>(position++));
    }
  }
  return row;
}

size_t RowMaker::PositionOf(const Row& row, size_t stored) const {
  if (row.index.empty()) return stored;
  const auto [keep, group] = case_.form->sparsity;
  return stored / static_cast<size_t>(keep) * static_cast<size_t>(group) +
         row.index[stored];
}

uint32_t RowMaker::Integer(const FormatInfo& f, int value) const {
  return Encode(f, static_cast<float>(value), Rounding::kNearestEven,
                Overflow::kSaturate);
}

void RowMaker::SetScales(Row& row, int low, int high) {
  for (auto* scales : {&row.a_scales, &row.b_scales}) {
    for (uint32_t& code : *scales) {
      code = random_.WithExponent(scale_, low, high);
    }
  }
}

void RowMaker::Fill(Row& row, int low, int high) {
  for (uint32_t& code : row.a) code = random_.WithExponent(a_, low, high);
  for (uint32_t& code : row.b) code = random_.WithExponent(b_, low, high);
  row.c = random_.WithExponent(out_, 2 * low, 2 * high + 2);
  SetScales(row, -1, 1);
}

void RowMaker::Count(Row& row) {
  for (uint32_t& code : row.a) code = Integer(a_, random_.Between(-1, 1));
  constexpr int kFactors[] = {1, -1, 2};
  for (uint32_t& code : row.b) code = Integer(b_, kFactors[random_.Below(3)]);
  row.c = Integer(out_, random_.Between(-8, 8));
  for (auto* scales : {&row.a_scales, &row.b_scales}) {
    for (uint32_t& code : *scales) {
      code = PowerOfTwo(scale_, random_.Between(-1, 1));
    }
  }
}

// Neighbours of B differ, and so do the scales of the blocks of a step, so that
// the one product tells its position.
void RowMaker::OneHot(Row& row, int64_t ordinal, int64_t count) {
  const auto k = static_cast<int64_t>(row.a.size());
  const int64_t spread = count < k ? ordinal * k / count : ordinal;
  const auto hot = static_cast<size_t>((spread + ordinal / k) % k);
  row.a[hot] = Integer(a_, ordinal % 2 == 0 ? 1 : -1);
  const bool wide = b_.bits > 8;
  for (size_t i = 0; i < row.b.size(); ++i) {
    const auto at = static_cast<uint32_t>(i);
    row.b[i] = wide ? PowerOfTwo(b_, 0) + 7 * at
                    : 1 + (5 * at + at / b_.max_code()) % b_.max_code();
  }
  for (size_t i = 0; i < row.a_scales.size(); ++i) {
    const int exponent = static_cast<int>(i % 4);
    row.a_scales[i] = PowerOfTwo(scale_, exponent - 2);
    row.b_scales[i] = PowerOfTwo(scale_, 2 * exponent);
  }
}

// Any finite code; of formats with eight exponent bits those whose products are
// numbers.
uint32_t RowMaker::WideCode(const FormatInfo& f) {
  return f.exponent_bits == 8 ? random_.WithExponent(f, -40, 40)
                              : random_.Finite(f);
}

void RowMaker::Wide(Row& row) {
  for (uint32_t& code : row.a) code = WideCode(a_);
  for (uint32_t& code : row.b) code = WideCode(b_);
  row.c = WideCode(out_);
  SetScales(row, -6, 6);
}

void RowMaker::Near(Row& row) { Fill(row, -1, 1); }

// Up to 40 binades above the products: past 35, the widest window known.
void RowMaker::Carried(Row& row) {
  Fill(row, -2, 1);
  const int exponent = random_.Between(2, 40);
  row.c = random_.WithExponent(out_, exponent, exponent);
}

// Neighbouring products cancel but for the last pair.
void RowMaker::Cancel(Row& row) {
  Fill(row, -2, 2);
  SetScales(row, 0, 0);
  for (size_t i = 0; i + 1 < row.a.size(); i += 2) {
    if (i + 2 >= row.a.size()) break;
    row.a[i + 1] = row.a[i];
    row.b[PositionOf(row, i + 1)] = row.b[PositionOf(row, i)] ^ b_.sign_mask();
  }
  row.c = random_.OneIn(4) ? 0 : random_.WithExponent(out_, -12, 0);
}

void RowMaker::SetProduct(Row& row, size_t stored, int exponent) {
  if (a_.bits == 4 && !row.a_scales.empty()) {
    const size_t block = stored / static_cast<size_t>(case_.form->block);
    const auto scale = [&](int part) {
      return std::clamp(part, scale_.min_exponent(), MaxExponent(scale_) - 1);
    };
    const int first = scale(exponent / 2), second = scale(exponent - first);
    row.a_scales[block] = PowerOfTwo(scale_, first);
    row.b_scales[block] = PowerOfTwo(scale_, second);
    exponent -= first + second;
  }
  // Subnormal operands too: the least products need them.
  const auto code = [&](const FormatInfo& f, int part) {
    const int e = std::clamp(part, f.min_ulp_exponent(), MaxExponent(f));
    return Encode(f, std::ldexp(1.0f, e), Rounding::kNearestEven,
                  Overflow::kSaturate);
  };
  const int part =
      std::clamp(exponent / 2, a_.min_ulp_exponent(), MaxExponent(a_));
  row.a[stored] = code(a_, part) | random_.Sign(a_);
  row.b[PositionOf(row, stored)] = code(b_, exponent - part);
}

// A base, half a unit of the result, and an addend about where the grid ends.
void RowMaker::Edge(Row& row) {
  const int unit = out_.mantissa_bits;
  const bool low = random_.OneIn(3);
  const bool on_c = !low && random_.OneIn(2);
  const int least = out_.min_exponent() - unit;
  const int base = low    ? random_.Between(least, least + 8)
                   : on_c ? random_.Between(-2, unit)
                          : random_.Between(-2, 3);
  const int floor = low ? arith_.exponent_floor.value_or(base) : base;
  // Of a last chained step, if there are several: one rounding to watch.
  const auto step = static_cast<size_t>(case_.form->stored_k());
  size_t at = row.a.size() - step;
  const size_t stride = step / 4;
  // One pair of scales for all: they take what the operands cannot reach.
  const bool scaled = low && !row.a_scales.empty() && a_.bits > 4;
  const int shift = scaled ? base - 6 : 0;
  if (scaled) {
    for (uint32_t& code : row.a_scales) code = PowerOfTwo(scale_, shift / 2);
    for (uint32_t& code : row.b_scales) {
      code = PowerOfTwo(scale_, shift - shift / 2);
    }
  }
  if (on_c) {
    row.c = random_.WithExponent(out_, base, base);
  } else {
    SetProduct(row, at, base - shift);
    at += stride;
  }
  if (random_.OneIn(2) || out_.id == Format::kF16) {
    SetProduct(row, at, std::max(base, out_.min_exponent()) - unit - 1 - shift);
    at += stride;
  }
  SetProduct(row, at,
             std::max(base, floor) - arith_.align_bits - shift +
                 random_.Between(-2, 2));
}

void RowMaker::Subnormal(Row& row) {
  const int low = a_.min_exponent() + b_.min_exponent();
  for (uint32_t& code : row.a) {
    code = random_.OneIn(2) ? random_.Subnormal(a_)
                            : random_.WithExponent(a_, a_.min_exponent(),
                                                   a_.min_exponent() + 3);
  }
  for (uint32_t& code : row.b) {
    // A wide format's product would vanish: its partner is large.
    code = b_.exponent_bits == 8 ? random_.WithExponent(b_, -2, 40)
           : random_.OneIn(4)    ? random_.Subnormal(b_)
                                 : WideCode(b_);
  }
  row.c = random_.OneIn(3) ? random_.Subnormal(out_)
                           : random_.WithExponent(out_, low - 2, low + 12);
  SetScales(row, -2, 2);
}

// Below the least exponent of the output less its fraction nothing shows.
void RowMaker::FillTiny(Row& row, int spread) {
  const int least = a_.min_exponent() + b_.min_exponent();
  const int target = out_.min_exponent() - out_.mantissa_bits;
  const bool scaled = !row.a_scales.empty();
  const int t = scaled ? target : std::max(least, target);
  // Shares of the exponent: of the two scales first, then of the operands.
  const int scale_share = scaled ? std::max((t - least) / 2, -120) : 0;
  const int left = t - 2 * scale_share;
  const int a_low = std::max(a_.min_exponent(), left / 2);
  const int b_low = std::max(b_.min_exponent(), left - a_low);
  for (uint32_t& code : row.a) {
    code = random_.WithExponent(a_, a_low, a_low + random_.Below(spread));
  }
  for (uint32_t& code : row.b) {
    code = random_.WithExponent(b_, b_low, b_low + random_.Below(spread));
  }
  SetScales(row, scale_share, scale_share + 1);
}

void RowMaker::Tiny(Row& row) {
  FillTiny(row, 4);
  const int low = out_.min_exponent();
  row.c = random_.OneIn(2)   ? 0
          : random_.OneIn(2) ? random_.Subnormal(out_)
                             : random_.WithExponent(out_, low, low + 20);
}

// With scales: a whole block of zeros, its scales the largest.
void RowMaker::ZeroHuge(Row& row) {
  FillTiny(row, random_.Between(4, 12));
  const int max = MaxExponent(b_);
  if (row.a_scales.empty()) {
    const auto at =
        static_cast<size_t>(random_.Below(static_cast<int>(row.a.size())));
    row.a[at] = random_.Sign(a_);
    row.b[PositionOf(row, at)] = random_.WithExponent(b_, max - 1, max);
  } else {
    const auto block = static_cast<size_t>(case_.form->block);
    const auto at = static_cast<size_t>(
        random_.Below(static_cast<int>(row.a_scales.size())));
    std::fill_n(row.a.begin() + static_cast<std::ptrdiff_t>(at * block), block,
                0u);
    const int high = std::min(MaxExponent(scale_), 60);
    row.a_scales[at] = row.b_scales[at] = PowerOfTwo(scale_, high);
  }
  row.c = random_.OneIn(2) ? 0 : random_.Subnormal(out_);
}

void RowMaker::Overflow(Row& row) {
  const auto largest = [&](const FormatInfo& f) {
    const uint32_t code =
        random_.WithExponent(f, MaxExponent(f) - 1, MaxExponent(f));
    return random_.OneIn(8) ? code : code & f.magnitude_mask();
  };
  for (uint32_t& code : row.a) code = largest(a_);
  for (uint32_t& code : row.b) code = largest(b_);
  row.c = largest(out_);
  SetScales(row, MaxExponent(scale_) - 2, MaxExponent(scale_) - 1);
}

// One to three of them; or, in sparse rows, only where A has no element.
void RowMaker::Special(Row& row) {
  Wide(row);
  if (!row.index.empty() && random_.OneIn(2)) {
    std::vector<bool> used(row.b.size());
    for (size_t i = 0; i < row.a.size(); ++i) used[PositionOf(row, i)] = true;
    for (size_t i = 0; i < row.b.size(); ++i) {
      if (!used[i]) row.b[i] = random_.Special(b_);
    }
    return;
  }
  const auto any = [&](std::vector<uint32_t>& codes) -> uint32_t& {
    return codes[static_cast<size_t>(
        random_.Below(static_cast<int>(codes.size())))];
  };
  for (int i = random_.Between(1, 3); i > 0; --i) {
    if (random_.OneIn(2)) {
      any(row.a) = random_.Special(a_);
    } else {
      any(row.b) = random_.Special(b_);
    }
  }
  if (random_.OneIn(3)) row.c = random_.Special(out_);
  if (random_.OneIn(3)) any(row.a) = 0;  // zero times infinity, by chance
  if (!row.a_scales.empty() && random_.OneIn(3)) {
    any(row.a_scales) = scale_.nan_code();
  }
}

}  // namespace zeroulp::record
