"""DMTL paper, Table III: python -m benchmarks.learners.dmtl_table3 --out FOLDER.

Estimates are kept in FOLDER and not made again, so the command continues where it was stopped.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np

from benchmarks.learners.dmtl_data import Data, Parts, read
from benchmarks.learners.dmtl_rows import (
    CORRECTED,
    EQUAL,
    FACTORISATIONS,
    OURS,
    SETTINGS,
    SHORT,
    our_estimates,
)
from benchmarks.learners.lines import same_settings
from benchmarks.learners.published import TABLE_III
from benchmarks.learners.surprise_environment import estimate
from benchmarks.learners.surprise_rows import MORE, ROWS
from learners.dmtl.protocol import Ranked, at_random, oracle, rank

_HALF = 5.0001e-7  # two means lie on the edge of the sixth decimal: .2984375 and .3046875
NAMES = ("ml-100k", "itm-rec")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for estimates and tables")
    parser.add_argument("--data", choices=NAMES, nargs="*", default=list(NAMES))
    parser.add_argument("--seeds", type=int, nargs="*", default=[42], help="42 is the paper's")
    parser.add_argument("--rows", nargs="*", default=[*ROWS, *OURS], choices=[*ROWS, *MORE, *OURS])
    options = parser.parse_args()
    same_settings(options.out, "rows", SETTINGS, "*/our-*.npy")
    lines = []
    for name in options.data:
        data = read(name)
        for seed in options.seeds:
            lines += [(name, seed, *line) for line in table(data, seed, options.rows, options.out)]
    write(options.out / "table3.csv", lines)
    show(lines)
    return 0


def table(data: Data, seed: int, rows: list[str], out: Path):
    parts = data.split(seed)
    for row in rows:
        yield row, *ranked(parts, row, out).means
    yield "oracle", *oracle(parts.test.who, parts.test.value).means
    yield "random, mean of 20", *at_random(parts.test.who, parts.test.value).means


def ranked(parts: Parts, row: str, out: Path) -> Ranked:
    """A row's ranking."""
    return rank(parts.test.who, parts.test.value, estimates(parts, row, out))


def estimates(parts: Parts, row: str, out: Path) -> np.ndarray:
    """A row's estimates; they are made where `out` does not hold them yet."""
    made = (
        our_estimates
        if row in (*OURS, *FACTORISATIONS, CORRECTED, SHORT, EQUAL)
        else surprise_estimates
    )
    return made(parts, row, out)


def surprise_estimates(parts: Parts, row: str, out: Path) -> np.ndarray:
    """Estimates by Surprise, in the order of the test rows; kept in `out`."""
    place = out / f"{parts.data.name}-{parts.seed}"
    place.mkdir(parents=True, exist_ok=True)
    rows = place / "rows.npz"
    if not rows.is_file():
        np.savez(
            rows,
            train_user=parts.train.who, train_item=parts.train.item,
            train_value=parts.train.value,
            test_user=parts.test.who, test_item=parts.test.item,
        )  # fmt: skip
    name = "".join(letter if letter.isalnum() else "-" for letter in row.replace("+", "p").lower())
    return estimate(row, rows, place / f"{name}.npy")


def write(path: Path, lines: list[tuple]) -> None:
    """Write lines in place of those of the same data, seed and row; others stay."""
    kept: dict[tuple[str, ...], list[str]] = {}
    if path.is_file():
        with path.open(newline="") as file:
            kept = {tuple(line[:3]): line for line in list(csv.reader(file))[1:]}
    kept |= {tuple(map(str, line[:3])): [str(cell) for cell in line] for line in lines}
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["data", "seed", "row", "precision_at_10", "recall_at_10"])
        writer.writerows(kept.values())


def show(lines: list[tuple]) -> None:
    print("| data | seed | row | P@10 | R@10 | printed P@10 | printed R@10 | equal to 6 decimals |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, seed, row, precision, recall in lines:
        figures = TABLE_III.get(row) if seed == 42 else None
        printed, verdict = ("", ""), ""
        if figures is not None:
            pair = figures[:2] if name == "ml-100k" else figures[2:]
            printed = tuple(f"{figure:.6f}" for figure in pair)
            apart = max(abs(precision - pair[0]), abs(recall - pair[1]))
            verdict = "yes" if apart < _HALF else "NO"
        print(
            f"| {name} | {seed} | {row} | {precision:.6f} | {recall:.6f} | {printed[0]} "
            f"| {printed[1]} | {verdict} |"
        )


if __name__ == "__main__":
    sys.exit(main())
