"""What figures 4 to 6 of the paper vary: users, items, groups and list length (section 7.2)."""

from __future__ import annotations

from benchmarks.speed import common
from benchmarks.speed.yardsticks import memory_pass
from grouping import form

TITLE = "Figures 4 to 6, varying the number of"
DEFAULTS = {"toy": (200, 40), "default": (10_000, 2_000), "full": (100_000, 10_000)}
GROUPS, LENGTH = 10, 5


def cases(size):
    n, m = DEFAULTS[size]
    varied = {
        "users": [(n * part // 4, m, GROUPS, LENGTH) for part in (2, 4, 6, 8)],
        "items": [(n, m * part // 4, GROUPS, LENGTH) for part in (1, 2, 3, 4)],
        "groups": [(n, m, groups, LENGTH) for groups in (10, 25, 50, 100)],
        "items on a list": [(n, m, GROUPS, k) for k in (5, 10, 15, 20, 25)],
    }
    for what, points in varied.items():
        for n, m, groups, k in points[-1:] if size == "toy" else points:
            for semantics in ("lm", "av"):
                for agg in ("min", "sum"):
                    name = common.named(semantics, agg)
                    label = f"{name}, {n:,} x {m:,}, l = {groups}, k = {k} ({what})"
                    yield label, (what, n, m, groups, k, semantics, agg)


def bench(case, race):
    what, n, m, groups, k, semantics, agg = case
    ratings = common.dense(n, m, "integer")
    race(
        lambda: form(ratings, semantics, agg, groups, k),
        {"row sums": memory_pass(ratings.matrix)},
        check=common.checker(ratings, semantics, agg, groups, k),
        table=f"{TITLE} {what}",
        seconds=1,
    )
