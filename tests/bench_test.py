#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmark's names, counters and errors, and the tool that compares.

usage: bench_test.py GEMM_BENCH COMPARE

Times are never looked at.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM, COMPARE = sys.argv[1:3]
CASE = "gemm/mxfp4xmxfp4/chain.f32/64x64x64"


def bench(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True,
                          text=True)


def report(rates):
    return {"benchmarks": [
        {"name": name, "run_type": "iteration", "flops": rate}
        for name, values in rates.items() for rate in values]}


class Bench(unittest.TestCase):
    def test_a_case_has_its_name_counters_and_context(self):
        listed = bench(f"--benchmark_filter=^{CASE}/.*/t1$",
                       "--benchmark_list_tests").stdout.split()
        self.assertTrue(listed)
        run = bench(f"--benchmark_filter=^{listed[0]}$", "--chips=b200",
                    "--benchmark_min_time=0.001", "--benchmark_format=json")
        self.assertEqual(run.returncode, 0, run.stderr)
        output = json.loads(run.stdout)
        entry = output["benchmarks"][0]
        self.assertEqual(entry["name"], listed[0])
        for counter in ("flops", "pct_peak", "bytes", "x_oracle",
                        "tflops/b200"):
            self.assertGreater(entry[counter], 0, counter)
        for key in ("cpu", "target", "threads", "git_hash", "inputs"):
            self.assertTrue(output["context"][key], key)

    def test_unknown_words_are_named_with_what_is_known(self):
        for flag, known in (("--inputs=gauss", "gaussian uniform codes"),
                            ("--chips=b2000", "b200"),
                            ("--shapes=/nowhere.txt", "/nowhere.txt")):
            run = bench(flag)
            self.assertEqual(run.returncode, 2, flag)
            self.assertIn(known, run.stderr)
            self.assertEqual(run.stdout, "")

    def test_a_filter_that_matches_nothing_fails(self):
        self.assertEqual(bench("--benchmark_filter=^nothing$").returncode, 1)


class Compare(unittest.TestCase):
    def compare(self, old, new, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder, name) for name in ("old", "new")]
            for path, content in zip(paths, (old, new)):
                path.write_text(content if isinstance(content, str)
                                else json.dumps(report(content)))
            return subprocess.run(
                [sys.executable, COMPARE, *map(str, paths), *arguments],
                capture_output=True, text=True)

    def test_medians_decide(self):
        old = {"a": [100, 100, 100], "b": [50, 51, 52]}
        steady = {"a": [10, 99, 101], "b": [51, 51, 51]}
        self.assertEqual(self.compare(old, steady).returncode, 0)
        slower = {"a": [100, 93, 94], "b": [51, 51, 51]}
        run = self.compare(old, slower)
        self.assertEqual(run.returncode, 1)
        self.assertIn("a  100 -> 94  -6.0 %  SLOWER", run.stdout)
        self.assertEqual(
            self.compare(old, slower, "--threshold", "7").returncode, 0)

    def test_bad_reports_are_refused(self):
        for old, new in (({"a": [1]}, {"b": [1]}), ("{", {"a": [1]}),
                         ("{}", {"a": [1]})):
            run = self.compare(old, new)
            self.assertEqual(run.returncode, 2)
            self.assertIn("compare.py:", run.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
