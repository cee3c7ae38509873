"""Experiments that form groups while one setting varies: panels, their points and measures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from grouping.errors import InputError
from grouping.experiments.kept import Kept
from grouping.experiments.pool import Pool
from grouping.experiments.study import Asked, Row
from grouping.kernels.jit import threads as on_threads
from grouping.methods import METHODS, Budget, Method, Outcome
from grouping.objective import Score, ratings_on_lists, score
from grouping.problem import Problem
from grouping.ratings import Ratings

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

APART = (
    "panel",
    "data",
    "semantics",
    "agg",
    "users",
    "items",
    "groups",
    "k",
    "step",
    "density",
    "noise",
    "method",
    "run",
    "seed",
)
MEASURED = (
    "objective",
    "bound",
    "status",
    "formed",
    "satisfaction",
    "member_satisfaction",
    "size_min",
    "size_q1",
    "size_median",
    "size_q3",
    "size_max",
    "seconds_lists",
    "seconds_method",
    "seconds_score",
    "seconds",
    "note",
)
COLUMNS = APART + MEASURED

WARM_UP = 2_000
"""Users of the formation that is made first where times matter, so that no compiling is timed."""

REPEATS, SHORT = 3, 1.0
"""Where times matter, formations of fewer seconds are made so often, and the shortest counts."""

SAMPLE = ("data", "users", "items", "groups", "step", "density", "noise", "seed")
"""What the groups of a method that looks at ratings alone depend on."""

ITERATIONS = {"refine": 1}
"""Budgets in steps: what these methods find shall depend on the seed, not on the clock."""


@dataclass(frozen=True)
class Setting:
    """What a formation is made of, but for method and seed."""

    users: int
    items: int
    groups: int
    k: int
    semantics: str = "lm"
    agg: str = "max"
    data: str = "synthetic"
    step: float | None = None
    density: float | None = None
    noise: float = 0.5


@dataclass(frozen=True)
class Panel:
    """A diagram: one setting varies.

    Attributes
    ----------
    name : str
    vary : str
        Field of `Setting` on the horizontal axis.
    values : sequence
    base : Setting
        Of the others.
    y : str
        Measured column on the vertical axis.
    label : str
        Of that axis.
    methods : tuple of str
        Instead of the study's.
    """

    name: str
    vary: str
    values: Sequence[float | int | None]
    base: Setting
    y: str = "objective"
    label: str = "objective"
    methods: tuple[str, ...] = field(default=())


def on_given(panels: Sequence[Panel], asked: Asked, *, beyond: bool) -> list[Panel]:
    """Take the panels to the user's ratings.

    Parameters
    ----------
    panels : sequence of Panel
    asked : Asked
    beyond : bool
        What to do with sizes that the ratings do not have: True: the whole panel stays
        synthetic; False: they are left out.

    Returns
    -------
    panels : list of Panel
        Rounded as asked, but for sparse ratings, which are whole numbers.
    """
    panels = [
        panel
        if panel.base.data == "sparse"
        else replace(panel, base=replace(panel.base, step=asked.step))
        for panel in panels
    ]
    if asked.ratings is None:
        return panels
    n, m = asked.ratings.shape
    taken = []
    for panel in panels:
        most = {"users": n, "items": m, "groups": n, "k": m}.get(panel.vary)
        fitting = tuple(v for v in panel.values if most is None or v is None or v <= most)
        base = panel.base
        whole = len(fitting) == len(panel.values) and base.users <= n and base.items <= m
        if base.data == "synthetic" and (whole or not beyond):
            base = replace(base, users=min(base.users, n), items=min(base.items, m))
            base = replace(base, k=min(base.k, base.items), data="given")
            panel = replace(panel, base=base, values=fitting)
        taken.append(panel)
    return taken


def left_synthetic(panels: Sequence[Panel], asked: Asked) -> tuple[str, ...]:
    """Say which panels do not rest on the user's ratings.

    Parameters
    ----------
    panels : sequence of Panel
        From `on_given`.
    asked : Asked

    Returns
    -------
    notes : tuple of str
        None if there are no ratings, or all panels rest on them.
    """
    names = [f'"{panel.name}"' for panel in panels if panel.base.data != "given"]
    if asked.ratings is None or not names:
        return ()
    said = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return (f"Not on these ratings, which lack the sizes or gaps, but on synthetic ones: {said}.",)


def points_of(panels: Sequence[Panel], methods: Sequence[str], seeds: Sequence[int]) -> list[Row]:
    """Points of some panels: run by run, so that ratings are made once a run.

    Parameters
    ----------
    panels : sequence of Panel
    methods : sequence of str
    seeds : sequence of int
        One a run.

    Returns
    -------
    points : list of dict
        With the columns of `APART`.
    """
    points = []
    for run, seed in enumerate(seeds):
        for panel in panels:
            for value in panel.values:
                setting = vars(replace(panel.base, **{panel.vary: value}))  # type: ignore[arg-type]
                for method in panel.methods or methods:
                    apart = {"panel": panel.name, **setting, "method": method}
                    apart |= {"run": run, "seed": seed}
                    points.append({name: apart[name] for name in APART})
    return points


def pool_for(panels: Sequence[Panel], given: Ratings | None) -> Pool:
    """Make a pool that is large enough for the panels."""
    extent = [1, 1]
    for panel in panels:
        for value in panel.values:
            setting = replace(panel.base, **{panel.vary: value})  # type: ignore[arg-type]
            if setting.data == "synthetic":
                extent = [max(extent[0], setting.users), max(extent[1], setting.items)]
    return Pool(given, *extent)


class Measurer:
    """Makes the formation of a point and measures it.

    Groups of methods that look at ratings alone (`Method.blind`) are formed once a sample where
    that takes longer than `SHORT`: at points that differ in semantics, aggregation or list length
    they are the same, and so is the time that counts for them. They are kept in the folder, where
    a run that goes on, or another experiment on the same samples, finds them.

    Parameters
    ----------
    pool : Pool
    time_limit : float
        Seconds for methods that can prove an optimum; the others end by themselves.
    threads : int or None
    timed : bool
        Whether times matter.
    keep : Kept or None
        Where long clusterings are kept.
    """

    def __init__(
        self,
        pool: Pool,
        time_limit: float,
        threads: int | None,
        *,
        timed: bool = False,
        keep: Kept | None = None,
    ) -> None:
        self.pool, self.time_limit, self.threads, self.timed = pool, time_limit, threads, timed
        self.kept = keep
        self.warm: set[tuple[str, ...]] = set()

    def __call__(self, point: Row) -> Row:
        """Return what `MEASURED` names; None where the method does not do such problems."""
        ratings = self.pool.sample(
            point["data"],
            point["users"],
            point["items"],
            point["seed"],
            step=point["step"],
            density=point["density"],
            noise=point["noise"],
        )
        with on_threads(self.threads):
            try:
                if self.timed:
                    self._warm_up(point, ratings)
                found = [self._formed(point, ratings)]
                while self.timed and found[-1]["seconds"] < SHORT and len(found) < REPEATS:
                    found.append(self._formed(point, ratings))
                return min(found, key=lambda row: float(row["seconds"]))
            except InputError as error:
                refused: Row = dict.fromkeys(MEASURED)
                return refused | {"status": "refused", "note": str(error)}

    def _formed(self, point: Row, ratings: Ratings, *, keep: bool = True) -> Row:
        method = METHODS[point["method"]]
        budget = Budget(
            time_limit=self.time_limit if method.exact else None,
            iterations=ITERATIONS.get(method.name),
            seed=point["seed"],
        )
        begin = time.perf_counter()
        problem = Problem.of(ratings, point["semantics"], point["agg"], point["groups"], point["k"])
        listed = time.perf_counter()
        outcome, forming = self._run(point, method, problem, budget, keep)
        if outcome.status == "interrupted":  # such a point is none: it is measured anew
            raise KeyboardInterrupt
        made = time.perf_counter()
        found = score(problem, outcome.labels, outcome.lists)
        scoring = time.perf_counter() - made
        sizes = np.percentile(np.bincount(outcome.labels), [0, 25, 50, 75, 100]).tolist()
        groups_get, members_get = satisfaction(problem, outcome.labels, found)
        return {
            "objective": found.objective,
            "bound": outcome.bound,
            "status": outcome.status,
            "formed": len(found.satisfaction),
            "satisfaction": groups_get,
            "member_satisfaction": members_get,
            **dict(zip(MEASURED[6:11], sizes, strict=True)),
            "seconds_lists": listed - begin,
            "seconds_method": forming,
            "seconds_score": scoring,
            "seconds": listed - begin + forming + scoring,
            "note": "; ".join(outcome.advice),
        }

    def _run(
        self, point: Row, method: Method, problem: Problem, budget: Budget, keep: bool
    ) -> tuple[Outcome, float]:
        """Run a method and take its seconds, or look up what it found for the same ratings."""
        sample = [method.name, *(point[name] for name in SAMPLE)]
        kept = self.kept if keep and method.blind else None
        found = kept.find(sample) if kept else None
        if found:
            return found
        begin = time.perf_counter()
        outcome = method.run(problem, budget)
        seconds = time.perf_counter() - begin
        if kept and seconds >= SHORT:
            kept.keep(sample, outcome, seconds)
        return outcome, seconds

    def _warm_up(self, point: Row, ratings: Ratings) -> None:
        """Form groups of some users first: what is compiled then is not timed."""
        problem = (point["method"], point["semantics"], point["agg"])
        kind = (*problem, str(ratings.dtype), str(ratings.sparse))
        if kind in self.warm:
            return
        self.warm.add(kind)
        few = ratings.matrix[:WARM_UP]
        self._formed(point, Ratings.of(few).with_matrix(few, fill=ratings.fill), keep=False)


def satisfaction(problem: Problem, labels: NDArray[np.int64], found: Score) -> tuple[float, float]:
    """Average satisfaction over the whole list, whatever the aggregation (paper, 7.1.2).

    Parameters
    ----------
    problem : Problem
    labels : int64 array, shape (n,)
    found : Score

    Returns
    -------
    of_groups : float
        The paper's measure: the mean over groups of the sum over the list of the members'
        average rating.
    of_members : float
        The mean over members of the sum of their own ratings of their list. (A large group
        counts by its size here and as one in the other.)
    """
    totals = ratings_on_lists(problem, labels, found.lists).sum(axis=1)
    sizes = np.bincount(labels)
    by_group = np.bincount(labels, weights=totals) / sizes
    return float(by_group.mean()), float(totals.mean())


def averages(frame: pd.DataFrame, panels: Sequence[Panel]) -> pd.DataFrame:
    """Average the runs of every point.

    Parameters
    ----------
    frame : pandas.DataFrame
    panels : sequence of Panel

    Returns
    -------
    table : pandas.DataFrame
        Columns panel, x, method, runs, mean, least, most, and proven: how many of the runs' results
        are proven optima.
    """
    import pandas as pd

    parts = []
    for panel in panels:
        part = frame[(frame["panel"] == panel.name) & frame[panel.y].notna()]
        part = part.assign(proven=part["status"] == "optimal")
        grouped = part.groupby([panel.vary, "method"], sort=False, dropna=False)
        table = grouped.agg(
            runs=(panel.y, "count"),
            mean=(panel.y, "mean"),
            least=(panel.y, "min"),
            most=(panel.y, "max"),
            proven=("proven", "sum"),
        ).reset_index()
        table = table.rename(columns={panel.vary: "x"})
        table.insert(0, "panel", panel.name)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)
