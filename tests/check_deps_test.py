# SPDX-License-Identifier: Apache-2.0
"""Mirrors tools/check_deps.py: plants includes and sees which are caught."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).parents[1] / "tools" / "check_deps.py"

FORBIDDEN = [
    ("emulation/gemm.cc", '"kernels/pack.h"'),
    ("kernels/gemm.cc", '"emulation/fused_dot.h"'),
    ("kernels/gemm.cc", '"profiles/roofline.h"'),
    ("profiles/project.cc", '"kernels/gemm.h"'),
    ("tools/zeroulp.cc", '"kernels/gemm.h"'),
    ("tools/io/bundle.cc", '"emulation/fused_dot.h"'),
    ("examples/quickstart.cc", '"tools/io/bundle.h"'),
    ("python/c_api.cc", '"kernels/gemm.h"'),
    ("include/zeroulp/gemm.h", '"kernels/gemm.h"'),
    ("include/zeroulp/gemm.h", "<fmt/format.h>"),
    ("include/zeroulp/gemm.h", '"zeroulp/internal/fail.h"'),
    ("include/zeroulp/formats.h", '"zeroulp/gemm.h"'),
    ("tools/zeroulp.cc", '"zeroulp/internal/fail.h"'),
    ("emulation/gemm.cc", '"hwy/highway.h"'),
    ("profiles/project.cc", "<immintrin.h>"),
    ("kernels/gemm.cc", "<tbb/parallel_for.h>"),
    ("emulation/gemm.cc", "<oneapi/tbb.h>"),
    ("kernels/gemm.cc", "<nlohmann/json.hpp>"),
    ("kernels/gemm.cc", '"pack.h"'),
    ("tools/zeroulp.cc", "<gtest/gtest.h>"),
]

ALLOWED = [
    ("include/zeroulp/gemm.h", '"zeroulp/packed.h"'),
    ("include/zeroulp/gemm.h", "<vector>"),
    ("include/zeroulp/arithmetic.h", '"zeroulp/formats.h"'),
    ("include/zeroulp/internal/fail.h", "<fmt/format.h>"),
    ("kernels/gemm.cc", '"hwy/highway.h"'),
    ("kernels/gemm.cc", '"zeroulp/internal/fail.h"'),
    ("kernels/parallel.cc", "<oneapi/tbb/parallel_for.h>"),
    ("emulation/gemm.cc", '"emulation/fused_dot.h"'),
    ("tools/verify.cc", '"tools/io/bundle.h"'),
    ("tests/gemm_test.cc", '"kernels/pack.h"'),
    ("tests/gemm_test.cc", '"hwy/tests/test_util.h"'),
    ("examples/quickstart.cc", '"zeroulp/zeroulp.h"'),
]


def check(file, included, *arguments):
    """Runs the check over a tree of one file, the include on its line 2."""
    with tempfile.TemporaryDirectory() as root:
        path = pathlib.Path(root, file)
        path.parent.mkdir(parents=True)
        path.write_text(f"// A file.\n#include {included}\n")
        return subprocess.run([sys.executable, CHECK, *arguments, root],
                              capture_output=True, text=True)


class CheckDepsTest(unittest.TestCase):
    def test_forbidden_includes_are_named_with_file_and_line(self):
        for file, included in FORBIDDEN:
            with self.subTest(file=file, included=included):
                result = check(file, included)
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertTrue(result.stdout.startswith(f"{file}:2: "))

    def test_allowed_includes_pass_in_silence(self):
        for file, included in ALLOWED:
            with self.subTest(file=file, included=included):
                result = check(file, included)
                self.assertEqual(result.stdout + result.stderr, "")
                self.assertEqual(result.returncode, 0)

    def test_graph_shows_the_edges(self):
        result = check("kernels/gemm.cc", '"zeroulp/gemm.h"', "--graph")
        self.assertEqual(result.stdout, "kernels -> include  1\n")


if __name__ == "__main__":
    unittest.main()
