"""The whole of `form` on dense ratings against one parallel pass that only sums them."""

from __future__ import annotations

from benchmarks.speed import common
from benchmarks.speed.yardsticks import memory_pass
from grouping import form

TITLE = "Dense: the whole of form against one pass over memory (l = 10, k = 5)"
SIZES = {"toy": (300, 40), "default": (100_000, 2_000), "full": (100_000, 10_000)}


def cases(size):
    n, m = SIZES[size]
    for values in ("real", "integer", "uint8"):
        for semantics, agg in common.SETTINGS:
            label = f"{n:,} x {m:,} {values}, {common.named(semantics, agg)}"
            yield label, (n, m, values, semantics, agg)


def bench(case, race):
    n, m, values, semantics, agg = case
    ratings = common.dense(n, m, values)
    race(
        lambda: form(ratings, semantics, agg, 10, 5),
        {"row sums": memory_pass(ratings.matrix)},
        check=common.checker(ratings, semantics, agg, 10, 5),
        asked="" if values == "uint8" else "<= 2.0 (full)",
        seconds=6,
    )
