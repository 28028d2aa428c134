#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recomputes every case that quantize_cases prints, in rational numbers.

usage: quantize_exact_test.py QUANTIZE_CASES

Shares nothing with the library, not even its tables: formats are the OCP, AMD
and AWS documents' parameters, elements are rounded by searching the list of all
values, and binary32 operations are one rounding of an exact fraction. Exits 1
and prints the first differences if a word differs.
"""
import bisect
import collections
import fractions
import functools
import math
import struct
import subprocess
import sys

Fraction = fractions.Fraction
INF, NAN = math.inf, math.nan
FLT_MAX = Fraction(2**128 - 2**104)

# name: exponent bits, mantissa bits, bias, largest value, code of NaN or None
ELEMENTS = {
    "e5m2": (5, 2, 15, 57344, 0x7E),
    "e4m3fn": (4, 3, 7, 448, 0x7F),
    "e4m3": (4, 3, 7, 240, 0x7C),
    "e4m3fnuz": (4, 3, 8, 240, 0x80),
    "e5m2fnuz": (5, 2, 16, 57344, 0x80),
    "e3m2fn": (3, 2, 3, 28, None),
    "e2m3fn": (2, 3, 1, Fraction(15, 2), None),
    "e2m1fn": (2, 1, 1, 6, None),
}
BITS = {"e3m2fn": 6, "e2m3fn": 6, "e2m1fn": 4}

# name: element, scale, block rows, block columns; None: all of the matrix's
BLOCKS = {
    "mxfp8_e4m3fn": ("e4m3fn", "e8m0", 1, 32),
    "mxfp8_e5m2": ("e5m2", "e8m0", 1, 32),
    "mxfp6_e3m2fn": ("e3m2fn", "e8m0", 1, 32),
    "mxfp6_e2m3fn": ("e2m3fn", "e8m0", 1, 32),
    "mxfp4": ("e2m1fn", "e8m0", 1, 32),
    "nvfp4": ("e2m1fn", "ue4m3", 1, 16),
    "nvfp4_16x16": ("e2m1fn", "ue4m3", 16, 16),
}
for _element in ("e4m3fn", "e5m2", "e4m3", "e4m3fnuz", "e5m2fnuz"):
    for _name, _rows, _cols in (("1x128", 1, 128), ("128x128", 128, 128),
                                ("tensor", None, None), ("row", 1, None),
                                ("col", None, 1)):
        BLOCKS[f"{_element}_{_name}"] = (_element, "f32", _rows, _cols)


def floor_log2(x):
    """Of a positive fraction."""
    e = x.numerator.bit_length() - x.denominator.bit_length()
    too_large = (x.numerator < x.denominator << e if e >= 0 else
                 x.numerator << -e < x.denominator)
    return e - too_large


def ceil_log2(x):
    e = floor_log2(x)
    return e if Fraction(2)**e == x else e + 1


def fl(x):
    """One rounding to binary32, to nearest even; x >= 0."""
    if x == 0:
        return x
    shift = 23 - max(floor_log2(x), -126)  # units in the last place: 2^-shift
    units, rest = divmod(x.numerator << max(shift, 0),
                         x.denominator << max(-shift, 0))
    divisor = x.denominator << max(-shift, 0)
    if (2 * rest, units % 2) > (divisor, 0):
        units += 1
    rounded = (Fraction(units, 1 << shift) if shift >= 0 else
               Fraction(units << -shift))
    return rounded if rounded <= FLT_MAX else INF


def div(x, y):
    """fl(x / y) of non-negative numbers, infinity and NaN included."""
    if x != x or y != y or (x == y and x in (0, INF)):
        return NAN
    if x == INF or y == 0:
        return INF
    return Fraction(0) if y == INF else fl(x / y)


def mul(x, y):
    if x != x or y != y or (INF in (x, y) and 0 in (x, y)):
        return NAN
    return INF if INF in (x, y) else fl(x * y)


def value_of(word):
    """Of a binary32: a fraction, +-INF or NAN."""
    number = struct.unpack("<f", struct.pack("<I", word))[0]
    return Fraction(number) if math.isfinite(number) else number


def word_of(x, negative=False):
    if x != x:
        return 0x7FC00000
    word = struct.unpack("<I", struct.pack("<f", abs(float(x))))[0]
    return word | (negative << 31)


class Element:
    """All values of a format, and rounding by search in them."""

    UNIT = 2**20  # every value and every midpoint is a multiple of 1/UNIT

    def __init__(self, name):
        exponent_bits, mantissa_bits, bias, largest, self.nan = ELEMENTS[name]
        self.mantissa_bits = mantissa_bits
        self.max = Fraction(largest)
        self.emax = floor_log2(self.max)
        self.sign = 1 << (BITS.get(name, 8) - 1)
        self.fnuz = name.endswith("fnuz")
        self.values = []
        for code in range(1 << (exponent_bits + mantissa_bits)):
            e, f = code >> mantissa_bits, code % (1 << mantissa_bits)
            significand = Fraction(f, 1 << mantissa_bits) + (e > 0)
            value = significand * Fraction(2)**(max(e, 1) - bias)
            if value <= self.max:
                self.values.append(value)
        self.units = [int(v * self.UNIT) for v in self.values]

    def encode(self, magnitude, negative):
        """Nearest even, saturating; NaN as +NaN."""
        if magnitude != magnitude:
            return len(self.values) - 1 if self.nan is None else self.nan
        if magnitude >= self.max:
            code = len(self.values) - 1
        else:
            scaled, rest = divmod(magnitude.numerator * self.UNIT,
                                  magnitude.denominator)
            code = bisect.bisect_right(self.units, scaled) - 1
            middle = self.units[code] + self.units[code + 1]
            if (2 * scaled, rest) > (middle, 0) or (
                    (2 * scaled, rest) == (middle, 0) and code % 2 == 1):
                code += 1
        if self.fnuz and code == 0:
            return 0
        return code | (self.sign if negative else 0)

    def decode(self, code):
        """(magnitude, is negative)"""
        magnitude = code & (self.sign - 1)
        if self.fnuz and code == self.sign:
            return NAN, False
        if magnitude >= len(self.values):
            infinite = self.nan in (0x7C, 0x7E) and magnitude == (
                self.nan & ~((1 << self.mantissa_bits) - 1))
            return (INF if infinite else NAN), code >= self.sign
        return self.values[magnitude], code >= self.sign


@functools.lru_cache(None)
def element(name):
    return Element(name)


UE4M3 = Element("e4m3fn")


def power_scale(rule, e, a, infinity):
    """Code, and the exact factor of elements."""
    if a == INF:
        code = 0xFE if infinity == "largest" else 0xFF
    elif a == 0:
        code = 0
    else:
        word = word_of(a)
        field = (word >> 23) - 127  # floor(log2 a), -127 if subnormal
        if rule == "floor":
            exponent = field - e.emax
        elif rule == "ceil":
            exponent = ceil_log2(a) - e.emax
        elif rule == "even":
            carried = word + (1 << (22 - e.mantissa_bits))
            exponent = (carried >> 23) - 127 - e.emax
        elif rule == "rceil":
            d = mul(a, div(Fraction(1), e.max))
            exponent = -127 if d == 0 else max(ceil_log2(d), -127)
        else:
            exponent = field - (e.emax - 1)
        code = min(max(exponent, -127), 127) + 127
    if code == 0xFF:
        return code, NAN
    return code, Fraction(2)**(127 - code)


def te_scale(encode, direct, fraction, a):
    s_code = UE4M3.encode(min(mul(a, mul(encode, fraction)), FLT_MAX), False)
    s = UE4M3.values[s_code]
    if s == 0:
        return s_code, Fraction(0)
    return s_code, min(div(Fraction(1), mul(s, direct)), FLT_MAX)


def torchao_scale(rule, direct, a):
    b = div(a, Fraction(6))
    if rule == "torchao-2":
        b = div(b, direct)
    if b != b:
        return 0x7F, NAN
    s_code = UE4M3.encode(min(max(b, Fraction(1, 64)), Fraction(448)), False)
    inverse = div(Fraction(1), direct)
    return s_code, min(div(inverse, UE4M3.values[s_code]), FLT_MAX)


def f32_scale(rule, e, a, infinity):
    """Word of the scale, and a function from magnitudes to quotients."""
    if a == INF:
        if infinity == "nan":
            return word_of(NAN), lambda v: NAN
        a = FLT_MAX
    scale = div(a, e.max)
    if rule == "pow2":
        exponent = -126 if scale == 0 else max(ceil_log2(scale), -126)
        scale = Fraction(2)**exponent
    else:
        scale = max(scale, Fraction(2)**-149)
    if a == 0:
        scale = Fraction(1)
    if rule == "reciprocal":
        factor = min(div(Fraction(1), scale), FLT_MAX)
        return word_of(scale), lambda v: mul(v, factor)
    return word_of(scale), lambda v: div(v, scale)


def tensor_level(rule, amax):
    if rule in ("te", "4over6"):
        encode = div(Fraction(2688 if rule == "te" else 1536), amax)
        encode = min(encode, FLT_MAX)
        if amax == 0 or encode == 0:
            encode = Fraction(1)
        return encode, div(Fraction(1), encode)
    if rule == "torchao-2":
        return None, div(amax, Fraction(2688)) or Fraction(1)
    return None, Fraction(1)


def squared_error(e, block, s_code, factor, direct):
    total = 0.0
    for value, negative in block:
        code = e.encode(mul(abs(value), factor), negative)
        magnitude, _ = e.decode(code)
        back = mul(fl(magnitude * UE4M3.values[s_code]), direct)
        # Python floats are binary64; fractions here are exact in it.
        error = float(abs(value)) - float(back)
        total += error * error
    return total


def quantize_block(case, e, scale, level, block):
    """The scale's code and a function (value, negative) -> code."""
    nan = any(v != v for v, _ in block)
    a = NAN if nan else max(abs(v) for v, _ in block)
    nan_code = e.encode(NAN, False)
    if nan:
        code = {"e8m0": 0xFF, "ue4m3": 0x7F, "f32": 0x7FC00000}[scale]
        return code, lambda v, negative: nan_code
    if scale == "f32":
        code, quotient = f32_scale(case.rule, e, a, case.infinity)
        return code, lambda v, negative: e.encode(quotient(abs(v)), negative)
    if scale == "e8m0":
        code, factor = power_scale(case.rule, e, a, case.infinity)

        def exact(v, negative):
            if factor != factor:
                return nan_code
            return e.encode(INF if abs(v) == INF else abs(v) * factor, negative)
        return code, exact
    if case.rule.startswith("torchao"):
        code, factor = torchao_scale(case.rule, level[1], a)
    else:
        sixth = div(Fraction(1), Fraction(6))
        code, factor = te_scale(*level, sixth, a)
        if case.rule == "4over6":
            four = te_scale(*level, Fraction(1, 4), a)
            if squared_error(e, block, *four, level[1]) < squared_error(
                    e, block, code, factor, level[1]):
                code, factor = four
    return code, lambda v, negative: e.encode(mul(abs(v), factor), negative)


