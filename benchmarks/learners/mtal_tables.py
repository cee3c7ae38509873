"""The paper's tables of AAE and MTAL: python -m benchmarks.learners.mtal_tables --data ml-100k.

Every cell and split is a line of a CSV file; a stopped run goes on where it was. The headline rows
come first, five splits each, then the rest, two splits each. `--show` prints what is there as
tables beside the paper's, `--plot FOLDER` draws the scores round by round (figures 4 and 5).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np

from benchmarks.learners.lines import Lines
from benchmarks.learners.mtal_cells import STEPS, Cell, Outcome, run_cell
from benchmarks.learners.mtal_paper import COLUMNS, published

RESULTS = Path(__file__).parent / "results"
HEADLINE = ["joint base", "joint aae", "alone aae", "mtal aae eta=.3", "mtal aae eta=.1"]
SIDES = ("", "_s")
REST = [
    "alone base",
    *[f"joint {model}" for model in ("aae_s", "mf", "mf_s", "ncf_s")],
    *[f"alone {model}" for model in ("aae_s", "mf", "mf_s")],
    *[f"mtal aae{side} {step}" for side in SIDES for step in STEPS],
    *[
        f"{mode} {model}"
        for mode in ("joint", "alone")
        for model in ("mlp", "mlp_s", "ncf", "ncf_s")
    ],
]
"""The quicker ones first, and those that the protocol asks for."""


def cells(data: str, splits: int, rest_splits: int) -> list[Cell]:
    """All cells in the order in which they are run, each once."""
    wanted = [(row, split) for row in HEADLINE for split in range(splits)]
    wanted += [(row, split) for row in REST for split in range(rest_splits)]
    found = {}
    # two splits of the headline, one of the rest, one more of the headline, and so on
    for row, split in sorted(wanted, key=lambda pair: pair[1] + 1.5 * (pair[0] not in HEADLINE)):
        for feedback, align, partition in COLUMNS:
            if row.startswith("joint") and partition == "genre":
                continue  # it is that of user-Uniform
            found[Cell(data, split, row, feedback, align, partition)] = None
    return list(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="ml-100k", choices=["ml-100k", "ml-1m"])
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--splits", type=int, default=5, help="of the headline rows")
    parser.add_argument("--rest-splits", type=int, default=2, help="of the other rows; 0: none")
    parser.add_argument("--only", help="just the rows that contain this")
    parser.add_argument("--feedback", choices=["explicit", "implicit"])
    parser.add_argument("--align", choices=["user", "item"])
    parser.add_argument("--workers", type=int, default=1, help="cells at the same time")
    parser.add_argument("--seconds", type=float, help="begin no cell after so many")
    parser.add_argument("--no-validation", action="store_true", help="(a) alone, not (b)")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    lines = Lines(
        options.out / f"mtal-{options.data}.csv",
        [field.name for field in fields(Cell)],
        [field.name for field in fields(Outcome)],
    )
    if options.show or options.plot:
        if options.show:
            show(lines, options.data)
        if options.plot:
            plot(lines, options.data, options.plot)
        return 0
    todo = [
        cell
        for cell in cells(options.data, options.splits, options.rest_splits)
        if not lines.has(*astuple(cell))
        and (options.only is None or options.only in cell.row)
        and options.feedback in (None, cell.feedback)
        and options.align in (None, cell.align)
    ]
    print(f"{len(todo)} cells to run", file=sys.stderr)
    run(todo, lines, options.workers, not options.no_validation, options.seconds)
    return 0


def run(
    todo: list[Cell], lines: Lines, workers: int, validated: bool, seconds: float | None
) -> None:
    """Run cells and write each as it ends; a few are begun ahead, no more."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    started = time.perf_counter()
    queue = list(reversed(todo))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        running = {}
        while queue or running:
            late = seconds is not None and time.perf_counter() - started > seconds
            if late:
                queue.clear()
            while queue and len(running) < workers:
                cell = queue.pop()
                running[pool.submit(run_cell, cell, validated)] = cell
            if not running:
                break
            done = next(as_completed(running))
            cell = running.pop(done)
            outcome = done.result()
            lines.add(astuple(cell), astuple(outcome))
            print(f"{astuple(cell)}: {summary(outcome)}", file=sys.stderr, flush=True)


