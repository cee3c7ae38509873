"""The same groups by NumPy and pandas, and k-means clusters without lists, on the same ratings."""

from __future__ import annotations

from sklearn.cluster import MiniBatchKMeans

from benchmarks.speed import common
from benchmarks.speed.yardsticks import plain_grd
from grouping import form
from grouping.generate import generate

TITLE = "Rivals: the time of form over theirs (l = 10, k = 5)"
SIZES = {"toy": (300, 40), "default": (100_000, 1_000), "full": (200_000, 2_000)}


def cases(size):
    n, m = SIZES[size]
    for values in ("real uniform", "integer with tastes"):
        for semantics, agg in common.SETTINGS:
            label = f"{n:,} x {m:,} {values}, {common.named(semantics, agg)}"
            yield label, (n, m, values, semantics, agg)


def bench(case, race):
    n, m, values, semantics, agg = case
    if values == "real uniform":
        ratings = common.dense(n, m, "real")
    else:
        ratings = common.held((n, m, values), lambda: generate(n, m, seed=0))
    X = ratings.matrix
    clusters = MiniBatchKMeans(n_clusters=10, random_state=0)
    exact = common.checker(ratings, semantics, agg, 10, 5)

    def check(formation):
        exact(formation)
        theirs = plain_grd(X, semantics, agg, 10, 5)
        assert abs(formation.objective - theirs) <= 1e-9 * abs(theirs)

    race(
        lambda: form(ratings, semantics, agg, 10, 5),
        {
            "NumPy and pandas": lambda: plain_grd(X, semantics, agg, 10, 5),
            "MiniBatchKMeans": lambda: clusters.fit(X),
        },
        check=check,
        asked="<= 0.1",
        fewest=5,
    )