Case = collections.namedtuple("Case", "format rule infinity rows cols")


def blocks_of(case, height, width):
    height, width = height or case.rows, width or case.cols
    for row in range(0, case.rows, height):
        for col in range(0, case.cols, width):
            yield [r * case.cols + c
                   for r in range(row, min(row + height, case.rows))
                   for c in range(col, min(col + width, case.cols))]


def scale_value(scale, code):
    if scale == "f32":
        return value_of(code)
    if scale == "ue4m3":
        return NAN if code == 0x7F else UE4M3.values[code]
    return NAN if code == 0xFF else Fraction(2)**(code - 127)


def recompute(case, x):
    name, scale, height, width = BLOCKS[case.format]
    e = element(name)
    source = [(value_of(word), word >> 31) for word in x]
    amax = max((abs(v) for v, _ in source if v == v), default=Fraction(0))
    level = tensor_level(case.rule, amax)
    codes, scales, values = [0] * len(x), [], [0] * len(x)
    for block in blocks_of(case, height, width):
        code, encode = quantize_block(case, e, scale, level,
                                      [source[i] for i in block])
        scales.append(code)
        s = scale_value(scale, code)
        for i in block:
            codes[i] = encode(*source[i])
            magnitude, negative = e.decode(codes[i])
            values[i] = word_of(mul(mul(magnitude, s), level[1]), negative)
    return {"codes": codes, "scales": scales, "values": values,
            "amax": [word_of(amax)], "tensor_scale": [word_of(level[1])]}


def read_cases(lines):
    case, fields = None, {}
    for line in lines:
        key, *words = line.split()
        if key == "case":
            if case:
                yield case, fields
            *names, rows, cols = words
            case, fields = Case(*names, int(rows), int(cols)), {}
        else:
            fields[key] = [int(word, 16) for word in words]
    if case:
        yield case, fields


def main(program):
    output = subprocess.run([program], stdout=subprocess.PIPE, check=True,
                            text=True).stdout
    counts, differences = collections.Counter(), 0
    for case, fields in read_cases(output.splitlines()):
        expected = recompute(case, fields["x"])
        for key, words in expected.items():
            counts[key] += len(words)
            for i, (want, got) in enumerate(zip(words, fields[key],
                                                strict=True)):
                if want == got:
                    continue
                differences += 1
                if differences <= 10:
                    print(f"{case.format} {case.rule} {case.infinity}: "
                          f"{key}[{i}] is {got:x}, expected {want:x}")
    print(f"{counts['codes']} elements in {counts['scales']} blocks, "
          f"{differences} differences")
    return 1 if differences or not counts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
