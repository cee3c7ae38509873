"""Measure refine beside its peers: python -m benchmarks.peers.

Every method forms at most l groups of at most ceil(1.2 n / l) users, and every group gets the best
list of its members. A peer is run again with new seeds for as long as refine may take, and its
best formation counts, for each objective on its own; of refine the worst of some seeds counts.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time

GROUPS, K = 10, 5
OBJECTIVES = {
    "lm-sum": {"semantics": "lm", "agg": "sum"},
    "lm-min": {"semantics": "lm", "agg": "min"},
    "lm-min, members": {"semantics": "lm", "agg": "min", "weigh": "members"},
    "av-sum": {"semantics": "av", "agg": "sum"},
    "av-min": {"semantics": "av", "agg": "min"},
}
INSTANCES = ("ml-100k", "1000 x 200")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--on", choices=INSTANCES, action="append")
    parser.add_argument("--objective", choices=OBJECTIVES, action="append")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each run")
    parser.add_argument("--seeds", type=int, default=3, help="of refine")
    options = parser.parse_args()
    for variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "2"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for name in options.on or INSTANCES:
        ratings = _ratings(name)
        if ratings is None:
            print(f"{name}: no data; set GROUPING_DATA", file=sys.stderr)
            continue
        wanted = options.objective or list(OBJECTIVES)
        _compare(name, ratings, wanted, options.seconds, range(options.seeds))
    return 0


def _ratings(name):
    from benchmarks.quality.instances import completed, generated

    return completed(name, "real") if name == "ml-100k" else generated(1000, 200, "real", 0)


def _compare(name, ratings, objectives, seconds, seeds):
    import numpy as np

    from benchmarks.peers.formations import PEERS, formations
    from grouping import evaluate, form
    from grouping.generate import generate

    users, items = ratings.shape
    most = math.ceil(1.2 * users / GROUPS)
    points = np.asarray(ratings.matrix, np.float64)
    print(f"\n{name}: {users} x {items}, l = {GROUPS}, k = {K}, at most {most} users in a group\n")
    made = {}
    for peer in PEERS:
        started = time.perf_counter()
        made[peer] = formations(peer, points, GROUPS, most, seconds)
        spent = time.perf_counter() - started
        print(f"{peer}: {len(made[peer])} runs, {spent:.1f} s", file=sys.stderr, flush=True)
        assert all(np.bincount(labels).max() <= most for labels in made[peer])
    head = ("objective", "refine, worst", "best", "bound", "gap", *PEERS, "ahead by")
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    small = generate(60, 30, step=None, seed=0)
    for objective in objectives:
        asked = OBJECTIVES[objective]
        form(small, **asked, groups=3, k=3, method="refine", max_size=25, iterations=1)  # compiles
        ours = [
            form(ratings, **asked, groups=GROUPS, k=K, method="refine", max_size=most,
                 time_limit=seconds, seed=seed)
            for seed in seeds
        ]  # fmt: skip
        worst = min(ours, key=lambda found: found.objective)
        theirs = [
            max(evaluate(ratings, labels, **asked, k=K).objective for labels in made[peer])
            for peer in PEERS
        ]
        best = max(found.objective for found in ours)
        row = [objective, *(f"{value:.2f}" for value in (worst.objective, best, worst.bound))]
        row += [f"{100 * worst.gap:.3g} %", *(f"{value:.2f}" for value in theirs)]
        row += [f"{100 * (worst.objective / max(theirs) - 1):.2g} %"]
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
