"""What is solved, how long it may take, and what is asked of the result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.quality.instances import KINDS

SEEDS = range(10)
PROVABLE = (("lm", "max"), ("lm", "min"), ("lm", "sum"), ("av", "max"))


@dataclass(frozen=True)
class Case:
    """One problem on one instance.

    Attributes
    ----------
    family, kind : str
    users, items : int
        0 where the data says it.
    seed : int
        Of the instance.
    semantics, agg : str
    groups, k : int
    limit : float
        Seconds.
    asked : str
    method : {"exact", "ip", "ip without symmetry", "refine"}
        With refine the seed is the method's, and the gap is to what exact proves in a minute.
    threads : int
    """

    family: str
    kind: str
    users: int
    items: int
    seed: int
    semantics: str
    agg: str
    groups: int
    k: int
    limit: float
    asked: str
    method: str = "exact"
    threads: int = 2

    @property
    def data(self) -> str:
        """Name of the data set, where the ratings are not made."""
        return "ml-1m" if self.family == "ml-1m" else "ml-100k"

    @property
    def solver(self) -> str:
        """Name of the method that solves it."""
        return self.method.partition(" ")[0]

    @property
    def max_size(self) -> int | None:
        """Most users of a group, where sizes are limited: a fifth more than if all were equal."""
        return -(-6 * self.users // (5 * self.groups)) if self.family == "sizes" else None

    @property
    def key(self) -> dict[str, str]:
        """What tells its row in the CSV file from others."""
        names = ("family", "kind", "users", "items", "seed", "semantics", "agg", "groups", "k")
        return {name: str(getattr(self, name)) for name in (*names, "limit", "threads", "method")}


def cases(family: str) -> Iterator[Case]:
    """All cases of a family."""
    yield from FAMILIES[family]()


def _small(family: str) -> Iterator[Case]:
    for kind in KINDS:
        for seed in SEEDS:
            for semantics, agg in PROVABLE:
                asked = "optimal; median <= 2 s, worst <= 10 s"
                yield Case(family, kind, 200, 100, seed, semantics, agg, 10, 5, 60, asked)
            yield Case(family, kind, 200, 100, seed, "av", "sum", 10, 5, 10, "gap <= 0.2 %")
            yield Case(family, kind, 200, 100, seed, "av", "min", 10, 5, 30, "gap <= 0.6 %")
            for agg in ("min", "sum"):
                asked = "optimal within 60 s"
                yield Case(family, kind, 200, 100, seed, "lm", agg, 10, 10, 60, asked)


def _generated() -> Iterator[Case]:
    yield from _small("generated")


def _uniform() -> Iterator[Case]:
    for case in _small("uniform"):
        yield replace(case, asked="")


def _ml_100k() -> Iterator[Case]:
    for kind in KINDS:
        for groups in (10, 50):
            for semantics, agg in PROVABLE:
                asked = "optimal within 5 s"
                yield Case("ml-100k", kind, 0, 0, 0, semantics, agg, groups, 5, 60, asked)
            yield Case("ml-100k", kind, 0, 0, 0, "av", "sum", groups, 5, 30, "gap <= 0.03 %")
            yield Case("ml-100k", kind, 0, 0, 0, "av", "min", groups, 5, 60, "gap <= 0.2 %")
        for agg in ("max", "min", "sum"):
            yield Case("ml-100k", kind, 0, 0, 0, "lm", agg, 150, 5, 60, "gap <= 0.03 %")


def _ml_1m() -> Iterator[Case]:
    for semantics, agg in (("lm", "max"), ("av", "max")):
        asked = "optimal within 60 s"
        yield Case("ml-1m", "half-star", 0, 0, 0, semantics, agg, 10, 5, 120, asked)
    for agg in ("min", "sum"):
        yield Case("ml-1m", "half-star", 0, 0, 0, "lm", agg, 10, 5, 600, "optimal within 600 s")
    yield Case("ml-1m", "half-star", 0, 0, 0, "av", "sum", 10, 5, 600, "gap <= 0.2 %")
    yield Case("ml-1m", "half-star", 0, 0, 0, "av", "min", 10, 5, 600, "gap <= 0.5 %")


SIZED = (
    ("lm", "max", 30, "optimal"),
    ("av", "max", 30, "optimal"),
    ("av", "sum", 30, "gap <= 0.25 %"),
    ("av", "min", 60, "gap <= 1 %"),
    ("lm", "min", 60, "gap <= 2.5 %"),
    ("lm", "sum", 60, ""),
)


def _sizes() -> Iterator[Case]:
    for kind in KINDS:
        for seed in SEEDS:
            for semantics, agg, limit, asked in SIZED:
                yield Case("sizes", kind, 200, 100, seed, semantics, agg, 10, 5, limit, asked)


def _refine() -> Iterator[Case]:
    for agg, asked in (("max", "0.01"), ("sum", "0.03"), ("min", "0.2")):
        for seed in range(5):
            where = ("refine", "real", 0, 0, seed, "av", agg, 10, 5, 10)
            yield Case(*where, f"gap <= {asked} %", "refine")
    for agg in ("max", "min", "sum"):
        for seed in range(5):
            yield Case("refine", "real", 0, 0, seed, "lm", agg, 10, 5, 10, "", "refine")


PROGRAM_SIZES = ((10, 10, 3, 2), (15, 12, 3, 2), (20, 15, 3, 3), (30, 20, 4, 3), (40, 30, 5, 3))


def _program() -> Iterator[Case]:
    sizes = (*PROGRAM_SIZES, (100, 60, 8, 4), (200, 100, 10, 5))
    for users, items, groups, k in sizes:
        for semantics in ("lm", "av"):
            for agg in ("max", "min", "sum"):
                for method in ("exact", "ip"):
                    where = (users, items, 0, semantics, agg, groups, k)
                    yield Case("program", "integer", *where, 60, "", method)


def _symmetry() -> Iterator[Case]:
    for users, items, groups, k in PROGRAM_SIZES[:3]:
        for semantics in ("lm", "av"):
            for agg in ("max", "min", "sum"):
                for method in ("ip", "ip without symmetry"):
                    where = (users, items, 0, semantics, agg, groups, k)
                    yield Case("symmetry", "integer", *where, 60, "", method)


FAMILIES = {
    "generated": _generated,
    "uniform": _uniform,
    "ml-100k": _ml_100k,
    "ml-1m": _ml_1m,
    "refine": _refine,
    "program": _program,
    "symmetry": _symmetry,
    "sizes": _sizes,
}
