#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fits the constants of profiles/model.cc to published GEMM times.

usage: calibrate.py FACTS [--out FOLDER]

FACTS holds measured.csv and chips.json. Writes calibration_table.cc and
calibration_without.cc into FOLDER (default: profiles/ of this repository) and
prints how far the fit is off on the rows that it has not seen. Needs numpy.

What is fitted, always in logarithms, against log(predicted / measured) with a
loss that grows linearly beyond 12 % so that no single kernel rules:
  per chip, format and sparsity   compute, sustained, memory, launch_us
  per format and sparsity         operand_ratio, split_us, quantise_us,
                                  quantise_share
  for all                         the six of SharedFit
A chip, format and sparsity gets constants of its own from MIN_ROWS usable rows
on; the others take the geometric mean of those that have them.

Rows: `use` must begin with "validate". Half of the shapes fit (see fits()), the
other half is held out; the same shape is on the same side for every chip.
calibration_without.cc holds one more fit per chip, to all of the other chips'
rows, so that a chip can be projected as if nobody had ever measured it.
"""
import csv
import json
import pathlib
import sys

import numpy as np

MIN_ROWS = 20  # below, four constants would follow single kernels
LOSS = 0.12  # of log(predicted / measured): the spread of kernels at best
TOLERANCE = 1e-4  # of the loss, between steps

# measured.csv's names: family of constants, bytes of an element with its
# scales, row of chips.json's peaks.
FORMATS = {
    "BF16": ("BF16", 2, "BF16"),
    "FP16": ("BF16", 2, "FP16"),
    "FP8_E4M3": ("FP8", 1, "FP8"),
    "FP8_E4M3_block128": ("FP8 block", 1, "FP8"),
    "MXFP8": ("FP8", 1 + 1 / 32, "MXFP8"),
    "NVFP4": ("FP4", 0.5 + 1 / 16, "NVFP4"),
    "MXFP4": ("FP4", 0.5 + 1 / 32, "MXFP4"),
    "INT8": ("INT8", 1, "INT8"),
}
# Chips whose peaks, SMs and L2 chips.json has: the others, with a few rows
# each, are left to the pooled constants.
ARCHITECTURES = {
    "a100_pcie": "Ampere", "a100_sxm": "Ampere", "h100_pcie": "Hopper",
    "h100_sxm": "Hopper", "h800_sxm": "Hopper", "b200": "Blackwell",
    "gb200": "Blackwell", "b300": "Blackwell",
}
D_BYTES = 2  # every product is stored as BF16
INDEX_BYTES = {"BF16": 2 / 8, "FP8": 2 / 8, "INT8": 2 / 8, "FP4": 2 / 8 / 2}

# The candidates among which a library chooses; profiles/model.cc has the same.
TILES = [(256, 256), (256, 128), (128, 128), (64, 256), (128, 64), (64, 128),
         (64, 64), (64, 32)]
SPLITS = (1, 2, 4, 8, 16)
MIN_SPLIT_K = 256
CHOICES = np.array([(m, n, s) for m, n in TILES for s in SPLITS], float).T

# name, start, least, most, pull towards the start
CHIP = [("compute", 0.8, 0.2, 1.0, 0.05), ("sustained", 0.9, 0.4, 1.0, 0.3),
        ("memory", 0.85, 0.3, 1.0, 0.1), ("launch_us", 2.5, 0.3, 20, 0.1)]
FORMAT = [("operand_ratio", 3, 0.3, 20, 0.02), ("split_us", 2, 0.1, 200, 0.02),
          ("quantise_us", 7, 0.3, 30, 0.02),
          ("quantise_share", 0.4, 0.05, 2, 0.02)]
SHARED = [("wave_rounding", 0.5, 0.01, 1, 0.02), ("norm", 3, 1.2, 8, 0.02),
          ("heat_us", 300, 10, 5000, 0.02), ("loop_us", 2.5, 0.05, 6, 0.02),
          ("cache_ratio", 2, 0.7, 8, 0.02), ("saturation", 1, 0.7, 10, 0.02)]


def fits(m, n, k):
    """Whether a shape is for fitting; profiles and tests hold out the rest."""
    mixed = (m ^ (n << 20) ^ (k << 40)) * 0x9E3779B97F4A7C15
    return (mixed >> 63) & 1 == 0


class Rows:
    """Columns of the usable rows as arrays."""

    def __init__(self, records):
        self.records = records

        def column(name):
            return np.array([r[name] for r in records], float)

        self.m, self.n, self.k = column("m"), column("n"), column("k")
        self.us, self.rate = column("us"), column("rate")
        self.bandwidth, self.cores = column("bandwidth"), column("cores")
        self.l2, self.quantise = column("l2"), column("quantise") == 1
        self.looped = column("looped") == 1
        self.burst, self.hot = column("burst") == 1, column("hot") == 1
        self.a, self.b = column("a_bytes"), column("b_bytes")  # an element
        self.element = column("element")
        self.bytes = (self.m * self.k * self.a + self.n * self.k * self.b +
                      self.m * self.n * D_BYTES)
        rows, cols, split = CHOICES
        m, n, k = self.m[:, None], self.n[:, None], self.k[:, None]
        self.tiles = np.ceil(m / rows) * np.ceil(n / cols) * split
        self.allowed = (split == 1) | (k / split >= MIN_SPLIT_K)
        self.flops = 2 * rows * cols * k / split
        self.load = (rows * self.a[:, None] + cols * self.b[:, None]) * k / split
        self.is_split = (split > 1).astype(float)

    def chosen(self, keep):
        return Rows([r for r in self.records if keep(r)])


def read(folder):
    facts = json.loads((folder / "chips.json").read_text(encoding="utf-8"))
    chips = {c["id"]: c for c in facts["chips"]}
    records = []
    with open(folder / "measured.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if (not row["use"].startswith("validate")
                    or row["chip"] not in ARCHITECTURES
                    or row["dtype"] not in FORMATS):
                continue
            chip = chips[row["chip"]]
            family, element, label = FORMATS[row["dtype"]]
            sparse = row["sparsity"] != "dense"
            peak = chip["peaks"][label]
            flags = row["flags"].split(",")
            m, n, k = int(row["M"]), int(row["N"]), int(row["K"])
            scales = 4 / 128 if family == "FP8 block" else 0  # 1x128, float32
            b_bytes = element
            if sparse:  # the weights, N x K, keep every other value
                b_bytes = (element + INDEX_BYTES[family]) / 2
            records.append({
                "chip": row["chip"], "family": family, "sparse": sparse,
                "m": m, "n": n, "k": k, "us": float(row["latency_us"]),
                # flop, bytes per microsecond
                "rate": 1e6 * peak["sparse_tflops" if sparse else
                                   "dense_tflops"],
                "bandwidth": 1e6 * chip["memory"]["bandwidth_tbps"],
                "cores": chip["engine"]["sms"],
                "l2": 2**20 * chip["on_chip"]["l2_mib"],
                "a_bytes": element + scales, "b_bytes": b_bytes,
                "element": element,
                "quantise": "incl_act_quant" in flags,
                "looped": "l2_warm_repeat" in flags,
                "hot": "sustained" in flags,
                "burst": "short_run" in flags and "sustained" not in flags,
                "fits": fits(m, n, k),
            })
    return records


def predict(x, chip, form, shared):
    """Microseconds. `chip` and `form` are arrays by row, constants across."""
    compute, sustained, memory, launch = chip.T
    ratio, split_us, quantise_us, quantise_share = form.T
    rounding, norm, heat, loop, cache_ratio, saturation = shared
    core_rate = (x.rate / x.cores * compute)[:, None]
    core_bytes = (x.bandwidth / x.cores * ratio)[:, None]
    tile = ((x.flops / core_rate)**norm + (x.load / core_bytes)**norm)**(
        1 / norm)
    waves = x.tiles / x.cores[:, None]
    rounds = np.where(waves <= 1, 1, waves + rounding *
                      (np.ceil(waves) - waves))
    cached = x.looped & (x.bytes < x.l2)
    stream = x.bytes / (x.bandwidth * memory) / np.where(cached, cache_ratio,
                                                         1)
    stream = stream[:, None] / np.minimum(1, waves * saturation)
    engine = (rounds * tile)**norm
    total = (engine + stream**norm)**(1 / norm) + x.is_split * split_us[:, None]
    total = np.where(x.allowed, total, np.inf)
    best, at = np.argmin(total, 1), np.arange(len(x.m))
    us, share = total[at, best], engine[at, best]
    share = share / (share + stream[at, best]**norm)
    heated = np.where(x.hot, 1, np.where(x.burst, 0, us / (us + heat)))
    us = us * (1 + (1 / sustained - 1) * heated * share)
    us = us + launch + x.looped * loop
    moved = x.m * x.k * (2 + x.element)
    return us + x.quantise * (quantise_us + moved /
                              (x.bandwidth * quantise_share))


class Fit:
    """Constants, by (chip, family, sparse) and by (family, sparse)."""

    def __init__(self, chip, form, shared, rows):
        self.chip, self.form, self.shared, self.rows = chip, form, shared, rows

    def pooled(self, architecture, family, sparse):
        """Geometric mean of those chips' constants, or None."""
        rows = [np.log(v) for (c, f, s), v in self.chip.items()
                if s == sparse and family in ("", f)
                and architecture in ("", ARCHITECTURES[c])]
        return np.exp(np.mean(rows, 0)) if rows else None

    def chip_constants(self, chip, family, sparse):
        own = self.chip.get((chip, family, sparse))
        if own is not None:
            return own
        for architecture, of in ((ARCHITECTURES[chip], family), ("", family),
                                 ("", "")):
            constants = self.pooled(architecture, of, sparse)
            if constants is not None:
                return constants
        raise ValueError("nothing to pool")

    def errors(self, x):
        chip = np.array([self.chip_constants(r["chip"], r["family"],
                                             r["sparse"]) for r in x.records])
        form = np.array([self.form.get((r["family"], r["sparse"]),
                                       self.form[r["family"], False])
                         for r in x.records])
        return predict(x, chip, form, self.shared) / x.us - 1


