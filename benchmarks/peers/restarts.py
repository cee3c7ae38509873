"""Plain alternation, restarted: python -m benchmarks.peers.restarts.

Under AV-sum: everybody joins the list that serves them best, lists are made anew, until nothing
changes; 20 times from own lists of users drawn at random, for as long as refine may take.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import numpy as np
import scipy.sparse as sp

GROUPS, K, RESTARTS = 10, 5, 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.restarts")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--tastes", type=int, default=10, help="that users share")
    parser.add_argument("--sample", type=int, help="only bound what so many of the users can get")
    options = parser.parse_args()
    for variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "2"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from grouping import Ratings, form
    from grouping.generate import generate

    form(generate(60, 30, step=None), "av", "sum", 3, 3, "refine", iterations=1)  # compiles
    ratings = generate(options.users, options.items, step=None, clusters=options.tastes, seed=0)
    rows = np.asarray(ratings.matrix)
    if options.sample is not None:
        some = Ratings.of(np.ascontiguousarray(rows[: options.sample]))
        found = form(some, "av", "sum", GROUPS, K, "exact", time_limit=options.seconds)
        each, most = found.objective / options.sample, found.bound / options.sample
        print(f"the first {options.sample} users: {each:.4f} each, {most:.4f} at the most")
        return 0
    totals, spent = restarts(rows, options.seconds)
    print(f"{len(totals)} restarts of alternation: {max(totals):.1f}, {spent:.0f} s", flush=True)
    found = form(ratings, "av", "sum", GROUPS, K, "refine", time_limit=options.seconds, seed=0)
    gain = 100 * (found.objective / max(totals) - 1)
    print(f"refine: {found.objective:.1f}, bound {found.bound:.1f}, gap {100 * found.gap:.3g} %")
    print(f"refine above alternation: {gain:.3g} %")
    return 0


def restarts(rows: np.ndarray, seconds: float) -> tuple[list[float], float]:
    """Objectives of the restarts that the time allows, and the time they took."""
    started = time.perf_counter()
    rng = np.random.default_rng(0)
    totals = []
    while len(totals) < RESTARTS and (not totals or time.perf_counter() - started < seconds):
        seeds = rng.choice(len(rows), GROUPS, replace=False)
        lists = np.argpartition(-rows[seeds], K - 1, axis=1)[:, :K]
        totals.append(alternation(rows, lists, started + seconds))
    return totals, time.perf_counter() - started


def alternation(rows: np.ndarray, lists: np.ndarray, until: float) -> float:
    """Objective where alternation from these lists ends, or the time does."""
    reached = -np.inf
    while True:
        worth = np.stack([rows[:, items].sum(axis=1, dtype=np.float64) for items in lists], axis=1)
        labels = worth.argmax(axis=1)
        member = sp.csr_array((np.ones(len(rows), rows.dtype), (labels, np.arange(len(rows)))),
                              shape=(len(lists), len(rows)))  # fmt: skip
        sums = member @ rows
        best = np.partition(sums, -K, axis=1)[:, -K:].sum(dtype=np.float64)
        if best <= reached or time.perf_counter() > until:
            return float(max(best, reached))
        reached = best
        lists = np.argpartition(-sums, K - 1, axis=1)[:, :K]


if __name__ == "__main__":
    sys.exit(main())
