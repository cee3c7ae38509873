"""Several seeded splits with intervals: python -m benchmarks.learners.dmtl_better --out FOLDER.

The protocol of the paper's Table III on the splits of several seeds; differences of the ensemble
from each other row, paired by user. Estimates are kept in FOLDER (the same as of dmtl_table3), so
that the command continues where it was stopped.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from benchmarks.learners.dmtl_data import read
from benchmarks.learners.dmtl_rows import OURS, SETTINGS
from benchmarks.learners.dmtl_table3 import NAMES, estimates
from benchmarks.learners.lines import Lines, same_settings
from benchmarks.learners.surprise_rows import MORE, ROWS
from learners.dmtl.protocol import SCALE, Ranked, rank
from learners.intervals import bootstrap
from learners.metrics import rmse


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", choices=NAMES, default="ml-100k")
    parser.add_argument("--seeds", type=int, nargs="*", default=list(range(8)))
    parser.add_argument("--rows", nargs="*", default=[*ROWS, *MORE, *OURS])
    parser.add_argument("--ours", default="ensemble", help="the row to compare with all others")
    options = parser.parse_args()
    if options.ours not in options.rows:
        parser.error(f"--ours: {options.ours!r} is not among the --rows that it is compared with")
    same_settings(options.out, "rows", SETTINGS, "*/our-*.npy")
    data = read(options.data)
    lines = Lines(
        options.out / "better.csv", ("data", "seed", "row"), ("precision", "recall", "rmse")
    )
    found: dict[str, dict[int, tuple[np.ndarray, Ranked]]] = {}
    errors: dict[str, list[float]] = {}
    for seed in options.seeds:
        split = data.split(seed)
        users = np.unique(split.test.who)
        for row in options.rows:
            guess = estimates(split, row, options.out)
            result = rank(split.test.who, split.test.value, guess)
            error = rmse(split.test.value, np.clip(guess, *SCALE))
            errors.setdefault(row, []).append(error)
            found.setdefault(row, {})[seed] = (users, result)
            lines.put((options.data, seed, row), (*result.means, error))
    show(found, errors, options.ours, len(data.users))
    return 0


def show(
    found: dict[str, dict[int, tuple[np.ndarray, Ranked]]],
    errors: dict[str, list[float]],
    ours: str,
    users: int,
) -> None:
    print(f"| row | RMSE | P@10 | R@10 | {ours} less it: P@10 | R@10 | splits of lower RMSE |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for row, by_seed in found.items():
        means = np.array([result.means for _, result in by_seed.values()])
        cells = [f"{mean:.4f}" for mean in means.mean(0)]
        if len(means) > 1:  # one split has no spread
            spreads = means.std(0, ddof=1)
            cells = [f"{c} (sd {s:.4f})" for c, s in zip(cells, spreads, strict=True)]
        apart = [str(bootstrap(differences(found[ours], by_seed, users, part))) for part in (0, 1)]
        lower = sum(a < b for a, b in zip(errors[ours], errors[row], strict=True))
        shown = [*apart, f"{lower} of {len(by_seed)}"] if row != ours else ["", "", ""]
        print(f"| {row} | {np.mean(errors[row]):.4f} | " + " | ".join([*cells, *shown]) + " |")


def differences(one: dict, other: dict, users: int, part: int) -> np.ndarray:
    """By user and split, NaN where a user has no test rating in it."""
    table = np.full((users, len(one)), np.nan)
    for column, seed in enumerate(one):
        who, result = one[seed]
        values = [(r.precision, r.recall)[part] for r in (result, other[seed][1])]
        table[who, column] = values[0] - values[1]
    return table[~np.isnan(table).all(axis=1)]


if __name__ == "__main__":
    sys.exit(main())