def summary(outcome: Outcome) -> str:
    return (
        f"best {outcome.best / outcome.base:.4f} of base at {outcome.best_at}, validated "
        f"{outcome.refitted / outcome.base:.4f} at {outcome.chosen_at}, {outcome.seconds:.0f} s"
    )


def show(lines: Lines, data: str) -> None:
    """Print a table a column of the paper: ours both ways, and the paper's, as ratios to Base."""
    for feedback, align, partition in COLUMNS:
        measure = "RMSE" if feedback == "explicit" else "MAP"
        print(f"\n### {data}: {measure}, {align}-aligned, {partition}\n")
        print(
            f"| row | splits | {measure} best on test | ratio to Base, best on test | as the paper "
            "measures | paper | validated | ratio to Base, validated |"
        )
        print("| --- " * 8 + "|")
        for row in dict.fromkeys([*HEADLINE, *REST]):
            found = rows_of(lines, data, row, feedback, align, partition)
            if found:
                print(line(row, found, data, feedback, align, partition))


def rows_of(lines: Lines, *wanted: str) -> list[dict[str, str]]:
    data, row, feedback, align, partition = wanted
    if row.startswith("joint") and partition == "genre":
        partition = "uniform:8"
    return [
        found
        for (d, _, r, f, a, p), found in lines.rows.items()
        if (d, r, f, a, p) == (data, row, feedback, align, partition)
    ]


def line(
    row: str, found: list[dict[str, str]], data: str, feedback: str, align: str, partition: str
) -> str:
    def numbers(name: str) -> np.ndarray:
        return np.array([float(cells[name]) for cells in found])

    def spread(values: np.ndarray) -> str:
        if np.isnan(values).any():
            return "-"
        return f"{values.mean():.4f} ± {values.std():.4f}"

    base = numbers("base")
    ours, paper_base = (
        published(data, name, feedback, align, partition) for name in (row, "joint base")
    )
    paper = "-" if ours is None or paper_base is None else f"{ours / paper_base:.4f}"
    columns = [
        row,
        str(len(found)),
        spread(numbers("best")),
        spread(numbers("best") / base),
        spread(numbers("paper_best") / numbers("paper_base")),
        paper,
        spread(numbers("refitted")),
        spread(numbers("refitted") / base),
    ]
    return "| " + " | ".join(columns) + " |"


def plot(lines: Lines, data: str, folder: Path) -> None:
    """Draw the scores of MTAL by round, with Joint and Alone at their best, a picture a column."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    for feedback, align, partition in COLUMNS:
        figure, axes = plt.subplots(figsize=(6, 4))
        for step in STEPS:
            found = rows_of(lines, data, f"mtal aae {step}", feedback, align, partition)
            curves = [[float(x) for x in row["curve"].split()] for row in found]
            if curves:
                length = min(map(len, curves))
                mean = np.mean([curve[:length] for curve in curves], axis=0)
                axes.plot(range(length), mean, marker=".", label=step)
        for row, style in (("joint aae", "--"), ("alone aae", ":")):
            found = rows_of(lines, data, row, feedback, align, partition)
            if found:
                best = np.mean([float(cells["best"]) for cells in found])
                axes.axhline(best, color="grey", linestyle=style, label=f"{row}, best epoch")
        axes.set_xlabel("round")
        axes.set_ylabel("RMSE" if feedback == "explicit" else "MAP@10")
        axes.set_title(f"{data}, {align}-aligned, {partition}, test")
        axes.legend(fontsize=7)
        figure.tight_layout()
        name = f"mtal-{data}-{feedback}-{align}-{partition.replace(':', '')}.png"
        figure.savefig(folder / name, dpi=120)
        plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
