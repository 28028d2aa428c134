#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the benchmarks of RESULTS.md and prints that page.

usage: results.py GEMM_BENCH [--repetitions N] [--only WORD]

Every figure is the median of N repetitions (default 5). The page names the
machine, the compiler's commit and the peaks that the shares are of. --only
runs the sections whose title contains WORD.
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile

TARGETS = r"[A-Z0-9_]+"


def best(arithmetic, shapes, threads="t[0-9]+"):
    """Filter for cases on the best target, {target} filled in later."""
    return f"^gemm/{arithmetic}/({shapes})/{{target}}/{threads}$"


CUBES = "1024x1024x1024|2048x2048x2048"
DENSE = ("(e4m3fnxe4m3fn|e5m2xe4m3fn|e4m3fnxe2m1fn|bf16xbf16|bf16xe4m3fn|"
         "mxfp8_e4m3fnxmxfp8_e4m3fn|mxfp8_e4m3fnxmxfp4|mxfp4xmxfp4|nvfp4xnvfp4|"
         "e4m3fn_1x128xe4m3fn_128x128)/chain.f32")
HARDWARE = ("(e4m3fnxe4m3fn|e4m3fnuzxe4m3fnuz|e4m3xe4m3|f16xf16|bf16xbf16|"
            "tf32xtf32|mxfp8_e4m3fnxmxfp8_e4m3fn|mxfp4xmxfp4|nvfp4xnvfp4)/"
            "(volta|turing|ampere|ada|hopper|blackwell|sm120|cdna|trainium|tpu|"
            "x86)[^/]*")

# Title, filter, [(column, counter, unit, digits)], flags if any.
RATE = ("GFLOP/s", "flops", 1e9, 1)
SHARE = ("% of peak", "pct_peak", 1, 1)
SECTIONS = [
    ("Dense, `chain.f32`", best(DENSE, CUBES), [RATE, SHARE]),
    ("Exact sums, `exact.f32`", best("e4m3fnxe4m3fn/exact.f32", CUBES, "t1"),
     [RATE, SHARE]),
    ("Skinny, `chain.f32`",
     best("(e4m3fnxe4m3fn|mxfp4xmxfp4)/chain.f32",
          "1x4096x4096|4x4096x4096|16x4096x4096|1x32768x4096"),
     [RATE, SHARE, ("GB/s", "bytes", 1e9, 1),
      ("% of read bandwidth", "pct_read", 1, 1)]),
    ("The accelerators' arithmetic", best(HARDWARE, "1024x1024x1024", "t1"),
     [RATE, SHARE, ("times the oracle", "x_oracle", 1, 0)]),
    ("Structured sparsity, `chain.f32`, dense-equivalent",
     "^sparse/(4:16|2:4)/(e4m3fnxe4m3fn|bf16xbf16|e2m1fnxe2m1fn|mxfp4xmxfp4|"
     "nvfp4xnvfp4)/chain.f32/(1024x1024x1024/{target}/t[0-9]+|"
     "2048x2048x2048/{target}/t1)$",
     [RATE, SHARE]),
    ("MXFP4 of scales that are far apart, `--inputs=codes`",
     f"^(gemm|sparse/(4:16|2:4))/mxfp4xmxfp4/chain.f32/({CUBES})/{{target}}/t1$",
     [RATE, SHARE], ["--inputs=codes"]),
    ("Other SIMD targets",
     f"^gemm/e4m3fnxe4m3fn/chain.f32/1024x1024x1024/{TARGETS}/t1$",
     [RATE, SHARE]),
    ("Conversions",
     "^(encode/(e4m3fn|e5m2|e2m1fn)/rne|decode/(e4m3fn|e5m2|e2m1fn))/[0-9]+$",
     [("G elements/s", "elements", 1e9, 2),
      ("% of memcpy", "pct_memcpy", 1, 1)]),
    ("Quantisation",
     "^quantize/(mxfp8_e4m3fn/floor|mxfp4/floor|nvfp4/te)/",
     [("G elements/s", "elements", 1e9, 2),
      ("% of memcpy", "pct_memcpy", 1, 1)]),
    ("Other libraries",
     "^peer/.*/(256x256x256|512x512x512|1024x1024x1024|2048x2048x2048)/t1$|"
     "^gemm/e4m3fnxe4m3fn/chain.f32/(256x256x256|512x512x512|1024x1024x1024|"
     "2048x2048x2048)/{target}/t1$", [RATE, SHARE]),
]


def run(program, pattern, repetitions, flags=()):
    """The report of one run, or None where nothing matches."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        listed = subprocess.run(
            [program, f"--benchmark_filter={pattern}",
             "--benchmark_list_tests"], capture_output=True, text=True)
        if not listed.stdout.strip():
            return None
        subprocess.run(
            [program, f"--benchmark_filter={pattern}", *flags,
             f"--benchmark_repetitions={repetitions}",
             "--benchmark_min_time=0.1", f"--benchmark_out={out.name}"],
            check=True, stdout=sys.stderr)
        return json.load(out)


def table(report, columns):
    """Lines of a Markdown table, one for each benchmark."""
    runs = {}
    for entry in report["benchmarks"]:
        if entry.get("run_type") != "iteration":
            continue
        if entry.get("error_occurred"):
            raise RuntimeError(f"{entry['name']}: {entry['error_message']}")
        runs.setdefault(entry["name"], []).append(entry)
    yield "| benchmark | " + " | ".join(c[0] for c in columns) + " |"
    yield "|---|" + "---:|" * len(columns)
    for name, entries in runs.items():
        cells = [f"{statistics.median(e[c] for e in entries) / unit:.{digits}f}"
                 for _, c, unit, digits in columns]
        yield f"| `{name}` | " + " | ".join(cells) + " |"


def machine(context):
    """Lines that say where the figures come from."""
    yield (f"{context['cpu']}, {context['threads']} threads, best SIMD target "
           f"{context['target']}, commit {context['git_hash']}, inputs "
           f"{context['inputs']}. Peaks of one core:")
    yield ""
    yield "| peak | |"
    yield "|---|---:|"
    prefix = f"peak/{context['target']}/"
    for key, value in context.items():
        if key.startswith(prefix):
            yield (f"| {key[len(prefix):].rpartition('_')[0]} | "
                   f"{float(value) / 1e9:.1f} G/s |")
    for key, value in context.items():
        if key.startswith("peak/read/") and key.endswith("bytes_per_s"):
            level = key.split("/")[2].partition("_")[0]
            yield f"| read {level} | {float(value) / 1e9:.1f} GB/s |"


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", metavar="GEMM_BENCH")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N")
    parser.add_argument("--only", default="", metavar="WORD")
    options = parser.parse_args(arguments)
    context = run(options.program, "^decode/e4m3fn/4096$", 1)["context"]
    print("# Results\n\nWritten by `./run results`; what names and columns "
          "mean: [README.md](README.md).\n")
    print("\n".join(machine(context)))
    for title, pattern, columns, *flags in SECTIONS:
        if options.only.lower() not in title.lower():
            continue
        report = run(options.program,
                     pattern.replace("{target}", context["target"]),
                     options.repetitions, *flags)
        if report is None:
            continue
        print(f"\n## {title}\n")
        print("\n".join(table(report, columns)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
