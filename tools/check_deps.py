#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which folder may include what: the rules as tables, and their check.

usage: check_deps.py [--graph] [ROOT]

Prints `file:line: rule` for every forbidden #include under ROOT (default: this
repository) and exits 1 if there is one. --graph prints the edges between
folders instead, with the number of includes.
"""
import collections
import pathlib
import re
import sys

# Folder -> folders it may include. kernels, emulation and profiles are
# siblings: the oracle must not inherit a kernel's bug, nor a projection know
# how it was measured.
FOLDERS = {
    "include": {"include"},
    "kernels": {"include", "kernels"},
    "emulation": {"include", "emulation"},
    "profiles": {"include", "profiles"},
    "bench": {"include", "kernels", "emulation", "profiles", "bench"},
    "tests": {"include", "kernels", "emulation", "profiles", "bench", "tools",
              "tests"},
    "tools": {"include", "tools"},
    "python": {"include", "python"},
    "examples": {"include", "examples"},
}

# Included path -> files that may include it, both as regular expressions
# matched at the start. All rows that match must agree.
PLACES = [
    (r"hwy/|immintrin\.h|x86intrin\.h|arm_neon\.h|arm_sve\.h",
     r"kernels/|tests/", "SIMD lives in kernels/"),
    (r"tbb/|oneapi/", r"kernels/parallel\.cc$|tests/threads_test\.cc$",
     "oneTBB lives in kernels/parallel.cc"),
    (r"fmt/", r"(?!include/zeroulp/[^/]*$)", "no fmt type in a public header"),
    (r"benchmark/", r"bench/", "Google Benchmark lives in bench/"),
    (r"gtest/|gmock/", r"tests/|include/zeroulp/testing\.h$",
     "GoogleTest lives in tests/ and in the header for users' tests"),
    (r"CLI/", r"tools/", "CLI11 lives in tools/"),
    (r"cuda|cublas", r"tools/record/cuda/", "CUDA lives in tools/record/cuda/"),
    (r"nlohmann/", r"tools/|bench/|tests/", "the library knows no JSON"),
    (r"zeroulp/internal/",
     r"include/zeroulp/internal/|kernels/|emulation/|profiles/|tests/",
     "internal headers are not installed: only the library includes them"),
    # The tables stand below the functions that read them.
    (r"zeroulp/(?!(error|view|formats|arithmetic(_table)?|chips)\.h$)",
     r"(?!include/zeroulp/(error|view|formats|arithmetic(_table)?|chips)\.h$)",
     "table headers include only each other"),
]

INCLUDE = re.compile(r'\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')


def includes(root):
    """Yields (file, line number, included path, is quoted) under `root`."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in {".h", ".cc", ".c", ".cu", ".cuh"}:
                continue
            text = path.read_text(encoding="utf-8").splitlines()
            for number, line in enumerate(text, 1):
                if match := INCLUDE.match(line):
                    yield (path.relative_to(root).as_posix(), number,
                           match[1] or match[2], match[2] is not None)


def folder_of(included):
    """The folder of ours a path begins with, or None for anything else."""
    first = included.partition("/")[0]
    first = "include" if first == "zeroulp" else first
    return first if first in FOLDERS else None


def broken_rules(file, included, quoted):
    source, target = file.partition("/")[0], folder_of(included)
    if target and target not in FOLDERS[source]:
        yield f"{source}/ may not include {target}/"
    if quoted and "/" not in included:
        yield "name our files by their path from the root"
    for what, where, rule in PLACES:
        if re.match(what, included) and not re.match(where, file):
            yield rule


def main(arguments):
    graph = "--graph" in arguments
    roots = [a for a in arguments if a != "--graph"]
    root = pathlib.Path(roots[0] if roots else __file__ + "/../..").resolve()
    edges, errors = collections.Counter(), 0
    for file, line, included, quoted in includes(root):
        if target := folder_of(included):
            edges[file.partition("/")[0], target] += 1
        for rule in broken_rules(file, included, quoted):
            print(f"{file}:{line}: {included}: {rule}")
            errors += 1
    if graph:
        for (source, target), count in sorted(edges.items()):
            print(f"{source} -> {target}  {count}")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