def rounded(values):
    return np.array([float(f"{v:.4g}") for v in values])


def fit(x):
    keys = [(r["chip"], r["family"], r["sparse"]) for r in x.records]
    counts = {k: keys.count(k) for k in sorted(set(keys))}
    x = x.chosen(lambda r: counts[r["chip"], r["family"],
                                  r["sparse"]] >= MIN_ROWS)
    chips = [k for k, n in counts.items() if n >= MIN_ROWS]
    forms = sorted({k[1:] for k in chips})
    chip_at = np.array([chips.index((r["chip"], r["family"], r["sparse"]))
                        for r in x.records])
    form_at = np.array([forms.index((r["family"], r["sparse"]))
                        for r in x.records])
    plan = CHIP * len(chips) + FORMAT * len(forms) + SHARED
    start, least, most = (np.log([c[i] for c in plan]) for i in (1, 2, 3))
    pull = np.array([c[4] for c in plan])
    form_begin = len(CHIP) * len(chips)
    shared_begin = form_begin + len(FORMAT) * len(forms)

    def unpack(theta):
        values = np.exp(theta)
        return (values[:form_begin].reshape(len(chips), -1),
                values[form_begin:shared_begin].reshape(len(forms), -1),
                values[shared_begin:])

    def residuals(theta):
        chip, form, shared = unpack(theta)
        return np.log(predict(x, chip[chip_at], form[form_at], shared) / x.us)

    def loss(theta, r):
        return (2 * LOSS**2 * (np.sqrt(1 + (r / LOSS)**2) - 1).sum() +
                (pull * (theta - start)**2).sum())

    def slopes(theta, r):
        """Of the residuals. A row depends on few constants, so that one step
        of a constant of every chip at once gives all of their columns."""
        j, at = np.zeros((len(r), len(theta))), np.arange(len(r))
        columns = [(slice(i, form_begin, len(CHIP)), chip_at * len(CHIP) + i)
                   for i in range(len(CHIP))]
        columns += [(slice(form_begin + i, shared_begin, len(FORMAT)),
                     form_begin + form_at * len(FORMAT) + i)
                    for i in range(len(FORMAT))]
        columns += [(slice(i, i + 1), np.full(len(r), i))
                    for i in range(shared_begin, len(theta))]
        for moved, column in columns:
            step = theta.copy()
            step[moved] += 2e-3
            j[at, column] = (residuals(step) - r) / 2e-3
        return j

    theta, damping = start.copy(), 1e-2
    r = residuals(theta)
    best = loss(theta, r)
    for _ in range(60):  # Levenberg-Marquardt, weights from the loss
        j, weight = slopes(theta, r), 1 / np.sqrt(1 + (r / LOSS)**2)
        h = j.T @ (j * weight[:, None]) + np.diag(pull)
        g = j.T @ (weight * r) + pull * (theta - start)
        gain = 0
        while damping < 1e6:
            step = np.linalg.solve(h + damping * np.diag(h.diagonal() + 1e-3),
                                   -g)
            trial = np.clip(theta + np.clip(step, -0.7, 0.7), least, most)
            trial_r = residuals(trial)
            gain = best - loss(trial, trial_r)
            if gain > 0:
                break
            damping *= 4
        if gain <= 0:
            break
        theta, r, best = trial, trial_r, best - gain
        damping = max(damping / 5, 1e-6)
        if gain < TOLERANCE * best:
            break
    chip, form, shared = unpack(theta)
    return Fit(dict(zip(chips, map(rounded, chip))),
               dict(zip(forms, map(rounded, form))), rounded(shared), counts)


