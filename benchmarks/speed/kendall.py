"""Kendall's tau-b between all pairs of some users, against scipy's kendalltau pair by pair."""

from __future__ import annotations

import numpy as np
from scipy.stats import kendalltau

from benchmarks.speed import common
from grouping.kendall import tau_b_distances

TITLE = "Kendall's tau-b of all pairs of users, against scipy's kendalltau of the same pairs"
USERS = {"toy": 8, "default": 30, "full": 60}
ITEMS = {"toy": (30,), "default": (100, 1_000, 10_000), "full": (100, 1_000, 10_000, 100_000)}


def cases(size):
    n = USERS[size]
    for m in ITEMS[size]:
        for values in ("real", "integer"):
            yield f"{n:,} users x {m:,} {values}", (n, m, values)


def bench(case, race):
    n, m, values = case
    X = common.dense(n, m, values).matrix
    pairs = list(zip(*np.triu_indices(n, 1), strict=True))

    def scipys():
        return [kendalltau(X[u], X[v]).statistic for u, v in pairs]

    def check(distances):
        assert np.allclose(1 - distances[np.triu_indices(n, 1)], scipys(), rtol=0, atol=1e-12)

    race(
        lambda: tau_b_distances(X),
        {"scipy": scipys},
        check=check,
        asked="< 1",
        fewest=5,
    )
