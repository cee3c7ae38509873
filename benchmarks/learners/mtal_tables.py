"""The paper's tables of AAE and MTAL: python -m benchmarks.learners.mtal_tables --data ml-100k.

Every cell and split is a line of a CSV file; a stopped run goes on where it was. The headline rows
come first, five splits each, then the rest, two splits each. What is there is made into a page of
the docs by `benchmarks.learners.mtal_page`.
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

from benchmarks.learners.lines import Lines
from benchmarks.learners.mtal_cells import STEPS, Cell, Outcome, run_cell
from benchmarks.learners.mtal_paper import COLUMNS

RESULTS = Path(__file__).parent / "results"
HEADLINE = ["joint base", "joint aae", "alone aae", "mtal aae eta=.3", "mtal aae eta=.1"]
REST = [
    "alone base",
    *[f"joint {model}" for model in ("aae_s", "mf", "mf_s", "ncf_s")],
    *[f"alone {model}" for model in ("aae_s", "mf", "mf_s")],
    *[f"mtal aae {step}" for step in STEPS],
    *[f"mtal aae_s {step}" for step in STEPS if "validation" not in step],
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


def results(folder: Path, data: str) -> Lines:
    """What was measured so far."""
    return Lines(
        folder / f"mtal-{data}.csv",
        [field.name for field in fields(Cell)],
        [field.name for field in fields(Outcome)],
    )


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
    parser.add_argument("--device", default="cpu", choices=["cpu", "auto", "cuda"])
    parser.add_argument("--no-validation", action="store_true", help="(a) alone, not (b)")
    options = parser.parse_args()
    lines = results(options.out, options.data)
    todo = [
        cell
        for cell in cells(options.data, options.splits, options.rest_splits)
        if not done(lines, cell, not options.no_validation)
        and (options.only is None or options.only in cell.row)
        and options.feedback in (None, cell.feedback)
        and options.align in (None, cell.align)
    ]
    print(f"{len(todo)} cells to run", file=sys.stderr)
    run(todo, lines, options.workers, not options.no_validation, options.seconds, options.device)
    return 0


def done(lines: Lines, cell: Cell, validated: bool) -> bool:
    """Whether a cell was run; where (b) is wanted, with it. The later line of a cell counts."""
    found = lines.rows.get(tuple(map(str, astuple(cell))))
    return found is not None and not (validated and found["chosen_at"] == "-1")


def run(
    todo: list[Cell],
    lines: Lines,
    workers: int,
    validated: bool,
    seconds: float | None,
    device: str = "cpu",
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
                running[pool.submit(run_cell, cell, validated, device=device)] = cell
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


if __name__ == "__main__":
    sys.exit(main())
