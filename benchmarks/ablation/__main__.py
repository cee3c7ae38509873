"""Measure what refine loses without each part: python -m benchmarks.ablation.

Cells are the objective without the part over that of the whole, less 1, in percent: the mean over
instances and seeds, with its standard error, each run given the same number of rounds and not of
seconds, so that other work on the machine changes nothing. Then the processor time without the
part over that of the whole: what a part costs. A dash: the part has no say there. Instances are
those of `grouping generate`, or the one that MovieLens 100K is when completed.

Runs are kept in results.csv beside this file, and not made again.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

USERS, ITEMS, GROUPS, K = 300, 100, 10, 5

GENERATED, MOVIELENS = "generated", "ml-100k"

RESULTS = Path(__file__).parent / "results.csv"
COLUMNS = ("case", "part", "rounds", "instance", "seed", "objective", "seconds")


@dataclass(frozen=True)
class Case:
    """One problem.

    Attributes
    ----------
    semantics, agg : str
    members : bool
        Groups count by their members.
    within_sizes : bool
        At most ceil(1.2 n / l) users in a group.
    """

    semantics: str
    agg: str
    members: bool
    within_sizes: bool

    @property
    def annealed(self) -> bool:
        """Whether refine anneals."""
        by_min = self.semantics == "av" and self.agg == "min" and self.within_sizes
        return self.members or by_min

    @property
    def moves(self) -> bool:
        """Whether users move one by one."""
        return self.semantics == "lm" or self.annealed

    @property
    def name(self) -> str:
        """Of the column."""
        name = f"{self.semantics}-{self.agg}{' members' if self.members else ''}"
        return name + (" within sizes" if self.within_sizes else "")


CASES = [
    Case(semantics, agg, members, within_sizes)
    for within_sizes in (True, False)
    for semantics, agg, members in (
        *(("lm", "sum", False), ("lm", "min", False), ("lm", "min", True)),
        *(("av", "sum", False), ("av", "min", False)),
    )
]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ablation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [case.name for case in CASES]
    parser.add_argument("--data", choices=(GENERATED, MOVIELENS), default=GENERATED)
    parser.add_argument("--part", action="append", help="by default all")
    parser.add_argument("--case", choices=names, action="append", help="by default all")
    parser.add_argument("--rounds", type=int, default=3, help="of each run")
    parser.add_argument("--instances", type=int, default=2, help="generated ones")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    for variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"
    from benchmarks.ablation.parts import APPLY, PARTS

    parts = options.part or list(PARTS)
    cases = [
        case
        for case in CASES
        if case.name in (options.case or names) and any(APPLY[part](case) for part in parts)
    ]
    generated = options.data == GENERATED
    instances = [str(i) for i in range(options.instances)] if generated else [MOVIELENS]
    runs = _Runs(options, instances)
    wanted = [
        (case, part, instance, seed)  # seed by seed, so that what is there is even at any time
        for seed in range(options.seeds)
        for instance in instances
        for part in (None, *parts)
        for case in cases
        if part is None or APPLY[part](case)
    ]
    try:
        for each in wanted:
            runs.make(*each)
    except FileNotFoundError as error:
        parser.error(str(error))
    which = f"{options.instances} instances, {USERS} x {ITEMS}" if generated else MOVIELENS
    print(f"{which}, {options.seeds} seeds, {options.rounds} rounds, l = {GROUPS}, k = {K}\n")
    head = ("without", *(case.name for case in cases))
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    cells = [f"{statistics.mean(value for value, _ in runs.of(case, None)):.2f}" for case in cases]
    print(f"| (nothing) | {' | '.join(cells)} |")
    for part in parts:
        cells = [runs.compared(case, part) if APPLY[part](case) else "-" for case in cases]
        print(f"| {part} | {' | '.join(cells)} |")
    return 0


class _Runs:
    """All runs, those of before too."""

    def __init__(self, options, instances):
        self.options = options
        self.instances = instances
        self.ratings = {}
        self.done = {}
        if options.results.exists():
            with options.results.open(newline="") as file:
                for row in csv.DictReader(file):
                    rounds, seed = int(row["rounds"]), int(row["seed"])
                    key = row["case"], row["part"], rounds, row["instance"], seed
                    self.done[key] = float(row["objective"]), float(row["seconds"])

    def key(self, case, part, instance, seed):
        return case.name, part or "", self.options.rounds, instance, seed

    def make(self, case, part, instance, seed):
        """Run once, unless that was done."""
        from grouping.generate import generate

        key = self.key(case, part, instance, seed)
        if key in self.done:
            return
        if instance not in self.ratings:
            ratings = _ratings(instance)
            if not self.ratings:
                warm = generate(60, 30, step=None, seed=0)
                for each in CASES:
                    _run(warm, each, None, 0, 1)  # compiles
            self.ratings[instance] = ratings
        started = time.process_time()
        objective = _run(self.ratings[instance], case, part, seed, self.options.rounds)
        self.done[key] = objective, time.process_time() - started
        new = not self.options.results.exists()
        with self.options.results.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if new:
                writer.writerow(COLUMNS)
            writer.writerow((*key, f"{objective:.6f}", f"{self.done[key][1]:.3f}"))

    def of(self, case, part):
        """Objective and seconds of each instance and seed, in order."""
        return [
            self.done[self.key(case, part, instance, seed)]
            for instance in self.instances
            for seed in range(self.options.seeds)
        ]

    def compared(self, case, part):
        """The cell: what is lost, give or take, and what time remains."""
        pairs = list(zip(self.of(case, part), self.of(case, None), strict=True))
        lost = [100 * (without[0] / whole[0] - 1) for without, whole in pairs]
        error = statistics.stdev(lost) / math.sqrt(len(lost)) if len(lost) > 1 else math.nan
        seconds = [sum(run[1] for run in runs) for runs in zip(*pairs, strict=True)]
        return f"{statistics.mean(lost):+.2f} ± {error:.2f} ({seconds[0] / seconds[1]:.2f})"


def _ratings(instance):
    from benchmarks.quality.instances import completed, generated

    if instance != MOVIELENS:
        return generated(USERS, ITEMS, "real", int(instance))
    ratings = completed(MOVIELENS, "real")
    if ratings is None:
        message = f"set GROUPING_DATA to the folder of {MOVIELENS}.zip, which was not found"
        raise FileNotFoundError(message)
    return ratings


def _run(ratings, case, part, seed, rounds):
    from benchmarks.ablation.parts import without
    from grouping import form

    users = ratings.shape[0]
    limits = {"max_size": math.ceil(1.2 * users / GROUPS)} if case.within_sizes else {}
    with without(part):
        found = form(
            ratings,
            case.semantics,
            case.agg,
            GROUPS,
            K,
            "refine",
            weigh="members" if case.members else "groups",
            iterations=rounds,
            seed=seed,
            **limits,
        )
    return found.objective


if __name__ == "__main__":
    sys.exit(main())
