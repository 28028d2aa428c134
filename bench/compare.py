#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares two benchmark reports, median by median.

usage: compare.py OLD.json NEW.json [--threshold PERCENT] [--counter NAME]

Prints a line for every benchmark that both reports have, and exits 1 if the
rate of any fell by more than PERCENT (default 5), 2 if a report cannot be used
or the two have nothing in common. The rate is a counter of the benchmark:
`flops` or `elements`, whichever it has, unless NAME says another.
"""
import argparse
import json
import statistics
import sys

RATES = ("flops", "elements")


def medians(path, counter):
    """Benchmark name -> median rate over its repetitions."""
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    rates = {}
    for run in report["benchmarks"]:
        if run.get("run_type") != "iteration":
            continue  # Google Benchmark's own aggregates
        if run.get("error_occurred"):
            raise ValueError(f"{run['name']}: {run['error_message']}")
        names = [counter] if counter else RATES
        found = [run[name] for name in names if name in run]
        if found:
            rates.setdefault(run["name"], []).append(found[0])
    return {name: statistics.median(all_) for name, all_ in rates.items()}


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--threshold", type=float, default=5.0,
                        metavar="PERCENT")
    parser.add_argument("--counter", metavar="NAME")
    options = parser.parse_args(arguments)
    try:
        old = medians(options.old, options.counter)
        new = medians(options.new, options.counter)
    except (OSError, ValueError, KeyError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    common = [name for name in old if name in new]
    if not common:
        print(f"compare.py: {options.old} and {options.new} have no benchmark "
              "in common", file=sys.stderr)
        return 2
    slower = 0
    for name in common:
        change = 100 * (new[name] / old[name] - 1)
        is_slower = change < -options.threshold
        slower += is_slower
        print(f"{name}  {old[name]:.4g} -> {new[name]:.4g}  {change:+.1f} %"
              f"{'  SLOWER' if is_slower else ''}")
    print(f"{len(common)} benchmarks, {slower} slower by more than "
          f"{options.threshold:g} %")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
