"""How the time grows with users, groups and list length, all values timed by turns."""

from __future__ import annotations

import numpy as np

from benchmarks.speed import common
from grouping import Ratings, form

TITLE = "Growth: time of form over 200 items (l = 10, k = 5 but where varied)"
ITEMS = 200
USERS = {
    "toy": (100, 316),
    "default": (10_000, 31_623, 100_000),
    "full": (10_000, 31_623, 100_000, 316_228, 1_000_000),
}
GROUPS = (10, 100, 1_000)
LENGTHS = (1, 5, 20, 50)


def cases(size):
    users = USERS[size]
    varied = {
        "n": [(n, 10, 5) for n in users],
        "l": [(min(users[-1], 100_000), groups, 5) for groups in GROUPS],
        "k": [(min(users[-1], 100_000), 10, k) for k in LENGTHS],
    }
    for values in ("real", "integer"):
        for semantics, agg in common.SETTINGS:
            for name, points in varied.items():
                largest = points[-1]["nlk".index(name)]
                label = f"{name} = {largest:,}: {values}, {common.named(semantics, agg)}"
                yield label, (values, semantics, agg, name, points)


def bench(case, race, benchmark):
    values, semantics, agg, name, points = case
    matrix = common.dense(max(n for n, _, _ in points), ITEMS, values).matrix
    parts = {n: Ratings.of(matrix[:n]) for n, _, _ in points}

    def at(n, groups, k):
        return lambda: form(parts[n], semantics, agg, groups, k)

    sizes = [point["nlk".index(name)] for point in points]
    smaller = {f"{name} = {size:,}": at(*point) for size, point in zip(sizes, points, strict=True)}
    smaller.popitem()
    n, groups, k = points[-1]
    times = race(
        at(n, groups, k),
        smaller,
        check=common.checker(parts[n], semantics, agg, groups, k),
        seconds=10,
    )
    if name == "n":
        by_size = [times[name] for name in [*smaller, ""]]
        benchmark.extra_info["against"].append(
            {
                "name": "exponent of n",
                "median": None,
                "ratio": exponent(sizes, np.median(by_size, axis=1)),
                "ratio of minima": exponent(sizes, np.min(by_size, axis=1)),
                "asked": "<= 1.05",
            }
        )


def exponent(sizes, seconds):
    """Fit seconds = c * size ** exponent by least squares of logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