# ---------------------------------------------------------------------------
# Output


def numbers(values):
    return ", ".join(f"{v:.4g}" for v in values)


def truth(value):
    return "true" if value else "false"


def chip_rows(found, with_chips, architectures):
    """Lines of ChipFit: chips, then architectures, then all chips."""
    lines = []
    if with_chips:
        lines += [f'{{"{c}", "{f}", {truth(s)}, {found.rows[c, f, s]}, '
                  f"{numbers(v)}}}," for (c, f, s), v in found.chip.items()]
    pools = [(a, f, s) for a in sorted(architectures) for f, s in found.form]
    pools += [("", f, s) for f, s in found.form]
    pools += [("", "", False), ("", "", True)]
    for architecture, family, sparse in pools:
        constants = found.pooled(architecture, family, sparse)
        if constants is not None:
            lines.append(f'{{"{architecture}", "{family}", {truth(sparse)}, 0, '
                         f"{numbers(constants)}}},")
    return lines


def arrays(found, name, with_chips, architectures):
    out = [f"constexpr FormatFit k{name}Formats[] = {{"]
    out += [f'    {{"{f}", {truth(s)}, {numbers(v)}}},'
            for (f, s), v in found.form.items()]
    out += ["};", f"constexpr ChipFit k{name}Chips[] = {{"]
    out += ["    " + line
            for line in chip_rows(found, with_chips, architectures)]
    out += ["};", f"constexpr SharedFit k{name}Shared = {{"
            f"{numbers(found.shared)}}};"]
    return out


