"""The whole of `form` on CSR ratings against one parallel pass over their three arrays."""

from __future__ import annotations

from benchmarks.speed import common
from benchmarks.speed.yardsticks import csr_pass
from grouping import form

TITLE = "Sparse: the whole of form (missing = min) against one pass over CSR (l = 10, k = 5)"
SIZES = {"toy": (300, 200), "default": (40_000, 136_736), "full": (200_000, 136_736)}


def cases(size):
    n, m = SIZES[size]
    for popularity in ("uniform", "Zipf"):
        for values in ("real", "integer"):
            for semantics, agg in common.SETTINGS:
                label = f"{n:,} x {m:,} {popularity} {values}, {common.named(semantics, agg)}"
                yield label, (n, m, popularity, values, semantics, agg)


def bench(case, race):
    n, m, popularity, values, semantics, agg = case
    ratings = common.sparse(n, m, popularity, values)
    race(
        lambda: form(ratings, semantics, agg, 10, 5, missing="min"),
        {"CSR sums": csr_pass(ratings.matrix)},
        check=common.checker(ratings, semantics, agg, 10, 5, missing="min"),
        asked="<= 4.0 (full)",
    )
