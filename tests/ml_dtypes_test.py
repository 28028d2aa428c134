#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Encode and Decode against ml_dtypes, an independent implementation.

usage: ml_dtypes_test.py CONVERT_STREAM VENV

Every format of the "ml_dtypes" convention: all f16 and bf16 values, f32 around
every rounding boundary, specials and random words; all codes back, of e8m0fnu
too. Prints the ratio of speeds. ml_dtypes is installed into VENV, once;
exits with 77, "skipped", where it cannot be had.
"""
import pathlib
import subprocess
import sys
import time

PACKAGES = ["numpy==2.2.6", "ml_dtypes==0.5.4"]
SKIPPED = 77


def ensure_packages(venv):
    """The venv's interpreter with the packages, or None."""
    python = venv / "bin" / "python"
    stamp = venv / ("-".join(PACKAGES) + ".installed")
    if stamp.exists():
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", venv], check=True,
                       timeout=300)
        subprocess.run([python, "-m", "pip", "-q",
                        "--disable-pip-version-check", "install", "--timeout",
                        "15", "--retries", "1", "--only-binary", ":all:",
                        *PACKAGES], check=True, timeout=600)
    except (subprocess.SubprocessError, OSError) as error:
        print(f"skipped: {' '.join(PACKAGES)} cannot be installed: {error}")
        return None
    stamp.touch()
    return python


def compare(convert_stream):
    import ml_dtypes
    import numpy as np

    formats = {
        "e5m2": ml_dtypes.float8_e5m2,
        "e4m3fn": ml_dtypes.float8_e4m3fn,
        "e4m3": ml_dtypes.float8_e4m3,
        "e3m4": ml_dtypes.float8_e3m4,
        "e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
        "e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
        "e4m3b11fnuz": ml_dtypes.float8_e4m3b11fnuz,
        "e3m2fn": ml_dtypes.float6_e3m2fn,
        "e2m3fn": ml_dtypes.float6_e2m3fn,
        "e2m1fn": ml_dtypes.float4_e2m1fn,
        "e8m0fnu": ml_dtypes.float8_e8m0fnu,
        "bf16": ml_dtypes.bfloat16,
        "f16": np.float16,
    }
    bits = {"e3m2fn": 6, "e2m3fn": 6, "e2m1fn": 4, "bf16": 16, "f16": 16}
    sources = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16}

    def run(arguments, data):
        done = subprocess.run([convert_stream, *arguments], input=data,
                              capture_output=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{arguments}: {done.stderr.decode()}")
        return done.stdout, float(done.stderr)

    def unpack(name, data):
        """Codes as ml_dtypes has them: 4-bit codes in a byte each."""
        codes = np.frombuffer(data, np.uint16 if bits.get(name) == 16
                              else np.uint8)
        if name != "e2m1fn":
            return codes
        return np.stack([codes & 15, codes >> 4], 1).reshape(-1)

    def all_values(name):
        width = bits.get(name, 8)
        codes = np.arange(1 << width, dtype=np.uint16 if width == 16
                          else np.uint8)
        with np.errstate(all="ignore"):
            return codes, codes.view(formats[name]).astype(np.float32)

    def boundaries(name):
        """Both neighbours of every value and middle, specials, random words."""
        values = all_values(name)[1]
        values = np.unique(np.abs(values[np.isfinite(values)]))
        values = values.astype(np.float64)
        points = np.concatenate([values, (values[:-1] + values[1:]) / 2,
                                 values[-1:] * [1.0625, 1.125, 1.25, 1.5, 2]])
        with np.errstate(over="ignore"):
            points = points.astype(np.float32)
        words = points.view(np.uint32)
        words = np.concatenate([words, words + 1, np.maximum(words, 1) - 1])
        specials = np.array([0, 1, 0x007FFFFF, 0x00800000, 0x00400000,
                             0x00400001, 0x7F7FFFFF, 0x7F800000, 0x7F800001,
                             0x7FC00000, 0x7FFFFFFF], np.uint32)
        words = np.concatenate([words, specials])
        words = np.concatenate([words, words | np.uint32(0x80000000)])
        random = np.random.default_rng(1).integers(0, 1 << 32, 1 << 20,
                                                   np.uint32)
        words = np.concatenate([words, random])
        return words[:len(words) // 2 * 2].view(np.float32)

    failures = compared = 0
    for name, target in formats.items():
        for source, dtype in sources.items():
            # The convention leaves e8m0fnu out, see kConventions.
            if source == name or name == "e8m0fnu":
                continue
            values = (boundaries(name) if source == "f32" else
                      np.arange(1 << 16, dtype=np.uint16).view(dtype))
            with np.errstate(all="ignore"):
                expected = values.astype(target)
            expected = expected.view(np.uint16 if bits.get(name) == 16
                                     else np.uint8)
            actual = unpack(name, run(["encode", "ml_dtypes", source, name],
                                      values.tobytes())[0])
            # NaN to f16 and bf16 is NumPy's and keeps payload bits.
            with np.errstate(all="ignore"):
                same = ((expected == actual) |
                        (np.isnan(values.astype(np.float32)) &
                         (bits.get(name) == 16)))
            compared += len(values)
            for i in np.flatnonzero(~same)[:5]:
                print(f"{source} to {name}: {values[i]} = 0x"
                      f"{values[i:i + 1].tobytes()[::-1].hex()} gives "
                      f"0x{actual[i]:x}, ml_dtypes 0x{expected[i]:x}")
            failures += np.count_nonzero(~same)
        codes, expected = all_values(name)
        data = codes.tobytes()
        if name == "e2m1fn":
            data = (codes[::2] | codes[1::2] << 4).tobytes()
        actual = np.frombuffer(run(["decode", name], data)[0], np.float32)
        same = ((expected.view(np.uint32) == actual.view(np.uint32)) |
                (np.isnan(expected) & np.isnan(actual)))
        compared += len(codes)
        for i in np.flatnonzero(~same)[:5]:
            print(f"{name} 0x{codes[i]:x} is {actual[i]}, ml_dtypes "
                  f"{expected[i]}")
        failures += np.count_nonzero(~same)
    print(f"{compared} values  {failures} mismatches")

    values = np.random.default_rng(2).standard_normal(1 << 24, np.float32)
    for name in ["e4m3fn", "e5m2", "e2m1fn"]:
        def best(function):
            times = []
            for _ in range(3):
                start = time.perf_counter()
                function()
                times.append(time.perf_counter() - start)
            return min(times)
        theirs = best(lambda: values.astype(formats[name]))
        codes, ours = run(["encode", "ml_dtypes", "f32", name],
                          values.tobytes())
        their_codes = values.astype(formats[name])
        theirs_back = best(lambda: their_codes.astype(np.float32))
        ours_back = run(["decode", name], codes)[1]
        print(f"{name}: encode {len(values) / ours / 1e9:.2f} G elements/s, "
              f"{theirs / ours:.0f} times ml_dtypes; decode "
              f"{len(values) / ours_back / 1e9:.2f} G elements/s, "
              f"{theirs_back / ours_back:.0f} times")
    return 1 if failures else 0


def main(arguments):
    convert_stream, venv = arguments[:2]
    if arguments[2:] == ["--compare"]:
        return compare(convert_stream)
    python = ensure_packages(pathlib.Path(venv))
    if python is None:
        return SKIPPED
    return subprocess.run([python, __file__, convert_stream, venv,
                           "--compare"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
