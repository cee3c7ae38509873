"""Measure what refine loses without each part: python -m benchmarks.ablation.

Cells are the objective without the part over that of the whole, less 1, in percent: the mean over
instances and seeds, each given the same seconds. A dash: the part has no say there.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
from dataclasses import dataclass

USERS, ITEMS, GROUPS, K = 300, 100, 10, 5


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
    if within_sizes or semantics == "lm"  # the search over lists alone is measured elsewhere
]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ablation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--part", action="append", help="by default all")
    parser.add_argument("--seconds", type=float, default=4.0, help="for each run")
    parser.add_argument("--instances", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    for variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "2"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from benchmarks.ablation.parts import APPLY, PARTS
    from grouping.generate import generate

    made = [generate(USERS, ITEMS, step=None, seed=seed) for seed in range(options.instances)]
    whole = {}
    runs = options.instances * options.seeds
    print(f"{runs} runs of {options.seconds:g} s each, {USERS} x {ITEMS}, l = {GROUPS}, k = {K}\n")
    head = ("without", *(case.name for case in CASES))
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    for case in CASES:
        _run(generate(60, 30, step=None, seed=0), case, None, 0, None)  # compiles
        whole[case] = _values(made, case, None, options)
    cells = [f"{statistics.mean(whole[case]):.2f}" for case in CASES]
    print(f"| (nothing) | {' | '.join(cells)} |", flush=True)
    for part in options.part or PARTS:
        cells = []
        for case in CASES:
            if not APPLY[part](case):
                cells.append("-")
                continue
            pairs = zip(_values(made, case, part, options), whole[case], strict=True)
            lost = 100 * statistics.mean(value / full - 1 for value, full in pairs)
            cells.append(f"{lost:+.2f}")
        print(f"| {part} | {' | '.join(cells)} |", flush=True)
    return 0


def _values(made, case, part, options):
    seconds = options.seconds
    return [
        _run(ratings, case, part, seed, seconds)
        for ratings in made
        for seed in range(options.seeds)
    ]


def _run(ratings, case, part, seed, seconds):
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
            time_limit=seconds,
            iterations=None if seconds else 1,
            seed=seed,
            **limits,
        )
    return found.objective


if __name__ == "__main__":
    sys.exit(main())