HEAD = """// SPDX-License-Identifier: Apache-2.0
// Written by tools/calibrate.py from published measurements; do not edit.
// Columns: profiles/calibration.h. {what}
#include "profiles/calibration.h"

namespace zeroulp::internal {{
namespace {{

// clang-format off"""
TAIL = """// clang-format on

}  // namespace
"""


def write_table(path, found):
    out = [HEAD.format(what="Fitted to half of the shapes.")]
    out += arrays(found, "All", True, set(ARCHITECTURES.values()))
    out += [TAIL, "const Calibration& Calibrated() {",
            "  static constexpr Calibration kCalibration = {"
            "kAllShared, kAllFormats,",
            " " * 47 + "kAllChips};",
            "  return kCalibration;", "}", "",
            "}  // namespace zeroulp::internal", ""]
    path.write_text("\n".join(out), encoding="utf-8")


def write_without(path, without):
    out = [HEAD.format(what="Each without one chip's rows.")]
    for chip, found in without.items():
        name = "".join(part.capitalize() for part in chip.split("_"))
        out += arrays(found, name, False, {ARCHITECTURES[chip]})
    out += ["constexpr CalibrationWithout kWithout[] = {"]
    for chip in without:
        name = "".join(part.capitalize() for part in chip.split("_"))
        out += [f'    {{"{chip}", {{k{name}Shared, k{name}Formats, '
                f"k{name}Chips}}}},"]
    out += ["};", TAIL, "std::span<const CalibrationWithout> Without() { "
            "return kWithout; }", "", "}  // namespace zeroulp::internal", ""]
    path.write_text("\n".join(out), encoding="utf-8")


def print_errors(title, records, errors):
    print(f"{title}\n{'':12}  rows  median   p90    bias")
    by_family = {}
    for record, error in zip(records, errors):
        name = record["family"].split()[0]
        by_family.setdefault(name, []).append(error)
        by_family.setdefault(f"{name} {'2:4' if record['sparse'] else 'dense'}",
                             []).append(error)
    for name, values in sorted(by_family.items()):
        size = np.abs(values)
        print(f"{name:12} {len(values):5}  {np.median(size):6.1%} "
              f"{np.quantile(size, 0.9):6.1%} {np.median(values):+6.1%}")


def main(arguments):
    repository = pathlib.Path(__file__).resolve().parent.parent
    folder = repository / "profiles"
    if len(arguments) == 3 and arguments[1] == "--out":
        folder = pathlib.Path(arguments[2])
    elif len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    records = read(pathlib.Path(arguments[0]))
    found = fit(Rows([r for r in records if r["fits"]]))
    write_table(folder / "calibration_table.cc", found)
    held_out = [r for r in records if not r["fits"]]
    print_errors("held out", held_out, found.errors(Rows(held_out)))

    without, seen, errors = {}, [], []
    for chip in sorted({c for c, _, _ in found.chip}):
        without[chip] = fit(Rows([r for r in records if r["chip"] != chip]))
        left_out = [r for r in records if r["chip"] == chip]
        seen += left_out
        errors += list(without[chip].errors(Rows(left_out)))
    write_without(folder / "calibration_without.cc", without)
    print_errors("one chip left out", seen, errors)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
